"""Probabilities of down, flat and up on the test rows: scores against the base rates, reliability, verdicts.

In: `ClassProbabilities` at test origins whose class is known. Out: one row of scores and one verdict a model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

import numpy as np

from forecast.evaluation.verdicts import Outcome, in_words, what_suffices
from forecast.inference.direction import BASE_RATE
from forecast.inference.forecasts import ClassProbabilities
from forecast.inference.trained_model import TrainedModel
from forecast.metrics import metrics
from forecast.metrics.significance import SIGNIFICANCE, diebold_mariano, holm
from forecast.models.direction_classes import CLASSES, MIXTURE_WEIGHT
from forecast.typing import Array

BINS = 10


@dataclass(frozen=True)
class DirectionScores:
    """One row of the table: log loss in nats, Brier score 0 to 2, shares from 0 to 1, skills in percent.

    A skill is how much smaller a score is than that of the base rates. `mixture_weight` is the network's share in its
    probabilities; NaN for a baseline.
    """

    model: str
    log_loss: float
    brier: float
    accuracy: float
    log_loss_skill: float
    brier_skill: float
    calibration_error: float
    mixture_weight: float
    fit_seconds: float


@dataclass(frozen=True, eq=False)
class Reliability:
    """Bins of the probabilities of all classes: mean probability, observed share and count, shape (B,)."""

    probability: Array
    observed: Array
    count: Array

    @property
    def error(self) -> float:
        """The expected calibration error, 0 to 1."""
        return metrics.calibration_error(self.probability, self.observed, self.count)

    def record(self) -> dict[str, Any]:
        """Plain JSON values."""
        bins = {"probability": self.probability.tolist(), "observed": self.observed.tolist()}
        return {"error": self.error, **bins, "count": self.count.astype(int).tolist()}


@dataclass(frozen=True, repr=False)
class DirectionVerdict:
    """Whether a model's probabilities are better than the base rates beyond luck."""

    model: str
    outcome: Outcome
    log_loss_skill: float
    p_value: float
    sentence: str

    def __repr__(self) -> str:
        return f"DirectionVerdict({self.sentence})"


def complete(chances: ClassProbabilities) -> ClassProbabilities:
    """The origins whose class is known."""
    known = np.isfinite(chances.actual)
    rows = {name: getattr(chances, name)[known] for name in ("origin", "actual", "probabilities")}
    return replace(chances, **rows)


def score(
    chances: ClassProbabilities, base: ClassProbabilities, *, mixture_weight: float, fit_seconds: float
) -> DirectionScores:
    """Score one model over all tested origins, with its skill against the base rates."""
    came, log_loss, brier = chances.actual, *_losses(chances)
    base_log_loss, base_brier = _losses(base)
    return DirectionScores(
        model=chances.model,
        log_loss=log_loss,
        brier=brier,
        accuracy=metrics.accuracy(came, chances.probabilities),
        log_loss_skill=100 * (1 - log_loss / base_log_loss),
        brier_skill=100 * (1 - brier / base_brier),
        calibration_error=reliability(chances).error,
        mixture_weight=mixture_weight,
        fit_seconds=fit_seconds,
    )


def score_all(
    backtests: Mapping[str, ClassProbabilities], models: Mapping[str, TrainedModel]
) -> tuple[DirectionScores, ...]:
    """One row a network and baseline; all from the same origins."""
    return tuple(
        score(
            one,
            backtests[BASE_RATE],
            mixture_weight=float(models[name].weights[MIXTURE_WEIGHT]) if name in models else float("nan"),
            fit_seconds=models[name].seconds if name in models else 0.0,
        )
        for name, one in backtests.items()
    )


def _losses(chances: ClassProbabilities) -> tuple[float, float]:
    came, probabilities = chances.actual, chances.probabilities
    return metrics.log_loss(came, probabilities), metrics.brier(came, probabilities)


def reliability(chances: ClassProbabilities) -> Reliability:
    """Bins of equal counts, as many as `BINS`; probabilities that are equal stay together, in the bin of their middle.

    Source: Murphy and Winkler (1977), Reliability of subjective probability forecasts of precipitation.
    """
    given = chances.probabilities.ravel()
    came = (chances.actual[:, None] == np.arange(len(CLASSES))).ravel()
    _, place, counts = np.unique(given, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    _, place = np.unique((BINS * middle / len(given)).astype(int)[place], return_inverse=True)
    count = np.bincount(place)
    return Reliability(np.bincount(place, given) / count, np.bincount(place, came) / count, count.astype(float))


def judge(
    backtests: Mapping[str, ClassProbabilities], scores: Sequence[DirectionScores], *, horizon: int
) -> tuple[DirectionVerdict, ...]:
    """Judge each model of one run against the base rates; p-values corrected for their number (Holm 1979)."""
    losses = {name: metrics.log_losses(one.actual, one.probabilities) for name, one in backtests.items()}
    gains = [losses[BASE_RATE] - losses[row.model] for row in scores]
    raw = [
        float("nan") if row.model == BASE_RATE else diebold_mariano(gain, horizon=horizon)
        for row, gain in zip(scores, gains, strict=True)
    ]
    return tuple(
        _verdict(row, gain, p_value, horizon=horizon)
        for row, gain, p_value in zip(scores, gains, holm(raw), strict=True)
    )


def _verdict(scores: DirectionScores, gains: Array, p_value: float, *, horizon: int) -> DirectionVerdict:
    gain, origins = float(gains.mean()), len(gains)
    outcome: Outcome = "not distinguishable"
    if scores.model == BASE_RATE:
        outcome = "baseline"
    elif p_value < SIGNIFICANCE:
        outcome = "better" if gain > 0 else "worse"
    enough = what_suffices(origins, horizon) if isnan(p_value) else ""
    sentence = _sentence(outcome, scores, p_value, gain=gain, enough=enough)
    return DirectionVerdict(scores.model, outcome, scores.log_loss_skill, p_value, sentence)


def _sentence(outcome: Outcome, scores: DirectionScores, p_value: float, *, gain: float, enough: str) -> str:
    model, side = scores.model, "smaller" if gain > 0 else "larger"
    size = f"its log loss is {abs(scores.log_loss_skill):.1f}% ({abs(gain):.3g} nats) {side}"
    if outcome == "baseline":
        return "base_rate is the reference: the shares of the classes on the training rows."
    if outcome == "better":
        return f"{model} is better than the base rate beyond luck: {size}, {in_words(p_value)}."
    if outcome == "worse":
        return f"{model} is worse than the base rate: {size}, {in_words(p_value)}."
    if scores.mixture_weight == 0:
        return f"{model} equals the base rate: its probabilities were no better on the validation rows."
    if enough:
        return f"{model}: {size} than the base rate's, but the test is too short to rule out luck: {enough}."
    return f"{model} is not distinguishable from the base rate: {size}, which may be luck, {in_words(p_value)}."
