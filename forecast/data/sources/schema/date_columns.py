"""Find the dates of a table: one column, with or without one of times, or columns of year, month and day.

In: named columns of cells. Out: the dates of the rows, and the names of the columns that hold them.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.data import vocabulary
from forecast.data.sources.parsing.date_formats import Integers, Stamps, dates_from_parts, read_times
from forecast.data.sources.parsing.dates import Dates, may_be_dates, read_dates
from forecast.data.sources.parsing.months import read_months
from forecast.data.sources.parsing.numbers import read_numbers
from forecast.data.sources.schema.counts import count_rows
from forecast.errors import SourceError


def find_dates(
    columns: Mapping[str, pa.Array],
    known: str | None,
    order: str | None,
    where: str,
    counts: pa.Array | None = None,
) -> tuple[Dates, set[str]]:
    """Read the dates of the rows, or count the rows where there are none; return the names of their columns as well.

    Args:
        known: The column of dates by which the table was found, if any.
        order: Order of day, month and year; None decides from the column. With an order, there must be dates.
        counts: Whole numbers beside the columns that count the rows of a table without dates.
    Raises:
        SourceError: no column holds dates that can be read, though one looks like it or `order` is given.
    """
    name = known if known is not None else _date_column(columns)
    if (parts := _part_columns(columns, name)) is not None:
        numbers = {part: _to_integers(columns[column]) for part, column in parts.items()}
        return Dates(dates_from_parts(numbers), "parts"), set(parts.values())
    dates = read_dates(columns[name], order, min_share=0.01) if name is not None else None
    if name is None and order is None and not _has_dates_above(columns) and (found := count_rows(columns, counts)):
        return found
    if name is None or dates is None:
        raise _no_dates_error(columns, name, order, where)
    return _add_times(dates, columns, name)


def _date_column(columns: Mapping[str, pa.Array]) -> str | None:
    """The column of dates: typed ones first, then text, then numbers that may be dates."""
    typed = [name for name, cells in columns.items() if pa.types.is_temporal(cells.type)]
    others = [name for name in columns if name not in typed]
    if len(typed) == 1 and all(_is_number(columns[name]) and not vocabulary.is_date(name) for name in others):
        return typed[0]
    found = {name: dates for name, cells in columns.items() if (dates := read_dates(_sample(cells))) is not None}
    sure = [name for name, dates in found.items() if not dates.is_numeric or vocabulary.is_date(name)]
    likely = [name for name, dates in found.items() if len(columns) > 1 and may_be_dates(dates)]
    return next(iter([*(name for name in sure if vocabulary.is_date(name)), *sure, *likely]), None)


def _is_number(cells: pa.Array) -> bool:
    return bool(pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type))


def _sample(cells: pa.Array) -> pa.Array:
    return cells[:: max(1, len(cells) // 500)]


def _part_columns(columns: Mapping[str, pa.Array], year: str | None) -> dict[str, str] | None:
    """Find the columns of year, month, day, hour and minute, by names or else positions; None if there are none."""
    if year is not None and not _is_in_range(columns[year], 1000, 2500):
        return None
    found = {
        part: name
        for part, known in vocabulary.DATE_PARTS.items()
        for name in columns
        if _is_part(name, known, columns[name])
    }
    if year is not None and year.startswith(vocabulary.UNNAMED):
        after = list(columns)[list(columns).index(year) :]
        found = dict(zip(("year", "month", "day"), after, strict=False))
        if (
            not _is_in_range(columns[found.get("day", year)], 1, 31)
            or pc.count_distinct(columns[found["day"]]).as_py() < 3
        ):
            found.pop("day", None)
        if "month" in found and not _is_in_range(columns[found["month"]], 1, 12):
            return None
    return found if {"year", "month"} <= set(found) else None


def _is_part(name: str, known: frozenset[str], cells: pa.Array) -> bool:
    """Whether a column is named as a part of a date, and holds integers or names of months."""
    return (
        bool(vocabulary.words_of(name))
        and set(vocabulary.words_of(name)) <= known
        and bool(np.mean(_to_integers(_sample(cells)) >= 0) > 0.9)
    )


def _is_in_range(cells: pa.Array, low: int, high: int) -> bool:
    """Whether a column holds integers in a range and nothing else."""
    values = read_numbers(_sample(cells)).values
    return bool(np.mean((values >= low) & (values <= high) & (values == np.round(values))) > 0.99)


def _to_integers(cells: pa.Array) -> Integers:
    """Read integers, or month numbers from names; -1 in cells with neither."""
    values = read_numbers(cells).values
    if np.isfinite(values).any():
        return np.where(np.isfinite(values), values, -1).astype(np.int64)
    names = [str(name or "").strip() for name in cells.to_pylist()]
    months = read_months([name for name in dict.fromkeys(names) if name]) or {}
    return np.array([months.get(name, -1) for name in names], np.int64)


def _add_times(dates: Dates, columns: Mapping[str, pa.Array], name: str) -> tuple[Dates, set[str]]:
    """Add the times of day in another column, if there is one."""
    if any(_has_times(dates.stamps[:rows]) for rows in (999, None)):
        return dates, {name}
    for other, cells in columns.items():
        is_named = bool((vocabulary.TIMES | vocabulary.DATE_PARTS["hour"]) & set(vocabulary.words_of(other)))
        if other != name and (is_named or pa.types.is_string(cells.type)):
            times = read_times(cells) if is_named or _looks_like_times(cells) else None
            if times is not None:
                return replace(dates, stamps=dates.stamps + times, format=f"{dates.format} and time"), {name, other}
    return dates, {name}


def _has_times(stamps: Stamps) -> bool:
    days = stamps.astype("M8[D]")
    return bool(np.any((stamps != days) & ~np.isnat(stamps)))


def _looks_like_times(cells: pa.Array) -> bool:
    shape = pc.match_substring_regex(pc.fill_null(_sample(cells), ""), r"^\s*\d{1,2}:\d{2}(:\d{2})?")
    return bool(pc.mean(pc.cast(shape, pa.int8())).as_py() > 0.9)


def _has_dates_above(columns: Mapping[str, pa.Array]) -> bool:
    """Whether the names of some columns are dates."""
    return sum(read_dates(pa.array([column])) is not None for column in columns) > 2


def _no_dates_error(columns: Mapping[str, pa.Array], name: str | None, order: str | None, where: str) -> SourceError:
    if name is not None:
        return SourceError(f"{where}: no cell of {name} is a date in the order {order or 'of the others'}.")
    first = next(iter(columns))
    cell = next((cell for cell in columns[first].to_pylist() if cell not in (None, "")), "empty")
    cure = " Its header holds dates: turn the table, so that dates run downwards." if _has_dates_above(columns) else ""
    return SourceError(
        f"{where}: a series needs a column of dates with a year, as in 2018-12-31. None was found; {first} is "
        f"{cell!r}.{cure}"
    )
