"""The comparison, end to end: folds, jobs, scores, verdicts, ranking."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from forecast.comparison.folds import Fold, WalkForward, first_cutoff, make_folds, trainings
from forecast.comparison.jobs import Job, read_folds, work
from forecast.config import MEDIAN, RECIPES, ExperimentConfig
from forecast.errors import ConfigError, ForecastError
from forecast.evaluation import Scores, score_all
from forecast.experiment import USUAL
from forecast.models import BASELINES, devices, find_model
from forecast.parallel import LOCAL, check_engine, run_jobs
from forecast.predictions import Predictions
from forecast.series import TimeSeries
from forecast.significance import Ranking, confidence_set, rank
from forecast.sources import Source, load
from forecast.training import settle
from forecast.verdicts import Verdict, judge

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Progress:
    """How far the jobs are: those that were there from before count as done."""

    done: int
    failed: int
    total: int


Tell = Callable[[Progress], None]


@dataclass(frozen=True, eq=False)
class Tested:
    """What came of all models on one series.

    Attributes:
        config: Settled by the rows before the first cutoff.
        backtests: The forecasts of all folds, by model.
        best: The p-value that a model is among the best (`significance.confidence_set`), by model.
    """

    series: TimeSeries
    config: ExperimentConfig
    folds: tuple[Fold, ...]
    backtests: dict[str, Predictions]
    scores: tuple[Scores, ...]
    verdicts: tuple[Verdict, ...]
    best: dict[str, float]

    @property
    def y_train(self) -> Array:
        """The rows before the first cutoff, whose changes are the scale of MASE and RMSSE."""
        return self.series.y[: self.folds[0].cutoff]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a comparison found.

    Attributes:
        models: In the order in which they were asked for, the baselines behind.
        tested: By the name of the series; those without a single forecast are missing.
        errors: Why there is no forecast, by series and model.
        ranking: Of the models by MAE / naive, over the series that all of them forecast; None for a single series.
    """

    plan: WalkForward
    models: tuple[str, ...]
    tested: dict[str, Tested]
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
) -> Comparison:
    """Walk-forward test of models on one series or many: at each cutoff they learn from the past alone.

    The result depends neither on `jobs` nor on `engine`. Finished folds are kept in
    `out`; the same call goes on with them.

    Args:
        sources: Anything that `load` takes, each with a name of its own.
        models: Names in the registry; the baselines are always added.
        config: Settings; the defaults are meant for every series.
        plan: The folds.
        trials: Of a search for settings at each cutoff, on the rows before it; 0 searches nothing.
        out: Folder for tables, plots and folds; None keeps nothing.
        jobs: Processes that work side by side; None as many as there are cores.
        engine: Where they work (`parallel.run_jobs`).
        tell: Called at the start and after each job.
    Raises:
        ForecastError: what is wrong with a setting or the folder, or that no series could be tested.
    """
    plan, config = plan or WalkForward(), config or RECIPES["blocks"]
    if config.task == "direction":
        raise ConfigError("a comparison forecasts values, not directions. Received: task=direction.")
    check_engine(engine)
    if jobs is not None and jobs < 1:
        raise ConfigError(f"`jobs` must be at least 1. Received: jobs={jobs}.")
    chosen = tuple(find_model(name).name for name in dict.fromkeys((*models, *BASELINES)))
    several = _load_all(sources)
    if out is None:
        with TemporaryDirectory(prefix="forecast-") as folder:
            return _compare(several, chosen, config, plan, trials, Path(folder), jobs, engine, tell)
    from forecast.comparison.results import FOLDS, check_folder, write_comparison

    check_folder(Path(out))
    folds = Path(out).absolute() / FOLDS  # a worker may be in another folder
    comparison = _compare(several, chosen, config, plan, trials, folds, jobs, engine, tell)
    write_comparison(comparison, Path(out))
    return comparison


def _load_all(sources: Source | Sequence[Source]) -> list[TimeSeries]:
    wanted: Sequence[Source] = sources if isinstance(sources, list | tuple) else [sources]  # type: ignore[list-item]
    several = [load(source) for source in wanted]
    names = [series.name for series in several]
    if not several or len(set(names)) < len(names):
        raise ConfigError(f"series must be there, each with a name of its own. Received: {', '.join(names) or 'none'}.")
    return several


