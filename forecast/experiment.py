"""One experiment, end to end: split, train every model, test, judge, forecast, and write it all down.

In: a series and a configuration. Out: an `Experiment`, and with `out` a folder that holds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forecast.config import RECIPES, ExperimentConfig
from forecast.evaluation import Scores, Verdict, complete, judge, score
from forecast.models import BASELINES, NETWORKS, Progress, find_model
from forecast.series import TimeSeries
from forecast.sources import Source, load
from forecast.training import Forecast, Predictions, TrainedModel, next_steps, train
from forecast.windows import Split, split_rows


@dataclass(frozen=True, eq=False)
class Experiment:
    """What one run found; the models of each table are in the order in which they were asked for.

    Attributes:
        models: The trained models, by name.
        backtests: Their forecasts of the test rows.
        forecasts: Their forecasts of the coming steps.
        skipped: Models that were not trained, because Ctrl-C came before their turn.
    """

    series: TimeSeries
    config: ExperimentConfig
    split: Split
    models: dict[str, TrainedModel]
    backtests: dict[str, Predictions]
    forecasts: dict[str, Forecast]
    scores: tuple[Scores, ...]
    verdicts: tuple[Verdict, ...]
    skipped: tuple[str, ...] = ()


def run(
    source: Source,
    *,
    models: Sequence[str] = NETWORKS,
    config: ExperimentConfig | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Experiment:
    """Trains and tests models on one series, beside the baselines, and forecasts its coming steps.

    After Ctrl-C the network in training keeps its best weights so far, those still to come are skipped, and the rest
    of the work is done.

    Args:
        source: Anything that `load` takes.
        models: Names in the registry; the baselines are always added.
        config: Settings; the defaults are meant for every series.
        out: Folder for tables, plots and models; None writes nothing.
        progress: Called after each training step.
    Raises:
        ForecastError: what is wrong with the series, a setting or the folder.
    """
    config = config or RECIPES["blocks"]
    chosen = [find_model(name).name for name in dict.fromkeys((*models, *BASELINES))]
    if out is not None:
        from forecast.report import check_folder

        check_folder(Path(out))
    series = load(source)
    trained, skipped = _train_all(series, chosen, config, progress)
    experiment = _test_all(series, config, trained, skipped)
    if out is not None:
        from forecast.report import write_experiment

        write_experiment(experiment, Path(out))
    return experiment


def _train_all(
    series: TimeSeries, names: Sequence[str], config: ExperimentConfig, progress: Progress | None
) -> tuple[dict[str, TrainedModel], tuple[str, ...]]:
    """The trained models, and the names of the networks that Ctrl-C left out."""
    trained: dict[str, TrainedModel] = {}
    for name in names:
        interrupted = any(model.interrupted for model in trained.values())
        if not (interrupted and find_model(name).learned):
            trained[name] = train(series, name, config, progress=progress)
    return trained, tuple(name for name in names if name not in trained)


def _test_all(
    series: TimeSeries, config: ExperimentConfig, models: dict[str, TrainedModel], skipped: tuple[str, ...]
) -> Experiment:
    split = split_rows(len(series), config)
    predictions = {name: model.predict(series) for name, model in models.items()}
    backtests = {name: complete(prediction) for name, prediction in predictions.items()}
    scores = tuple(
        score(backtest, series, split, fit_seconds=models[name].seconds) for name, backtest in backtests.items()
    )
    verdicts = judge(list(backtests.values()), scores, unit=series.unit)
    forecasts = {name: next_steps(prediction, series) for name, prediction in predictions.items()}
    return Experiment(series, config, split, models, backtests, forecasts, scores, verdicts, skipped)
