"""Settings that suit a series: a search over networks, judged on validation rows; the test rows are never looked at.

In: one series or many, a model, and the settings that are held. Out: a `Tuning`, whose best settings are a file that
`forecast run --config` and `forecast train --config` take.

A trial's value is the mean absolute error of its model over that of the naive forecast, at every origin of the
validation rows whose whole horizon lies in them, in the series' own unit; of many series the mean. That is comparable
across lookbacks, which the losses of a training are not. The model's moves count as they are, before shrinkage: its
credit was earned on these very rows, and without credit nothing of a network's own moves would be left on a short
series, so that its settings would not matter.

Tree-structured Parzen estimator (Bergstra et al. 2011) and median pruning, by Optuna (Akiba et al. 2019).
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np

from forecast.config import MEDIAN, ExperimentConfig, override, read_config
from forecast.errors import ConfigError
from forecast.features import enrich, inputs_of
from forecast.files import whole_file
from forecast.models import NETWORKS, Step, Watch, find_model
from forecast.models.contract import window_blocks
from forecast.models.descent import loss_of
from forecast.series import TimeSeries
from forecast.studies import Ranges, Report, Study, Trial, open_study
from forecast.trained import TrainedModel, problem_of
from forecast.training import settle, train
from forecast.windows import origins, split_rows

# Models that see the lookback of the settings, and nothing else that is searched.
WINDOWED = ("linear", "esn", "forest", "boosting")
# The longest lookback that is tried, and the share of the training rows that it may take.
LONGEST, MOST = 512, 0.5
# A trial is not ended before this share of its training.
WARM_UP = 0.3
# Stands for the error over that of naive where naive has none.
WORST = 1e3

Tell = Callable[[tuple[Trial, ...]], None]


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
        if config.task != "forecast":
            raise ConfigError(
                f"settings are searched for the task forecast, and used for any. Received: {config.task}."
            )
        names = [name for name in _names(model) if name not in held]
        if not names:
            raise ConfigError(f"a search needs a setting that is not given. Given: {', '.join(_names(model))}.")
        config = settle(config, several)
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
        text = json.dumps([about, self.model, self.config.to_dict(), [*self.ranges.items()], version("forecast")])
        return hashlib.sha256(text.encode()).hexdigest()

    def value(self, settings: dict[str, Any], report: Report, watch: Watch) -> float:
        """Trains with the given settings; the error on validation rows over that of the naive forecast.

        Args:
            report: Told of the losses on validation rows in the course of the training; may end it.
        Raises:
            Pruned: `report` ended the training.
            KeyboardInterrupt: Ctrl-C ended it.
            SeriesTooShort, ModelError: the settings do not suit the rows.
        """
        config = override(self.config, settings)
        unit, looks = _naive_loss(self.series, config), set[int]()

        def look(step: Step) -> None:
            if watch.progress:
                watch.progress(step)
            if step.validation_loss is None or step.step < WARM_UP * step.steps or step.step in looks:
                return  # a look for the second time is that of another seed
            looks.add(step.step)
            report(step.step, step.validation_loss / unit)

        model = train(self.series, self.model, config, watch=replace(watch, progress=look))
        if model.interrupted:
            raise KeyboardInterrupt
        return float(np.mean([_error(model, one) for one in self.series]))


@dataclass(frozen=True, eq=False)
class Tuning:
    """What a search found.

    Attributes:
        wanted: Trials that were asked for; there are fewer after Ctrl-C.
    """

    search: Search
    trials: tuple[Trial, ...]
    wanted: int

    @property
    def ranking(self) -> list[Trial]:
        """The complete trials, best first."""
        complete = [trial for trial in self.trials if trial.value is not None]
        return sorted(complete, key=lambda trial: trial.value or 0.0)

    @property
    def config(self) -> ExperimentConfig:
        """The best settings."""
        return override(self.search.config, self.ranking[0].settings)

    @property
    def counts(self) -> dict[str, int]:
        """How many trials came to which end."""
        count = Counter(trial.state for trial in self.trials)
        return {state: count[state] for state in ("complete", "pruned", "failed")}

    def record(self) -> dict[str, Any]:
        """Plain numbers, strings and dictionaries, ready for JSON."""
        return {
            "model": self.search.model,
            "series": [one.name for one in self.search.series],
            "value": self.ranking[0].value,
            "config": self.config.to_dict(),
            "ranges": dict(self.search.ranges),
            "wanted": self.wanted,
            "counts": self.counts,
            "trials": [asdict(trial) for trial in self.trials],
        }


def tune(
    series: TimeSeries | Sequence[TimeSeries],
    model: str = "lstm",
    config: ExperimentConfig | None = None,
    *,
    trials: int = 20,
    held: Collection[str] = (),
    study: Path | None = None,
    watch: Watch | None = None,
    tell: Tell | None = None,
) -> Tuning:
    """Searches lookback, units, depth, dropout and learning rate of a model, judged on validation rows alone.

    The first trial has the settings of `config`, so that the best are not worse on these rows. Ctrl-C ends the search;
    what was found by then is returned.

    Args:
        trials: In all, those in the file `study` among them.
        held: Names of settings that are not searched.
        study: File that keeps the trials, to go on from after Ctrl-C or a kill.
        watch: Who is told of the progress of each training, and where logs go.
        tell: Called with all finished trials, at the start and after each.
    Raises:
        ConfigError: no such model, nothing to search, a study of something else, or no trial that came to its end.
        SeriesTooShort: the rows do not suffice for the shortest lookback.
    """
    search, watch = Search.of(series, model, config or ExperimentConfig(), held), watch or Watch()
    seed = search.config.training.seed
    with open_study(study, key=search.key, ranges=search.ranges, first=search.first, seed=seed) as kept:
        try:
            _go_on(search, kept, trials, watch, tell)
        except KeyboardInterrupt:
            if not any(trial.state == "complete" for trial in kept.trials()):
                raise
        tuning = Tuning(search, kept.trials(), trials)
    if not tuning.ranking:
        raise ConfigError(f"none of {trials} trials came to its end. The last one: {tuning.trials[-1].reason}")
    return tuning


def default_file(several: Sequence[TimeSeries], model: str) -> Path:
    """`runs/NAME-MODEL.json`, the same for the same command, so that it goes on with its search."""
    more = f"-and-{len(several) - 1}-more" if len(several) > 1 else ""
    return Path("runs") / f"{re.sub(r'[^A-Za-z0-9._^=-]+', '-', several[0].name)}{more}-{model}.json"


def check_file(path: Path) -> None:
    """Refuses a file that holds something else than settings.

    Raises:
        ConfigError: it is there, and is no file of settings.
    """
    if path.exists():
        try:
            read_config(path)
        except ConfigError as error:
            raise ConfigError(f"settings go into a new file or over settings. {error}") from error


def write_settings(tuning: Tuning, path: Path) -> None:
    """Writes the best settings, whole or not at all."""
    with whole_file(path) as work:
        work.write_text(json.dumps(tuning.config.to_dict(), indent=1) + "\n", encoding="utf-8")


def _go_on(search: Search, study: Study, wanted: int, watch: Watch, tell: Tell | None) -> None:
    """Trials until there are as many as wanted."""
    while True:
        done = study.trials()
        if tell:
            tell(done)
        if len(done) >= wanted:
            return
        logs = watch.logs and watch.logs / f"trial-{len(done) + 1}"
        study.run(partial(search.value, watch=replace(watch, logs=logs)))


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
