"""The lag detector: does a forecast know what comes, or does it repeat what was?

A plot of forecasts one step ahead looks splendid where each is a copy of the value before. What such a plot hides is
measured here: how far the forecast moves go with the true moves, at which lag the forecasts follow the series, and how
much of their changes was known before and how much came after.
"""

from dataclasses import dataclass

import numpy as np

from forecast.config import MEDIAN
from forecast.inference.forecasts import Backtest
from forecast.typing import Array

# A copy: its changes are explained so far by what was known, and no more than so far by what came.
COPIED, FORESEEN = 0.4, 0.1
# Lags that are looked at beyond the step itself.
BEYOND = 10


@dataclass(frozen=True)
class Lag:
    """How forecasts of one step follow the series; NaN where nothing moves.

    Attributes:
        moves: Correlation of the forecast moves with the true moves, from the last known value on.
        lag: The number of rows by which the forecasts trail the series: 0 knows what comes, `step` repeats the last
            known value.
        by_lag: Correlation of the forecasts' changes from one origin to the next with those of the series at lag 0, 1
            and so on.
        copied: Share of the variance of the forecasts' changes that the changes up to their origins explain, 0 to 1.
        foreseen: The share that the changes after their origins explain.
    """

    step: int
    moves: float
    lag: int
    by_lag: tuple[float, ...]
    copied: float
    foreseen: float

    @property
    def copies(self) -> bool:
        """Whether the forecasts repeat what was known."""
        return self.copied >= COPIED and self.foreseen <= FORESEEN


def find_lag(backtest: Backtest, y: Array, *, step: int) -> Lag:
    """How the forecasts of one step follow the series.

    Args:
        y: The whole target that the origins are rows of, shape (T,).
        step: From 1 on.
    """
    rows, forecast = backtest.origin, backtest.quantiles[:, step - 1, MEDIAN]
    moves = correlation(forecast - backtest.last_value, backtest.actual[:, step - 1] - backtest.last_value)
    first = np.flatnonzero(np.diff(rows) == 1)  # origins whose next row is one as well
    changes = forecast[first + 1] - forecast[first]
    lags = np.arange(min(step + BEYOND, int(rows[0]) + step) + 1)
    after = rows[first][:, None] + step - lags
    series = y[after + 1] - y[after]  # (pairs, lags)
    by_lag = tuple(correlation(changes, column) for column in series.T)
    best = int(np.argmax(np.nan_to_num(by_lag, nan=-1)))
    copied, foreseen = explained(changes, series[:, step:]), explained(changes, series[:, :step])
    return Lag(step, moves, best, by_lag, copied, foreseen)


def correlation(one: Array, other: Array) -> float:
    """Pearson's correlation; NaN if one of both does not vary."""
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def explained(y: Array, columns: Array) -> float:
    """Share of the variance of y (N,) that a linear map of columns (N, K) explains, adjusted for their number.

    NaN where there are too few rows to tell, or y does not vary.
    """
    rows, count = columns.shape
    if rows <= 2 * count + 2 or np.ptp(y) == 0:
        return float("nan")
    design = np.column_stack([np.ones(rows), columns])
    residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    share = 1 - residual.var() / y.var()
    return float(max(0.0, 1 - (1 - share) * (rows - 1) / (rows - count - 1)))
