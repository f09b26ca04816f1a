"""The checked time series that everything else works on.

In: dates, or counts, and numbers of any origin. Out: a `TimeSeries` with one row for each point of its time grid, NaN
where a value is missing, which knows its unit, its frequency, its trading calendar and the roles of its columns.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.calendar.frequency import Index, iso, moment
from forecast.data.grid import TimeGrid
from forecast.data.placement import Placement, place_rows
from forecast.data.series_rules import check_ends, check_exchange, check_order, check_values, whole_numbers
from forecast.data.vocabulary import column_roles
from forecast.display import Chart, Line, Panel, Rule, Shown
from forecast.display.style import BLUE, GREEN, ORANGE, PINK, RED, SKY
from forecast.errors import SeriesError
from forecast.typing import Array

# Dates that an issue names.
MAX_NAMED = 5
# What is found when rows are put on their grid.
PLACING = ("missing_rows", "other_frequency")
ISSUE_COLOURS = (RED, BLUE, PINK, GREEN, ORANGE, SKY)
# The grid of a series whose dates have not been looked at.
UNKNOWN = TimeGrid("", is_regular=False)


@dataclass(frozen=True)
class DataIssue:
    """Something in the rows of a series that looks wrong, and what was done about it.

    Attributes:
        kind: A keyword, such as `missing_values`.
        count: Number of rows or places concerned.
        dates: The first of their dates, such as 2018-12-31.
        action: What was done.
        repaired: Whether rows were dropped or merged; `strict` refuses that.
    """

    kind: str
    count: int
    dates: tuple[str, ...]
    action: str
    repaired: bool = False

    def __str__(self) -> str:
        dates = ", ".join(self.dates) + (", ..." if len(self.dates) < self.count else "")
        return f"{self.kind} {self.count}{f' ({dates})' if self.dates else ''}: {self.action}"


@dataclass(frozen=True, eq=False, repr=False)
class TimeSeries(Shown):
    """One row a point in time, one column a feature; `target` is the column to forecast.

    Rows that are due on the grid and lacking are added as missing values, so that a step is always the same stretch of
    time. Rows of another frequency before the others are left out. Both are findings.

    Attributes:
        index: Dates, or whole numbers that count the rows where there are none, shape (T,), strictly increasing.
        values: Shape (T, F), read-only, in the unit of the file; NaN where missing. The first and the last target are
            known.
        unit: The unit of the target, such as `USD` or `°C`; `units` if unknown.
        frequency: A pandas offset alias (`B` business days, `D`, `h`, `MS`), or `step` where rows are counted; by
            default inferred from the dates.
        exchange: The exchange as the user or the ticker names it, a calendar of the package `exchange_calendars`
            (`XNYS`), `24/7` or `24/5`; empty if nobody named one. `trading_calendar` is the one to compute with.
        notes: The assumptions made on the way here, one sentence each.
        findings: What looks wrong in the source, and what was done about it.
        future: Known values of the rows after the last, shape (M, F); NaN in columns that are not known ahead.
        grid: When rows are due; by default found in the dates.
        filled: Whether the target of a row was missing and is filled, shape (T,): no forecast starts there, and it is
            neither a label nor scored. Empty if none is.
        ranges: Logarithms of high over low and of close over open of each row, shape (T, 2); NaN where they are missing
            or contradict each other, empty where the target is no close beside open, high and low.
    """

    name: str
    index: Index
    values: Array
    columns: tuple[str, ...]
    target: str
    unit: str = "units"
    frequency: str = ""
    exchange: str = ""
    notes: tuple[str, ...] = ()
    findings: tuple[DataIssue, ...] = ()
    future: Array = field(default_factory=lambda: np.empty((0, 0)))
    grid: TimeGrid = field(default=UNKNOWN)
    filled: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    ranges: Array = field(default_factory=lambda: np.empty((0, 2)))

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float64)
        if values.ndim != 2 or values.shape != (len(self.index), len(self.columns)):
            expected = (len(self.index), len(self.columns))
            raise SeriesError(f"{self.name}: `values` must have shape {expected}. Received: {values.shape}.")
        if self.target not in self.columns:
            columns = ", ".join(self.columns)
            raise SeriesError(f"{self.name}: `target` must be one of {columns}. Received: {self.target}.")
        check_order(self.name, self.index)
        check_exchange(self.name, self.index, self.exchange)
        check_values(self.name, self.index, values, self.columns)
        if self.grid is UNKNOWN:
            check_ends(self.name, self.index, values[:, self.target_column])
            values = self._place(values)
        values.flags.writeable = False
        future = self.future if self.future.size else np.empty((0, len(self.columns)))
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "future", future)

    def _place(self, values: Array) -> Array:
        """Put the rows on their grid; return the values of all rows."""
        placed = place_rows(self.index, self.exchange, self.frequency)
        object.__setattr__(self, "index", placed.index)
        object.__setattr__(self, "grid", placed.grid)
        object.__setattr__(self, "frequency", self.frequency or placed.grid.frequency)
        object.__setattr__(self, "findings", (*self.findings, *_findings(self.index, placed)))
        if len(self.ranges):
            object.__setattr__(self, "ranges", placed.spread(self.ranges))
        return placed.spread(values)

    def __len__(self) -> int:
        return len(self.index)

    def _headline(self) -> str:
        rows = f"{len(self):,} rows of {self.target} [{self.unit}]"
        return f"{self.name}, {rows}, {iso(self.index[0])} to {iso(self.index[-1])}, {self.grid}"

    def to_frame(self) -> pd.DataFrame:
        """One row a point in time; the dates, or counts, are the index."""
        index = self.index.rename("date" if isinstance(self.index, pd.DatetimeIndex) else "step")
        return pd.DataFrame(self.values, index, list(self.columns))

    def chart(self) -> Chart:
        """The target, and a dotted line at each date with a data issue."""
        rules = [
            Rule(moment(date), f"{issue.kind} {issue.count}" if number == 0 else "", colour, width=1.0)
            for issue, colour in zip(self._dated, ISSUE_COLOURS * len(self._dated), strict=False)
            for number, date in enumerate(issue.dates)
        ]
        return Chart(f"{self.name}: {self.target}", self.unit, [Line(self.index, self.y, width=1.0), *rules])

    @property
    def _dated(self) -> list[DataIssue]:
        """The findings that name dates."""
        return [issue for issue in self.findings if issue.dates]

    def _panels(self) -> tuple[Panel, ...]:
        issues = [str(issue) for issue in self.findings]
        return Panel(chart=self.chart()), Panel(self.to_frame(), (*self.notes, *issues))

    @property
    def target_column(self) -> int:
        """Position of the target in `columns`."""
        return self.columns.index(self.target)

    @property
    def y(self) -> Array:
        """The target, shape (T,); NaN where missing."""
        return self.values[:, self.target_column]

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Whether the target of each row is known: neither missing nor filled, shape (T,)."""
        return np.asarray(np.isfinite(self.y) & ~self.filled if len(self.filled) else np.isfinite(self.y))

    @property
    def known_y(self) -> Array:
        """The target, shape (T,); NaN where missing or filled."""
        return np.where(self.known, self.y, np.nan)

    @cached_property
    def roles(self) -> Mapping[str, str]:
        """The columns named as `open`, `high`, `low` and `volume`, by role; `close` is the target."""
        return {**column_roles(self.columns), "close": self.target}

    @property
    def trading_calendar(self) -> str:
        """The exchange whose sessions the rows follow, named or found in the holidays that they leave out, if any."""
        return self.grid.exchange or self.exchange

    def future_dates(self, periods: int) -> Index:
        """The dates, or the counts, of the next `periods` rows."""
        return self.grid.after(self.index[-1], periods)

    def with_exchange(self, exchange: str) -> Self:
        """The series on the sessions of an exchange."""
        known = self.known
        found = tuple(one for one in self.findings if one.kind not in PLACING)
        return replace(
            self,
            index=self.index[known],
            values=self.values[known],
            ranges=self.ranges[known] if len(self.ranges) else self.ranges,
            exchange=exchange,
            frequency="",
            findings=found,
            grid=UNKNOWN,
            filled=self.filled[:0],
        )

    def __getitem__(self, rows: slice) -> Self:
        """The rows of a slice, by places or dates as in pandas, without what is known of later ones.

        `series[:-30]` leaves out the last 30 rows, `series["2015":"2017"]` takes three years.

        Raises:
            TypeError: `rows` is no slice.
            SeriesError: it leaves rows out in between, or names no dates; no row is in it.
        """
        if not isinstance(rows, slice):
            raise TypeError("rows of a series are taken by a slice, as in series[:-30]")
        found = self._places(rows)
        return replace(
            self,
            index=self.index[found],
            values=self.values[found],
            ranges=self.ranges[found],
            future=self.future[:0],
            filled=self.filled[found],
        )

    def _places(self, rows: slice) -> slice:
        """The places of the rows of a slice."""
        try:
            places = pd.Series(np.arange(len(self)), self.index)[rows].to_numpy()
        except (KeyError, TypeError, ValueError):
            places = np.empty(0, int)
        if not len(places) or rows.step not in (None, 1):
            raise SeriesError(
                f"{self.name}: a slice must hold rows that follow one another, by places or dates. Received: "
                f"{rows.start}:{rows.stop}{f':{rows.step}' if rows.step else ''}, of {len(self)} rows from "
                f"{iso(self.index[0])} to {iso(self.index[-1])}."
            )
        return slice(int(places[0]), int(places[-1]) + 1)

    def with_columns(self, values: Array, names: Sequence[str], *, first: int, notes: tuple[str, ...]) -> Self:
        """The rows from `first` on with further columns.

        Args:
            values: The old columns followed by the new ones, shape (T, F + new).
            names: Names of the new columns.
            notes: Replace the notes of the series.
        """
        unknown = np.full((len(self.future), len(names)), np.nan)
        return replace(
            self,
            index=self.index[first:],
            values=values[first:],
            ranges=self.ranges[first:],
            columns=(*self.columns, *names),
            notes=notes,
            future=np.column_stack([self.future, unknown]),
            filled=self.filled[first:],
        )

    def fingerprint(self, rows: int | None = None) -> str:
        """SHA-256 of the dates (or counts), values and ranges of the first `rows` rows (by default all)."""
        index = self.index.as_unit("ns") if isinstance(self.index, pd.DatetimeIndex) else self.index
        stamps = whole_numbers(index)[:rows]
        whole = stamps.tobytes() + self.values[:rows].tobytes() + self.ranges[:rows].tobytes()
        return hashlib.sha256(whole).hexdigest()


def _findings(index: Index, placed: Placement) -> Iterator[DataIssue]:
    """What was added to the rows of a series, and what was left out."""
    if placed.first:
        action = f"rows before {iso(index[placed.first])} were left out: they come at other steps than the later ones"
        yield DataIssue("other_frequency", placed.first, _named(index), action, repaired=True)
    if len(missing := placed.missing):
        action = (
            f"rows are due ({placed.grid}) and lacking, up to {placed.longest_hole} in a row; they are missing values, "
            "which no model learns from and no score counts"
        )
        yield DataIssue("missing_rows", len(missing), _named(missing), action)


def _named(index: Index) -> tuple[str, ...]:
    return tuple(iso(date) for date in index[:MAX_NAMED])
