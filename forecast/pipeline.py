"""The whole job, read top to bottom: load, prepare, train, test, judge, forecast, write it all down.

In: whatever names a series, and a configuration. Out: an `Experiment` or a `Comparison`, and with `out` a folder.
"""

from collections.abc import Sequence
from pathlib import Path

from forecast.config import RECIPES, ExperimentConfig
from forecast.data.covariates import check_future
from forecast.data.dataset import Dataset, prepare
from forecast.data.sources import Source, load
from forecast.evaluation.holdout import Experiment, evaluate
from forecast.evaluation.tasks import task_of
from forecast.inference.trained_model import TrainedModel
from forecast.models import Callbacks, find_model
from forecast.training.train import train_on

# The networks that are compared where nobody names others.
USUAL = ("lstm", "gru", "rnn", "dense")


def run(
    source: Source | Dataset,
    *,
    models: Sequence[str] = USUAL,
    config: ExperimentConfig | None = None,
    out: str | Path | None = None,
    callbacks: Callbacks | None = None,
) -> Experiment:
    """Train and test models on one series, beside the baselines, and forecast its coming steps.

    After Ctrl-C the network in training keeps its best weights so far, those still to come are skipped, and the rest
    of the work is done.

    Args:
        source: Anything that `load` takes, or a series that is prepared with its configuration already.
        models: Names in the registry; the baselines are always added.
        config: Settings; the defaults are meant for every series.
        out: Folder for tables, plots and models; None writes nothing.
        callbacks: Who is told of the progress of each training, and where it is kept.
    Raises:
        ForecastError: what is wrong with the series, a setting or the folder.
    """
    config = source.config if isinstance(source, Dataset) else config or RECIPES["blocks"]
    names = task_of(config).names(models, config)
    if out is not None:
        from forecast.report.writer import check_folder, get_ready

        check_folder(Path(out))
    dataset = source if isinstance(source, Dataset) else prepare(load(source), config)
    check_future(dataset.series, config.inputs, horizon=config.horizon)
    dataset.split  # noqa: B018  too short a series is refused before Keras is loaded
    if out is not None:
        get_ready()
    experiment = evaluate(dataset, *train_all(dataset, names, callbacks))
    if out is not None:
        from forecast.report.writer import write_experiment

        write_experiment(experiment, Path(out))
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
