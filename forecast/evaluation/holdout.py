"""One experiment, end to end: split, train every model, test, judge, forecast, and write it all down.

In: a series and a configuration. Out: an `Experiment`, and with `out` a folder that holds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forecast.config import RECIPES, ExperimentConfig
from forecast.data.covariates import check_future, enrich
from forecast.data.series import TimeSeries
from forecast.data.sources import Source, load
from forecast.data.windows import Split, split_rows
from forecast.errors import ConfigError
from forecast.evaluation.scores import Scores, complete, score, score_all
from forecast.evaluation.verdicts import Verdict, judge
from forecast.inference.forecasts import Forecast, Predictions, next_steps
from forecast.inference.trained_model import TrainedModel
from forecast.models import BASELINES, Callbacks, find_model
from forecast.training.train import resolve_defaults, train

# The networks that are compared where nobody names others.
USUAL = ("lstm", "gru", "rnn", "dense")


@dataclass(frozen=True, eq=False)
class Experiment:
    """What one run found; the models of each table are in the order in which they were asked for.

    Attributes:
        models: The trained models, by name.
        backtests: Their forecasts of the test rows.
        forecasts: Their forecasts of the coming steps.
        seeds: MAE over that of naive of each network that was trained with several seeds, by model.
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
    seeds: dict[str, tuple[float, ...]]
    skipped: tuple[str, ...] = ()


def run(
    source: Source,
    *,
    models: Sequence[str] = USUAL,
    config: ExperimentConfig | None = None,
    out: str | Path | None = None,
    callbacks: Callbacks | None = None,
) -> Experiment:
    """Trains and tests models on one series, beside the baselines, and forecasts its coming steps.

    After Ctrl-C the network in training keeps its best weights so far, those still to come are skipped, and the rest
    of the work is done.

    Args:
        source: Anything that `load` takes.
        models: Names in the registry; the baselines are always added.
        config: Settings; the defaults are meant for every series.
        out: Folder for tables, plots and models; None writes nothing.
        watch: Who is told of the progress of each training, and where it is kept.
    Raises:
        ForecastError: what is wrong with the series, a setting or the folder.
    """
    config = config or RECIPES["blocks"]
    if config.task == "direction":
        raise ConfigError("the task direction has a run of its own, run_direction. Received: run with task=direction.")
    chosen = [find_model(name).name for name in dict.fromkeys((*models, *BASELINES))]
    if out is not None:
        from forecast.report.writer import check_folder

        check_folder(Path(out))
    series = enrich(load(source), config.inputs)
    check_future(series, config.inputs, horizon=config.horizon)
    config = resolve_defaults(config, [series])
    trained, skipped = train_all(series, chosen, config, callbacks)
    experiment = _test_all(series, config, trained, skipped)
    if out is not None:
        from forecast.report.writer import write_experiment

        write_experiment(experiment, Path(out))
    return experiment


def train_all(
    series: TimeSeries, names: Sequence[str], config: ExperimentConfig, callbacks: Callbacks | None
) -> tuple[dict[str, TrainedModel], tuple[str, ...]]:
    """The trained models, and the names of the networks that Ctrl-C left out."""
    trained: dict[str, TrainedModel] = {}
    for name in names:
        interrupted = any(model.interrupted for model in trained.values())
        if not (interrupted and find_model(name).is_network):
            trained[name] = train(series, name, config, callbacks=callbacks)
    return trained, tuple(name for name in names if name not in trained)


def _test_all(
    series: TimeSeries, config: ExperimentConfig, models: dict[str, TrainedModel], skipped: tuple[str, ...]
) -> Experiment:
    split = split_rows(len(series), config)
    predictions = {name: model.predict(series) for name, model in models.items()}
    backtests = {name: complete(prediction) for name, prediction in predictions.items()}
    seconds = {name: model.seconds for name, model in models.items()}
    scores = score_all(backtests, y_train=series.y[: split.validation], fit_seconds=seconds)
    verdicts = judge(backtests, scores, y=series.y, unit=series.unit)
    forecasts = {
        name: models[name].forecast(series)
        if find_model(name).is_network
        else next_steps(name, made.quantiles[-1], series)
        for name, made in predictions.items()
    }
    seeds = {name: _seed_scores(model, series, split) for name, model in models.items() if _is_ensemble(model)}
    return Experiment(series, config, split, models, backtests, forecasts, scores, verdicts, seeds, skipped)


def test(model: TrainedModel, series: TimeSeries) -> Scores:
    """The scores of a model on the test rows of a series."""
    series = enrich(series, model.config.inputs)
    split = split_rows(len(series), model.config)
    backtest = complete(model.predict(series))
    return score(backtest, y_train=series.y[: split.validation], fit_seconds=model.seconds)


def _is_ensemble(model: TrainedModel) -> bool:
    return find_model(model.model).is_network and model.config.training.seeds > 1


def _seed_scores(model: TrainedModel, series: TimeSeries, split: Split) -> tuple[float, ...]:
    """MAE over that of naive of each member of an ensemble by itself."""
    members = (model.member(number) for number in range(model.config.training.seeds))
    backtests = (complete(member.predict(series)) for member in members)
    return tuple(score(backtest, y_train=series.y[: split.validation]).mae_vs_naive for backtest in backtests)
