"""What grows with what: training, backtest and forecast against rows, series, horizon and lookback.

    .venv/bin/python benchmarks/growth.py                  all four, in some 20 minutes; writes benchmarks/growth.md
    .venv/bin/python benchmarks/growth.py rows --model lstm

Each point is a process of its own, which loads Keras before its clock starts and is ended after LIMIT seconds. Seconds
are those of the processor, so that other processes count little; memory is the most that the process had.
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
LIMIT = 300
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
# Seconds below which a slope says nothing.
NOISE = 0.2


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
    options = {"horizon": point["horizon"], "lookback": point["lookback"], "season": 7}
    trained = _timed("train", lambda: forecast.train(several, model, **options))
    _timed("backtest", lambda: [trained.backtest(one) for one in several])
    _timed("predict", lambda: trained.predict_all(several))


def _timed(task: str, work: Callable[[], Any]) -> Any:
    import resource

    begun = time.process_time()
    found = work()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"task": task, "seconds": time.process_time() - begun, "memory": memory}), flush=True)
    return found


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


def slope(points: list[tuple[int, float]]) -> str:
    """The exponent with which seconds grew over the last two points that took long enough."""
    long = [(value, seconds) for value, seconds in points if seconds >= NOISE]
    if len(long) < 2:
        return "too little to tell"
    (before, fewer), (after, more) = long[-2:]
    exponent = math.log(more / fewer) / math.log(after / before)
    return f"{exponent:.2f}" + (" (worse than linear)" if exponent > LINEAR else "")


def tables(found: dict[str, dict[int, dict[str, dict[str, float]]]]) -> str:
    """One table an axis, and the slopes below it."""
    text = ""
    for axis, values in found.items():
        text += f"## {axis}\n\n| {axis} | {' | '.join(f'{task} [s]' for task in TASKS)} | memory [MiB] |\n"
        text += f"|---|{'---|' * (len(TASKS) + 1)}\n"
        for value, tasks in values.items():
            cells = [f"{tasks[task]['seconds']:.2f}" if task in tasks else "" for task in TASKS]
            memory = max((one["memory"] for one in tasks.values()), default=math.nan)
            text += f"| {value:,} | {' | '.join(cells)} | {memory:,.0f} |\n"
        slopes = [
            f"{task} {slope([(value, tasks[task]['seconds']) for value, tasks in values.items() if task in tasks])}"
            for task in TASKS
        ]
        text += f"\nSlopes: {', '.join(slopes)}.\n\n"
    return text


def main() -> None:
    """Measure, print, and write the results once all four are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("axes", nargs="*", default=list(AXES), help=f"some of {', '.join(AXES)}")
    parser.add_argument("--model", default="dense")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.point:
        measure(json.loads(given.point), given.model)
        return
    found = {axis: {value: run(axis, value, given.model) for value in AXES[axis]} for axis in given.axes}
    text = tables(found)
    print(text)
    if given.axes == list(AXES):
        RESULTS.write_text(
            f"# What grows with what\n\nWritten by `.venv/bin/python benchmarks/growth.py --model {given.model}` on "
            f"{datetime.now(UTC):%Y-%m-%d}. Not edited by hand.\n\n- Machine: {machine.describe()}.\n"
            f"- {given.model}; where it is not the axis on {USUAL['rows']:,} rows of one series, "
            f"{USUAL['horizon']} steps ahead from {USUAL['lookback']} rows; of several series {OF_MANY['rows']} rows, "
            f"{OF_MANY['horizon']} steps ahead from {OF_MANY['lookback']}.\n"
            "- Seconds of the processor, without the import of Keras; training takes a fixed number of steps, of many "
            "series as many more as the root of their number. A backtest forecasts from every origin of the last fifth "
            "of the rows, a forecast from the last row.\n"
            f"- A slope is the exponent over the last two points: 1 is linear. A point that is not done within {LIMIT} "
            "s is empty.\n- Worse than linear by its mathematics: the highway is a ridge regression on all rows of a "
            "window, whose products grow with the square of the lookback and whose solution grows with its "
            f"cube.\n\n{text}",
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()
