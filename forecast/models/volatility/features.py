"""What is known at each row of the size of coming moves: averages of past sizes over days, weeks, months and all rows.

In: a path, of which moves are differences: the logarithm of a price, or the values of a series that is not positive.
Out: a base scale, and features: logarithms of other averages over that base, and signed moves, by which a fall can mean
more volatility than a rise. Row t of everything is computed from rows up to t.

Sources: the heterogeneous autoregressive model, Corsi (2009); volatility from the range of the day, Garman and Klass
(1980); the gap between days, Yang and Zhang (2000).
"""

from collections.abc import Sequence

import numpy as np

from forecast.typing import Array

# Half-lives in rows of averages of absolute moves; the base is that of 25 rows. Then of signed moves, and of ranges.
HALF_LIVES, BASE = (1.5, 4.0, 10.0, 25.0, 60.0, 150.0), 3
SIGNED = (2.0, 10.0, 40.0)
RANGES = (0.0, 1.0, 4.0, 10.0, 25.0, 60.0)
ALL = (*HALF_LIVES, *SIGNED, *RANGES)
# No average counts as less than this share of the mean over all rows.
FLOOR = 0.05
# Stands for the size of moves of a path that does not move at all.
TINY = 1e-12


def features_of(path: Array, ranges: Array | None = None) -> tuple[Array, Array]:
    """The base scale (T,) and the features (T, P) of a path (T,).

    Args:
        ranges: Volatility of each row from its range (`range_volatility`), shape (T,).
    """
    move = np.diff(path, prepend=path[0])
    size, count = np.abs(move), np.maximum(np.arange(len(path)), 1)
    usual = np.cumsum(size) / count
    floor = FLOOR * usual
    beside = np.zeros((0, len(path))) if ranges is None else np.tile(ranges, (len(RANGES), 1))
    every = np.concatenate([np.tile(size, (len(HALF_LIVES), 1)), np.tile(move, (len(SIGNED), 1)), beside])
    sizes, signed, ranged = np.split(averages(every, ALL[: len(every)]), (len(HALF_LIVES), len(HALF_LIVES + SIGNED)))
    base = np.maximum(sizes[BASE], floor) + TINY
    found = [_relative(np.delete(sizes, BASE, axis=0), floor, base), np.clip(signed / base, -4, 4)]
    found.append(_relative(usual[None], floor, base))
    if ranges is not None:
        total = np.cumsum(ranges)
        bias = (total + TINY) / (count * usual + TINY)  # how much larger ranges are than absolute moves, so far
        found.append(_relative(ranged / bias, floor, base))
    return base, np.ascontiguousarray(np.concatenate(found).T)


def range_volatility(ranges: Array, path: Array) -> Array:
    """Volatility of each row from its range and the gap to the row before, shape (T,); the absolute move without one.

    Args:
        ranges: Logarithms of high over low and of close over open, shape (T, 2).
        path: Logarithms of the target, which may be adjusted for dividends and splits, as the gap then is too.
    """
    whole, within = ranges.T
    squared = 0.5 * whole**2 - (2 * np.log(2) - 1) * within**2
    move = np.diff(path, prepend=path[0])
    found = np.sqrt(np.maximum(squared, 0) + (move - within) ** 2)
    return np.where(np.isfinite(found), found, np.abs(move))


def averages(values: Array, half_lives: Sequence[float]) -> Array:
    """Exponentially weighted means of K rows of values (K, T) from the second on, whose weights halve in so many rows.

    The first one, before which nothing moved, has the mean of the second one. Sums over 1, 2, 4, ... values are made of
    two of half as many.
    """
    weight = np.array([0.5 ** (1 / one) if one else TINY for one in half_lives])[:, None]
    total, reach = values[:, 1:].copy(), 1
    while reach < total.shape[1]:
        total[:, reach:] += weight**reach * total[:, :-reach]
        reach *= 2
    total *= (1 - weight) / -np.expm1(np.log(weight) * np.arange(1, values.shape[1]))
    return np.concatenate([total[:, :1], total], axis=1) if total.size else np.zeros_like(values)


def _relative(sizes: Array, floor: Array, base: Array) -> Array:
    return np.asarray(np.log((np.maximum(sizes, floor) + TINY) / base))
