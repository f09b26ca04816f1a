"""What models say: forecasts at many origins, their parts, and the coming steps, always in the series' own unit."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config import QUANTILES
from forecast.data.calendar.frequency import future_dates, iso
from forecast.data.series import TimeSeries
from forecast.data.windows import Blocks
from forecast.typing import Array


@dataclass(frozen=True, eq=False)
class Predictions:
    """Forecasts at N origins that follow one another, in the series' unit.

    Attributes:
        origin: Row numbers, shape (N,).
        last_value: The target at each origin, shape (N,).
        actual: What came, shape (N, H); NaN where the series ends before.
        quantiles: Shape (N, H, Q).
    """

    model: str
    origin: NDArray[np.int64]
    last_value: Array
    actual: Array
    quantiles: Array


@dataclass(frozen=True, eq=False)
class Moves:
    """Forecasts at N origins in their parts, in the series' unit.

        median = last value + believed[0] * linear + believed[1] * own

    Attributes:
        blocks: What the model saw at each origin.
        last_value: The target at each origin, shape (N,).
        linear: The move of the highway, shape (N, H).
        own: The move of the model itself, shape (N, H).
        believed: How much of both counts, shape (N, 2), each from 0 to 1 (`shrinkage.py`).
        scale: What a normalised move of 1 is, shape (N, H).
    """

    blocks: Blocks
    last_value: Array
    linear: Array
    own: Array
    believed: Array
    scale: Array

    @property
    def median(self) -> Array:
        """The point forecasts, shape (N, H)."""
        return self.last_value[:, None] + self.believed[:, [0]] * self.linear + self.believed[:, [1]] * self.own


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
    return _dates_after(series.index.as_unit("ns").asi8.tobytes(), series.frequency, series.trading_calendar, steps)


@lru_cache(maxsize=8)
def _dates_after(stamps: bytes, frequency: str, exchange: str, steps: int) -> tuple[str, ...]:
    """The coming dates, the same for all series with the same rows; their nanoseconds are handed over as bytes."""
    index = pd.DatetimeIndex(np.frombuffer(stamps, "M8[ns]"))
    return tuple(map(iso, future_dates(index, frequency=frequency, periods=steps, exchange=exchange)))
