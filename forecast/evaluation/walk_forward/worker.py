"""What is done with each series of a comparison, in a worker that reads it there: look at it, train, judge."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from forecast.config import ExperimentConfig
from forecast.data.dataset import resolve_defaults
from forecast.data.series import TimeSeries
from forecast.data.sources import load
from forecast.evaluation.walk_forward.fold_job import FoldJob, read_folds, run_fold_job
from forecast.evaluation.walk_forward.folds import Fold, WalkForward, first_cutoff, make_folds, trainings
from forecast.evaluation.walk_forward.series_result import SeriesResult, test
from forecast.evaluation.walk_forward.series_summary import summary_file, write_summary
from forecast.inference.forecasts import Backtest
from forecast.models import find_model

# Series that a worker keeps: the jobs of one follow one another.
KEPT = 2


@dataclass(frozen=True)
class ComparisonSpec:
    """What holds for all series of a comparison.

    Attributes:
        reading: How references are read: names and values of the arguments of `load`.
        folds: Folder of the Parquet files of trainings; every worker must see it.
        parts: Folder of what each series gave.
        begun: Tells this comparison from an earlier one in the same process, since when a file may have changed.
    """

    models: tuple[str, ...]
    config: ExperimentConfig
    plan: WalkForward
    trials: int
    reading: tuple[tuple[str, Any], ...]
    folds: Path
    parts: Path
    begun: int


@dataclass(frozen=True, eq=False)
class SeriesTask:
    """A series and what is asked of it. A reference is small; a series that is there already goes with its jobs.

    Attributes:
        models: Those to train, or to judge; at the first look all of them.
        training: Which of the trainings of the first model.
    """

    source: str | TimeSeries
    setting: ComparisonSpec
    models: tuple[str, ...]
    training: int = 0


@dataclass(frozen=True)
class SeriesStatus:
    """What a first look at a series finds: its name, and the trainings that are not there from before."""

    name: str
    missing: tuple[tuple[str, int], ...]
    trainings: int


@dataclass(frozen=True, eq=False)
class SeriesPlan:
    """What is to be done with one series."""

    series: TimeSeries
    config: ExperimentConfig
    folds: tuple[Fold, ...]
    setting: ComparisonSpec

    def jobs(self, model: str) -> list[FoldJob]:
        """One job a training."""
        trials = self.setting.trials if find_model(model).is_network else 0
        parts = trainings(self.folds)
        return [
            FoldJob(self.series.between(0, part[-1].stop), model, self.config, part, trials, self.setting.folds)
            for part in parts
        ]


def series_status(task: SeriesTask) -> SeriesStatus:
    """Reads a series, and says what is to be done with it.

    Raises:
        ForecastError: it cannot be read, or is too short.
    """
    plan = plan_of(task)
    jobs = {model: plan.jobs(model) for model in task.models}
    missing = [(model, k) for model, own in jobs.items() for k, job in enumerate(own) if not job.file.exists()]
    return SeriesStatus(plan.series.name, tuple(missing), sum(map(len, jobs.values())))


def train_fold(task: SeriesTask) -> None:
    """One training of one model, and its forecasts."""
    job = plan_of(task).jobs(task.models[0])[task.training]
    if not job.file.exists():
        run_fold_job(job)


def evaluate_series(task: SeriesTask) -> str:
    """Scores and judges the models of a series whose trainings are all there; the name of the file of its part."""
    plan = plan_of(task)
    file = summary_file(
        plan.series.name, (job for model in task.models for job in plan.jobs(model)), task.setting.parts
    )
    if not file.exists():
        write_summary(result_of(task), file)
    return file.name


def result_of(task: SeriesTask) -> SeriesResult:
    """A series with all forecasts of its folds."""
    plan = plan_of(task)
    backtests = {model: _joined([read_folds(job) for job in plan.jobs(model)]) for model in task.models}
    return test(plan.series, plan.config, plan.folds, backtests)


def plan_of(task: SeriesTask) -> SeriesPlan:
    """The folds of a series."""
    if isinstance(task.source, TimeSeries):
        return _plan(task.source, task.setting)
    return _plan_of_reference(task.source, task.setting)


@lru_cache(maxsize=KEPT)
def _plan_of_reference(reference: str, setting: ComparisonSpec) -> SeriesPlan:
    return _plan(load(reference, **dict(setting.reading)), setting)


def _plan(series: TimeSeries, setting: ComparisonSpec) -> SeriesPlan:
    config, plan = setting.config, setting.plan
    settled = resolve_defaults(config, [series.between(0, first_cutoff(len(series), plan, config))])
    return SeriesPlan(series, settled, make_folds(len(series), plan, settled), setting)


def _joined(parts: list[Backtest]) -> Backtest:
    """The forecasts of several trainings as one."""
    names = ("origin", "last_value", "actual", "quantiles")
    return Backtest(parts[0].model, *(np.concatenate([getattr(part, name) for part in parts]) for name in names))
