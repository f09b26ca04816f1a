"""Bounds that the rows of a series show: no negative forecasts of values that never are, whole ones of counts.

In: quantiles in the series' unit, and the target up to each origin. Out: the quantiles as they are shown, tested and
scored: these are the same numbers everywhere.
"""

import numpy as np
from numpy.typing import NDArray

from forecast.config import MEDIAN
from forecast.typing import Array, Rows

# A quantile this close to a whole number is that number.
CLOSE = 1e-6


def keep_in_bounds(quantiles: Array, y: Array, origin: Rows) -> Array:
    """Quantiles (N, H, Q) within what the rows up to each origin show.

    Args:
        y: The target, shape (T,); NaN where missing, but not in the first row.
        origin: Rows of the N forecasts, shape (N,).
    """
    never_negative = (np.fmin.accumulate(y) >= 0)[origin, None, None]
    counts = counts_so_far(y)[origin, None, None]
    if not never_negative.any():
        return quantiles
    floored = np.where(never_negative, np.maximum(quantiles, 0.0), quantiles)
    return np.where(counts, to_whole(floored), floored) if counts.any() else floored


def counts_so_far(y: Array) -> NDArray[np.bool_]:
    """Whether the rows up to each are counts, whole numbers that are never negative, shape (T,)."""
    return np.asarray(np.logical_and.accumulate(np.isnan(y) | ((y >= 0) & (y == np.rint(y)))))


def to_whole(quantiles: Array) -> Array:
    """Round quantiles (..., Q) towards the median, which is rounded to the nearest whole number.

    So an interval holds the same counts as before: between 1.4 and 7.6 lie those from 2 to 7.
    """
    median = np.rint(quantiles[..., [MEDIAN]])
    below = np.minimum(np.ceil(quantiles[..., :MEDIAN] - CLOSE), median)
    above = np.maximum(np.floor(quantiles[..., MEDIAN + 1 :] + CLOSE), median)
    return np.concatenate([below, median, above], axis=-1) + 0.0  # no -0
