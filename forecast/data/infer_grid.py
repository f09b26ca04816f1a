"""Finding the time grid of a series in its dates, though rows are missing.

The grid is the coarsest one that nearly all rows lie on. Its steps are of equal length or of whole months, or come on
the same weekdays and at the same times of day every week.

    every fifth of a series of days is missing      days, one in five a hole
    every second one is missing                     `2D`: no row says that there is a day between
    all Fridays are missing                         Monday to Thursday; a Friday missing now and then is a hole
    every second business day is missing            business days, half of them holes: no coarser step is equal

Rows that fill less than 40 % of the days (weeks, months), or 25 % of the bars, that would be theirs follow no grid:
they are irregular.
"""

import numpy as np
import pandas as pd

from forecast.data.calendar.frequency import Index
from forecast.data.calendar.infer_exchange import infer_exchange
from forecast.data.calendar.row_steps import (
    DAY,
    UNITS,
    WHOLE,
    alias_of,
    common_divisor,
    commonest,
    open_weekdays,
    share_filled,
    weekday,
)
from forecast.data.calendar.session_bars import Stamps, are_in, sessions_until
from forecast.data.grid import COUNTED, MONTHS, WEEK, WEEKDAYS, TimeGrid
from forecast.data.infer_bars import infer_bars
from forecast.typing import Flags, Rows

# How a series of days goes on shows in its last rows, so many, or fewer where it has changed.
RECENT = (1000, 250)
# The share of the due rows that must be there, between gaps; and of all, with the gaps.
LEAST, LEAST_OF_ALL = 0.4, 0.03
# Whether rows follow the grid is told block by block: so many of a block have a place of their own, and fill so many of
# the places that are due between gaps.
LEAST_BLOCK, MOST_BLOCKS, OWN_PLACE, LEAST_OF_BLOCK = 50, 100, 0.8, 0.3
# The share of the rows that lie in an exchange's sessions, at least; those of all seven days do on 69 %.
EXPLAINED = 0.72
# A weekend with a smaller share of the rows holds special sessions only. Two weeks show which weekdays are open.
RARE, FORTNIGHT = 0.03, 14
# Monthly rows lie so many days around the commonest day of the month, or on any day if hardly a month lacks one and
# they are a year's; weekly rows lie this often on one weekday.
SPREAD, ALL_MONTHS, A_YEAR, SAME_WEEKDAY = 6, 0.95, 12, 0.6
# The steps that irregular rows are brought to, the first that is nearly full.
STEPS, FULL = ("s", "10s", "min", "5min", "15min", "30min", "h", "2h", "4h", "6h", "12h", "D"), 0.8


