"""Forecasts that need no training: what every network has to beat.

The point forecasts are one line each (Hyndman and Athanasopoulos 2021, section 5.2). The intervals are those of
historical simulation: quantiles of all errors that are known at an origin (Hendricks 1996, Evaluation of value-at-risk
models using historical data), of logarithms where these serve better (`volatility/units.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from forecast.config import MEDIAN, QUANTILES
from forecast.data.inputs import Inputs
from forecast.data.moves import absolute, path_moves
from forecast.data.panel import Panel
from forecast.data.split import Split
from forecast.data.windows import Blocks, origins
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
from forecast.models.volatility.growing import quantiles_until
from forecast.models.volatility.history import refresh_rows
from forecast.models.volatility.units import in_own_units
from forecast.typing import Array, Rows

# Errors that must be known at an origin.
FEWEST = 10
# Residuals of one series that suffice for the quantiles of its training rows: a long one gives twice as many at most.
MOST_RESIDUALS = 10_000
# Errors of several steps that are in memory at once.
CELLS = 1 << 16
# From the scaled target (T,), origins (N,), steps (S,) and the season to scaled point forecasts (N, S).
Point = Callable[[Array, Rows, Rows, int], Array]


def naive(target: Array, origin: Rows, steps: Rows, season: int) -> Array:  # noqa: ARG001
    """The last value, for every step."""
    return np.repeat(target[origin, None], len(steps), axis=1)


def drift(target: Array, origin: Rows, steps: Rows, season: int) -> Array:  # noqa: ARG001
    """The line from the first known value through the last."""
    slope = (target[origin] - target[0]) / origin
    return np.asarray(target[origin, None] + slope[:, None] * steps)


def seasonal_naive(target: Array, origin: Rows, steps: Rows, season: int) -> Array:
    """The value of the same phase one season ago.

    Raises:
        SeriesTooShort: less than one season lies before an origin.
    """
    rows = origin[:, None] + steps - season * -(-steps // season)
    if rows.size and rows.min() < 0:
        raise SeriesTooShort(
            f"seasonal_naive needs one whole season before a forecast. Received: season={season} and "
            f"{origin.min() + 1} rows. Use a longer series or a smaller --season."
        )
    return np.asarray(target[rows])


@dataclass(frozen=True)
class Baseline(Estimator):
    """A point forecast, with the quantiles of its past errors."""

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
        """The point, and around it the quantiles of all its errors that are known at each origin.

        Where fewer than FEWEST are known, the quantiles of the training rows stand in.
        """
        usual = self._moves(blocks, problem)[:, :, None] + weights["residual_quantiles"]
        found = self.by_known_errors(blocks, problem)
        return np.where(np.isfinite(found), found, usual)

    def by_known_errors(self, blocks: Blocks, problem: Problem) -> Array:
        """The point and the quantiles of its known errors, normalised, shape (N, H, Q); NaN where these are too few."""
        return in_own_units(blocks, partial(self._by_known_errors, problem=problem))

    def _by_known_errors(self, blocks: Blocks, *, problem: Problem) -> Array:
        found = np.full((len(blocks.origin), problem.horizon, len(QUANTILES)), np.nan)
        rows, place = np.unique(refresh_rows(blocks.origin), return_inverse=True)
        quantiles, count = self._known_errors(blocks.inputs, rows, problem)
        enough = (count.min(axis=1) >= FEWEST)[place]
        found[enough] = self._around(blocks.part(enough), quantiles[place[enough]], problem)
        return found

    def _known_errors(self, inputs: Inputs, rows: Rows, problem: Problem) -> tuple[Array, Rows]:
        """Quantiles (R, H, Q) of the errors that are known at rows (R,), and their numbers (R, H)."""
        steps = np.arange(1, problem.horizon + 1)
        together = np.array_split(steps, min(len(steps), -(-len(steps) * len(inputs.target) // CELLS)))
        every = [
            quantiles_until(rows, [self._errors(inputs, step, rows, problem) for step in some]) for some in together
        ]
        quantiles, count = (np.concatenate(one, axis=1) for one in zip(*every, strict=True))
        return quantiles, count

    def _errors(self, inputs: Inputs, step: int, rows: Rows, problem: Problem) -> tuple[Rows, Array]:
        """The rows in which errors over `step` rows became known, and these, as `_path` measures."""
        first, stop = max(problem.lookback, problem.season - 1), int(rows.max(initial=0)) + 1 - step
        origin = np.arange(first, max(first, stop))
        point = self.point(inputs.target, origin, np.array([step]), problem.season)[:, 0]
        errors = _path(inputs, origin, inputs.labels[origin + step]) - _path(inputs, origin, point)
        errors[np.isfinite(inputs.level[origin]) & (point - inputs.target[origin] <= -inputs.level[origin])] = np.nan
        known = np.isfinite(errors) & inputs.known[origin]
        return origin[known] + step, errors[known]

    def _around(self, blocks: Blocks, errors: Array, problem: Problem) -> Array:
        """Normalised quantiles (N, H, Q) of the points, which are the medians, with quantiles of errors (N, H, Q)."""
        inputs, origin = blocks.inputs, blocks.origin
        below, above = errors[..., :MEDIAN].clip(max=0), errors[..., MEDIAN + 1 :].clip(min=0)
        errors = np.concatenate([below, np.zeros((*errors.shape[:-1], 1)), above], axis=-1)
        path = _path(inputs, origin, self._points(blocks, problem).T).T[:, :, None] + errors
        points = inputs.target[origin][:, None, None] + absolute(path, inputs.level[origin][:, None, None])
        return np.stack([blocks.normalise(points[:, :, level]) for level in range(len(QUANTILES))], axis=2)

    def _residuals(self, inputs: Inputs, split: Split, problem: Problem) -> Array:
        """Normalised residuals on the training rows of one series, shape (N, H)."""
        first = max(problem.lookback, problem.season - 1)
        origin = origins(first, split.validation, horizon=problem.horizon)
        origin = origin[inputs.known[origin]]
        origin = origin[:: max(1, len(origin) // MOST_RESIDUALS)]
        if not len(origin):
            raise SeriesTooShort(
                f"{self.name} needs as many training rows as season={problem.season} and "
                f"horizon={problem.horizon} together. Received: {split.validation}. Use a longer series, or a smaller "
                "--season or --horizon."
            )
        blocks = without_flat(self.blocks(inputs, origin, problem))
        return np.asarray(blocks.y[:, 0] - self._moves(blocks, problem))

    def _moves(self, blocks: Blocks, problem: Problem) -> Array:
        """Normalised moves, shape (N, H)."""
        return blocks.normalise(self._points(blocks, problem))

    def _points(self, blocks: Blocks, problem: Problem) -> Array:
        """Scaled point forecasts, shape (N, H)."""
        return self.point(blocks.target, blocks.origin, np.arange(1, problem.horizon + 1), problem.season)


def _path(inputs: Inputs, origin: Rows, values: Array) -> Array:
    """Scaled values (..., N) as moves from their origins (N,): of the logarithm where the target is above 0."""
    return path_moves(values - inputs.target[origin], inputs.level[origin])


NAIVE = Baseline("naive", "Tomorrow is like today: the last value", naive)
