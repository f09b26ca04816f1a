"""One experiment on directions, end to end: train every network, test beside the baselines, judge, write it down."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from forecast.config import RECIPES, ExperimentConfig
from forecast.data.covariates import check_future, enrich
from forecast.data.series import TimeSeries
from forecast.data.sources import Source, load
from forecast.data.windows import Split, split_rows
from forecast.errors import ConfigError
from forecast.evaluation.direction import DirectionScores, DirectionVerdict, Reliability, complete, judge, reliability
from forecast.evaluation.direction import score as score_chances
from forecast.evaluation.holdout import USUAL, train_all
from forecast.inference.direction import ClassProbabilities, DirectionForecast, baselines, forecast, last_of, predict
from forecast.inference.trained_model import TrainedModel
from forecast.models import Callbacks
from forecast.models.direction_classes import MIXTURE_WEIGHT
from forecast.report.writer import check_folder
from forecast.training.train import check_task, resolve_defaults

__all__ = ["DirectionExperiment", "forecast", "run", "test"]


@dataclass(frozen=True, eq=False)
class DirectionExperiment:
    """What one run found; networks first, in the order in which they were asked for, then the baselines.

    Attributes:
        models: The trained networks, by name.
        backtests: The probabilities at the test origins, of networks and baselines.
        forecasts: The probabilities at the last row, of both.
        calibration: How often came what was given which probability, of both.
        skipped: Networks that were not trained, because Ctrl-C came before their turn.
    """

    series: TimeSeries
    config: ExperimentConfig
    split: Split
    models: dict[str, TrainedModel]
    backtests: dict[str, ClassProbabilities]
    forecasts: dict[str, DirectionForecast]
    scores: tuple[DirectionScores, ...]
    verdicts: tuple[DirectionVerdict, ...]
    calibration: dict[str, Reliability]
    skipped: tuple[str, ...] = ()


def run(
    source: Source,
    *,
    models: Sequence[str] = USUAL,
    config: ExperimentConfig | None = None,
    out: str | Path | None = None,
    callbacks: Callbacks | None = None,
) -> DirectionExperiment:
    """Trains and tests networks on the direction of one series, beside the baselines, and forecasts it.

    After Ctrl-C the network in training keeps its best weights so far, those still to come are skipped, and the rest
    of the work is done.

    Args:
        source: Anything that `load` takes.
        models: Names of networks.
        config: Settings; its task is set to `direction`.
        out: Folder for tables, plots and models; None writes nothing.
        watch: Who is told of the progress of each training, and where it is kept.
    Raises:
        ForecastError: what is wrong with the series, a setting or the folder.
    """
    config = replace(config or RECIPES["blocks"], task="direction")
    names = _networks(models, config)
    if out is not None:
        check_folder(Path(out))
    series = enrich(load(source), config.inputs)
    check_future(series, config.inputs, horizon=config.horizon)
    config = resolve_defaults(config, [series])
    trained, skipped = train_all(series, names, config, callbacks)
    experiment = _test_all(series, trained, skipped)
    if out is not None:
        from forecast.direction.results import write_experiment

        write_experiment(experiment, Path(out))
    return experiment


def _networks(models: Sequence[str], config: ExperimentConfig) -> list[str]:
    names = list(dict.fromkeys(models))
    if not names:
        raise ConfigError("the task direction needs a network or more, as in --models lstm. Received: none.")
    for name in names:
        check_task(name, config)
    return names


def _test_all(series: TimeSeries, models: dict[str, TrainedModel], skipped: tuple[str, ...]) -> DirectionExperiment:
    first = next(iter(models.values()))
    chances = {name: predict(model, series) for name, model in models.items()}
    chances |= baselines(first, series, chances[first.model])
    backtests = {name: complete(one) for name, one in chances.items()}
    scores = _scores(backtests, models)
    return DirectionExperiment(
        series=series,
        config=first.config,
        split=split_rows(len(series), first.config),
        models=models,
        backtests=backtests,
        forecasts={name: last_of(one, series, first) for name, one in chances.items()},
        scores=scores,
        verdicts=judge(backtests, scores, horizon=first.config.horizon),
        calibration={name: reliability(one) for name, one in backtests.items()},
        skipped=skipped,
    )


def _scores(backtests: dict[str, ClassProbabilities], models: dict[str, TrainedModel]) -> tuple[DirectionScores, ...]:
    return tuple(
        score_chances(
            one,
            backtests["base_rate"],
            mixture_weight=float(models[name].weights[MIXTURE_WEIGHT]) if name in models else float("nan"),
            fit_seconds=models[name].seconds if name in models else 0.0,
        )
        for name, one in backtests.items()
    )


def test(model: TrainedModel, series: TimeSeries) -> DirectionScores:
    """The scores of a model on the test rows of a series."""
    return _test_all(enrich(series, model.config.inputs), {model.model: model}, ()).scores[0]
