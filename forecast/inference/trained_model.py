"""A trained model: plain numbers and arrays that forecast by themselves, the series that it was trained on and others.

In: a `TimeSeries`. Out: `Predictions` at past origins, or the `Forecast` of the coming steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from forecast.config import MEDIAN, ExperimentConfig
from forecast.data.covariates import check_future, enrich, inputs_of, names_of
from forecast.data.scaling import Scaler, fit_scaler
from forecast.data.series import TimeSeries
from forecast.data.windows import Blocks, Inputs, outcomes, test_start
from forecast.errors import ConfigError, ModelError, SeriesTooShort
from forecast.inference import conformal as intervals
from forecast.inference import shrinkage
from forecast.inference.forecasts import Forecast, Moves, Predictions, next_steps
from forecast.models import Model, Problem, Validation, Weights, find_model
from forecast.models.highway import apply_highway
from forecast.models.neural.architecture import member
from forecast.models.neural.network import Network
from forecast.typing import Array

Record = Mapping[str, Any]

# Origins before the last row that shrinkage and interval widths are followed over for a forecast, at most.
TRAIL = 2000
# Series that go through a network together.
TOGETHER = 32


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
    expert_losses: Array
    log_scale: Array
    exchange: str = ""


@dataclass(frozen=True, eq=False)
class Path:
    """What a model said at N origins up to the last row of a series, and what came, in normalised units.

    Attributes:
        quantiles: Of all origins, shape (N, H, Q); of a series that is not known those of the last alone, (1, H, Q).
        median: Shape (N, H).
        linear: The part of the highway, shape (N, H).
        y: Shape (N, H), NaN where it is not known yet.
        known: What was kept of the series, if the model was trained on it.
    """

    quantiles: Array
    median: Array
    linear: Array
    y: Array
    known: TrainedOn | None


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
        quantiles, _ = shrink_moves(model, raw, linear, blocks, known.expert_losses if known else shrinkage.start())
        y, passed = blocks.y[:, 0], 0
        if known:
            log_scale = known.log_scale
        else:
            passed = max(0, first - begin - problem.horizon + 1)  # origins whose every outcome is known at `first`
            log_scale = intervals.calibrate(quantiles[:passed], y[:passed])
        quantiles[passed:], _ = intervals.follow(quantiles[passed:], y[passed:], log_scale)
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
        factors = np.ones((len(last), 2))
        if model.learned and blocks.moves:
            expert_losses = known.expert_losses if known else shrinkage.start()
            factors, _ = shrinkage.believe(linear, raw[..., MEDIAN] - linear, blocks.y[:, 0], expert_losses)
        scale = blocks.scale[:, 0] * scaler.span[0]
        level = _levels(raw, blocks, series, scaler)[..., MEDIAN]
        wanted = slice(first - begin, None)
        return Moves(
            blocks=blocks.part(wanted),
            last_value=last[wanted],
            linear=(linear * scale)[wanted],
            network=(level - last[:, None] - linear * scale)[wanted],
            shrinkage=factors[wanted],
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
        paths = [self._path(*parts) for parts in zip(several, trails, passed, now, raw, strict=True)]
        alike: dict[tuple[int, bool], list[int]] = {}
        for place, path in enumerate(paths):
            alike.setdefault((len(path.y), path.known is None), []).append(place)
        found = {}
        for places in alike.values():
            last = self._believed([paths[place] for place in places], shrunk=network.learned and now[0][0].moves)
            for place, quantiles in zip(places, last, strict=True):
                blocks, scaler = now[place]
                found[place] = _levels(quantiles[None], blocks, several[place], scaler)[0]
        return [found[place] for place in range(len(several))]

    def _path(self, series: TimeSeries, trail: Blocks, passed: Array, now: tuple[Blocks, Scaler], raw: Array) -> "Path":
        """The forecasts of a trail and that of the last row, one behind the other."""
        blocks, known, count = now[0], self.known(series), max(0, len(series) - 1 - int(trail.origin[0]))
        parts = zip(
            (passed if known else passed[:0], passed[..., MEDIAN], apply_highway(self.weights, trail), trail.y),
            (raw, raw[..., MEDIAN], apply_highway(self.weights, blocks), blocks.y),
            strict=True,
        )
        rows = [np.concatenate([old.reshape(-1, *old.shape[2:])[:count], new[:, 0]]) for old, new in parts]
        return Path(rows[0], rows[1], rows[2], rows[3], known)

    def _believed(self, paths: "Sequence[Path]", *, shrunk: bool) -> Array:
        """Quantiles (B, H, Q) after the last row of B series with as many rows, all of them known or none."""
        quantiles, median, linear, y = (
            np.stack([getattr(path, name) for path in paths]) for name in ("quantiles", "median", "linear", "y")
        )
        known = [path.known for path in paths if path.known]
        if shrunk:
            expert_losses = np.stack([one.expert_losses for one in known]) if known else shrinkage.start()
            quantiles, _ = shrinkage.shrink(quantiles, linear, y, expert_losses, median=median)
        log_scale = np.stack([one.log_scale for one in known]) if known else self._usual_width
        quantiles, _ = intervals.follow(quantiles, y[:, -quantiles.shape[1] :], log_scale)
        return quantiles[:, -1]

    def _trail(self, network: Network, series: TimeSeries, scaler: Scaler) -> Blocks:
        """Blocks over the origins since training left the series, or since its validation rows would begin."""
        known, last = self.known(series), len(series) - 1
        begin = max(self._state_origin(series, known), last - TRAIL)
        inputs = scale_inputs(inputs_of(series, self.config.inputs, horizon=1), scaler)
        return network.trail(inputs, min(begin, last), last + (begin >= last), self.problem)

    @cached_property
    def _usual_width(self) -> Array:
        """The calibration of the intervals of a series that is not known: the mean of those that are."""
        return np.asarray(np.mean([known.log_scale for known in self.trained_on], axis=0))

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
        return self._answers.blocks(scale_inputs(inputs, scaler), origin, self.problem), scaler

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
            return fit_scaler(all_columns(inputs)[: first + 1])
        return self.trained_on[0].scaler


def problem_of(config: ExperimentConfig) -> Problem:
    """What is forecast from what, by a settled configuration."""
    past, ahead = names_of(config.inputs, "")
    return Problem(config, len(past), len(ahead), config.season or 1, config.lookback or 0)


def all_columns(inputs: Inputs) -> Array:
    """All columns side by side, shape (T, F+K)."""
    return np.column_stack([inputs.past, inputs.ahead[: len(inputs.past)]])


def scale_inputs(inputs: Inputs, scaler: Scaler) -> Inputs:
    """The columns in the scaler's units."""
    past, ahead = scaler.parts(inputs.past.shape[1])
    return Inputs(past.transform(inputs.past), ahead.transform(inputs.ahead))


def _levels(quantiles: Array, blocks: Blocks, series: TimeSeries, scaler: Scaler) -> Array:
    """Normalised quantiles in the series' unit; a move of 0 gives the last value to the last digit."""
    levels = scaler.inverse(blocks.anchor[:, 0, 0], column=0)
    anchor = series.y[blocks.origin] if blocks.moves else levels
    scale = blocks.scale[:, 0] * scaler.span[0]
    return np.asarray(anchor[:, None, None] + quantiles * scale[:, :, None])


def shrink_moves(
    model: Model, quantiles: Array, linear: Array, blocks: Blocks, expert_losses: Array
) -> tuple[Array, Array]:
    """Shrinks learned moves; the textbook's levels have none."""
    if model.learned and blocks.moves:
        return shrinkage.shrink(quantiles, linear, blocks.y[:, 0], expert_losses)
    return quantiles, expert_losses
