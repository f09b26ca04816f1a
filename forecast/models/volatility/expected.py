"""The expected size of coming moves: a linear model of its logarithm, from simulated prices and the series' own past.

    log E|move over h rows| = log base + log(h) / 2 + b(h)' B features        b(h) = (1, l, l^2), l = log h / log 30

The coefficients B are fitted in closed form on simulated prices (`prior.npz`), with the likelihood of Laplace, which is
convex; one step of Newton's method on the moves that are known moves them towards the series, as far as these outweigh
PRIOR_ROWS rows of simulated prices. They are estimated anew whenever the series has grown by a quarter. As far as the
moves known then are those of a random walk (`random_walk.py`), the expected size is their mean instead, of the values
or of their logarithms.

A window is measured in these units unless, by the moves known when the coefficients were estimated, the simulated
coefficients tell the size of moves worse than the mean difference of a window does, beyond chance, or moves can be
forecast from earlier ones: a season of sales is not volatility, and a temperature that returns to its mean is no walk
(the variance ratio of Lo and MacKinlay 1988). Elsewhere the result is NaN, and windows keep their own scale. Row t
depends on rows up to t alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from forecast.data.dataset import Dataset
from forecast.data.scaling import Scaler
from forecast.data.windows import STEP_TERMS, Flags, Inputs, moves_of, step_terms
from forecast.models.volatility import random_walk
from forecast.models.volatility.features import TINY, features_of, range_volatility
from forecast.runtime.blas import one_thread
from forecast.typing import Array, Rows

# Steps whose moves the coefficients are fitted to.
FIT_STEPS = (1, 2, 3, 4, 5, 7, 10, 14, 20, 25, 30)
# Rows of simulated prices that the series' own rows are weighed against, and its rows that count at most.
PRIOR_ROWS, MOST_ROWS = 6000, 3000
# Rows when coefficients are estimated first, and the growth after which they are estimated anew.
FIRST, GROWTH = 128, 1.25
# Rows at the start that no coefficients are fitted to: averages over months are not known there.
BURN = 64
# Moves in base scales, and features in standard deviations, are cut here; so is a change of coefficients' effect.
LARGEST_MOVE, LARGEST_FEATURE, LARGEST_CHANGE = 15.0, 4.0, 0.7
# Moves are forecast from earlier ones if an autocorrelation is above this and, over the root of rows, what chance is.
CORRELATED, CHANCE = 0.1, 3.0
# The variance of moves over so many rows, over that of so many moves over one: a walk has one within this factor of 1.
WALK_STEPS, WALK_RATIO = 20, 0.6
# By so much, over the root of the rows, the mean log likelihood of one scale is above that of another by chance.
LIKELIER = 0.6
# Each row follows the one before it.
NO_GAPS = np.zeros(0, int)
# Lags of autocorrelations that are looked at beside those of two seasons, at least and at most.
LAGS, MOST_LAGS = 10, 400


@dataclass(frozen=True, eq=False)
class Prior:
    """What simulated prices teach, with P features and C = 3 (P + 1) coefficients.

    Attributes:
        centre: Mean of the features, shape (P,).
        spread: Their standard deviation, shape (P,).
        coefficients: B, shape (3, P + 1).
        information: The Hessian of the loss a row, shape (C, C).
    """

    centre: Array
    spread: Array
    coefficients: Array
    information: Array

    def design(self, features: Array) -> Array:
        """Standardised features after a column of ones, shape (T, P + 1)."""
        scaled = np.clip((features - self.centre) / self.spread, -LARGEST_FEATURE, LARGEST_FEATURE)
        return np.concatenate([np.ones((len(scaled), 1)), scaled], axis=1)


@cache
def prior_of(kind: str) -> Prior:
    """The prior for `close` or `range`."""
    with np.load(Path(__file__).with_name("prior.npz")) as file:
        return Prior(**{name: file[f"{kind}_{name}"] for name in Prior.__dataclass_fields__})


@one_thread()
def with_volatility(dataset: Dataset, scaler: Scaler, *, expected: bool = True) -> Inputs:
    """The inputs of a dataset in the units of a scaler, with the size of its moves.

    Args:
        expected: Whether with the expected size of the coming moves too, which a model that learns nothing from windows
            does not need.
    """
    inputs, config = dataset.scaled(scaler), dataset.config
    if config.training.normalisation != "window" or config.task != "forecast":
        return inputs
    y, span = np.ascontiguousarray(dataset.inputs.past[:, 0], dtype=np.float64), scaler.span[0]
    ranges = _ranges(dataset, y)
    level = np.where(np.minimum.accumulate(y) > 0, y, np.nan) / span
    inputs = replace(inputs, level=level, size=np.abs(ranges if len(ranges) else moves_of(inputs.target, level)))
    if not expected:
        return inputs
    found = _at_known_rows(y, ranges, inputs.known, lookback=config.lookback or 1, season=config.season or 1)
    log_scale = found - np.log(span) * (np.arange(STEP_TERMS) == 0)
    return replace(inputs, log_scale=log_scale, log_steps=_log_steps(dataset, scaler))


def _log_steps(dataset: Dataset, scaler: Scaler) -> Array:
    """Logarithm of the expected size of the next move of each column that is forecast together, scaled, shape (T, M).

    By its values alone: where one of them is the target, its ranges tell more of the labels, and inputs stay as they
    are beside another target.
    """
    config, columns, known = dataset.config, len(dataset.config.inputs.joint), dataset.inputs.known
    asked = {"lookback": config.lookback or 1, "season": config.season or 1}
    found = [
        _at_known_rows(np.ascontiguousarray(values), np.zeros(0), known, **asked)[:, 0] - np.log(span)
        for values, span in zip(dataset.inputs.past[:, :columns].T, scaler.span[:columns], strict=True)
    ]
    return np.column_stack(found) if found else np.empty((len(dataset), 0))


def _ranges(dataset: Dataset, y: Array) -> Array:
    """Volatility from the ranges of the rows, shape (T,); empty without, or for values that are no prices."""
    ranges = dataset.series.ranges
    return range_volatility(ranges, np.log(y)) if len(ranges) and y.min() > 0 else np.zeros(0)


def _at_known_rows(y: Array, ranges: Array, known: Flags, *, lookback: int, season: int) -> Array:
    """`log_scale` by the rows that are known (T,): one that is missing has that of the last one before it."""
    rows = np.flatnonzero(known)
    if not len(rows):
        return np.full((len(y), STEP_TERMS), np.nan)
    gaps = np.diff(rows) if len(rows) < len(y) else np.zeros(0, int)
    parts = (y[rows], ranges[rows] if len(ranges) else ranges, gaps)
    found = _kept(*(part.tobytes() for part in parts), lookback, season)
    if not len(gaps):
        return found
    last = np.cumsum(known) - 1
    return np.where((last >= 0)[:, None], found[np.maximum(last, 0)], np.nan)


@lru_cache(maxsize=64)
def _kept(y: bytes, ranges: bytes, gaps: bytes, lookback: int, season: int) -> Array:
    """`log_scale` of arrays as bytes: the same series is asked for by each model."""
    parts = np.frombuffer(y), np.frombuffer(ranges)
    return log_scale(*parts, lookback=lookback, season=season, gaps=np.frombuffer(gaps, int))


def log_scale(y: Array, ranges: Array, *, lookback: int, season: int, gaps: Rows = NO_GAPS) -> Array:
    """The logarithm of the expected size of the moves from each row, as factors of `step_terms`, shape (T, 3).

    NaN where windows keep their own scale.

    Args:
        y: Values, shape (T,). Moves of prices, which are above 0, grow with the price; from the first value that is
            not above 0 on, moves are those of the values themselves.
        ranges: Volatility of each row from its range, shape (T,), or empty.
        lookback: Rows of a window.
        gaps: Rows of time from each to the next, shape (T - 1,), or empty where each is one: a move over several rows
            counts as one of its mean size, by the root of their number.
    """
    prices = len(y) if y.min() > 0 else int(np.argmax(y <= 0))
    found = np.full((len(y), STEP_TERMS), np.nan)
    if prices > FIRST:
        size = np.log(y[:prices])
        before = gaps[: prices - 1]
        found[:prices] = _log_scale(
            size, ranges[:prices], lookback=lookback, season=season, gaps=before, logarithms=True
        )
        found[:prices, 0] += size
    if prices < len(y) and len(y) > FIRST:
        found[prices:] = _log_scale(y, ranges[:0], lookback=lookback, season=season, gaps=gaps)[prices:]
    return found


def _log_scale(
    path: Array, ranges: Array, *, lookback: int, season: int, gaps: Rows, logarithms: bool = False
) -> Array:
    """The same in units of the path, of values or their `logarithms`."""
    level = path
    if len(gaps):
        path = path[0] + np.cumsum(np.append(0.0, np.diff(path) / np.sqrt(gaps)))
    prior = prior_of("range" if len(ranges) else "close")
    base, features = features_of(path, ranges if len(ranges) else None)
    x, unit = prior.design(features), np.log(base)[:, None] * (np.arange(STEP_TERMS) == 0)
    simulated, stops = x @ prior.coefficients.T, _estimation_rows(len(path))
    found = np.full((len(path), STEP_TERMS), np.nan)
    serves = _serves(path, simulated + unit, stops, lookback=lookback, season=season)
    if not serves.any():
        return found
    changes = _estimates(prior, sizes_of(path, base), x, stops) - prior.coefficients
    parts = list(zip(stops, [*stops[1:], len(path)], changes, strict=True))
    change = np.concatenate([x[first:stop] @ one.T for first, stop, one in parts])
    rows = [stop - first for first, stop, _ in parts]
    bounded = np.clip(change, -LARGEST_CHANGE, LARGEST_CHANGE)
    own = simulated[FIRST:] + bounded + unit[FIRST:]
    walks = _walk_sizes(path, level, stops, logarithms=logarithms)
    mixed = own + sum(np.repeat(chance, rows)[:, None] * (usual[FIRST:] - own) for chance, usual in walks)
    found[FIRST:] = np.where(np.repeat(serves, rows)[:, None], mixed, np.nan)
    return found


def _walk_sizes(path: Array, level: Array, stops: Sequence[int], *, logarithms: bool) -> list[tuple[Array, Array]]:
    """How likely the path is a random walk, by the moves known at each stop (R,), and the size of its moves (T, 3).

    A path of `logarithms` may be the walk of its values as well: its moves are then the smaller, the larger these are.

    Args:
        level: The path before its moves over several rows were made those over one, shape (T,).
    """
    counts, usual = np.array(stops) - 1, _usual(np.diff(path))
    if not logarithms:
        return [(random_walk.chances(counts, np.diff(path))[0], usual)]
    rise = path - path[0]
    of_logarithms, of_values = random_walk.chances_of_values(counts, np.exp(rise))
    above = level - level[0]
    of_their_size = _usual(np.diff(np.exp(rise))) - above[:, None] * (np.arange(STEP_TERMS) == 0)
    return [(of_logarithms, usual), (of_values, of_their_size)]


def _usual(moves: Array) -> Array:
    """The logarithm of the mean size of the moves (T - 1,) up to each row, as factors of `step_terms`, (T, 3)."""
    mean = np.cumsum(np.abs(moves)) / np.arange(1, len(moves) + 1)
    return np.asarray(np.log(np.append(mean[0], mean) + TINY)[:, None] * (np.arange(STEP_TERMS) == 0))


def _estimation_rows(rows: int) -> list[int]:
    """The numbers of rows when coefficients are estimated: FIRST, and then a quarter more each time."""
    found, next_one = [], FIRST
    while next_one < rows:
        found.append(next_one)
        next_one = int(np.ceil(GROWTH * next_one))
    return found


def _estimates(prior: Prior, sizes: Array, x: Array, stops: Sequence[int]) -> Array:
    """B after one step of Newton's method from the prior, on the moves that are known after each number of rows.

    The derivatives are sums over moves: each adds those that became known since the one before, without the oldest.

    Args:
        sizes: Moves over each of FIT_STEPS from each row (`sizes_of`), shape (T, S).
    Returns:
        Shape (R, 3, P + 1).
    """
    relative, found, before, start = _relative(sizes, x, prior.coefficients), [], 0, 0
    total = np.zeros(1)
    for stop in stops:
        begin = max(BURN, stop - MOST_ROWS)
        if begin > before - max(FIT_STEPS):  # all are new
            total, before = np.zeros(1), 0
        elif begin > start:
            total = total - _sums(relative[start:begin], x[start:begin])
        first = max(begin, before - max(FIT_STEPS))
        ends = np.arange(first, stop)[:, None] + FIT_STEPS
        total = total + _sums(np.where((ends >= before) & (ends < stop), relative[first:stop], np.nan), x[first:stop])
        found.append(total)
        before, start = stop, begin
    gradients, hessians = _unpacked(np.stack(found), x.shape[1])
    change = np.linalg.solve(hessians + PRIOR_ROWS * prior.information, gradients[..., None])
    return np.asarray(prior.coefficients - change.reshape(-1, *prior.coefficients.shape))


def sizes_of(path: Array, base: Array) -> Array:
    """Moves over each of FIT_STEPS in units of the base and the root of the step, cut, shape (T, S); NaN at the end."""
    unit: Array = base[:, None] * np.sqrt(FIT_STEPS)
    return np.asarray(np.minimum(_moves_over(path, FIT_STEPS).T / unit, LARGEST_MOVE))


def _moves_over(path: Array, steps: Sequence[int]) -> Array:
    """Absolute moves from each row over each of some steps, shape (S, T); NaN at the end."""
    padded = np.append(path, np.full(max(steps), np.nan))
    return np.asarray(np.abs(padded[np.arange(len(path)) + np.array(steps)[:, None]] - path))


def derivatives(sizes: Array, x: Array, coefficients: Array) -> tuple[Array, Array]:
    """Gradient (C,) and Hessian (C, C) of the loss of moves: size / exp(eta) + eta, eta = terms of the step B x.

    Overlapping moves say the same thing several times, and count by one over the root of the step.

    Args:
        sizes: Moves over each of FIT_STEPS (`sizes_of`), shape (n, S); NaN where not known.
        x: Of the same rows, shape (n, P + 1).
    """
    gradient, hessian = _unpacked(_sums(_relative(sizes, x, coefficients), x)[None], x.shape[1])
    return gradient[0], hessian[0]


def _relative(sizes: Array, x: Array, coefficients: Array) -> Array:
    """Sizes (n, S) over those that are expected of them."""
    return np.asarray(sizes * np.exp(-np.clip(x @ (_step_weights()[0] @ coefficients).T, -5, 5)))


@cache
def _step_weights() -> tuple[Array, Array, Array]:
    """The terms of FIT_STEPS, shape (S, 3), these by their weights, and so products of two of them, shape (S, 5).

    Terms are powers, and so are their products.
    """
    terms, weight = step_terms(max(FIT_STEPS))[np.array(FIT_STEPS) - 1], np.array(FIT_STEPS)[:, None] ** -0.5
    return terms, weight * terms, weight * terms[:, [1]] ** np.arange(2 * STEP_TERMS - 1)


def _sums(relative: Array, x: Array) -> Array:
    """What the derivatives are made of: sums over the rows of relative sizes (n, S), NaN where not known."""
    known, (_, terms, products) = ~np.isnan(relative), _step_weights()
    error = np.where(known, relative, 0.0)
    gradient = ((known - error) @ terms).T @ x
    curved = ((np.minimum(error, 5) @ products).T[:, None] * x.T) @ x
    return np.concatenate([gradient.ravel(), curved.ravel()])


def _unpacked(sums: Array, columns: int) -> tuple[Array, Array]:
    """Gradients (R, C) and Hessians (R, C, C) of sums (R, ...)."""
    size = STEP_TERMS * columns
    curved = sums[:, size:].reshape(-1, 2 * STEP_TERMS - 1, columns, columns)
    hessian = curved[:, np.add.outer(np.arange(STEP_TERMS), np.arange(STEP_TERMS))]
    return sums[:, :size], hessian.transpose(0, 1, 3, 2, 4).reshape(-1, size, size)


def _serves(path: Array, simulated: Array, stops: Sequence[int], *, lookback: int, season: int) -> Flags:
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
    size, usual = _moves_over(path, steps)[:, begin:], np.maximum(window[begin - lookback :], TINY)
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
