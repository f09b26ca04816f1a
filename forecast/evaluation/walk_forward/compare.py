"""The comparison, end to end: series are looked at, models trained, what came of them judged, and summed up.

Each of the three is done in workers that read the series themselves, so that the number of series is no matter; this
process keeps a few numbers of each.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from forecast.config import RECIPES, ExperimentConfig
from forecast.data.series import TimeSeries
from forecast.data.sources import Source, load
from forecast.errors import ConfigError
from forecast.evaluation.walk_forward.folds import WalkForward
from forecast.evaluation.walk_forward.series_result import SeriesResult
from forecast.evaluation.walk_forward.series_summary import SeriesSummary, read_summary
from forecast.evaluation.walk_forward.worker import (
    ComparisonSpec,
    SeriesStatus,
    SeriesTask,
    evaluate_series,
    result_of,
    series_status,
    train_fold,
)
from forecast.metrics.significance import Ranking, rank
from forecast.models import BASELINES, find_model
from forecast.runtime.parallel import LOCAL, JobResult, Progress, check_engine, run_jobs

USUAL = ("lstm", "gru", "rnn", "dense")
# Series up to which all of each is kept in memory, printed and drawn.
FEW = 20
# Of each series and model, what the summary needs.
NEEDED = ("series", "model", "mae_vs_naive", "coverage90", "gain", "p_value", "p_skill", "outcome", "best_p")


Tell = Callable[[Progress], None]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a comparison found.

    Attributes:
        models: In the order in which they were asked for, the baselines behind.
        tested: By the name of the series; those without a single forecast are missing. With many series each is read
            when it is asked for.
        parts: What each series gave to the tables, in the same order; with many series read from their files.
        scores: Of each series and model, the columns that the summary needs.
        errors: Why there is no forecast, by series and model; of a series that could not be tested at all, model "".
        ranking: Of the models by MAE / naive, over the series that all of them forecast; None for a single series.
    """

    plan: WalkForward
    models: tuple[str, ...]
    tested: Mapping[str, SeriesResult]
    parts: Iterable[SeriesSummary]
    scores: pd.DataFrame
    errors: dict[tuple[str, str], str]
    ranking: Ranking | None


def compare(
    sources: Source | Sequence[Source],
    *,
    models: Sequence[str] = USUAL,
    config: ExperimentConfig | None = None,
    plan: WalkForward | None = None,
    trials: int = 0,
    out: str | Path | None = None,
    jobs: int | None = 1,
    engine: str = LOCAL,
    tell: Tell | None = None,
    reading: Mapping[str, Any] | None = None,
) -> Comparison:
    """Walk-forward test of models on one series or many: at each cutoff they learn from the past alone.

    The result depends neither on `jobs` nor on `engine`. Finished folds are kept in `out`; the same call goes on with
    them. A series that cannot be read or tested is among the errors; the others are compared.

    Args:
        sources: Anything that `load` takes, each with a name of its own. Text is read where it is worked on.
        models: Names in the registry; the baselines are always added.
        config: Settings; the defaults are meant for every series.
        plan: The folds.
        trials: Of a search for settings at each cutoff, on the rows before it; 0 searches nothing.
        out: Folder for tables, plots and folds; None keeps nothing. On a cluster every machine must see it.
        jobs: Processes that work side by side; None as many as there are cores.
        engine: Where they work (`parallel.run_jobs`).
        tell: Called at the start of each stage and after each of its jobs.
        reading: Arguments of `load` for the sources that are text.
    Raises:
        ForecastError: what is wrong with a setting or the folder, or that no series could be tested.
    """
    plan, config = plan or WalkForward(), config or RECIPES["blocks"]
    if config.task == "direction":
        raise ConfigError("a comparison forecasts values, not directions. Received: task=direction.")
    check_engine(engine, jobs)
    chosen = tuple(find_model(name).name for name in dict.fromkeys((*models, *BASELINES)))
    arguments = tuple(sorted((reading or {}).items()))
    setting = ComparisonSpec(chosen, config, plan, trials, arguments, Path(), Path(), time.time_ns())
    several = _references(sources)
    run = partial(run_jobs, workers=jobs, engine=engine)
    if out is None:
        with TemporaryDirectory(prefix="forecast-") as folder:
            return _compare(several, _within(setting, Path(folder)), run, tell, keep=True)
    from forecast.report.comparison_writer import check_folder, write_comparison

    check_folder(Path(out))
    within = _within(setting, Path(out).absolute())  # a worker may be in another folder
    comparison = _compare(several, within, run, tell, keep=len(several) <= FEW)
    write_comparison(comparison, Path(out))
    return comparison


def _within(setting: ComparisonSpec, folder: Path) -> ComparisonSpec:
    return replace(setting, folds=folder / "folds", parts=folder / "series")


def _references(sources: Source | Sequence[Source]) -> list[str | TimeSeries]:
    """Text as it is; whatever else is given, as the series that it is."""
    wanted: Sequence[Source] = sources if isinstance(sources, list | tuple) else [sources]  # type: ignore[list-item]
    if not wanted:
        raise ConfigError("a comparison needs a series. Received: none.")
    return [str(one) if isinstance(one, str | Path) else load(one) for one in wanted]


