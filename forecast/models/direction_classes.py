"""Classes of the move from an origin to step H, and how far a network's probabilities of them are believed.

    u = (v[t+H] - v[t]) / (scale * sqrt(H)), the last label of a window
    down: u < -band        flat: -band <= u <= band        up: u > band

The band is the 1/3 quantile of |u| on the training labels, so that about a third of them is flat. What is forecast is

    p = weight * network + (1 - weight) * base rates

with the shares of the classes on the training labels as base rates. The weight is learned on the validation rows from
the weight of evidence (Good 1952): the log loss that a weight saves there is the logarithm of how much likelier it made
what came. Against it stand odds of nine to one that the base rates are all there is to know, so that a network without
evidence is believed nothing. The mean over a grid, weighed by prior and evidence, is the mixture of Bayes' rule.
"""

import numpy as np

from forecast.metrics import metrics
from forecast.typing import Array

CLASSES = ("down", "flat", "up")
# What a model of directions holds beside its network, shared by the networks of several seeds.
BAND, RATES, MIXTURE_WEIGHT = "direction/band", "direction/rates", "direction/trust"
SHAPES: dict[str, tuple[int | None, ...]] = {BAND: (), RATES: (len(CLASSES),), MIXTURE_WEIGHT: ()}
# Shares of a network's probabilities that are tried, and what speaks for each beforehand.
MIXTURE_WEIGHTS = np.linspace(0, 1, 11)
PRIOR = np.array([0.9] + 10 * [0.01])
# Below this trust a network counts for nothing.
SMALLEST = 0.1


def learn_classes(moves: Array) -> dict[str, Array]:
    """Band and base rates from the moves u on training labels, shape (N,)."""
    band = np.quantile(np.abs(moves), 1 / 3)
    return {BAND: np.asarray(band), RATES: shares_of(classes_of(moves, float(band)))}


def classes_of(moves: Array, band: float) -> Array:
    """0 for down, 1 for flat, 2 for up, of any shape; NaN where the move is not known."""
    return np.where(np.isnan(moves), np.nan, 1.0 + (moves > band) - (moves < -band))


def shares_of(classes: Array) -> Array:
    """The share of each class, shape (3,), as if each had been seen once more: none is impossible (Laplace 1814)."""
    counts = np.bincount(classes.astype(int), minlength=len(CLASSES)) + 1
    return np.asarray(counts / counts.sum())


def mix(probabilities: Array, rates: Array, mixture_weight: float) -> Array:
    """A network's probabilities (N, 3) as far as they are believed, and the base rates (3,) for the rest."""
    return np.asarray(mixture_weight * probabilities + (1 - mixture_weight) * rates)


def fit_mixture_weight(probabilities: Array, classes: Array, rates: Array, *, horizon: int) -> Array:
    """How much of a network's probabilities (N, 3) is believed, by known classes (N,) of the validation rows.

    The moves of `horizon` neighbouring origins overlap and count as one.
    """
    losses = [
        metrics.log_losses(classes, mix(probabilities, rates, mixture_weight)).sum()
        for mixture_weight in MIXTURE_WEIGHTS
    ]
    evidence = np.log(PRIOR) - np.array(losses) / horizon
    weight = np.exp(evidence - evidence.max())
    mixture_weight = weight @ MIXTURE_WEIGHTS / weight.sum()
    return np.asarray(mixture_weight if mixture_weight >= SMALLEST else 0.0)
