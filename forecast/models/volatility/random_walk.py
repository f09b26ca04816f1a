"""Is it a random walk or a price? The odds of normal moves of one size, and of a drift, by the moves that are known.

Prices have fat tails, and calm and wild times, which make them fatter still; the moves of a random walk are normal, and
all of one size. By the likelihoods of a normal and of Student's distribution, each with the scale that the moves have,
a few hundred of them tell one from the other. In: moves. Out: how likely each is, between 0 and 1.

Source: Kass and Raftery (1995), Bayes factors; Schwarz (1978), for the drift.
"""

from math import lgamma, log, pi

import numpy as np

from forecast.typing import Array, Rows

# Degrees of freedom of the Student distribution that stands for prices, the mean size of its moves over its scale, and
# the logarithm of its constant.
FREEDOM, MEAN_SIZE = 5, 0.949
CONSTANT = lgamma((FREEDOM + 1) / 2) - lgamma(FREEDOM / 2) - log(pi * FREEDOM) / 2 + log(MEAN_SIZE)
# The largest logarithm of odds.
LARGEST = 50.0
TINY = 1e-300


def chances(counts: Rows, moves: Array) -> tuple[Array, Array]:
    """Of the first moves (n,), for each number of them in `counts`: how likely they are normal, and have a mean; (R,).

    A mean of the size of a move is taken to be as likely beforehand as none.
    """
    found = [_logarithms(moves[: max(count, 1)]) for count in counts]
    walk, drift = np.array(found).reshape(-1, 2).T
    return _chance(walk), _chance(drift)


def _logarithms(moves: Array) -> tuple[float, float]:
    """The logarithms of the odds of normal moves, and of a mean that is not 0."""
    count, unit = len(moves), np.abs(moves).mean() + TINY
    scaled = moves / unit
    variance = (scaled**2).mean() + TINY
    normal = -0.5 * np.log(2 * np.pi * variance) - 0.5
    student = CONSTANT - (FREEDOM + 1) / 2 * np.log1p((scaled * MEAN_SIZE) ** 2 / FREEDOM).mean()
    drift = 0.5 * count * scaled.mean() ** 2 / variance - 0.5 * np.log(count)
    return float(count * (normal - student)), float(drift)


def _chance(odds: Array) -> Array:
    """How likely something is by the logarithm of its odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -LARGEST, LARGEST))))
