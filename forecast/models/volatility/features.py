"""What is known at each row of the size of coming moves: averages of past sizes over days, weeks, months and all rows.

In: a path, of which moves are differences: the logarithm of a price, or the values of a series that is not positive.
Out: a base scale, and features: logarithms of other averages over that base, and signed moves, by which a fall can mean
more volatility than a rise. Row t of everything is computed from rows up to t.

Sources: the heterogeneous autoregressive model, Corsi (2009); volatility from the range of the day, Garman and Klass
(1980); the gap between days, Yang and Zhang (2000).
"""

import numpy as np
import pandas as pd

from forecast.typing import Array

# Half-lives in rows of averages of absolute moves; the base is that of 25 rows. Then of signed moves, and of ranges.
HALF_LIVES, BASE = (1.5, 4.0, 10.0, 25.0, 60.0, 150.0), 3
SIGNED = (2.0, 10.0, 40.0)
RANGES = (0.0, 1.0, 4.0, 10.0, 25.0, 60.0)
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
    sizes = [average(size, half) for half in HALF_LIVES]
    base = np.maximum(sizes[BASE], floor) + TINY
    found = [_relative(one, floor, base) for place, one in enumerate(sizes) if place != BASE]
    found += [np.clip(average(move, half) / base, -4, 4) for half in SIGNED]
    found.append(_relative(usual, floor, base))
    if ranges is not None:
        total = np.cumsum(ranges)
        bias = (total + TINY) / (count * usual + TINY)  # how much larger ranges are than absolute moves, so far
        found += [_relative(average(ranges, half) / bias, floor, base) for half in RANGES]
    return base, np.stack(found, axis=1)


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


def average(values: Array, half_life: float) -> Array:
    """Exponentially weighted means of `values` (T,) from the second row on, whose weights halve in `half_life` rows.

    The first row, before which nothing moved, has the mean of the second one.
    """
    found = pd.Series(values[1:]).ewm(halflife=half_life).mean().to_numpy() if half_life else values[1:]
    return np.concatenate([found[:1], found]) if len(found) else np.zeros(len(values))


def _relative(sizes: Array, floor: Array, base: Array) -> Array:
    return np.asarray(np.log((np.maximum(sizes, floor) + TINY) / base))
