"""A trained model: plain numbers and arrays that forecast by themselves, on the series it was trained on and others.

In: a `TimeSeries`. Out: a `Backtest` at past origins, or the `Forecast` of the coming steps: the same computation,
`TrainedModel.at_origins`, at many origins or at the last one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from forecast.config import MEDIAN, QUANTILES, ExperimentConfig
from forecast.data.calendar.frequency import moment
from forecast.data.covariates import check_future, names_of
from forecast.data.dataset import Dataset, all_columns, prepare
from forecast.data.scaling import Scaler, fit_scaler
from forecast.data.series import TimeSeries
from forecast.data.sources import Source, load_for
from forecast.data.split import test_start
from forecast.data.windows import Blocks, Flags, Inputs, outcomes, spaced
from forecast.display import Chart, Panel, Shown
from forecast.errors import ConfigError, ModelError, SeriesTooShort
from forecast.inference import conformal, shrinkage
from forecast.inference.bounds import keep_in_bounds
from forecast.inference.charts import chart_losses
from forecast.inference.forecasts import Backtest, Forecast, Moves, index_of, next_steps
from forecast.inference.paths import sample_paths
from forecast.inference.trajectory import Checkpoint, TrainedOn, Trajectory
from forecast.models import Estimator, Problem, Validation, Weights, find_model
from forecast.models.highway import apply_highway
from forecast.models.neural.architecture import member
from forecast.models.neural.network import Network, in_order
from forecast.models.volatility import past_quantiles, with_volatility
from forecast.runtime.blas import one_thread
from forecast.typing import Array, Rows

Record = Mapping[str, Any]

# Series that go through a network together.
TOGETHER = 128
# Rows whose outcomes decide on the shrinkage of a series that the model was not trained on.
RECENT = 128
# Values of forecasts that are in memory at once while shrinkage and calibration are followed to the last row.
CELLS = 2**21
# Losses are rounded to multiples of one over this, whose sums are exact, from whichever row on they are taken.
EXACT = 2.0**24


@dataclass(frozen=True, eq=False, repr=False)
class TrainedModel(Shown):
    """Everything that a forecast needs, as numbers: a bundle holds just this.

    Attributes:
        config: With the lookback, season and steps that were used.
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
    runtime: Network | None = None

    def to_frame(self) -> pd.DataFrame:
        """One row a series that it was trained on: rows, span and unit."""
        rows = [(one.rows, one.first, one.last, one.frequency, one.unit) for one in self.trained_on]
        names = pd.Index([one.series for one in self.trained_on], name="series")
        return pd.DataFrame(rows, names, ["rows", "first", "last", "frequency", "unit"])

    def chart(self) -> Chart:
        """The losses of the training.

        Raises:
            ConfigError: the model was not trained step by step.
        """
        return chart_losses(self.model, self.history, self.config.loss) if self.history else super().chart()

    def _headline(self) -> str:
        names = [one.series for one in self.trained_on]
        known = f"{names[0]} and {len(names) - 1:,} more" if len(names) > 1 else "".join(names)
        return f"{self.model}, trained on {known}, {self.config.resolved_horizon} steps ahead"

    def _panels(self) -> tuple[Panel, ...]:
        said = [one["verdict"]["sentence"] for one in self.tested if one.get("verdict", {}).get("sentence")]
        size = f"{sum(array.size for array in self.weights.values()):,} numbers, made {self.created}"
        lines = (find_model(self.model).summary, f"{size} in {self.seconds:.1f} s.", *said)
        return (Panel(self.to_frame(), lines, self.chart() if self.history else None),)

    @cached_property
    def problem(self) -> Problem:
        return problem_of(self.config)

    @property
    def estimator(self) -> Estimator:
        """What forecasts with the weights: the registered model, or what was opened in its place."""
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

    def backtest(self, series: Source | Dataset, first: int | None = None) -> Backtest:
        """Forecasts at every origin from row `first` to the last row, each from the rows up to it alone.

        By default `first` gives the last fifth of the rows, as in the test. `series` is anything that `load` takes.

        Raises:
            SeriesTooShort: no row is left after the lookback.
            ModelError: the series lacks a column that the model was trained on, or the model gives directions.
        """
        (found,) = self.at_origins([series], first)
        return self._backtest(found)

    def test(self, series: Source | Dataset, *, stride: int = 1) -> tuple[Backtest, Self]:
        """The backtest of the test rows, and the model with a checkpoint after the last of them.

        Args:
            stride: Rows from one origin to the next, as in `at_origins`.
        Raises:
            SeriesTooShort, ModelError: as `backtest`.
        """
        ((found, tested),) = self.test_all([series], stride=stride)
        return found, tested

    def test_all(self, several: Sequence[Source | Dataset], *, stride: int = 1) -> list[tuple[Backtest, Self]]:
        """The same for several series, which go through a network together; each with a model of its own."""
        return [(self._backtest(found), self._tested(found)) for found in self.at_origins(several, stride=stride)]

    def _tested(self, found: Trajectory) -> Self:
        checkpoint, name = found.checkpoint(), found.dataset.name
        known = (replace(one, checkpoint=checkpoint) if one.series == name else one for one in self.trained_on)
        return replace(self, trained_on=tuple(known))

    def _backtest(self, found: Trajectory) -> Backtest:
        origin = found.blocks.origin
        return Backtest(
            model=self.model,
            origin=origin,
            last_value=found.last_value,
            actual=_actual(found.dataset.series.known_y, origin, self.problem.horizon),
            quantiles=found.levels,
            network_share=found.network_share if self.estimator.is_network else None,
            index=index_of(found.dataset.series, self.problem.horizon),
            unit=found.dataset.series.unit,
            stride=found.stride,
        )

    def predict(self, series: Source | Dataset) -> Forecast:
        """The `horizon` steps after the last row of `series`: the backtest's forecast at the last origin.

        `series` is anything that `load` takes.

        Raises:
            SeriesError: coming values of columns that are known ahead are missing.
        """
        return self.predict_all([series])[0]

    def predict_all(self, several: Sequence[Source | Dataset]) -> list[Forecast]:
        """The same for several series, which go through a network together."""
        parts = (several[start : start + TOGETHER] for start in range(0, len(several), TOGETHER))
        return [one for part in parts for one in self._predict_together(part)]

    def _predict_together(self, several: Sequence[Source | Dataset]) -> list[Forecast]:
        """The coming steps of a few series; nothing else of what they were made from is kept."""
        ready = [self.prepare(series) for series in several]
        for one in ready:
            check_future(one.series, self.config.inputs, horizon=self.config.resolved_horizon)
        found = self.at_origins(ready, last=True)
        return [next_steps(self.model, one.levels[-1].copy(), one.dataset.series) for one in found]

    def paths(self, series: Source | Dataset, n: int = 1000, seed: int = 0) -> Array:
        """Draw `n` joint paths of the coming steps, shape (n, H), whose steps have the quantiles of `predict`.

        Raises:
            SeriesError, ConfigError: as `predict`; `n` is below 1.
        """
        found = self.predict(series)
        return sample_paths(found.quantiles, found.levels, count=n, seed=seed)

    def moves(self, series: Source | Dataset) -> Moves:
        """The components of the forecasts of `backtest`, at the same origins; the last one is that of `predict`.

        Raises:
            SeriesTooShort, ModelError: as `backtest`.
        """
        (found,) = self.at_origins([series])
        base, network = found.base[..., MEDIAN], found.network[..., MEDIAN]
        whole = base + found.factors[:, [0]] * found.linear + found.factors[:, [1]] * network
        size = found.blocks.scale[:, 0] * found.scaler.span[0]
        moved = found.blocks.denormalise(whole) * found.scaler.span[0]
        scale = np.divide(moved, whole, out=size.copy(), where=whole != 0)
        return Moves(
            blocks=found.blocks,
            last_value=found.last_value,
            usual=base * scale,
            linear=found.linear * scale,
            network=network * scale if found.blocks.moves else found.levels[..., MEDIAN] - found.last_value[:, None],
            shrinkage=found.factors,
            scale=scale,
            median=found.levels[..., MEDIAN],
        )

    @one_thread()
    def at_origins(
        self, several: Sequence[Source | Dataset], first: int | None = None, *, last: bool = False, stride: int = 1
    ) -> list[Trajectory]:
        """The one computation of forecasts: at every origin of each series from row `first` on, or at the last alone.

        On a series that the model was trained on, shrinkage and calibration go on from where training left them, origin
        by origin, with the outcomes that were known at each. On any other series its own recent outcomes decide on the
        shrinkage, and the calibration is the mean of those of the training series.

        Args:
            stride: Rows from one origin to the next, counted back from the last row, on series that the model was
                trained on.
        """
        if self.config.task == "direction":
            raise ModelError(
                f"this {self.model} was trained on directions: forecast.inference.direction predicts them."
            )
        ready = [self.prepare(series) for series in several]
        firsts = [len(one) - 1 if last else self._test_start(one) if first is None else first for one in ready]
        saved = [self._checkpoint(one, begin) for one, begin in zip(ready, firsts, strict=True)]
        begins = [self._begin(*parts) for parts in zip(ready, firsts, saved, strict=True)]
        scaled = [self._scaled(one, begin) for one, begin in zip(ready, begins, strict=True)]
        if last:
            saved = [self._caught_up(*parts) for parts in zip(ready, scaled, begins, saved, strict=True)]
            begins = [self._begin(*parts) for parts in zip(ready, firsts, saved, strict=True)]
        seen = [
            (self._blocks(inputs, begin, stride), scaler)
            for (inputs, scaler), begin in zip(scaled, begins, strict=True)
        ]
        raw = self.estimator.predict_each(self.weights, [blocks for blocks, _ in seen], self.problem)
        trails = [self._trail(*parts) for parts in zip(ready, firsts, [blocks for blocks, _ in seen], strict=True)]
        past = [
            self._past(blocks.inputs, int((trail or blocks).origin[0]), len(one), stride)
            for one, trail, (blocks, _) in zip(ready, trails, seen, strict=True)
        ]
        losses = self._recent_losses(trails, firsts, past)
        made = [self._adapt(*parts, stride=stride) for parts in zip(ready, seen, raw, losses, past, saved, strict=True)]
        return [one.after(begin) for one, begin in zip(made, firsts, strict=True)]

    def _caught_up(
        self, dataset: Dataset, scaled: tuple[Inputs, Scaler], begin: int, checkpoint: Checkpoint | None
    ) -> Checkpoint | None:
        """The checkpoint of a series, followed part by part from origin `begin` to where one part is left.

        So the memory that a forecast takes does not grow with the rows since training.
        """
        inputs, scaler = scaled
        horizon = self.problem.horizon
        count = max(2 * horizon, CELLS // (horizon * len(QUANTILES)))
        while begin + 2 * count < len(dataset):
            origin = np.arange(begin, begin + count)
            blocks = self.estimator.blocks(inputs, origin, self.problem)
            (raw,) = self.estimator.predict_each(self.weights, [blocks], self.problem)
            past = self._past(inputs, begin, begin + count)
            checkpoint = self._adapt(dataset, (blocks, scaler), raw, None, past, checkpoint).checkpoint()
            begin += count - horizon
        return checkpoint

    def _adapt(
        self,
        dataset: Dataset,
        seen: tuple[Blocks, Scaler],
        raw: Array,
        losses: Array | None,
        past: Array,
        checkpoint: Checkpoint | None,
        *,
        stride: int = 1,
    ) -> Trajectory:
        """Shrink and calibrate raw forecasts at origins that follow one another.

        Args:
            raw: Normalised quantiles, shape (N, 1, H, Q).
            seen: What the model saw, and how it was scaled.
            losses: The expert losses at each origin of a series that the model was not trained on, shape (N, E).
            past: Quantiles of past moves at the origins, the last of its rows, shape (N or more, H, Q).
            checkpoint: The state at the first H of the origins, where the series was tested before.
        """
        blocks, scaler = seen
        known, y, raw, past = self.known(dataset), blocks.y[:, 0], raw[:, 0], past[-len(raw) :]
        linear = apply_highway(self.weights, blocks)[:, 0]
        parts, factors, quantiles = shrinkage.parts_of(raw, linear, past), np.ones((len(raw), 2)), raw
        if known:
            start = checkpoint.expert_losses if checkpoint else known.expert_losses
            count = len(checkpoint.factors) if checkpoint else 0
            shrinks = self._shrinks
            losses = np.tile(start, (len(raw), 1))
            if shrinks:
                losses = shrinkage.follow_losses(parts, y, start, seen=count, stride=stride)
        if self._shrinks:
            trust = shrinkage.trust_in(self.estimator, np.isfinite(past[:, 0, 0]))
            factors = shrinkage.factors_of(np.asarray(losses), horizon=self.problem.horizon, trust=trust)
            if checkpoint:
                factors[: len(checkpoint.factors)] = checkpoint.factors
            quantiles = shrinkage.shrink(parts, factors)
        measured = np.asarray(np.isfinite(past).all(axis=(1, 2)))
        log_scales = self._log_scales(quantiles, y, measured, known, checkpoint, stride)
        levels = levels_of(in_order(conformal.stretch(quantiles, log_scales)), blocks, dataset.series, scaler)
        shown = keep_in_bounds(levels, dataset.series.y, blocks.origin)
        losses = np.zeros((len(raw), 0)) if losses is None else losses
        return Trajectory(
            dataset, blocks, scaler, raw, linear, parts.base, parts.network, losses, factors, log_scales, shown, stride
        )

    def _log_scales(
        self,
        quantiles: Array,
        y: Array,
        measured: Flags,
        known: TrainedOn | None,
        checkpoint: Checkpoint | None,
        stride: int,
    ) -> Array:
        """The calibration (N, H, 2); none where quantiles of past moves are part of the forecast already.

        Args:
            measured: Whether they are, shape (N,).
        """
        if not self.estimator.learned or measured.all():
            return np.zeros((*y.shape, 2))
        if known is None:
            found = np.broadcast_to(self._usual_scale, (len(y), *self._usual_scale.shape))
        else:
            past = checkpoint.log_scales if checkpoint else None
            found = conformal.follow(quantiles, y, known.log_scale, past=past, stride=stride)
        return np.where(measured[:, None, None], 0.0, found)

    def _checkpoint(self, dataset: Dataset, first: int) -> Checkpoint | None:
        """The checkpoint of a series, if its rows are the same and no origin from `first` on lies before it."""
        known = self.known(dataset)
        found = known.checkpoint if known else None
        if found is None or first < found.rows - 1 or len(dataset) < found.rows:
            return None
        return found if dataset.series.fingerprint(found.rows) == found.sha256 else None

    @property
    def _shrinks(self) -> bool:
        """Whether forecasts are learned moves; the textbook recipe forecasts levels, and formulas stay as they are."""
        return self.estimator.learned and self.config.training.normalisation == "window"

    def _trail(self, dataset: Dataset, first: int, seen: Blocks) -> Blocks | None:
        """Blocks over the past origins whose outcomes are needed for the losses of recent rows from `first` on.

        None for a series that the model was trained on, and for forecasts that are not shrunk.
        """
        if not self._shrinks or self.known(dataset):
            return None
        begin = max(self.problem.lookback, first - RECENT - self.problem.horizon)
        return self.estimator.trail(seen.inputs, begin, len(dataset), self.problem)

    def _past(self, inputs: Inputs, first: int, stop: int, stride: int = 1) -> Array:
        """Quantiles of past moves at the origins from `first` up to `stop`, (N, H, Q); NaN if none is shrunk."""
        origin, horizon = np.arange(first, stop, stride), self.problem.horizon
        if not self._shrinks:
            return np.full((len(origin), horizon, len(QUANTILES)), np.nan)
        return past_quantiles(inputs, origin, horizon=horizon)

    def _recent_losses(
        self, trails: Sequence[Blocks | None], firsts: Sequence[int], past: Sequence[Array]
    ) -> list[Array | None]:
        """The expert losses of recent rows, at each origin of series with a trail, shape (N, E); else None."""
        known = [trail for trail in trails if trail is not None]
        every = iter(self.estimator.predict_each(self.weights, known, self.problem) if known else [])
        return [
            None if trail is None else self._losses_of(trail, next(every), quantiles)[first - int(trail.origin[0]) :]
            for trail, first, quantiles in zip(trails, firsts, past, strict=True)
        ]

    def _losses_of(self, trail: Blocks, raw: Array, past: Array) -> Array:
        """The expert losses over the RECENT rows up to each origin of a trail, shape (N, E)."""
        own, linear, y = (
            part.reshape(-1, *part.shape[2:])[: len(past)]
            for part in (raw, apply_highway(self.weights, trail), trail.y)
        )
        lost = shrinkage.new_losses(shrinkage.parts_of(own, linear, past), y)
        total = np.cumsum(np.rint(lost * EXACT) / EXACT, axis=0)
        total[RECENT:] -= total[:-RECENT].copy()
        return np.asarray(total)

    @cached_property
    def _usual_scale(self) -> Array:
        """The calibration of a series that the model was not trained on: the mean of those that it was."""
        return np.asarray(np.mean([known.log_scale for known in self.trained_on], axis=0))

    @cached_property
    def _by_name(self) -> dict[str, TrainedOn]:
        return {known.series: known for known in reversed(self.trained_on)}

    def known(self, series: TimeSeries | Dataset) -> TrainedOn | None:
        """What was kept of a series that the model was trained on; one of the same name is another if it has no dates
        and that one has, or the other way round.
        """
        found, grid = self._by_name.get(series.name), (series.series if isinstance(series, Dataset) else series).grid
        return found if found and found.is_counted == grid.is_counted else None

    def _on_sessions(self, series: TimeSeries) -> TimeSeries:
        """The series on the sessions of the exchange that was recognised in training, where it has too few rows."""
        known = self.known(series)
        if known is None or not known.exchange or series.trading_calendar:
            return series
        return series.with_exchange(known.exchange)

    def blocks(self, series: Source | Dataset, first: int | None = None) -> Blocks:
        """What the model sees at the origins that `backtest` forecasts from, one label each."""
        dataset = self.prepare(series)
        first = self._test_start(dataset) if first is None else first
        return self._blocks(self._scaled(dataset, first)[0], first)

    def _scaled(self, dataset: Dataset, first: int) -> tuple[Inputs, Scaler]:
        """What the model sees of a series that it forecasts from row `first` on, and how it is scaled."""
        known = self.known(dataset)
        scaler = known.scaler if known else self._new_scaler(dataset, first)
        return with_volatility(dataset, scaler, expected=self.estimator.learned), scaler

    def _blocks(self, inputs: Inputs, first: int, stride: int = 1) -> Blocks:
        """What the model sees at every origin from `first` on."""
        rows = len(inputs.past)
        return self.estimator.blocks(inputs, spaced(first, rows, stride, last=rows - 1), self.problem)

    def _new_scaler(self, dataset: Dataset, first: int) -> Scaler:
        """The scaler of a new series: any will do under the window normalisation, unless columns are known ahead."""
        if self.config.training.normalisation == "level" or self.problem.future_columns:
            return fit_scaler(all_columns(dataset.inputs)[: first + 1])
        return self.trained_on[0].scaler

    def _begin(self, dataset: Dataset, first: int, checkpoint: Checkpoint | None) -> int:
        """The origin from which forecasts must be made to forecast from `first` on: where training or test ended."""
        if checkpoint:
            return checkpoint.rows - len(checkpoint.factors)
        return min(first, self.trained_to(dataset)) if self.known(dataset) and self.estimator.learned else first

    def trained_to(self, dataset: Dataset) -> int:
        """The last origin that training saw of a series that it knows."""
        known = self._by_name[dataset.name]
        rows = int(dataset.series.index.searchsorted(moment(known.last), side="right"))
        return max(self.problem.lookback, rows - 1)

    def _test_start(self, dataset: Dataset) -> int:
        """The origin before the first test row."""
        if self.known(dataset):
            return min(self.trained_to(dataset), len(dataset) - 1)
        return max(self.problem.lookback, test_start(len(dataset), self.config) - 1)

    def prepare(self, series: Source | Dataset) -> Dataset:
        """The series with the columns that the model sees.

        Raises:
            SeriesTooShort: it has no row after the lookback.
            ModelError: it lacks a column that the model was trained on.
        """
        try:
            dataset = series if isinstance(series, Dataset) else self._load(series)
        except ConfigError as error:
            raise ModelError(str(error)) from error
        lookback = self.problem.lookback
        if len(dataset) <= lookback:
            raise SeriesTooShort(
                f"{dataset.name}: this model needs at least {lookback + 1} rows (lookback={lookback}). "
                f"Received: {len(dataset)}, {lookback + 1 - len(dataset)} too few."
            )
        return dataset

    def _load(self, source: Source) -> Dataset:
        return prepare(self._on_sessions(load_for(source, self.config)), self.config)


def problem_of(config: ExperimentConfig) -> Problem:
    """What is forecast from what, by a configuration whose defaults are resolved."""
    past, future = names_of(config.inputs, "")
    return Problem(config, len(past), len(future), config.season or 1, config.lookback or 0)


def _actual(y: Array, origin: Rows, horizon: int) -> Array:
    """What came after each origin, shape (N, H); NaN where it is missing, and where the origin is."""
    came = outcomes(y, origin, horizon=horizon)
    came[np.isnan(y[origin])] = np.nan
    return came


def levels_of(quantiles: Array, blocks: Blocks, series: TimeSeries, scaler: Scaler) -> Array:
    """Normalised quantiles in the series' unit; a move of 0 gives the last value to the last digit.

    NaN at origins without a target, which are filled by what lies behind them: no forecast may start there.
    """
    levels = scaler.inverse(blocks.anchor[:, 0, 0], column=0)
    y = series.known_y[blocks.origin]
    anchor = y if blocks.moves else np.where(np.isnan(y), np.nan, levels)
    return np.asarray(anchor[:, None, None] + blocks.denormalise(quantiles) * scaler.span[0])
