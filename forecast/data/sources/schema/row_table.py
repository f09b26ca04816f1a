"""Tables with one series a row, as benchmarks have them: the names of the series first, then a column for each step.

    V1   V2    V3    V4            series  step  value
    W1   1089  1078  1079    ->    W1      1     1089
    W2   195   194                 W1      2     1078  ...

In: named columns of cells. Out: the same values below one another, without the empty cells that pad shorter series.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.data.sources.formats.table_bounds import count_labels
from forecast.data.sources.parsing.dates import read_dates
from forecast.data.sources.parsing.numbers import read_numbers

SERIES, STEP, VALUE = "series", "step", "value"


def unpivot_rows(columns: Mapping[str, pa.Array]) -> dict[str, pa.Array] | None:
    """Turn a table of one series a row into columns `series`, `step` and `value`; None if it is no such table.

    Of several columns before the steps, the first in which no cell repeats names the series.
    """
    labels = count_labels(list(columns))
    if not labels:
        return None
    cells = list(columns.values())
    names = next((one for one in cells[:labels] if pc.count_distinct(one, mode="all").as_py() == len(one)), None)
    if names is None or names.null_count or not pa.types.is_string(names.type):
        return None
    if read_numbers(names).share or read_dates(names) is not None:
        return None
    values = pa.concat_arrays(
        [one if pa.types.is_string(one.type) else one.cast(pa.float64()) for one in cells[labels:]]
    )
    known = _are_numbers(values)
    if known is None:
        return None
    known = known.reshape(len(cells) - labels, len(names)).T
    lengths = np.where(known.any(axis=1), known.shape[1] - known[:, ::-1].argmax(axis=1), 0)
    series, step = np.nonzero(np.arange(known.shape[1]) < lengths[:, None])
    return {
        SERIES: names.take(pa.array(series)),
        STEP: pa.array(step + 1),
        VALUE: values.take(pa.array(step * len(names) + series)),
    }


def _are_numbers(cells: pa.Array) -> np.ndarray | None:
    """Which cells are numbers, with the decimal mark that fits; None if some are text."""
    found = (read_numbers(cells, mark) for mark in ".,")
    return next((np.isfinite(numbers.values) for numbers in found if not numbers.is_text.any()), None)
