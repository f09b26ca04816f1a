"""What every peer is asked: the series, the split, the tested origins and the scores, the same for all.

In: a CSV file and a horizon from the command line. Out: one JSON line on standard output.

A peer script imports nothing slow at its top: `run` counts its imports among its seconds.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TARGETS = ("Adj Close", "Close")
# Of the quantiles that are scored, as in `forecast`; the fourth is the median.
LEVELS = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)


@dataclass(frozen=True, eq=False)
class Task:
    """A series and what is to be forecast of it.

    Attributes:
        target: The series, shape (T,), float64.
        horizon: Steps H ahead of an origin, the last known row.
        validation: The first validation row; training rows come before it.
        test: The first test row.
        seconds: How long each stage took, by name.
    """

    target: Any
    horizon: int
    validation: int
    test: int
    seconds: dict[str, float] = field(default_factory=dict)

    def timed(self, stage: str, work: Callable[[], Any]) -> Any:
        """What `work` returns; its seconds are noted under `stage`."""
        started = time.perf_counter()
        result = work()
        self.seconds[stage] = time.perf_counter() - started
        return result


def load(path: Path, horizon: int) -> Task:
    """The adjusted close, else the close, else the last column; 70 % training, 10 % validation, 20 % test."""
    import pandas as pd

    frame = pd.read_csv(path)
    column = next((name for name in TARGETS if name in frame.columns), frame.columns[-1])
    target = frame[column].dropna().to_numpy("float64")
    rows = len(target)
    return Task(target, horizon, validation=int(rows * 0.7), test=int(rows * 0.8))


def windows(levels: Any, first: int, stop: int, *, lookback: int, horizon: int) -> tuple[Any, Any]:
    """Inputs (N, L, 1) and labels (N, H) of the origins at or after row `first` whose labels lie before row `stop`."""
    import numpy as np
    from numpy.lib.stride_tricks import sliding_window_view

    origin = np.arange(max(first, lookback - 1), stop - horizon)
    x = sliding_window_view(levels, lookback)[origin - lookback + 1]
    y = sliding_window_view(levels, horizon)[origin + 1]
    return x[:, :, None].astype("float32"), y.astype("float32")


def three_parts(task: Task, levels: Any, *, lookback: int) -> list[tuple[Any, Any]]:
    """Windows of the training, validation and test rows; labels never run past their part."""
    bounds = ((0, task.validation), (task.validation, task.test), (task.test, len(levels)))
    return [windows(levels, first - 1, stop, lookback=lookback, horizon=task.horizon) for first, stop in bounds]


def scores(task: Task, forecasts: Any) -> dict[str, float]:
    """MAE over that of the naive forecast, and CRPS in the series' unit, over all tested origins and steps.

    The CRPS is twice the mean pinball loss over `LEVELS`; for a forecast of one value it is the MAE.

    Args:
        forecasts: Shape (N, H), or (N, H, 7) with quantiles of `LEVELS`: from every origin from the last row before the
            test rows to the last whose H steps are all known, oldest first.
    """
    import numpy as np
    from numpy.lib.stride_tricks import sliding_window_view

    actual = sliding_window_view(task.target[task.test :], task.horizon)
    quantiles = np.sort(forecasts, axis=2) if forecasts.ndim == 3 else np.repeat(forecasts[..., None], len(LEVELS), 2)
    if quantiles.shape != (*actual.shape, len(LEVELS)):
        raise ValueError(f"forecasts must have shape {actual.shape}. Received: {forecasts.shape}.")
    naive = task.target[task.test - 1 : len(task.target) - task.horizon, None]
    error, level = actual[..., None] - quantiles, np.array(LEVELS)
    return {
        "mae_vs_naive": float(np.abs(error[..., 3]).mean() / np.abs(actual - naive).mean()),
        "crps": float(2 * np.maximum(level * error, (level - 1) * error).mean()),
    }


def run(predict_all: Callable[[Task], Any]) -> None:
    """Reads the command line, has all tested origins forecast, and prints scores and seconds as one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--horizon", type=int, default=1)
    arguments = parser.parse_args()
    started = time.perf_counter()
    task = load(arguments.file, arguments.horizon)
    task.seconds["load"] = time.perf_counter() - started
    found = scores(task, predict_all(task))
    seconds = {stage: round(value, 3) for stage, value in task.seconds.items()}
    print(json.dumps({**found, "seconds": seconds}))
