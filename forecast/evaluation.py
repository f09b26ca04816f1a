"""The honest test: every origin of the test rows, every step, always beside the naive forecast, and a verdict.

In: a trained model and the whole series. Out: its forecasts beside what came, scores, and one sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast import metrics
from forecast.config import MEDIAN
from forecast.series import TimeSeries
from forecast.significance import holm, luck
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


def judge(backtests: Sequence[Predictions], scores: Sequence[Scores], *, unit: str) -> tuple[Verdict, ...]:
    """The verdict on each model of one run against the naive forecast, from the same origins.

    The more models are tried, the likelier one of them is lucky: their p-values are corrected for that (Holm 1979).
    """
    gains = [_gain(backtest) for backtest in backtests]
    raw = [
        float("nan") if backtest.model == "naive" else luck(gain.mean(axis=1), horizon=gain.shape[1])
        for backtest, gain in zip(backtests, gains, strict=True)
    ]
    return tuple(
        _verdict(row, float(gain.mean()), p_value, unit)
        for row, gain, p_value in zip(scores, gains, holm(raw), strict=True)
    )


def _gain(backtest: Predictions) -> Array:
    """How much closer than the naive forecast each forecast came, shape (N, H)."""
    naive = np.abs(backtest.actual - backtest.last_value[:, None])
    return np.asarray(naive - np.abs(backtest.actual - backtest.quantiles[..., MEDIAN]))


def _verdict(scores: Scores, gain: float, p_value: float, unit: str) -> Verdict:
    finding: Finding = "not distinguishable"
    if scores.model == "naive":
        finding = "baseline"
    elif p_value < SIGNIFICANCE:
        finding = "better" if gain > 0 else "worse"
    sentence = _sentence(finding, scores, p_value, gain=gain, unit=unit)
    return Verdict(scores.model, finding, scores.mae_vs_naive, p_value, sentence)


def _sentence(finding: Finding, scores: Scores, p_value: float, *, gain: float, unit: str) -> str:
    size = f"{abs(1 - scores.mae_vs_naive):.1%} ({abs(gain):.3g} {unit} a step)"
    chance = in_words(p_value)
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


def in_words(p_value: float) -> str:
    """A p-value with the digits that matter."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"