def _compare(
    several: list[TimeSeries],
    models: tuple[str, ...],
    config: ExperimentConfig,
    plan: WalkForward,
    trials: int,
    folder: Path,
    jobs: int | None,
    engine: str,
    tell: Tell | None,
) -> Comparison:
    plans: dict[str, Plan] = {}
    errors: dict[tuple[str, str], str] = {}
    for series in several:
        try:
            settled = settle(config, [series.between(0, first_cutoff(len(series), plan, config))])
            plans[series.name] = Plan(series, settled, make_folds(len(series), plan, settled))
        except ForecastError as error:
            if len(several) == 1:
                raise
            errors |= {(series.name, model): str(error) for model in models}
    wanted = {(name, model): _jobs(one, model, trials, folder) for name, one in plans.items() for model in models}
    errors |= _do(wanted, jobs, engine, tell)
    tested = {}
    for name, one in plans.items():
        done = {model: wanted[name, model] for model in models if (name, model) not in errors}
        if done:
            tested[name] = _test(one, done)
    if not tested:
        raise ConfigError(f"no series could be tested. {next(iter(errors.values()))}")
    return Comparison(plan, models, tested, errors, _rank(list(tested.values()), models))


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be done with one series."""

    series: TimeSeries
    config: ExperimentConfig
    folds: tuple[Fold, ...]


def _jobs(plan: Plan, model: str, trials: int, folder: Path) -> list[Job]:
    """One job a training."""
    searched = trials if find_model(model).gradient else 0
    return [
        Job(plan.series.between(0, part[-1].stop), model, plan.config, part, searched, folder)
        for part in trainings(plan.folds)
    ]


def _do(
    wanted: dict[tuple[str, str], list[Job]], workers: int | None, engine: str, tell: Tell | None
) -> dict[tuple[str, str], str]:
    """Does the jobs that are not done yet, and says why some could not be."""
    every = [(name, job) for name, jobs in wanted.items() for job in jobs]
    missing = [(name, job) for name, job in every if not job.file.exists()]
    errors: dict[tuple[str, str], str] = {}
    done, tell = len(every) - len(missing), tell or (lambda _: None)
    tell(Progress(done, 0, len(every)))
    networks = any(find_model(job.model).gradient for _, job in missing)
    prepare = devices.load_keras if networks else None
    for result in run_jobs(work, [job for _, job in missing], workers=workers, prepare=prepare, engine=engine):
        if result.error:
            errors[missing[result.place][0]] = result.error
        else:
            done += 1
        tell(Progress(done, len(errors), len(every)))
    return errors


def _test(plan: Plan, jobs: dict[str, list[Job]]) -> Tested:
    """Reads the folds of a series and judges its models."""
    series, folds, horizon = plan.series, plan.folds, plan.config.horizon
    backtests = {model: _joined([read_folds(job) for job in parts]) for model, parts in jobs.items()}
    scores = score_all(backtests, y_train=series.y[: folds[0].cutoff])
    verdicts = judge(backtests, scores, y=series.y, unit=series.unit)
    return Tested(series, plan.config, folds, backtests, scores, verdicts, _best(backtests, horizon))


def _joined(parts: list[Predictions]) -> Predictions:
    """The forecasts of several trainings as one."""
    names = ("origin", "last_value", "actual", "quantiles")
    return Predictions(parts[0].model, *(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _best(backtests: dict[str, Predictions], horizon: int) -> dict[str, float]:
    if len(backtests) < 2:
        return dict.fromkeys(backtests, 1.0)
    losses = [np.abs(one.actual - one.quantiles[..., MEDIAN]).mean(axis=1) for one in backtests.values()]
    p_values = confidence_set(np.stack(losses, axis=1), horizon=horizon)
    return dict(zip(backtests, p_values.tolist(), strict=True))


def _rank(tested: list[Tested], models: tuple[str, ...]) -> Ranking | None:
    """The ranking over the series that every model forecast."""
    whole = [one for one in tested if len(one.scores) == len(models)]
    if len(whole) < 2:
        return None
    return rank({model: [one.scores[place].mae_vs_naive for one in whole] for place, model in enumerate(models)})
