"""The distribution of coming moves by the past alone: quantiles of known moves, each over the size expected of it.

In: scaled inputs with the expected size of moves. Out: normalised quantiles at each origin. They are drawn towards
those of simulated prices, as far as moves that do not overlap are few, and smoothed over the steps. Filtered historical
simulation: Barone-Adesi, Giannopoulos and Vosper (1999).
"""

from functools import cache
from pathlib import Path

import numpy as np

from forecast.config import QUANTILES
from forecast.data.windows import Inputs, expected_moves, relative, step_terms
from forecast.typing import Array, Rows

# Moves that do not overlap, which the quantiles of simulated prices count as.
PRIOR_MOVES = 60
# Quantiles are computed anew whenever a series has grown by about one part in so many.
PARTS = 512
# Moves over one row that must be known.
FEWEST = 64


def past_quantiles(inputs: Inputs, origin: Rows, *, horizon: int) -> Array:
    """Normalised quantiles of the moves that are known at each origin, shape (N, H, Q).

    NaN where no expected size is given, or fewer than FEWEST moves are known.
    """
    found = np.full((len(origin), horizon, len(QUANTILES)), np.nan)
    serves = np.isfinite(inputs.log_scale[origin, 0]) if len(origin) else np.zeros(0, bool)
    if not serves.any():
        return found
    refreshed = refresh_rows(origin)
    last = int(refreshed.max())
    moves = [past_moves(inputs, step, last) for step in range(1, horizon + 1)]
    for row in np.unique(refreshed[serves]):
        found[serves & (refreshed == row)] = _quantiles_at(int(row), moves)
    return found


def past_moves(inputs: Inputs, step: int, last: int, *, expected: bool = True) -> tuple[Rows, Array]:
    """The rows up to `last` in which moves over `step` rows became known, and these over their `expected` size.

    Rows without an expected size are left out.
    """
    start = np.arange(max(0, last + 1 - step))
    came = inputs.labels[start + step]
    scale = expected_moves(inputs.log_scale[start], horizon=step)[:, -1]
    scale = scale if expected else np.where(np.isfinite(scale), inputs.level[start], np.nan)
    level = np.where(np.isfinite(scale), inputs.level[start], np.nan)
    moves = relative(came - inputs.labels[start], level) / scale
    known = np.isfinite(moves)
    return start[known] + step, moves[known]


def _quantiles_at(row: int, moves: list[tuple[Rows, Array]]) -> Array:
    """Quantiles (H, Q) of the moves that are known at a row."""
    horizon = len(moves)
    known = known_until(row, moves)
    if len(known[0]) < FEWEST:
        return np.full((horizon, len(QUANTILES)), np.nan)
    count = np.array([len(part) for part in known]) / np.arange(1, horizon + 1)
    own = np.array([np.quantile(part, QUANTILES) if len(part) else np.zeros(len(QUANTILES)) for part in known])
    if (np.diff(own[0]) <= 0).any():  # a rate that stays for weeks: most moves are 0, and nothing is to be smoothed
        return own
    weight = (count / (count + PRIOR_MOVES))[:, None]
    return smooth(weight * own + (1 - weight) * simulated_quantiles(horizon))


def refresh_rows(origin: Rows) -> Rows:
    """The row at which quantiles for each origin were computed: a recent one, by the origin's own number."""
    return np.asarray(origin - origin % np.maximum(1, origin // PARTS))


def known_until(row: int, moves: list[tuple[Rows, Array]]) -> list[Array]:
    """The moves that were known at a row, of pairs, for each step, of the rows they became known in and moves."""
    return [part[: np.searchsorted(rows, row, side="right")] for rows, part in moves]


def smooth(values: Array) -> Array:
    """Values (..., H, Q) as polynomials of the logarithm of the step."""
    return np.asarray(_smoother(values.shape[-2]) @ values)


@cache
def _smoother(horizon: int) -> Array:
    """The matrix of weighted least squares on `step_terms`, shape (H, H): first steps count most."""
    terms = step_terms(horizon)
    weight = np.arange(1.0, horizon + 1) ** -0.25
    return np.asarray(terms @ np.linalg.pinv(weight[:, None] * terms) * weight)


@cache
def simulated_quantiles(horizon: int) -> Array:
    """Quantiles of simulated moves over their expected size, around a median of 0, shape (H, Q)."""
    with np.load(Path(__file__).with_name("prior.npz")) as file:
        return np.asarray(step_terms(horizon) @ file["quantiles"])
