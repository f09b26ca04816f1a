"""One test on held-out rows: every model forecasts the test rows, beside the baselines, and is scored and judged.

In: a `Dataset` and the models that were trained on it. Out: an `Experiment`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from forecast.config import ExperimentConfig
from forecast.data.dataset import Dataset
from forecast.data.series import TimeSeries
from forecast.data.split import Split
from forecast.evaluation.risk import Risk
from forecast.evaluation.scores import complete, score
from forecast.evaluation.tasks import task_of
from forecast.inference.trained_model import TrainedModel
from forecast.models import find_model


@dataclass(frozen=True, eq=False)
class Experiment:
    """What one run found; the models of each table are in the order in which they were asked for, baselines last.

    Values have `Backtest`, `Forecast`, `Scores` and `Verdict`; directions `ClassProbabilities`, `DirectionForecast`,
    `DirectionScores` and `DirectionVerdict`.

    Attributes:
        models: The trained models, by name.
        backtests: The forecasts of the test rows, of models and baselines.
        forecasts: Their forecasts from the last row.
        seeds: MAE over that of naive of each network that was trained with several seeds, by model.
        bottom_line: What to use, in one sentence.
        risks: Value at risk and expected shortfall, where the series is a price (`risk.py`).
        remarks: What holds for several models, one sentence each.
        skipped: Models that were not trained, because Ctrl-C came before their turn.
        cautions: What was said before the training, and which models need a longer series, one sentence each.
    """

    series: TimeSeries
    config: ExperimentConfig
    split: Split
    models: dict[str, TrainedModel]
    backtests: dict[str, Any]
    forecasts: dict[str, Any]
    scores: tuple[Any, ...]
    verdicts: tuple[Any, ...]
    seeds: dict[str, tuple[float, ...]]
    bottom_line: str
    risks: tuple[Risk, ...] = ()
    remarks: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    def scores_frame(self) -> pd.DataFrame:
        """One row a model, with the fields of its scores."""
        return pd.DataFrame([asdict(row) for row in self.scores])

    def risk_frame(self) -> pd.DataFrame:
        """One row a model, step and level of confidence; none where the series is no price."""
        return pd.DataFrame([asdict(risk) for risk in self.risks])

    def backtest_frame(self) -> pd.DataFrame:
        """One row a model, test origin and step."""
        frames = [backtest.to_frame(self.series.index) for backtest in self.backtests.values()]
        table: pd.DataFrame = pd.concat(frames, ignore_index=True)
        return table

    def forecast_frame(self) -> pd.DataFrame:
        """One row a model and coming step."""
        frames = [forecast.to_frame() for forecast in self.forecasts.values()]
        table: pd.DataFrame = pd.concat(frames, ignore_index=True)
        return table


def evaluate(
    dataset: Dataset,
    models: Mapping[str, TrainedModel],
    skipped: tuple[str, ...] = (),
    cautions: tuple[str, ...] = (),
) -> Experiment:
    """Test trained models on the rows that they have not seen, and forecast the coming steps."""
    task = task_of(dataset.config)
    made, models = task.backtests(models, dataset)
    backtests = {name: task.complete(backtest) for name, backtest in made.items()}
    scores = task.score(backtests, models, dataset)
    verdicts = task.judge(backtests, scores, dataset)
    bottom_line, remarks = task.conclude(verdicts, scores)
    return Experiment(
        series=dataset.series,
        config=dataset.config,
        split=dataset.split,
        models=dict(models),
        backtests=backtests,
        forecasts=task.forecasts(made, models, dataset),
        scores=scores,
        verdicts=verdicts,
        seeds={name: _seed_scores(model, dataset) for name, model in models.items() if _has_seeds(model)},
        bottom_line=bottom_line,
        risks=task.risks(made, dataset),
        remarks=remarks,
        skipped=skipped,
        cautions=cautions,
    )


def test(model: TrainedModel, series: TimeSeries) -> tuple[Any, TrainedModel]:
    """The scores of a model on the test rows of a series, and the tested model."""
    dataset, task = model.prepare(series), task_of(model.config)
    made, models = task.backtests({model.model: model}, dataset)
    backtests = {name: task.complete(one) for name, one in made.items()}
    return task.score(backtests, models, dataset)[0], models[model.model]


def _has_seeds(model: TrainedModel) -> bool:
    config = model.config
    return find_model(model.model).is_network and config.training.seeds > 1 and config.task == "forecast"


def _seed_scores(model: TrainedModel, dataset: Dataset) -> tuple[float, ...]:
    """MAE over that of naive of each member of an ensemble by itself."""
    members = (model.member(number) for number in range(model.config.training.seeds))
    backtests = (complete(member.backtest(dataset)) for member in members)
    y_train = dataset.series.y[: dataset.split.validation]
    return tuple(score(backtest, y_train=y_train).mae_vs_naive for backtest in backtests)
