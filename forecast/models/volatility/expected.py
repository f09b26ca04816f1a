"""The expected size of coming moves, by a linear model of its logarithm (`size_model.py`), row by row.

As far as the known moves are those of a random walk (`random_walk.py`), it is their mean instead, of the values or of
their logarithms. Where these units do not serve (`suitability.py`) the result is NaN, and windows keep their own scale.
Row t depends on rows up to t alone.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from forecast.data.dataset import Dataset
from forecast.data.inputs import Inputs
from forecast.data.moves import STEP_TERMS, moves_of
from forecast.data.scaling import Scaler
from forecast.models.volatility import random_walk
from forecast.models.volatility.features import TINY, features_of, range_volatility
from forecast.models.volatility.size_model import FIRST, estimates, estimation_rows, prior_of, sizes_of
from forecast.models.volatility.suitability import serves
from forecast.runtime.blas import one_thread
from forecast.typing import Array, Flags, Rows

# A change of coefficients moves the logarithm of a size no further.
LARGEST_CHANGE = 0.7
# Each row follows the one before it.
NO_GAPS = np.zeros(0, int)


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
    simulated, stops = x @ prior.coefficients.T, estimation_rows(len(path))
    found = np.full((len(path), STEP_TERMS), np.nan)
    used = serves(path, simulated + unit, stops, lookback=lookback, season=season)
    if not used.any():
        return found
    changes = estimates(prior, sizes_of(path, base), x, stops) - prior.coefficients
    parts = list(zip(stops, [*stops[1:], len(path)], changes, strict=True))
    change = np.concatenate([x[first:stop] @ one.T for first, stop, one in parts])
    rows = [stop - first for first, stop, _ in parts]
    bounded = np.clip(change, -LARGEST_CHANGE, LARGEST_CHANGE)
    own = simulated[FIRST:] + bounded + unit[FIRST:]
    walks = _walk_sizes(path, level, stops, logarithms=logarithms)
    mixed = own + sum(np.repeat(chance, rows)[:, None] * (usual[FIRST:] - own) for chance, usual in walks)
    found[FIRST:] = np.where(np.repeat(used, rows)[:, None], mixed, np.nan)
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
