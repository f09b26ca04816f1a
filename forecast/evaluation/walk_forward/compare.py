"""The comparison, stage by stage: find what is missing, train, evaluate, sum up.

Workers do the first three, a series or a training at a time, and read the series themselves (`series_task.py`). This
process keeps a few numbers of each series, so it can compare thousands of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from forecast.data.series import TimeSeries
from forecast.data.sources import Source, as_list, load_all
from forecast.data.sources.keywords import reading_of
from forecast.errors import ConfigError
from forecast.evaluation.walk_forward.series_result import SeriesResult, SeriesSummary, read_summary
from forecast.evaluation.walk_forward.series_task import (
    ComparisonSpec,
    SeriesStatus,
    SeriesTask,
    evaluate_series,
    read_result,
    series_status,
    train_fold,
)
from forecast.evaluation.walk_forward.summary import FEW, Comparison, rank_models, scores_of
from forecast.runtime.parallel import LOCAL, OnProgress, Progress, check_engine, run_jobs

# Why there is no forecast, by series and model; model "" for all models of a series.
Errors = dict[tuple[str, str], str]


def compare_series(
    sources: Source | Sequence[Source],
    spec: ComparisonSpec,
    *,
    jobs: int | None = 1,
    engine: str = LOCAL,
    on_progress: OnProgress | None = None,
    in_memory: bool = False,
) -> Comparison:
    """Run all stages; forecasts and summaries stay in `spec.folder`.

    Args:
        in_memory: Keep all series in memory, as the folder goes; otherwise a few are kept.
    Raises:
        ConfigError: the task direction, an unknown engine, two series of one name, or none that could be tested.
    """
    if spec.config.task == "direction":
        raise ConfigError("a comparison forecasts values, not directions. Received: task=direction.")
    check_engine(engine, jobs)
    tasks = [SeriesTask(source, spec, spec.models) for source in _references(sources, spec)]
    stages = _Stages(jobs, engine, on_progress or (lambda _: None))
    statuses, errors = _find_missing(tasks, stages)
    errors |= _train(tasks, statuses, stages)
    trained = _with_trained_models(tasks, statuses, errors)
    files, failed = _evaluate(trained, stages)
    errors |= failed
    if not files:
        raise ConfigError(f"no series could be tested. {next(iter(errors.values()))}")
    summaries: Iterable[SeriesSummary] = SummaryFiles(list(files.values()))
    results: Mapping[str, SeriesResult] = LazyResults({name: trained[name] for name in files})
    if in_memory or len(tasks) <= FEW:
        summaries, results = list(summaries), dict(results)
    scores = scores_of(summaries)
    return Comparison(spec.plan, spec.models, results, summaries, scores, errors, rank_models(scores, spec.models))


def _references(sources: Source | Sequence[Source], spec: ComparisonSpec) -> list[str | TimeSeries]:
    """Keep paths and tickers as strings; load everything else, all series of a table."""
    several = as_list(sources)
    if not several:
        raise ConfigError("a comparison needs a series. Received: none.")
    options = reading_of(spec.config.inputs) | dict(spec.load_options)
    found = [[str(one)] if isinstance(one, str | Path) else _loaded(one, options) for one in several]
    return [one for part in found for one in part]


def _loaded(source: Source, options: Mapping[str, Any]) -> list[TimeSeries]:
    return [source] if isinstance(source, TimeSeries) else load_all(source, **options)


@dataclass(frozen=True)
class _Stages:
    """Runs the jobs of each stage in workers, and reports their progress."""

    jobs: int | None
    engine: str
    on_progress: OnProgress

    def run(
        self, stage: str, work: Callable[[SeriesTask], Any], tasks: Iterable[SeriesTask], *, total: int, found: int = 0
    ) -> tuple[dict[int, Any], dict[int, str]]:
        """Results and errors by the place of their task, in order.

        Args:
            total: Jobs of the stage, with those that were found done.
        """
        results, errors = dict[int, Any](), dict[int, str]()
        progress = Progress(stage, found, 0, total)
        self.on_progress(progress)
        for job in run_jobs(work, tasks, workers=self.jobs, engine=self.engine):
            if job.error:
                errors[job.place] = job.error
            else:
                results[job.place] = job.result
            progress = progress.plus(done=not job.error, failed=bool(job.error))
            self.on_progress(progress)
        return dict(sorted(results.items())), dict(sorted(errors.items()))


def _find_missing(tasks: list[SeriesTask], stages: _Stages) -> tuple[dict[int, SeriesStatus], Errors]:
    """The status of each series by the place of its task; why others have none."""
    if len(tasks) == 1:
        return {0: series_status(tasks[0])}, {}
    statuses, failed = stages.run("series", series_status, tasks, total=len(tasks))
    names = set[str]()
    for status in statuses.values():
        if status.name in names:
            raise ConfigError(f"each series must have a name of its own. Received twice: {status.name}.")
        names.add(status.name)
    return statuses, {(_name(tasks[place].source), ""): error for place, error in failed.items()}


def _name(source: str | TimeSeries) -> str:
    return source if isinstance(source, str) else source.name


def _train(tasks: list[SeriesTask], statuses: dict[int, SeriesStatus], stages: _Stages) -> Errors:
    """Run the missing trainings; return why some of them failed."""
    missing = [(place, model, number) for place, status in statuses.items() for model, number in status.missing]
    total = sum(status.trainings for status in statuses.values())
    jobs = (replace(tasks[place], models=(model,), training=number) for place, model, number in missing)
    _, failed = stages.run("trainings", train_fold, jobs, total=total, found=total - len(missing))
    errors: Errors = {}
    for k, error in failed.items():
        place, model, _ = missing[k]
        errors.setdefault((statuses[place].name, model), error)
    return errors


def _with_trained_models(
    tasks: list[SeriesTask], statuses: dict[int, SeriesStatus], errors: Errors
) -> dict[str, SeriesTask]:
    """The task of each series by name, with the models whose trainings are all there; none without a model."""
    trained = {}
    for place, status in statuses.items():
        models = tuple(model for model in tasks[place].models if (status.name, model) not in errors)
        if models:
            trained[status.name] = replace(tasks[place], models=models)
    return trained


def _evaluate(trained: dict[str, SeriesTask], stages: _Stages) -> tuple[dict[str, Path], Errors]:
    """The file of the summary of each series by name; why others have none."""
    names = list(trained)
    files, failed = stages.run("verdicts", evaluate_series, list(trained.values()), total=len(names))
    return {names[k]: file for k, file in files.items()}, {(names[k], ""): error for k, error in failed.items()}


@dataclass(frozen=True)
class SummaryFiles:
    """Summaries in files, read anew by each loop over them."""

    files: list[Path]

    def __iter__(self) -> Iterator[SeriesSummary]:
        return map(read_summary, self.files)


class LazyResults(Mapping[str, SeriesResult]):
    """Series with their forecasts, each read from its files when it is asked for."""

    def __init__(self, tasks: dict[str, SeriesTask]) -> None:
        self._tasks = tasks

    def __getitem__(self, name: str) -> SeriesResult:
        return read_result(self._tasks[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)
