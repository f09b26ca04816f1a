"""Calibration of the intervals: from the validation rows first, then from every outcome that becomes known.

Quantiles are scaled around their median, those below by one factor and those above by another, for each step; what is
kept is the logarithm of the factors, the log scale. `calibrate` takes it from validation rows, so that the 90 %
interval would have held 90 % of what came: split conformal prediction with quantiles (Romano, Patterson and Candès
2019). `follow` goes on from it origin by origin: a factor rises after a miss on its side and falls after a hit, by
amounts that balance when one outcome in twenty lies beyond (adaptive conformal inference, Gibbs and Candès 2021;
quantile tracking, Angelopoulos, Candès and Tibshirani 2023). Only outcomes that are known at an origin count.

Misses of one storm, or of one rally, come together: half of each change is shared by both sides, and half by all steps.

Where origins are some rows apart, one outcome of each step becomes known at each, and changes the log scale as often as
the outcomes between it and the next would say the same: `stride` times, but no more often than it has steps.
"""

import numpy as np

from forecast.config import MEDIAN, QUANTILES
from forecast.typing import Array

# How much the log scale changes at step 1; less for later ones, whose misses come in a row.
RATE, DECAY = 0.06, 0.25
# The share of misses on one side, as it should be.
MISSES = QUANTILES[0]
# Factors lie between a third and three. In following, one falls no more than a seventh below where it began: an
# interval that is too wide for a while is the lesser evil.
WIDEST, FALL = 1.1, 0.15
# Half-widths beyond which it does not matter how far an outcome lies.
FARTHEST = 1e9
# Half of each change is shared.
SHARED = 0.5
# Validation outcomes that do not overlap count as if so many had been seen before, all as they should be.
PRIOR = 60


def initial_scale(horizon: int) -> Array:
    """The log scale below and above before any outcome is known, shape (H, 2)."""
    return np.zeros((horizon, 2))


def calibrate(quantiles: Array, y: Array, *, stride: int = 1) -> Array:
    """The log scale after the validation rows, shape (H, 2): what they ask for, followed to the last of them.

    Args:
        quantiles: Of origins that follow one another, shape (N, H, Q), increasing along Q.
        y: What came, in the same units, shape (N, H); NaN where it is not known.
        stride: Rows from one origin to the next.
    """
    return np.asarray(follow(quantiles, y, _conform(quantiles, y, stride=stride), stride=stride)[-1])


def _conform(quantiles: Array, y: Array, *, stride: int = 1) -> Array:
    """The log scale with which the intervals would have held what they should, shape (H, 2)."""
    origins, horizon = y.shape
    rows = np.isfinite(y).sum(axis=0)
    if origins * stride < 2 * horizon or not rows.all():
        return initial_scale(horizon)
    distance = np.minimum(scores_of(quantiles, y), FARTHEST)  # an interval may have no width
    levels = np.minimum(1.0, np.ceil((rows + 1) * (1 - MISSES)) / rows)
    needed = np.array([np.nanquantile(distance[:, step], level, axis=0) for step, level in enumerate(levels)])
    apart = (rows * stride / np.maximum(stride, np.arange(1, horizon + 1)))[:, None]
    weight = apart / (apart + PRIOR)
    return np.asarray(np.clip(weight * np.log(np.maximum(needed, 1e-9)), -WIDEST, WIDEST))


