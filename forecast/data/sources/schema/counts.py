"""Count the rows of a table that has no dates: by a column of whole numbers, the index of a frame, or their places.

In: named columns of cells. Out: counts in place of dates; None if a column looks like dates, which were not read.
Counts are `timedelta64` in microseconds, one a step, so that they sort, compare and lack values as dates do.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.data import vocabulary
from forecast.data.sources.parsing.dates import COUNTED, Dates, count_dates
from forecast.data.sources.parsing.months import read_months
from forecast.data.sources.parsing.numbers import read_numbers
from forecast.typing import Array, Rows

# Cells that show what a column holds, and the share of them that must be alike.
SAMPLE, MOST = 400, 0.5
# Two numbers with something between them, as in 1-01, 3/4 and 10:30.
DATE_LIKE = re.compile(r"\d\s*[-/.:]\s*\d")
# A year that is only counted and its month, as in 1-01 to 3-12; fewer rows than this may be days of a month.
MONTH, LEAST = r"^\s*(?P<year>\d{1,3})\s*[-/.]\s*(?P<month>0?[1-9]|1[0-2])\s*$", 13
# The share of the steps of a column without a telling name that must be equal.
EQUAL = 0.9


def count_rows(columns: Mapping[str, pa.Array], counts: pa.Array | None = None) -> tuple[Dates, set[str]] | None:
    """Count the rows; return the name of the column that counts them as well, if there is one.

    Args:
        counts: Whole numbers that the source has beside its columns: the index of a frame.
    """
    for name, cells in columns.items():
        if (months := _numbered_months(cells)) is not None and len(columns) > 1:
            return Dates(count_dates(months), f"{COUNTED}months are counted by {name}"), {name}
    numbers = {name: values for name, cells in columns.items() if (values := _numbers(cells)) is not None}
    if not numbers or any(_looks_dated(name, cells) for name, cells in columns.items() if name not in numbers):
        return None
    others = [cells for name, cells in columns.items() if name not in numbers or vocabulary.is_security(name)]
    first, unnamed = next(iter(columns)), [name for name in columns if vocabulary.is_unnamed(name)]
    named = [name for name in numbers if vocabulary.is_counter(name)] + ([first] if unnamed == [first] else [])
    for name in dict.fromkeys([*named, first]):
        if len(numbers) > 1 and name in numbers and _counts(numbers[name], others, sure=name in named):
            return count_by(numbers, name), {name}
    if any(vocabulary.is_date(name) and not vocabulary.is_value(name) for name in numbers if len(numbers) > 1):
        return None
    rows = np.arange(1.0, len(columns[first]) + 1)
    index = rows if counts is None else read_numbers(counts).values
    if np.array_equal(index, rows) or not _counts(index, others, sure=True):
        return Dates(count_dates(rows), f"{COUNTED}rows are counted"), set()
    return Dates(count_dates(index), f"{COUNTED}steps are counted by the index"), set()


def count_by(columns: Mapping[str, Any], name: str) -> Dates:
    """The whole numbers of a column in place of dates."""
    called = "the first column" if vocabulary.is_unnamed(name) else name
    return Dates(count_dates(np.asarray(columns[name], float)), f"{COUNTED}steps are counted by {called}")


def _numbered_months(cells: pa.Array) -> Array | None:
    """Months counted from the first, of cells as 1-01 to 3-12 that follow one another; None of all others."""
    if not pa.types.is_string(cells.type) or len(cells) < LEAST:
        return None
    found = pc.extract_regex(cells, MONTH)
    if found.null_count:
        return None
    year, month = (pc.cast(pc.struct_field(found, [part]), pa.int64()).to_numpy() for part in ("year", "month"))
    months = 12.0 * year + month
    return months - months[0] + 1 if (np.diff(months) == 1).all() else None


def _numbers(cells: pa.Array) -> Array | None:
    """The values of a column of numbers, with the decimal mark that fits best; None if it holds few."""
    read = max((read_numbers(cells, mark) for mark in ".,"), key=lambda numbers: numbers.share)
    return read.values if read.share > MOST and np.isfinite(read.values).any() else None


def _looks_dated(name: str, cells: pa.Array) -> bool:
    """Whether a column of text holds dates by its name or its cells, though they could not be read."""
    if pa.types.is_temporal(cells.type) or vocabulary.is_date(name):
        return True
    if not pa.types.is_string(cells.type):
        return False
    texts = [text for text in pc.drop_null(cells[:: max(1, len(cells) // SAMPLE)]).to_pylist() if text.strip()]
    like = [bool(DATE_LIKE.search(text)) for text in texts]
    return bool(like) and (sum(like) > MOST * len(like) or read_months(list(dict.fromkeys(texts))) is not None)


def _counts(values: Array, others: list[pa.Array], *, sure: bool) -> bool:
    """Whether whole numbers count the rows: they rise or fall all along, or begin again where another column changes.

    Args:
        sure: Whether they do so by their name; others must rise by equal steps.
    """
    if len(values) < 2 or not np.isfinite(values).all() or not np.all(values == np.round(values)):
        return False
    steps = np.diff(values)
    if not sure and np.mean(steps == np.median(steps)) < EQUAL:
        return False
    if (steps > 0).all() or (steps < 0).all():
        return True
    again = np.flatnonzero(steps < 0) if (steps < 0).any() else np.flatnonzero(steps == 0)
    return sure and any(_changes(cells, again) for cells in others)


def _changes(cells: pa.Array, rows: Rows) -> bool:
    """Whether a column has another value after each of `rows`."""
    codes = pc.dictionary_encode(cells).indices.to_numpy(zero_copy_only=False)
    return bool(np.all(codes[rows] != codes[rows + 1]))
