"""Forecasts as data: at many past origins, in their components, and of the coming steps; all in the series' unit."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config import QUANTILES
from forecast.data.calendar.frequency import future_dates, iso
from forecast.data.calendar.infer_exchange import infer_exchange
from forecast.data.series import TimeSeries
from forecast.data.windows import Blocks
from forecast.typing import Array


@dataclass(frozen=True, eq=False)
class Predictions:
    """Forecasts at N consecutive origins, in the series' unit.

    Attributes:
        origin: Row numbers, shape (N,).
        last_value: The target at each origin, shape (N,).
        actual: Actual values, shape (N, H); NaN beyond the last row of the series.
        quantiles: Shape (N, H, Q).
    """

    model: str
    origin: NDArray[np.int64]
    last_value: Array
    actual: Array
    quantiles: Array


@dataclass(frozen=True, eq=False)
class Moves:
    """Forecasts at N consecutive origins in their components, in the series' unit.

        median = last value + shrinkage[0] * linear + shrinkage[1] * network

    Attributes:
        blocks: The model's inputs at each origin.
        last_value: The target at each origin, shape (N,).
        linear: Linear component: the move that the highway forecasts, shape (N, H).
        network: Network component: the rest of the model's move, shape (N, H).
        shrinkage: Shrinkage factors of both, from 0 to 1, shape (N, 2) (`shrinkage.py`).
        scale: Size of a normalised move of 1, shape (N, H).
    """

    blocks: Blocks
    last_value: Array
    linear: Array
    network: Array
    shrinkage: Array
    scale: Array

    @property
    def median(self) -> Array:
        """The point forecasts, shape (N, H)."""
        linear, network = self.shrinkage[:, [0]] * self.linear, self.shrinkage[:, [1]] * self.network
        return self.last_value[:, None] + linear + network


@dataclass(frozen=True, eq=False)
class Forecast:
    """The coming steps after the last row of a series: dates (H,) and quantiles (H, Q) in `unit`."""

    model: str
    series: str
    unit: str
    origin: str
    dates: tuple[str, ...]
    levels: tuple[float, ...]
    quantiles: Array

    @property
    def median(self) -> Array:
        """The point forecast, shape (H,)."""
        return self.quantiles[:, self.levels.index(0.5)]


def next_steps(model: str, quantiles: Array, series: TimeSeries) -> Forecast:
    """The quantiles (H, Q) after the last row, with the dates of the series' exchange or frequency."""
    return Forecast(
        model=model,
        series=series.name,
        unit=series.unit,
        origin=iso(series.index[-1]),
        dates=coming_dates(series, len(quantiles)),
        levels=QUANTILES,
        quantiles=quantiles,
    )


def coming_dates(series: TimeSeries, steps: int) -> tuple[str, ...]:
    """When the next rows of a series are due, by its exchange or frequency."""
    return _dates_after(series.index.as_unit("ns").asi8.tobytes(), series.frequency, series.exchange, steps)


@lru_cache(maxsize=8)
def _dates_after(stamps: bytes, frequency: str, exchange: str, steps: int) -> tuple[str, ...]:
    """The coming dates, the same for all series with the same rows; their nanoseconds are handed over as bytes."""
    index = pd.DatetimeIndex(np.frombuffer(stamps, "M8[ns]"))
    exchange = exchange or infer_exchange(index)
    return tuple(map(iso, future_dates(index, frequency=frequency, periods=steps, exchange=exchange)))
