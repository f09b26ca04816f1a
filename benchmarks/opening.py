"""How long a forecast takes in a cold process: at once, by a saved model, by the same through Keras; and many series.

    make bench                                  or .venv/bin/python benchmarks/opening.py --repeat 9

Each contender is a process of its own, timed from its start to its end, in turns after one round to warm up; a
thousand series at once, without a model, and ten thousand are forecast once. Results go to benchmarks/opening.md. Leave
the machine alone meanwhile: the results say how busy others kept it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import machine
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "opening.md"
DATA = ROOT / "data" / "sp500.csv"
SERIES, ROWS = 1000, 500
TICKERS, DAYS = 10_000, 1000
# Seconds between two looks at the memory of a process and those that it started.
LOOK = 0.25
KERAS = """
import json, sys
import keras, numpy as np, pandas as pd
about = json.load(open(sys.argv[1] + "/bundle.json"))
network = keras.saving.load_model(sys.argv[1] + "/model.keras", safe_mode=True)
rows = pd.read_csv(sys.argv[2])[about["target"]].to_numpy()[-about["config"]["lookback"] - 1 :]
moves, scale = np.diff(rows), np.abs(np.diff(rows)).mean()
units = np.sort(network.predict((moves / scale)[None, :, None], verbose=0)[0, 0])
print(json.dumps((rows[-1] + units * scale * np.sqrt(np.arange(1, len(units) + 1))[:, None]).tolist()))
"""


# Writes a dataset in folders; in a process of its own, for the same reason as `wide_file` does without pandas.
MARKET = """
import sys
from pathlib import Path
import numpy as np, pyarrow as pa
from pyarrow import parquet
folder, tickers, days = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
random, dates = np.random.default_rng(0), np.busday_offset("2021-01-04", np.arange(days)).astype("M8[us]")
for number in range(tickers):
    place = folder / f"ticker=T{number:05d}"
    place.mkdir(parents=True)
    walk = 100 * np.exp(np.cumsum(0.01 * random.normal(size=days)))
    parquet.write_table(pa.table({"Date": dates, "Close": walk}), place / "part-0.parquet")
"""


def wide_file(path: Path) -> None:
    """A thousand random walks of 500 business days, one column each.

    Without pandas: a process begins with as much memory in its record as the one that starts it.
    """
    walks = 100 * np.exp(np.cumsum(0.01 * np.random.default_rng(0).normal(size=(ROWS, SERIES)), axis=0))
    days = np.busday_offset("2022-01-03", np.arange(ROWS))
    with path.open("w") as file:
        file.write(",".join(["Date", *(f"S{number:04d}" for number in range(SERIES))]) + "\n")
        for day, values in zip(days, walks, strict=True):
            file.write(",".join([str(day), *(f"{value:.4f}" for value in values)]) + "\n")


def contenders(model: Path, wide: Path) -> dict[str, list[str]]:
    """The command of each."""
    predict = [sys.executable, "-m", "forecast", "predict"]
    return {
        "forecast predict data/sp500.csv --model DIR --json": [*predict, str(DATA), "--model", str(model), "--json"],
        "keras.saving.load_model, the same network": [sys.executable, "-c", KERAS, str(model), str(DATA)],
        "forecast predict data/sp500.csv --model DIR --json --backend keras": [
            *[*predict, str(DATA), "--model", str(model), "--json", "--backend", "keras"]
        ],
        f"forecast predict WIDE:* --model DIR --json, {SERIES:,} series of {ROWS} rows": [
            *[*predict, f"{wide}:*", "--model", str(model), "--json"]
        ],
        "forecast predict data/sp500.csv --json, without a model": [*predict, str(DATA), "--json"],
    }


def run_once(command: list[str], together: bool = False) -> tuple[float, float, float]:
    """Seconds from start to end, processor seconds, and the most memory in MB; of all processes `together`."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
    memory = watch_memory(process.pid) if together else 0.0
    answer = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    json.loads(answer)
    return seconds, usage.ru_utime + usage.ru_stime, memory or usage.ru_maxrss / 1024


