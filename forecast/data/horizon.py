"""How far ahead to forecast where nobody says: as far as one looks ahead in series of such a frequency.

In: the time grid, the number of rows and the last one. Out: steps.
"""

import pandas as pd

from forecast.data.grid import TimeGrid

# Steps ahead, by the unit of the frequency; one step of several units is as many units.
STEPS = {"min": 30, "h": 48, "B": 30, "D": 28, "W": 13, "MS": 12, "QS": 8, "YS": 5}
# Where the frequency is none of these, or steps are only counted.
USUAL = 12
# A horizon takes no more than this part of the rows: validation, a tenth of them, holds it then.
PART = 12
# A session that is nearly over is no horizon.
LEAST_LEFT = 10


def default_horizon(grid: TimeGrid | None, rows: int, last: pd.Timestamp | None = None) -> int:
    """Steps ahead: minutes to the end of the session, or 30; 48 hours, 30 business days, 28 days, 13 weeks and so on.

    Args:
        grid: None where steps are only counted.
        rows: Rows that are known; a short series has a short horizon.
        last: The last row, which says how much of its session is left.
    """
    return max(1, min(_usual_steps(grid, last), rows // PART))


def _usual_steps(grid: TimeGrid | None, last: pd.Timestamp | None) -> int:
    if grid is None:
        return USUAL
    if grid.unit == "min" and grid.windows and last is not None:
        left = int((grid.expected(last, last.normalize() + pd.Timedelta(days=1)) > last).sum())
        if left >= LEAST_LEFT:
            return left
    unit = grid.unit.removeprefix("B") if grid.kind == "months" else grid.unit
    return max(1, STEPS.get(unit.replace("E", "S"), USUAL) // (1 if unit == "min" else grid.count))
