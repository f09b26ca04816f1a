"""Where in a sheet of cells the table lies: lines before it, header rows, the rows themselves, lines after it.

In: rows of cells as they stand in a file. Out: the place of the table, and its columns.

      preamble    Apple Inc.                      <- lines of another width, or other words
      header      Date        Close   Volume      <- the row above the first date, and rows of the same width above it
      body        2020-01-02  75.09   135,480     <- from the first date
                  2020-01-03  74.36   146,322        to the last one
      footer      Source: the exchange
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forecast.data.sources.parsing.dates import read_dates, unevenness
from forecast.data.sources.parsing.numbers import read_numbers
from forecast.data.vocabulary import is_date
from forecast.errors import SourceError

Rows = Sequence[Sequence[str]]

# What a column of dates is worth at most, under a name that says so, and how much less each later one is.
BEST, LATER = 2.0, 0.001


@dataclass(frozen=True)
class Place:
    """Where the table lies.

    Attributes:
        start: The first row of the body.
        header: The header rows, top down; several where names are spread over them.
        width: Columns of the body.
        dates: The column with dates; -1 where no single column holds them.
        score: Share of rows with a date; the larger, the surer.
        spare: Columns at the end that are empty in all rows.
    """

    start: int
    header: tuple[int, ...]
    width: int
    dates: int
    score: float
    spare: int = 0


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it stands in its source.

    Attributes:
        where: What an error message calls it.
        header: Names of the C columns, one tuple a header row; none where the file has no header.
        columns: C columns of R cells, all text or typed.
        dates: The column with dates; -1 where that is not known yet.
        line: Line (or row) of the file in which the body starts, counted from 1.
        form: What an inspection says of the file, such as its encoding.
        preamble: Lines before the header.
        footer: Lines after the body.
    """

    where: str
    header: tuple[tuple[str, ...], ...]
    columns: tuple[pa.Array, ...]
    dates: int = -1
    line: int = 2
    form: tuple[tuple[str, str], ...] = ()
    preamble: int = 0
    footer: int = 0

    @property
    def rows(self) -> int:
        """Rows of the body."""
        return len(self.columns[0]) if self.columns else 0


def find_table(rows: Rows) -> Place | None:
    """The place of the table, found by its dates; None where the rows are no table."""
    width = _usual_width(rows)
    if width < 2:
        return None
    best = None
    for column in range(width):
        if best is not None and best.score >= BEST - column * LATER:
            break  # no later column can do better
        place = _table_by(rows, column, width)
        if place is not None and (best is None or place.score > best.score):
            best = place
    return best or _table_without_dates(rows, width)


