"""The whole job, read top to bottom: load, prepare, train, test, judge, forecast, write it all down.

In: whatever names a series, and a configuration. Out: an `Experiment` or a `Comparison`, and with `out` a folder.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from forecast.config import RECIPES, ExperimentConfig
from forecast.data.covariates import check_future
from forecast.data.dataset import Dataset, prepare
from forecast.data.sources import Source, load
from forecast.evaluation.holdout import Experiment, evaluate
from forecast.evaluation.tasks import task_of
from forecast.evaluation.walk_forward.compare import compare_series
from forecast.evaluation.walk_forward.folds import WalkForward
from forecast.evaluation.walk_forward.series_task import ComparisonSpec
from forecast.evaluation.walk_forward.summary import Comparison
from forecast.inference.trained_model import TrainedModel
from forecast.models import BASELINES, Callbacks, find_model
from forecast.report import comparison_writer, writer
from forecast.runtime.parallel import LOCAL, OnProgress
from forecast.training.train import train_on

# The networks that are compared where nobody names models.
NETWORKS = ("lstm", "gru", "rnn", "dense")


def usual_models(config: ExperimentConfig) -> tuple[str, ...]:
    """The models that are compared where nobody names others.

    With networks that have a linear highway stands `linear`, the highway alone, so that the table shows what they add.
    """
    stack = ("stack",) if config.network.layers else ()
    linear = ("linear",) if config.network.highway and config.task == "forecast" else ()
    return (*NETWORKS, *stack, *linear)


def run(
    source: Source | Dataset,
    *,
    models: Sequence[str] | None = None,
    config: ExperimentConfig | None = None,
    out: str | Path | None = None,
    callbacks: Callbacks | None = None,
) -> Experiment:
    """Train and test models on one series, beside the baselines, and forecast its coming steps.

    After Ctrl-C the network in training keeps its best weights so far, those still to come are skipped, and the rest
    of the work is done.

    Args:
        source: Anything that `load` takes, or a series that is prepared with its configuration already.
        models: Names in the registry, by default `usual_models`; the baselines are always added.
        config: The configuration; the defaults suit every series.
        out: Folder for tables, plots and models; None writes nothing.
        callbacks: Who is told of the progress of each training, and where it is kept.
    Raises:
        ForecastError: what is wrong with the series, an option or the folder.
    """
    config = source.config if isinstance(source, Dataset) else config or RECIPES["blocks"]
    names = task_of(config).names(usual_models(config) if models is None else models, config)
    if out is not None:
        writer.check_folder(Path(out))
    dataset = source if isinstance(source, Dataset) else prepare(load(source), config)
    check_future(dataset.series, config.inputs, horizon=dataset.config.resolved_horizon)
    dataset.split  # noqa: B018  too short a series is refused before Keras is loaded
    if out is not None:
        writer.get_ready()
    experiment = evaluate(dataset, *train_all(dataset, names, callbacks))
    if out is not None:
        writer.write_experiment(experiment, Path(out))
    return experiment


def train_all(
    dataset: Dataset, names: Sequence[str], callbacks: Callbacks | None
) -> tuple[dict[str, TrainedModel], tuple[str, ...]]:
    """The trained models, and the names of the networks that Ctrl-C left out."""
    trained: dict[str, TrainedModel] = {}
    for name in names:
        interrupted = any(model.interrupted for model in trained.values())
        if not (interrupted and find_model(name).is_network):
            trained[name] = train_on([dataset], name, callbacks=callbacks)
    return trained, tuple(name for name in names if name not in trained)


def compare(
    sources: Source | Sequence[Source],
    *,
    models: Sequence[str] | None = None,
    config: ExperimentConfig | None = None,
    plan: WalkForward | None = None,
    trials: int = 0,
    out: str | Path | None = None,
    jobs: int | None = 1,
    engine: str = LOCAL,
    on_progress: OnProgress | None = None,
    load_options: Mapping[str, Any] | None = None,
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
        load_options: Arguments of `load` for paths and tickers.
    Raises:
        ForecastError: what is wrong with an option or the folder, or that no series could be tested.
    """
    if out is not None:
        comparison_writer.check_folder(Path(out))
    config = config or RECIPES["blocks"]
    chosen = usual_models(config) if models is None else models
    names = tuple(find_model(name).name for name in dict.fromkeys((*chosen, *BASELINES)))
    options = tuple(sorted((load_options or {}).items()))
    with TemporaryDirectory(prefix="forecast-") if out is None else nullcontext(out) as folder:
        # absolute, as a worker may be in another folder
        place = Path(folder).absolute()
        spec = ComparisonSpec(names, config, plan or WalkForward(), trials, options, place)
        comparison = compare_series(
            sources, spec, jobs=jobs, engine=engine, on_progress=on_progress, in_memory=out is None
        )
    if out is not None:
        comparison_writer.write_comparison(comparison, Path(out))
    return comparison
