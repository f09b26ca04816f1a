"""Dates, counts and steps in words: `2018-12-31`, `145`, `30 sessions`.

The rows of a series have dates, or are counted where it has none: then their index holds whole numbers.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import pandas as pd

# The dates of rows, or their counts.
Index: TypeAlias = "pd.Index[Any]"

# The name of one step, by offset alias.
STEP_NAMES = {
    "B": "session",
    "D": "day",
    "h": "hour",
    "min": "minute",
    "W": "week",
    "M": "month",
    "Q": "quarter",
    "Y": "year",
}


def count_steps(count: int, frequency: str) -> str:
    """Name a number of steps: `30 sessions`, `1 day`, `12 months`; `steps` if the frequency has no name."""
    base = frequency.split("-")[0]
    name = STEP_NAMES.get(base.removesuffix("S").removesuffix("E"), "step")
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def iso(date: pd.Timestamp | int) -> str:
    """Format as `2018-12-31`, or as `2018-12-31T15:30:00` if there is a time of day; a count as `145`."""
    if not isinstance(date, pd.Timestamp):
        return str(date)
    return date.isoformat() if date != date.normalize() else f"{date:%Y-%m-%d}"


def has_times(index: Index) -> bool:
    """Whether some date has a time of day: all dates of a table are then written with one."""
    return isinstance(index, pd.DatetimeIndex) and not index.is_normalized


def iso_dates(index: Index, *, timed: bool) -> list[str]:
    """The dates of a table in one form, with a time of day or without; counts as they are."""
    if not isinstance(index, pd.DatetimeIndex):
        return [str(count) for count in index]
    if not timed:
        return [f"{date:%Y-%m-%d}" for date in index]
    fine = bool((index != index.floor("s")).any())
    return [date.isoformat(timespec="microseconds" if fine else "seconds") for date in index]


def day(date: pd.Timestamp | int) -> str:
    """Format as `2018-12-31`, without the time of day; a count as `145`."""
    return f"{date:%Y-%m-%d}" if isinstance(date, pd.Timestamp) else str(date)


def moment(text: str) -> pd.Timestamp | int:
    """The date, or the count, that `iso` wrote."""
    return int(text) if text.lstrip("-").isdecimal() else pd.Timestamp(text)


def moments(texts: Sequence[str]) -> Index:
    """The dates, or the counts, that `iso` wrote."""
    return pd.Index([moment(text) for text in texts])


def is_counted(index: Index) -> bool:
    """Whether rows have counts, no dates."""
    return not isinstance(index, pd.DatetimeIndex)
