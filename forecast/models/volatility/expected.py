"""The expected size of coming moves: a linear model of its logarithm, from simulated prices and the series' own past.

    log E|move over h rows| = log base + log(h) / 2 + b(h)' B features        b(h) = (1, l, l^2), l = log h / log 30

The coefficients B are fitted in closed form on simulated prices (`prior.npz`), with the likelihood of Laplace, which is
convex; one step of Newton's method on the moves that are known moves them towards the series, as far as these outweigh
PRIOR_ROWS rows of simulated prices. They are estimated anew whenever the series has grown by a quarter. As far as the
moves known then are those of a random walk (`random_walk.py`), the expected size is their mean instead.

A window is measured in these units unless, by the moves known when the coefficients were estimated, the simulated
coefficients tell the size of moves worse than the mean difference of a window does, beyond chance, or moves can be
forecast from earlier ones: a season of sales is not volatility, and a temperature that returns to its mean is no walk
(the variance ratio of Lo and MacKinlay 1988). Elsewhere the result is NaN, and windows keep their own scale. Row t
depends on rows up to t alone.
"""

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from forecast.data.dataset import Dataset
from forecast.data.scaling import Scaler
from forecast.data.windows import STEP_TERMS, Inputs, moves_of, step_terms
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
    found = _kept(y.tobytes(), ranges.tobytes(), config.lookback or 1, config.season or 1)
    log_scale = found - np.log(span) * (np.arange(STEP_TERMS) == 0)
    return replace(inputs, log_scale=log_scale, log_steps=_log_steps(dataset, scaler))


def _log_steps(dataset: Dataset, scaler: Scaler) -> Array:
    """Logarithm of the expected size of the next move of each column that is forecast together, scaled, shape (T, M).

    By its values alone: where one of them is the target, its ranges tell more of the labels, and inputs stay as they
    are beside another target.
    """
    config, columns = dataset.config, len(dataset.config.inputs.joint)
    found = [
        _kept(np.ascontiguousarray(values).tobytes(), b"", config.lookback or 1, config.season or 1)[:, 0]
        - np.log(span)
        for values, span in zip(dataset.inputs.past[:, :columns].T, scaler.span[:columns], strict=True)
    ]
    return np.column_stack(found) if found else np.empty((len(dataset), 0))


def _ranges(dataset: Dataset, y: Array) -> Array:
    """Volatility from the ranges of the rows, shape (T,); empty without, or for values that are no prices."""
    ranges = dataset.series.ranges
    return range_volatility(ranges, np.log(y)) if len(ranges) and y.min() > 0 else np.zeros(0)


@lru_cache(maxsize=64)
def _kept(y: bytes, ranges: bytes, lookback: int, season: int) -> Array:
    """`log_scale` of arrays as bytes: the same series is asked for by each model."""
    return log_scale(np.frombuffer(y), np.frombuffer(ranges), lookback=lookback, season=season)


def log_scale(y: Array, ranges: Array, *, lookback: int, season: int) -> Array:
    """The logarithm of the expected size of the moves from each row, as factors of `step_terms`, shape (T, 3).

    NaN where windows keep their own scale.

    Args:
        y: Values, shape (T,). Moves of prices, which are above 0, grow with the price; from the first value that is
            not above 0 on, moves are those of the values themselves.
        ranges: Volatility of each row from its range, shape (T,), or empty.
        lookback: Rows of a window.
    """
    prices = len(y) if y.min() > 0 else int(np.argmax(y <= 0))
    found = np.full((len(y), STEP_TERMS), np.nan)
    if prices > FIRST:
        size = np.log(y[:prices])
        found[:prices] = _log_scale(size, ranges[:prices], lookback=lookback, season=season)
        found[:prices, 0] += size
    if prices < len(y) and len(y) > FIRST:
        found[prices:] = _log_scale(y, ranges[:0], lookback=lookback, season=season)[prices:]
    return found


def _log_scale(path: Array, ranges: Array, *, lookback: int, season: int) -> Array:
    """The same in units of the path."""
    prior = prior_of("range" if len(ranges) else "close")
    base, features = features_of(path, ranges if len(ranges) else None)
    x, unit = prior.design(features), np.log(base)[:, None] * (np.arange(STEP_TERMS) == 0)
    simulated = x @ prior.coefficients.T
    found = np.full((len(path), STEP_TERMS), np.nan)
    sizes, stops = sizes_of(path, base), _estimation_rows(len(path))
    serves = _serves(path, simulated + unit, stops, lookback=lookback, season=season)
    moves = np.diff(path)
    walks, usual = random_walk.chances(np.array(stops) - 1, moves)[0], _usual(moves)
    for first, stop, better, walk in zip(stops, [*stops[1:], len(path)], serves, walks, strict=True):
        if better:
            rows = slice(first, stop)
            change = x[rows] @ (_estimate(prior, sizes, x, first) - prior.coefficients).T
            bounded = np.clip(change, -LARGEST_CHANGE, LARGEST_CHANGE)
            found[rows] = (1 - walk) * (simulated[rows] + bounded + unit[rows]) + walk * usual[rows]
    return found


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


def _estimate(prior: Prior, sizes: Array, x: Array, rows: int) -> Array:
    """B after one step of Newton's method from the prior, on the moves that are known after `rows` rows.

    Args:
        sizes: Moves over each of FIT_STEPS from each row (`sizes_of`), shape (T, S).
    """
    begin = max(BURN, rows - MOST_ROWS)
    known = np.arange(begin, rows)[:, None] + FIT_STEPS < rows
    gradient, hessian = derivatives(np.where(known, sizes[begin:rows], np.nan), x[begin:rows], prior.coefficients)
    change = np.linalg.solve(hessian + PRIOR_ROWS * prior.information, gradient)
    return np.asarray(prior.coefficients - change.reshape(prior.coefficients.shape))


