"""Values in place of missing ones: in what a model sees, and in a series whose user wants them (`--fill`).

In: values on a grid, NaN where they are missing. Out: the same with holes filled, a copy. What is filled in is neither
a label nor scored, and no forecast starts from it. Linear and seasonal filling bridge a hole with the value behind it,
which every forecast after the hole knows.
"""

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from forecast.data.seasons import find_seasons
from forecast.data.series import TimeSeries
from forecast.errors import ConfigError
from forecast.typing import Array

Filling = Literal["forward", "linear", "seasonal"]
# Past seasons of which a hole takes the mean course.
CYCLES = 4


def fill(values: Array, how: Filling, *, season: int = 1) -> Array:
    """The values with their holes filled; rows before the first known value take it.

    Args:
        values: Shape (T,), NaN where missing.
        how: `forward` repeats the last value; `linear` draws a straight line; `seasonal` follows the mean course of the
            same rows in the last seasons, bent so that it meets both ends of the hole.
        season: Rows in a season; seasonal filling is linear where there are none before a hole.
    Raises:
        ConfigError: `how` is none of these.
    """
    if how not in get_args(Filling):
        raise ConfigError(f"`fill` must be one of {', '.join(get_args(Filling))}. Received: {how}.")
    if how == "forward":
        return fill_forward(values)
    known = np.flatnonzero(np.isfinite(values))
    filled = np.interp(np.arange(len(values)), known, values[known])
    if how == "seasonal" and season > 1:
        for hole in np.flatnonzero(np.diff(known) > 1):
            _follow_season(filled, int(known[hole]), int(known[hole + 1]), season)
    return filled


def fill_series(series: TimeSeries, how: Filling) -> TimeSeries:
    """The series with its missing targets filled, and other columns forward."""
    missing = np.isnan(series.y)
    if not missing.any():
        return series
    season = max(find_seasons(series.y, series.grid), default=1)
    target = fill(series.y, how, season=season)
    values = np.column_stack([*map(fill_forward, series.values.T)])
    values[:, series.target_column] = target
    note = f"{int(missing.sum())} missing values were filled ({how}); no score counts them"
    return replace(series, values=values, filled=missing, notes=(*series.notes, note))


def fill_forward(values: Array) -> Array:
    """Each missing value as the last known one; before the first known value, as that."""
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(len(values))
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    return np.asarray(values[np.where(last < 0, known.argmax(), last)], np.float64)


def _follow_season(filled: Array, before: int, after: int, season: int) -> None:
    """Bend the straight line between two rows by the mean course of the same rows in the last seasons, in place."""
    nearest = -(-(after - before) // season)
    shifts = [season * count for count in range(nearest, nearest + CYCLES) if before >= season * count]
    if not shifts:
        return
    course = np.mean([filled[before - shift : after - shift + 1] for shift in shifts], axis=0)
    line = np.linspace(course[0], course[-1], len(course))
    filled[before + 1 : after] += (course - line)[1:-1]
