"""Metrics: arrays in, one float out.

`y_true` and `y_pred` have the same shape and the series' unit. Quantiles have one more axis, shape (..., Q), along
which they increase. Metrics of probabilities take the observed classes, shape (N,), and the probabilities of all
classes, shape (N, K).

Sources: Hyndman and Koehler (2006), Another look at measures of forecast accuracy; Makridakis et al. (2020), The M4
competition; Makridakis et al. (2022), The M5 competition; Gneiting and Raftery (2007), Strictly proper scoring rules.
"""

from collections.abc import Sequence

import numpy as np

from forecast.typing import Array

# Smaller probabilities count as this one in a log loss.
SMALLEST = 1e-7


def mae(y_true: Array, y_pred: Array) -> float:
    """Mean absolute error, in the series' unit."""
    return float(np.abs(y_true - y_pred).mean())


def mse(y_true: Array, y_pred: Array) -> float:
    """Mean squared error, in the square of the unit of the values."""
    return float(np.mean(np.square(y_true - y_pred)))


def rmse(y_true: Array, y_pred: Array) -> float:
    """Root of the mean squared error, in the series' unit."""
    return float(np.sqrt(np.square(y_true - y_pred).mean()))


def mape(y_true: Array, y_pred: Array) -> float:
    """Mean absolute percentage error, in percent of the truth; zeros are left out, NaN if all are zero."""
    known = y_true != 0
    if not known.any():
        return float("nan")
    return float(100 * np.abs((y_true[known] - y_pred[known]) / y_true[known]).mean())


def smape(y_true: Array, y_pred: Array) -> float:
    """Symmetric mean absolute percentage error as in M4, 0 to 200 percent; 0 where both are 0."""
    size = np.abs(y_true) + np.abs(y_pred)
    error = np.abs(y_true - y_pred)
    return float(200 * np.divide(error, size, out=np.zeros_like(error), where=size > 0).mean())


def mase(y_true: Array, y_pred: Array, *, y_train: Array) -> float:
    """Mean absolute scaled error: MAE over the mean absolute change of the training rows; NaN if they are constant.

    Changes from and to missing rows, NaN, are left out; NaN as well if no others are left.
    """
    change = float(np.abs(_known_changes(y_train)).mean())
    return mae(y_true, y_pred) / change if change > 0 else float("nan")


def rmsse(y_true: Array, y_pred: Array, *, y_train: Array) -> float:
    """Root mean squared scaled error: as `mase`, with squares; NaN if the training rows are constant."""
    change = float(np.square(_known_changes(y_train)).mean())
    return float(np.sqrt(np.square(y_true - y_pred).mean() / change)) if change > 0 else float("nan")


def _known_changes(y_train: Array) -> Array:
    """The changes from row to row between known rows; one of 0 where there are none."""
    changes = np.diff(y_train)
    known = changes[np.isfinite(changes)]
    return known if len(known) else np.zeros(1)


def bias(y_true: Array, y_pred: Array) -> float:
    """Mean of forecast minus truth, in the series' unit: above 0 if the forecasts are too high."""
    return float((y_pred - y_true).mean())


def skill(loss: float, reference: float) -> float:
    """1 - loss / reference: 1 is perfect, 0 as good as the reference, below 0 worse; NaN for a reference of 0.

    Source: Murphy (1988), Skill scores based on the mean square error.
    """
    return 1 - loss / reference if reference > 0 else float("nan")


def pinball(y_true: Array, quantiles: Array, *, levels: Sequence[float]) -> float:
    """Mean quantile loss over all levels, in the series' unit (Koenker and Bassett 1978)."""
    error, level = y_true[..., None] - quantiles, np.asarray(levels)
    return float(np.maximum(level * error, (level - 1) * error).mean())


def crps(y_true: Array, quantiles: Array, *, levels: Sequence[float]) -> float:
    """Continuous ranked probability score from quantiles, in the series' unit: twice their mean pinball loss.

    For a forecast without spread it is the absolute error. Source: Laio and Tamea (2007), Verification tools.
    """
    return 2 * pinball(y_true, quantiles, levels=levels)


def width(low: Array, high: Array) -> float:
    """Mean width of intervals, in the series' unit."""
    return float((high - low).mean())


def winkler(y_true: Array, low: Array, high: Array, *, level: float) -> float:
    """Mean width of intervals, plus 2 / (1 - level) times the distance of truths outside them, in the series' unit.

    Source: Winkler (1972), A decision-theoretic approach to interval estimation.
    """
    beyond = np.maximum(low - y_true, 0) + np.maximum(y_true - high, 0)
    return float((high - low + 2 / (1 - level) * beyond).mean())


def direction(y_true: Array, y_pred: Array, *, y_last: Array) -> float:
    """Share of forecasts, 0 to 1, that move from `y_last` in the direction of the truth.

    Truths and forecasts that do not move are left out; NaN if none is left, as for the naive forecast.
    """
    true, guessed = np.sign(y_true - y_last), np.sign(y_pred - y_last)
    moved = (true != 0) & (guessed != 0)
    return float((true == guessed)[moved].mean()) if moved.any() else float("nan")


def share_interval(share: float, count: float) -> tuple[float, float]:
    """The 95 % confidence interval of a share of `count` independent cases; NaN for no cases.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    if not count > 0 or np.isnan(share):
        return float("nan"), float("nan")
    square = 1.959963984540054**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = np.sqrt(square * (share * (1 - share) / count + square / (4 * count**2))) / (1 + square / count)
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def coverage(y_true: Array, low: Array, high: Array) -> float:
    """Share of truths, 0 to 1, inside their interval, ends included."""
    return float(((low <= y_true) & (y_true <= high)).mean())


def log_losses(classes: Array, probabilities: Array) -> Array:
    """Minus the logarithm of the observed class's probability, shape (N,), in nats.

    Source: Good (1952), Rational decisions; Gneiting and Raftery (2007), Strictly proper scoring rules.
    """
    chosen = np.take_along_axis(probabilities, classes.astype(int)[:, None], axis=1)[:, 0]
    return np.asarray(-np.log(np.maximum(chosen, SMALLEST)))


def log_loss(classes: Array, probabilities: Array) -> float:
    """The mean of `log_losses`, in nats; log K for K equally likely classes."""
    return float(log_losses(classes, probabilities).mean())


def brier(classes: Array, probabilities: Array) -> float:
    """Squared errors of the probabilities, summed over classes, mean over origins: 0 to 2.

    Source: Brier (1950), Verification of forecasts expressed in terms of probability.
    """
    came = classes[:, None] == np.arange(probabilities.shape[1])
    return float(np.square(probabilities - came).sum(axis=1).mean())


def accuracy(classes: Array, probabilities: Array) -> float:
    """Share of origins, 0 to 1, whose likeliest class was observed; of equally likely classes the first."""
    return float((probabilities.argmax(axis=1) == classes).mean())


def calibration_error(probability: Array, observed: Array, count: Array) -> float:
    """Mean difference between probability and observed share over bins, weighted by their counts: 0 to 1.

    Source: Naeini et al. (2015), Obtaining well calibrated probabilities using Bayesian binning.
    """
    return float(np.average(np.abs(probability - observed), weights=count))
