"""Find the table among the rows of a file or sheet: preamble, header, body, footer.

In: rows of cells. Out: the `TableBounds`.

      preamble    Apple Inc.                      <- rows of another width, or other words
      header      Date        Close   Volume      <- the row above the first date, and rows of the same width above it
      body        2020-01-02  75.09   135,480     <- from the first date
                  2020-01-03  74.36   146,322        to the last one
      footer      Source: the exchange
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from forecast.data.sources.parsing.dates import may_be_dates, read_dates
from forecast.data.sources.parsing.numbers import read_numbers
from forecast.data.vocabulary import is_date

Rows = Sequence[Sequence[str]]

# The highest score of a column of dates, and how much less each later column scores.
MAX_SCORE, LATER = 2.0, 0.001
# The score of a table of numbers alone; rows that it must have, and the share of them that are numbers.
NUMBERS_ONLY, MIN_NUMBERS, MOST_NUMBERS = -2.0, 3, 0.9
# The name of a column of one step, in tables of one series a row, and how many there must be.
STEP_NAME, MIN_STEPS = re.compile(r"(|[VvDdTt]_?|step[ _]?|period[ _]?|week[ _]?|day[ _]?|hour[ _]?)(\d{1,6})"), 5


@dataclass(frozen=True)
class TableBounds:
    """Where the table lies among the rows.

    Attributes:
        start: The first row of the body.
        header: The header rows, top down; several if names have several levels.
        width: Number of columns of the body.
        dates: Position of the column with dates; -1 if no single column holds them.
        score: Share of rows with a date, plus bonuses; the larger, the surer.
        empty_columns: Number of columns at the end that are empty in all rows.
    """

    start: int
    header: tuple[int, ...]
    width: int
    dates: int
    score: float
    empty_columns: int = 0


def find_table(rows: Rows) -> TableBounds | None:
    """Find the table by its dates; None if the rows are no table."""
    if (bounds := _bounds_of_row_table(rows)) is not None:
        return bounds
    width = _usual_width(rows)
    if width < 2:
        return _bounds_of_numbers(rows, width)
    best = None
    for column in range(width):
        if best is not None and best.score >= MAX_SCORE - column * LATER:
            break  # no later column can score higher
        bounds = _bounds_by_dates(rows, column, width)
        if bounds is not None and (best is None or bounds.score > best.score):
            best = bounds
    return best or _bounds_without_dates(rows, width) or _bounds_of_numbers(rows, width)


def _usual_width(rows: Rows) -> int:
    """The largest width that more than a few rows have."""
    later = Counter(len(row) for row in rows[len(rows) // 2 :] if any(row))
    often = [length for length, count in later.items() if count >= max(2, 0.05 * later.total())]
    return max(often or later, default=0)


def _bounds_by_dates(rows: Rows, column: int, width: int) -> TableBounds | None:
    """The table whose dates are in `column`; None if there are none."""
    cells = _column(rows, column)
    dates = read_dates(cells[len(rows) // 2 :])
    if dates is None:
        return None
    dated = read_dates(cells, min_share=0.01)
    if dated is None or (start := _first_of_many(~np.isnat(dated.stamps))) is None:
        return None
    if not _has_numbers(rows[start:], column, width):
        return None
    header = _find_header(rows, start, width, column)
    named = bool(header) and is_date(cell_at(rows[header[-1]], column))
    if dates.is_numeric and not named and not may_be_dates(dates):
        return None
    filled = [any(row) for row in rows[start:]]
    score = float(np.mean(~np.isnat(dated.stamps[start:])[filled])) + named - dates.is_numeric - column * LATER
    return TableBounds(start, header, width, column, score, _count_empty_columns(rows[start:], width))


def _count_empty_columns(rows: Rows, width: int) -> int:
    filled = max((position for row in rows for position, cell in enumerate(row, 1) if cell.strip()), default=0)
    return max(0, width - filled)


def _first_of_many(flags: NDArray[np.bool_]) -> int | None:
    """The first row with a date that is followed mostly by rows with one."""
    for row in np.flatnonzero(flags):
        if flags[row : row + 6].mean() >= 0.6:
            return int(row)
    return None


def _has_numbers(rows: Rows, dates: int, width: int) -> bool:
    """Whether some column besides the dates holds numbers."""
    others = (_column(rows, column) for column in range(width) if column != dates)
    return any(max(read_numbers(cells, mark).share for mark in ".,") > 0.5 for cells in others)


def _column(rows: Rows, column: int) -> pa.Array:
    return pa.array([cell_at(row, column) for row in rows], pa.string())


def cell_at(row: Sequence[str], column: int) -> str:
    """The cell in a column; empty if the row is shorter."""
    return row[column] if len(row) > column else ""


def _find_header(rows: Rows, start: int, width: int, dates: int) -> tuple[int, ...]:
    """The rows above the body that name its columns, top down."""
    used = sum(any(cell_at(row, column).strip() for row in rows[start : start + 50]) for column in range(width))
    header: list[int] = []
    for row in range(start - 1, -1, -1):
        if not any(rows[row]) and not header:
            continue
        if header and not _may_be_upper_header(rows, row, header[-1], width, dates):
            break
        is_label = not header and _names_dates_only(rows[row], dates)
        if is_label or _names_columns(rows[row], used, first=not header):
            header.insert(0, row)
        elif header or not (row and is_date(cell_at(rows[row - 1], dates)) and not is_date(cell_at(rows[row], dates))):
            break
    return () if len(header) == 1 and _names_dates_only(rows[header[0]], dates) else tuple(header)


def _may_be_upper_header(rows: Rows, row: int, last: int, width: int, dates: int) -> bool:
    """Whether a row may belong to the header above row `last`, and not to the preamble."""
    comment = any(rows[row]) and rows[row][0].lstrip().startswith(("#", "//"))
    same = len(rows[row]) == len(rows[last])
    return same and not comment and (width > 2 or _names_dates_only(rows[last], dates))


def _names_dates_only(row: Sequence[str], dates: int) -> bool:
    """Whether a row is like `Date,,,,`, the last header row below names of several levels."""
    return bool(cell_at(row, dates)) and sum(bool(cell.strip()) for cell in row) == 1


def _names_columns(row: Sequence[str], used: int, *, first: bool) -> bool:
    """Whether a row fills most columns with text; in the `first` row above the body, numbers may be names as well."""
    filled = [cell for cell in row if cell.strip()]
    if len(filled) < max(2, 0.6 * used) or len(row) < used - 1:
        return False
    cells = pa.array(filled, pa.string())
    return (
        bool(read_numbers(cells).is_text.mean() >= (0.01 if first else 0.5))
        and read_dates(cells, min_share=0.3) is None
    )


def _bounds_without_dates(rows: Rows, width: int) -> TableBounds | None:
    """A table without a column of dates, such as one of years and months: the first full row of text is its header."""
    for row, cells in enumerate(rows[:-1]):
        if len(cells) == width and all(cell.strip() for cell in cells) and _names_columns(cells, width, first=False):
            return TableBounds(row + 1, (row,), width, -1, -1.0)
    return None


def count_labels(names: Sequence[str]) -> int:
    """The number of columns before those that are named by their steps (V2, V3, V4; d_1, d_2); 0 if none are.

    Where all are numbered, as V1, V2, V3, the first holds names.
    """
    found = [STEP_NAME.fullmatch(name.strip()) for name in names]
    labels = len(names)
    while labels and (one := found[labels - 1]) is not None:
        after = found[labels] if labels < len(names) else None
        if after and (one[1] != after[1] or int(one[2]) + 1 != int(after[2])):
            break
        labels -= 1
    return max(labels, 1) if len(names) - max(labels, 1) >= MIN_STEPS else 0


def _bounds_of_row_table(rows: Rows) -> TableBounds | None:
    """A table with one series a row, below names that count the steps; None if it is none."""
    first = next((row for row, cells in enumerate(rows) if any(cells)), 0)
    if not rows or not (labels := count_labels(rows[first])):
        return None
    body = [cells for cells in rows[first + 1 :] if any(cells)][:MIN_STEPS]
    names = pa.array([cell_at(cells, 0) for cells in body], pa.string())
    if not body or read_numbers(names).share or read_dates(names) is not None:
        return None
    if not _are_numbers([cells[labels:] for cells in body], max(map(len, body))).all():
        return None
    return TableBounds(first + 1, (first,), len(rows[first]), -1, MAX_SCORE)


def _bounds_of_numbers(rows: Rows, width: int) -> TableBounds | None:
    """A table of numbers alone, below names or without any: nearly all rows have `width` numbers or fewer."""
    filled = [row for row, cells in enumerate(rows) if any(cell.strip() for cell in cells)]
    good = [row for row, are in zip(filled, _are_numbers([rows[row] for row in filled], width), strict=True) if are]
    if len(good) < MIN_NUMBERS or len(good) < MOST_NUMBERS * sum(row >= good[0] for row in filled):
        return None
    start = good[0]
    above = [row for row in filled if row < start][-1:]
    header = tuple(row for row in above if len(rows[row]) in (width, width - 1))
    if header and len(rows[header[0]]) < width and not _rises_by_one([rows[row][0] for row in good]):
        return None  # one name and a decimal comma
    return TableBounds(start, header, width, -1, NUMBERS_ONLY)


def _rises_by_one(cells: Sequence[str]) -> bool:
    values = read_numbers(pa.array(cells, pa.string())).values
    return bool(np.mean(np.diff(values) == 1) > MOST_NUMBERS)


def _are_numbers(rows: Rows, width: int) -> NDArray[np.bool_]:
    """Whether the cells of each row are numbers or empty, without blanks in a number, and some are numbers, (N,)."""
    texts = [[cell.strip() for cell in cells if cell.strip()] for cells in rows]
    fit = [
        len(cells) <= width and bool(found) and all(len(text.split()) == 1 for text in found)
        for cells, found in zip(rows, texts, strict=True)
    ]
    row = np.repeat(np.arange(len(rows)), [len(found) if good else 0 for found, good in zip(texts, fit, strict=True)])
    flat = pa.array([text for found, good in zip(texts, fit, strict=True) if good for text in found], pa.string())
    are = np.zeros(len(rows), bool)
    for mark in ".,":
        numbers = read_numbers(flat, mark)
        some, wrong = (
            np.bincount(row, found, len(rows)) > 0 for found in (np.isfinite(numbers.values), numbers.is_text)
        )
        are |= some & ~wrong
    return np.asarray(are & np.array(fit, bool))


def last_dated(rows: Rows, dates: int) -> int:
    """The last row with a date in column `dates`; the last of all if `dates` is -1."""
    found = read_dates(_column(rows, dates), min_share=0.01) if dates >= 0 else None
    return len(rows) - 1 if found is None else int(np.flatnonzero(~np.isnat(found.stamps))[-1])
