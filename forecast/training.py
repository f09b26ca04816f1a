"""From series to a trained model: the whole recipe, read top to bottom.

In: one `TimeSeries` or many, and a configuration. Out: a `TrainedModel`, plain numbers and arrays that forecast by
themselves, these series and others. The test rows are cut off before anything is fitted.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast import intervals, shrinkage
from forecast.calendars import future_dates, iso, lookback_of, season_of
from forecast.config import MEDIAN, QUANTILES, ExperimentConfig
from forecast.errors import ConfigError, ModelError, SeriesTooShort
from forecast.exchanges import recognise
from forecast.features import check_future, enrich, inputs_of, names_of
from forecast.models import NETWORKS, Fit, Model, Problem, Start, Validation, Watch, Weights, find_model
from forecast.models.architecture import member
from forecast.models.highway import apply_highway
from forecast.models.networks import Network
from forecast.scaling import Scaler, fit_scaler
from forecast.series import TimeSeries
from forecast.versions import versions_here
from forecast.windows import Blocks, Inputs, Panel, Split, outcomes, split_rows, test_start

Array = NDArray[np.float64]
Record = Mapping[str, Any]

# Origins before the last row that shrinkage and interval widths are followed over for a forecast, at most.
TRAIL = 2000
# Series that go through a network together.
TOGETHER = 100
# Steps for one series; for many they grow with the root of their number, up to the most.
STEPS, MOST_STEPS = 100, 1000


@dataclass(frozen=True, eq=False)
class TrainedOn:
    """A series that a model was trained on: its training and validation rows, their SHA-256, and what they gave.

    Attributes:
        scaler: Minimum and range of its training rows.
        credit: What the model's moves had earned at the end of its validation rows (`shrinkage.py`).
        log_width: The calibration of the intervals by its validation rows, shape (H, 2) (`intervals.py`).
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
    exchange: str = ""


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
        tested: How good it was on rows that it had not seen, one record a series: scores, verdict, span.
        ancestry: The models that it was trained on from, oldest first.
        versions: Of the libraries that trained it, and Keras' backend.
        runtime: What forecasts in place of the registered model, such as a Keras network; never saved.
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
    tested: tuple[Record, ...] = ()
    ancestry: tuple[Record, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    runtime: Model | None = None

    @property
    def problem(self) -> Problem:
        return problem_of(self.config)

    @property
    def _answers(self) -> Model:
        return self.runtime or find_model(self.model)

    def summary(self) -> Record:
        """What a model that is trained on from this one keeps of it."""
        series = [known.series for known in self.trained_on]
        return {"model": self.model, "created": self.created, "series": series, "last": self.trained_on[0].last}

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
        known, begin = self.known(series), self._begin(series, first)
        blocks, scaler = self._look(series, begin)
        model, problem, origin = self._answers, self.problem, blocks.origin
        raw, linear = model.predict(self.weights, blocks, problem), apply_highway(self.weights, blocks)[:, 0]
        quantiles, _ = _shrink(model, raw, linear, blocks, known.credit if known else shrinkage.start())
        y, passed = blocks.y[:, 0], 0
        if known:
            log_width = known.log_width
        else:
            passed = max(0, first - begin - problem.horizon + 1)  # origins whose every outcome is known at `first`
            log_width = intervals.calibrate(quantiles[:passed], y[:passed])
        quantiles[passed:], _ = intervals.follow(quantiles[passed:], y[passed:], log_width)
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
        known, begin = self.known(series), self._begin(series, first)
        blocks, scaler = self._look(series, begin)
        model, problem, last = self._answers, self.problem, series.y[blocks.origin]
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
        return self.forecasts([series])[0]

    def forecasts(self, several: Sequence[TimeSeries]) -> list[Forecast]:
        """The same for many series, which go through the network together."""
        for series in several:
            check_future(series, self.config.inputs, horizon=self.config.horizon)
        ready, network = [self._ready(series) for series in several], self._answers
        if isinstance(network, Network) and self.config.task == "forecast":
            quantiles = [
                last
                for n in range(0, len(ready), TOGETHER)
                for last in self._last_quantiles(network, ready[n : n + TOGETHER])
            ]
        else:
            quantiles = [self.predict(series).quantiles[-1] for series in ready]
        return [
            next_steps(self.model, last, self._with_exchange(one)) for last, one in zip(quantiles, ready, strict=True)
        ]

    def _last_quantiles(self, network: Network, several: Sequence[TimeSeries]) -> list[Array]:
        """Quantiles (H, Q) after the last row of each series; rows before are looked at by blocks of many labels."""
        now = [self._look(series, len(series) - 1) for series in several]
        trails = [self._trail(network, series, scaler) for series, (_, scaler) in zip(several, now, strict=True)]
        passed = network.quantiles(self.weights, trails, self.problem)
        raw = network.quantiles(self.weights, [blocks for blocks, _ in now], self.problem)
        found = []
        for series, trail, before, (blocks, scaler), last in zip(several, trails, passed, now, raw, strict=True):
            known, count = self.known(series), max(0, len(series) - 1 - int(trail.origin[0]))
            past = before, apply_highway(self.weights, trail), trail.y
            quantiles, linear, y = (part.reshape(-1, *part.shape[2:])[:count] for part in past)
            quantiles = np.concatenate([quantiles, last[:, 0]])
            linear = np.concatenate([linear, apply_highway(self.weights, blocks)[:, 0]])
            y = np.concatenate([y, blocks.y[:, 0]])
            if network.learned and blocks.moves:
                quantiles, _ = shrinkage.shrink(quantiles, linear, y, known.credit if known else shrinkage.start())
            rows = slice(None) if known else slice(-1, None)
            quantiles, _ = intervals.follow(quantiles[rows], y[rows], known.log_width if known else self._usual_width)
            found.append(np.asarray(_levels(quantiles[-1:], blocks, series, scaler)[0]))
        return found

    def _trail(self, network: Network, series: TimeSeries, scaler: Scaler) -> Blocks:
        """Blocks over the origins since training left the series, or since its validation rows would begin."""
        known, last = self.known(series), len(series) - 1
        begin = max(self._state_origin(series, known), last - TRAIL)
        inputs = _scaled(inputs_of(series, self.config.inputs, horizon=1), scaler)
        return network.trail(inputs, min(begin, last), last + (begin >= last), self.problem)

    @cached_property
    def _usual_width(self) -> Array:
        """The calibration of the intervals of a series that is not known: the mean of those that are."""
        return np.asarray(np.mean([known.log_width for known in self.trained_on], axis=0))

    @cached_property
    def _by_name(self) -> dict[str, TrainedOn]:
        return {known.series: known for known in reversed(self.trained_on)}

    def _with_exchange(self, series: TimeSeries) -> TimeSeries:
        """The series with the exchange that was recognised in training, which spares looking for it again."""
        known = self.known(series)
        return replace(series, exchange=known.exchange) if known and known.exchange and not series.exchange else series

    def _state_origin(self, series: TimeSeries, known: TrainedOn | None) -> int:
        """The origin from which shrinkage and interval widths go on: where training left them, or validation begins."""
        if known is None:
            return self._validation_start(series)
        return max(self.problem.lookback, int(series.index.searchsorted(pd.Timestamp(known.last), side="right")) - 1)

    def blocks(self, series: TimeSeries, first: int | None = None) -> Blocks:
        """What the model sees at the origins that `predict` forecasts from, one label each."""
        series = self._ready(series)
        return self._look(series, self._test_start(series) if first is None else first)[0]

    def _look(self, series: TimeSeries, first: int) -> tuple[Blocks, Scaler]:
        """What the model sees at every origin from `first` on, and how it was scaled."""
        known, inputs = self.known(series), inputs_of(series, self.config.inputs, horizon=self.problem.horizon)
        scaler = known.scaler if known else self._new_scaler(inputs, first)
        origin = np.arange(first, len(series))
        return self._answers.blocks(_scaled(inputs, scaler), origin, self.problem), scaler

    def known(self, series: TimeSeries) -> TrainedOn | None:
        """What was kept of a series that the model was trained on."""
        return self._by_name.get(series.name)

    def _test_start(self, series: TimeSeries) -> int:
        """The origin before the first test row."""
        if known := self.known(series):
            return min(self._state_origin(series, known), len(series) - 1)
        return max(self.problem.lookback, test_start(len(series), self.config) - 1)

    def _begin(self, series: TimeSeries, first: int) -> int:
        """The origin from which shrinkage and widths follow the outcomes, for forecasts from `first` on."""
        return min(first, self._state_origin(series, self.known(series)))

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
    cutoff: int | None = None,
    watch: Watch | None = None,
    start: TrainedModel | None = None,
    freeze: bool = False,
) -> TrainedModel:
    """Trains one model on the first part of one series or of many; their last fifth is not looked at.

    Many series are seen equally often, however long each is. The model forecasts each of them, and others.

    Args:
        model: A name in the registry `MODELS`.
        config: Settings; the defaults are meant for every series.
        cutoff: The first row that is not looked at, instead of that of the last fifth.
        watch: Who is told of the progress, and where it is kept.
        start: A network to go on from; one of the same shape. Series that it knows keep their scaler, and rows of
            theirs that it has not seen are drawn as often as all others together.
        freeze: With `start`, leave all layers but the head as they are.
    Raises:
        ConfigError: no such model, no series, or two of one name; `start` has another shape.
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
    splits = [split_rows(len(one), config, cutoff) for one in several]
    if chosen.gradient:
        import keras  # noqa: F401  its import takes seconds that are not the fit's
    started = time.perf_counter()
    inputs = [inputs_of(one, config.inputs, horizon=config.horizon) for one in several]
    known = [start.known(one) if start else None for one in several]
    scalers = [
        old.scaler if old else fit_scaler(_columns(one)[: split.validation])
        for one, split, old in zip(inputs, splits, known, strict=True)
    ]
    panel = Panel.of([_scaled(one, scaler) for one, scaler in zip(inputs, scalers, strict=True)], splits)
    if start:
        fit = _go_on(start, _with_news(panel, several, known, problem), problem, watch or Watch(), freeze=freeze)
    else:
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
        ancestry=(*start.ancestry, start.summary()) if start else (),
        versions=_versions(chosen),
    )


def _go_on(start: TrainedModel, panel: Panel, problem: Problem, watch: Watch, *, freeze: bool) -> Fit:
    """Trains on from the weights of another network.

    Raises:
        ConfigError: it is no network, or has another shape than the configuration asks for.
    """
    network = find_model(start.model)
    if not isinstance(network, Network):
        raise ConfigError(f"a training goes on from a network: {', '.join(NETWORKS)}. Received: {start.model}.")
    expected = network.shapes(problem)
    if wrong := sorted(name for name, array in start.weights.items() if expected.get(name) != array.shape):
        raise ConfigError(
            f"a training goes on with the lookback, horizon, columns and layers of the network that it starts from. "
            f"{wrong[0]} has the shape {start.weights[wrong[0]].shape}, and would need {expected.get(wrong[0])}."
        )
    return network.fit(panel, problem, watch, Start(start.weights, freeze))


def _with_news(
    panel: Panel, several: Sequence[TimeSeries], known: Sequence[TrainedOn | None], problem: Problem
) -> Panel:
    """The panel, and once more the latest rows of each series of which some are new to the model.

    Each series of a panel is seen as often as any other, so that new rows are half of what is seen of a series.
    """
    parts = list(panel)
    least = problem.lookback + problem.horizon + problem.config.training.labels
    for (inputs, split), one, old in zip(panel, several, known, strict=True):
        seen = int(one.index.searchsorted(pd.Timestamp(old.last), side="right")) if old else split.validation
        first = max(0, min(int(seen * _share_of_training(problem.config)), split.validation - least))
        if 0 < first < split.validation and seen < split.rows:
            rest = Inputs(inputs.past[first:], inputs.ahead[first:])
            parts.append((rest, Split(split.validation - first, split.test - first, split.rows - first)))
    return Panel.of([inputs for inputs, _ in parts], [split for _, split in parts])


def _share_of_training(config: ExperimentConfig) -> float:
    """The training rows among those that a model has seen."""
    return config.train_share / (config.train_share + config.validation_share)


def _versions(model: Model) -> dict[str, str]:
    """The versions of the libraries that trained a model; of networks the backend of Keras as well."""
    import sys

    found = versions_here()
    if model.gradient and "keras" in sys.modules:
        found["backend"] = str(sys.modules["keras"].backend.backend())
    return found


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
    exchange = exchange or recognise(index)
    return tuple(map(iso, future_dates(index, frequency=frequency, periods=steps, exchange=exchange)))


def _calibrate_on_validation(
    model: Model, weights: Weights, inputs: Inputs, split: Split, problem: Problem
) -> tuple[Array, Array]:
    """What the model earned on the validation rows of one series, up to the last one; nothing with directions."""
    if problem.config.task == "direction":
        return shrinkage.start(), intervals.start(problem.horizon)
    blocks = model.blocks(inputs, np.arange(split.validation - 1, split.test), problem)
    quantiles, linear = model.predict(weights, blocks, problem), apply_highway(weights, blocks)[:, 0]
    shrunk, credit = _shrink(model, quantiles, linear, blocks, shrinkage.start())
    return credit, intervals.calibrate(shrunk, blocks.y[:, 0])


def _shrink(model: Model, quantiles: Array, linear: Array, blocks: Blocks, credit: Array) -> tuple[Array, Array]:
    """Shrinks learned moves; the textbook's levels have none."""
    if model.learned and blocks.moves:
        return shrinkage.shrink(quantiles, linear, blocks.y[:, 0], credit)
    return quantiles, credit


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
        exchange=series.exchange or recognise(series.index),
    )
