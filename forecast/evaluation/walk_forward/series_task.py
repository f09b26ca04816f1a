"""What a worker does with one series of a comparison: find what is missing, train, evaluate.

In: a `SeriesTask`, which names the series or holds it. A worker reads the series itself, so that the process that
compares thousands of them holds none.
"""

import time
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from forecast.config import ExperimentConfig
from forecast.data.defaults import default_horizon, resolve_defaults
from forecast.data.series import TimeSeries
from forecast.data.sources import load
from forecast.evaluation.run_plan import check_varies
from forecast.evaluation.walk_forward.fold_job import FoldJob, read_folds, run_fold_job
from forecast.evaluation.walk_forward.folds import (
    Fold,
    WalkForward,
    first_cutoff,
    fold_rows,
    group_by_training,
    make_folds,
)
from forecast.evaluation.walk_forward.series_result import SeriesResult, evaluate, summary_file, write_summary
from forecast.models import find_model

# Series that a worker keeps in memory: the jobs of one follow one another.
KEPT = 2


@dataclass(frozen=True)
class ComparisonSpec:
    """What holds for all series of a comparison.

    Attributes:
        trials: Tuning trials at each cutoff.
        load_options: Names and values of the arguments of `load`, for series that are named.
        folder: Where forecasts and summaries are kept; every worker must see it.
        started: Tells a comparison from an earlier one of the same process, as files may have changed between.
    """

    models: tuple[str, ...]
    config: ExperimentConfig
    plan: WalkForward
    trials: int
    load_options: tuple[tuple[str, Any], ...]
    folder: Path
    started: int = field(default_factory=time.time_ns)


@dataclass(frozen=True, eq=False)
class SeriesTask:
    """A series, and the models to train or to evaluate on it.

    Attributes:
        source: What `load` reads, or the series itself.
        training: Which of the trainings of the first model; of use to `train_fold` alone.
    """

    source: str | TimeSeries
    spec: ComparisonSpec
    models: tuple[str, ...]
    training: int = 0


@dataclass(frozen=True)
class SeriesStatus:
    """The name of a series, the number of its trainings, and those that are missing: model and which training."""

    name: str
    trainings: int
    missing: tuple[tuple[str, int], ...]


def series_status(task: SeriesTask) -> SeriesStatus:
    """Read a series and find which of its trainings are missing.

    Raises:
        ForecastError: it cannot be read, or is too short.
    """
    planned = _plan(task)
    jobs = {model: planned.jobs(model) for model in task.models}
    missing = [(model, k) for model, own in jobs.items() for k, job in enumerate(own) if not job.file.exists()]
    return SeriesStatus(planned.series.name, sum(map(len, jobs.values())), tuple(missing))


def train_fold(task: SeriesTask) -> None:
    """Run one training of one model, unless its file is there."""
    job = _plan(task).jobs(task.models[0])[task.training]
    if not job.file.exists():
        run_fold_job(job)


def evaluate_series(task: SeriesTask) -> Path:
    """Evaluate the models of a series whose trainings are all there; return the file of its summary."""
    planned = _plan(task)
    jobs = [job for model in task.models for job in planned.jobs(model)]
    file = summary_file(planned.series.name, jobs, task.spec.folder / "series")
    if not file.exists():
        write_summary(read_result(task), file)
    return file


def read_result(task: SeriesTask) -> SeriesResult:
    """A series with the forecasts of all its folds, read from their files."""
    planned = _plan(task)
    backtests = {model: read_folds(planned.jobs(model)) for model in task.models}
    return evaluate(planned.series, planned.config, planned.folds, backtests)


@dataclass(frozen=True, eq=False)
class _PlannedSeries:
    """A series with its resolved configuration and its folds."""

    series: TimeSeries
    config: ExperimentConfig
    folds: tuple[Fold, ...]
    spec: ComparisonSpec

    def jobs(self, model: str) -> list[FoldJob]:
        """One job a training."""
        trials = self.spec.trials if find_model(model).is_network else 0
        folder = self.spec.folder / "folds"
        return [
            FoldJob(self.series[: folds[-1].stop], model, self.config, folds, trials, folder)
            for folds in group_by_training(self.folds)
        ]


def _plan(task: SeriesTask) -> _PlannedSeries:
    if isinstance(task.source, TimeSeries):
        return _make_plan(task.source, task.spec)
    return _read_and_plan(task.source, task.spec)


@lru_cache(maxsize=KEPT)
def _read_and_plan(source: str, spec: ComparisonSpec) -> _PlannedSeries:
    return _make_plan(load(source, **dict(spec.load_options)), spec)


def _horizon(series: TimeSeries, spec: ComparisonSpec) -> int:
    """The default horizon, or that of the shortest fold."""
    usual = default_horizon(series.grid, len(series), series.index[-1])
    return max(1, min(usual, fold_rows(len(series), spec.plan, spec.config)))


def _make_plan(series: TimeSeries, spec: ComparisonSpec) -> _PlannedSeries:
    check_varies(series)
    config = replace(spec.config, horizon=spec.config.horizon or _horizon(series, spec))
    past = series[: first_cutoff(len(series), spec.plan, config)]
    config = resolve_defaults(config, [past])
    return _PlannedSeries(series, config, make_folds(len(series), spec.plan, config), spec)
