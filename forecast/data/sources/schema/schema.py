"""What the columns of a table mean: which hold the dates, which are forecast, which tells securities apart.

In: a `Table`. Out: a `Schema`, which knows the series of the table by name.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.data.sources.formats.table_bounds import Table
from forecast.data import vocabulary as words
from forecast.data.sources.parsing.dates import Dates, read_dates, swap_days_and_months, unevenness
from forecast.data.sources.parsing.numbers import Numbers, decimal_mark, read_numbers
from forecast.data.sources.schema.date_columns import find_dates
from forecast.data.sources.schema.month_table import unroll
from forecast.data.sources.schema.ohlc import find_close
from forecast.data.sources.schema.series_id import Rows, find_keys
from forecast.errors import SourceError
from forecast.typing import Array

# Rows from which on numbers that go up by one are row numbers by no chance.
MANY = 30
# Rows that show what a column holds.
SHOWN = 2000
# Text that looks like a number with something around it.
UNREAD = r"^[^\d]{0,5}\d[\d.,\s]*[.,]\d+[^\d]{0,5}$"


@dataclass(frozen=True)
class Choice:
    """A column that is forecast, and why it."""

    target: str
    why: str


@dataclass(frozen=True, eq=False)
class Schema:
    """A table that was understood.

    Attributes:
        dates: The dates of its R rows.
        cells: The columns without those of the dates, by name.
        numeric: Those of them that hold numbers.
        rows: The row numbers of each security, where a column tells them apart.
        choices: Columns to forecast, by series; with `rows` a single one, which holds for each of them.
        mark: The decimal mark, and whether the other one was possible.
        name: What the table calls its only security, if it does.
    """

    table: Table
    dates: Dates
    cells: Mapping[str, pa.Array]
    numeric: tuple[str, ...]
    rows: Mapping[str, Rows] | None
    choices: Mapping[str, Choice]
    mark: tuple[str, bool]
    name: str = ""
    _read: dict[str, Numbers] = field(default_factory=dict, repr=False)

    @property
    def series(self) -> tuple[str, ...]:
        """The names of the series, in the order of the file."""
        return tuple(self.rows or self.choices)

    def numbers(self, column: str) -> Numbers:
        """A column as numbers."""
        if column not in self._read:
            self._read[column] = read_numbers(self.cells[column], self.mark[0])
        return self._read[column]


def infer_schema(table: Table, *, target: str | None = None, order: str | None = None) -> Schema:
    """Finds dates, securities and targets.

    Args:
        target: The column to forecast, by its name; None chooses.
        order: Order of day, month and year in the dates; None decides from the column.
    Raises:
        SourceError: no column holds dates or numbers, or `target` is not there.
    """
    columns, security = _named(table)
    known = list(columns)[table.dates] if table.dates >= 0 else None
    if (months := unroll(columns)) is not None:
        columns, known = months, "date"
    dates, used = find_dates(columns, known, order, table.where)
    _check_beside(columns, used, dates, table.where)
    _check_swapped(dates, table.where)
    rest = {name: cells for name, cells in columns.items() if name not in used and cells.null_count < len(cells)}
    numeric, mark = _numeric(rest, table)
    keys = find_keys(rest, numeric, dates.stamps)
    chosen = [name for name in numeric if not (words.is_security(name) and (keys or len(numeric) > 1))]
    rows = next(iter(keys.rows().values())) if keys else np.arange(table.rows)
    rows = rows[np.argsort(dates.stamps[rows], kind="stable")]
    read: dict[str, Numbers] = {}
    shown = partial(_values, rest, mark[0], rows[:SHOWN], read)
    choices = _chosen(target, rest, table.where) or _choices(rest, chosen, shown, table.where)
    if keys and "" not in choices:
        values = [choice.target for choice in choices.values()]
        first = next(filter(words.is_value, values), values[0])
        choices = {"": Choice(first, f"the first of {len(values)} columns of values")}
    name = security or ("" if keys else _constant(rest, numeric))
    return Schema(table, dates, rest, tuple(numeric), keys.rows() if keys else None, choices, mark, name, read)


def _check_beside(columns: Mapping[str, pa.Array], used: set[str], dates: Dates, where: str) -> None:
    """Refuses two tables side by side: a second column of dates, of the same name, with other dates.

    Raises:
        SourceError: there is one.
    """
    for name in columns:
        if name.rpartition(" (")[0] in used:
            other = read_dates(columns[name])
            if other is not None and not np.array_equal(other.stamps.astype(np.int64), dates.stamps.astype(np.int64)):
                raise SourceError(f"{where}: a file must hold one table. There are two side by side: keep one of them.")


def _check_swapped(dates: Dates, where: str) -> None:
    """Refuses dates of which a spreadsheet has swapped day and month, where that gave another date.

    Raises:
        SourceError: the rows are in no order, but are in order with the two swapped wherever both are below 13.
    """
    stamps = dates.stamps[~np.isnat(dates.stamps)]
    if len(stamps) > 9 and unevenness(stamps).back > 0.02 and unevenness(swap_days_and_months(stamps)).back == 0:
        raise SourceError(
            f"{where}: rows must have dates of one order. Here days and months are swapped wherever both are below 13, "
            "as a spreadsheet does. Save the file anew with dates as in 2018-12-31."
        )


def _named(table: Table) -> tuple[dict[str, pa.Array], str]:
    """The columns by unique names, and the security that a header of several rows names for all of them."""
    levels = [level for level in table.header if sum(map(bool, level)) > 1 or len(table.header) == 1]
    names = [*levels[0]] if levels else [""] * len(table.columns)
    security = ""
    if len(levels) > 1:
        names, security = _joined(levels, table.dates)
    names = [name or f"column {place}" for place, name in enumerate(names, 1)]
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return dict(zip(unique, table.columns, strict=True)), security


def _joined(levels: list[tuple[str, ...]], dates: int) -> tuple[list[str], str]:
    """Names of one word out of those of several levels; a level that says the same everywhere names the security."""
    fields = max(levels, key=lambda level: len(words.price_columns(level)) + bool(words.closes(level)))
    others = [_filled(level) if len(set(fields)) < len(fields) else level for level in levels if level is not fields]
    said = [{name for place, name in enumerate(level) if name and place != dates} for level in others]
    security = " ".join(next(iter(names)) for names in said if len(names) == 1)
    varied = [level for level, names in zip(others, said, strict=True) if len(names) > 1]
    return [" ".join(filter(None, parts)) for parts in zip(fields, *varied, strict=True)], security


def _filled(level: Sequence[str]) -> tuple[str, ...]:
    """Each empty cell of a header row means what stands to its left."""
    last, full = "", []
    for name in level:
        last = name or last
        full.append(last)
    return tuple(full)


def _numeric(columns: Mapping[str, pa.Array], table: Table) -> tuple[list[str], tuple[str, bool]]:
    """The columns that hold numbers, and their decimal mark."""
    samples = {name: cells[:: max(1, len(cells) // 400)] for name, cells in columns.items()}
    likely = "." if dict(table.form).get("delimiter", "comma") == "comma" else ","
    able = {
        name: cells for name, cells in samples.items() if any(read_numbers(cells, mark).share > 0.5 for mark in ".,")
    }
    mark = decimal_mark(able.values(), likely=likely)
    places = {name: place for place, name in enumerate(_named(table)[0])}
    headed = bool(table.header)
    values = [name for name in able if not _is_index(name, columns[name], places.get(name, -1), headed)]
    return values or list(able), mark


def _is_index(name: str, cells: pa.Array, place: int, headed: bool) -> bool:
    """Whether a column numbers the rows: whole numbers without a name that stand first, or that go up by one."""
    values = read_numbers(cells[:400]).values
    if not np.all(values == np.round(values)):
        return False
    if headed and place == 0 and name.startswith((words.UNNAMED, "Unnamed")):
        return True
    return len(values) >= MANY and not words.is_price(name) and bool(np.mean(np.abs(np.diff(values)) == 1) > 0.9)


def _constant(columns: Mapping[str, pa.Array], numeric: Sequence[str]) -> str:
    """The only security that a column names."""
    for name, cells in columns.items():
        if name not in numeric and words.is_security(name) and pc.count_distinct(cells).as_py() == 1:
            return str(cells[0].as_py()).strip()
    return ""


def _chosen(target: str | None, columns: Mapping[str, pa.Array], where: str) -> dict[str, Choice] | None:
    """The column that a user named, in any case."""
    if target is None:
        return None
    lower = {name.strip().casefold(): name for name in reversed(list(columns))}
    name = target if target in columns else lower.get(target.strip().casefold())
    if name is None:
        raise SourceError(f"{where}: the target must be one of {', '.join(columns)}. Received: {target}.")
    return {"": Choice(name, "the column that was asked for")}


def _values(columns: Mapping[str, pa.Array], mark: str, rows: Rows, read: dict[str, Numbers], name: str) -> Array:
    """A column in some rows; a short one is read whole, for good."""
    cells = columns[name]
    if len(cells) > SHOWN:
        return read_numbers(cells.take(pa.array(rows)), mark).values
    read[name] = read_numbers(cells, mark)
    return read[name].values[rows]


def _choices(
    columns: Mapping[str, pa.Array], numeric: Sequence[str], values_of: Callable[[str], Array], where: str
) -> dict[str, Choice]:
    """The columns to forecast: closes by their names or values, else the only values, else each column of values.

    Args:
        values_of: A column in rows of one security in the order of time, which show by their values what it holds.
    """
    if not numeric:
        raise SourceError(f"{where}: a series needs a column of numbers. There are {', '.join(columns) or 'none'}.")
    closes = words.closes(numeric)
    if len(closes) == 1:
        return {"": Choice(closes[0], "the price to forecast by its name")}
    if closes:
        return _several(words.strip_common(closes), closes)
    values = {name: values_of(name) for name in numeric}
    if (close := find_close(values)) is not None:
        return {"": Choice(close, "the close by its values: open, high and low stand beside it")}
    _check_unread(columns, numeric, where)
    moving = [name for name in numeric if not _is_code(values[name])] or numeric
    others = [name for name in moving if words.is_value(name)]
    if len(numeric) == 1 or len(others) == 1:
        return {"": Choice((others or [*numeric])[0], "the only column of values")}
    return _several(moving, moving)


def _is_code(values: Array) -> bool:
    """Whether a column says the same whole number in each row, as the number of a station does."""
    found = np.unique(values[np.isfinite(values)])
    return len(found) < 2 and bool(np.all(found == np.round(found)))


def _check_unread(columns: Mapping[str, pa.Array], numeric: Sequence[str], where: str) -> None:
    """Refuses to choose among the columns of numbers where another one has numbers that cannot be read."""
    for name, cells in columns.items():
        if name in numeric or not pa.types.is_string(cells.type) or read_dates(cells[:400]) or words.TIMES & {name}:
            continue
        sample = pc.drop_null(cells[:: max(1, len(cells) // 400)])
        if len(sample) and pc.mean(pc.cast(pc.match_substring_regex(sample, UNREAD), pa.int8())).as_py() > 0.5:
            raise SourceError(
                f"{where}: cells must be plain numbers. {name} is {sample[0].as_py()!r}. Say --target to choose."
            )


def _several(series: Sequence[str], names: Sequence[str]) -> dict[str, Choice]:
    why = f"one of {len(names)} columns of values"
    return {short: Choice(name, why) for short, name in zip(series, names, strict=True)}
