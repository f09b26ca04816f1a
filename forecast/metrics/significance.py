"""Is it more than luck? Tests on gains, which are how much closer one forecast came than another.

In: arrays of gains, losses or p-values. Out: p-values, sets of models, ranks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import NDArray

from forecast.typing import Array

# Chance of calling a model better or worse than another when it is neither.
SIGNIFICANCE = 0.05
# Samples of the bootstrap behind a confidence set, and its size.
SAMPLES, CONFIDENCE = 1000, 0.9


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of several tests, corrected so that one of them is wrong no more often than a single one would be.

    NaN stays NaN and does not count. Source: Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    corrected = list(p_values)
    known = sorted((value, place) for place, value in enumerate(p_values) if not isnan(value))
    floor = 0.0
    for rank, (value, place) in enumerate(known):
        floor = corrected[place] = max(floor, min(1.0, (len(known) - rank) * value))
    return corrected


def discoveries(p_values: Array) -> NDArray[np.bool_]:
    """Which of many tests, one a series, count as found when at most one in twenty of those may be false.

    NaN never counts. Source: Benjamini and Hochberg (1995), Controlling the false discovery rate.
    """
    from scipy.stats import false_discovery_control

    found, known = np.zeros(len(p_values), bool), np.isfinite(p_values)
    if known.any():
        found[known] = false_discovery_control(p_values[known]) < SIGNIFICANCE
    return found


def diebold_mariano(gain: Array, *, horizon: int) -> float:
    """Probability of so large a mean gain, either way, if there were none; NaN if the test is too short.

    Forecasts of `horizon` steps from neighbouring origins overlap and err together, so the long-run variance of the
    gains (N,) is taken from their lowest frequencies alone, those that overlap leaves as they are: the mean square of
    their first n cosine transforms. The statistic, with the small-sample factor, is held against Student's t with n
    degrees of freedom, which keeps its promise on overlapping forecasts where a Bartlett kernel does not.
    Source: Diebold and Mariano (1995), Comparing predictive accuracy; Harvey, Leybourne and Newbold (1997), the factor;
    Lazarus, Lewis, Stock and Watson (2018), HAR inference: the variance and n.
    """
    from scipy.special import stdtr

    rows = len(gain)
    frequencies = int(min(0.4 * rows ** (2 / 3), 0.5 * rows / horizon))
    if frequencies < 2:
        return float("nan")
    if np.ptp(gain) == 0:
        return 1.0 if gain[0] == 0 else 0.0
    waves = np.cos(np.pi * np.outer(np.arange(1, frequencies + 1), np.arange(rows) + 0.5) / rows)
    variance = np.square(np.sqrt(2 / rows) * (waves @ gain)).mean()
    factor = (rows + 1 - 2 * horizon + horizon * (horizon - 1) / rows) / rows
    statistic = gain.mean() * np.sqrt(rows * factor / variance)
    return float(2 * stdtr(frequencies, -abs(statistic)))


def clark_west(moves: Array, forecast: Array) -> float:
    """Probability that forecast moves go so well with the true ones if they had nothing to do with them, one-sided.

    The naive forecast is the one without moves, and every other holds it as a special case. Whoever forecasts moves
    pays for their noise, so that a forecast with skill need not have the smaller error in a short test; this test takes
    that price out. Steps count equally, in the size of their true moves. NaN if the test is too short.

    Args:
        moves: True moves from the last known value, shape (N, H); those of neighbouring origins overlap.
        forecast: Forecast moves, shape (N, H).
    Source: Clark and West (2007), Approximately normal tests for equal predictive accuracy in nested models.
    """
    size = np.square(moves).mean(axis=0)
    together = (2 * moves * forecast / np.where(size > 0, size, 1)).mean(axis=1)
    p_value = diebold_mariano(together, horizon=moves.shape[1])
    return p_value / 2 if together.mean() > 0 else 1 - p_value / 2


def confidence_set(losses: Array, *, horizon: int, seed: int = 0) -> Array:
    """For each of M models, the p-value that it belongs among the best; those under 0.1 are left out of the set.

    Args:
        losses: Of each origin and model, shape (N, M).
        horizon: Neighbouring forecasts overlap so far; the bootstrap draws blocks twice as long.
        seed: Of the bootstrap.
    Source: Hansen, Lunde and Nason (2011), The model confidence set; the package arch.
    """
    from arch.bootstrap import MCS

    different, which = np.unique(losses, axis=1, return_inverse=True)  # models that are alike stand or fall together
    if different.shape[1] < 2:
        return np.ones(losses.shape[1])
    block = max(1, min(2 * horizon, len(losses) // 4))
    test = MCS(different, size=1 - CONFIDENCE, reps=SAMPLES, block_size=block, seed=seed)
    test.compute()
    p_values = test.pvalues["Pvalue"].sort_index().to_numpy(dtype=float)
    return np.asarray(p_values[which.ravel()])


@dataclass(frozen=True)
class Ranking:
    """Models ranked on each of several series, 1 the best.

    Attributes:
        ranks: The mean rank of each model.
        p_value: That all models are alike (Friedman's test).
        critical_difference: Mean ranks that are further apart differ beyond luck (Nemenyi's test).
    """

    ranks: dict[str, float]
    series: int
    p_value: float
    critical_difference: float


def rank(losses: Mapping[str, Sequence[float]]) -> Ranking:
    """The ranking of models by their losses, one a series; ties share the mean of their ranks.

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
