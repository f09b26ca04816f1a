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
