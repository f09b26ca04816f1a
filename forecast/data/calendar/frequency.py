"""Dates and steps in words: `2018-12-31`, `30 sessions`."""

import pandas as pd

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


def iso(date: pd.Timestamp) -> str:
    """Format as `2018-12-31`, or as `2018-12-31T15:30:00` if there is a time of day."""
    return date.isoformat() if date != date.normalize() else f"{date:%Y-%m-%d}"


def has_times(index: pd.DatetimeIndex) -> bool:
    """Whether some date has a time of day: all dates of a table are then written with one."""
    return bool((index != index.normalize()).any())


def iso_dates(index: pd.DatetimeIndex, *, timed: bool) -> list[str]:
    """The dates of a table in one form, with a time of day or without."""
    if not timed:
        return [f"{date:%Y-%m-%d}" for date in index]
    fine = bool((index != index.floor("s")).any())
    return [date.isoformat(timespec="microseconds" if fine else "seconds") for date in index]
