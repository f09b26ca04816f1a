"""Windows of the week in which a series has bars: market hours, shop hours, a currency's week from Sunday evening on.

In: the times of bars, of which some are missing. Out: the first and the last bar of each stretch, and how full they
are. What is missing now and then is told from what is never there by how unlikely it would be by chance.
"""

from dataclasses import dataclass

import numpy as np

from forecast.data.calendar.row_steps import DAY, SECOND, commonest, open_weekdays, weekday
from forecast.typing import Flags, Rows

# A time of day with less than this share of the bars of a usual one is closed, ...
CLOSED = 0.25
# ... unless it may be empty by chance. A weekday opens late or closes early only where it did so in some weeks, and
# where chance is less likely still.
UNLIKELY, LESS_LIKELY, SOME_WEEKS = 1e-3, 1e-5, 3
# Nights last at least so long, pauses at noon so long; shorter ones are missing bars.
NIGHT, PAUSE = 6 * 3600 * SECOND, 1800 * SECOND
# Two weeks show which weekdays are open.
FORTNIGHT = 14


@dataclass(frozen=True)
class WeekWindows:
    """When in a week a series has bars.

    Attributes:
        windows: The first and the last bar of each stretch, in seconds since Monday's midnight; none around the clock.
        weekdays: The days that have bars, Monday first, as in `1111100`.
        step: Microseconds from one bar of a stretch to the next.
        filled: The share of the bars in the windows that are there, on days that have any.
        explained: The share of the bars that lie in the windows.
    """

    windows: tuple[tuple[int, int], ...]
    weekdays: str
    step: int
    filled: float
    explained: float


def find_windows(stamps: Rows, step: int, closed: float = CLOSED) -> WeekWindows:
    """The windows of the week of bars that come every `step`, a whole part of a day.

    Args:
        stamps: Microseconds, shape (T,), strictly increasing.
        step: Microseconds; a second or more.
        closed: The share of the bars of a usual time of day below which one is closed.
    """
    phase = commonest(stamps % step)
    bars = stamps[stamps % step == phase]
    seen = np.unique(bars // DAY)
    days, places = weekday(bars // DAY), bars % DAY // step
    counts = np.zeros((7, DAY // step), int)  # of bars, by weekday and time of day
    np.add.at(counts, (days, places), 1)
    weeks = np.bincount(weekday(seen), minlength=7)
    times, filled = _open_times(counts.sum(axis=0), len(seen), closed)
    night = _longest(~times) * step >= NIGHT
    weekdays = _open_weekdays(seen, night=night)
    due = np.ones_like(counts, bool)
    if night or not weekdays.all():
        times = _close_pauses(times, step)
        due = weekdays[:, None] & times
        due = np.array([_hours(day, counts[day], due, int(weeks[day]), filled) for day in range(7)])
    slots = np.flatnonzero(due) * step + phase
    inside = int(due[days, places].sum())
    usual = commonest(np.diff(slots)) if len(slots) > 1 else step
    return WeekWindows(
        windows=() if due.all() else _stretches(slots, usual),
        weekdays="".join(str(int(is_open)) for is_open in weekdays),
        step=usual,
        filled=inside / int(due.sum(axis=1) @ weeks),
        explained=inside / len(stamps),
    )


def _open_times(counts: Rows, days: int, closed: float) -> tuple[Flags, float]:
    """Which times of day have bars, and the share of the days on which one that does has one."""
    ordered = np.sort(counts)[::-1]
    usual = ordered[np.searchsorted(np.cumsum(ordered), counts.sum() / 2)]  # half of all bars are at times with more
    times = np.asarray(counts >= max(1, closed * usual))
    filled = min(float(counts[times].mean()) / days, 1.0)
    for stretch in _runs(~times):
        if (1 - filled) ** (len(stretch) * days) > UNLIKELY:
            times[stretch] = True
    return times, filled


def _open_weekdays(seen: Rows, *, night: bool) -> Flags:
    """Which weekdays have bars.

    In less than two weeks Monday to Friday do. A weekend has none where it passed without any, or did not pass and
    nights have none either.
    """
    weekend = np.arange(7) >= 5
    has_weekend = (weekday(seen) >= 5).any()
    if seen[-1] - seen[0] >= FORTNIGHT:
        return np.asarray(open_weekdays(seen) & (~weekend | has_weekend))
    passed = weekday(np.arange(seen[0], seen[-1] + 1)) >= 5
    return np.asarray(~weekend | has_weekend | (passed.sum() < 2 and not night))


def _close_pauses(times: Flags, step: int) -> Flags:
    """The same times, with pauses that are too short filled."""
    times = times.copy()
    for stretch in _runs(~times):
        if len(stretch) * step < PAUSE:
            times[stretch] = True
    return times


def _hours(day: int, counts: Rows, due: Flags, weeks: int, filled: float) -> Flags:
    """The open times of one weekday; after a closed hour they may begin later, before one end earlier.

    Args:
        counts: Bars of that weekday by time of day, shape (times of day,).
        due: Open times of all weekdays, shape (7, times of day).
        weeks: How many such days have bars.
    """
    hours, places = due[day].copy(), np.flatnonzero(due[day])
    there = np.flatnonzero(counts[places] > 0.1 * filled * weeks)
    if weeks >= SOME_WEEKS and len(there):
        edges = ((due[day - 1, -1], places[: there[0]]), (due[(day + 1) % 7, 0], places[there[-1] + 1 :]))
        for goes_on, empty in edges:
            hours[empty] = goes_on or (1 - filled) ** (len(empty) * weeks) >= LESS_LIKELY
    return np.asarray(hours)


def _runs(flags: Flags) -> list[Rows]:
    """The places of each run of true flags, on a clock: the last one may go on at the first."""
    if flags.all() or not flags.any():
        return [np.flatnonzero(flags)] if flags.any() else []
    start = int(np.argmin(flags))  # a false one, so that no run goes past the end
    places = np.flatnonzero(np.roll(flags, -start)) + start
    return [run % len(flags) for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)]


def _longest(flags: Flags) -> int:
    return max((len(run) for run in _runs(flags)), default=0)


def _stretches(slots: Rows, step: int) -> tuple[tuple[int, int], ...]:
    """The first and the last of slots that lie one `step` apart, in seconds."""
    cuts = np.flatnonzero(np.diff(slots) != step)
    first, last = np.append(0, cuts + 1), np.append(cuts, len(slots) - 1)
    return tuple(zip((slots[first] // SECOND).tolist(), (slots[last] // SECOND).tolist(), strict=True))
