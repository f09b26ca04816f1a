"""Tables with one row for each year and one column for each month.

In: named columns of cells. Out: the same values as one column of dates and one of values.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from forecast.data import vocabulary
from forecast.data.sources.parsing.date_formats import dates_from_parts
from forecast.data.sources.parsing.months import read_months
from forecast.data.sources.parsing.numbers import read_numbers


def unpivot_months(columns: Mapping[str, pa.Array]) -> dict[str, pa.Array] | None:
    """Turn a table of months into columns `date` and `value`; None if the columns are no such table."""
    is_year = vocabulary.DATE_PARTS["year"]
    year = next((name for name in columns if set(vocabulary.words_of(name)) & is_year), None)
    if year is None or len(columns) < 13:
        return None
    months = {name: number for name in columns if (number := _month_number(name))}
    if sorted(months.values()) != list(range(1, 13)):
        return None
    names = sorted(months, key=months.__getitem__)
    years = read_numbers(columns[year]).values
    parts = {
        "year": np.repeat(np.nan_to_num(years, nan=-1), 12).astype(np.int64),
        "month": np.tile(np.arange(1, 13), len(years)),
    }
    cells = np.column_stack([columns[name].cast(pa.string()).to_numpy(zero_copy_only=False) for name in names])
    return {"date": pa.array(dates_from_parts(parts)), "value": pa.array(cells.ravel(), pa.string())}


def _month_number(name: str) -> int:
    found = read_months([name.strip()])
    return found[name.strip()] if found else 0