def _compare(
    several: list[str | TimeSeries], setting: ComparisonSpec, run: Any, tell: Tell | None, *, keep: bool
) -> Comparison:
    tasks = [SeriesTask(one, setting, setting.models) for one in several]
    seen, errors = _look(tasks, run, tell)
    errors |= _train(tasks, seen, run, tell)
    wanted = []
    for place, found in seen.items():
        done = tuple(model for model in setting.models if (found.name, model) not in errors)
        if done:
            wanted.append((found.name, replace(tasks[place], models=done)))
    files, unjudged = _judge(wanted, setting, run, tell)
    errors |= unjudged
    opened = {name: task for name, task in wanted if name in files}
    if not opened:
        raise ConfigError(f"no series could be tested. {next(iter(errors.values()))}")
    parts: Iterable[SeriesSummary] = SummaryFiles(list(files.values()))
    tested: Mapping[str, SeriesResult] = LazyResults(opened)
    if keep:
        parts, tested = list(parts), dict(tested.items())
    scores = pd.concat([part.table("scores")[list(NEEDED)] for part in parts], ignore_index=True)
    return Comparison(setting.plan, setting.models, tested, parts, scores, errors, _rank(scores, setting.models))


@dataclass(frozen=True)
class SummaryFiles:
    """The parts in files, read anew each time that they are gone through."""

    files: list[Path]

    def __iter__(self) -> Iterator[SeriesSummary]:
        return map(read_summary, self.files)


class LazyResults(Mapping[str, SeriesResult]):
    """Series with their forecasts, each read from its files when it is asked for."""

    def __init__(self, tasks: dict[str, SeriesTask]) -> None:
        self._tasks = tasks

    def __getitem__(self, name: str) -> SeriesResult:
        return result_of(self._tasks[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)


def _look(
    tasks: list[SeriesTask], run: Any, tell: Tell | None
) -> tuple[dict[int, SeriesStatus], dict[tuple[str, str], str]]:
    """What is to be done with each series, by its place; and why nothing can be done with others."""
    if len(tasks) == 1:
        return {0: series_status(tasks[0])}, {}
    seen: dict[int, SeriesStatus] = {}
    errors: dict[int, str] = {}
    for result in _told(run(series_status, tasks), "series", len(tasks), tell):
        if result.result is None:
            errors[result.place] = result.error
        else:
            seen[result.place] = result.result
    names: dict[str, int] = {}
    for place in sorted(seen):
        if names.setdefault(seen[place].name, place) != place:
            raise ConfigError(f"each series must have a name of its own. Received twice: {seen[place].name}.")
    named = {(_name(tasks[place].source), ""): why for place, why in sorted(errors.items())}
    return {place: seen[place] for place in sorted(seen)}, named


def _name(source: str | TimeSeries) -> str:
    return source if isinstance(source, str) else source.name


def _train(
    tasks: list[SeriesTask], seen: dict[int, SeriesStatus], run: Any, tell: Tell | None
) -> dict[tuple[str, str], str]:
    """Does the trainings that are not there yet, and says why some could not be done."""
    missing = [(place, model, number) for place, one in seen.items() for model, number in one.missing]
    total = sum(one.trainings for one in seen.values())
    jobs = (replace(tasks[place], models=(model,), training=number) for place, model, number in missing)
    results = _told(run(train_fold, jobs), "trainings", total, tell, before=total - len(missing))
    failed = {result.place: result.error for result in results if result.error}
    errors: dict[tuple[str, str], str] = {}
    for k in sorted(failed):
        place, model, _ = missing[k]
        errors.setdefault((seen[place].name, model), failed[k])
    return errors


def _judge(
    wanted: list[tuple[str, SeriesTask]], setting: ComparisonSpec, run: Any, tell: Tell | None
) -> tuple[dict[str, Path], dict[tuple[str, str], str]]:
    """The file of the part of each series, by its name, and why there is none of others."""
    files: dict[int, Path] = {}
    errors: dict[int, str] = {}
    for result in _told(run(evaluate_series, [task for _, task in wanted]), "verdicts", len(wanted), tell):
        if result.result is None:
            errors[result.place] = result.error
        else:
            files[result.place] = setting.parts / result.result
    failed = {(wanted[place][0], ""): errors[place] for place in sorted(errors)}
    return {wanted[place][0]: files[place] for place in sorted(files)}, failed


def _told(
    results: Iterator[JobResult[Any]],
    stage: str,
    total: int,
    tell: Tell | None,
    before: int = 0,
) -> Iterator[JobResult[Any]]:
    """The results of a stage as they come, each told."""
    done, failed, tell = before, 0, tell or (lambda _: None)
    tell(Progress(stage, done, failed, total))
    for result in results:
        done, failed = (done, failed + 1) if result.error else (done + 1, failed)
        tell(Progress(stage, done, failed, total))
        yield result


def _rank(scores: pd.DataFrame, models: tuple[str, ...]) -> Ranking | None:
    """The ranking over the series that every model forecast."""
    wide = scores.pivot_table(index="series", columns="model", values="mae_vs_naive", sort=False)
    ratios = wide.reindex(columns=list(models)).dropna()
    if len(ratios) < 2:
        return None
    return rank({model: ratios[model].to_list() for model in models})
