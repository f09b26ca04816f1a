"""The verdict: is a model better than the naive forecast, is that more than luck, and does it copy the last value?

In: backtests and their scores. Out: one sentence a model, and the same as data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Literal

import numpy as np

from forecast.config import MEDIAN
from forecast.evaluation.lag_detector import Lag, find_lag
from forecast.evaluation.scores import Scores
from forecast.inference.forecasts import Backtest
from forecast.metrics.significance import SIGNIFICANCE, clark_west, diebold_mariano, holm
from forecast.typing import Array

Outcome = Literal["better", "not distinguishable", "worse", "baseline"]

# Below this MAE / naive a forecast is no copy of the last value, whatever its changes look like.
WITHOUT_SKILL = 0.95


@dataclass(frozen=True)
class Verdict:
    """The verdict on one model and one series.

    Attributes:
        gain: MAE of naive minus MAE of the model, in the series' unit.
        p_value: Two-sided, of equal errors (Diebold and Mariano), corrected for the number of models.
        p_skill: Two-sided, of no skill beyond naive (Clark and West), corrected in the same way.
        lag: How the forecasts of the last step follow the series.
    """

    model: str
    outcome: Outcome
    mae_vs_naive: float
    gain: float
    p_value: float
    p_skill: float
    lag: Lag
    sentence: str


def judge(backtests: Mapping[str, Backtest], scores: Sequence[Scores], *, y: Array, unit: str) -> tuple[Verdict, ...]:
    """Judge each model of one run against the naive forecast, from the same origins.

    Better: the error is smaller, and the moves agree with the true ones beyond luck. Worse: the error is larger beyond
    luck. P-values are corrected for the number of models, since with more models one is lucky more often (Holm 1979).

    Args:
        y: The whole target that the origins are rows of, shape (T,).
    """
    gains = [gain_of(backtest) for backtest in backtests.values()]
    p_values = holm([_p_value(backtest, gain) for backtest, gain in zip(backtests.values(), gains, strict=True)])
    p_skills = holm([_p_skill(backtest) for backtest in backtests.values()])
    lags = [find_lag(backtest, y, step=backtest.actual.shape[1]) for backtest in backtests.values()]
    return tuple(
        _verdict(row, float(np.nanmean(gain)), p_value, p_skill, lag, unit)
        for row, gain, p_value, p_skill, lag in zip(scores, gains, p_values, p_skills, lags, strict=True)
    )


def gain_of(backtest: Backtest) -> Array:
    """Absolute error of naive minus that of each forecast, shape (N, H); NaN where missing."""
    naive = np.abs(backtest.actual - backtest.last_value[:, None])
    return np.asarray(naive - np.abs(backtest.actual - backtest.quantiles[..., MEDIAN]))


def _p_value(backtest: Backtest, gain: Array) -> float:
    if backtest.model == "naive":
        return float("nan")
    return diebold_mariano(np.nanmean(gain, axis=1), horizon=gain.shape[1])


def _p_skill(backtest: Backtest) -> float:
    if backtest.model == "naive":
        return float("nan")
    last = backtest.last_value[:, None]
    return 2 * clark_west(backtest.actual - last, backtest.quantiles[..., MEDIAN] - last)


def _verdict(scores: Scores, gain: float, p_value: float, p_skill: float, lag: Lag, unit: str) -> Verdict:
    outcome: Outcome = "not distinguishable"
    if scores.model == "naive":
        outcome = "baseline"
    elif gain > 0 and p_skill < SIGNIFICANCE:
        outcome = "better"
    elif gain < 0 and p_value < SIGNIFICANCE:
        outcome = "worse"
    decisive = p_skill if gain > 0 else p_value  # the one that the outcome was decided by
    sentence = _sentence(outcome, scores, decisive, gain=gain, unit=unit) + _on_copies(outcome, scores, lag)
    return Verdict(scores.model, outcome, scores.mae_vs_naive, gain, p_value, p_skill, lag, sentence)


def _sentence(outcome: Outcome, scores: Scores, p_value: float, *, gain: float, unit: str) -> str:
    size = f"{abs(1 - scores.mae_vs_naive):.1%} ({abs(gain):.3g} {unit} a step)"
    chance = in_words(p_value)
    if outcome == "baseline":
        return "naive is the reference: each step equals the last known value."
    if outcome == "better":
        return f"{scores.model} is better than naive beyond luck: its error is {size} smaller, {chance}."
    if outcome == "worse" and scores.mae_vs_naive > 2:
        return f"{scores.model} is worse than naive: its error is {scores.mae_vs_naive:.1f} times as large, {chance}."
    if outcome == "worse":
        return f"{scores.model} is worse than naive: its error is {size} larger, {chance}."
    if gain == 0:
        return f"{scores.model} equals the naive forecast: it found no usable signal in this series."
    side = "smaller" if gain > 0 else "larger"
    if isnan(p_value):
        return f"{scores.model}: its error is {size} {side} than naive's, but the test is too short to rule out luck."
    return f"{scores.model} is not distinguishable from naive: its error is {size} {side}, which may be luck, {chance}."


def _on_copies(outcome: Outcome, scores: Scores, lag: Lag) -> str:
    """A second sentence where forecasts without skill follow the last value."""
    without = outcome in ("not distinguishable", "worse") and scores.mae_vs_naive > WITHOUT_SKILL
    if not without or scores.mae_vs_naive == 1 or not lag.copies:
        return ""
    return (
        f" Its forecasts follow the last value ({lag.copied:.0%}) and say almost nothing about the next one "
        f"({lag.foreseen:.0%})."
    )


def in_words(p_value: float) -> str:
    """Format a p-value."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"
