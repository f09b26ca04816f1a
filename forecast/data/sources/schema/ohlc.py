"""Open, high, low and close, recognised by their values where no name tells.

In: columns of numbers. Out: which of them is the close.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

# Share of rows in which the high must be the highest and the low the lowest; most columns that are tried.
ALWAYS = 0.97
MOST = 8
# How much nearer the next open must be to a close.
SURE = 0.8
# Highest usual range of a row, as a share of its low.
RANGE = 0.2


def find_close(columns: Mapping[str, Values]) -> str | None:
    """The close among columns of which four are open, high, low and close; None where no four are.

    In each row the high is the highest and the low the lowest of the four. Of the two others the close is the one that
    the other follows: a day opens near yesterday's close. Where that does not tell, the close stands behind the open.

    Args:
        columns: Values in the order of time, by name, in the order of the table.
    """
    finite = {name: values for name, values in columns.items() if np.isfinite(values).mean() > 0.5}
    for four in combinations(list(finite)[:MOST], 4):
        rows = np.column_stack([finite[name] for name in four])
        rows = rows[np.isfinite(rows).all(axis=1)]
        if len(rows) > 1 and (inner := _inner(rows)) is not None:
            first, second = inner
            return four[
                first
                if _gap(rows[:, first], rows[:, second]) < SURE * _gap(rows[:, second], rows[:, first])
                else second
            ]
    return None


def _inner(rows: Values) -> tuple[int, int] | None:
    """The two columns that are neither high nor low."""
    highest = (rows >= rows.max(axis=1, keepdims=True)).mean(axis=0)
    lowest = (rows <= rows.min(axis=1, keepdims=True)).mean(axis=0)
    high, low = int(np.argmax(highest)), int(np.argmax(lowest))
    if high == low or highest[high] < ALWAYS or lowest[low] < ALWAYS or rows.min() <= 0:
        return None
    if not 0 < np.median(rows[:, high] / rows[:, low] - 1) < RANGE:
        return None
    first, second = (column for column in range(4) if column not in (high, low))
    return first, second


def _gap(close: Values, opened: Values) -> float:
    """Mean distance from a row's close to the next row's open."""
    return float(np.mean(np.abs(opened[1:] - close[:-1])))
