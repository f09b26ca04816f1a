"""Classes of the move from an origin to step H, and the mixture of a network's probabilities with base rates.

    u = (v[t+H] - v[t]) / (scale * sqrt(H)), the last label of a window
    down: u < -band        flat: -band <= u <= band        up: u > band

The band is the 1/3 quantile of |u| on the training labels, so that about a third of them is flat. The forecast is

    p = mixture_weight * network + (1 - mixture_weight) * base rates

with the shares of the classes on the training labels as base rates. The weight is the posterior mean over a grid
(Bayes' rule), given the validation rows: the likelihood of a weight is that of the outcomes under the mixture, and the
prior odds are nine to one that the base rates are all there is to know. A network without evidence gets the weight 0.
"""

import numpy as np

from forecast.errors import SeriesTooShort
from forecast.metrics import metrics
from forecast.typing import Array

CLASSES = ("down", "flat", "up")
# Weights of a direction model beside those of its network, shared by the networks of several seeds.
BAND, RATES, MIXTURE_WEIGHT = "direction/band", "direction/base_rates", "direction/mixture_weight"
SHAPES: dict[str, tuple[int | None, ...]] = {BAND: (), RATES: (len(CLASSES),), MIXTURE_WEIGHT: ()}
# The grid of mixture weights, and the prior of each.
MIXTURE_WEIGHTS = np.linspace(0, 1, 11)
PRIOR = np.array([0.9] + 10 * [0.01])
# A posterior mean below this counts as 0.
SMALLEST = 0.1


def learn_classes(moves: Array) -> dict[str, Array]:
    """Band and base rates from the moves u on training labels, shape (N,); NaN where unknown.

    Raises:
        SeriesTooShort: none is known.
    """
    known = moves[np.isfinite(moves)]
    if not len(known):
        raise SeriesTooShort(
            "directions need two known values in the training rows that are the horizon apart. Received: none. Use a "
            "longer series, or one with fewer missing values."
        )
    band = np.quantile(np.abs(known), 1 / 3)
    return {BAND: np.asarray(band), RATES: shares_of(classes_of(moves, float(band)))}


def classes_of(moves: Array, band: float) -> Array:
    """0 for down, 1 for flat, 2 for up, of any shape; NaN where the move is unknown."""
    return np.where(np.isnan(moves), np.nan, 1.0 + (moves > band) - (moves < -band))


def shares_of(classes: Array) -> Array:
    """The share of each class, shape (3,), with add-one smoothing: no class is impossible (Laplace 1814).

    Args:
        classes: NaN where unknown, which are not counted.
    """
    counts = np.bincount(classes[np.isfinite(classes)].astype(int), minlength=len(CLASSES)) + 1
    return np.asarray(counts / counts.sum())


def mix(probabilities: Array, rates: Array, mixture_weight: float) -> Array:
    """Mix a network's probabilities (N, 3) with base rates (3,), shape (N, 3)."""
    return np.asarray(mixture_weight * probabilities + (1 - mixture_weight) * rates)


def fit_mixture_weight(probabilities: Array, classes: Array, rates: Array, *, horizon: int) -> Array:
    """Estimate the mixture weight on validation rows.

    Args:
        probabilities: Of a network, shape (N, 3).
        classes: That came, shape (N,).
        rates: Base rates, shape (3,).
        horizon: The moves of so many neighbouring origins overlap, and count as one.
    Returns:
        One number, shape ().
    """
    mixtures = (mix(probabilities, rates, weight) for weight in MIXTURE_WEIGHTS)
    losses = np.array([metrics.log_losses(classes, mixture).sum() for mixture in mixtures])
    log_posterior = np.log(PRIOR) - losses / horizon
    posterior = np.exp(log_posterior - log_posterior.max())
    mean = posterior @ MIXTURE_WEIGHTS / posterior.sum()
    return np.asarray(mean if mean >= SMALLEST else 0.0)
