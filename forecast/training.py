"""From a series to a trained model: the whole recipe, read top to bottom.

In: a `TimeSeries` and a configuration. Out: a `TrainedModel`, plain numbers and arrays that forecast by themselves.
The test rows are cut off before anything is fitted.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from forecast import intervals, shrinkage
from forecast.calendars import future_dates, iso, season_of
from forecast.config import QUANTILES, ExperimentConfig
from forecast.errors import ModelError, SeriesTooShort
from forecast.exchanges import recognise
from forecast.models import Model, Problem, Progress, Validation, Weights, find_model
from forecast.scaling import Scaler, fit_scaler
from forecast.series import TimeSeries
from forecast.windows import Blocks, Split, outcomes, split_rows, test_start

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TrainedOn:
    """What a model was trained on: the training and validation rows, and their SHA-256."""

    series: str
    unit: str
    frequency: str
    first: str
    last: str
    rows: int
    sha256: str


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


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """Everything that a forecast needs, as numbers: a bundle holds just this.

    Attributes:
        weights: What the model learned, arrays by name.
        credit: What its moves had earned at the end of the validation rows (`shrinkage.py`).
        log_width: The calibration of its intervals at that point, shape (H,) (`intervals.py`).
        history: Losses in the course of training.
    """

    model: str
    config: ExperimentConfig
    season: int
    columns: tuple[str, ...]
    target: str
    scaler: Scaler
    weights: Weights
    credit: Array
    log_width: Array
    history: tuple[Validation, ...]
    trained_on: TrainedOn
    seconds: float
    created: str
    interrupted: bool = False

    @property
    def problem(self) -> Problem:
        return Problem(self.config, self.columns.index(self.target), len(self.columns), self.season)

    def predict(self, series: TimeSeries, first: int | None = None) -> Predictions:
        """Forecasts at every origin from row `first` to the last row, each from the rows up to it alone.

        Shrinkage and interval widths go on from where training left them and follow the outcomes that were known at
        each origin. By default `first` gives them the last fifth of the rows, as in the test.

        Raises:
            SeriesTooShort: no row is left after the lookback.
            ModelError: the series has other columns than the model was trained on.
        """
        self._check(series)
        if first is None:
            first = max(self.config.lookback, test_start(len(series), self.config) - 1)
        origin = np.arange(first, len(series))
        model, problem = find_model(self.model), self.problem
        blocks = model.blocks(self.scaler.transform(series.values), origin, problem)
        raw = model.predict(self.weights, blocks, problem)
        quantiles, _, _ = _calibrate(model, raw, blocks, credit=self.credit, log_width=self.log_width)
        return Predictions(
            model=self.model,
            origin=origin,
            last_value=series.y[origin],
            actual=outcomes(series.y, origin, horizon=self.config.horizon),
            quantiles=self._levels(quantiles, blocks, series),
        )

    def _levels(self, quantiles: Array, blocks: Blocks, series: TimeSeries) -> Array:
        """Normalised quantiles in the series' unit; a move of 0 gives the last value to the last digit."""
        column = self.problem.column
        levels = self.scaler.inverse(blocks.anchor[:, 0, 0], column=column)
        anchor = series.y[blocks.origin] if blocks.moves else levels
        scale = blocks.scale[:, 0] * self.scaler.span[column]
        return np.asarray(anchor[:, None, None] + quantiles * scale[:, :, None])

    def forecast(self, series: TimeSeries) -> Forecast:
        """The `horizon` steps after the last row of `series`."""
        return next_steps(self.predict(series), series)

    def _check(self, series: TimeSeries) -> None:
        lookback = self.config.lookback
        if len(series) <= lookback:
            raise SeriesTooShort(
                f"{series.name}: this model needs at least {lookback + 1} rows (lookback={lookback}). "
                f"Received: {len(series)}, {lookback + 1 - len(series)} too few."
            )
        if len(series.columns) != len(self.columns):
            raise ModelError(
                f"{series.name}: this model was trained on {len(self.columns)} columns ({', '.join(self.columns)}). "
                f"Received: {len(series.columns)} ({', '.join(series.columns)})."
            )


def train(
    series: TimeSeries,
    model: str = "lstm",
    config: ExperimentConfig | None = None,
    *,
    progress: Progress | None = None,
) -> TrainedModel:
    """Trains one model on the first part of `series`; its last fifth is not looked at.

    Args:
        model: A name in the registry `MODELS`.
        config: Settings; the defaults are meant for every series.
        progress: Called after each training step.
    Raises:
        ConfigError: no such model.
        SeriesTooShort: the rows do not suffice for lookback, horizon and season.
    """
    config = config or ExperimentConfig()
    chosen = find_model(model)
    split = split_rows(len(series), config)
    if chosen.learned:
        import keras  # noqa: F401  its import takes seconds that are not the fit's
    started = time.perf_counter()
    known = series.values[: split.test]
    season = config.season or season_of(series.frequency)
    problem = Problem(config, series.target_column, len(series.columns), season)
    scaler = fit_scaler(known[: split.validation])
    known_scaled = scaler.transform(known)
    fit = chosen.fit(known_scaled, split, problem, progress)
    credit, log_width = _calibrate_on_validation(chosen, fit.weights, known_scaled, split, problem)
    return TrainedModel(
        model=model,
        config=config,
        season=season,
        columns=series.columns,
        target=series.target,
        scaler=scaler,
        weights=fit.weights,
        credit=credit,
        log_width=log_width,
        history=fit.history,
        trained_on=_trained_on(series, split),
        seconds=time.perf_counter() - started,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        interrupted=fit.interrupted,
    )


def next_steps(predictions: Predictions, series: TimeSeries) -> Forecast:
    """The forecast at the last origin of `predictions`, with the dates of the series' exchange or frequency."""
    quantiles = predictions.quantiles[-1]
    exchange = series.exchange or recognise(series.index)
    dates = future_dates(series.index, frequency=series.frequency, periods=len(quantiles), exchange=exchange)
    return Forecast(
        model=predictions.model,
        series=series.name,
        unit=series.unit,
        origin=iso(series.index[-1]),
        dates=tuple(iso(date) for date in dates),
        levels=QUANTILES,
        quantiles=quantiles,
    )


def _calibrate_on_validation(
    model: Model, weights: Weights, known_scaled: Array, split: Split, problem: Problem
) -> tuple[Array, Array]:
    """What the model earned on the validation rows, up to the last one."""
    blocks = model.blocks(known_scaled, np.arange(split.validation - 1, split.test), problem)
    quantiles = model.predict(weights, blocks, problem)
    nothing = {"credit": shrinkage.start(), "log_width": intervals.start(problem.config.horizon)}
    _, credit, log_width = _calibrate(model, quantiles, blocks, **nothing)
    return credit, log_width


def _calibrate(
    model: Model, quantiles: Array, blocks: Blocks, *, credit: Array, log_width: Array
) -> tuple[Array, Array, Array]:
    """Shrinks learned moves, then widens the intervals; the textbook's levels have no move to shrink."""
    y = blocks.y[:, 0]
    if model.learned and blocks.moves:
        quantiles, credit = shrinkage.shrink(quantiles, y, credit)
    quantiles, log_width = intervals.follow(quantiles, y, log_width)
    return quantiles, credit, log_width


def _trained_on(series: TimeSeries, split: Split) -> TrainedOn:
    return TrainedOn(
        series=series.name,
        unit=series.unit,
        frequency=series.frequency,
        first=iso(series.index[0]),
        last=iso(series.index[split.test - 1]),
        rows=split.test,
        sha256=series.fingerprint(split.test),
    )
