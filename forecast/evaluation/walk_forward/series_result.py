"""What came of all models on one series, and its rows in the tables of a comparison."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from forecast.config import MEDIAN, ExperimentConfig
from forecast.data.calendar.frequency import iso
from forecast.data.series import TimeSeries
from forecast.evaluation.scores import Scores, score_all, score_steps
from forecast.evaluation.verdicts import Verdict, judge
from forecast.evaluation.walk_forward.fold_job import within
from forecast.evaluation.walk_forward.folds import Fold
from forecast.inference.forecasts import Backtest
from forecast.metrics.significance import confidence_set
from forecast.typing import Array


@dataclass(frozen=True, eq=False)
class SeriesResult:
    """What came of all models on one series.

    Attributes:
        config: Settled by the rows before the first cutoff.
        backtests: The forecasts of all folds, by model.
        best: The p-value that a model is among the best (`significance.confidence_set`), by model.
    """

    series: TimeSeries
    config: ExperimentConfig
    folds: tuple[Fold, ...]
    backtests: dict[str, Backtest]
    scores: tuple[Scores, ...]
    verdicts: tuple[Verdict, ...]
    best: dict[str, float]

    @property
    def y_train(self) -> Array:
        """The rows before the first cutoff, whose changes are the scale of MASE and RMSSE."""
        return self.series.y[: self.folds[0].cutoff]


def test(
    series: TimeSeries, config: ExperimentConfig, folds: tuple[Fold, ...], backtests: dict[str, Backtest]
) -> SeriesResult:
    """Scores the forecasts of all folds and judges the models."""
    scores = score_all(backtests, y_train=series.y[: folds[0].cutoff])
    verdicts = judge(backtests, scores, y=series.y, unit=series.unit)
    return SeriesResult(series, config, folds, backtests, scores, verdicts, _best(backtests, config.horizon))


def _best(backtests: Mapping[str, Backtest], horizon: int) -> dict[str, float]:
    if len(backtests) < 2:
        return dict.fromkeys(backtests, 1.0)
    losses = [np.abs(one.actual - one.quantiles[..., MEDIAN]).mean(axis=1) for one in backtests.values()]
    p_values = confidence_set(np.stack(losses, axis=1), horizon=horizon)
    return dict(zip(backtests, p_values.tolist(), strict=True))


def score_rows(tested: SeriesResult) -> pd.DataFrame:
    """One row a model: scores over all folds, and the verdict."""
    rows = []
    for scores, verdict in zip(tested.scores, tested.verdicts, strict=True):
        judged = {name: getattr(verdict, name) for name in ("gain", "p_value", "p_skill", "outcome")}
        late = {name: getattr(verdict.lag, name) for name in ("moves", "lag", "copied", "foreseen")}
        best = {"best_p": tested.best[scores.model]}
        rows.append({"series": tested.series.name, **_plain(asdict(scores)), **judged, **late, **best})
    return pd.DataFrame(rows)


def fold_rows(tested: SeriesResult) -> pd.DataFrame:
    """One row a fold and model."""
    rows = []
    for fold in tested.folds:
        index = tested.series.index
        dates = {"first": iso(index[fold.cutoff]), "last": iso(index[fold.stop - 1])}
        head = {"series": tested.series.name, "fold": fold.number, **dates}
        rows += [head | _plain(asdict(row)) for row in _fold_scores(tested, fold)]
    return pd.DataFrame(rows)


def step_rows(tested: SeriesResult) -> pd.DataFrame:
    """One row a step of the horizon and model."""
    rows = [
        {"series": tested.series.name, "step": step, **_plain(asdict(scores))}
        for step, scores in score_steps(tested.backtests, y_train=tested.y_train)
    ]
    return pd.DataFrame(rows)


def fold_ratios(tested: SeriesResult) -> pd.DataFrame:
    """MAE / naive, one row a model and one column a fold."""
    columns = {
        iso(tested.series.index[fold.cutoff]): [row.mae_vs_naive for row in _fold_scores(tested, fold)]
        for fold in tested.folds
    }
    return pd.DataFrame(columns, index=list(tested.backtests))


def _fold_scores(tested: SeriesResult, fold: Fold) -> tuple[Scores, ...]:
    inside = {model: within(backtest, fold) for model, backtest in tested.backtests.items()}
    return score_all(inside, y_train=tested.y_train)


def _plain(row: dict[str, object]) -> dict[str, object]:
    """Scores without the seconds, which differ from run to run."""
    return {name: value for name, value in row.items() if name != "fit_seconds"}
