"""The whole job, read top to bottom: load, prepare, train, test, judge, forecast, write it all down.

In: whatever names a series, and a configuration. Out: an `Experiment` or a `Comparison`, and with `out` a folder.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, overload

from forecast.config import RECIPES, ExperimentConfig, check_known
from forecast.data.series import TimeSeries
from forecast.data.sources import Source, as_list, load_for, load_several, load_together, split_keywords
from forecast.data.sources.keywords import LOAD_OPTIONS, reading_of
from forecast.errors import ConfigError, ForecastError
from forecast.evaluation.follow_up import FollowUp, follow_up
from forecast.evaluation.given_forecasts import read_forecasts
from forecast.evaluation.holdout import Experiment, evaluate
from forecast.evaluation.joint import JointExperiment, plan_together
from forecast.evaluation.run_plan import RunPlan, plan_run, usual_models
from forecast.evaluation.tasks import task_of
from forecast.evaluation.train_all import train_all
from forecast.evaluation.update import compare as compare_update
from forecast.evaluation.walk_forward.compare import compare_series
from forecast.evaluation.walk_forward.folds import WalkForward
from forecast.evaluation.walk_forward.series_task import ComparisonSpec
from forecast.evaluation.walk_forward.summary import Comparison
from forecast.evaluation.zero_shot import answer, answer_many
from forecast.inference.forecasts import Forecast
from forecast.inference.trained_model import TrainedModel, check_model
from forecast.models import BASELINES, Callbacks, find_model
from forecast.report import comparison_writer, joint_writer, writer
from forecast.runtime.json_values import finite
from forecast.runtime.parallel import LOCAL, OnProgress
from forecast.runtime.parallel.standby import Standby
from forecast.training import fine_tune

if TYPE_CHECKING:
    from forecast.data.sources.yahoo.tickers import FetchResult

# The fields of a plan of folds.
FOLDS = tuple(one.name for one in fields(WalkForward))


@overload
def run(
    source: Source | RunPlan,
    *,
    target: str | None = None,
    models: str | Sequence[str] | None = None,
    config: ExperimentConfig | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    callbacks: Callbacks | None = None,
    trainers: Standby | None = None,
    **options: Any,
) -> Experiment: ...
@overload
def run(
    source: Source,
    *,
    target: list[str] | tuple[str, ...],
    models: str | Sequence[str] | None = None,
    config: ExperimentConfig | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    callbacks: Callbacks | None = None,
    trainers: Standby | None = None,
    **options: Any,
) -> JointExperiment: ...
def run(
    source: Source | RunPlan,
    *,
    target: str | list[str] | tuple[str, ...] | None = None,
    models: str | Sequence[str] | None = None,
    config: ExperimentConfig | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    callbacks: Callbacks | None = None,
    trainers: Standby | None = None,
    **options: Any,
) -> Experiment | JointExperiment:
    """Train and test models on one series, beside the baselines, and forecast its coming steps.

    After Ctrl-C the network in training keeps its best weights so far, those still to come are skipped, and the rest
    of the work is done.

    Args:
        source: Anything that `load` takes, or a plan, which has its models and configuration.
        target: The column to forecast, as for `load`; of several in a list each network forecasts all at once.
        models: Names in the registry, by default `usual_models`; the baselines are always added.
        config: The configuration; the defaults suit every series.
        out: Folder for tables, plots and models; None writes nothing. An earlier run of the same series is replaced.
        overwrite: Replace it even if models or other files are lost that this run does not make.
        callbacks: Who is told of the progress of each training, and where it is kept.
        trainers: Processes that train networks side by side; by default they are trained here, one after another.
        options: Fields of the configuration, as in `horizon=7`, and options of `load`, as in `unit="USD"`.
    Returns:
        An `Experiment`; of several targets a `JointExperiment`, which holds one for each.
    Raises:
        ForecastError: what is wrong with the series, an option or the folder.
    """
    if isinstance(target, list | tuple):
        plans = _plan_together(source, target, _names(models), config, options)
        return run_together(plans, out=out, overwrite=overwrite, callbacks=callbacks, trainers=trainers)
    if out is not None:
        writer.check_folder(Path(out))
    named = options if target is None else {**options, "target": target}
    plan = source if isinstance(source, RunPlan) else _plan(source, _names(models), config, named)
    if out is not None:
        writer.check_kept(Path(out), plan.dataset.series, plan.models, overwrite=overwrite)
        if not trainers:
            writer.get_ready()
    (experiment,) = _train_and_test([plan], callbacks, trainers, draws=out is not None)
    if out is not None:
        writer.write_experiment(experiment, Path(out), trainers)
    return experiment


def run_together(
    plans: Sequence[RunPlan],
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    callbacks: Callbacks | None = None,
    trainers: Standby | None = None,
) -> JointExperiment:
    """Do what `plan_together` planned: train each network once for all targets, and test it on each.

    Raises:
        ForecastError: as `run`.
    """
    if out is not None:
        joint_writer.check_folder(Path(out), plans, overwrite=overwrite)
        if not trainers:
            writer.get_ready()
    every = _train_and_test(plans, callbacks, trainers, draws=out is not None)
    found = JointExperiment({one.series.target: one for one in every})
    if out is not None:
        joint_writer.write_joint(found, Path(out), trainers)
    return found


def _plan_together(
    source: Source | RunPlan,
    targets: Sequence[str],
    models: Sequence[str] | None,
    config: ExperimentConfig | None,
    options: Mapping[str, Any],
) -> tuple[RunPlan, ...]:
    if not targets:
        raise ConfigError("`target` must name a column. Received: none.")
    config, loading, _ = split_keywords(config or RECIPES["blocks"], options)
    task_of(config).names(usual_models(config) if models is None else models, config)
    return plan_together(load_together(source, targets, config, **loading), models, config)


def _train_and_test(
    plans: Sequence[RunPlan], callbacks: Callbacks | None, trainers: Standby | None, *, draws: bool
) -> list[Experiment]:
    """An experiment for each plan; the networks that all of them name are trained as one.

    Args:
        draws: Whether pictures will be drawn.
    """
    every = train_all(plans, callbacks, trainers, meanwhile=writer.load_pictures if draws else lambda: None)
    return [
        evaluate(plan.dataset, found.models, found.skipped, (*plan.cautions, *found.left_out), tests=found.tests)
        for plan, found in zip(plans, every, strict=True)
    ]


@overload
def predict(source: list[Any] | tuple[Any, ...], *, jobs: int | None = None, **options: Any) -> list[Forecast]: ...
@overload
def predict(source: Source, *, jobs: int | None = None, **options: Any) -> Forecast: ...
def predict(source: Source | Sequence[Source], *, jobs: int | None = None, **options: Any) -> Forecast | list[Forecast]:
    """Forecast the coming steps of a series at once, by the network that comes with the package; nothing is trained.

    `run(source, models=["pretrained"])` tests it at every row, beside other models: its forecast is nearly the same.

    Args:
        source: Anything that `load` takes, or a list of such, which are forecast together: in a fraction of the time,
            and each as by itself.
        jobs: Processes that forecast hundreds of series side by side, at most; None for as many as there are cores.
        options: Fields of the configuration, as in `horizon=7`, and options of `load`, as in `target="Close"`.
    Returns:
        A forecast; of a list one for each series of it.
    Raises:
        ForecastError: what is wrong with a series; it is too short for a test of the forecast.
    """
    config, loading, _ = split_keywords(RECIPES["blocks"], options)
    sources = as_list(source)
    if len(sources) == 1 and sources[0] is source:
        return answer(load_for(source, config, **loading), config).forecast
    several, found = load_several(sources, config, **loading), {}
    for place, one in answer_many(several, config, jobs=jobs):
        if isinstance(one, ForecastError):
            raise one
        found[place] = one.forecast
    return [found[place] for place in range(len(several))]


def _plan(
    source: Source, models: Sequence[str] | None, config: ExperimentConfig | None, options: Mapping[str, Any]
) -> RunPlan:
    """Load the series, once the options are known to be right, and plan the run."""
    config, loading, _ = split_keywords(config or RECIPES["blocks"], options)
    task_of(config).names(usual_models(config) if models is None else models, config)
    return plan_run(load_for(source, config, **loading), models, config)


def _names(models: str | Sequence[str] | None) -> Sequence[str] | None:
    """Names of models; a text holds one, or several with commas between."""
    return [name.strip() for name in models.split(",") if name.strip()] if isinstance(models, str) else models


def compare(
    sources: Source | Sequence[Source],
    *,
    models: str | Sequence[str] | None = None,
    config: ExperimentConfig | None = None,
    plan: WalkForward | None = None,
    trials: int = 0,
    out: str | Path | None = None,
    jobs: int | None = 1,
    engine: str = LOCAL,
    on_progress: OnProgress | None = None,
    load_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> Comparison:
    """Walk-forward test of models on one series or many: at each cutoff they are trained on the past alone.

    The result depends neither on `jobs` nor on `engine`. Finished trainings are kept in `out`: after an interruption
    the same call continues with them. A series that cannot be read or tested is among the errors; the others are
    compared.

    Args:
        sources: Anything that `load` takes, each with a name of its own. Paths and tickers are read by the workers.
        models: Names in the registry, by default `usual_models`; the baselines are always added.
        config: One configuration for all series.
        plan: The folds.
        trials: Tuning trials at each cutoff, on the rows before it; 0 tunes nothing.
        out: Folder for tables, plots and forecasts; None keeps nothing. On a cluster every machine must see it.
        jobs: Processes side by side; None for as many as there are cores.
        engine: Where they run (`parallel.run_jobs`).
        on_progress: Called at the start of each stage and after each of its jobs.
        load_options: Arguments of `load`.
        options: Fields of the configuration and of the plan, as in `horizon=7, folds=3`, and options of `load`.
    Raises:
        ForecastError: what is wrong with an option or the folder, or that no series could be tested.
    """
    if out is not None:
        comparison_writer.check_folder(Path(out))
    config, loading, folds = split_keywords(config or RECIPES["blocks"], options, others=FOLDS)
    plan = replace(plan or WalkForward(), **folds)
    loaded = [one for one in sources if isinstance(one, TimeSeries)] if isinstance(sources, list | tuple) else []
    chosen = usual_models(config, *loaded) if models is None else _names(models) or ()
    names = tuple(dict.fromkeys(find_model(name).name for name in (*chosen, *BASELINES)))
    reading = tuple(sorted({**reading_of(config.inputs), **loading, **(load_options or {})}.items()))
    with TemporaryDirectory(prefix="forecast-") if out is None else nullcontext(out) as folder:
        # absolute, as a worker may be in another folder
        place = Path(folder).absolute()
        spec = ComparisonSpec(names, config, plan, trials, reading, place)
        comparison = compare_series(
            sources, spec, jobs=jobs, engine=engine, on_progress=on_progress, in_memory=out is None
        )
    if out is not None:
        comparison_writer.write_comparison(comparison, Path(out))
    return comparison


def update(
    model: TrainedModel,
    sources: Source | Sequence[Source],
    *,
    steps: int | None = None,
    learning_rate: float | None = None,
    freeze: bool = False,
    callbacks: Callbacks | None = None,
    **options: Any,
) -> TrainedModel:
    """Train a network on with new rows; old rows stay in the mix, and shape and scaler as they are.

    Args:
        sources: Anything that `load` takes, or a list of such.
        steps: Training steps; half of the first training's by default.
        learning_rate: The highest one; a quarter of the first training's by default.
        freeze: Leave all layers but the head as they are.
        options: Options of `load`.
    Returns:
        The new model. Its `tested` says whether the update helped, on rows that neither model has seen.
    Raises:
        ConfigError: the model is no network, there is nothing new to learn from, or there is no such option.
        SeriesTooShort: the rows do not suffice.
    """
    check_model(model)
    check_known(options, LOAD_OPTIONS)
    several = load_several(sources, model.config, **options)
    new = fine_tune.update(model, several, steps=steps, learning_rate=learning_rate, freeze=freeze, callbacks=callbacks)
    worth = compare_update(model, new, several)
    tested = tuple(finite(asdict(one)) | {"verdict": {"sentence": one.sentence}} for one in worth)
    return replace(new, tested=tested)


def fetch(
    tickers: str | Sequence[str],
    *,
    start: str | None = None,
    end: str | None = None,
    interval: str = "1d",
    offline: bool = False,
    wait: bool = False,
) -> "list[FetchResult]":
    """Download prices from Yahoo Finance into the copies on disk that `load` uses; a failure is an `error` of a result.

    Raises:
        ConfigError: a date or the interval is invalid.
    """
    from forecast.data.sources.yahoo import tickers as yahoo

    names = [tickers] if isinstance(tickers, str) else tickers
    return list(yahoo.fetch(names, start=start, end=end, interval=interval, offline=offline, wait=wait))


def check(
    forecasts: str | Path, source: Source | Sequence[Source], *, model: str | None = None, **load_options: Any
) -> tuple[FollowUp, ...]:
    """How forecasts did, now that their dates have come, and what is to be done: nothing, update or train anew.

    Args:
        forecasts: The folder of a run, or a CSV or Parquet file of forecasts as `forecast predict` writes it.
        source: The series as it is now: anything that `load_all` takes, or a list of such.
        model: The model to check; by default all, of a run the one with the smallest error in its test.
        **load_options: Options of `load`; of a run its target and unit are the default.
    Raises:
        ForecastError: no forecasts, no series, or a model that is not there.
    """
    folder, chosen = Path(forecasts), model
    if folder.is_dir():
        run_record = writer.read_forecast_record(folder)
        chosen = model or min(run_record["scores"], key=lambda row: row["mae"])["model"]
        if not isinstance(source, TimeSeries | list):
            about = {name: run_record["series"][name] for name in ("target", "unit")}
            load_options = about | {name: value for name, value in load_options.items() if value}
    table = read_forecasts(folder / writer.FORECAST if folder.is_dir() else folder, baselines=True)
    if chosen is not None:
        names = {name.casefold(): name for name in dict.fromkeys(table["model"])}
        if chosen.casefold() not in names:
            raise ConfigError(f"`model` must be one of {', '.join(names.values())}. Received: {chosen}.")
        table = table[table["model"] == names[chosen.casefold()]]
    given = {name: value for name, value in load_options.items() if value}
    return follow_up(table, {one.name: one for one in load_several(source, RECIPES["blocks"], **given)})
