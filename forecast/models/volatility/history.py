"""The distribution of coming moves by the past alone: quantiles of known moves, each over the size expected of it.

In: scaled inputs with the expected size of moves. Out: normalised quantiles at each origin. They are drawn towards
those of simulated prices, as far as moves that do not overlap are few, and smoothed over the steps. Filtered historical
simulation: Barone-Adesi, Giannopoulos and Vosper (1999).

Prices rise by their past mean, for that is what they are held for. Of a random walk (`random_walk.py`) the quantiles
are normal, and it drifts as far as its mean is beyond chance.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from statistics import NormalDist

import numpy as np

from forecast.config import MEDIAN, QUANTILES
from forecast.data.inputs import Inputs
from forecast.data.moves import expected_moves, relative, step_terms
from forecast.models.volatility import random_walk
from forecast.models.volatility.growing import NEVER, quantiles_of_growing
from forecast.typing import Array, Rows

# Moves that do not overlap, which the quantiles of simulated prices count as.
PRIOR_MOVES = 60
# Quantiles are computed anew whenever a series has grown by about one part in so many.
PARTS = 512
# Moves over one row that must be known.
FEWEST = 64


# Quantiles of the normal distribution.
NORMAL = np.array([NormalDist().inv_cdf(level) for level in QUANTILES])


def past_quantiles(inputs: Inputs, origin: Rows, *, horizon: int) -> Array:
    """Normalised quantiles of the moves that are known at each origin, shape (N, H, Q).

    NaN where no expected size is given, or fewer than FEWEST moves are known.
    """
    found = np.full((len(origin), horizon, len(QUANTILES)), np.nan)
    serves = np.isfinite(inputs.log_scale[origin, 0]) if len(origin) else np.zeros(0, bool)
    if not serves.any():
        return found
    rows, place = np.unique(refresh_rows(origin[serves]), return_inverse=True)
    quantiles = _quantiles_at(rows, *_moves_until(inputs, range(1, horizon + 1), int(rows[-1])))
    if len(rows) == len(origin) and (np.diff(place) > 0).all():  # each has its own
        return quantiles
    found[serves] = quantiles[place]
    return found


def past_moves(inputs: Inputs, steps: Sequence[int], last: int, *, expected: bool = True) -> list[tuple[Rows, Array]]:
    """For each of some steps the rows up to `last` in which moves over so many rows became known, and these moves.

    They are over their `expected` size, or as they are. Rows without an expected size are left out.
    """
    both = zip(*_moves_until(inputs, steps, last, expected=expected), strict=True)
    return [(known[known < NEVER], moves[known < NEVER]) for known, moves in both]


def _moves_until(inputs: Inputs, steps: Sequence[int], last: int, *, expected: bool = True) -> tuple[Rows, Array]:
    """The same side by side: the rows in which moves became known, NEVER for others, and the moves, shapes (S, n)."""
    measured = np.isfinite(inputs.log_scale[: last + 1, 0])
    start = np.arange(int(np.argmax(measured)) if measured.any() else last + 1, last + 1)
    stop, log_scale = start + np.array(steps)[:, None], inputs.log_scale[start]
    labels, level = inputs.labels, np.where(measured[start], inputs.level[start], np.nan)
    size = expected_moves(log_scale, horizon=max(steps)).T[np.array(steps) - 1]
    size = size if expected else np.where(np.isfinite(size), inputs.level[start], np.nan)
    moves = relative(labels[np.minimum(stop, last)] - labels[start], level) / size
    return np.where((stop <= last) & np.isfinite(moves), stop, NEVER), moves


def _quantiles_at(rows: Rows, known: Rows, moves: Array) -> Array:
    """Quantiles (R, H, Q) of the moves (H, n) that are known at rows (R,), in increasing order.

    Args:
        known: The rows in which they became known, shape (H, n).
    """
    horizon = len(moves)
    own, count = quantiles_of_growing(rows, known, moves)
    apart = count / np.arange(1, horizon + 1)
    weight = (apart / (apart + PRIOR_MOVES))[..., None]
    smoothed = smooth(weight * own + (1 - weight) * simulated_quantiles(horizon))
    # A rate that stays for weeks: most moves are 0, and nothing is to be smoothed.
    rests = np.diff(own[:, 0]).min(axis=1) <= 0
    found = _as_random_walks(smoothed, count[:, 0], moves[0, known[0] < NEVER])
    found[rests] = own[rests]
    found[count[:, 0] < FEWEST] = np.nan
    return found


def _as_random_walks(quantiles: Array, count: Rows, moves: Array) -> Array:
    """Quantiles (R, H, Q) drawn towards those of random walks, as far as the moves over one row say that they are some.

    Args:
        count: How many of these moves (n,) are known, shape (R,).
    """
    walk, drift = random_walk.chances(count, moves)
    median = quantiles[..., [MEDIAN]]
    size = (quantiles[..., [-1]] - quantiles[..., [0]]) / (NORMAL[-1] - NORMAL[0])
    change = drift[:, None, None] * median + size * NORMAL - quantiles
    change *= walk[:, None, None]
    return np.asarray(change + quantiles)


def refresh_rows(origin: Rows) -> Rows:
    """The row at which quantiles for each origin were computed: a recent one, by the origin's own number."""
    return np.asarray(origin - origin % np.maximum(1, origin // PARTS))


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
