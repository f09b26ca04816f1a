"""From series to a trained model: the whole recipe, read top to bottom.

In: one `TimeSeries` or many, and a configuration. Out: a `TrainedModel`, plain numbers and arrays that forecast by
themselves, these series and others. The test rows are cut off before anything is fitted.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from forecast import intervals, shrinkage
from forecast.calendars import future_dates, iso, lookback_of, season_of
from forecast.config import MEDIAN, QUANTILES, ExperimentConfig
from forecast.errors import ConfigError, ModelError, SeriesTooShort
from forecast.exchanges import recognise
from forecast.features import check_future, enrich, inputs_of, names_of
from forecast.models import NETWORKS, Model, Problem, Validation, Watch, Weights, find_model
from forecast.models.architecture import member
from forecast.models.highway import apply_highway
from forecast.scaling import Scaler, fit_scaler
from forecast.series import TimeSeries
from forecast.windows import Blocks, Inputs, Panel, Split, outcomes, split_rows, test_start

Array = NDArray[np.float64]

# Steps for one series; for many they grow with the root of their number, up to the most.
STEPS, MOST_STEPS = 100, 1000


@dataclass(frozen=True, eq=False)
class TrainedOn:
    """A series that a model was trained on: its training and validation rows, their SHA-256, and what they gave.

    Attributes:
        scaler: Minimum and range of its training rows.
        credit: What the model's moves had earned at the end of its validation rows (`shrinkage.py`).
        log_width: The calibration of the intervals at that point, shape (H,) (`intervals.py`).
    """

    series: str
    unit: str
    frequency: str
    first: str
    last: str
    rows: int
    sha256: str
    scaler: Scaler
    credit: Array
    log_width: Array


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


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """Everything that a forecast needs, as numbers: a bundle holds just this.

    Attributes:
        config: Settled: with the lookback, season and steps that were used.
        target: The column that was forecast, in the first of the series.
        weights: What the model learned, arrays by name.
        history: Losses in the course of training.
        trained_on: The series that it was trained on.
    """

    model: str
    config: ExperimentConfig
    target: str
    weights: Weights
    history: tuple[Validation, ...]
    trained_on: tuple[TrainedOn, ...]
    seconds: float
    created: str
    interrupted: bool = False

    @property
    def problem(self) -> Problem:
        return problem_of(self.config)

    def member(self, number: int) -> "TrainedModel":
        """One of the networks of several seeds, by itself."""
        training = replace(self.config.training, seed=self.config.training.seed + number, seeds=1)
        config = replace(self.config, training=training)
        return replace(self, config=config, weights=member(self.weights, number))

    def predict(self, series: TimeSeries, first: int | None = None) -> Predictions:
        """Forecasts at every origin from row `first` to the last row, each from the rows up to it alone.

        Shrinkage and interval widths go on from where training left them and follow the outcomes that were known at
        each origin. On a series that the model was not trained on they begin with the rows that would have been for
        validation. By default `first` gives the last fifth of the rows, as in the test.

        Raises:
            SeriesTooShort: no row is left after the lookback.
            ModelError: the series lacks a column that the model was trained on, or the model gives directions.
        """
        self._check_task()
        series = self._ready(series)
        first = self._test_start(series) if first is None else first
        known, begin = self._known(series), self._begin(series, first)
        blocks, scaler = self._look(series, begin)
        model, problem, origin = find_model(self.model), self.problem, blocks.origin
        raw, linear = model.predict(self.weights, blocks, problem), apply_highway(self.weights, blocks)[:, 0]
        credit = known.credit if known else shrinkage.start()
        log_width = known.log_width if known else intervals.start(problem.horizon)
        quantiles, _, _ = _calibrate(model, raw, linear, blocks, credit=credit, log_width=log_width)
        wanted = slice(first - begin, None)
        return Predictions(
            model=self.model,
            origin=origin[wanted],
            last_value=series.y[origin[wanted]],
            actual=outcomes(series.y, origin[wanted], horizon=problem.horizon),
            quantiles=_levels(quantiles, blocks, series, scaler)[wanted],
        )

    def moves(self, series: TimeSeries) -> Moves:
        """The forecasts of `predict` in their parts, at the same origins; the last one is that of the coming steps.

        Raises:
            SeriesTooShort, ModelError: as `predict`.
        """
        self._check_task()
        series = self._ready(series)
        first = self._test_start(series)
        known, begin = self._known(series), self._begin(series, first)
        blocks, scaler = self._look(series, begin)
        model, problem, last = find_model(self.model), self.problem, series.y[blocks.origin]
        raw, linear = model.predict(self.weights, blocks, problem), apply_highway(self.weights, blocks)[:, 0]
        believed = np.ones((len(last), 2))
        if model.learned and blocks.moves:
            credit = known.credit if known else shrinkage.start()
            believed, _ = shrinkage.believe(linear, raw[..., MEDIAN] - linear, blocks.y[:, 0], credit)
        scale = blocks.scale[:, 0] * scaler.span[0]
        level = _levels(raw, blocks, series, scaler)[..., MEDIAN]
        wanted = slice(first - begin, None)
        return Moves(
            blocks=blocks.part(wanted),
            last_value=last[wanted],
            linear=(linear * scale)[wanted],
            own=(level - last[:, None] - linear * scale)[wanted],
            believed=believed[wanted],
            scale=scale[wanted],
        )

    def forecast(self, series: TimeSeries) -> Forecast:
        """The `horizon` steps after the last row of `series`.

        Raises:
            SeriesError: coming values of columns that are known ahead are missing.
        """
        check_future(series, self.config.inputs, horizon=self.config.horizon)
        series = self._ready(series)
        return next_steps(self.predict(series), series)

    def blocks(self, series: TimeSeries, first: int | None = None) -> Blocks:
        """What the model sees at the origins that `predict` forecasts from, one label each."""
        series = self._ready(series)
        return self._look(series, self._test_start(series) if first is None else first)[0]

    def _look(self, series: TimeSeries, first: int) -> tuple[Blocks, Scaler]:
        """What the model sees at every origin from `first` on, and how it was scaled."""
        known, inputs = self._known(series), inputs_of(series, self.config.inputs, horizon=self.problem.horizon)
        scaler = known.scaler if known else self._new_scaler(inputs, first)
        origin = np.arange(first, len(series))
        return find_model(self.model).blocks(_scaled(inputs, scaler), origin, self.problem), scaler

    def _known(self, series: TimeSeries) -> TrainedOn | None:
        """What was kept of a series that the model was trained on."""
        return next((known for known in self.trained_on if known.series == series.name), None)

    def _test_start(self, series: TimeSeries) -> int:
        """The origin before the first test row."""
        return max(self.problem.lookback, test_start(len(series), self.config) - 1)

    def _ready(self, series: TimeSeries) -> TimeSeries:
        """The series with the columns that the model sees, if it can be forecast from."""
        try:
            series = enrich(series, self.config.inputs)
            inputs_of(series, self.config.inputs, horizon=1)
        except ConfigError as error:
            raise ModelError(str(error)) from error
        lookback = self.problem.lookback
        if len(series) <= lookback:
            raise SeriesTooShort(
                f"{series.name}: this model needs at least {lookback + 1} rows (lookback={lookback}). "
                f"Received: {len(series)}, {lookback + 1 - len(series)} too few."
            )
        return series

    def _check_task(self) -> None:
        if self.config.task == "direction":
            raise ModelError(f"this {self.model} was trained on directions, which forecast.direction forecasts.")

    def _begin(self, series: TimeSeries, first: int) -> int:
        """The origin from which shrinkage and widths follow the outcomes, for forecasts from `first` on."""
        return first if self._known(series) else min(first, self._validation_start(series))

    def _validation_start(self, series: TimeSeries) -> int:
        """The origin before the first row that would have been for validation."""
        return max(self.problem.lookback, int(len(series) * self.config.train_share) - 1)

    def _new_scaler(self, inputs: Inputs, first: int) -> Scaler:
        """The scaler of a new series: any will do under the window normalisation, unless columns are known ahead."""
        if self.config.training.normalisation == "level" or self.problem.ahead:
            return fit_scaler(_columns(inputs)[: first + 1])
        return self.trained_on[0].scaler


def problem_of(config: ExperimentConfig) -> Problem:
    """What is forecast from what, by a settled configuration."""
    past, ahead = names_of(config.inputs, "")
    return Problem(config, len(past), len(ahead), config.season or 1, config.lookback or 0)


def settle(config: ExperimentConfig, series: Sequence[TimeSeries]) -> ExperimentConfig:
    """The configuration with lookback, season and steps, where they were left to the series."""
    frequency = series[0].frequency
    rows = int(np.median([len(one) for one in series]))
    steps = config.training.steps or min(MOST_STEPS, round(STEPS * sqrt(len(series))))
    return replace(
        config,
        lookback=config.lookback or lookback_of(frequency, rows),
        season=config.season or season_of(frequency),
        training=replace(config.training, steps=steps),
    )


def train(
    series: TimeSeries | Sequence[TimeSeries],
    model: str = "lstm",
    config: ExperimentConfig | None = None,
    *,
    watch: Watch | None = None,
) -> TrainedModel:
    """Trains one model on the first part of one series or of many; their last fifth is not looked at.

    Many series are seen equally often, however long each is. The model forecasts each of them, and others.

    Args:
        model: A name in the registry `MODELS`.
        config: Settings; the defaults are meant for every series.
        watch: Who is told of the progress, and where it is kept.
    Raises:
        ConfigError: no such model, no series, or two of one name.
        SeriesTooShort: the rows do not suffice for lookback, horizon and season.
    """
    several = [series] if isinstance(series, TimeSeries) else list(series)
    if not several:
        raise ConfigError("a model is trained on one series or more. Received: none.")
    names = Counter(one.name for one in several)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ConfigError(f"each series must have a name of its own. Twice there: {', '.join(twice)}.")
    chosen, config = find_model(model), settle(config or ExperimentConfig(), several)
    check_task(model, config)
    problem = problem_of(config)
    several = [enrich(one, config.inputs) for one in several]
    splits = [split_rows(len(one), config) for one in several]
    if chosen.gradient:
        import keras  # noqa: F401  its import takes seconds that are not the fit's
    started = time.perf_counter()
    inputs = [inputs_of(one, config.inputs, horizon=config.horizon) for one in several]
    scalers = [fit_scaler(_columns(one)[: split.validation]) for one, split in zip(inputs, splits, strict=True)]
    panel = Panel.of([_scaled(one, scaler) for one, scaler in zip(inputs, scalers, strict=True)], splits)
    fit = chosen.fit(panel, problem, watch or Watch())
    earned = [_calibrate_on_validation(chosen, fit.weights, one, split, problem) for one, split in panel]
    return TrainedModel(
        model=model,
        config=config,
        target=several[0].target,
        weights=fit.weights,
        history=fit.history,
        trained_on=tuple(map(_trained_on, several, splits, scalers, earned)),
        seconds=time.perf_counter() - started,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        interrupted=fit.interrupted,
    )


def check_task(model: str, config: ExperimentConfig) -> None:
    """Refuses a model that cannot do what is asked of it.

    Raises:
        ConfigError: directions are asked of a model that is no network, or there is no such model.
    """
    if config.task == "direction" and not find_model(model).gradient:
        raise ConfigError(f"the task direction is for networks: {', '.join(NETWORKS)}. Received: {model}.")


def _columns(inputs: Inputs) -> Array:
    """All columns side by side, shape (T, F+K)."""
    return np.column_stack([inputs.past, inputs.ahead[: len(inputs.past)]])


def _scaled(inputs: Inputs, scaler: Scaler) -> Inputs:
    past, ahead = scaler.parts(inputs.past.shape[1])
    return Inputs(past.transform(inputs.past), ahead.transform(inputs.ahead))


def _levels(quantiles: Array, blocks: Blocks, series: TimeSeries, scaler: Scaler) -> Array:
    """Normalised quantiles in the series' unit; a move of 0 gives the last value to the last digit."""
    levels = scaler.inverse(blocks.anchor[:, 0, 0], column=0)
    anchor = series.y[blocks.origin] if blocks.moves else levels
    scale = blocks.scale[:, 0] * scaler.span[0]
    return np.asarray(anchor[:, None, None] + quantiles * scale[:, :, None])


