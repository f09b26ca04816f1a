"""Forecasts that need no training: what every network has to beat.

Their points are one line each (Hyndman and Athanasopoulos 2021, section 5.2). Their intervals are the quantiles of
their own errors on the training rows, measured in each window's scale, so that they follow the volatility as the
networks' intervals do.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecast.config import QUANTILES
from forecast.data.windows import Blocks, Inputs, Panel, Split, origins
from forecast.errors import SeriesTooShort
from forecast.models.estimator import Callbacks, Fit, Problem, Weights, lively, residual_quantiles, window_blocks
from forecast.typing import Array, Rows

Point = Callable[[Array, Rows, Problem], Array]


def naive(target: Array, origin: Rows, problem: Problem) -> Array:
    """Tomorrow is like today: the last value, for every step."""
    return np.repeat(target[origin, None], problem.horizon, axis=1)


def drift(target: Array, origin: Rows, problem: Problem) -> Array:
    """The line from the first known value through the last one."""
    steps = np.arange(1, problem.horizon + 1)
    slope = (target[origin] - target[0]) / origin
    return np.asarray(target[origin, None] + slope[:, None] * steps)


def seasonal_naive(target: Array, origin: Rows, problem: Problem) -> Array:
    """The value of the same phase one season ago."""
    steps = np.arange(1, problem.horizon + 1)
    seasons = -(-steps // problem.season)
    rows = origin[:, None] + steps - problem.season * seasons
    if rows.size and rows.min() < 0:
        raise SeriesTooShort(
            f"seasonal_naive needs one whole season before a forecast. Received: season={problem.season} and "
            f"{origin.min() + 1} rows. Use a longer series or a smaller --season."
        )
    return np.asarray(target[rows])


@dataclass(frozen=True)
class Baseline:
    """A point forecast with the spread of its own errors on the training rows."""

    name: str
    summary: str
    point: Point
    learned: bool = False
    is_network: bool = False

    def shapes(self, problem: Problem) -> dict[str, tuple[int | None, ...]]:
        return {"residuals": (problem.horizon, len(QUANTILES))}

    def blocks(self, inputs: Inputs, origin: Rows, problem: Problem) -> Blocks:
        return window_blocks(inputs, origin, problem)

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:  # noqa: ARG002
        residuals = [self._residuals(inputs, split, problem) for inputs, split in panel]
        return Fit({"residuals": residual_quantiles(np.concatenate(residuals))})

    def _residuals(self, inputs: Inputs, split: Split, problem: Problem) -> Array:
        """Normalised errors on the training rows of one series, shape (N, H)."""
        first = max(problem.lookback, problem.season)
        origin = origins(first, split.validation, horizon=problem.horizon)
        if not len(origin):
            raise SeriesTooShort(
                f"{self.name} needs more training rows than season={problem.season} and "
                f"horizon={problem.horizon} together. Received: {split.validation}."
            )
        blocks = lively(self.blocks(inputs, origin, problem))
        return np.asarray(blocks.y[:, 0] - self._normalised(blocks, problem))

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        return self._normalised(blocks, problem)[:, :, None] + weights["residuals"]

    def _normalised(self, blocks: Blocks, problem: Problem) -> Array:
        point = self.point(blocks.target, blocks.origin, problem)
        return np.asarray((point - blocks.anchor[:, 0]) / blocks.scale[:, 0])
