"""The lag detector: does a forecast say something about the next value, or does it repeat the last one?

A plot of forecasts one step ahead looks splendid even if each of them copies the value before. This module measures
what such a plot hides: how the forecast moves correlate with the true ones, at which lag the forecasts follow the
series, and how much of their changes is explained by rows up to the origin, and how much by later ones.
"""

from dataclasses import dataclass

import numpy as np

from forecast.config import MEDIAN
from forecast.inference.forecasts import Backtest
from forecast.typing import Array

# Forecasts are a copy if rows up to the origin explain at least, and later rows at most, this share of their changes.
COPIED, FORESEEN = 0.4, 0.1
# Lags beyond the step itself.
BEYOND = 10


@dataclass(frozen=True)
class Lag:
    """How the forecasts of one step follow the series; NaN where nothing moves, or origins are some rows apart.

    Attributes:
        moves: Correlation of the forecast moves from the last known value with the true moves.
        lag: Rows by which the forecasts trail the series: 0 for perfect foresight, `step` for the last known value.
        by_lag: Correlation of the forecasts' changes from one origin to the next with the series' changes at lags 0, 1
            and so on.
        copied: Share of the variance of these changes that the series' changes up to the origin explain, 0 to 1.
        foreseen: The share that its changes after the origin explain.
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
    """Measure how the forecasts of one step follow the series.

    Args:
        y: The whole target that the origins are rows of, shape (T,).
        step: From 1 on.
    """
    rows, forecast = backtest.origin, backtest.quantiles[:, step - 1, MEDIAN]
    moves = correlation(forecast - backtest.last_value, backtest.actual[:, step - 1] - backtest.last_value)
    first = np.flatnonzero(np.diff(rows) == 1)  # origins whose next row is an origin too
    changes = forecast[first + 1] - forecast[first]
    lags = np.arange(min(step + BEYOND, int(rows[0]) + step) + 1)
    after = rows[first][:, None] + step - lags
    series = y[after + 1] - y[after]  # (pairs, lags)
    by_lag = tuple(correlation(changes, column) for column in series.T)
    best = int(np.argmax(np.nan_to_num(by_lag, nan=-1)))
    copied, foreseen = explained(changes, series[:, step:]), explained(changes, series[:, :step])
    return Lag(step, moves, best, by_lag, copied, foreseen)


def correlation(one: Array, other: Array) -> float:
    """Pearson's correlation over the pairs without NaN; NaN if an array is constant."""
    known = np.isfinite(one) & np.isfinite(other)
    one, other = one[known], other[known]
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def explained(y: Array, columns: Array) -> float:
    """Adjusted R squared of a linear regression of y (N,) on columns (N, K) without NaN, at least 0.

    NaN for too few rows or a constant y.
    """
    known = np.isfinite(y) & np.isfinite(columns).all(axis=1)
    y, columns = y[known], columns[known]
    rows, count = columns.shape
    if rows <= 2 * count + 2 or np.ptp(y) == 0:
        return float("nan")
    design = np.column_stack([np.ones(rows), columns])
    residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    share = 1 - residual.var() / y.var()
    return float(max(0.0, 1 - (1 - share) * (rows - 1) / (rows - count - 1)))
