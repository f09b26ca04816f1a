"""The verdict: is a model better than the naive forecast, is that more than luck, and do its intervals hold?

In: backtests and their scores. Out: one sentence a model, and the same as data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Literal

import numpy as np

from forecast.config import MEDIAN, QUANTILES
from forecast.evaluation.lag_detector import Lag, find_lag
from forecast.evaluation.scores import Scores
from forecast.inference.forecasts import Backtest
from forecast.metrics.significance import (
    SIGNIFICANCE,
    clark_west,
    diebold_mariano,
    holm,
    longest_horizon,
    origins_needed,
    quantile_skill,
    rows_needed,
)
from forecast.models import BASELINES
from forecast.typing import Array

Outcome = Literal["better", "not distinguishable", "worse", "baseline"]

# Below this MAE / naive a forecast is no copy of the last value, whatever its changes look like.
WITHOUT_SKILL = 0.95
# A network whose own part is a smaller share of its moves adds nothing to its linear highway.
OWN_SHARE = 0.05
# A 90 % interval that holds less or more than this is broken.
COVERAGE = (0.80, 0.97)
# Quantiles are worse than naive's if their CRPS is larger by this share.
WORSE = 0.01
# Errors within this factor are as good as equal.
TIE = 1.005
# A change that is smaller is shown as 0.0 %.
SHOWN = 0.0005


@dataclass(frozen=True, repr=False)
class Verdict:
    """The verdict on one model and one series.

    Attributes:
        gain: MAE of naive minus MAE of the model, in the series' unit.
        p_value: Two-sided, of equal errors (Diebold and Mariano), corrected for the number of models.
        p_skill: Two-sided, of no skill beyond naive (Clark and West), corrected in the same way.
        lag: How the forecasts of the last step follow the series.
        adds: Whether the network adds something to its linear highway; True for models that are no networks.
        intervals: What is wrong with the intervals, as one sentence; empty if nothing is.
        enough: What would make too short a test long enough to rule out luck; empty if it is.
        crps_vs_naive: CRPS over that of naive.
        p_intervals: One-sided, of quantiles that know no more than naive's (Engle and Manganelli), corrected as well;
            NaN for baselines, whose intervals are made as naive's.
    """

    model: str
    outcome: Outcome
    mae_vs_naive: float
    gain: float
    p_value: float
    p_skill: float
    lag: Lag
    adds: bool
    intervals: str
    enough: str
    sentence: str
    crps_vs_naive: float = float("nan")
    p_intervals: float = float("nan")

    def __repr__(self) -> str:
        return f"Verdict({self.sentence})"

    @property
    def has_better_intervals(self) -> bool:
        """Whether its quantiles are better than naive's beyond luck, and its intervals hold."""
        return self.crps_vs_naive < 1 and self.p_intervals < SIGNIFICANCE and not self.intervals

    @property
    def repeats(self) -> bool:
        """Whether its forecasts, without skill, repeat the last value; a baseline says openly what it repeats."""
        without = self.outcome in ("not distinguishable", "worse") and self.mae_vs_naive > WITHOUT_SKILL
        return without and self.mae_vs_naive != 1 and self.lag.copies and self.model not in BASELINES


def judge(
    backtests: Mapping[str, Backtest], scores: Sequence[Scores], *, y: Array, unit: str, overlap: int | None = None
) -> tuple[Verdict, ...]:
    """Judge each model of one run against the naive forecast, from the same origins.

    Better: the error is smaller, and the moves agree with the true ones beyond luck. Worse: the error is larger beyond
    luck. P-values are corrected for the number of models, since with more models one is lucky more often (Holm 1979).

    Args:
        y: The whole target that the origins are rows of, shape (T,).
        overlap: Neighbouring origins whose forecasts overlap; by default those of the backtests.
    """
    first, follow_rows = next(iter(backtests.values())), overlap is None
    overlap = overlap or first.overlap
    gains = [gain_of(backtest) for backtest in backtests.values()]
    p_values = holm(
        [_p_value(backtest, gain, overlap) for backtest, gain in zip(backtests.values(), gains, strict=True)]
    )
    p_skills = holm([_p_skill(backtest, overlap) for backtest in backtests.values()])
    lags = [find_lag(backtest, y, step=backtest.actual.shape[1]) for backtest in backtests.values()]
    p_intervals = holm(_p_intervals(backtests, overlap))
    beside = {row.model: row for row in scores if row.model in ("naive", "linear")}
    parts = zip(scores, gains, p_values, p_skills, p_intervals, lags, strict=True)
    cure = (
        what_suffices(len(first.origin) * first.stride, first.actual.shape[1])
        if follow_rows
        else f"forecasts from {origins_needed(overlap)} origins would do"
    )
    return tuple(_verdict(*part, beside=beside, unit=unit, cure=cure) for part in parts)


def gain_of(backtest: Backtest) -> Array:
    """Absolute error of naive minus that of each forecast, shape (N, H); NaN where missing."""
    naive = np.abs(backtest.actual - backtest.last_value[:, None])
    return np.asarray(naive - np.abs(backtest.actual - backtest.quantiles[..., MEDIAN]))


