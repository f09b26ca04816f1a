"""Bars of less than a day: when the next ones are due.

In: the dates of a series, and the sessions of its exchange, if any. Out: the next bars, on the clock of the series.
A pattern of the last weeks is repeated within the sessions; half days end early, and nights and weekends stay empty.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset

from forecast.data.calendar.sessions import Days, Sessions, find_sessions, weekday

Flags = NDArray[np.bool_]
# Nanoseconds, of which all arithmetic on times of day is made.
Nanos = NDArray[np.int64]

DAY_NS = pd.Timedelta(days=1).value
WEEK = 7 * DAY_NS
# Bars: the last four weeks show the days of the week and the times of day; a year shows which clock they go by.
WEEKS = 4
YEAR = 366 * DAY_NS
# The share of the rows that a pattern must explain to be believed.
EXPLAINED = 0.8
AROUND_THE_CLOCK = 0.9
MONDAY_TO_FRIDAY = np.array([True] * 5 + [False] * 2)


def next_bars(index: pd.DatetimeIndex, frequency: str, periods: int, exchange: str) -> pd.DatetimeIndex:
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
    slots = _week_slots(recent, open_weekdays(stamps.astype("M8[ns]"), frequency))
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
    recent, open_on = _last_weeks(local), open_weekdays(local.astype("M8[ns]"), "")
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


def open_weekdays(stamps: Days, frequency: str) -> Flags:
    """The days of the week, Monday first, that had rows in the last ten weeks, shape (7,).

    One in four of the commonest weekday's is enough. A series of less than two weeks shows too few of them: then all
    days for `D`, and Monday to Friday at least for sessions and bars.
    """
    days = np.unique(stamps[stamps > stamps[-1] - np.timedelta64(70, "D")].astype("M8[D]"))
    counts = np.bincount(weekday(days), minlength=7)
    if days[-1] - days[0] < np.timedelta64(14, "D"):
        return np.ones(7, dtype=bool) if frequency == "D" else MONDAY_TO_FRIDAY | (counts > 0)
    return np.asarray(4 * counts >= counts.max())
