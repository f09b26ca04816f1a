"""The objective of a search: which hyperparameters are searched, and how good some of them are on validation rows.

In: one series or many, a model, a configuration, and the names of the fields that are fixed. Out: a range for each
other hyperparameter, and the value of any of them.

A value is the mean absolute error of the trained model over that of the naive forecast, at every origin of the
validation rows whose whole horizon lies in them, in the series' unit; of many series the mean. Unlike the losses of a
training it compares across lookbacks. Forecasts are taken before shrinkage, which is fitted on these very rows: on a
short series it would leave nothing of the network, whose hyperparameters would then not matter. The test rows are never
used.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from forecast.config import MEDIAN, ExperimentConfig, override
from forecast.data.covariates import enrich
from forecast.data.dataset import prepare_all
from forecast.data.defaults import resolve_defaults
from forecast.data.series import TimeSeries
from forecast.data.split import split_rows
from forecast.data.windows import origins
from forecast.errors import ConfigError
from forecast.inference.trained_model import TrainedModel, problem_of
from forecast.models import MODELS, Callbacks, Step, find_model
from forecast.models.estimator import window_blocks
from forecast.models.neural.training_loop import loss_of
from forecast.models.volatility import with_volatility
from forecast.runtime.resume_key import resume_key
from forecast.training.train import check_names, train
from forecast.training.tuning.study import ROUND, Ranges, Report

# The longest lookback, in rows and as a share of the training rows.
LONGEST, LONGEST_SHARE = 512, 0.5
# The share of its training before which no trial is pruned.
WARM_UP = 0.3
# Stands for the value where the naive forecast has no error.
WORST = 1e3


@dataclass(frozen=True, eq=False)
class Objective:
    """What a search minimises: the validation error of a model on these series.

    Attributes:
        config: The configuration of the first trial, with defaults resolved; fields that are not searched stay.
        ranges: The lowest and highest value of each hyperparameter, that of `config` among them.
    """

    series: tuple[TimeSeries, ...]
    model: str
    config: ExperimentConfig
    ranges: Ranges

    @classmethod
    def of(
        cls, series: TimeSeries | Sequence[TimeSeries], model: str, config: ExperimentConfig, fixed: Collection[str]
    ) -> Self:
        """Make the objective of a search over all hyperparameters that are not fixed.

        Raises:
            ConfigError: the model has no hyperparameters, or all are fixed.
            SeriesTooShort: too few rows for the shortest lookback.
        """
        several = [series] if isinstance(series, TimeSeries) else list(series)
        if not several:
            raise ConfigError("tuning needs a series. Received: none.")
        check_names([one.name for one in several])
        if config.task != "forecast":
            raise ConfigError(
                f"tune hyperparameters with the task forecast; any task can use them. Received: task={config.task}."
            )
        names = [name for name in _names(model) if name not in fixed]
        if not names:
            raise ConfigError(f"tuning needs an option that is not given. Given: {', '.join(_names(model))}.")
        config = resolve_defaults(config, several)
        enriched = tuple(enrich(one, config.inputs) for one in several)
        shortest = config if "lookback" in fixed else replace(config, lookback=2)
        room = min(split_rows(len(one), shortest).validation for one in enriched) - config.resolved_horizon - 1
        ranges = {**_ranges(config), "lookback": _lookbacks(config, room)}
        return cls(enriched, model, config, {name: ranges[name] for name in names})

    @property
    def first(self) -> dict[str, Any]:
        """The hyperparameters of the first trial: those of `config`."""
        fields = self.config.to_dict()
        flat = fields | fields["network"] | fields["training"]
        return {name: flat[name] for name in self.ranges}

    @property
    def key(self) -> str:
        """The key of the study, which depends on the rows before the test alone."""
        return resume_key(
            series=[_identity(one, self.config) for one in self.series],
            model=self.model,
            config=self.config.to_dict(),
            ranges=[*self.ranges.items()],
            round=ROUND,
        )

    def evaluate(self, hyperparameters: dict[str, Any], report: Report, logs: Path | None = None) -> float:
        """Train with these hyperparameters; return the validation error over that of the naive forecast.

        Args:
            report: Called with step and validation loss in the course of the training; may raise to prune the trial.
        Raises:
            SeriesTooShort, ModelError: the hyperparameters do not suit the rows.
        """
        config = override(self.config, hyperparameters)
        unit, reported = _naive_loss(self.series, config), set[int]()

        def on_step(step: Step) -> None:
            if step.validation_loss is None or step.step < WARM_UP * step.steps or step.step in reported:
                return  # of several seeds the first is reported
            reported.add(step.step)
            report(step.step, step.validation_loss / unit)

        model = train(self.series, self.model, config, callbacks=Callbacks(on_step, logs=logs))
        return float(np.mean([_relative_error(model, one) for one in self.series]))


def _names(model: str) -> tuple[str, ...]:
    """The hyperparameters of a model that can be searched."""
    if not find_model(model).uses_lookback:
        names = ", ".join(name for name, one in MODELS.items() if one.uses_lookback)
        raise ConfigError(f"tuning searches the hyperparameters of {names}. Received: {model}, which has none.")
    if not find_model(model).is_network:
        return ("lookback",)
    shape = () if model == "stack" else ("units", "depth")
    return ("lookback", *shape, "dropout", "learning_rate")


def _ranges(config: ExperimentConfig) -> dict[str, tuple[float, float]]:
    network, rate = config.network, config.training.learning_rate
    return {
        "units": (min(8, network.units), max(128, network.units)),
        "depth": (1, max(3, network.depth)),
        "dropout": (0.0, max(0.5, network.dropout)),
        "learning_rate": (min(5e-4, rate), max(2e-2, rate)),
    }


def _lookbacks(config: ExperimentConfig, room: int) -> tuple[int, int]:
    """The shortest and longest lookback to try on `room` training rows."""
    usual = config.lookback or 2
    longest = max(2, min(LONGEST, int(LONGEST_SHARE * room)))
    shortest = min(max(8, config.resolved_horizon // 2), longest)
    return min(shortest, usual), max(longest, usual)


def _identity(series: TimeSeries, config: ExperimentConfig) -> list[Any]:
    """What a search depends on in a series."""
    test = split_rows(len(series), replace(config, lookback=2)).test
    return [series.name, series.target, series.columns, series.frequency, len(series), series.fingerprint(test)]


def _naive_loss(several: Sequence[TimeSeries], config: ExperimentConfig) -> float:
    """The naive forecast's validation loss in the unit of a training, which depends on the lookback."""
    if config.training.normalisation == "level":
        return 1.0  # one unit for all lookbacks
    problem, labels = problem_of(config), []
    for dataset in prepare_all(several, config):
        origin = origins(dataset.split.validation - 1, dataset.split.test, horizon=problem.horizon)
        labels.append(window_blocks(with_volatility(dataset, dataset.scaler), origin, problem).y)
    y = np.concatenate(labels)
    return loss_of(np.zeros((*y.shape, 1)), y, config.training.loss) or 1.0


def _relative_error(model: TrainedModel, series: TimeSeries) -> float:
    """The model's error on the validation rows of a series over that of the naive forecast."""
    split = split_rows(len(series), model.config)
    blocks = model.blocks(series[: split.test], first=split.validation - 1)
    median = find_model(model.model).predict(model.weights, blocks, model.problem)[..., MEDIAN]
    y, scale = blocks.y[:, 0], blocks.scale[:, 0]
    last = (blocks.target[blocks.origin][:, None] - blocks.anchor[:, 0]) / scale
    known = np.isfinite(y) & (blocks.origin < split.test - y.shape[1])[:, None]
    error, naive = (float((np.abs(y - guess) * scale)[known].mean()) for guess in (median, last))
    return min(WORST, error / naive) if naive > 0 else 1.0 if error == 0 else WORST