def sizes_of(path: Array, base: Array) -> Array:
    """Moves over each of FIT_STEPS in units of the base and the root of the step, cut, shape (T, S); NaN at the end."""
    found = np.full((len(path), len(FIT_STEPS)), np.nan)
    for place, step in enumerate(FIT_STEPS):
        moves = np.abs(path[step:] - path[:-step])
        found[: len(moves), place] = np.minimum(moves / (base[: len(moves)] * np.sqrt(step)), LARGEST_MOVE)
    return found


def derivatives(sizes: Array, x: Array, coefficients: Array) -> tuple[Array, Array]:
    """Gradient (C,) and Hessian (C, C) of the loss of moves: size / exp(eta) + eta, eta = terms of the step B x.

    Overlapping moves say the same thing several times, and count by one over the root of the step.

    Args:
        sizes: Moves over each of FIT_STEPS (`sizes_of`), shape (n, S); NaN where not known.
        x: Of the same rows, shape (n, P + 1).
    """
    terms, weight = step_terms(max(FIT_STEPS))[np.array(FIT_STEPS) - 1], np.array(FIT_STEPS) ** -0.5
    error = sizes * np.exp(-np.clip(x @ (terms @ coefficients).T, -5, 5))
    columns = x.shape[1]
    gradients = np.where(np.isnan(error), 0.0, 1 - error).T @ x
    curved = np.nan_to_num(np.minimum(error, 5)).T @ (x[:, :, None] * x[:, None, :]).reshape(len(x), columns**2)
    both = (terms[:, :, None] * terms[:, None, :]).reshape(-1, STEP_TERMS**2)
    hessian = ((weight[:, None] * both).T @ curved).reshape(STEP_TERMS, STEP_TERMS, columns, columns)
    size = STEP_TERMS * columns
    return ((weight[:, None] * terms).T @ gradients).ravel(), hessian.transpose(0, 2, 1, 3).reshape(size, size)


def _serves(path: Array, simulated: Array, stops: list[int], *, lookback: int, season: int) -> list[bool]:
    """Whether the simulated coefficients serve better than the scale of a window, by what each estimation knows."""
    gain = _gains(path, simulated, stops, lookback) + LIKELIER / np.sqrt(stops)
    unit = np.exp(simulated[:-1, 0])
    moves = np.clip(np.diff(path) / unit, -LARGEST_FEATURE, LARGEST_FEATURE)
    return [
        bool(better > 0) and not _correlated(moves[: rows - 1], season) and _walks(moves[: rows - 1])
        for better, rows in zip(gain, stops, strict=True)
    ]


def _gains(path: Array, simulated: Array, stops: list[int], lookback: int) -> Array:
    """By how much the log likelihood of the moves known after each number of rows is better, a move.

    Each scale is multiplied by what suits it best, so that only how it changes counts.
    """
    window = np.convolve(np.abs(np.diff(path)), np.ones(lookback) / lookback, mode="valid")  # row t: window[t - L]
    begin, terms = max(BURN, lookback), step_terms(max(FIT_STEPS))
    found = np.zeros(len(stops))
    for step in FIT_STEPS:
        rows = slice(begin, len(path) - step)
        size = np.abs(path[begin + step :] - path[rows])
        logs = simulated[rows] @ terms[step - 1], np.log(np.maximum(window[begin - lookback :][: len(size)], TINY))
        ends = np.array(stops) - step - begin  # moves that are known
        if not len(size):  # fewer rows than a window has
            continue
        losses = [_profile_losses(size, log, ends) for log in logs]
        found += (losses[1] - losses[0]) / len(FIT_STEPS)
    return found


def _profile_losses(size: Array, log: Array, ends: Rows) -> Array:
    """Mean Laplace loss of the first `ends` sizes, shape (n,), for logarithms of scales (N,) up to a constant."""
    ends = np.maximum(ends, 1)
    relative = np.minimum(size * np.exp(-np.maximum(log, np.log(TINY))), 1 / TINY)
    mean, level = np.cumsum(relative)[ends - 1] / ends, np.cumsum(log)[ends - 1] / ends
    return np.asarray(np.log(mean + TINY) + level)


def _correlated(moves: Array, season: int) -> bool:
    """Whether moves in units of their expected size can be forecast from earlier ones."""
    lags = np.arange(1, min(max(LAGS, 2 * season), MOST_LAGS, len(moves) // 2) + 1)
    centred = moves - moves.mean()
    total = max(float(centred @ centred), TINY)
    found = max(abs(float(centred[lag:] @ centred[:-lag])) for lag in lags) / total
    return bool(found > CORRELATED + CHANCE / np.sqrt(len(moves)))


def _walks(moves: Array) -> bool:
    """Whether the variance of sums of moves (n,) grows with their number as that of a walk does, chance aside."""
    rows, steps = len(moves), WALK_STEPS
    path = np.cumsum(np.append(0.0, moves - moves.mean()))
    ratio = np.var(path[steps:] - path[:-steps]) / max(steps * np.var(moves), TINY)
    chance = np.sqrt(2 * (2 * steps - 1) * (steps - 1) / (3 * steps * rows))
    return bool(WALK_RATIO - chance < ratio < 1 / WALK_RATIO + chance)
