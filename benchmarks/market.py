"""What a comparison of many series costs: --jobs 1 beside --jobs 2 and Ray, a series and step; memory of a worker.

    .venv/bin/python benchmarks/market.py                         200 series, 3 models, 3 folds; 500 trainings
    .venv/bin/python benchmarks/market.py --series 8 --trainings 20 --out /tmp/market.md

Each way is a process of its own, timed from its start to its end, with a new folder, one after the other. Results go to
benchmarks/market.md. Leave the machine alone meanwhile.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import machine
import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "market.md"
MODELS, FOLDS, ROWS = ["dense", "esn", "linear"], 3, 1000
WAYS = {"--jobs 1": (1, "local"), "--jobs 2": (2, "local"), "--engine ray --jobs 2": (2, "ray")}
TABLES = ("scores.csv", "by_fold.csv", "by_step.csv", "models.csv", "compare.json")
COMPARE = """
import json, sys, time
import forecast
from forecast.data.sources import expand
market, out, jobs, engine, models, folds = json.loads(sys.argv[1])
moments = {}
def on_progress(news):
    moments.setdefault(news.stage, [time.perf_counter(), 0])[1] = time.perf_counter()
forecast.compare(expand(market), models=models, plan=forecast.WalkForward(folds=folds), out=out, jobs=jobs,
                 engine=engine, on_progress=on_progress)
print(json.dumps({stage: end - start for stage, (start, end) in moments.items()}))
"""
# One worker trains the same network again and again; its memory after each.
MEMORY = """
import json, sys, time
from pathlib import Path
import numpy as np, pandas as pd
import forecast
from forecast.runtime.devices import load_keras
from forecast.runtime.parallel import run_jobs
trainings, length = map(int, sys.argv[1].split())
def once(seed):
    random, dates = np.random.default_rng(seed), pd.bdate_range("2020-01-01", periods=length)
    series = forecast.load(pd.Series(100 + random.normal(size=length).cumsum(), dates, name="y"))
    begun = time.perf_counter()
    forecast.train(series, "lstm", forecast.ExperimentConfig())
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return time.perf_counter() - begun, pages * 4096 / 2**20
done = sorted(run_jobs(once, range(trainings), workers=1, initializer=load_keras), key=lambda one: one.place)
print(json.dumps([one.result for one in done]))
"""


def write_market(folder: Path, series: int) -> None:
    """Random walks, a Parquet file each."""
    dates = pd.bdate_range(end="2026-11-20", periods=ROWS, name="Date")
    for number in range(series):
        walk = 100 * np.exp(np.random.default_rng(number).normal(0, 0.01, ROWS).cumsum())
        pd.DataFrame({"Close": walk}, index=dates).reset_index().to_parquet(folder / f"t{number:05d}.parquet")


def child(script: str, argument: str) -> tuple[float, object]:
    """Seconds of a process from start to end, and what it said."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    command = [sys.executable, "-c", script, argument]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  our own
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - started, json.loads(done.stdout.splitlines()[-1])


def same(one: Path, other: Path) -> bool:
    """Whether two comparisons wrote the same tables, to the last byte."""
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in TABLES)


def compare_ways(series: int) -> list[str]:
    """The rows of the table of ways."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        market = Path(folder, "market")
        market.mkdir()
        write_market(market, series)
        first = 0.0
        for number, (name, (jobs, engine)) in enumerate(WAYS.items()):
            out = Path(folder, str(number))
            seconds, stages = child(COMPARE, json.dumps([str(market), str(out), jobs, engine, MODELS, FOLDS]))
            first = first or seconds
            costs = " | ".join(f"{1000 * stages[stage] / series:.0f}" for stage in ("series", "trainings", "verdicts"))
            alike = "yes" if same(Path(folder, "0"), out) else "NO"
            lines.append(f"| `{name}` | {seconds:.1f} | {first / seconds:.2f} | {costs} | {alike} |")
            print(lines[-1], flush=True)
    return lines


def memory_lines(trainings: int) -> list[str]:
    """Memory of a worker after some of its trainings, and the seconds of each."""
    _, done = child(MEMORY, f"{trainings} {ROWS}")
    shown = sorted({0, trainings // 10, trainings // 4, trainings // 2, trainings - 1})
    usual = f"Half of the trainings took at most {statistics.median(seconds for seconds, _ in done):.2f} s."
    return [*(f"| {place + 1} | {done[place][0]:.2f} | {done[place][1]:.0f} |" for place in shown), "", usual]


def main() -> None:
    """Measures and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=200)
    parser.add_argument("--trainings", type=int, default=500)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    command = f"benchmarks/market.py --series {options.series} --trainings {options.trainings}"
    lines = [
        "# A comparison of many series",
        "",
        f"Written by `.venv/bin/python {command}` on {datetime.now(UTC):%Y-%m-%d}. Not edited by hand.",
        "",
        f"- Machine: {machine.describe()}.",
        f"- {options.series} random walks of {ROWS:,} rows, a Parquet file each; {', '.join(MODELS)} and the three "
        f"baselines; {FOLDS} folds, horizon 30.",
        "- Seconds: of a whole process from its start to its end, the start of Keras and of Ray included.",
        "",
        "| way | seconds | times as fast | read [ms each] | train [ms each] | judge [ms each] | same tables |",
        "|---|---|---|---|---|---|---|",
        *compare_ways(options.series),
        "",
        f"A worker that trains LSTM networks of the default size on {ROWS:,} rows, one after the other:",
        "",
        "| training | seconds | memory [MB] |",
        "|---|---|---|",
        *memory_lines(options.trainings),
    ]
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"Results are in {options.out}")


if __name__ == "__main__":
    main()
