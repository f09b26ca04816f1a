"""Metrics: arrays in, one float out. Truths and forecasts have any one shape and the series' unit.

Those of probabilities take the classes that came, shape (N,), and the probabilities of each class, shape (N, K).

Sources: Hyndman and Koehler (2006), Another look at measures of forecast accuracy; Makridakis et al. (2020), The M4
competition.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# The smallest probability that a log loss is taken from.
SMALLEST = 1e-7


def mae(y_true: Array, y_pred: Array) -> float:
    """Mean absolute error, in the series' unit."""
    return float(np.abs(y_true - y_pred).mean())


def rmse(y_true: Array, y_pred: Array) -> float:
    """Root of the mean squared error, in the series' unit."""
    return float(np.sqrt(np.square(y_true - y_pred).mean()))


def mape(y_true: Array, y_pred: Array) -> float:
    """Mean absolute percentage error, in percent of the truth; truths of 0 are left out, NaN if there is no other."""
    known = y_true != 0
    if not known.any():
        return float("nan")
    return float(100 * np.abs((y_true[known] - y_pred[known]) / y_true[known]).mean())


def smape(y_true: Array, y_pred: Array) -> float:
    """Symmetric mean absolute percentage error as in M4, 0 to 200 percent; 0 where truth and forecast are both 0."""
    size = np.abs(y_true) + np.abs(y_pred)
    error = np.abs(y_true - y_pred)
    return float(200 * np.divide(error, size, out=np.zeros_like(error), where=size > 0).mean())


def mase(y_true: Array, y_pred: Array, *, y_train: Array) -> float:
    """Mean absolute error over the mean absolute change from one training row to the next; NaN if there was none."""
    change = float(np.abs(np.diff(y_train)).mean())
    return mae(y_true, y_pred) / change if change > 0 else float("nan")


def direction(y_true: Array, y_pred: Array, *, y_last: Array) -> float:
    """Share of forecasts, 0 to 1, that move from `y_last` to the side that the truth moved to.

    Truths and forecasts that do not move are left out; NaN if none is left, as for the naive forecast.
    """
    true, guessed = np.sign(y_true - y_last), np.sign(y_pred - y_last)
    moved = (true != 0) & (guessed != 0)
    return float((true == guessed)[moved].mean()) if moved.any() else float("nan")


def coverage(y_true: Array, low: Array, high: Array) -> float:
    """Share of truths, 0 to 1, that lie in their interval, ends included."""
    return float(((low <= y_true) & (y_true <= high)).mean())


def log_losses(classes: Array, probabilities: Array) -> Array:
    """Minus the logarithm of the probability of what came, shape (N,), in nats.

    Source: Good (1952), Rational decisions; Gneiting and Raftery (2007), Strictly proper scoring rules.
    """
    chosen = np.take_along_axis(probabilities, classes.astype(int)[:, None], axis=1)[:, 0]
    return np.asarray(-np.log(np.maximum(chosen, SMALLEST)))


def log_loss(classes: Array, probabilities: Array) -> float:
    """The mean of `log_losses`, in nats; the logarithm of K for who knows nothing."""
    return float(log_losses(classes, probabilities).mean())


def brier(classes: Array, probabilities: Array) -> float:
    """Mean over origins of the squared errors of the probabilities, summed over classes: 0 to 2.

    Source: Brier (1950), Verification of forecasts expressed in terms of probability.
    """
    came = classes[:, None] == np.arange(probabilities.shape[1])
    return float(np.square(probabilities - came).sum(axis=1).mean())


def accuracy(classes: Array, probabilities: Array) -> float:
    """Share of origins, 0 to 1, whose likeliest class came; of classes that are equally likely, the first."""
    return float((probabilities.argmax(axis=1) == classes).mean())


def calibration_error(probability: Array, observed: Array, count: Array) -> float:
    """Mean difference of probability and observed share over bins, weighed by their counts: 0 to 1.

    Source: Naeini et al. (2015), Obtaining well calibrated probabilities using Bayesian binning.
    """
    return float(np.average(np.abs(probability - observed), weights=count))
