"""What rows must be to make a series; each check raises `SeriesError` with the rule, the value and the cure."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.calendar.frequency import Index, is_counted, iso
from forecast.errors import SeriesError
from forecast.typing import Array


def check_order(name: str, index: Index) -> None:
    """Refuse rows without a date, out of order, or twice at one date."""
    if not len(index):
        raise SeriesError(f"{name}: a series must have rows. Received: none.")
    if is_counted(index) and not pd.api.types.is_integer_dtype(index.dtype):
        raise SeriesError(f"{name}: rows must have dates, or whole numbers that count them. Received: {index.dtype}.")
    if index.hasnans:
        row = int(np.argmax(index.isna()))
        raise SeriesError(f"{name}: each row must have a date. Row {row + 1} has none.")
    steps = np.diff(whole_numbers(index))
    if (steps <= 0).any():
        row = int(np.argmax(steps <= 0)) + 1
        rule = "appears twice" if steps[row - 1] == 0 else f"comes after {_minute(index[row - 1])}"
        raise SeriesError(
            f"{name}: dates must be strictly increasing. Row {row + 1}, {_minute(index[row])}, {rule}. "
            "Sort the rows and keep one a date."
        )
    if isinstance(index, pd.DatetimeIndex):
        _check_resolution(name, index)


def _check_resolution(name: str, index: pd.DatetimeIndex) -> None:
    """Dates finer than microseconds are no dates of a series, nor are those of two seconds of 1970: see the cure."""
    too_fine = len(index) > 1 and np.diff(index.as_unit("us").asi8).min() == 0
    epoch = pd.Timestamp(0, tz=index.tz)
    seconds_as_nanoseconds = index[0] - epoch > pd.Timedelta("1s") and index[-1] - epoch < pd.Timedelta("3s")
    if too_fine or seconds_as_nanoseconds:
        raise SeriesError(
            f"{name}: dates must be at least a microsecond apart, and not all within three seconds of 1970. Received: "
            f"{len(index)} rows from {index[0]} to {index[-1]}. If they are seconds since 1970, make the dates with "
            "pandas.to_datetime(..., unit='s')."
        )


def whole_numbers(index: Index) -> NDArray[np.int64]:
    """Dates in the unit of the index, or counts."""
    return index.asi8 if isinstance(index, pd.DatetimeIndex) else index.to_numpy(np.int64)


def _minute(date: pd.Timestamp | int) -> str:
    return f"{date:%Y-%m-%d %H:%M}" if isinstance(date, pd.Timestamp) else str(date)


def check_exchange(name: str, index: Index, exchange: str) -> None:
    """Refuse sessions for rows that are only counted."""
    if exchange and is_counted(index):
        raise SeriesError(f"{name}: sessions of {exchange} need dates, and these rows are only counted.")


def check_values(name: str, index: Index, values: Array, columns: Sequence[str]) -> None:
    """Refuse infinite values, shape (T, F)."""
    wrong = np.isinf(values)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise SeriesError(
            f"{name}: values must be finite numbers, or NaN where missing. {columns[column]} is "
            f"{values[row, column]} on {iso(index[row])}, {int(wrong.any(axis=1).sum())} rows in all."
        )


def check_ends(name: str, index: Index, y: Array) -> None:
    """Refuse a target, shape (T,), whose first or last row is missing."""
    for row, place in ((0, "first"), (-1, "last")):
        if np.isnan(y[row]):
            raise SeriesError(
                f"{name}: the {place} row must have a target. On {iso(index[row])} it is missing. Drop that row."
            )
