"""Finding the time grid of bars of less than a day: their step, their windows of the week, and their clock.

In: stamps in microseconds. Out: a `TimeGrid`, or None where the rows follow none.
"""

import numpy as np
import pandas as pd

from forecast.data.calendar.row_steps import (
    DAY,
    GAP,
    SECOND,
    UNITS,
    WHOLE,
    alias_of,
    common_divisor,
    commonest,
    share_filled,
)
from forecast.data.calendar.session_bars import Stamps, in_sessions, move_clock, sessions_until, trading_hours
from forecast.data.calendar.sessions import Sessions
from forecast.data.calendar.week_windows import WeekWindows, find_windows
from forecast.data.grid import TimeGrid
from forecast.typing import Rows

# How bars go on shows at their end: so many rows, or those of so many days where they are more. A year of them shows
# which clock they go by.
RECENT, RECENT_DAYS, MOST_RECENT, YEAR = 1000, 56, 300_000, 366
# The share of the due bars that must be there, between gaps, and of the bars that must lie on the grid.
LEAST, EXPLAINED = 0.25, 0.8
# The share of a year's bars that may lie outside the windows of the last weeks. Those of daylight go by the season:
# then all times of day are open that have this share of the bars of a usual one.
MOST_STRAYS, RARE = 0.1, 0.03
# How often each time of day must have been seen, on average, for a pattern to show.
SEEN = 1.5
# Rows lie so near to their time, as a share of a step, and their usual step is so near to a round one.
JITTER, ROUND = 0.2, 0.05
ROUND_STEPS = tuple(
    count * UNITS[unit] for unit in ("s", "min", "h") for count in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
)
# Zones on whose clocks hours stand still that the stamps, in universal time, have moved twice a year; and by how much
# fuller the windows of the week must then be.
CLOCKS, FULLER = ("America/New_York", "Europe/London"), 0.02


def infer_bars(stamps: Rows, exchange: str, frequency: str) -> TimeGrid | None:
    """The grid of bars.

    Args:
        stamps: Microseconds, shape (T,), strictly increasing.
        exchange: The calendar whose sessions they follow, or an empty name.
        frequency: One step, where it is known: any share of the bars will do then.
    """
    if frequency:
        return _bars_every(int(TimeGrid(frequency).stride.astype(np.int64)), stamps, exchange, least=0.0)
    steps = np.diff(_latest(stamps))
    for step in dict.fromkeys((common_divisor(steps), commonest(steps))):
        if np.median(steps) <= GAP * step and (grid := _bars_every(step, stamps, exchange, least=LEAST)):
            return grid
    rounded = _without_jitter(stamps)
    return None if rounded is None else infer_bars(rounded, exchange, frequency)


def _latest(stamps: Rows) -> Rows:
    first = min(len(stamps) - RECENT, int(np.searchsorted(stamps, stamps[-1] - RECENT_DAYS * DAY)))
    return np.asarray(stamps[max(first, len(stamps) - MOST_RECENT, 0) :])


def _last_year(stamps: Rows) -> Rows:
    return np.asarray(stamps[stamps > stamps[-1] - YEAR * DAY][-MOST_RECENT:])


def _bars_every(step: int, stamps: Rows, exchange: str, *, least: float) -> TimeGrid | None:
    """The grid of bars of one step; None where they fill less than the share `least` of it."""
    latest = _latest(stamps)
    whole = DAY % step == 0
    repeats = len(np.unique(latest % DAY)) * SEEN <= len(latest)
    if whole and step >= SECOND and repeats and latest[-1] - latest[0] >= DAY:
        found = find_windows(latest, step)
        if found.windows and found.filled >= least and found.explained >= EXPLAINED:
            return _session_bars(stamps, step, exchange) or _wall_clock_bars(stamps, step, found)
    on_grid = latest % step == commonest(latest % step) if whole else np.diff(latest) % step == 0
    return TimeGrid(alias_of(step)) if on_grid.mean() >= EXPLAINED and share_filled(latest // step) >= least else None


def _session_bars(stamps: Rows, step: int, exchange: str) -> TimeGrid | None:
    """Bars within the sessions of an exchange; None where they lie outside."""
    year = _last_year(stamps).astype("M8[us]")
    sessions = sessions_until(exchange, year[-1])
    if sessions is None or sessions.days[0] > year[-1]:
        return None
    clock = sessions.zone if _go_by_utc(year, sessions) else ""
    bars = _latest(stamps)
    local = move_clock(bars.astype("M8[us]"), "UTC", clock) if clock else bars.astype("M8[us]")
    grid = _grid_of(find_windows(local.astype(np.int64), step), exchange, clock)
    hours = trading_hours(sessions, grid.slots() % np.timedelta64(DAY, "us"), local[-1])
    return grid if in_sessions(local, *hours).mean() >= EXPLAINED else None


def _go_by_utc(stamps: Stamps, sessions: Sessions) -> bool:
    """Whether bars lie in the sessions as times of Greenwich, and less well so as local ones."""
    opens, closes = sessions.opens.astype("M8[us]"), sessions.closes.astype("M8[us]")
    local = in_sessions(stamps, opens, closes).mean()
    utc = in_sessions(move_clock(stamps, "UTC", sessions.zone), opens, closes).mean()
    return bool(utc > 0.95 and utc > local + 0.02)


def _wall_clock_bars(stamps: Rows, step: int, found: WeekWindows) -> TimeGrid:
    """Bars in windows of the week, those found of late or, where the year has wider ones, those of the year.

    They are on the clock on which the windows of the year are fullest.
    """
    year = _last_year(stamps)
    moved = {zone: move_clock(year.astype("M8[us]"), "UTC", zone).astype(np.int64) for zone in CLOCKS}
    on_clocks = {zone: find_windows(there, step) for zone, there in moved.items()}
    best = max(CLOCKS, key=lambda zone: on_clocks[zone].filled)
    if on_clocks[best].filled > find_windows(year, step).filled + FULLER:
        return _grid_of(on_clocks[best], "", best)
    grid = _grid_of(found, "", "")
    strays = len(grid.strays(pd.DatetimeIndex(year.astype("M8[us]"))))
    return grid if strays <= MOST_STRAYS * len(year) else _grid_of(find_windows(year, step, RARE), "", "")


def _grid_of(found: WeekWindows, exchange: str, clock: str) -> TimeGrid:
    return TimeGrid(alias_of(found.step), found.weekdays, exchange, found.windows, clock)


def _without_jitter(stamps: Rows) -> Rows | None:
    """Each row at its time, where all lie a little off: the sixty-first second for the first of the next minute."""
    usual = float(np.median(np.diff(_latest(stamps))))
    step = min(ROUND_STEPS, key=lambda length: abs(length - usual))
    if abs(step - usual) > ROUND * step:
        return None
    off = (stamps + step // 2) % step - step // 2
    phase = round(float(np.median(off)) / SECOND) * SECOND
    off = (stamps - phase + step // 2) % step - step // 2
    rounded = np.unique(stamps - off)
    regular = (np.abs(off) <= JITTER * step).mean() >= WHOLE and len(rounded) >= WHOLE * len(stamps)
    return rounded if regular and (off != 0).any() else None