def watch_memory(process: int) -> float:
    """The most memory in MB that a process and those that it started share out among them, until it ends."""
    most = 0.0
    while (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
        most = max(most, sum(map(own_memory, family(process))))
        time.sleep(LOOK)
    return most


def family(process: int) -> list[int]:
    """A process and all that descend from it."""
    try:
        threads = list((Path("/proc") / str(process) / "task").glob("*/children"))
        children = [int(child) for thread in threads for child in thread.read_text().split()]
    except OSError:
        return []
    return [process, *(one for child in children for one in family(child))]


def own_memory(process: int) -> float:
    """MB of a process, pages that it shares counted in parts."""
    try:
        lines = (Path("/proc") / str(process) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def market(model: Path, folder: Path) -> dict[str, list[tuple[float, float, float]]]:
    """Ten thousand series into one Parquet file."""
    numbers = str(TICKERS), str(DAYS)
    subprocess.run([sys.executable, "-c", MARKET, str(folder / "market"), *numbers], check=True)  # noqa: S603
    command = [sys.executable, "-m", "forecast", "predict", str(folder / "market"), "--model", str(model), "--json"]
    name = f"forecast predict FOLDER --model DIR --out FILE, {TICKERS:,} series of {DAYS:,} rows from Parquet, once"
    outcome = run_once([*command, "--out", str(folder / "forecasts.parquet")], together=True)
    print(f"{name}: {outcome[0]:.1f} s, {outcome[2]:.0f} MB in all processes", flush=True)
    return {name: [outcome]}


def at_once(wide: Path) -> dict[str, list[tuple[float, float, float]]]:
    """A thousand series by the network that comes with the package, each with its test."""
    name = f"forecast predict WIDE:* --json, without a model, {SERIES:,} series of {ROWS} rows, once"
    outcome = run_once([sys.executable, "-m", "forecast", "predict", f"{wide}:*", "--json"])
    print(f"{name}: {outcome[0]:.1f} s, {outcome[1]:.1f} of the processor, {outcome[2]:.0f} MB", flush=True)
    return {name: [outcome]}


def measure(commands: dict[str, list[str]], repeat: int) -> dict[str, list[tuple[float, float, float]]]:
    """All contenders in turns; the first round is forgotten."""
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for number in range(repeat + 1):
        for name, command in commands.items():
            outcome = run_once(command)
            print(f"round {number} of {repeat}, {name}: {outcome[0]:.2f} s, {outcome[2]:.0f} MB", flush=True)
            if number:
                found[name].append(outcome)
    return found


def page(found: dict[str, list[tuple[float, float, float]]], repeat: int, others: float) -> str:
    """The results as Markdown."""
    rows = []
    first = median(next(iter(found.values())), 0)
    for name, outcomes in found.items():
        seconds = [outcome[0] for outcome in outcomes]
        span = f"{min(seconds):.2f} .. {max(seconds):.2f}"
        numbers = f"{median(outcomes, 0):.2f} | {span} | {median(outcomes, 1):.2f} | {median(outcomes, 2):.0f}"
        rows.append(f"| `{name}` | {numbers} | {median(outcomes, 0) / first:.1f} |")
    return "\n".join(
        [
            "# A forecast in a cold process",
            "",
            f"Written by `.venv/bin/python benchmarks/opening.py --repeat {repeat}` on {datetime.now(UTC):%Y-%m-%d}. "
            "Not edited by hand.",
            "",
            f"- Machine: {machine.describe()}.",
            f"- Other processes kept {others:.1f} cores busy; above 0.2 the times are too long.",
            "- Seconds: from the start of a process to its end; files, byte code and sessions of the exchange are "
            f"there from the round before. Medians of {repeat} rounds in turns.",
            "- The model: `forecast train data/sp500.csv`, two layers of 32 LSTM cells, 30 steps, seven quantiles.",
            f"- Memory: of the process; for {TICKERS:,} series of all processes together.",
            "",
            "| process | median [s] | min .. max [s] | processor [s] | memory [MB] | times the first |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def median(outcomes: list[tuple[float, float, float]], place: int) -> float:
    """The median of one of the numbers."""
    return statistics.median(outcome[place] for outcome in outcomes)


def watched(work: Callable[[], dict]) -> tuple[dict, float]:
    """What `work` gives, and how many cores others kept busy meanwhile."""
    started, (busy, ours) = time.perf_counter(), machine.processor_seconds()
    result = work()
    busy, ours = (after - before for after, before in zip(machine.processor_seconds(), (busy, ours), strict=True))
    return result, max(0.0, busy - ours) / (time.perf_counter() - started)


def main() -> None:
    """Trains, measures, writes."""
    parser = argparse.ArgumentParser(description="Times forecasts in cold processes, and writes benchmarks/opening.md.")
    parser.add_argument("--repeat", type=int, default=9)
    repeat = parser.parse_args().repeat
    with tempfile.TemporaryDirectory() as folder:
        model, wide = Path(folder) / "model", Path(folder) / "wide.csv"
        train = [sys.executable, "-m", "forecast", "train", str(DATA), "--save", str(model)]
        subprocess.run(train, check=True, capture_output=True, env=os.environ | {"PYTHONPATH": str(ROOT)})  # noqa: S603
        wide_file(wide)
        commands = contenders(model, wide)
        found, others = watched(lambda: measure(commands, repeat) | at_once(wide) | market(model, Path(folder)))
    RESULTS.write_text(page(found, repeat, others))


if __name__ == "__main__":
    main()
