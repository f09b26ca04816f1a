"""The frequency of a series, and the dates of its next rows.

In: the dates of a series, and its exchange, if any. Out: a pandas offset alias, and future dates.

    daily rows                             the sessions of the exchange; after the last published session, or without
                                           an exchange, the weekdays on which the series has rows
    intraday rows                          the times of day of the last weeks, within the sessions (half days end early)
    weeks to years, and rows at all hours  the frequency alone

Dates are wall-clock times without a time zone. A bar at 09:30 stays at 09:30 when the clocks change; a series with rows
at all hours neither repeats nor skips one.
"""

from functools import lru_cache

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from forecast.data.calendar.exchanges import ALWAYS_OPEN
from forecast.data.calendar.intraday import next_bars, open_weekdays
from forecast.data.calendar.sessions import Days, find_sessions
from forecast.errors import SeriesError

DAY = pd.Timedelta(days=1)
# The last rows, which decide the frequency.
RECENT = 1000
# A weekday with a smaller share of the rows has special sessions only.
RARE = 0.03
# The most common step is the frequency if it has at least this share of the steps; else the median step is.
COMMON = 0.25
INTRADAY = ("h", "min", "s", "ms", "us", "ns")
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
# Rows in one season of the seasonal naive forecast, by offset alias; other frequencies have season 1.
SEASONS = {"min": 60, "h": 24, "D": 7, "B": 5, "W": 52, "MS": 12, "ME": 12, "QS": 4, "QE": 4}
# Default lookbacks, by offset alias: two weeks of hours, two or three years of weeks to quarters; else 64 rows.
LOOKBACKS = {"h": 336, "min": 336, "W": 104, "MS": 36, "ME": 36, "QS": 16, "QE": 16, "YS": 8, "YE": 8}
USUAL_LOOKBACK = 64
# The largest default lookback, as a share of the rows.
MAX_LOOKBACK_SHARE = 0.15
# Months in a step, by offset alias: at the start of the period (or any day in it), and at its end.
MONTHS = {"MS": 1, "QS": 3, "YS": 12, "ME": 1, "QE": 3, "YE": 12}
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


def infer_frequency(index: pd.DatetimeIndex) -> str:
    """Infer the offset alias from the most common step between the last 1,000 rows.

    Holidays, nights and missing rows do not change it. Daily rows are business days (`B`) if there are none on
    weekends, special sessions aside, or on at most five days of the week, such as Sunday to Thursday.
    """
    return _infer_from_bytes(index[-RECENT:].as_unit("ns").asi8.tobytes()) if len(index) > 1 else "D"


@lru_cache(maxsize=64)
def _infer_from_bytes(stamps: bytes) -> str:
    """Infer the frequency of nanoseconds, passed as bytes so that series with the same dates share the result."""
    index = pd.DatetimeIndex(np.frombuffer(stamps, "M8[ns]"))
    step = pd.Timedelta(_common_step(index), "ns")
    if step == DAY:
        return "B" if _has_business_days(index) else "D"
    if step == 7 * DAY:
        return f"W-{WEEKDAYS[np.bincount(index.day_of_week).argmax()]}"
    if 28 * DAY <= step <= 31 * DAY:
        return "ME" if _at_month_end(index) else "MS"
    if 89 * DAY <= step <= 92 * DAY:
        return "QE" if _at_month_end(index) else "QS"
    if 365 * DAY <= step <= 366 * DAY:
        return "YE" if _at_month_end(index) else "YS"
    return to_offset(step).freqstr


