"""One series out of a table that was understood: rows in the order of time, and what was done to get there.

In: a `Schema` and the name of one of its series. Out: a `TimeSeries` with its findings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.calendar.frequency import infer_frequency
from forecast.data.series import DataIssue, TimeSeries
from forecast.data import vocabulary as words
from forecast.data.sources.parsing.date_formats import Stamps
from forecast.data.sources.quality_checks import (
    Flags,
    conflicting_dates,
    doubts,
    find,
    gaps,
    merge_dates,
    name_dates,
    order_of,
    whole_days,
)
from forecast.data.sources.schema.schema import Schema
from forecast.errors import SeriesError, SourceError
from forecast.typing import Array

# Share of dates with conflicting values, above which a table holds several series and not one.
MIXED = 0.05
# Undated rows up to which they are looked at one by one.
MOST_HEADERS = 1000
# How far a high may lie below another price of its row: rounding.
ROUNDING = 1e-4


@dataclass(frozen=True, eq=False)
class Part:
    """The R rows of one series in the order of the table.

    Attributes:
        rows: Their numbers in the table.
        stamps: Their dates, not-a-time where a row has none.
        values: The target, NaN where a row has none.
        words: Whether the target is neither a number nor empty.
    """

    reading: Schema
    target: str
    rows: NDArray[np.int64]
    stamps: Stamps
    values: Array
    words: Flags

    @property
    def dated(self) -> Flags:
        """Whether a row has a date."""
        return ~np.isnat(self.stamps)

    def only(self, kept: Flags) -> "Part":
        """Some of the rows."""
        if kept.all():
            return self
        rows, stamps, values = self.rows[kept], self.stamps[kept], self.values[kept]
        return Part(self.reading, self.target, rows, stamps, values, self.words[kept])

    def column(self, name: str) -> Array:
        """Another column of the same rows."""
        values = self.reading.numbers(name).values
        return values if len(self.rows) == len(values) else values[self.rows]


@dataclass(frozen=True)
class Covariates:
    """Columns that a series carries beside its target: known up to a row, known ahead, or all kinds of prices."""

    columns: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()
    prices: bool = False

    def names(self, reading: Schema, target: str) -> list[str]:
        """All of them, each once, as the table calls them."""
        found = _names(reading, (*self.columns, *self.ahead))
        if self.prices:
            volume = words.volume_column(reading.numeric)
            found += [*words.price_columns(reading.numeric).values(), *([volume] if volume else [])]
        return [name for name in dict.fromkeys(found) if name != target]


NOTHING = Covariates()


def clean(
    reading: Schema,
    series: str,
    *,
    name: str,
    unit: str | None = None,
    exchange: str = "",
    carried: Covariates = NOTHING,
    notes: tuple[str, ...] = (),
) -> TimeSeries:
    """One series, with its findings, and with `notes` before its own.

    Raises:
        SourceError: a row has a value, but a date that cannot be read; no row has a value; or there is no such column.
        SeriesError: several securities share their dates, and nothing tells them apart.
    """
    every = _part(reading, series)
    _check_dates(every)
    _check_headers(every)
    others = carried.names(reading, every.target)
    coming = _coming(every, _names(reading, carried.ahead))
    part = every.only(~coming)
    valued = part.dated & np.isfinite(part.values)
    in_background = np.column_stack([part.values, *(part.column(name) for name in others)])
    kept = part.only(valued & np.isfinite(in_background).all(axis=1))
    _check_rows(part, kept)
    prices = words.is_price(part.target)
    stamps, places, merged = merge_dates(kept.stamps, kept.values)
    values = kept.values[places]
    index, frequency, gap = _calendar(stamps.tobytes())
    found = (
        *_around(reading),
        order_of(part.stamps[part.dated]),
        *_left_out(part),
        _without_others(part.only(valued), others),
        *(_disordered(kept) if prices else ()),
        merged,
        *doubts(stamps, values, prices=prices, frequency=frequency),
        gap,
    )
    return TimeSeries(
        name=name,
        index=index,
        values=np.column_stack([values, *(kept.column(name)[places] for name in others)]),
        columns=(part.target, *others),
        target=part.target,
        unit=unit or "units",
        frequency=frequency,
        exchange=exchange,
        notes=(*notes, *_notes(reading)),
        findings=tuple(finding for finding in found if finding),
        future=_future(every.only(coming), (part.target, *others), carried.ahead),
    )


@lru_cache(maxsize=8)
def _calendar(stamps: bytes) -> tuple[pd.DatetimeIndex, str, DataIssue | None]:
    """Index, frequency and gaps of dates in microseconds: the series of a wide table have the same ones, made once."""
    index = pd.DatetimeIndex(np.frombuffer(stamps, "M8[us]").copy())
    frequency = infer_frequency(index)
    return index, frequency, gaps(index.to_numpy(), frequency)


def _names(reading: Schema, wanted: Sequence[str]) -> list[str]:
    """Columns by the names that a user gave them, in any case.

    Raises:
        SourceError: one of them is not there, or holds no numbers.
    """
    if not wanted:
        return []
    there = {name.strip().casefold(): name for name in reversed(reading.numeric)}
    if missing := [name for name in wanted if name.strip().casefold() not in there]:
        listed = ", ".join(reading.numeric)
        raise SourceError(
            f"{reading.table.where}: a column must be one of those with numbers, {listed}. "
            f"Received: {', '.join(missing)}."
        )
    return [there[name.strip().casefold()] for name in wanted]


def _coming(part: Part, ahead: Sequence[str]) -> Flags:
    """Rows after the last target that hold the columns which are known ahead."""
    valued = part.dated & np.isfinite(part.values)
    if not ahead or not valued.any():
        return np.zeros(len(part.rows), bool)
    later = part.dated & (part.stamps > part.stamps[valued].max())
    return np.asarray(later & np.isfinite([part.column(name) for name in ahead]).all(axis=0))


def _future(coming: Part, columns: Sequence[str], ahead: Sequence[str]) -> Array:
    """The coming rows in the order of time, shape (M, F); NaN for columns that are not known ahead."""
    known = {name.casefold() for name in ahead}
    order = np.argsort(coming.stamps, kind="stable")
    unknown = np.full(len(order), np.nan)
    return np.column_stack(
        [coming.column(name)[order] if name.strip().casefold() in known else unknown for name in columns]
    )


def _without_others(valued: Part, others: Sequence[str]) -> DataIssue | None:
    """Rows with a target that lack a column which was asked for."""
    lacking = ~np.isfinite([valued.column(name) for name in others]).all(axis=0) if others else np.zeros(0, bool)
    if not lacking.any():
        return None
    action = f"rows with {valued.target} but without {', '.join(others)} were left out"
    return find("missing_features", np.sort(valued.stamps[lacking]), action, repaired=True)


def _part(reading: Schema, series: str) -> Part:
    target = (reading.choices.get(series) or reading.choices[""]).target
    numbers, stamps = reading.numbers(target), reading.dates.stamps
    part = Part(reading, target, np.arange(len(stamps)), stamps, numbers.values, numbers.words)
    if reading.rows:
        rows = reading.rows[series]
        part = Part(reading, target, rows, stamps[rows], numbers.values[rows], numbers.words[rows])
    days = np.where(part.dated, part.stamps, np.datetime64("NaT"))
    days[part.dated] = whole_days(part.stamps[part.dated])
    return Part(reading, target, part.rows, days, part.values, part.words)


def _check_dates(part: Part) -> None:
    """Refuses rows with a value, but no date: they would be lost."""
    wrong = part.only(~part.dated & np.isfinite(part.values))
    if len(wrong.rows):
        table = part.reading.table
        raise SourceError(
            f"{table.where}, line {table.line + int(wrong.rows[0])}: each row must have a date as the others have "
            f"({part.reading.dates.form}). {part.target} is {wrong.values[0]:g} there, without one. Rows like it: "
            f"{len(wrong.rows)}. Mend the dates or drop the rows."
        )


def _check_headers(part: Part) -> None:
    """Refuses tables below one another: a second header of another order, or one with a title above it."""
    table, undated = part.reading.table, part.rows[~part.dated]
    if not table.header or not len(undated) or len(undated) > MOST_HEADERS:
        return
    names = [name.strip() for name in table.header[-1]]
    rows = {int(row): [str(cells[int(row)].as_py() or "").strip() for cells in table.columns] for row in undated}
    for row, cells in rows.items():
        titled = cells == names and any(rows.get(row - 1, [])) and rows[row - 1] != names
        if titled or (cells != names and sorted(cells) == sorted(names)):
            raise SourceError(
                f"{table.where}, line {table.line + row}: a file must hold one table. Another begins here: keep one."
            )


def _check_rows(part: Part, kept: Part) -> None:
    """Refuses a series without rows, and one that is several."""
    where = part.reading.table.where
    if not len(kept.rows):
        raise SourceError(f"{where}: {part.target} must hold numbers. Received: none in {len(part.rows)} rows.")
    dates = conflicting_dates(kept.stamps, kept.values)
    if len(dates) and len(dates) > MIXED * len(np.unique(kept.stamps)):
        raise SeriesError(
            f"{where}: a series must have one value a date. {len(dates)} dates have several that differ "
            f"({name_dates(dates)[0]}), as if several securities were mixed, and no column tells them apart. "
            "Add one with their names."
        )


def _around(reading: Schema) -> Iterator[DataIssue]:
    """Lines before and after the table, and doubts about its form."""
    table, dates = reading.table, reading.dates
    if table.preamble:
        yield DataIssue("preamble", table.preamble, (), "lines before the header were passed over")
    if table.footer:
        yield DataIssue("footer", table.footer, (), "lines after the last date were passed over")
    if dates.doubt:
        action = f"read as {dates.form}, though {dates.doubt} fits as well; --date-order decides"
        yield find("ambiguous_dates", dates.stamps[~np.isnat(dates.stamps)], action)
    if reading.mark[1]:
        action = f"read with {reading.mark[0]!r} as the decimal mark, though the other one fits as well"
        yield DataIssue("ambiguous_numbers", table.rows, (), action)


def _left_out(part: Part) -> Iterator[DataIssue]:
    """Rows without a value or without a date."""
    words = part.words | (~part.dated & ~_blank(part)) | _words_beside(part)
    missing = part.only(part.dated & np.isnan(part.values) & ~words)
    if len(missing.rows):
        others = [missing.column(name) for name in _beside(part)]
        more = int(np.isfinite(others).any(axis=0).sum()) if others else 0
        also = f"; {more} of them hold other values" if more else ""
        yield find(
            "missing_values", np.sort(missing.stamps), f"rows without {part.target} were left out{also}", repaired=True
        )
    spoken = part.only(words)
    if len(spoken.rows):
        action = f"rows with words in place of {part.target} or of the date were left out"
        dates = name_dates(np.sort(spoken.stamps[spoken.dated]))
        yield DataIssue("non_numeric_rows", len(spoken.rows), dates, action, repaired=True)
    last = part.stamps[np.isfinite(part.values) & part.dated].max()
    if (tail := missing.stamps[missing.stamps > last]).size:
        yield find("sparse_tail", np.sort(tail), f"the last rows have no {part.target}", repaired=True)


def _beside(part: Part) -> list[str]:
    """The columns of numbers that belong to the same rows; those of other series do not."""
    alone = "" in part.reading.choices
    return [name for name in part.reading.numeric if name != part.target] if alone else []


def _words_beside(part: Part) -> Flags:
    """Whether a row without a value has words in a column of numbers, as `0.24 Dividend`."""
    found = part.dated & np.isnan(part.values)
    if found.any():
        in_background = [part.reading.numbers(name).words[part.rows] for name in _beside(part)]
        found &= np.any(in_background, axis=0) if in_background else False
    return found


def _blank(part: Part) -> Flags:
    """Whether all cells of a row are empty."""
    if part.dated.all():
        return np.zeros(len(part.rows), bool)
    filled = [column.is_valid().to_numpy(zero_copy_only=False) for column in part.reading.table.columns]
    return np.asarray(~np.any(filled, axis=0)[part.rows])


def _disordered(kept: Part) -> Iterator[DataIssue]:
    """Rows whose high is not the highest, or whose low is not the lowest."""
    columns = words.price_columns(kept.reading.numeric)
    closes = words.closes([name for name in kept.reading.numeric if not words.is_adjusted(name)])
    if len(closes) != 1 or set(columns) != {"open", "high", "low"}:
        return
    opened, high, low, close = (
        kept.column(name) for name in (*map(columns.__getitem__, ("open", "high", "low")), closes[0])
    )
    wrong = (high < np.maximum(opened, close) * (1 - ROUNDING)) | (low > np.minimum(opened, close) * (1 + ROUNDING))
    if wrong.any():
        action = "kept; the high is not the highest price of the row, or the low not the lowest"
        yield find("ohlc_order", np.sort(kept.stamps[wrong]), action)


def _notes(reading: Schema) -> tuple[str, ...]:
    choice = next(iter(reading.choices.values()))
    if len(reading.numeric) < 2 or "" not in reading.choices or choice.why.startswith("the column that"):
        return ()
    return (f"the target is {choice.target} ({choice.why}); --target chooses another",)
