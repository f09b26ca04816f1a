"""The time grid of a series: when its rows are due.

In: a frequency, weekdays, windows of the week and an exchange, as `infer_grid.py` finds them in the dates of a series.
Out: all rows that are due in a span, the coming ones, and those that a series lacks. A row that is due and lacking is a
missing value that keeps its place, so that a step is always the same stretch of time.

    months   months, quarters, years, on one day of the month or at its end
    weeks    on one weekday; a holiday may move a row by three days
    days     the sessions of an exchange, or the weekdays on which the series has rows
    bars     one `frequency` after another within the windows of a week and the sessions: half days end early
    steps    one `frequency` after another, around the clock
    counts   one whole number after another, where rows have no dates: microseconds in the arithmetic below

All dates are readings of a wall clock. A bar at 09:30 stays at 09:30 when the clocks change; a series around the clock
has no hour twice and leaves none out.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from forecast.data.calendar.frequency import Index
from forecast.data.calendar.row_steps import commonest
from forecast.data.calendar.session_bars import Stamps, are_in, in_sessions, move_clock, sessions_until, trading_hours
from forecast.errors import SeriesError
from forecast.typing import Flags

SECOND = np.timedelta64(1_000_000, "us")
DAY = 86_400 * SECOND
WEEK = 7 * DAY
MONDAY = np.datetime64("1969-12-29T00:00:00", "us")
EVERY_DAY = "1111111"
# The frequency of counted rows.
COUNTED = "step"
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
# Months in a step, by the unit of the frequency: on the same day of the month, on its last day, on its last weekday.
MONTHS = {"MS": 1, "QS": 3, "YS": 12, "ME": 1, "QE": 3, "YE": 12, "BME": 1, "BQE": 3, "BYE": 12}
# The kinds of equal length, without end.
EQUAL = ("steps", "counts")
# What rows are compared by, and how far in it a row may lie from the one that is due. Other kinds: half a step.
CELLS = {
    "months": ("M8[M]", np.timedelta64(0, "M")),
    "weeks": ("M8[D]", np.timedelta64(3, "D")),
    "days": ("M8[D]", np.timedelta64(0, "D")),
}


@dataclass(frozen=True)
class TimeGrid:
    """When the rows of a series are due.

    Attributes:
        frequency: One step as a pandas offset alias (`B`, `D`, `2D`, `h`, `30min`, `W-FRI`, `MS`, `QE`), of rows
            without dates `step`, or `10step` where they are counted by tens. Of irregular rows the step that would make
            them regular: what `--every` should be.
        weekdays: The days of the week that have rows, Monday first: `1111110` from Monday to Saturday.
        exchange: The calendar whose sessions are due, as in `XNYS`; empty where the weekdays alone decide.
        windows: The first and the last row of each stretch of bars in a week, in seconds since Monday's midnight;
            empty around the clock and for steps of a day and more.
        clock: The time zone on whose clocks the windows are, where the dates are readings of Greenwich's.
        is_regular: Whether the rows follow a grid at all; those of trades and visits do not.
    """

    frequency: str
    weekdays: str = EVERY_DAY
    exchange: str = ""
    windows: tuple[tuple[int, int], ...] = ()
    clock: str = ""
    is_regular: bool = True

    def __str__(self) -> str:
        """As in `30min, MON-FRI 09:30-15:30, sessions of XNYS`."""
        if self.is_counted:
            return (
                "irregular counts" if not self.is_regular else "steps" if self.count == 1 else f"steps of {self.count}"
            )
        if not self.is_regular:
            return f"irregular, about every {self.frequency}"
        times = {(first % 86_400, last % 86_400) for first, last in self.windows}
        regular = len(self.windows) == len(times) * self.weekdays.count("1")
        hours = [f"{_clock(first)}-{_clock(last)}" for first, last in sorted(times)] if regular else []
        sessions = f"sessions of {self.exchange}" if self.exchange else ""
        return ", ".join(filter(None, [self.frequency, " ".join([*_spell(self.weekdays), *hours]), sessions]))

    @property
    def unit(self) -> str:
        """The frequency without its count and anchor: `min` of `30min`, `W` of `2W-FRI`."""
        return re.sub(r"^\d+|-.*$", "", self.frequency)

    @property
    def count(self) -> int:
        """How many units a step is: 30 of `30min`, 1 of `h`."""
        found = re.match(r"\d+", self.frequency)
        return int(found[0]) if found else 1

    @property
    def is_counted(self) -> bool:
        """Whether rows have counts, no dates."""
        return self.unit == COUNTED

    @property
    def kind(self) -> str:
        """`months`, `weeks`, `days`, `bars`, `steps` or `counts`, as the module lists them."""
        if self.is_counted:
            return "counts"
        if self.unit in MONTHS:
            return "months"
        if self.unit == "W":
            return "weeks"
        if self.unit in ("B", "D") and self.count == 1:
            return "days"
        return "bars" if self.windows else "steps"

    @cached_property
    def stride(self) -> np.timedelta64:
        """The length of a step; of months the longest."""
        days = {"months": 31 * MONTHS.get(self.unit, 1), "weeks": 7, "days": 1}
        if self.kind in days:
            return self.count * days[self.kind] * DAY
        if self.is_counted:
            return np.timedelta64(self.count, "us")
        return np.timedelta64(pd.Timedelta(f"{self.count}{self.unit}").as_unit("us").to_timedelta64())

    @property
    def rows_in_week(self) -> float:
        """Rows that are due in an ordinary week."""
        if self.kind == "days":
            return self.weekdays.count("1")
        return len(self.slots()) if self.windows else float(WEEK / self.stride)

    def check_regular(self, name: str) -> None:
        """Refuse a series whose rows follow no grid.

        Raises:
            SeriesError: names the cure.
        """
        if not self.is_regular and self.is_counted:
            raise SeriesError(
                f"{name}: steps ahead can be counted only where rows come at regular counts, and these do not. Number "
                "them one by one, or leave out that column: rows are counted then."
            )
        if not self.is_regular:
            raise SeriesError(
                f"{name}: steps ahead can be dated only where rows come at regular times, and these do not. "
                f"Bring them onto a grid with --every {self.frequency} --how last (or mean, or sum)."
            )

    def expected(self, first: pd.Timestamp | int, last: pd.Timestamp | int) -> Index:
        """All rows that are due from `first` to `last`, both included.

        Days have the time of day of `first`, months its day of the month, steps of equal length begin with it.
        """
        start, stop = _stamp(first), _stamp(last)
        due = self._due(start, stop)
        return self._index(due[(due >= start) & (due <= stop)])

    def after(self, last: pd.Timestamp | int, periods: int) -> Index:
        """The next `periods` rows after the row at `last`.

        Raises:
            SeriesError: `periods` is less than 1.
        """
        if periods < 1:
            raise SeriesError(f"`periods` must be at least 1. Received: periods={periods}.")
        origin, span = _stamp(last), (periods + 1) * self.stride
        while True:
            due = self._due(origin, origin + span)
            due = due[self._cells(due) > self._cells(np.array([origin])) + self._reach]
            if len(due) >= periods:
                return self._index(due[:periods])
            span = 2 * span + WEEK

    def holes(self, index: Index) -> Index:
        """The rows that are due between the first and the last of `index` and are not in it."""
        rows = _stamps(index)
        due = self._due(self._begin(rows), rows[-1])
        return self._index(due[~self._have_near(due, rows)])

    def strays(self, index: Index) -> Index:
        """The rows of `index` that are not due: a special session on a Saturday, a bar at 13:07."""
        rows = _stamps(index)
        return index[~self._have_near(rows, self._due(self._begin(rows), rows[-1]))]

    def complete(self, index: Index) -> Index:
        """The rows of `index` and its holes, in the order of time; `index` itself where it has none."""
        holes = self.holes(index) if self.is_regular else index[:0]
        return index.union(holes) if len(holes) else index

    def slots(self) -> Stamps:
        """The times of the week of all bars, from Monday's midnight on; none without windows."""
        parts = [np.arange(first * SECOND, last * SECOND + 1, self.stride) for first, last in self.windows]
        return np.concatenate(parts) if parts else np.array([], "m8[us]")

    def _index(self, due: Stamps) -> Index:
        """The dates of rows that are due, or their counts."""
        return pd.Index(due.astype(np.int64)) if self.is_counted else pd.DatetimeIndex(due)

    def _begin(self, rows: Stamps) -> Any:
        """The first row; of steps of equal length the place it should have, for it may lie off the others' grid."""
        if self.kind not in EQUAL:
            return rows[0]
        step = int(self.stride.astype(np.int64))
        stamps = rows.astype(np.int64)
        off = (stamps[0] - commonest(stamps % step) + step // 2) % step - step // 2
        return rows[0] - np.timedelta64(off, "us")

    def _due(self, start: np.datetime64, stop: np.datetime64) -> Stamps:
        """The rows from `start` to `stop`, and those within reach of either."""
        if self.kind in EQUAL:
            return np.arange(start, stop + self._reach + 1, self.stride)
        due: Stamps = getattr(self, f"_due_{self.kind}")(start, stop)
        return due

    def _due_months(self, start: np.datetime64, stop: np.datetime64) -> Stamps:
        months = np.arange(start.astype("M8[M]"), stop.astype("M8[M]") + 1, self.count * MONTHS[self.unit])
        last_day = (months + 1).astype("M8[D]") - 1
        if self.unit.startswith("B"):
            last_day = np.busday_offset(last_day, 0, roll="backward")
        if self.unit.endswith("E"):
            return np.asarray(last_day + _time(start))
        same_day = months.astype("M8[D]") + (start.astype("M8[D]") - start.astype("M8[M]").astype("M8[D]"))
        return np.asarray(np.minimum(same_day, last_day) + _time(start))

    def _due_weeks(self, start: np.datetime64, stop: np.datetime64) -> Stamps:
        day, named = start.astype("M8[D]"), self.frequency.partition("-")[2]
        moved = (WEEKDAYS.index(named) - _weekday(day) + 3) % 7 - 3 if named else 0
        return np.arange(day + moved, stop.astype("M8[D]") + 4, 7 * self.count) + _time(start)

    def _due_days(self, start: np.datetime64, stop: np.datetime64) -> Stamps:
        """The sessions that are known, and the weekdays before and after them."""
        days = np.arange(start.astype("M8[D]"), stop.astype("M8[D]") + 1)
        due = np.is_busday(days, weekmask=self.weekdays)
        sessions = sessions_until(self.exchange, stop)
        if sessions is not None:
            known = (days >= sessions.days[0]) & (days <= sessions.days[-1])
            due[known] = are_in(days[known], sessions.days)
        return np.asarray(days[due] + _time(start))

    def _due_bars(self, start: np.datetime64, stop: np.datetime64) -> Stamps:
        weeks = np.arange(start - (start - MONDAY) % WEEK - WEEK, stop + WEEK, WEEK)
        bars = np.add.outer(weeks, self.slots()).ravel()
        bars = bars[(bars >= start - DAY) & (bars <= stop + DAY)]
        sessions = sessions_until(self.exchange, stop)
        if sessions is not None:
            bars = bars[in_sessions(bars, *trading_hours(sessions, self.slots() % DAY, stop))]
        if self.clock:
            bars = np.unique(move_clock(bars, self.clock, "UTC"))
        return np.asarray(bars[(bars >= start - self._reach) & (bars <= stop + self._reach)])

    @property
    def _reach(self) -> Any:
        """How far from a due row another one may lie and still stand for it."""
        return CELLS[self.kind][1] if self.kind in CELLS else (self.stride - np.timedelta64(1, "us")) // 2

    def _cells(self, stamps: Stamps) -> Stamps:
        """What rows are compared by: the month, the day, or the very time."""
        return stamps.astype(CELLS[self.kind][0]) if self.kind in CELLS else stamps

    def _have_near(self, stamps: Stamps, others: Stamps) -> Flags:
        """Whether each of `stamps` has one of `others` within reach."""
        if not len(others):
            return np.zeros(len(stamps), bool)
        wanted, cells = self._cells(stamps), self._cells(others)
        place = np.minimum(np.searchsorted(cells, wanted - self._reach), len(cells) - 1)
        return np.asarray(np.abs(cells[place] - wanted) <= self._reach)


def _stamp(date: pd.Timestamp | int) -> np.datetime64:
    return np.datetime64(date if isinstance(date, pd.Timestamp) else int(date), "us")


def _stamps(index: Index) -> Stamps:
    return index.to_numpy().astype("M8[us]")


def _time(stamp: np.datetime64) -> np.timedelta64:
    """The time of day."""
    return np.timedelta64(stamp - stamp.astype("M8[D]"))


def _weekday(day: np.datetime64) -> int:
    return int((day.astype(int) + 3) % 7)


def _spell(weekdays: str) -> list[str]:
    """`MON-SAT` of `1111110`, `MON WED FRI` of `1010100`, nothing of all days."""
    days = [name for name, is_open in zip(WEEKDAYS, weekdays, strict=True) if is_open == "1"]
    if len(days) == len(WEEKDAYS):
        return []
    return [f"{days[0]}-{days[-1]}"] if len(days) > 2 and "1" * len(days) in weekdays else days


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}"
