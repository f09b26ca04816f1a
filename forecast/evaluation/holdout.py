"""One test on held-out rows: every model forecasts the test rows, beside the baselines, and is scored and judged.

In: a `Dataset` and the models that were trained on it. Out: an `Experiment`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan
from typing import Any, Literal, get_args

import pandas as pd

from forecast.config import ExperimentConfig
from forecast.data.calendar.frequency import count_steps
from forecast.data.dataset import Dataset
from forecast.data.series import TimeSeries
from forecast.data.split import Split
from forecast.display import Chart, Panel, Shown
from forecast.display.shown import check_table
from forecast.evaluation.bottom_line import say_once
from forecast.evaluation.columns import PAGE, columns_for
from forecast.evaluation.risk import Risk
from forecast.evaluation.scores import complete, score
from forecast.evaluation.tasks import task_of
from forecast.inference.charts import chart_coming
from forecast.inference.trained_model import TrainedModel
from forecast.models import BASELINES, find_model

# The backtest of each model, and the model with a checkpoint after it.
Tests = Mapping[str, tuple[Any, TrainedModel]]
Table = Literal["scores", "verdicts", "risks", "forecast", "backtest"]


@dataclass(frozen=True, eq=False, repr=False)
class Experiment(Shown):
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

    def to_frame(self, table: Table = "scores") -> pd.DataFrame:
        """The result as a table.

        Args:
            table: `scores` and `verdicts`, one row a model; `risks`, one a model, step and level, none where the series
                is no price; `forecast`, one a model and coming step; `backtest`, one a model, test origin and step.
                Their dates, or counts, are the index of the last two.
        Raises:
            ConfigError: there is no such table.
        """
        check_table(table, get_args(Table))
        if table in ("scores", "verdicts", "risks"):
            rows = {"scores": self.scores, "verdicts": self.verdicts, "risks": self.risks}[table]
            return pd.DataFrame([_flat(row) for row in rows], columns=None if rows else ["model"]).set_index("model")
        made = self.forecasts if table == "forecast" else self.backtests
        return pd.concat([_of_model(name, one.to_frame()) for name, one in made.items()])

    @property
    def learned(self) -> list[str]:
        """The models beside the baselines, from the smallest error on; naive if there are none."""
        rows = sorted(self.scores, key=lambda row: (isnan(row.mae_vs_naive), row.mae_vs_naive))
        return [row.model for row in rows if row.model not in BASELINES] or ["naive"]

    def chart_coming(self, models: Sequence[str]) -> Chart:
        """The last rows and the coming steps of several models, with the intervals of the first."""
        series, steps = self.series, count_steps(self.config.resolved_horizon, self.series.frequency)
        coming = {name: (self.forecasts[name].index, self.forecasts[name].quantiles) for name in models}
        title = f"{series.name}: the next {steps}, with the fan of {models[0]}"
        return chart_coming(title, f"{series.target} [{series.unit}]", (series.index, series.y), coming)

    def chart(self) -> Chart:
        """The coming steps of the learned models and of naive, with the intervals of the best.

        Raises:
            ConfigError: the forecasts are of directions.
        """
        if self.config.task == "direction":
            return super().chart()
        return self.chart_coming(list(dict.fromkeys([*self.learned, "naive"])))

    def _headline(self) -> str:
        return f"{self.series.name}, {', '.join(self.models)}: {self.bottom_line}"

    def _panels(self) -> tuple[Panel, ...]:
        task, rows = self.config.task, [asdict(row) for row in self.scores]
        columns = columns_for(rows, PAGE[task], task)
        cells = {one.header.format(unit=self.series.unit): [one.text(row) for row in rows] for one in columns}
        table = pd.DataFrame(cells, pd.Index([row["model"] for row in rows], name="model"))
        judged = say_once({verdict.model: verdict.sentence for verdict in self.verdicts})
        sentences = [*self.cautions, *judged, *self.remarks]
        return (Panel(table, sentences, self.chart() if task == "forecast" else None),)


def _flat(row: Any) -> dict[str, Any]:
    """The fields of scores or of a verdict that are numbers or text."""
    return {name: value for name, value in asdict(row).items() if not isinstance(value, dict)}


def _of_model(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """A table with the model as its first column."""
    return table.assign(model=name)[["model", *(column for column in table if column != "model")]]


def evaluate(
    dataset: Dataset,
    models: Mapping[str, TrainedModel],
    skipped: tuple[str, ...] = (),
    cautions: tuple[str, ...] = (),
    *,
    tests: Tests | None = None,
    with_risks: bool = True,
) -> Experiment:
    """Test trained models on the rows that they have not seen, and forecast the coming steps.

    Args:
        tests: Those that were made already, by model.
        with_risks: Assess the risk of holding a price as well.
    """
    task, tests = task_of(dataset.config), tests or {}
    every = {name: tests.get(name) or task.test(model, dataset) for name, model in models.items()}
    models = {name: model for name, (_, model) in every.items()}
    made = task.add_baselines({name: backtest for name, (backtest, _) in every.items()}, models, dataset)
    backtests = {name: task.complete(backtest) for name, backtest in made.items()}
    scores = task.score(backtests, models, dataset)
    verdicts = task.judge(backtests, scores, dataset)
    bottom_line, remarks = task.conclude(verdicts, scores)
    return Experiment(
        series=dataset.series,
        config=dataset.config,
        split=dataset.split,
        models=models,
        backtests=backtests,
        forecasts=task.forecasts(made, models, dataset),
        scores=scores,
        verdicts=verdicts,
        seeds={name: _seed_scores(model, dataset) for name, model in models.items() if _has_seeds(model)},
        bottom_line=bottom_line,
        risks=task.risks(made, dataset) if with_risks else (),
        remarks=remarks,
        skipped=skipped,
        cautions=cautions,
    )


def test(model: TrainedModel, series: TimeSeries) -> tuple[Any, TrainedModel]:
    """The scores of a model on the test rows of a series, and the tested model."""
    dataset, task = model.prepare(series), task_of(model.config)
    made, model = task.test(model, dataset)
    models = {model.model: model}
    backtests = task.add_baselines({model.model: made}, models, dataset)
    return task.score({name: task.complete(one) for name, one in backtests.items()}, models, dataset)[0], model


def _has_seeds(model: TrainedModel) -> bool:
    config = model.config
    return find_model(model.model).is_network and config.training.seeds > 1 and config.task == "forecast"


def _seed_scores(model: TrainedModel, dataset: Dataset) -> tuple[float, ...]:
    """MAE over that of naive of each member of an ensemble by itself."""
    members = (model.member(number) for number in range(model.config.training.seeds))
    backtests = (complete(member.backtest(dataset)) for member in members)
    y_train = dataset.series.y[: dataset.split.validation]
    return tuple(score(backtest, y_train=y_train).mae_vs_naive for backtest in backtests)
