"""What a search for settings tries, and what settings are worth; the test rows are never looked at.

In: one series or many, a model, and the settings that are held. Out: ranges for the others, and the value of any of
them.

A value is the mean absolute error of the trained model over that of the naive forecast, at every origin of the
validation rows whose whole horizon lies in them, in the series' own unit; of many series the mean. That is comparable
across lookbacks, which the losses of a training are not. The model's moves count as they are, before shrinkage: its
credit was earned on these very rows, and without credit nothing of a network's own moves would be left on a short
series, so that its settings would not matter.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np

from forecast.config import MEDIAN, ExperimentConfig, override
from forecast.data.covariates import enrich, inputs_of
from forecast.data.dataset import resolve_defaults
from forecast.data.series import TimeSeries
from forecast.data.windows import origins, split_rows
from forecast.errors import ConfigError
from forecast.inference.trained_model import TrainedModel, problem_of
from forecast.models import NETWORKS, Callbacks, Step, find_model
from forecast.models.estimator import window_blocks
from forecast.models.neural.training_loop import loss_of
from forecast.training.train import check_names, train
from forecast.training.tuning.study import ROUND, Ranges, Report

# Models that see the lookback of the settings, and nothing else that is searched.
WINDOWED = ("linear", "esn", "forest")
# The longest lookback that is tried, and the share of the training rows that it may take.
LONGEST, MOST = 512, 0.5
# A trial is not ended before this share of its training.
WARM_UP = 0.3
# Stands for the error over that of naive where naive has none.
WORST = 1e3


@dataclass(frozen=True, eq=False)
class Search:
    """What is searched for: a model for these series.

    Attributes:
        config: The settings of the first trial, settled; those that are not searched hold for all.
        ranges: The lowest and highest value of each setting that is searched, those of `config` among them.
    """

    series: tuple[TimeSeries, ...]
    model: str
    config: ExperimentConfig
    ranges: Ranges

    @classmethod
    def of(
        cls, series: TimeSeries | Sequence[TimeSeries], model: str, config: ExperimentConfig, held: Collection[str]
    ) -> Self:
        """The search for all settings that are not held.

        Raises:
            ConfigError: the model has no settings to search, or all are held.
            SeriesTooShort: the rows do not suffice for the shortest lookback.
        """
        several = [series] if isinstance(series, TimeSeries) else list(series)
        if not several:
            raise ConfigError("settings are searched for one series or more. Received: none.")
        check_names([one.name for one in several])
        if config.task != "forecast":
            raise ConfigError(
                f"settings are searched for the task forecast, and used for any. Received: {config.task}."
            )
        names = [name for name in _names(model) if name not in held]
        if not names:
            raise ConfigError(f"a search needs a setting that is not given. Given: {', '.join(_names(model))}.")
        config = resolve_defaults(config, several)
        enriched = tuple(enrich(one, config.inputs) for one in several)
        shortest = config if "lookback" in held else replace(config, lookback=2)
        room = min(split_rows(len(one), shortest).validation for one in enriched) - config.horizon - 1
        ranges = {**_ranges(config), "lookback": _lookbacks(config, room)}
        return cls(enriched, model, config, {name: ranges[name] for name in names})

    @property
    def first(self) -> dict[str, Any]:
        """The settings of the first trial."""
        fields = self.config.to_dict()
        flat = fields | fields["network"] | fields["training"]
        return {name: flat[name] for name in self.ranges}

    @property
    def key(self) -> str:
        """Tells searches apart: rows before the test, model, settings that hold, ranges, version of this program."""
        about = [_about(one, self.config) for one in self.series]
        how = [ROUND, version("forecast")]
        text = json.dumps([about, self.model, self.config.to_dict(), [*self.ranges.items()], how])
        return hashlib.sha256(text.encode()).hexdigest()

    def value(self, settings: dict[str, Any], report: Report, logs: Path | None = None) -> float:
        """Trains with the given settings; the error on validation rows over that of the naive forecast.

        Args:
            report: Told of the losses on validation rows in the course of the training; may end it.
        Raises:
            Pruned: `report` ended the training.
            SeriesTooShort, ModelError: the settings do not suit the rows.
        """
        config = override(self.config, settings)
        unit, looks = _naive_loss(self.series, config), set[int]()

        def look(step: Step) -> None:
            if step.validation_loss is None or step.step < WARM_UP * step.steps or step.step in looks:
                return  # a look for the second time is that of another seed
            looks.add(step.step)
            report(step.step, step.validation_loss / unit)

        model = train(self.series, self.model, config, callbacks=Callbacks(look, logs=logs))
        return float(np.mean([_error(model, one) for one in self.series]))


def _names(model: str) -> tuple[str, ...]:
    """What can be searched for a model."""
    if find_model(model).name in WINDOWED:
        return ("lookback",)
    if model not in NETWORKS:
        raise ConfigError(
            f"settings are searched for one of {', '.join((*NETWORKS, *WINDOWED))}. Received: {model}, which has none."
        )
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
    """The shortest and longest lookback where the training rows have room for `room`."""
    usual = config.lookback or 2
    longest = max(2, min(LONGEST, int(MOST * room)))
    shortest = min(max(8, config.horizon // 2), longest)
    return min(shortest, usual), max(longest, usual)


def _about(series: TimeSeries, config: ExperimentConfig) -> list[Any]:
    """What a search depends on in a series."""
    stop = split_rows(len(series), replace(config, lookback=2)).test
    return [series.name, series.target, series.columns, series.frequency, len(series), series.fingerprint(stop)]


def _naive_loss(several: Sequence[TimeSeries], config: ExperimentConfig) -> float:
    """The loss of the naive forecast on validation rows in the units of a training, which differ with the lookback."""
    if config.training.normalisation == "level":
        return 1.0  # these units do not
    problem, labels = problem_of(config), []
    for one in several:
        split = split_rows(len(one), config)
        origin = origins(split.validation - 1, split.test, horizon=problem.horizon)
        labels.append(window_blocks(inputs_of(one, config.inputs, horizon=problem.horizon), origin, problem).y)
    y = np.concatenate(labels)
    return loss_of(np.zeros((*y.shape, 1)), y, config.training.loss) or 1.0


def _error(model: TrainedModel, series: TimeSeries) -> float:
    """The error on the validation rows of a series over that of the naive forecast; the series' scale falls out."""
    split = split_rows(len(series), model.config)
    blocks = model.blocks(series.between(0, split.test), first=split.validation - 1)
    median = find_model(model.model).predict(model.weights, blocks, model.problem)[..., MEDIAN]
    y, scale = blocks.y[:, 0], blocks.scale[:, 0]
    last = (blocks.target[blocks.origin][:, None] - blocks.anchor[:, 0]) / scale
    known = np.isfinite(y).all(axis=1)
    error, naive = (float((np.abs(y - guess) * scale)[known].mean()) for guess in (median, last))
    return min(WORST, error / naive) if naive > 0 else 1.0 if error == 0 else WORST
