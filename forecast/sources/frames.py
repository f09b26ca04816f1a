"""From a pandas frame to a series: which column holds the dates, which one is forecast, and are they what they say.

In: a frame as read. Out: a `TimeSeries` of the target.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from forecast.errors import SourceError
from forecast.series import TimeSeries

DATE_NAMES = ("date", "datetime", "timestamp", "time", "day", "month", "week", "year", "ds")
# The target, best first, where the user named none.
TARGET_NAMES = ("adj close", "adjusted close", "adj_close", "adjclose", "close", "price", "value", "y")

# A time with its offset from UTC, which changes within a column where summer time does; the wall clock is what counts.
OFFSET = r"(:\d{2}(?:\.\d+)?)\s*(?:Z|[+-]\d{2}:?\d{2})$"


def from_frame(
    frame: pd.DataFrame,
    *,
    name: str,
    target: str | None = None,
    unit: str | None = None,
    where: str = "the table",
    notes: tuple[str, ...] = (),
) -> TimeSeries:
    """The series of one column of `frame`.

    Args:
        where: What an error message calls the frame.
        notes: What was done to the frame on its way here.
    Raises:
        SourceError: no column holds dates, the target is not there or not clear, or a cell is not a number.
        SeriesError: dates repeat, or the target has gaps.
    """
    if frame.empty:
        raise SourceError(f"{where}: a series must have rows. Received: none.")
    index, rest = _dates(frame.rename(columns=str), where)
    column = _target(rest, target, where)
    values = _numbers(rest[column], column, index, where)
    said = list(notes)
    if target is None and rest.shape[1] > 1:
        said.append(f"the target is {column}; --target or FILE:COLUMN chooses another")
    if len(index) > 1 and index.is_monotonic_decreasing:
        index, values = index[::-1], values[::-1]
        said.append("the rows were newest first and have been turned round")
    return TimeSeries(
        name=name,
        index=index,
        values=values[:, None],
        columns=(column,),
        target=column,
        unit=unit or "units",
        notes=tuple(said),
    )


def _dates(frame: pd.DataFrame, where: str) -> tuple[pd.DatetimeIndex, pd.DataFrame]:
    """The dates, without a time zone, and the frame without them."""
    if isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex):
        index = frame.index.to_timestamp() if isinstance(frame.index, pd.PeriodIndex) else frame.index
        return index.tz_localize(None), frame
    column = _date_column(frame)
    rest = frame.drop(columns=[column])
    dates = frame[column]
    if not is_datetime64_any_dtype(dates):
        dates = _parse_dates(dates, str(column), where)
    return pd.DatetimeIndex(dates).tz_localize(None), rest


def _date_column(frame: pd.DataFrame) -> str:
    for column in frame.columns:
        if str(column).strip().lower() in DATE_NAMES or is_datetime64_any_dtype(frame[column]):
            return str(column)
    return str(frame.columns[0])


def _parse_dates(text: "pd.Series[str]", column: str, where: str) -> "pd.Series[pd.Timestamp]":
    if is_numeric_dtype(text) and not text.between(1000, 9999).all():
        raise SourceError(f"{where}: dates must be written as in 2018-12-31. {column} holds numbers ({text.iloc[0]}).")
    wall_clock = text.astype(str).str.strip().str.replace(OFFSET, r"\1", regex=True)
    dates = pd.to_datetime(wall_clock, errors="coerce", format="ISO8601")
    wrong = dates.isna().to_numpy()
    if wrong.any():
        row = int(np.argmax(wrong))
        raise SourceError(
            f"{where}, line {row + 2}: dates must be written as in 2018-12-31. {column} is {text.iloc[row]!r}."
        )
    return dates


def _target(frame: pd.DataFrame, target: str | None, where: str) -> str:
    names = [str(column) for column in frame.columns]
    lower = {name.strip().lower(): name for name in reversed(names)}
    if target is not None:
        if target.strip().lower() not in lower:
            raise SourceError(f"{where}: the target must be one of {', '.join(names)}. Received: {target}.")
        return target if target in names else lower[target.strip().lower()]
    for choice in TARGET_NAMES:
        if choice in lower:
            return lower[choice]
    numeric = [str(column) for column in frame.columns if is_numeric_dtype(frame[column])]
    if len(numeric) == 1:
        return numeric[0]
    if len(names) == 1:
        return names[0]
    raise SourceError(
        f"{where}: say which column is to be forecast, with --target or FILE:COLUMN. There are {', '.join(names)}."
    )


def _numbers(column: "pd.Series[float]", name: str, index: pd.DatetimeIndex, where: str) -> NDArray[np.float64]:
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    wrong = ~np.isfinite(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        cell = column.iloc[row]
        found = "empty" if pd.isna(cell) else repr(cell)
        more = f" (and {wrong.sum() - 1} rows more)" if wrong.sum() > 1 else ""
        raise SourceError(
            f"{where}, line {row + 2}: {name} must be a number. On {index[row]:%Y-%m-%d} it is {found}{more}. "
            "Fill those cells or drop those rows."
        )
    return values
