"""Bounds that the rows of a series show: no negative forecasts of values that never are, whole ones of counts.

In: quantiles in the series' unit, and the target up to each origin. Out: the quantiles as they are shown, tested and
scored: these are the same numbers everywhere.
"""

import numpy as np
from numpy.typing import NDArray

from forecast.typing import Array, Rows


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
    """Round quantiles (..., Q) to the nearest whole number, as a count is spread by half a unit on each side.

    The pinball loss of counts is smaller than without rounding, and than with intervals that are rounded inwards.
    """
    return np.asarray(np.rint(quantiles) + 0.0)  # no -0
