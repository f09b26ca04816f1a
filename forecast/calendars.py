"""Dates: how often a series has rows, and when its next rows are due.

In: the dates of a series, and the exchange that it follows, if any. Out: a pandas offset alias, and future dates.

    sessions   the exchange's own, holidays left out; beyond what it has published, and without an exchange, the
               weekdays on which the series has rows
    bars       the times of day of the last weeks, within the sessions: half days end early
    weeks to years, and bars around the clock: the plain frequency

All dates are readings of a wall clock. A bar at 09:30 stays at 09:30 when the clocks change; a series around the clock
has no hour twice and leaves none out.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset

from forecast.errors import SeriesError
from forecast.exchanges import ALWAYS, Days, Sessions, find_sessions, weekday

Flags = NDArray[np.bool_]
# Nanoseconds, of which all arithmetic on times of day is made.
Nanos = NDArray[np.int64]

DAY = pd.Timedelta(days=1)
DAY_NS = DAY.value
WEEK = 7 * DAY_NS
# Rows that decide the frequency: how a series goes on shows at its end.
RECENT = 1000
# A day of the week with a smaller share of the rows holds special sessions only.
RARE = 0.03
# The share of the steps that the commonest one must have; else the median stands for them.
COMMON = 0.25
# Bars: the last four weeks show the days of the week and the times of day; a year shows which clock they go by.
WEEKS = 4
YEAR = 366 * DAY_NS
# The share of the rows that a pattern must explain to be believed.
EXPLAINED = 0.8
AROUND_THE_CLOCK = 0.9
INTRADAY = ("h", "min", "s", "ms", "us", "ns")
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
MONDAY_TO_FRIDAY = np.array([True] * 5 + [False] * 2)
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
    """The offset alias of the most common step between the last 1,000 rows.

    Holidays, nights and missing rows do not change it. Days are business days (`B`) where the series has none of its
    own at the weekend, up to special sessions, or on five days of the week at most, as from Sunday to Thursday.
    """
    if len(index) < 2:
        return "D"
    index = index[-RECENT:]
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
    """Nanoseconds; two bars a session are four hours apart, though as many steps are nights."""
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
    """Rows in one season: 5 for business days, 7 for days, 24 for hours, 12 for months, 4 for quarters."""
    return SEASONS.get(frequency.split("-")[0], 1)


def count_steps(count: int, frequency: str) -> str:
    """`30 sessions`, `1 day`, `12 months`; `steps` where a step has no name of its own."""
    base = frequency.split("-")[0]
    name = NAMES.get(base.removesuffix("S").removesuffix("E"), "step")
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def future_dates(index: pd.DatetimeIndex, *, frequency: str, periods: int, exchange: str = "") -> pd.DatetimeIndex:
    """The `periods` dates after the last of `index`.

    Months keep the day of the last row, and month ends stay month ends. Weeks go on from the week of the last row, on
    their own weekday, though a holiday had moved it.

    Args:
        index: All dates of the series, shape (T,); the last is the origin.
        frequency: As `infer_frequency` gives it.
        exchange: As in `XNYS`; `24/7`, `24/5` and an empty name need no calendar.
    Returns:
        Strictly increasing, on the series' own clock, shape (periods,).
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
    if frequency.lstrip("0123456789") in INTRADAY and exchange != ALWAYS:
        return _next_bars(index, frequency, periods, exchange)
    offset = to_offset(frequency)
    return pd.date_range(last + offset, periods=periods, freq=offset)


def _next_months(last: pd.Timestamp, frequency: str, periods: int) -> pd.DatetimeIndex:
    months = [MONTHS[frequency] * count for count in range(1, periods + 1)]
    if frequency.endswith("E"):
        return pd.DatetimeIndex([last + pd.offsets.MonthEnd(count) for count in months])
    return pd.DatetimeIndex([last + pd.DateOffset(months=count) for count in months])


def _next_weeks(last: pd.Timestamp, frequency: str, periods: int) -> pd.DatetimeIndex:
    """From the frequency's weekday that is nearest to `last`, which is three days away at most."""
    moved = (WEEKDAYS.index(frequency[2:]) - last.day_of_week + 3) % 7 - 3
    return pd.date_range(last + (7 + moved) * DAY, periods=periods, freq=7 * DAY)


