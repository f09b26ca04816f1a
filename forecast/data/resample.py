"""Rows at any times, as of trades and visits, brought onto a grid: one row an hour, a day, a month.

In: a series, or a frame of dated rows. Out: one row for each stretch of time, in the same columns.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from forecast.data.series import PLACING, UNKNOWN, TimeSeries
from forecast.data.vocabulary import adds_up, is_price
from forecast.errors import ConfigError

How = Literal["last", "mean", "sum"]
# The first stretch is whole where it begins no later than all others but this share of them, the last one where it
# ends no earlier; if there are so many others.
UNUSUAL, OTHERS = 0.05, 5


def resample_series(series: TimeSeries, every: str, how: How | None = None) -> TimeSeries:
    """The series with one row for each stretch of `every`, missing where a stretch has no value.

    Args:
        how: Of the target; by default the last value of prices, the sum of what adds up, such as sales, and the mean of
            all else, by the names of columns.
    Raises:
        ConfigError: as `resample`.
    """
    if series.grid.is_counted:
        raise ConfigError(f"{series.name}: `every` brings dated rows onto a grid, and these rows are only counted.")
    hows = {name: usual_how(name) for name in series.columns} | ({series.target: how} if how else {})
    known = np.isfinite(series.y)
    frame = resample(pd.DataFrame(series.values[known], series.index[known], series.columns), every, hows)
    frame = frame[frame[series.target].notna()]
    note = f"one row every {every}: the {hows[series.target]} of {series.target} (--how)"
    return replace(
        series,
        index=pd.DatetimeIndex(frame.index).rename(None),
        values=frame.to_numpy(float),
        frequency=to_offset(every).freqstr,
        notes=(*series.notes, note),
        findings=tuple(one for one in series.findings if one.kind not in PLACING),
        future=series.future[:0],
        grid=UNKNOWN,
    )


def usual_how(name: str) -> How:
    """How a column of that name is aggregated."""
    return "last" if is_price(name) else "sum" if adds_up(name) else "mean"


def resample(frame: pd.DataFrame, every: str, how: How | Mapping[str, How] = "last") -> pd.DataFrame:
    """One row for each stretch of `every`.

    A stretch of minutes, hours or days is dated by its beginning: 10:00 stands for the rows from 10:00 up to 10:59:59.
    Weeks, and periods that are named by their end (`W`, `ME`, `QE`, `YE`), are dated by their last day, those named by
    their start (`MS`, `QS`, `YS`) by their first. This is what pandas does. The first and the last stretch are left out
    where their rows begin later or end earlier than those of others, for half an hour is no hour.

    Args:
        frame: Dated rows, in the order of time; NaN where a column has no value.
        every: An offset alias of pandas, as in `1h`, `15min`, `1D`, `W`, `MS`.
        how: For all columns, or by column: the last value of a stretch, their mean, or their sum.
    Raises:
        ConfigError: `every` is no offset alias, or `how` none of the three.
    """
    hows = dict.fromkeys(frame.columns, how) if isinstance(how, str) else dict(how)
    if unknown := [name for name in hows.values() if name not in get_args(How)]:
        raise ConfigError(f"`how` must be one of {', '.join(get_args(How))}. Received: {unknown[0]}.")
    try:
        columns = {name: _aggregate(frame[name], every, hows[name]) for name in frame.columns}
    except ValueError as error:
        raise ConfigError(
            f"`every` must be a stretch of time, as in 15min, 1h, 1D, W or MS. Received: {every}."
        ) from error
    first, last = _are_whole(pd.DatetimeIndex(frame.index), every)
    return pd.DataFrame(columns).iloc[0 if first else 1 : None if last else -1]


def _aggregate(column: pd.Series, every: str, how: How) -> pd.Series:
    stretches = column.resample(every)
    if how == "sum":
        return stretches.sum(min_count=1)
    return stretches.mean() if how == "mean" else stretches.last()


def _are_whole(index: pd.DatetimeIndex, every: str) -> tuple[bool, bool]:
    """Whether the first and the last stretch begin and end as others do."""
    stretches = index.to_series().resample(every)
    begin, end = ((dates - dates.index).dropna() for dates in (stretches.min(), stretches.max()))
    if len(begin) < OTHERS + 2:
        return True, True
    usual = begin.iloc[1:-1].quantile(1 - UNUSUAL), end.iloc[1:-1].quantile(UNUSUAL)
    return bool(begin.iloc[0] <= usual[0]), bool(end.iloc[-1] >= usual[1])
