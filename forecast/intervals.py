"""Calibration of the intervals: their width follows how often they were missed.

At each origin and for each step, the interval is widened or narrowed around the median by a factor that rises after
a miss and falls after a hit, by amounts that balance when the 90 % interval holds 90 % of the time. Only outcomes that
are known at the origin count. Quantile tracking, a form of adaptive conformal inference (Gibbs and Candès 2021;
Angelopoulos, Candès and Tibshirani 2023), on the logarithm of the width.
"""

import numpy as np
from numpy.typing import NDArray

from forecast.config import MEDIAN, QUANTILES

Array = NDArray[np.float64]

# Slow on purpose: a run of misses in one storm must not blow up the intervals after it.
RATE = 0.01
MISSES = 1 - (QUANTILES[-1] - QUANTILES[0])
# A width changes at most twofold, however long a run of misses lasts.
WIDEST = np.log(2.0)


def start(horizon: int) -> Array:
    """The logarithm of the width factor before any outcome is known, shape (H,)."""
    return np.zeros(horizon)


def follow(quantiles: Array, y: Array, log_width: Array) -> tuple[Array, Array]:
    """Widens the quantiles at N origins that follow one another row by row.

    Args:
        quantiles: Shape (N, H, Q), increasing along Q.
        y: What came, in the same units, shape (N, H); what is not known yet is NaN and is not looked at.
        log_width: The factor's logarithm before the first origin, shape (H,).
    Returns:
        The widened quantiles, and the factor's logarithm at the last origin.
    """
    distance = _distance(quantiles, y)
    horizon = y.shape[1]
    used = np.empty(y.shape)
    state = log_width.copy()
    for row in range(len(y)):
        known = np.arange(min(horizon, row))  # step k+1 of the forecast made k+1 rows ago came true in this row
        earlier = row - 1 - known
        missed = distance[earlier, known] > np.exp(used[earlier, known])
        state[known] = np.clip(state[known] + RATE * (missed - MISSES), -WIDEST, WIDEST)
        used[row] = state
    median = quantiles[:, :, [MEDIAN]]
    return median + (quantiles - median) * np.exp(used)[:, :, None], state


def _distance(quantiles: Array, y: Array) -> Array:
    """How far the outcome lies from the median, in half-widths of the 90 % interval on its side, shape (N, H)."""
    median, low, high = quantiles[..., MEDIAN], quantiles[..., 0], quantiles[..., -1]
    error = np.abs(y - median)
    half = np.where(y >= median, high - median, median - low)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error == 0, 0.0, error / half)
