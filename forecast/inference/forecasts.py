"""Forecasts as data: at many past origins, in their components, and of the coming steps; all in the series' unit."""

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config import LEVELS, MEDIAN, QUANTILES
from forecast.data.calendar.frequency import Index, has_times, iso_dates
from forecast.data.grid import TimeGrid
from forecast.data.series import TimeSeries
from forecast.data.windows import Blocks
from forecast.models.direction_classes import CLASSES
from forecast.typing import Array

# The columns of the probabilities in tables.
SHARES = tuple(f"p_{name}" for name in CLASSES)


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts at N consecutive origins, in the series' unit.

    Attributes:
        origin: Row numbers, shape (N,).
        last_value: The target at each origin, shape (N,).
        actual: Actual values, shape (N, H); NaN beyond the last row of the series.
        quantiles: Shape (N, H, Q).
        network_share: The share of each move that is the network's own, not its highway's, shape (N,); None for models
            that are no networks.
    """

    model: str
    origin: NDArray[np.int64]
    last_value: Array
    actual: Array
    quantiles: Array
    network_share: Array | None = None

    def to_frame(self, index: Index) -> pd.DataFrame:
        """One row an origin and step: dates from the index of the series, what came, and three quantiles."""
        dates, (origins, horizon) = dates_of(index), self.actual.shape
        steps = np.tile(np.arange(1, horizon + 1), origins)
        origin = np.repeat(self.origin, horizon)
        return pd.DataFrame(
            {
                "model": self.model,
                "origin": dates[origin],
                "step": steps,
                "date": dates[origin + steps],
                "actual": self.actual.ravel(),
                "q05": self.quantiles[..., 0].ravel(),
                "q50": self.quantiles[..., MEDIAN].ravel(),
                "q95": self.quantiles[..., -1].ravel(),
            }
        )


@dataclass(frozen=True, eq=False)
class ClassProbabilities:
    """Probabilities of down, flat and up at N origins that follow one another, for the move to step `step`.

    Attributes:
        origin: Row numbers, shape (N,).
        actual: Classes of the moves, by their places in `CLASSES`, shape (N,); NaN where not known yet.
        probabilities: Shape (N, 3).
    """

    model: str
    origin: NDArray[np.int64]
    actual: Array
    probabilities: Array
    step: int

    def to_frame(self, index: Index) -> pd.DataFrame:
        """One row an origin: dates from the index of the series, the class that came, and three probabilities."""
        dates, came = dates_of(index), np.array(CLASSES, dtype=object)[self.actual.astype(int)]
        fixed = {"model": self.model, "origin": dates[self.origin], "date": dates[self.origin + self.step]}
        return pd.DataFrame(fixed | {"actual": came}).join(pd.DataFrame(self.probabilities, columns=SHARES))


@dataclass(frozen=True, eq=False)
class Moves:
    """Forecasts at N consecutive origins in their components, in the series' unit.

        median = last value + usual + shrinkage[0] * linear + shrinkage[1] * network

    A median that is kept at 0 or whole (`bounds.py`) differs from that sum.

    Attributes:
        blocks: The model's inputs at each origin.
        last_value: The target at each origin, shape (N,).
        usual: The median of past moves over their expected size, shape (N, H); 0 where none is expected.
        linear: Linear component: the move that the highway forecasts, shape (N, H).
        network: Network component: the rest of the model's move, shape (N, H).
        shrinkage: Shrinkage factors of both, from 0 to 1, shape (N, 2) (`shrinkage.py`).
        scale: Size of a normalised move of 1, shape (N, H).
        median: The point forecasts, as they are shown, shape (N, H).
    """

    blocks: Blocks
    last_value: Array
    usual: Array
    linear: Array
    network: Array
    shrinkage: Array
    scale: Array
    median: Array


@dataclass(frozen=True, eq=False)
class Forecast:
    """The coming steps after the last row of a series: dates (H,), or counts, and quantiles (H, Q) in `unit`."""

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

    def to_frame(self) -> pd.DataFrame:
        """One row a step, with all quantiles."""
        steps = np.arange(1, len(self.dates) + 1)
        fixed = pd.DataFrame({"model": self.model, "step": steps, "date": self.dates})
        return fixed.join(pd.DataFrame(self.quantiles, columns=LEVELS))

    def record(self) -> dict[str, Any]:
        """Plain JSON values: one object a step, quantiles named as in `forecast.csv`."""
        steps = [
            {"step": number, "date": date, **dict(zip(LEVELS, quantiles.tolist(), strict=True))}
            for number, (date, quantiles) in enumerate(zip(self.dates, self.quantiles, strict=True), start=1)
        ]
        named = {name: getattr(self, name) for name in ("model", "series", "unit", "origin")}
        return {**named, "forecast": steps}


@dataclass(frozen=True)
class DirectionForecast:
    """The probabilities of down, flat and up from the last row of a series to the date of step H.

    Moves of at most `flat_within`, in `unit`, are flat.
    """

    model: str
    series: str
    unit: str
    origin: str
    date: str
    flat_within: float
    probabilities: tuple[float, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row: the date of step H, and three probabilities."""
        shares = dict(zip(SHARES, self.probabilities, strict=True))
        return pd.DataFrame([{"model": self.model, "date": self.date, **shares}])

    def record(self) -> dict[str, Any]:
        """Plain JSON values, probabilities named as in `forecast.csv`."""
        fields = asdict(self)
        probabilities = fields.pop("probabilities")
        return {**fields, **dict(zip(SHARES, probabilities, strict=True))}


def dates_of(index: Index) -> NDArray[np.object_]:
    """The dates of rows, or their counts, as tables have them, all in one form."""
    return np.array(iso_dates(index, timed=has_times(index)), dtype=object)


def next_steps(model: str, quantiles: Array, series: TimeSeries) -> Forecast:
    """The quantiles (H, Q) after the last row, with the dates of the series' exchange or frequency."""
    return Forecast(
        model=model,
        series=series.name,
        unit=series.unit,
        origin=iso_dates(series.index[-1:], timed=has_times(series.index))[0],
        dates=coming_dates(series, len(quantiles)),
        levels=QUANTILES,
        quantiles=quantiles,
    )


def coming_dates(series: TimeSeries, steps: int) -> tuple[str, ...]:
    """When the next rows of a series are due."""
    return _dates_after(series.index[-1], series.grid, steps, has_times(series.index))


@lru_cache(maxsize=8)
def _dates_after(last: pd.Timestamp | int, grid: TimeGrid, steps: int, timed: bool) -> tuple[str, ...]:
    """The coming dates, the same for all series of one grid that end on one date."""
    return tuple(iso_dates(grid.after(last, steps), timed=timed))