def infer_grid(index: pd.DatetimeIndex, exchange: str = "", frequency: str = "") -> TimeGrid:
    """The time grid that the rows of a series follow.

    Args:
        index: Dates, shape (T,), strictly increasing.
        exchange: The calendar whose sessions they follow, as in `XNYS`; by default it is inferred. It is used where
            three rows in four lie in its sessions.
        frequency: One step, where it is known, weeks with their weekday (`W-FRI`); the rows are regular then, however
            many are missing.
    """
    stamps = index.to_numpy().astype("M8[us]").astype(np.int64)
    given = TimeGrid(frequency)
    unit = given.unit
    if len(stamps) < 2 or given.kind in ("months", "weeks") or (unit == "D" and given.count > 1):
        return TimeGrid(frequency or "D")
    exchange = exchange or infer_exchange(index)
    days = np.unique(stamps // DAY)
    if unit in ("B", "D") or (not unit and len(days) >= WHOLE * len(stamps)):
        grid = (None if unit else _odd_steps(stamps)) or _day_grid(days, unit, exchange)
    else:
        grid = infer_bars(stamps, exchange, frequency)
    if grid is None or not (unit or _fills_enough(grid, index)):
        return TimeGrid(_suggest_step(stamps), is_regular=False)
    return grid


def infer_count_grid(index: Index) -> TimeGrid:
    """The grid of rows that are counted, though counts are missing: `step`, or `10step` for 10, 20, 40.

    Args:
        index: Whole numbers, shape (T,), strictly increasing.
    """
    counts = index.to_numpy().astype(np.int64)
    if len(counts) < 2:
        return TimeGrid(COUNTED)
    step = common_divisor(np.diff(counts))
    due = (counts[-1] - counts[0]) // step + 1
    on_grid = (counts % step == commonest(counts % step)).mean()
    is_regular = on_grid >= WHOLE and share_filled(counts // step) >= LEAST and len(counts) >= LEAST_OF_ALL * due
    return TimeGrid(COUNTED if step == 1 else f"{step}{COUNTED}", is_regular=bool(is_regular))


def _fills_enough(grid: TimeGrid, index: pd.DatetimeIndex) -> bool:
    """Whether the rows that follow a grid are a fair share of those that are due, with all gaps."""
    rows = index[first_row(grid, index) :]
    weeks = (index[-1] - rows[0]) / pd.Timedelta(weeks=1) if len(rows) else np.inf
    return len(rows) >= LEAST_OF_ALL * weeks * grid.rows_in_week


def first_row(grid: TimeGrid, index: pd.DatetimeIndex) -> int:
    """The place in `index` from which on the rows follow the grid; rows before are of a coarser or finer one."""
    unit, width = {"months": ("M8[M]", MONTHS.get(grid.unit, 1)), "weeks": ("M8[D]", 7), "days": ("M8[D]", 1)}.get(
        grid.kind, ("M8[us]", int(grid.stride.astype(np.int64)) // grid.count)
    )
    width *= grid.count
    rows = index.to_numpy().astype(unit).astype(np.int64)
    places = (rows - rows[-1] + width // 2) // width
    week = float(WEEK / grid.stride)
    least = LEAST_OF_BLOCK * grid.rows_in_week / week
    size = max(LEAST_BLOCK, len(places) // MOST_BLOCKS)
    for start in range(len(places) - size, -1, -size):
        block = places[start : start + size]
        if (np.diff(block) > 0).mean() < OWN_PLACE or share_filled(block, pause=week) < least:
            return start + size
    return 0


def _day_grid(days: Rows, unit: str, exchange: str) -> TimeGrid | None:
    """Of rows that are a day or more apart; of fewer rows where many do not agree."""
    for recent in RECENT:
        if not unit and (found := _months(days[-recent:]) or _weeks(days[-recent:]) or _every_few_days(days[-recent:])):
            return found
        weekdays = _open_weekdays(days[-recent:])
        if unit or (weekdays.sum() > 1 and share_filled(_count_days(days[-recent:], weekdays)) >= LEAST):
            mask = "".join(str(int(is_open)) for is_open in weekdays)
            follows = _lie_in_sessions(days[-recent:], exchange)
            return TimeGrid("B" if weekdays.sum() <= 5 else "D", mask, exchange if follows else "")
    return None


def _months(days: Rows) -> TimeGrid | None:
    """Months, quarters and years."""
    dates = days.astype("M8[D]")
    months = dates.astype("M8[M]").astype(np.int64)
    equal = len(days) > 4 and 20 <= common_divisor(np.diff(days)) < 360  # every 28 or 30 days
    if equal or len(np.unique(months)) < WHOLE * len(months):
        return None
    step = common_divisor(np.diff(months))
    filled = share_filled(months // step)
    if filled < LEAST or not (_on_one_day(dates) or (filled >= ALL_MONTHS and len(days) >= A_YEAR)):
        return None
    unit, count = next((unit, step // months) for unit, months in (("Y", 12), ("Q", 3), ("M", 1)) if step % months == 0)
    ends = _month_ends(dates)
    return TimeGrid(f"{count if count > 1 else ''}{f'{ends[:-1]}{unit}E' if ends else f'{unit}S'}")


def _on_one_day(dates: Stamps) -> bool:
    """Whether all are on about the same day of the month; the first lies near the last."""
    day = (dates - dates.astype("M8[M]").astype("M8[D]")).astype(np.int64)
    apart = np.abs(day - commonest(day))
    return bool((np.minimum(apart, 31 - apart) <= SPREAD).mean() >= 0.9)


def _month_ends(dates: Stamps) -> str:
    """`BE` for the last weekday of the month, `E` for the last day, or an empty word."""
    last_days = (dates.astype("M8[M]") + 1).astype("M8[D]") - 1
    on_last = dates == last_days
    on_weekday = dates == np.busday_offset(last_days, 0, roll="backward")
    if on_weekday.mean() >= WHOLE and not on_last.all():
        return "BE"
    return "E" if on_last.mean() > 0.5 else ""


def _weeks(days: Rows) -> TimeGrid | None:
    """Weeks: rows on one weekday, which a holiday may move."""
    day = commonest(weekday(days))
    weeks = (days + 3 - day + 3) // 7
    if (weekday(days) == day).mean() < SAME_WEEKDAY or len(np.unique(weeks)) < WHOLE * len(weeks):
        return None
    step = common_divisor(np.diff(weeks))
    if share_filled(weeks // step) < LEAST:
        return None
    return TimeGrid(f"{step if step > 1 else ''}W-{WEEKDAYS[day]}")


def _every_few_days(days: Rows) -> TimeGrid | None:
    """Steps of some days; they come to all days of the week in turn."""
    step = common_divisor(np.diff(days))
    found = step > 1 and share_filled(days // step) >= LEAST and _open_weekdays(days).all()
    return TimeGrid(f"{step}D") if found else None


def _odd_steps(stamps: Rows) -> TimeGrid | None:
    """Steps of more than a day that are no whole days, as of 36 hours."""
    step = common_divisor(np.diff(stamps))
    odd = step > DAY and step % DAY
    return TimeGrid(alias_of(step)) if odd and share_filled(stamps // step) >= LEAST else None


def _open_weekdays(days: Rows) -> Flags:
    """Which weekdays have rows. Without any at the weekend, two weeks are Monday to Friday."""
    seen = np.bincount(weekday(days), minlength=7)
    weekend = np.arange(7) >= 5
    has_weekend = seen[weekend].sum() >= RARE * len(days)
    if days[-1] - days[0] < FORTNIGHT:
        return np.asarray(~weekend | has_weekend)
    return np.asarray(open_weekdays(days) & (~weekend | has_weekend))


def _count_days(days: Rows, weekdays: Flags) -> Rows:
    """The numbers of days, if only those on `weekdays` counted."""
    return np.asarray(np.busday_count(days[0].astype("M8[D]"), days.astype("M8[D]"), weekmask=weekdays))


def _lie_in_sessions(days: Rows, exchange: str) -> bool:
    dates = days.astype("M8[D]")
    sessions = sessions_until(exchange, dates[-1])
    if sessions is None:
        return False
    known = dates[(dates >= sessions.days[0]) & (dates <= sessions.days[-1])]
    return len(known) > 0 and bool(are_in(known, sessions.days).mean() >= EXPLAINED)


def _suggest_step(stamps: Rows) -> str:
    """The shortest step that nearly always holds a row."""
    for step in STEPS:
        count, unit = TimeGrid(step).count, TimeGrid(step).unit
        if share_filled(stamps // (count * UNITS[unit])) >= FULL:
            return step
    months = stamps.astype("M8[us]").astype("M8[M]").astype(np.int64)
    places = {"W-SUN": (stamps // DAY + 3) // 7, "MS": months, "QS": months // 3}
    return next((step for step, cells in places.items() if share_filled(cells) >= FULL), "YS")