def follow(quantiles: Array, y: Array, log_scale: Array, *, past: Array | None = None, stride: int = 1) -> Array:
    """The log scale at N origins that follow one another, shape (N, H, 2).

    Args:
        quantiles: Shape (N, H, Q), increasing along Q.
        y: What came, in the same units, shape (N, H); NaN where it is missing or not known yet.
        log_scale: Before the first origin of all, shape (H, 2).
        past: At the first of the N origins, where they are known, shape (n, H, 2) with n of at least H; else None.
        stride: Rows from one origin to the next.
    """
    distance, (rows, horizon) = scores_of(quantiles, y), y.shape
    ahead = np.arange(1.0, horizon + 1)[:, None]
    rate = RATE * ahead**-DECAY * np.minimum(ahead, stride)
    lowest, begin = np.maximum(log_scale - FALL, -WIDEST), 0
    found, width = np.empty_like(distance), np.empty_like(distance)
    if past is not None:
        begin, log_scale = len(past), past[-1]
        found[:begin], width[:begin] = past, np.exp(past)
    whole = min(rows, max(begin, -(-horizon // stride)))
    for row in range(begin, whole):  # step k+1 of the last forecast made k+1 rows ago or more has come true
        known = np.arange(row * stride)
        earlier = row - 1 - known // stride
        log_scale = log_scale.copy()
        log_scale[known] += _changed(distance[earlier, known], width[earlier, known], rate[known])
        log_scale = np.minimum(np.maximum(log_scale, lowest), WIDEST)
        found[row], width[row] = log_scale, np.exp(log_scale)
    if whole < rows:
        _follow_whole(found, width, distance, rate, lowest, first=whole, stride=stride)
    return found


def _changed(distance: Array, width: Array, rate: Array) -> Array:
    """The changes (k, 2) of the first steps by their outcomes, half of each shared by both sides."""
    change = rate * np.where(np.isnan(distance), 0.0, (distance > width) - MISSES)
    return np.asarray(SHARED * change.mean(axis=-1, keepdims=True) + (1 - SHARED) * change)


def _follow_whole(
    found: Array, width: Array, distance: Array, rate: Array, lowest: Array, *, first: int, stride: int
) -> None:
    """Fill in the log scale and its exponential (N, H, 2) from row `first` on, where outcomes of all steps are known.

    Here half of each change is shared by all steps. Each row needs those before it, so that this loop is most of the
    time of a forecast: what can be is done before it, and the rest in place.
    """
    steps = np.arange(rate.shape[0])
    earlier = np.arange(first, len(found))[:, None] - 1 - steps // stride
    due = distance[earlier, steps]
    unknown = np.isnan(due)
    gaps = unknown.any(axis=(1, 2)).tolist()
    place = (earlier[0] * len(steps) + steps)[:, None] * 2 + np.arange(2)
    share = (1 - SHARED) * SHARED / 2  # of a side in the change of both
    alone, others = 2 * (1 - SHARED) / SHARED, len(steps) * (1 - SHARED) / SHARED  # the rest of it, and of all steps
    missed, hit = (np.repeat(share * (rate * change), 2, axis=1) for change in (1 - MISSES, -MISSES))
    state, then, miss = found[first - 1], np.empty_like(lowest), np.empty(lowest.shape, bool)
    for row, outcome in enumerate(due):
        width.take(place, out=then, mode="clip")
        change = np.where(np.greater(outcome, then, out=miss), missed, hit)
        if gaps[row]:
            change[unknown[row]] = 0.0
        both = change + change[:, ::-1]
        change *= alone
        change += both
        moved = state + np.add.reduce(change) / others
        moved += change
        np.maximum(moved, lowest, out=moved)
        state = np.minimum(moved, WIDEST, out=found[first + row])
        np.exp(state, out=width[first + row])
        place += 2 * len(steps)


def stretch(quantiles: Array, log_scale: Array) -> Array:
    """Quantiles (N, H, Q) scaled around their median by log scales (N, H, 2) or (H, 2), below and above it."""
    median = quantiles[..., [MEDIAN]]
    sides = np.repeat(np.exp(log_scale), (MEDIAN, len(QUANTILES) - MEDIAN), axis=-1)
    return np.asarray(median + (quantiles - median) * sides)


def scores_of(quantiles: Array, y: Array) -> Array:
    """How far outcomes lie below and above the median, in half-widths of the 90 % interval there, shape (..., H, 2)."""
    median, low, high = quantiles[..., MEDIAN], quantiles[..., 0], quantiles[..., -1]
    error = np.stack([median - y, y - median], axis=-1)
    half = np.stack([median - low, high - median], axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error <= 0, 0.0, error / half)
