"""A trained model: plain numbers and arrays that forecast by themselves, on the series it was trained on and others.

In: a `TimeSeries`. Out: a `Backtest` at past origins, or the `Forecast` of the coming steps: the same computation,
`rolling_origin`, at many origins or at the last one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from forecast.config import ExperimentConfig
from forecast.data.covariates import check_future, names_of
from forecast.data.dataset import Dataset, prepare
from forecast.data.series import TimeSeries
from forecast.data.sources import Source, load_for
from forecast.data.windows import Blocks
from forecast.display import Chart, Panel, Shown
from forecast.errors import ConfigError, ModelError, SeriesTooShort
from forecast.inference.backtesting import backtest_all
from forecast.inference.charts import chart_losses
from forecast.inference.fitted import first_tested, scaled, trained_to
from forecast.inference.forecasts import Backtest, Forecast, Moves, next_steps
from forecast.inference.paths import sample_paths
from forecast.inference.rolling_origin import forecast_at, last_part, span_of
from forecast.inference.trajectory import Checkpoint, Span, TrainedOn, Trajectory
from forecast.models import Estimator, Problem, Validation, Weights, find_model
from forecast.models.neural.architecture import member
from forecast.models.neural.network import Network
from forecast.runtime.blas import one_thread
from forecast.typing import Array

Record = Mapping[str, Any]

# Series that go through a network together.
TOGETHER = 128


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

    @one_thread()
    def backtest(self, series: Source | Dataset, first: int | None = None) -> Backtest:
        """Forecasts at every origin from row `first` to the last row, each from the rows up to it alone.

        By default `first` gives the last fifth of the rows, as in the test. `series` is anything that `load` takes.

        Raises:
            SeriesTooShort: no row is left after the lookback.
            ModelError: the series lacks a column that the model was trained on, or the model gives directions.
        """
        ((found, _),) = backtest_all(self, self.model, self._spans([series], first))
        return found

    def test(self, series: Source | Dataset, *, stride: int = 1) -> tuple[Backtest, Self]:
        """The backtest of the test rows, and the model with a checkpoint after the last of them.

        Args:
            stride: Rows from one origin to the next, as in `at_origins`.
        Raises:
            SeriesTooShort, ModelError: as `backtest`.
        """
        ((found, tested),) = self.test_all([series], stride=stride)
        return found, tested

    @one_thread()
    def test_all(self, several: Sequence[Source | Dataset], *, stride: int = 1) -> list[tuple[Backtest, Self]]:
        """The same for several series, which go through a network together; each with a model of its own."""
        spans = self._spans(several, stride=stride)
        tests = backtest_all(self, self.model, spans)
        return [(found, self._tested(span, end)) for span, (found, end) in zip(spans, tests, strict=True)]

    def _tested(self, span: Span, end: Checkpoint | None) -> Self:
        """The model with the state after the last of the origins of a series."""
        known = (replace(one, checkpoint=end) if one.series == span.dataset.name else one for one in self.trained_on)
        return replace(self, trained_on=tuple(known))

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
        return found.moves()

    @one_thread()
    def at_origins(
        self, several: Sequence[Source | Dataset], first: int | None = None, *, last: bool = False, stride: int = 1
    ) -> list[Trajectory]:
        """Forecasts and what they were computed from, at every origin of each series from row `first` on, or the last.

        Args:
            stride: Rows from one origin to the next, counted back from the last row, on series that the model was
                trained on.
        """
        spans = self._spans(several, first, last=last, stride=stride)
        if last:
            spans = [last_part(self, span) for span in spans]
        return [found.after(span.first) for found, span in zip(forecast_at(self, spans), spans, strict=True)]

    def _spans(
        self, several: Sequence[Source | Dataset], first: int | None = None, *, last: bool = False, stride: int = 1
    ) -> list[Span]:
        if self.config.task == "direction":
            raise ModelError(
                f"this {self.model} was trained on directions: forecast.inference.direction predicts them."
            )
        ready = [self.prepare(series) for series in several]
        firsts = [len(one) - 1 if last else first_tested(self, one) if first is None else first for one in ready]
        return [span_of(self, one, begin, stride=stride) for one, begin in zip(ready, firsts, strict=True)]

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
        first = first_tested(self, dataset) if first is None else first
        return self.estimator.blocks(scaled(self, dataset, first)[0], np.arange(first, len(dataset)), self.problem)

    def trained_to(self, dataset: Dataset) -> int:
        """The last origin that training saw of a series that it knows."""
        return trained_to(self, dataset, self._by_name[dataset.name])

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


def check_model(model: object) -> None:
    """Refuses what is no trained model, such as the folder that one was saved to.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(model, TrainedModel):
        raise ConfigError(
            f"`model` must be a TrainedModel, as `train` returns it and `open_model` opens it. Received: {model!r}."
        )
