"""Values for missing ones, for those who want them; nothing is filled in by default.

In: values on a grid, NaN where they are missing. Out: the same with holes filled, a copy. Rows before the first known
value and after the last are left as they are. What is filled in is no value: it is neither a label nor scored.
"""

from typing import Literal

import numpy as np
import pandas as pd

from forecast.data.seasons import decompose
from forecast.errors import ConfigError
from forecast.typing import Array

Filling = Literal["none", "forward", "linear", "seasonal"]


def fill(values: Array, how: Filling = "none", *, season: int = 1, rows: int | None = None) -> Array:
    """The values with their holes filled.

    All but `forward` bridge a hole with the value behind it, so no forecast may start within one.

    Args:
        values: Shape (T,), NaN where missing.
        how: `forward` repeats the last value; `linear` draws a straight line; `seasonal` does so between values less
            their season, and adds it again.
        season: Rows in a season, for `seasonal`.
        rows: The rows from which the pattern of the season is taken, those of training; all by default.
    Raises:
        ConfigError: `how` is none of these.
    """
    if how not in ("none", "forward", "linear", "seasonal"):
        raise ConfigError(f"`fill` must be none, forward, linear or seasonal. Received: {how}.")
    known = np.isfinite(values)
    if how == "none" or known.all() or not known.any():
        return values.copy()
    if how == "forward":
        return np.asarray(pd.Series(values).ffill(limit_area="inside"), np.float64)
    pattern = _pattern(values, season, rows) if how == "seasonal" else np.zeros(len(values))
    return np.asarray(pd.Series(values - pattern).interpolate(limit_area="inside"), np.float64) + pattern


def _pattern(values: Array, season: int, rows: int | None) -> Array:
    """The pattern of a season for all rows, 0 where there are too few values to show one."""
    known = values[:rows]
    if season < 2 or np.isfinite(known).sum() < 2 * season:
        return np.zeros(len(values))
    return np.resize(decompose(known, season)[0][:season], len(values))
