"""Recognise open, high, low and close by their values, for tables whose names do not tell.

In: columns of numbers. Out: the name of the close.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from forecast.typing import Array

# The high must be the highest and the low the lowest in this share of the rows.
ORDERED = 0.97
# Columns that are tried.
MAX_COLUMNS = 8
# The close is nearer to the next open than the open to the next close, by this factor.
NEARER = 0.8
# The largest median range of a row, as a share of its low.
MAX_RANGE = 0.2


def find_close(columns: Mapping[str, Array]) -> str | None:
    """Find the close among columns of which four are open, high, low and close; None if no four are.

    In each row the high is the highest and the low the lowest of the four. Of the two others, the close is the one near
    which the next row opens. If that does not decide, the close is to the right of the open.

    Args:
        columns: Values in the order of time, by name, in the order of the table.
    """
    finite = {name: values for name, values in columns.items() if np.isfinite(values).mean() > 0.5}
    for four in combinations(list(finite)[:MAX_COLUMNS], 4):
        rows = np.column_stack([finite[name] for name in four])
        rows = rows[np.isfinite(rows).all(axis=1)]
        if len(rows) > 1 and (inner := _open_and_close(rows)) is not None:
            first, second = inner
            return four[
                first
                if _mean_gap(rows[:, first], rows[:, second]) < NEARER * _mean_gap(rows[:, second], rows[:, first])
                else second
            ]
    return None


def _open_and_close(rows: Array) -> tuple[int, int] | None:
    """The two columns that are neither high nor low; None if no column is always high, or none always low."""
    highest = (rows >= rows.max(axis=1, keepdims=True)).mean(axis=0)
    lowest = (rows <= rows.min(axis=1, keepdims=True)).mean(axis=0)
    high, low = int(np.argmax(highest)), int(np.argmax(lowest))
    if high == low or highest[high] < ORDERED or lowest[low] < ORDERED or rows.min() <= 0:
        return None
    if not 0 < np.median(rows[:, high] / rows[:, low] - 1) < MAX_RANGE:
        return None
    first, second = (column for column in range(4) if column not in (high, low))
    return first, second


def _mean_gap(close: Array, opened: Array) -> float:
    """Mean distance from a row's close to the next row's open."""
    return float(np.mean(np.abs(opened[1:] - close[:-1])))
