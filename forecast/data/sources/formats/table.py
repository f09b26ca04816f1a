"""The table that every reader makes of its source, and the checks that nothing was lost on the way.

In: the rows above the body, its columns, and the rows below. Out: a `Table`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from forecast.data.sources.formats.table_bounds import Rows, TableBounds, cell_at
from forecast.data.sources.parsing.dates import read_dates
from forecast.data.sources.parsing.numbers import read_numbers
from forecast.data.vocabulary import is_date
from forecast.errors import SourceError


@dataclass(frozen=True, eq=False)
class Table:
    """A table as its source holds it.

    Attributes:
        where: The name of the source in error messages.
        header: Names of the C columns, one tuple for each header row; empty without a header.
        columns: C columns of R cells, text or typed.
        dates: Position of the column with dates; -1 if unknown.
        line: Line (or row) of the file in which the body starts, counted from 1.
        form: What an inspection says of the format, such as the encoding.
        preamble: Number of lines before the header.
        footer: Number of lines after the body.
        counts: Whole numbers beside the columns that count the rows, as the index of a frame does.
    """

    where: str
    header: tuple[tuple[str, ...], ...]
    columns: tuple[pa.Array, ...]
    dates: int = -1
    line: int = 2
    form: tuple[tuple[str, str], ...] = ()
    preamble: int = 0
    footer: int = 0
    counts: pa.Array | None = None

    @property
    def rows(self) -> int:
        """Number of rows of the body."""
        return len(self.columns[0]) if self.columns else 0


def check_header(above: Rows, bounds: TableBounds, where: str) -> None:
    """Check that rows have no more cells than the header has names, as happens with unquoted thousands.

    Args:
        above: The rows above the body.
    Raises:
        SourceError: the header names the dates in their position, but fewer columns than there are.
    """
    filled = [row for row in above if any(row)]
    names = above[bounds.header[-1]] if bounds.header else filled[-1] if filled else ()
    named = any(is_date(name) for name in names) if not bounds.header else is_date(cell_at(names, bounds.dates))
    if named and 1 < len(names) < bounds.width - bounds.empty_columns:
        raise SourceError(
            f"{where}: a row must have as many cells as the header has names. The header has {len(names)}, the rows "
            f"have {bounds.width}. Quote cells that hold the delimiter."
        )


def build_table(
    above: Rows,
    columns: tuple[pa.Array, ...],
    below: Rows,
    bounds: TableBounds,
    where: str,
    form: tuple[tuple[str, str], ...],
) -> Table:
    """Name the columns of the body by the header, and count the lines before and after.

    Args:
        above: The rows above the body.
        below: The rows below the body.
    Raises:
        SourceError: many rows above and below are rows of the table, but with dates in another format.
    """
    preamble = above[: bounds.header[0]] if bounds.header else above
    _check_surroundings([*preamble, *below], bounds, len(columns[0]), where)
    return Table(
        where,
        tuple(_fit_names([cell.strip() for cell in above[row]], bounds.width) for row in bounds.header),
        columns,
        dates=bounds.dates,
        line=bounds.start + 1,
        form=form,
        preamble=sum(map(_is_filled, preamble)),
        footer=sum(map(_is_filled, below)),
    )


def _fit_names(names: list[str], width: int) -> tuple[str, ...]:
    """One name for each column; if one name is missing, the first column is an index without a name."""
    if len(names) > width and names[0] in ("#", "//", "%"):
        names = names[1:]
    if len(names) == width - 1:
        names = ["", *names]
    return tuple((names + [""] * width)[:width])


def _check_surroundings(rows: Rows, bounds: TableBounds, body: int, where: str) -> None:
    """Refuse a table of `body` rows if more than half as many `rows` around it are like it but for their dates."""
    full = [list(row) for row in rows if len(row) == bounds.width and _is_filled(row)]
    others = [pa.array(row[: max(bounds.dates, 0)] + row[bounds.dates + 1 :], pa.string()) for row in full]
    lost = sum(max(np.isfinite(read_numbers(cells, mark).values).any() for mark in ".,") for cells in others)
    if bounds.dates >= 0 and lost > max(2, body / 2):
        raise SourceError(
            f"{where}: all rows must have dates of one kind. {body} rows have, and {lost} rows around them have none "
            "that can be read in the same way. Keep one kind."
        )


def _is_filled(row: Sequence[str]) -> bool:
    return any(cell.strip() for cell in row)


def no_table_error(where: str, rows: Rows) -> SourceError:
    """The error for rows that are no table."""
    filled = [row for row in rows if _is_filled(row)]
    found = "There is one line, and no rows." if len(filled) == 1 else "None was found."
    if any(len(row) > 3 and read_dates(pa.array(row[1:], pa.string())) is not None for row in filled[:20]):
        found = "Its header holds dates: turn the table, so that dates run downwards."
    return SourceError(
        f"{where}: a series needs a table with a column of dates and a column of numbers. {found} "
        "Write dates as in 2018-12-31 and one row a date."
    )
