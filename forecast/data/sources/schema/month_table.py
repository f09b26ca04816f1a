"""Tables with one row a year and one column a month, as rows of months.

In: named columns of cells. Out: a column of dates and a column of values, where the columns are such a table.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from forecast.data import vocabulary as words
from forecast.data.sources.parsing.date_formats import PARTS, from_parts
from forecast.data.sources.parsing.months import read_months
from forecast.data.sources.parsing.numbers import read_numbers


def unroll(columns: Mapping[str, pa.Array]) -> dict[str, pa.Array] | None:
    """Columns `date` and `value`, month after month; None where the columns are no such table."""
    year = next((name for name in columns if set(words.words_of(name)) & PARTS["year"]), None)
    if year is None or len(columns) < 13:
        return None
    months = {name: number for name in columns if (number := _month(name))}
    if sorted(months.values()) != list(range(1, 13)):
        return None
    names = sorted(months, key=months.__getitem__)
    years = read_numbers(columns[year]).values
    parts = {
        "year": np.repeat(np.nan_to_num(years, nan=-1), 12).astype(np.int64),
        "month": np.tile(np.arange(1, 13), len(years)),
    }
    cells = np.column_stack([columns[name].cast(pa.string()).to_numpy(zero_copy_only=False) for name in names])
    return {"date": pa.array(from_parts(parts)), "value": pa.array(cells.ravel(), pa.string())}


def _month(name: str) -> int:
    found = read_months([name.strip()])
    return found[name.strip()] if found else 0
