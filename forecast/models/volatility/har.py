"""HAR: the mean size of the coming moves from those of the last day, week and month, and the last fall.

    s[t, h] / m[t] = b[h]' (1, d[t], w[t], u[t], f[t]) / m[t]

s is the mean size of the h rows after t; d, w, m and u are sizes of the last row, the last 5 and 22 rows, and all rows;
f is the last fall. Sizes are volatilities from open, high, low and close where a series has them, else absolute moves.
Least squares on the series' own rows, estimated anew whenever it has grown by a tenth. Quantiles are those of its past
moves, each over the size forecast for it.

Sources: Corsi (2009), A simple approximate long-memory model of realized volatility; ranges, Garman and Klass (1980).
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from forecast.config import QUANTILES
from forecast.data.inputs import Inputs
from forecast.data.moves import moves_of
from forecast.data.panel import Panel
from forecast.data.windows import Blocks
from forecast.errors import SeriesTooShort
from forecast.models.estimator import Callbacks, Estimator, Fit, Problem, Shapes, Weights
from forecast.models.volatility.growing import quantiles_of_sorted
from forecast.models.volatility.simulation import estimation_rows, quantiles_of
from forecast.models.volatility.units import in_last_units, in_own_units
from forecast.typing import Array, Flags

WEEK, MONTH = 5, 22
# Rows at the start whose moves count in no quantile: their mean sizes are hardly known.
BEGIN = 5
# Series of a panel whose moves are pooled.
SERIES = 100
# Rows before the first estimation; rows that are fitted at most.
FEWEST, MOST = 120, 4000
# The size that is forecast lies between these shares of that of the last month.
LEAST, LARGEST = 0.3, 3.0
# Moves that do not overlap, as which the quantiles of the training series count.
PRIOR_MOVES = 30
TINY = 1e-12


@dataclass(frozen=True)
class Har(Estimator):
    """Least squares at each estimation, on the rows of the series that is forecast."""

    learned: ClassVar[bool] = False
    uses_lookback: ClassVar[bool] = False

    def shapes(self, problem: Problem) -> Shapes:
        return {"quantiles": (problem.horizon, len(QUANTILES))}

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:  # noqa: ARG002
        """Quantiles of the moves of all series over the sizes forecast for them, for series that have few moves."""
        series = list(panel)[:: -(-len(panel.splits) // SERIES)]
        found = [_standardised(in_last_units(inputs), len(inputs.target), problem.horizon)[1] for inputs, _ in series]
        pooled = [
            np.concatenate([one[BEGIN : len(one) - step, step - 1] for one in found])
            for step in range(1, 1 + problem.horizon)
        ]
        if not len(pooled[-1]):
            raise SeriesTooShort(
                f"har needs more than {BEGIN + problem.horizon} rows before the test. Received: "
                f"{max(map(len, found))}. Use a longer series or a smaller --horizon."
            )
        return Fit({"quantiles": np.array([np.quantile(one, QUANTILES) for one in pooled])})

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        return in_own_units(blocks, partial(self._predict, weights, horizon=problem.horizon))

    def _predict(self, weights: Weights, blocks: Blocks, *, horizon: int) -> Array:
        rows = estimation_rows(blocks.origin, fewest=FEWEST)
        path = np.empty((len(rows), horizon, len(QUANTILES)))
        for known in np.unique(rows):
            chosen = rows == known
            last = int(blocks.origin[chosen].max()) + 1
            scales, moves = _standardised(blocks.inputs.part(0, last), int(known), horizon)
            path[chosen] = scales[blocks.origin[chosen]][..., None] * _quantiles(
                moves, int(known), weights["quantiles"]
            )
        return quantiles_of(blocks, path)


def _quantiles(moves: Array, known: int, pooled: Array) -> Array:
    """Quantiles (H, Q) of standardised moves (T, H) that `known` rows tell, drawn towards the pooled ones."""
    found = pooled.copy()
    for step in range(1, len(pooled) + 1):
        own = moves[BEGIN : max(known - step, 0), step - 1]
        weight = len(own) / step / (len(own) / step + PRIOR_MOVES)
        if len(own):
            found[step - 1] = (1 - weight) * pooled[step - 1] + weight * quantiles_of_sorted(np.sort(own), QUANTILES)
    return found


def _standardised(inputs: Inputs, known: int, horizon: int) -> tuple[Array, Array]:
    """The size that is forecast for the path's moves over h rows (T, H), and the moves over it; 0 past the last row.

    Args:
        known: Rows that the coefficients are fitted to.
    """
    moves = moves_of(inputs.target, inputs.level)
    size = np.where(np.isfinite(inputs.size), inputs.size, np.abs(moves))
    features, month = _features(size, moves)
    coefficients, fitted = _coefficients(features, size, month, known, horizon)
    ratio = np.where(fitted, np.clip(features @ coefficients, LEAST, LARGEST), 1.0)
    scales = ratio * month[:, None] * np.sqrt(np.arange(1, horizon + 1))
    path, found = np.cumsum(moves), np.zeros((len(size), horizon))
    for step in range(1, horizon + 1):
        found[: len(size) - step, step - 1] = path[step:] - path[:-step]
    return scales, found / scales


def _coefficients(features: Array, size: Array, month: Array, known: int, horizon: int) -> tuple[Array, Flags]:
    """Least squares of the mean size of the h coming rows over that of the last month, shape (5, H).

    By the normal equations, which are nearly the same for all steps. Rows of too short a series are fitted to nothing.

    Returns:
        Coefficients, and at which steps there are any, shape (H,).
    """
    steps, first = np.arange(1, horizon + 1), max(MONTH, known - MOST)
    total, rows = np.concatenate([[0.0], np.cumsum(size[:known])]), np.arange(first, max(known, first))
    ends = rows[:, None] + steps
    came = (total[np.minimum(ends, known - 1) + 1] - total[rows + 1][:, None]) / steps / month[rows][:, None]
    x, within = features[rows], ends < known
    products = x.T @ np.where(within, came, 0.0)
    squares = np.repeat((x.T @ x)[None], horizon, axis=0)
    for place, step in enumerate(steps):
        left_out = x[max(len(x) - step, 0) :]
        squares[place] -= left_out.T @ left_out
    found = np.linalg.pinv(squares, hermitian=True) @ products.T[:, :, None]
    return found[:, :, 0].T, within.sum(axis=0) >= FEWEST // 2


def _features(size: Array, moves: Array) -> tuple[Array, Array]:
    """The regressors over the mean size of the last month, shape (T, 5), and that mean, shape (T,)."""
    usual = np.cumsum(size) / np.maximum(np.arange(len(size)), 1)
    month = np.maximum(_mean(size, MONTH), 0.05 * usual) + TINY
    parts = [month, size, _mean(size, WEEK), usual, np.maximum(-moves, 0)]
    return np.minimum(np.stack(parts, axis=1) / month[:, None], MONTH), month


def _mean(values: Array, rows: int) -> Array:
    """The mean of the last `rows` values, from the second on, at each row; of those that there are at the start."""
    total = np.cumsum(values) - values[0]
    before = np.concatenate([np.zeros(min(rows, len(values))), total[:-rows]])[: len(values)]
    return np.asarray((total - before) / np.clip(np.arange(len(values)), 1, rows))