def _common_step(index: pd.DatetimeIndex) -> int:
    """The most common step in nanoseconds; of equally common ones the shortest, since nights are steps as well."""
    steps = np.diff(index.as_unit("ns").asi8)
    lengths, counts = np.unique(steps, return_counts=True)
    common = counts.max() >= COMMON * len(steps)
    return int(lengths[counts.argmax()] if common else np.sort(steps)[(len(steps) - 1) // 2])


def _has_business_days(index: pd.DatetimeIndex) -> bool:
    share = np.bincount(index.day_of_week, minlength=7) / len(index)
    return bool(share[5:].sum() < RARE or (len(index) >= 15 and (share >= RARE).sum() <= 5))


def _at_month_end(index: pd.DatetimeIndex) -> bool:
    return bool(index.is_month_end.mean() > 0.5)


def season_of(frequency: str) -> int:
    """Rows in a season: 5 for business days, 7 for days, 24 for hours, 12 for months, 4 for quarters."""
    return SEASONS.get(frequency.split("-")[0], 1)


def lookback_of(frequency: str, rows: int) -> int:
    """The default lookback for a series of `rows` rows."""
    usual = LOOKBACKS.get(frequency.split("-")[0].lstrip("0123456789"), USUAL_LOOKBACK)
    return max(2, min(usual, int(MAX_LOOKBACK_SHARE * rows)))


def count_steps(count: int, frequency: str) -> str:
    """Name a number of steps: `30 sessions`, `1 day`, `12 months`; `steps` if the frequency has no name."""
    base = frequency.split("-")[0]
    name = STEP_NAMES.get(base.removesuffix("S").removesuffix("E"), "step")
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def future_dates(index: pd.DatetimeIndex, *, frequency: str, periods: int, exchange: str = "") -> pd.DatetimeIndex:
    """Find the next `periods` dates after the last of `index`.

    Months keep the day of the last row, and month ends stay month ends. Weeks keep their weekday, even if a holiday
    moved the last row.

    Args:
        index: All dates of the series, shape (T,); the last is the origin.
        frequency: An alias from `infer_frequency`.
        exchange: A calendar such as `XNYS`; `24/7`, `24/5` or empty if there is none.
    Returns:
        Strictly increasing wall-clock times of the series, shape (periods,).
    Raises:
        SeriesError: `periods` is less than 1.
    """
    if periods < 1:
        raise SeriesError(f"`periods` must be at least 1. Received: periods={periods}.")
    last = index[-1]
    if frequency in MONTHS:
        return _next_months(last, frequency, periods)
    if frequency.startswith("W-"):
        return _next_weeks(last, frequency, periods)
    if frequency in ("B", "D"):
        return _next_days(index, frequency, periods, exchange)
    if frequency.lstrip("0123456789") in INTRADAY and exchange != ALWAYS_OPEN:
        return next_bars(index, frequency, periods, exchange)
    offset = to_offset(frequency)
    return pd.date_range(last + offset, periods=periods, freq=offset)


def _next_months(last: pd.Timestamp, frequency: str, periods: int) -> pd.DatetimeIndex:
    months = [MONTHS[frequency] * count for count in range(1, periods + 1)]
    if frequency.endswith("E"):
        return pd.DatetimeIndex([last + pd.offsets.MonthEnd(count) for count in months])
    return pd.DatetimeIndex([last + pd.DateOffset(months=count) for count in months])


def _next_weeks(last: pd.Timestamp, frequency: str, periods: int) -> pd.DatetimeIndex:
    """Continue from the weekday of the frequency that is nearest to `last`, at most three days away."""
    moved = (WEEKDAYS.index(frequency[2:]) - last.day_of_week + 3) % 7 - 3
    return pd.date_range(last + (7 + moved) * DAY, periods=periods, freq=7 * DAY)


def _next_days(index: pd.DatetimeIndex, frequency: str, periods: int, exchange: str) -> pd.DatetimeIndex:
    """The next sessions of the exchange, then the weekdays of the series, at the time of day of the last row."""
    last = index[-1]
    day = last.to_datetime64().astype("M8[D]")
    open_on = np.ones(7, dtype=bool) if exchange == ALWAYS_OPEN else open_weekdays(index.to_numpy(), frequency)
    days: Days = np.array([], dtype="M8[D]")
    sessions = find_sessions(exchange, day, ahead=periods)
    if sessions is not None and sessions.days[0] <= day:
        days = sessions.days[sessions.days > day][:periods]
        day = max(day, sessions.days[-1])
    rest = np.arange(1, periods - len(days) + 1)
    beyond = np.busday_offset(day, rest, roll="backward", weekmask=open_on)
    return pd.DatetimeIndex(np.append(days, beyond).astype("M8[s]")) + (last - last.normalize())


def iso(date: pd.Timestamp) -> str:
    """Format as `2018-12-31`, or as `2018-12-31T15:30:00` if there is a time of day."""
    return date.isoformat() if date != date.normalize() else f"{date:%Y-%m-%d}"