def _usual_width(rows: Rows) -> int:
    """The most cells that more than a few rows have; cells that are empty to the end of all rows do not count."""
    later = Counter(len(row) for row in rows[len(rows) // 2 :] if any(row))
    often = [length for length, count in later.items() if count >= max(2, 0.05 * later.total())]
    return max(often or later, default=0)


def _table_by(rows: Rows, column: int, width: int) -> Place | None:
    """The table whose dates stand in `column`."""
    cells = pa.array([row[column] if len(row) > column else "" for row in rows], pa.string())
    dates = read_dates(cells[len(rows) // 2 :])
    if dates is None:
        return None
    dated = read_dates(cells, enough=0.01)
    if dated is None or (start := _first_of_many(~np.isnat(dated.stamps))) is None:
        return None
    if not _has_numbers(rows[start:], column, width):
        return None
    header = _header(rows, start, width, column)
    named = bool(header) and is_date(_cell(rows[header[-1]], column))
    if dates.bare and not named and unevenness(dates.stamps).back > 0.05:
        return None
    filled = [any(row) for row in rows[start:]]
    score = float(np.mean(~np.isnat(dated.stamps[start:])[filled])) + named - dates.bare - column * LATER
    return Place(start, header, width, column, score, _spare(rows[start:], width))


def _spare(rows: Rows, width: int) -> int:
    filled = max((place for row in rows for place, cell in enumerate(row, 1) if cell.strip()), default=0)
    return max(0, width - filled)


def _first_of_many(flags: NDArray[np.bool_]) -> int | None:
    """The first row with a date after which most of the next rows have one."""
    for row in np.flatnonzero(flags):
        if flags[row : row + 6].mean() >= 0.6:
            return int(row)
    return None


def _has_numbers(rows: Rows, dates: int, width: int) -> bool:
    """Whether some column besides the dates holds numbers."""
    others = (column for column in range(width) if column != dates)
    texts = (pa.array([_cell(row, column) for row in rows], pa.string()) for column in others)
    return any(max(read_numbers(text, mark).share for mark in ".,") > 0.5 for text in texts)


def _cell(row: Sequence[str], column: int) -> str:
    return row[column] if len(row) > column else ""


def _header(rows: Rows, start: int, width: int, dates: int) -> tuple[int, ...]:
    """The rows above the body that name its columns, top down."""
    used = sum(any(_cell(row, column).strip() for row in rows[start : start + 50]) for column in range(width))
    header: list[int] = []
    for row in range(start - 1, -1, -1):
        if not any(rows[row]) and not header:
            continue
        if header and not _may_stand_above(rows, row, header[-1], width, dates):
            break
        label = not header and _names_dates_only(rows[row], dates)
        if label or _names_columns(rows[row], used, first=not header):
            header.insert(0, row)
        elif header or not (row and is_date(_cell(rows[row - 1], dates)) and not is_date(_cell(rows[row], dates))):
            break
    return () if len(header) == 1 and _names_dates_only(rows[header[0]], dates) else tuple(header)


def _may_stand_above(rows: Rows, row: int, last: int, width: int, dates: int) -> bool:
    """Whether a row may be an upper header row and not a line of a preamble."""
    comment = any(rows[row]) and rows[row][0].lstrip().startswith(("#", "//"))
    same = len(rows[row]) == len(rows[last])
    return same and not comment and (width > 2 or _names_dates_only(rows[last], dates))


def _names_dates_only(row: Sequence[str], dates: int) -> bool:
    """A row such as `Date,,,,`: the last header row of a table whose columns have names of several levels."""
    return bool(_cell(row, dates)) and sum(bool(cell.strip()) for cell in row) == 1


def _names_columns(row: Sequence[str], used: int, *, first: bool) -> bool:
    """Whether a row fills most columns, and with words; in the row next to the body numbers may be names as well."""
    filled = [cell for cell in row if cell.strip()]
    if len(filled) < max(2, 0.6 * used) or len(row) < used - 1:
        return False
    cells = pa.array(filled, pa.string())
    return bool(read_numbers(cells).words.mean() >= (0.01 if first else 0.5)) and read_dates(cells, enough=0.3) is None


def _table_without_dates(rows: Rows, width: int) -> Place | None:
    """A table whose dates are spread over columns, or that has none: the first full row of words is its header."""
    for row, cells in enumerate(rows[:-1]):
        if len(cells) == width and all(cell.strip() for cell in cells) and _names_columns(cells, width, first=False):
            return Place(row + 1, (row,), width, -1, -1.0)
    return None


def last_dated(rows: Rows, dates: int) -> int:
    """The last row with a date; the last of all where dates are in no column of their own."""
    found = None
    if dates >= 0:
        found = read_dates(pa.array([_cell(row, dates) for row in rows], pa.string()), enough=0.01)
    return len(rows) - 1 if found is None else int(np.flatnonzero(~np.isnat(found.stamps))[-1])


def header_names(rows: Rows, place: Place) -> tuple[tuple[str, ...], ...]:
    """The names in the header rows, one for each column of the body."""
    return tuple(_fit([cell.strip() for cell in rows[row]], place.width) for row in place.header)


def _fit(names: list[str], width: int) -> tuple[str, ...]:
    """One name a column: where one is missing, the first column is an index without a name."""
    if len(names) > width and names[0] in ("#", "//", "%"):
        names = names[1:]
    if len(names) == width - 1:
        names = ["", *names]
    return tuple((names + [""] * width)[:width])


def check_header(rows: Rows, place: Place, where: str) -> None:
    """Refuses rows that have more cells than the header names, as where thousands are parted by the delimiter.

    Raises:
        SourceError: the header names the dates in their place, but fewer columns than there are.
    """
    above = [row for row in rows[: place.start] if any(row)]
    names = rows[place.header[-1]] if place.header else above[-1] if above else ()
    named = any(is_date(name) for name in names) if not place.header else is_date(_cell(names, place.dates))
    if named and 1 < len(names) < place.width - place.spare:
        raise SourceError(
            f"{where}: a row must have as many cells as the header has names. The header has {len(names)}, the rows "
            f"have {place.width}. Quote cells that hold the delimiter."
        )


def check_around(rows: Rows, place: Place, body: int, where: str) -> None:
    """Refuses to pass over lines that are rows themselves, but for their dates.

    Args:
        rows: The lines before the header and after the body.
        body: Rows of the body.
    Raises:
        SourceError: they are more than half as many.
    """
    full = [row for row in rows if len(row) == place.width and any(cell.strip() for cell in row)]
    cells = [pa.array(row[: max(place.dates, 0)] + row[place.dates + 1 :], pa.string()) for row in map(list, full)]
    lost = sum(max(np.isfinite(read_numbers(cell, mark).values).any() for mark in ".,") for cell in cells)
    if place.dates >= 0 and lost > max(2, body / 2):
        raise SourceError(
            f"{where}: all rows must have dates of one kind. {body} rows have, and {lost} rows around them have none "
            "that can be read in the same way. Keep one kind."
        )


def count_lines(rows: Rows, header: tuple[int, ...], start: int) -> int:
    """Lines with content before the header."""
    return sum(any(cell.strip() for cell in row) for row in rows[: header[0] if header else start])


def refuse(where: str, rows: Rows) -> SourceError:
    """The error for a sheet without a table."""
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    found = "There is one line, and no rows." if len(filled) == 1 else "None was found."
    if any(len(row) > 3 and read_dates(pa.array(row[1:], pa.string())) is not None for row in filled[:20]):
        found = "Its header holds dates: turn the table, so that dates run downwards."
    return SourceError(
        f"{where}: a series needs a table with a column of dates and a column of numbers. {found} "
        "Write dates as in 2018-12-31 and one row a date."
    )
