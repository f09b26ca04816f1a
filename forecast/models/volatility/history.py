"""The distribution of coming moves by the past alone: quantiles of known moves, each over the size expected of it.

In: scaled inputs with the expected size of moves. Out: normalised quantiles at each origin. They are drawn towards
those of simulated prices, as far as moves that do not overlap are few, and smoothed over the steps. Filtered historical
simulation: Barone-Adesi, Giannopoulos and Vosper (1999).

Prices rise by their past mean, for that is what they are held for. Of a random walk (`random_walk.py`) the quantiles
are normal, and it drifts as far as its mean is beyond chance.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from statistics import NormalDist

import numpy as np

from forecast.config import MEDIAN, QUANTILES
from forecast.data.windows import Inputs, expected_moves, relative, step_terms
from forecast.models.volatility import random_walk
from forecast.typing import Array, Rows

# Moves that do not overlap, which the quantiles of simulated prices count as.
PRIOR_MOVES = 60
# Quantiles are computed anew whenever a series has grown by about one part in so many.
PARTS = 512
# Samples by values that are compared at once: they stay in the processor's cache.
CELLS = 1 << 17
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
    moves = past_moves(inputs, range(1, horizon + 1), int(rows[-1]))
    found[serves] = _quantiles_at(rows, moves)[place]
    return found


def past_moves(inputs: Inputs, steps: Sequence[int], last: int, *, expected: bool = True) -> list[tuple[Rows, Array]]:
    """For each of some steps the rows up to `last` in which moves over so many rows became known, and these moves.

    They are over their `expected` size, or as they are. Rows without an expected size are left out.
    """
    labels, log_scale = inputs.labels[: last + 1], inputs.log_scale[: last + 1]
    level = np.where(np.isfinite(log_scale[:, 0]), inputs.level[: last + 1], np.nan)
    scales = expected_moves(log_scale, horizon=max(steps)).T
    found = []
    for step in steps:
        start, stop = slice(0, max(0, last + 1 - step)), slice(step, None)
        size = scales[step - 1, start]
        size = size if expected else np.where(np.isfinite(size), inputs.level[start], np.nan)
        moves = relative(labels[stop] - labels[start], level[start]) / size
        known = np.flatnonzero(np.isfinite(moves))
        found.append((known + step, moves[known]))
    return found


def _quantiles_at(rows: Rows, moves: list[tuple[Rows, Array]]) -> Array:
    """Quantiles (R, H, Q) of the moves that are known at rows (R,), in increasing order."""
    horizon = len(moves)
    own, count = quantiles_until(rows, moves)
    apart = count / np.arange(1, horizon + 1)
    weight = (apart / (apart + PRIOR_MOVES))[..., None]
    smoothed = smooth(weight * own + (1 - weight) * simulated_quantiles(horizon))
    # A rate that stays for weeks: most moves are 0, and nothing is to be smoothed.
    rests = np.diff(own[:, 0]).min(axis=1) <= 0
    found = np.where(rests[:, None, None], own, _as_random_walks(smoothed, rows, *moves[0]))
    return np.where(count[:, :1, None] < FEWEST, np.nan, found)


def _as_random_walks(quantiles: Array, rows: Rows, known: Rows, moves: Array) -> Array:
    """Quantiles (R, H, Q) drawn towards those of random walks, as far as the moves over one row say that they are some.

    Args:
        known: The rows in which the moves (n,) became known.
    """
    walk, drift = random_walk.chances(np.searchsorted(known, rows, side="right"), moves)
    median = quantiles[..., [MEDIAN]]
    size = (quantiles[..., [-1]] - quantiles[..., [0]]) / (NORMAL[-1] - NORMAL[0])
    normal = drift[:, None, None] * median + size * NORMAL
    return np.asarray(quantiles + walk[:, None, None] * (normal - quantiles))


def refresh_rows(origin: Rows) -> Rows:
    """The row at which quantiles for each origin were computed: a recent one, by the origin's own number."""
    return np.asarray(origin - origin % np.maximum(1, origin // PARTS))


def quantiles_until(rows: Rows, moves: list[tuple[Rows, Array]]) -> tuple[Array, Rows]:
    """Quantiles (R, H, Q) of the moves that were known at rows (R,), in increasing order; and their numbers (R, H).

    0 where none is known.

    Args:
        moves: For each step the rows in which they became known, and the moves.
    """
    count = np.stack([np.searchsorted(known, rows, side="right") for known, _ in moves], axis=1)
    found = np.zeros((*count.shape, len(QUANTILES)))
    for step, (_, values) in enumerate(moves):
        some = count[:, step] > 0
        if some.any():
            found[some, step] = quantiles_of_growing(values, count[some, step])
    return found, count


def quantiles_of_growing(values: Array, counts: Rows) -> Array:
    """Quantiles (R, Q) of the first values (n,), for each number of them in `counts` (R,), which do not decrease.

    The values are put in order once. Those of a sample, found by their places in that order, are in order as well.
    """
    order = np.argsort(values[: counts[-1]], kind="stable")
    ordered, together = values[order], max(1, CELLS // len(order))
    share = np.array(QUANTILES) * (counts[:, None] - 1)
    low = share.astype(int)
    wanted = np.concatenate([low, np.minimum(low + 1, counts[:, None] - 1)], axis=1)
    order = order.astype(np.min_scalar_type(len(order)))  # a narrow type is compared sooner
    pairs = np.empty(wanted.shape)
    for start in range(0, len(counts), together):
        part = slice(start, start + together)
        size = counts[part]
        places = np.flatnonzero(order < size[:, None].astype(order.dtype))  # row by row, in each as many as `size`
        places = places[wanted[part] + (np.cumsum(size) - size)[:, None]]
        pairs[part] = ordered[places - np.arange(0, len(size) * len(order), len(order))[:, None]]
    return _between(pairs[:, : len(QUANTILES)], pairs[:, len(QUANTILES) :], share - low)


def grow(values: Array, counts: Rows) -> Iterator[Array]:
    """The first values (n,) in order of size, for each number of them in `counts`, which do not decrease."""
    ordered, before = values[:0], 0
    for count in counts:
        if count > before:
            new = np.sort(values[before:count])
            ordered, before = np.insert(ordered, np.searchsorted(ordered, new), new), int(count)
        yield ordered


def quantiles_of_sorted(ordered: Array, levels: Sequence[float]) -> Array:
    """Quantiles (..., Q) of values (..., n) that are in order along the last axis: those of `numpy.quantile`."""
    place = np.asarray(levels) * (ordered.shape[-1] - 1)
    low = place.astype(int)
    share, below = place - low, ordered[..., low]
    above = ordered[..., np.minimum(low + 1, ordered.shape[-1] - 1)]
    return _between(below, above, share)


def _between(below: Array, above: Array, share: Array) -> Array:
    gap = above - below
    return np.asarray(np.where(share < 0.5, below + gap * share, above - gap * (1 - share)))


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
