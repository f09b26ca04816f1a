"""Whether a series is better measured in the expected size of its moves than in the scale of each window.

By the moves that are known when the coefficients are estimated: not where these tell the size of moves worse than the
mean difference of a window does, beyond chance, nor where moves can be forecast from earlier ones: a season of sales is
not volatility, and a temperature that returns to its mean is no walk (the variance ratio of Lo and MacKinlay 1988).
"""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from forecast.data.moves import step_terms
from forecast.models.volatility.features import TINY
from forecast.models.volatility.size_model import BURN, FIRST, FIT_STEPS, LARGEST_FEATURE, moves_over
from forecast.typing import Array, Flags, Rows

# Moves are forecast from earlier ones if an autocorrelation is above this and, over the root of rows, what chance is.
CORRELATED, CHANCE = 0.1, 3.0
# Lags of autocorrelations that are looked at beside those of two seasons, at least and at most.
LAGS, MOST_LAGS = 10, 400
# The variance of moves over so many rows, over that of so many moves over one: a walk has one within this factor of 1.
WALK_STEPS, WALK_RATIO = 20, 0.6
# By so much, over the root of the rows, the mean log likelihood of one scale is above that of another by chance.
LIKELIER = 0.6


def serves(path: Array, simulated: Array, stops: Sequence[int], *, lookback: int, season: int) -> Flags:
    """Whether the simulated coefficients serve better than the scale of a window, by what each estimation knows."""
    if not stops:
        return np.zeros(0, bool)
    gain = _gains(path, simulated, stops, lookback) + LIKELIER / np.sqrt(stops)
    moves = np.clip(np.diff(path) / np.exp(simulated[:-1, 0]), -LARGEST_FEATURE, LARGEST_FEATURE)
    moves = moves - moves[: FIRST - 1].mean()  # which changes no variance, but how exactly it is computed
    return (gain > 0) & ~_correlated(moves, stops, season) & _walks(moves, stops)


def _gains(path: Array, simulated: Array, stops: Sequence[int], lookback: int) -> Array:
    """By how much the log likelihood of the moves known after each number of rows is better, a move.

    Each scale is multiplied by what suits it best, so that only how it changes counts.
    """
    window = np.convolve(np.abs(np.diff(path)), np.ones(lookback) / lookback, mode="valid")  # row t: window[t - L]
    begin = max(BURN, lookback)
    steps = [step for step in FIT_STEPS if step < len(path) - begin]  # the others have fewer rows than a window
    if not steps:
        return np.zeros(len(stops))
    size, usual = moves_over(path, steps)[:, begin:], np.maximum(window[begin - lookback :], TINY)
    log = step_terms(max(FIT_STEPS))[np.array(steps) - 1] @ simulated[begin:].T
    ends = np.maximum(np.array(stops) - np.array(steps)[:, None] - begin, 1)  # moves that are known
    ours = _profile_losses(size * np.exp(-np.maximum(log, np.log(TINY))), log, ends)
    theirs = _profile_losses(size / usual, np.log(usual)[None], ends)
    return np.asarray((theirs - ours).sum(axis=0) / len(FIT_STEPS))


def _profile_losses(relative: Array, log: Array, ends: Rows) -> Array:
    """Mean Laplace losses of the first `ends` (S, R) of sizes over a scale (S, n), for the logarithms of that scale."""
    total = np.cumsum(np.minimum(relative, 1 / TINY), axis=1)
    level = np.broadcast_to(np.cumsum(log, axis=1), total.shape)
    mean, level = (np.take_along_axis(one, ends - 1, axis=1) / ends for one in (total, level))
    return np.asarray(np.log(mean + TINY) + level)


def _correlated(moves: Array, stops: Sequence[int], season: int) -> Flags:
    """Whether the moves that are known after each number of rows can be forecast from earlier ones, shape (R,).

    Moves are in units of their expected size, shape (n,).
    """
    counts = np.array(stops) - 1
    most = min(max(LAGS, 2 * season), MOST_LAGS, int(counts[-1]) // 2)
    lag, behind = np.arange(most + 1), sliding_window_view(np.append(np.zeros(most), moves), most + 1)[:, ::-1]
    parts = zip([0, *counts[:-1]], counts, strict=True)
    products = np.cumsum([moves[start:stop] @ behind[start:stop] for start, stop in parts], axis=0)
    sums, counts = np.append(0.0, np.cumsum(moves)), counts[:, None]
    mean, both = sums[counts] / counts, sums[counts] - sums[lag] + sums[np.maximum(counts - lag, 0)]
    found = np.abs(products - mean * both + (counts - lag) * mean**2)
    largest = np.where((lag > 0) & (lag <= counts // 2), found, 0.0).max(axis=1)
    return np.asarray(largest / np.maximum(found[:, 0], TINY) > CORRELATED + CHANCE / np.sqrt(counts[:, 0]))


def _walks(moves: Array, stops: Sequence[int]) -> Flags:
    """Whether the variance of sums of the moves that are known grows with their number as that of a walk does, (R,).

    Chance aside.
    """
    counts, steps, path = np.array(stops) - 1, WALK_STEPS, np.cumsum(np.append(0.0, moves))
    several, one = (
        _variances(part, count) for part, count in ((path[steps:] - path[:-steps], counts - steps + 1), (moves, counts))
    )
    ratio = several / np.maximum(steps * one, TINY)
    chance = np.sqrt(2 * (2 * steps - 1) * (steps - 1) / (3 * steps * counts))
    return np.asarray((WALK_RATIO - chance < ratio) & (ratio < 1 / WALK_RATIO + chance))


def _variances(values: Array, counts: Rows) -> Array:
    """The variances of the first values (n,), for each number of them, shape (R,)."""
    mean, square = (np.cumsum(one)[counts - 1] / counts for one in (values, values**2))
    return np.maximum(square - mean**2, 0.0)