def _next_days(index: pd.DatetimeIndex, frequency: str, periods: int, exchange: str) -> pd.DatetimeIndex:
    """The exchange's sessions, then the weekdays that the series has, at the time of day of the last row."""
    last = index[-1]
    day = last.to_datetime64().astype("M8[D]")
    open_on = np.ones(7, dtype=bool) if exchange == ALWAYS else _open_weekdays(index.to_numpy(), frequency)
    days: Days = np.array([], dtype="M8[D]")
    sessions = find_sessions(exchange, day, ahead=periods)
    if sessions is not None and sessions.days[0] <= day:
        days = sessions.days[sessions.days > day][:periods]
        day = max(day, sessions.days[-1])
    rest = np.arange(1, periods - len(days) + 1)
    beyond = np.busday_offset(day, rest, roll="backward", weekmask=open_on)
    return pd.DatetimeIndex(np.append(days, beyond).astype("M8[s]")) + (last - last.normalize())


def _open_weekdays(stamps: Days, frequency: str) -> Flags:
    """The days of the week, Monday first, that had rows in the last ten weeks, shape (7,).

    One in four of the commonest weekday's is enough. A series of less than two weeks shows too few of them: then all
    days for `D`, and Monday to Friday at least for sessions and bars.
    """
    days = np.unique(stamps[stamps > stamps[-1] - np.timedelta64(70, "D")].astype("M8[D]"))
    counts = np.bincount(weekday(days), minlength=7)
    if days[-1] - days[0] < np.timedelta64(14, "D"):
        return np.ones(7, dtype=bool) if frequency == "D" else MONDAY_TO_FRIDAY | (counts > 0)
    return np.asarray(4 * counts >= counts.max())


def _next_bars(index: pd.DatetimeIndex, frequency: str, periods: int, exchange: str) -> pd.DatetimeIndex:
    """Bars at the times of day of the last weeks; where no pattern shows, one step after the other."""
    step = pd.Timedelta(to_offset(frequency).nanos)
    stamps = index.as_unit("ns").asi8
    stamps = stamps[stamps > stamps[-1] - YEAR]
    sessions = find_sessions(exchange, index[-1].to_datetime64(), ahead=periods)
    if sessions is not None and sessions.days[0] <= index[-1].to_datetime64():
        bars = _session_bars(stamps, step.value, periods, sessions)
        if bars is not None:
            return pd.DatetimeIndex(bars.astype("M8[ns]"))
    recent = _last_weeks(stamps)
    slots = _week_slots(recent, _open_weekdays(stamps.astype("M8[ns]"), frequency))
    if _runs_around_the_clock(recent, step.value) or np.isin(recent % WEEK, slots).mean() < EXPLAINED:
        return pd.date_range(index[-1] + step, periods=periods, freq=step)
    return pd.DatetimeIndex(_repeat(slots, recent[-1], periods).astype("M8[ns]"))


def _last_weeks(stamps: Nanos) -> Nanos:
    return np.asarray(stamps[stamps > stamps[-1] - WEEKS * WEEK])


def _runs_around_the_clock(stamps: Nanos, step: int) -> bool:
    """No time of the week is left out always."""
    places = min(WEEK, stamps[-1] - stamps[0] + step) / step
    return bool(len(np.unique(stamps % WEEK)) >= AROUND_THE_CLOCK * places)


