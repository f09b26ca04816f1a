"""Forecasts as data: at many past origins, in their components, and of the coming steps; all in the series' unit."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config import LEVELS, MEDIAN, QUANTILES
from forecast.data.calendar.frequency import Index, count_steps, has_times, iso, iso_dates, moments
from forecast.data.grid import TimeGrid
from forecast.data.series import TimeSeries
from forecast.data.windows import Blocks
from forecast.display import Chart, Panel, Shown
from forecast.inference.charts import CLOSE_UP, chart_coming, chart_tested
from forecast.models.direction_classes import CLASSES
from forecast.typing import Array

# The columns of the probabilities in tables.
SHARES = tuple(f"p_{name}" for name in CLASSES)


@dataclass(frozen=True, eq=False, repr=False)
class Backtest(Shown):
    """Forecasts at N origins that follow one another, in the series' unit.

    Attributes:
        origin: Row numbers, shape (N,).
        last_value: The target at each origin, shape (N,).
        actual: Actual values, shape (N, H); NaN beyond the last row of the series.
        quantiles: Shape (N, H, Q).
        network_share: The share of each move that is the network's own, not its highway's, shape (N,); None for models
            that are no networks.
        index: The dates of the rows that the origins are, and of those after the last, shape (T + H,); empty where they
            are only counted.
        unit: That of the series.
        stride: Rows from one origin to the next.
    """

    model: str
    origin: NDArray[np.int64]
    last_value: Array
    actual: Array
    quantiles: Array
    network_share: Array | None = None
    index: Index = field(default_factory=lambda: pd.RangeIndex(0))
    unit: str = "units"
    stride: int = 1

    @property
    def overlap(self) -> int:
        """Neighbouring origins whose forecasts overlap."""
        return int(-(-self.actual.shape[1] // self.stride))

    def to_frame(self) -> pd.DataFrame:
        """One row an origin and step: what came, and three quantiles; the index is the date of the step."""
        origins, horizon = self.actual.shape
        steps = np.tile(np.arange(1, horizon + 1), origins)
        origin = np.repeat(self.origin, horizon)
        return pd.DataFrame(
            {
                "model": self.model,
                "origin": self._dates(origin),
                "step": steps,
                "actual": self.actual.ravel(),
                "q05": self.quantiles[..., 0].ravel(),
                "q50": self.quantiles[..., MEDIAN].ravel(),
                "q95": self.quantiles[..., -1].ravel(),
            },
            index=self._dates(origin + steps).rename("date"),
        )

    def _dates(self, rows: NDArray[np.int64]) -> Index:
        return rows_of(self.index, rows)

    def chart_at(self, step: int) -> Chart:
        """What was forecast for each row `step` rows before, as `chart` has it for the last step."""
        dates, quantiles = self._dates(self.origin + step), self.quantiles[:, step - 1]
        title = f"{self.model}: what it had forecast {step} step{'s' * (step > 1)} before"
        return chart_tested(title, self.unit, self.model, dates, self.actual[:, step - 1], quantiles)

    def chart(self) -> Chart:
        """What was forecast for the test rows a whole horizon before."""
        return self.chart_at(self.actual.shape[1])

    def _headline(self) -> str:
        origins, horizon = self.actual.shape
        span = " to ".join(iso(date) for date in self._dates(self.origin[[0, -1]])) if origins else "none"
        return f"{self.model}, {origins:,} origins, {span}, up to {count_steps(horizon, '')} ahead"

    def _panels(self) -> tuple[Panel, ...]:
        return Panel(chart=self.chart()), Panel(self.to_frame())


@dataclass(frozen=True, eq=False, repr=False)
class ClassProbabilities(Shown):
    """Probabilities of down, flat and up at N origins that follow one another, for the move to step `step`.

    Attributes:
        origin: Row numbers, shape (N,).
        actual: Classes of the moves, by their places in `CLASSES`, shape (N,); NaN where not known yet.
        probabilities: Shape (N, 3).
        index: As of a `Backtest`.
    """

    model: str
    origin: NDArray[np.int64]
    actual: Array
    probabilities: Array
    step: int

    index: Index = field(default_factory=lambda: pd.RangeIndex(0))

    def to_frame(self) -> pd.DataFrame:
        """One row an origin: the class that came, and three probabilities; the index is the date of step H."""
        classes = np.array([*CLASSES, None], dtype=object)
        came = np.where(np.isnan(self.actual), len(CLASSES), self.actual).astype(int)
        origin, date = (rows_of(self.index, self.origin + step) for step in (0, self.step))
        fixed = {"model": self.model, "origin": origin, "actual": classes[came]}
        return pd.DataFrame(fixed, date.rename("date")).join(pd.DataFrame(self.probabilities, date, SHARES))

    def _headline(self) -> str:
        return f"{self.model}, {len(self.origin):,} origins, {count_steps(self.step, '')} ahead"

    def _panels(self) -> tuple[Panel, ...]:
        return (Panel(self.to_frame()),)


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


@dataclass(frozen=True, eq=False, repr=False)
class Forecast(Shown):
    """The coming steps after the last row of a series: dates (H,), or counts, and quantiles (H, Q) in `unit`.

    A loop over a forecast goes over its steps, each with `date` and a field for each quantile (`q05` to `q95`); so does
    `pandas.DataFrame(forecast)`.

    Attributes:
        frequency: That of the series; empty if unknown.
        past: The last rows of the series, dates (T,) and values (T,), for charts.
    """

    model: str
    series: str
    unit: str
    origin: str
    dates: tuple[str, ...]
    levels: tuple[float, ...]
    quantiles: Array
    frequency: str = ""
    past: tuple[Index, Array] = field(default_factory=lambda: (pd.RangeIndex(0), np.empty(0)))

    @property
    def median(self) -> Array:
        """The point forecast, shape (H,)."""
        return self.quantiles[:, self.levels.index(0.5)]

    @property
    def index(self) -> Index:
        """The dates, or counts, of the coming steps."""
        return moments(self.dates).rename("date")

    def to_frame(self) -> pd.DataFrame:
        """One row a step, with all quantiles; the dates, or counts, are the index."""
        steps = pd.DataFrame({"step": np.arange(1, len(self) + 1)}, self.index)
        return steps.join(pd.DataFrame(self.quantiles, self.index, LEVELS))

    def __len__(self) -> int:
        return len(self.dates)

    def __iter__(self) -> Iterator[Any]:
        return self.to_frame().reset_index().itertuples(index=False, name="Step")

    def chart(self) -> Chart:
        """The last rows of the series, and the median and intervals of the coming steps."""
        title = f"{self.series}: the next {count_steps(len(self), self.frequency)}"
        return chart_coming(title, self.unit, self.past, {self.model: (self.index, self.quantiles)})

    def _headline(self) -> str:
        steps = count_steps(len(self), self.frequency)
        return f"{self.series}, {self.model}, {steps} after {self.origin}, median {self.median[-1]:.6g} {self.unit}"

    def _panels(self) -> tuple[Panel, ...]:
        return Panel(chart=self.chart()), Panel(self.to_frame())

    def record(self) -> dict[str, Any]:
        """Plain JSON values: one object a step, quantiles named as in `forecast.csv`."""
        steps = [
            {"step": number, "date": date, **dict(zip(LEVELS, quantiles.tolist(), strict=True))}
            for number, (date, quantiles) in enumerate(zip(self.dates, self.quantiles, strict=True), start=1)
        ]
        named = {name: getattr(self, name) for name in ("model", "series", "unit", "origin")}
        return {**named, "forecast": steps}


@dataclass(frozen=True, repr=False)
class DirectionForecast(Shown):
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
        """One row: three probabilities; the date of step H is the index."""
        return pd.DataFrame([self.probabilities], moments([self.date]).rename("date"), SHARES)

    def _headline(self) -> str:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in zip(CLASSES, self.probabilities, strict=True))
        return f"{self.series}, {self.model}, {self.origin} to {self.date}: {shares}"

    def _panels(self) -> tuple[Panel, ...]:
        return (Panel(self.to_frame(), (f"Moves of at most {self.flat_within:.4g} {self.unit} are flat.",)),)

    def record(self) -> dict[str, Any]:
        """Plain JSON values, probabilities named as in `forecast.csv`."""
        fields = asdict(self)
        probabilities = fields.pop("probabilities")
        return {**fields, **dict(zip(SHARES, probabilities, strict=True))}


def rows_of(index: Index, rows: NDArray[np.int64]) -> Index:
    """The dates of rows, or their numbers if there are no dates."""
    return index[rows] if len(index) else pd.Index(rows)


def index_of(series: TimeSeries, horizon: int) -> Index:
    """The dates, or counts, of the rows of a series and of the coming steps."""
    return series.index.append(series.future_dates(horizon))


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
        frequency=series.frequency,
        past=(series.index[-CLOSE_UP:], series.known_y[-CLOSE_UP:]),
    )


def coming_dates(series: TimeSeries, steps: int) -> tuple[str, ...]:
    """When the next rows of a series are due."""
    return _dates_after(series.index[-1], series.grid, steps, has_times(series.index))


@lru_cache(maxsize=8)
def _dates_after(last: pd.Timestamp | int, grid: TimeGrid, steps: int, timed: bool) -> tuple[str, ...]:
    """The coming dates, the same for all series of one grid that end on one date."""
    return tuple(iso_dates(grid.after(last, steps), timed=timed))