def next_steps(predictions: Predictions, series: TimeSeries) -> Forecast:
    """The forecast at the last origin of `predictions`, with the dates of the series' exchange or frequency."""
    quantiles = predictions.quantiles[-1]
    return Forecast(
        model=predictions.model,
        series=series.name,
        unit=series.unit,
        origin=iso(series.index[-1]),
        dates=coming_dates(series, len(quantiles)),
        levels=QUANTILES,
        quantiles=quantiles,
    )


def coming_dates(series: TimeSeries, steps: int) -> tuple[str, ...]:
    """When the next rows of a series are due, by its exchange or frequency."""
    exchange = series.exchange or recognise(series.index)
    dates = future_dates(series.index, frequency=series.frequency, periods=steps, exchange=exchange)
    return tuple(iso(date) for date in dates)


def _calibrate_on_validation(
    model: Model, weights: Weights, inputs: Inputs, split: Split, problem: Problem
) -> tuple[Array, Array]:
    """What the model earned on the validation rows of one series, up to the last one; nothing with directions."""
    if problem.config.task == "direction":
        return shrinkage.start(), intervals.start(problem.horizon)
    blocks = model.blocks(inputs, np.arange(split.validation - 1, split.test), problem)
    quantiles, linear = model.predict(weights, blocks, problem), apply_highway(weights, blocks)[:, 0]
    nothing = {"credit": shrinkage.start(), "log_width": intervals.start(problem.horizon)}
    _, credit, log_width = _calibrate(model, quantiles, linear, blocks, **nothing)
    return credit, log_width


def _calibrate(
    model: Model, quantiles: Array, linear: Array, blocks: Blocks, *, credit: Array, log_width: Array
) -> tuple[Array, Array, Array]:
    """Shrinks learned moves, then widens the intervals; the textbook's levels have no move to shrink."""
    y = blocks.y[:, 0]
    if model.learned and blocks.moves:
        quantiles, credit = shrinkage.shrink(quantiles, linear, y, credit)
    quantiles, log_width = intervals.follow(quantiles, y, log_width)
    return quantiles, credit, log_width


def _trained_on(series: TimeSeries, split: Split, scaler: Scaler, earned: tuple[Array, Array]) -> TrainedOn:
    return TrainedOn(
        series=series.name,
        unit=series.unit,
        frequency=series.frequency,
        first=iso(series.index[0]),
        last=iso(series.index[split.test - 1]),
        rows=split.test,
        sha256=series.fingerprint(split.test),
        scaler=scaler,
        credit=earned[0],
        log_width=earned[1],
    )
