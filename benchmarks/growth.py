"""What grows with what: training, backtest and forecast against rows, series, horizon and lookback.

    .venv/bin/python benchmarks/growth.py                  all four, in half an hour; writes benchmarks/growth.md
    .venv/bin/python benchmarks/growth.py rows --model lstm
    .venv/bin/python benchmarks/growth.py --without series=100000

Each point is a process of its own, which loads Keras before its clock starts and is ended after LIMIT seconds. Seconds
are those of the processor, so that other processes count little; memory is the most that the process had in a task
beyond what it held before the first one: libraries and series (Linux).
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import machine

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
RESULTS = ROOT / "benchmarks" / "growth.md"
LIMIT = 1200
# What each point has where it is not the axis; rows are those of each series.
USUAL = {"rows": 10_000, "series": 1, "horizon": 30, "lookback": 64}
OF_MANY = {"rows": 200, "horizon": 12, "lookback": 32}
AXES = {
    "rows": (1_000, 10_000, 100_000, 1_000_000),
    "series": (1, 10, 100, 1_000, 10_000, 100_000),
    "horizon": (1, 7, 30, 120, 720),
    "lookback": (16, 64, 256, 1_024, 2_048),
}
TASKS = ("train", "backtest", "predict")
# A slope above this, over the last two points, is worse than linear.
LINEAR = 1.15
# Seconds, and MiB, below which a slope says nothing.
NOISE = {"seconds": 0.2, "memory": 20}
UNITS = {"seconds": "s", "memory": "MiB"}


def make(rows: int, number: int) -> Any:
    """A series with a week and a walk."""
    import numpy as np
    import pandas as pd

    from forecast import TimeSeries

    random, step = np.random.default_rng(number), np.arange(rows)
    y = 100 + 5 * np.sin(step * 2 * np.pi / 7) + np.cumsum(random.normal(0, 0.3, rows))
    index = pd.date_range("1900-01-01", periods=rows, freq="h" if rows > 50_000 else "D")
    return TimeSeries(f"s{number}", index, y[:, None], ("y",), "y")


def measure(point: dict[str, int], model: str) -> None:
    """Print the seconds of each task at one point as they come, one JSON value a line."""
    import resource

    import forecast
    from forecast.runtime import devices

    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
    devices.load_keras()
    several = [make(point["rows"], number) for number in range(point["series"])]
    options, held = {"horizon": point["horizon"], "lookback": point["lookback"], "season": 7}, _memory("VmRSS")
    trained = _timed("train", lambda: forecast.train(several, model, **options), held)
    _timed("backtest", lambda: sum(len(trained.backtest(one).origin) for one in several), held)
    _timed("predict", lambda: trained.predict_all(several), held)


def _timed(task: str, work: Callable[[], Any], held: float) -> Any:
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    begun = time.process_time()
    found = work()
    seconds, memory = time.process_time() - begun, max(0.0, _memory("VmHWM") - held)
    print(json.dumps({"task": task, "seconds": seconds, "memory": memory}), flush=True)
    return found


def _memory(name: str) -> float:
    """MiB that the process has (VmRSS), or has had at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def run(axis: str, value: int, model: str) -> dict[str, dict[str, float]]:
    """The seconds and MiB of each task at one point; none of those that the limit cut off."""
    point = USUAL | (OF_MANY if axis == "series" else {}) | {axis: value}
    command = [sys.executable, __file__, "--point", json.dumps(point), "--model", model]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    printed, errors = process.communicate()
    found = {one.pop("task"): one for one in map(json.loads, printed.splitlines())}
    ended = f"not done within {LIMIT} s" if process.returncode < 0 else errors.strip().rpartition("\n")[2]
    print(f"{axis} {value:,}: {found or ended}" + ("" if len(found) == len(TASKS) else f" ({ended})"), flush=True)
    return found


def slope(points: list[tuple[int, float]], what: str) -> str:
    """The exponent with which seconds or memory grew over the last two points at which there was enough of it."""
    large = [(value, amount) for value, amount in points if amount >= NOISE[what]]
    if len(large) < 2:
        return "too little to tell"
    (before, fewer), (after, more) = large[-2:]
    exponent = math.log(more / fewer) / math.log(after / before)
    return f"{exponent:.2f}" + (" (worse than linear)" if exponent > LINEAR else "")


def tables(found: dict[str, dict[int, dict[str, dict[str, float]]]]) -> str:
    """One table an axis, its slopes in the last row."""
    text, columns = "", [(task, what) for what in UNITS for task in TASKS]
    for axis, values in found.items():
        text += f"## {axis}\n\n| {axis} | {' | '.join(f'{task} [{UNITS[what]}]' for task, what in columns)} |\n"
        text += f"|---|{'---|' * len(columns)}\n"
        for value, tasks in values.items():
            cells = [
                f"{tasks[task][what]:,.{2 if what == 'seconds' else 0}f}" if task in tasks else ""
                for task, what in columns
            ]
            text += f"| {value:,} | {' | '.join(cells)} |\n"
        slopes = [
            slope([(value, tasks[task][what]) for value, tasks in values.items() if task in tasks], what)
            for task, what in columns
        ]
        text += f"| slope | {' | '.join(slopes)} |\n\n"
    return text


def main() -> None:
    """Measure, print, and write the results once all four are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("axes", nargs="*", default=list(AXES), help=f"some of {', '.join(AXES)}")
    parser.add_argument("--model", default="dense")
    parser.add_argument("--without", action="append", default=[], metavar="AXIS=VALUE", help="leave out a point")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.point:
        measure(json.loads(given.point), given.model)
        return
    points = {axis: [value for value in AXES[axis] if f"{axis}={value}" not in given.without] for axis in given.axes}
    found = {axis: {value: run(axis, value, given.model) for value in values} for axis, values in points.items()}
    left_out = f" Left out: {', '.join(given.without)}." if given.without else ""
    text = tables(found)
    print(text)
    if given.axes == list(AXES):
        RESULTS.write_text(
            f"# What grows with what\n\nWritten by `.venv/bin/python benchmarks/growth.py --model {given.model}"
            f"{''.join(f' --without {one}' for one in given.without)}` on "
            f"{datetime.now(UTC):%Y-%m-%d}. Not edited by hand.\n\n- Machine: {machine.describe()}.\n"
            f"- {given.model}; where it is not the axis on {USUAL['rows']:,} rows of one series, "
            f"{USUAL['horizon']} steps ahead from {USUAL['lookback']} rows; of several series {OF_MANY['rows']} rows, "
            f"{OF_MANY['horizon']} steps ahead from {OF_MANY['lookback']}.\n"
            "- Seconds of the processor, without the import of Keras; training takes a fixed number of steps, of many "
            "series as many more as the root of their number. A backtest forecasts from every origin of the last fifth "
            "of the rows, a forecast from the last row.\n"
            "- Memory is the most that the process had in the task, beyond libraries and series.\n"
            f"- A slope is the exponent over the last two points: 1 is linear. A point that is not done within {LIMIT} "
            f"s is empty.{left_out}\n- Worse than linear by its mathematics: the highway is a ridge regression on all "
            "rows of a window, whose products grow with the square of the lookback, in time and in memory, and whose "
            "solution grows with its cube.\n- Backtests and forecasts of many rows are made part by part; a backtest "
            f"keeps its quantiles and what came, of a million rows 48 million numbers.\n\n{text}",
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()