def _p_value(backtest: Backtest, gain: Array, overlap: int) -> float:
    if backtest.model == "naive":
        return float("nan")
    return diebold_mariano(np.nanmean(gain, axis=1), horizon=overlap)


def _p_skill(backtest: Backtest, overlap: int) -> float:
    if backtest.model == "naive":
        return float("nan")
    last = backtest.last_value[:, None]
    return 2 * clark_west(backtest.actual - last, backtest.quantiles[..., MEDIAN] - last, overlap=overlap)


def _p_intervals(backtests: Mapping[str, Backtest], overlap: int) -> list[float]:
    """The p-values of the quantiles of each model knowing no more than naive's; NaN for baselines and without naive."""
    naive = backtests.get("naive")
    return [
        float("nan")
        if naive is None or name in BASELINES
        else quantile_skill(one.actual, one.quantiles, naive.quantiles, levels=QUANTILES, overlap=overlap)
        for name, one in backtests.items()
    ]


def _verdict(
    scores: Scores,
    gains: Array,
    p_value: float,
    p_skill: float,
    p_intervals: float,
    lag: Lag,
    *,
    beside: Mapping[str, Scores],
    unit: str,
    cure: str,
) -> Verdict:
    gain = float(np.nanmean(gains))
    outcome: Outcome = "not distinguishable"
    if scores.model == "naive":
        outcome = "baseline"
    elif gain > 0 and p_skill < SIGNIFICANCE:
        outcome = "better"
    elif gain < 0 and p_value < SIGNIFICANCE:
        outcome = "worse"
    decisive = p_skill if gain > 0 else p_value  # the one that the outcome was decided by
    enough = cure if outcome != "baseline" and isnan(decisive) else ""
    nothing, intervals = _on_network(scores, beside.get("linear")), _on_intervals(scores, beside.get("naive"))
    sentence = _sentence(outcome, scores, decisive, gain=gain, unit=unit, enough=enough)
    sentence += f" {nothing}" if nothing and gain else ""
    sentence += f" {intervals}" if intervals else ""
    naive = beside.get("naive")
    crps_vs_naive = scores.crps / naive.crps if naive and naive.crps > 0 else float("nan")
    fixed = scores.model, outcome, scores.mae_vs_naive, gain, p_value, p_skill, lag
    verdict = Verdict(*fixed, not nothing, intervals, enough, sentence, crps_vs_naive, p_intervals)
    if not verdict.has_better_intervals:
        return verdict
    better = (
        f"Its intervals are {1 - crps_vs_naive:.1%} better than naive's beyond luck (CRPS, {in_words(p_intervals)})."
    )
    return replace(verdict, sentence=f"{sentence} {better}")


def what_suffices(origins: int, horizon: int) -> str:
    """What would make a test on so many origins long enough: a shorter horizon, or else more rows."""
    shorter = longest_horizon(origins + horizon - 1)
    return f"--horizon {shorter} would do" if shorter else f"{rows_needed(horizon)} test rows would do"


def _sentence(outcome: Outcome, scores: Scores, p_value: float, *, gain: float, unit: str, enough: str) -> str:
    change = abs(1 - scores.mae_vs_naive)
    size = f"{change:.1%} ({abs(gain):.3g} {unit} a step)" if change >= SHOWN else "less than 0.1%"
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
    if enough:
        return (
            f"{scores.model}: its error is {size} {side} than naive's, but the test is too short to rule out luck: "
            f"{enough}."
        )
    return f"{scores.model} is not distinguishable from naive: its error is {size} {side}, which may be luck, {chance}."


def _on_network(scores: Scores, linear: Scores | None) -> str:
    """That a network adds nothing to its highway, as one sentence: its own part is small, or does not help."""
    nothing = "Its network adds nothing to its linear highway"
    if scores.network_share < OWN_SHARE:
        return f"{nothing}: {scores.network_share:.0%} of the moves are its own."
    if linear and scores.network_share < 1 and scores.mae * TIE >= linear.mae:
        return f"{nothing}: linear, the highway alone, errs no more."
    return ""


def _on_intervals(scores: Scores, naive: Scores | None) -> str:
    """What is wrong with the intervals, as one sentence."""
    held = f"Its 90 % interval held {scores.coverage90:.1%} of the truths"
    wrong = []
    if scores.width90 == 0:
        wrong.append(f"{held} and has no width")
    elif scores.coverage90 < COVERAGE[0]:
        wrong.append(f"{held}: it is too narrow")
    elif scores.coverage90 > COVERAGE[1]:
        wrong.append(f"{held}: it is too wide")
    worse = scores.crps / naive.crps - 1 if naive and naive.crps > 0 else 0.0
    if worse >= WORSE:
        size = f"{worse:.1%} larger" if worse < 1 else f"{1 + worse:.1f} times as large"
        wrong.append(f"{'its' if wrong else 'Its'} quantiles are worse than naive's: CRPS is {size}")
    return f"{', and '.join(wrong)}." if wrong else ""


def in_words(p_value: float) -> str:
    """Format a p-value."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"
