"""Infer what the columns of a table mean: dates, identifiers of series, targets.

In: a `Table`. Out: a `Schema`, which knows the series of the table by name.

    table ── names ── dates ── decimal mark, numbers ── identifiers of series ── target of each series ── Schema
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.data import vocabulary
from forecast.data.sources.formats.table import Table
from forecast.data.sources.parsing.dates import Dates, read_dates, swap_days_and_months, unevenness
from forecast.data.sources.parsing.numbers import Numbers, find_decimal_mark, read_numbers
from forecast.data.sources.schema.counts import count_by
from forecast.data.sources.schema.date_columns import find_dates
from forecast.data.sources.schema.month_table import unpivot_months
from forecast.data.sources.schema.row_table import STEP, unpivot_rows
from forecast.data.sources.schema.series_id import find_rename, find_series_ids
from forecast.data.sources.schema.targets import Choice, choose_named, choose_targets
from forecast.errors import SourceError
from forecast.typing import Array, Rows

# Numbers that go up by one are row numbers if there are at least so many.
MIN_ROW_NUMBERS = 30
# Rows that show what a column holds.
SAMPLE_ROWS = 2000


@dataclass(frozen=True, eq=False)
class Schema:
    """What the columns of a table mean.

    Attributes:
        dates: The dates of its R rows.
        cells: All columns but the dates, by name.
        numeric: The names of the columns with numbers.
        rows: The row numbers of each series, if a column identifies them.
        choices: The target of each series; with `rows` a single one, for all of them.
        decimal: The decimal mark.
        ambiguous_decimal: Whether the other decimal mark fits as well.
        name: The name of the only series, if the table names it.
    """

    table: Table
    dates: Dates
    cells: Mapping[str, pa.Array]
    numeric: tuple[str, ...]
    rows: Mapping[str, Rows] | None
    choices: Mapping[str, Choice]
    decimal: str
    ambiguous_decimal: bool
    name: str = ""
    _read: dict[str, Numbers] = field(default_factory=dict, repr=False)

    @property
    def series(self) -> tuple[str, ...]:
        """The names of the series, in the order of the file."""
        return tuple(self.rows or self.choices)

    @cached_property
    def traded(self) -> tuple[str, ...]:
        """The columns of open, high, low and close as they were traded; none if one is lacking or there are several."""
        roles = vocabulary.price_columns(self.numeric)
        closes = vocabulary.close_columns([name for name in self.numeric if not vocabulary.is_adjusted(name)])
        if len(closes) != 1 or set(roles) != {"open", "high", "low"}:
            return ()
        return (roles["open"], roles["high"], roles["low"], closes[0])

    @cached_property
    def renamed(self) -> tuple[str, str] | None:
        """Of a single series the column of its code, and that of names that change beside it (`find_rename`)."""
        return find_rename(self.cells) if self.rows is None else None

    def numbers(self, column: str) -> Numbers:
        """Read a column as numbers."""
        if column not in self._read:
            self._read[column] = read_numbers(self.cells[column], self.decimal)
        return self._read[column]


def infer_schema(table: Table, *, target: str | None = None, order: str | None = None) -> Schema:
    """Find the dates, the series and their targets in a table.

    Args:
        target: The column to forecast, by its name; None chooses.
        order: Order of day, month and year in the dates; None decides from the column.
    Raises:
        SourceError: no column holds dates or numbers, or there is no column `target`.
    """
    columns, security = _name_columns(table)
    known = list(columns)[table.dates] if table.dates >= 0 else None
    if (months := unpivot_months(columns)) is not None:
        table, columns, known = replace(table, header=(), columns=tuple(months.values())), months, "date"
    if order is None and (steps := unpivot_rows(columns)) is not None:
        table, columns = replace(table, header=(), columns=tuple(steps.values())), steps
        dates, used = count_by(columns, STEP), {STEP}
    else:
        dates, used = find_dates(columns, known, order, table.where, table.counts)
    _check_side_by_side(columns, used, dates, table.where)
    _check_swapped(dates, table.where)
    rest = {name: cells for name, cells in columns.items() if name not in used and cells.null_count < len(cells)}
    numeric, decimal, is_ambiguous = _find_numeric(rest, table)
    ids = find_series_ids(rest, numeric, dates.stamps)
    able = [name for name in numeric if not (vocabulary.is_security(name) and (ids or len(numeric) > 1))]
    rows_of = ids.rows() if ids else None
    rows = next(iter(rows_of.values())) if rows_of else np.arange(table.rows)
    rows = rows[np.argsort(dates.stamps[rows], kind="stable")]
    read: dict[str, Numbers] = {}
    sample = partial(_sample_values, rest, decimal, rows[:SAMPLE_ROWS], read)
    choices = choose_named(target, rest, table.where) or choose_targets(rest, able, sample, table.where)
    if ids and "" not in choices:
        targets = [choice.target for choice in choices.values()]
        _check_price_alone(targets, table.where)
        first = next(filter(vocabulary.is_value, targets), targets[0])
        choices = {"": Choice(first, f"the first of {len(targets)} columns of values")}
    name = security or ("" if ids else _only_security(rest, numeric))
    return Schema(table, dates, rest, tuple(numeric), rows_of, choices, decimal, is_ambiguous, name, read)


def _check_price_alone(targets: Sequence[str], where: str) -> None:
    """Refuse to choose between a price and other values."""
    if any(map(vocabulary.is_price, targets)) and not all(map(vocabulary.is_price, targets)):
        raise SourceError(
            f"{where}: say which column is to be forecast, with --target. There are {', '.join(targets)}."
        )


def _check_side_by_side(columns: Mapping[str, pa.Array], used: set[str], dates: Dates, where: str) -> None:
    """Refuse two tables side by side: a second column of dates, with the same name but other dates."""
    for name in columns:
        if name.rpartition(" (")[0] in used:
            other = read_dates(columns[name])
            if other is not None and not np.array_equal(other.stamps, dates.stamps, equal_nan=True):
                raise SourceError(f"{where}: a file must hold one table. There are two side by side: keep one of them.")


def _check_swapped(dates: Dates, where: str) -> None:
    """Refuse unsorted dates that are sorted with days and months swapped wherever both are below 13."""
    stamps = dates.stamps[~np.isnat(dates.stamps)]
    if (
        not dates.is_counted
        and len(stamps) > 9
        and unevenness(stamps).back > 0.02
        and unevenness(swap_days_and_months(stamps)).back == 0
    ):
        raise SourceError(
            f"{where}: rows must have dates of one order. Here days and months are swapped wherever both are below 13, "
            "as a spreadsheet does. Save the file again with dates as in 2018-12-31."
        )


def _name_columns(table: Table) -> tuple[dict[str, pa.Array], str]:
    """Give each column a unique name; return the security that a header with several rows names for all of them."""
    levels = [level for level in table.header if sum(map(bool, level)) > 1 or len(table.header) == 1]
    names = [*levels[0]] if levels else [""] * len(table.columns)
    security = ""
    if len(levels) > 1:
        names, security = _join_levels(levels, table.dates)
    names = [name or f"{vocabulary.UNNAMED}{position}" for position, name in enumerate(names, 1)]
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return dict(zip(unique, table.columns, strict=True)), security


def _join_levels(levels: list[tuple[str, ...]], dates: int) -> tuple[list[str], str]:
    """Join the levels of names; a level with one name for all columns is the security."""
    fields = max(levels, key=lambda level: len(vocabulary.price_columns(level)) + bool(vocabulary.close_columns(level)))
    others = [
        _fill_right(level) if len(set(fields)) < len(fields) else level for level in levels if level is not fields
    ]
    distinct = [{name for position, name in enumerate(level) if name and position != dates} for level in others]
    security = " ".join(next(iter(names)) for names in distinct if len(names) == 1)
    varied = [level for level, names in zip(others, distinct, strict=True) if len(names) > 1]
    return [" ".join(filter(None, parts)) for parts in zip(fields, *varied, strict=True)], security


def _fill_right(level: Sequence[str]) -> tuple[str, ...]:
    """Fill each empty cell of a header row with the cell to its left."""
    return tuple(accumulate(level, lambda last, name: name or last))


def _find_numeric(columns: Mapping[str, pa.Array], table: Table) -> tuple[list[str], str, bool]:
    """Find the columns with numbers, their decimal mark, and whether it is ambiguous."""
    samples = {name: cells[:: max(1, len(cells) // 400)] for name, cells in columns.items()}
    likely = "." if dict(table.form).get("delimiter", "comma") == "comma" else ","
    able = {
        name: cells for name, cells in samples.items() if any(read_numbers(cells, mark).share > 0.5 for mark in ".,")
    }
    decimal, is_ambiguous = find_decimal_mark(able.values(), likely=likely)
    first = next(iter(_name_columns(table)[0])) if table.header else None
    values = [name for name in able if not _is_index(name, columns[name], is_first=name == first)]
    return values or list(able), decimal, is_ambiguous


def _is_index(name: str, cells: pa.Array, *, is_first: bool) -> bool:
    """Whether a column numbers the rows: integers in a first column without a name, or integers that go up by one."""
    values = read_numbers(cells[:400]).values
    if not np.all(values == np.round(values)):
        return False
    if is_first and vocabulary.is_unnamed(name):
        return True
    return (
        len(values) >= MIN_ROW_NUMBERS
        and not vocabulary.is_price(name)
        and bool(np.mean(np.abs(np.diff(values)) == 1) > 0.9)
    )


def _only_security(columns: Mapping[str, pa.Array], numeric: Sequence[str]) -> str:
    """The security that all rows of a column name; empty if there is none."""
    values = set(numeric)
    for name, cells in columns.items():
        if name not in values and vocabulary.is_security(name) and pc.count_distinct(cells).as_py() == 1:
            return str(cells[0].as_py()).strip()
    return ""


def _sample_values(
    columns: Mapping[str, pa.Array], decimal: str, rows: Rows, read: dict[str, Numbers], name: str
) -> Array:
    """Read some rows of a column; a short column is read whole and kept in `read`."""
    cells = columns[name]
    if len(cells) > SAMPLE_ROWS:
        return read_numbers(cells.take(pa.array(rows)), decimal).values
    read[name] = read_numbers(cells, decimal)
    return read[name].values[rows]
