"""The honest test: every origin of the test rows, every step, always beside the naive forecast, and a verdict.

In: a trained model and the whole series. Out: its forecasts beside what came, scores, and one sentence.
"""

from dataclasses import dataclass
from math import isnan
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast import metrics
from forecast.config import MEDIAN
from forecast.series import TimeSeries
from forecast.training import Predictions
from forecast.windows import Split

Array = NDArray[np.float64]

Finding = Literal["better", "not distinguishable", "worse", "baseline"]
# Chance of calling a model better or worse than naive when it is neither.
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Scores:
    """One row of the table; errors in the series' unit, mape and smape in percent, shares from 0 to 1."""

    model: str
    mae: float
    rmse: float
    mape: float
    smape: float
    mase: float
    direction: float
    coverage90: float
    mae_vs_naive: float
    fit_seconds: float


@dataclass(frozen=True)
class Verdict:
    """Is the model better than the naive forecast, and is that more than luck?"""

    model: str
    finding: Finding
    mae_vs_naive: float
    p_value: float
    sentence: str


def complete(predictions: Predictions) -> Predictions:
    """The origins whose every step is known: each step is then tested equally often."""
    known = np.isfinite(predictions.actual).all(axis=1)
    return Predictions(
        model=predictions.model,
        origin=predictions.origin[known],
        last_value=predictions.last_value[known],
        actual=predictions.actual[known],
        quantiles=predictions.quantiles[known],
    )


def score(backtest: Predictions, series: TimeSeries, split: Split, *, fit_seconds: float) -> Scores:
    """The metrics of one model over all tested origins and steps."""
    y_true, y_pred = backtest.actual, backtest.quantiles[..., MEDIAN]
    y_last = np.broadcast_to(backtest.last_value[:, None], y_true.shape)
    naive_mae = metrics.mae(y_true, y_last)
    mae = metrics.mae(y_true, y_pred)
    return Scores(
        model=backtest.model,
        mae=mae,
        rmse=metrics.rmse(y_true, y_pred),
        mape=metrics.mape(y_true, y_pred),
        smape=metrics.smape(y_true, y_pred),
        mase=metrics.mase(y_true, y_pred, y_train=series.y[: split.validation]),
        direction=metrics.direction(y_true, y_pred, y_last=y_last),
        coverage90=metrics.coverage(y_true, backtest.quantiles[..., 0], backtest.quantiles[..., -1]),
        mae_vs_naive=mae / naive_mae if naive_mae > 0 else 1.0 if mae == 0 else float("inf"),
        fit_seconds=fit_seconds,
    )


def judge(backtest: Predictions, scores: Scores, *, unit: str) -> Verdict:
    """The verdict on one model against the naive forecast, from the same origins."""
    y_true, y_pred = backtest.actual, backtest.quantiles[..., MEDIAN]
    gain = np.abs(y_true - backtest.last_value[:, None]) - np.abs(y_true - y_pred)
    p_value = luck(gain.mean(axis=1), horizon=y_true.shape[1])
    finding: Finding
    if backtest.model == "naive":
        finding = "baseline"
    elif p_value < SIGNIFICANCE:
        finding = "better" if gain.mean() > 0 else "worse"
    else:
        finding = "not distinguishable"
    sentence = _sentence(finding, scores, p_value, gain=float(gain.mean()), unit=unit)
    return Verdict(backtest.model, finding, scores.mae_vs_naive, p_value, sentence)


def luck(gain: Array, *, horizon: int) -> float:
    """Probability of so large a mean gain, either way, if there were none: a two-sided test on batch means.

    Forecasts of `horizon` steps from neighbouring origins overlap and err together, so the gains are averaged over
    batches of three horizons, which hardly depend on one another, and Student's t is taken over those. NaN if
    the test is too short for two batches.
    Source: Diebold and Mariano (1995) for the comparison; Law and Carson (1979) for the batches.
    """
    from scipy.special import stdtr

    batches = len(gain) // (3 * horizon)
    if batches < 2:
        return float("nan")
    means = np.array([part.mean() for part in np.array_split(gain, batches)])
    error = means.std(ddof=1) / np.sqrt(batches)
    if error == 0:
        return 1.0 if means[0] == 0 else 0.0
    return float(2 * stdtr(batches - 1, -abs(means.mean() / error)))


def _sentence(finding: Finding, scores: Scores, p_value: float, *, gain: float, unit: str) -> str:
    size = f"{abs(1 - scores.mae_vs_naive):.1%} ({abs(gain):.3g} {unit} a step)"
    chance = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"
    if finding == "baseline":
        return "naive is what every model is measured against: each step is like the last known value."
    if finding == "better":
        return f"{scores.model} is better than naive beyond luck: its error is {size} smaller, {chance}."
    if finding == "worse" and scores.mae_vs_naive > 2:
        return f"{scores.model} is worse than naive: its error is {scores.mae_vs_naive:.1f} times as large, {chance}."
    if finding == "worse":
        return f"{scores.model} is worse than naive: its error is {size} larger, {chance}."
    if gain == 0:
        return f"{scores.model} is the naive forecast: it found nothing in this series that its moves could earn from."
    side = "smaller" if gain > 0 else "larger"
    if isnan(p_value):
        return f"{scores.model}: its error is {size} {side} than naive's, but the test is too short to rule out luck."
    return f"{scores.model} is not distinguishable from naive: its error is {size} {side}, which may be luck, {chance}."
