"""Frames of sktime as series of this package.

In: `y` and `X`, of one series or with further levels of the index for a panel or hierarchy. Out: an `Instance` for each
series. Periods and dates on a regular grid stay dates, sessions of an exchange among these; all other rows are counted
in their order.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.calendar.frequency import Index
from forecast.data.series import TimeSeries
from forecast.errors import SeriesError
from forecast.typing import Array

Key = tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Instance:
    """One series of a frame.

    Attributes:
        key: Its labels in the outer levels of the index; empty for the only series of a frame.
        rows: The target with the index of the frame, shape (T,).
        series: From the first to the last known target.
        gap: Rows after the last known target.
        coming: The labels of the rows after the last known target, shape (H,).
        has_future: Whether `X`, if there is one, has each of the coming rows, shape (H,).
    """

    key: Key
    rows: "pd.Series[float]"
    series: TimeSeries
    gap: int
    coming: Index
    has_future: NDArray[np.bool_]

    @property
    def has_frequency(self) -> bool:
        """Whether sktime can compute with the labels of the rows."""
        return _frequency(self.rows.index) is not None


def instances_of(y: pd.DataFrame, X: pd.DataFrame | None, horizon: int = 1) -> list[Instance]:  # noqa: N803
    """Each series of a frame, with the values of `X` in its coming rows.

    Args:
        horizon: Coming rows after the last known target, for which `X` is looked up.
    Raises:
        SeriesError: a series has no known target, or its dates follow no grid.
    """
    return [_instance(key, rows, other, horizon) for key, rows, other in _series_in(y, X)]


def columns_of(X: pd.DataFrame | None) -> tuple[str, ...]:  # noqa: N803
    """What the columns of `X` are called within a series: by their place, for names may be no text, or the same."""
    return () if X is None else tuple(f"X{place} {name}" for place, name in enumerate(X.columns, start=1))


def _series_in(
    y: pd.DataFrame,
    X: pd.DataFrame | None,  # noqa: N803
) -> Iterator[tuple[Key, "pd.Series[float]", pd.DataFrame | None]]:
    target = y.iloc[:, 0].astype(float)
    if not isinstance(y.index, pd.MultiIndex):
        yield (), target, X
        return
    outer: list[Any] = list(range(y.index.nlevels - 1))
    others = {} if X is None else {_key(key): rows.droplevel(outer) for key, rows in X.groupby(level=outer)}
    for key, rows in target.groupby(level=outer, sort=False):
        yield _key(key), rows.droplevel(outer), None if X is None else others.get(_key(key), X.droplevel(outer)[:0])


def _key(key: Any) -> Key:
    return key if isinstance(key, tuple) else (key,)


def _instance(key: Key, rows: "pd.Series[float]", X: pd.DataFrame | None, horizon: int) -> Instance:  # noqa: N803
    name = " / ".join(map(str, key)) or str(rows.name if rows.name is not None else "y")
    if isinstance(rows.index, pd.PeriodIndex):
        rows = rows.reindex(pd.period_range(rows.index[0], rows.index[-1], freq=rows.index.freq))
    known = np.flatnonzero(rows.notna())
    if not len(known):
        raise SeriesError(f"{name}: a series must have a known target. All {len(rows)} rows are missing.")
    kept, gap = rows.iloc[known[0] : known[-1] + 1], len(rows) - 1 - int(known[-1])
    beside = np.empty((len(kept), 0)) if X is None else X.reindex(kept.index).to_numpy(float)
    series = _time_series(name, kept, beside, columns_of(X))
    coming = _labels_after(kept.index, series, horizon)
    if X is not None:
        future = np.column_stack([np.full(len(coming), np.nan), X.reindex(coming).to_numpy(float)])
        series = replace(series, future=future)
    return Instance(key, rows, series, gap, coming, coming.isin(X.index) if X is not None else np.ones(horizon, bool))


def _time_series(name: str, rows: "pd.Series[float]", beside: Array, columns: tuple[str, ...]) -> TimeSeries:
    values, names = np.column_stack([rows.to_numpy(), beside]), ("y", *columns)
    if (dates := _dates(rows.index)) is not None:
        series = TimeSeries(name, dates, values, names, "y")
        if series.grid.is_regular and (_frequency(rows.index) is None or len(series) == len(rows)):
            return series
    return TimeSeries(name, pd.RangeIndex(1, len(rows) + 1), values, names, "y")


def _dates(index: Index) -> pd.DatetimeIndex | None:
    if isinstance(index, pd.PeriodIndex):
        return index.to_timestamp()
    if not isinstance(index, pd.DatetimeIndex):
        return None
    return index.tz_convert("UTC").tz_localize(None) if index.tz is not None else index


def _frequency(index: Index) -> Any:
    """One step of an index; None if it has none that sktime knows."""
    if isinstance(index, pd.PeriodIndex):
        return index.freq
    if isinstance(index, pd.DatetimeIndex):
        return index.freq or (pd.infer_freq(index) if len(index) > 2 else None)
    return 1


def _labels_after(index: Index, series: TimeSeries, count: int) -> Index:
    """The labels of the rows after the last one.

    Raises:
        SeriesError: dates without any frequency.
    """
    frequency, last = _frequency(index), index[-1]
    if isinstance(index, pd.PeriodIndex):
        return pd.period_range(last, periods=count + 1, freq=frequency)[1:]
    if not isinstance(index, pd.DatetimeIndex):
        return pd.RangeIndex(int(last) + 1, int(last) + 1 + count)
    if frequency:
        return pd.date_range(last, periods=count + 1, freq=frequency)[1:]
    if series.grid.is_counted:
        raise SeriesError(
            f"{series.name}: the dates follow no frequency, so that the coming rows have no dates. Give the rows one, "
            "as `y.asfreq` does, or count them: `y.reset_index(drop=True)`."
        )
    coming = pd.DatetimeIndex(series.future_dates(count))
    return coming.tz_localize("UTC").tz_convert(index.tz) if index.tz is not None else coming