def _times(stamps: Nanos) -> Nanos:
    """The times of day, since midnight, that at least half of the days with rows have, in order."""
    times, counts = np.unique(stamps % DAY_NS, return_counts=True)
    return np.asarray(times[2 * counts >= len(np.unique(stamps // DAY_NS))])


def _week_slots(stamps: Nanos, open_on: Flags) -> Nanos:
    """The times of the week that have rows, since Thursday's midnight (as 1970 began), in order.

    Each weekday has its own, for currencies begin on Sunday evening; one that has not been seen has those of all days.
    """
    days = weekday(stamps.astype("M8[ns]"))
    slots = [
        (day - 3) % 7 * DAY_NS + _times(stamps[days == day] if day in days else stamps)
        for day in np.flatnonzero(open_on)
    ]
    return np.asarray(np.sort(np.concatenate(slots)))


def _repeat(slots: Nanos, last: int, count: int) -> Nanos:
    """The next `count` of the weekly `slots` after `last`."""
    weeks = np.arange(count // len(slots) + 2) * WEEK + (last - last % WEEK)
    coming = (weeks[:, None] + slots).ravel()
    return np.asarray(coming[coming > last][:count])


def _session_bars(stamps: Nanos, step: int, periods: int, sessions: Sessions) -> Nanos | None:
    """The bars of the coming sessions; None where the rows of the last weeks lie outside the sessions."""
    utc = _goes_by_utc(stamps, sessions)
    local = _move_clock(stamps, "UTC", sessions.zone) if utc else stamps
    recent, open_on = _last_weeks(local), _open_weekdays(local.astype("M8[ns]"), "")
    if (sessions.opens.astype("M8[D]") < sessions.days).any():  # overnight, a day begins on the evening before
        slots = _week_slots(recent, open_on)
        windows = _nanos(sessions.opens), _nanos(sessions.closes)
    else:
        times = _session_times(recent, step)
        slots = np.sort(np.add.outer((np.flatnonzero(open_on) - 3) % 7 * DAY_NS, times).ravel())
        windows = _windows(sessions, times, recent[-1])
    if _within(recent, *windows).mean() < EXPLAINED:
        return None
    bars, count = np.array([], dtype=np.int64), periods
    while len(bars) < periods:
        count *= 2
        bars = _repeat(slots, recent[-1], count)
        bars = bars[_within(bars, *windows)]
        bars = np.unique(_move_clock(bars, sessions.zone, "UTC")) if utc else bars
    return bars[:periods]


def _session_times(stamps: Nanos, step: int) -> Nanos:
    """The times of day of a session's bars; where rows are too sparse to show them, one every step."""
    times = _times(stamps)
    if np.isin(stamps % DAY_NS, times).mean() >= EXPLAINED:
        return times
    seen = stamps % DAY_NS
    return np.arange(seen.min(), seen.max() + 1, step)


def _windows(sessions: Sessions, times: Nanos, last: int) -> tuple[Nanos, Nanos]:
    """From when to when each session has bars, given those of an ordinary one.

    Bars named by their end have one at the close, those named by their start have none. Trading before the opening and
    after the close keeps its distance to both.
    """
    opens, closes = _nanos(sessions.opens), _nanos(sessions.closes)
    usual = slice(max(0, np.searchsorted(opens, last) - 30), None)
    head = min(0, times[0] - _commonest(opens[usual] % DAY_NS))
    tail = max(-1, times[-1] - _commonest(closes[usual] % DAY_NS))
    return opens + head, closes + tail


def _within(stamps: Nanos, opens: Nanos, closes: Nanos) -> Flags:
    """Whether each stamp lies in a session, or after the last one that is known."""
    place = np.searchsorted(opens, stamps, side="right") - 1
    inside = (place >= 0) & (stamps <= closes[place])
    return np.asarray(inside | (stamps > closes[-1]))


def _goes_by_utc(stamps: Nanos, sessions: Sessions) -> bool:
    """The rows lie in the sessions as times of Greenwich, and less well so as local ones."""
    opens, closes = _nanos(sessions.opens), _nanos(sessions.closes)
    local = _within(stamps, opens, closes).mean()
    utc = _within(_move_clock(stamps, "UTC", sessions.zone), opens, closes).mean()
    return bool(utc > 0.95 and utc > local + 0.02)


def _move_clock(stamps: Nanos, zone: str, other: str) -> Nanos:
    """Readings of the clocks in `zone`, as those in `other`; an hour that comes twice is the later one."""
    clock = pd.DatetimeIndex(stamps.astype("M8[ns]"))
    there = clock.tz_localize(zone, ambiguous=np.zeros(len(clock), dtype=bool), nonexistent="shift_forward")
    return np.asarray(there.tz_convert(other).tz_localize(None).as_unit("ns").asi8)


def _nanos(stamps: Days) -> Nanos:
    return np.asarray(stamps.astype("M8[ns]").astype(np.int64))


def _commonest(values: Nanos) -> int:
    kinds, counts = np.unique(values, return_counts=True)
    return int(kinds[counts.argmax()])


def iso(date: pd.Timestamp) -> str:
    """`2018-12-31`, or `2018-12-31T15:30:00` where a row has a time of day."""
    return date.isoformat() if date != date.normalize() else f"{date:%Y-%m-%d}"
