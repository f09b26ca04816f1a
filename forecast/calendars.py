"""Dates: how often a series has rows, and when its next rows are due.

In: the dates of a series. Out: a pandas offset alias, and future dates. Exchanges' own holidays are not known here
yet: a series with rows on Monday to Friday goes on on business days.
"""

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from forecast.errors import SeriesError

DAY = pd.Timedelta(days=1)
# Rows in one season of the seasonal naive forecast, by offset alias; other frequencies have season 1.
SEASONS = {"min": 60, "h": 24, "D": 7, "B": 5, "W": 52, "MS": 12, "ME": 12, "QS": 4, "QE": 4}
# Months in a step, by offset alias: at the start of the period (or any day in it), and at its end.
MONTHS = {"MS": 1, "QS": 3, "YS": 12, "ME": 1, "QE": 3, "YE": 12}


# What one step of a frequency is called.
NAMES = {
    "B": "session",
    "D": "day",
    "h": "hour",
    "min": "minute",
    "W": "week",
    "M": "month",
    "Q": "quarter",
    "Y": "year",
}


def infer_frequency(index: pd.DatetimeIndex) -> str:
    """The offset alias of the most common step between rows.

    Holidays and single missing rows do not change it. Daily rows without weekends are business days (`B`).
    """
    if len(index) < 2:
        return "D"
    step = pd.Timedelta(int(np.median(np.diff(index.as_unit("ns").asi8))), "ns")
    if step == DAY:
        return "B" if (index.day_of_week >= 5).mean() < 0.01 else "D"
    if step == 7 * DAY:
        return f"W-{index[-1]:%a}".upper()
    if 28 * DAY <= step <= 31 * DAY:
        return "ME" if _at_month_end(index) else "MS"
    if 89 * DAY <= step <= 92 * DAY:
        return "QE" if _at_month_end(index) else "QS"
    if 365 * DAY <= step <= 366 * DAY:
        return "YE" if _at_month_end(index) else "YS"
    return to_offset(step).freqstr


def _at_month_end(index: pd.DatetimeIndex) -> bool:
    return bool(index.is_month_end.mean() > 0.5)


def season_of(frequency: str) -> int:
    """Rows in one season: 5 for business days, 7 for days, 24 for hours, 12 for months, 4 for quarters."""
    return SEASONS.get(frequency.split("-")[0], 1)


def count_steps(count: int, frequency: str) -> str:
    """`30 sessions`, `1 day`, `12 months`; `steps` where a step has no name of its own."""
    base = frequency.split("-")[0]
    name = NAMES.get(base.removesuffix("S").removesuffix("E"), "step")
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def future_dates(last: pd.Timestamp, *, frequency: str, periods: int) -> pd.DatetimeIndex:
    """The `periods` dates after `last`, on the series' own frequency; months keep the day of `last`."""
    if periods < 1:
        raise SeriesError(f"`periods` must be at least 1. Received: periods={periods}.")
    counts = range(1, periods + 1)
    months = MONTHS.get(frequency)
    if months and frequency.endswith("E"):
        return pd.DatetimeIndex([last + pd.offsets.MonthEnd(months * count) for count in counts])
    if months:
        return pd.DatetimeIndex([last + pd.DateOffset(months=months * count) for count in counts])
    offset = to_offset(frequency)
    return pd.date_range(last + offset, periods=periods, freq=offset)


def iso(date: pd.Timestamp) -> str:
    """`2018-12-31`, or `2018-12-31T15:30:00` where a row has a time of day."""
    return date.isoformat() if date != date.normalize() else f"{date:%Y-%m-%d}"
