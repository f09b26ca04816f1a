"""The dates of the next intraday rows (bars).

In: the dates of a series, and its exchange, if any. Out: the dates of the next bars, in wall-clock time of the series.
The times of day of the last weeks repeat within the sessions; half days end early, nights and weekends stay empty.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset

from forecast.data.calendar.sessions import Days, Sessions, find_sessions, weekday

Flags = NDArray[np.bool_]
# Nanoseconds since 1970, the unit of all arithmetic here.
Nanos = NDArray[np.int64]

DAY_NS = pd.Timedelta(days=1).value
WEEK = 7 * DAY_NS
# The last four weeks show the weekdays and times of day of bars; the last year shows their time zone.
WEEKS = 4
YEAR = 366 * DAY_NS
# A pattern holds if it explains this share of the rows.
EXPLAINED = 0.8
# Bars come at all hours if this share of the times of the week has one.
AROUND_THE_CLOCK = 0.9
MONDAY_TO_FRIDAY = np.array([True] * 5 + [False] * 2)


def next_bars(index: pd.DatetimeIndex, frequency: str, periods: int, exchange: str) -> pd.DatetimeIndex:
    """Find the next bars at the times of day of the last weeks; without a pattern, at equal steps."""
    step = pd.Timedelta(to_offset(frequency).nanos)
    stamps = index.as_unit("ns").asi8
    stamps = stamps[stamps > stamps[-1] - YEAR]
    sessions = find_sessions(exchange, index[-1].to_datetime64(), ahead=periods)
    if sessions is not None and sessions.days[0] <= index[-1].to_datetime64():
        bars = _session_bars(stamps, step.value, periods, sessions)
        if bars is not None:
            return pd.DatetimeIndex(bars.astype("M8[ns]"))
    recent = _last_weeks(stamps)
    slots = _week_slots(recent, open_weekdays(stamps.astype("M8[ns]"), frequency))
    if _runs_around_the_clock(recent, step.value) or np.isin(recent % WEEK, slots).mean() < EXPLAINED:
        return pd.date_range(index[-1] + step, periods=periods, freq=step)
    return pd.DatetimeIndex(_repeat_weekly(slots, recent[-1], periods).astype("M8[ns]"))


def _last_weeks(stamps: Nanos) -> Nanos:
    return np.asarray(stamps[stamps > stamps[-1] - WEEKS * WEEK])


def _runs_around_the_clock(stamps: Nanos, step: int) -> bool:
    """Whether nearly all times of the week have a bar."""
    slots = min(WEEK, stamps[-1] - stamps[0] + step) / step
    return bool(len(np.unique(stamps % WEEK)) >= AROUND_THE_CLOCK * slots)


def _usual_times(stamps: Nanos) -> Nanos:
    """The times since midnight that occur on at least half of the days, sorted."""
    times, counts = np.unique(stamps % DAY_NS, return_counts=True)
    return np.asarray(times[2 * counts >= len(np.unique(stamps // DAY_NS))])


def _week_slots(stamps: Nanos, open_on: Flags) -> Nanos:
    """The times of the week with bars, since midnight on Thursday (1970 began on one), sorted.

    Each weekday has its own, since currencies open on Sunday evening; a weekday without rows gets those of all days.
    """
    days = weekday(stamps.astype("M8[ns]"))
    slots = [
        (day - 3) % 7 * DAY_NS + _usual_times(stamps[days == day] if day in days else stamps)
        for day in np.flatnonzero(open_on)
    ]
    return np.asarray(np.sort(np.concatenate(slots)))


def _repeat_weekly(slots: Nanos, last: int, count: int) -> Nanos:
    """The next `count` dates after `last` at the weekly `slots`."""
    weeks = np.arange(count // len(slots) + 2) * WEEK + (last - last % WEEK)
    coming = (weeks[:, None] + slots).ravel()
    return np.asarray(coming[coming > last][:count])


def _session_bars(stamps: Nanos, step: int, periods: int, sessions: Sessions) -> Nanos | None:
    """The bars of the next sessions; None if the rows of the last weeks lie outside the sessions."""
    utc = _is_utc(stamps, sessions)
    local = _convert_zone(stamps, "UTC", sessions.zone) if utc else stamps
    recent, open_on = _last_weeks(local), open_weekdays(local.astype("M8[ns]"), "")
    if (sessions.opens.astype("M8[D]") < sessions.days).any():  # overnight: a session opens on the evening before
        slots = _week_slots(recent, open_on)
        windows = _to_nanos(sessions.opens), _to_nanos(sessions.closes)
    else:
        times = _session_times(recent, step)
        slots = np.sort(np.add.outer((np.flatnonzero(open_on) - 3) % 7 * DAY_NS, times).ravel())
        windows = _session_windows(sessions, times, recent[-1])
    if _in_windows(recent, *windows).mean() < EXPLAINED:
        return None
    bars, count = np.array([], dtype=np.int64), periods
    while len(bars) < periods:
        count *= 2
        bars = _repeat_weekly(slots, recent[-1], count)
        bars = bars[_in_windows(bars, *windows)]
        bars = np.unique(_convert_zone(bars, sessions.zone, "UTC")) if utc else bars
    return bars[:periods]


def _session_times(stamps: Nanos, step: int) -> Nanos:
    """The times of day of the bars in a session; if rows are too sparse to show them, one every step."""
    times = _usual_times(stamps)
    if np.isin(stamps % DAY_NS, times).mean() >= EXPLAINED:
        return times
    seen = stamps % DAY_NS
    return np.arange(seen.min(), seen.max() + 1, step)


def _session_windows(sessions: Sessions, times: Nanos, last: int) -> tuple[Nanos, Nanos]:
    """The first and the last time of bars in each session, given the times in an ordinary one.

    Bars labelled by their end have one at the close, bars labelled by their start have none. Trading before the open
    and after the close keeps its distance to both.
    """
    opens, closes = _to_nanos(sessions.opens), _to_nanos(sessions.closes)
    usual = slice(max(0, np.searchsorted(opens, last) - 30), None)
    head = min(0, times[0] - _most_common(opens[usual] % DAY_NS))
    tail = max(-1, times[-1] - _most_common(closes[usual] % DAY_NS))
    return opens + head, closes + tail


def _in_windows(stamps: Nanos, opens: Nanos, closes: Nanos) -> Flags:
    """Whether each stamp lies in a session, or after the last known session."""
    session = np.searchsorted(opens, stamps, side="right") - 1
    inside = (session >= 0) & (stamps <= closes[session])
    return np.asarray(inside | (stamps > closes[-1]))


def _is_utc(stamps: Nanos, sessions: Sessions) -> bool:
    """Whether the rows lie in the sessions if read as UTC, and less so if read as local time."""
    opens, closes = _to_nanos(sessions.opens), _to_nanos(sessions.closes)
    local = _in_windows(stamps, opens, closes).mean()
    utc = _in_windows(_convert_zone(stamps, "UTC", sessions.zone), opens, closes).mean()
    return bool(utc > 0.95 and utc > local + 0.02)


def _convert_zone(stamps: Nanos, zone: str, other: str) -> Nanos:
    """Convert wall-clock times from one time zone to another; an ambiguous hour is the later one."""
    clock = pd.DatetimeIndex(stamps.astype("M8[ns]"))
    there = clock.tz_localize(zone, ambiguous=np.zeros(len(clock), dtype=bool), nonexistent="shift_forward")
    return np.asarray(there.tz_convert(other).tz_localize(None).as_unit("ns").asi8)


def _to_nanos(stamps: Days) -> Nanos:
    return np.asarray(stamps.astype("M8[ns]").astype(np.int64))


def _most_common(values: Nanos) -> int:
    distinct, counts = np.unique(values, return_counts=True)
    return int(distinct[counts.argmax()])


def open_weekdays(stamps: Days, frequency: str) -> Flags:
    """The weekdays, Monday first, that had rows in the last ten weeks, shape (7,).

    A weekday needs a quarter as many days as the most common one. In less than two weeks of rows, `D` means all
    days, and other frequencies mean Monday to Friday at least.
    """
    days = np.unique(stamps[stamps > stamps[-1] - np.timedelta64(70, "D")].astype("M8[D]"))
    counts = np.bincount(weekday(days), minlength=7)
    if days[-1] - days[0] < np.timedelta64(14, "D"):
        return np.ones(7, dtype=bool) if frequency == "D" else MONDAY_TO_FRIDAY | (counts > 0)
    return np.asarray(4 * counts >= counts.max())
