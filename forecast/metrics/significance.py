"""Significance: is one forecast better than another beyond luck?

In: gains (how much closer one forecast came than another), losses or p-values. Out: p-values, confidence sets, ranks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import isnan

import numpy as np
from numpy.typing import NDArray

from forecast.metrics.distributions import student_tail
from forecast.typing import Array

# The level of tests: the probability of calling a model better or worse when it is neither.
SIGNIFICANCE = 0.05
# Frequencies that a test needs.
FEWEST = 2
# Bootstrap samples behind a confidence set, and its confidence.
SAMPLES, CONFIDENCE = 1000, 0.9


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct the p-values of several tests for their number; NaN stays NaN and does not count.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    corrected = list(p_values)
    known = sorted((value, place) for place, value in enumerate(p_values) if not isnan(value))
    floor = 0.0
    for rank, (value, place) in enumerate(known):
        floor = corrected[place] = max(floor, min(1.0, (len(known) - rank) * value))
    return corrected


def discoveries(p_values: Array) -> NDArray[np.bool_]:
    """Which of many tests are significant at a false discovery rate of 5 %; NaN never is.

    Source: Benjamini and Hochberg (1995), Controlling the false discovery rate.
    """
    from scipy.stats import false_discovery_control

    found, known = np.zeros(len(p_values), bool), np.isfinite(p_values)
    if known.any():
        found[known] = false_discovery_control(p_values[known]) < SIGNIFICANCE
    return found


def diebold_mariano(gain: Array, *, horizon: int) -> float:
    """The two-sided p-value of the mean of the gains (N,) being zero; NaN if the test is too short.

    Forecasts of `horizon` steps from neighbouring origins overlap, so their errors are correlated. The long-run
    variance of the gains is therefore estimated from their lowest frequencies, which overlap does not change: the mean
    square of the first n cosine transforms. The statistic, with the small-sample factor, is compared with Student's t
    with n degrees of freedom; on overlapping forecasts this keeps the level of the test, where a Bartlett kernel does
    not. Source: Diebold and Mariano (1995), Comparing predictive accuracy; Harvey, Leybourne and Newbold (1997), the
    factor; Lazarus, Lewis, Stock and Watson (2018), HAR inference: the variance and n.
    """
    rows = len(gain)
    frequencies = frequencies_of(rows, horizon)
    if frequencies < FEWEST:
        return float("nan")
    if np.ptp(gain) == 0:
        return 1.0 if gain[0] == 0 else 0.0
    waves = np.cos(np.pi * np.outer(np.arange(1, frequencies + 1), np.arange(rows) + 0.5) / rows)
    variance = np.square(np.sqrt(2 / rows) * (waves @ gain)).mean()
    factor = (rows + 1 - 2 * horizon + horizon * (horizon - 1) / rows) / rows
    statistic = float(gain.mean() * np.sqrt(rows * factor / variance))
    return student_tail(statistic, freedom=frequencies)


def frequencies_of(origins: int, horizon: int) -> int:
    """The number of frequencies that the variance is estimated from; the test needs `FEWEST` of them."""
    return int(min(0.4 * origins ** (2 / 3), 0.5 * origins / horizon))


def longest_horizon(rows: int) -> int:
    """The longest horizon that a test on so many rows can judge; 0 if it can judge none."""
    return next((steps for steps in range(rows // FEWEST, 0, -1) if _suffices(rows, steps)), 0)


def rows_needed(horizon: int) -> int:
    """The fewest test rows that a test of so many steps needs."""
    return next(rows for rows in count(horizon) if _suffices(rows, horizon))


def origins_needed(overlap: int) -> int:
    """The fewest origins that a test needs of which so many neighbours overlap."""
    return next(origins for origins in count(1) if frequencies_of(origins, overlap) >= FEWEST)


def _suffices(rows: int, horizon: int) -> bool:
    return frequencies_of(max(0, rows - horizon + 1), horizon) >= FEWEST


def clark_west(moves: Array, forecast: Array, *, overlap: int | None = None) -> float:
    """The one-sided p-value of forecast moves being uncorrelated with the true ones; NaN if the test is too short.

    The naive forecast, without moves, is a special case of every model. A model that forecasts moves adds noise, so
    even with skill it need not have the smaller error in a short test; this test corrects for that noise. Each step of
    the horizon counts equally, relative to the size of its true moves.

    Args:
        moves: True moves from the last known value, shape (N, H); NaN where missing, but not for all steps of a row.
        forecast: Forecast moves, shape (N, H).
        overlap: Neighbouring origins whose forecasts overlap; the horizon by default.
    Source: Clark and West (2007), Approximately normal tests for equal predictive accuracy in nested models.
    """
    size = np.nansum(np.square(moves), axis=0) / np.maximum(1, np.isfinite(moves).sum(axis=0))
    together = np.nanmean(2 * moves * forecast / np.where(size > 0, size, 1), axis=1)
    return _one_sided(together, overlap or moves.shape[1])


def quantile_skill(
    y_true: Array, quantiles: Array, reference: Array, *, levels: Sequence[float], overlap: int | None = None
) -> float:
    """The one-sided p-value of quantiles knowing no more than those of a reference; NaN if the test is too short.

    Where the reference is right, a truth lies below its quantile with the probability of the level, whatever is known
    at the origin, and so whatever other quantiles say: hits less level, times their distance, have a mean of 0. It is
    the loss that moving the reference towards the other quantiles saves, to first order; as in `clark_west`, the noise
    that these add is not charged. Tested are the mean over all steps and the first step, whose outcomes do not overlap;
    the smaller p-value is doubled (Bonferroni).

    Args:
        y_true: Shape (N, H); NaN where missing, but not for all steps of a row.
        quantiles: Shape (N, H, Q), as the reference.
        overlap: Neighbouring origins whose forecasts overlap; the horizon by default.
    Source: Engle and Manganelli (2004), CAViaR, the dynamic quantile test; Clark and West (2007).
    """
    width = reference[..., -1] - reference[..., 0]
    apart = (quantiles - reference) / np.where(width > 0, width, 1)[..., None]
    saved = ((np.array(levels) - (y_true[..., None] <= reference)) * apart).sum(axis=-1)
    saved = np.where(np.isnan(y_true), np.nan, saved)
    first = saved[np.isfinite(saved[:, 0]), 0]
    looks = [(np.nanmean(saved, axis=1), overlap or saved.shape[1]), (first, 1)][: saved.shape[1]]
    found = [_one_sided(gain, horizon) for gain, horizon in looks if len(gain)]
    known = [p_value for p_value in found if not isnan(p_value)]
    return min(1.0, len(known) * min(known)) if known else float("nan")


def _one_sided(gain: Array, horizon: int) -> float:
    p_value = diebold_mariano(gain, horizon=horizon)
    return p_value / 2 if gain.mean() > 0 else 1 - p_value / 2


def confidence_set(losses: Array, *, horizon: int, seed: int = 0) -> Array:
    """The p-value that each of M models is among the best; the confidence set has those of 0.1 or more.

    Args:
        losses: One a row of origins and column of models, shape (N, M).
        horizon: Steps by which neighbouring forecasts overlap; the bootstrap draws blocks twice as long.
        seed: Seed of the bootstrap.
    Source: Hansen, Lunde and Nason (2011), The model confidence set; the package arch.
    """
    from arch.bootstrap import MCS

    different, which = np.unique(losses, axis=1, return_inverse=True)  # equal models share a p-value
    if different.shape[1] < 2:
        return np.ones(losses.shape[1])
    block = max(1, min(2 * horizon, len(losses) // 4))
    test = MCS(different, size=1 - CONFIDENCE, reps=SAMPLES, block_size=block, seed=seed)
    test.compute()
    p_values = test.pvalues["Pvalue"].sort_index().to_numpy(dtype=float)
    return np.asarray(p_values[which.ravel()])


@dataclass(frozen=True)
class Ranking:
    """Models ranked on each of several series; rank 1 is the best.

    Attributes:
        ranks: The mean rank of each model.
        p_value: Of all models being equal (Friedman's test).
        critical_difference: Mean ranks further apart than this differ significantly (Nemenyi's test).
    """

    ranks: dict[str, float]
    series: int
    p_value: float
    critical_difference: float


def rank(losses: Mapping[str, Sequence[float]]) -> Ranking:
    """Rank models by their losses, one a series; ties share the mean of their ranks.

    Source: Demsar (2006), Statistical comparisons of classifiers over multiple data sets.
    """
    from scipy.stats import chi2, rankdata, studentized_range

    table = np.array(list(losses.values()), float).T  # (series, models)
    series, models = table.shape
    ranks = rankdata(table, axis=1)
    mean, spread = ranks.mean(axis=0), np.square(ranks - (models + 1) / 2).sum()
    p_value = 1.0
    if models > 1 and spread > 0:  # Friedman's statistic with the correction for ties
        between = series * np.square(mean - (models + 1) / 2).sum()
        p_value = float(chi2.sf(series * (models - 1) * between / spread, models - 1))
    width = studentized_range.ppf(1 - SIGNIFICANCE, models, np.inf) / np.sqrt(2) if models > 1 else 0.0
    critical = float(width * np.sqrt(models * (models + 1) / (6 * series)))
    return Ranking(dict(zip(losses, mean.tolist(), strict=True)), series, p_value, critical)
