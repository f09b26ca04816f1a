"""Forecasts that need no training: what every network has to beat.

The point forecasts are one line each (Hyndman and Athanasopoulos 2021, section 5.2). The intervals are quantiles of the
residuals on the training rows, measured in each window's own scale, so that they follow the volatility as the intervals
of the networks do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from forecast.config import QUANTILES
from forecast.data.windows import Blocks, Inputs, Panel, Split, origins
from forecast.errors import SeriesTooShort
from forecast.models.estimator import (
    Callbacks,
    Estimator,
    Fit,
    Problem,
    Shapes,
    Weights,
    residual_quantiles,
    without_flat,
)
from forecast.typing import Array, Rows

# From the scaled target (T,) and origins (N,) to scaled point forecasts (N, H).
Point = Callable[[Array, Rows, Problem], Array]


def naive(target: Array, origin: Rows, problem: Problem) -> Array:
    """The last value, for every step."""
    return np.repeat(target[origin, None], problem.horizon, axis=1)


def drift(target: Array, origin: Rows, problem: Problem) -> Array:
    """The line from the first known value through the last."""
    steps = np.arange(1, problem.horizon + 1)
    slope = (target[origin] - target[0]) / origin
    return np.asarray(target[origin, None] + slope[:, None] * steps)


def seasonal_naive(target: Array, origin: Rows, problem: Problem) -> Array:
    """The value of the same phase one season ago.

    Raises:
        SeriesTooShort: less than one season lies before an origin.
    """
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
class Baseline(Estimator):
    """A point forecast, with the quantiles of its residuals on the training rows."""

    point: Point
    learned: ClassVar[bool] = False
    uses_lookback: ClassVar[bool] = False

    def shapes(self, problem: Problem) -> Shapes:
        return {"residual_quantiles": (problem.horizon, len(QUANTILES))}

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:  # noqa: ARG002
        """Measure residuals on the training rows.

        Raises:
            SeriesTooShort: the training rows hold no origin with a season before it and a horizon after it.
        """
        residuals = [self._residuals(inputs, split, problem) for inputs, split in panel]
        return Fit({"residual_quantiles": residual_quantiles(np.concatenate(residuals))})

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        return self._moves(blocks, problem)[:, :, None] + weights["residual_quantiles"]

    def _residuals(self, inputs: Inputs, split: Split, problem: Problem) -> Array:
        """Normalised residuals on the training rows of one series, shape (N, H)."""
        first = max(problem.lookback, problem.season)
        origin = origins(first, split.validation, horizon=problem.horizon)
        origin = origin[inputs.known[origin]]
        if not len(origin):
            raise SeriesTooShort(
                f"{self.name} needs more training rows than season={problem.season} and "
                f"horizon={problem.horizon} together. Received: {split.validation}. Use a longer series, or a smaller "
                "--season or --horizon."
            )
        blocks = without_flat(self.blocks(inputs, origin, problem))
        return np.asarray(blocks.y[:, 0] - self._moves(blocks, problem))

    def _moves(self, blocks: Blocks, problem: Problem) -> Array:
        """Normalised moves, shape (N, H)."""
        point = self.point(blocks.target, blocks.origin, problem)
        return np.asarray((point - blocks.anchor[:, 0]) / blocks.scale[:, 0])
