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
    counts, sizes, squares = np.maximum(counts, 1), np.abs(moves), np.empty(len(moves))
    means = np.array([_means(moves[:count], sizes[:count], squares[:count]) for count in counts.tolist()])
    mean, variance, student = means.reshape(-1, 3).T
    variance = variance + TINY
    normal = -0.5 * np.log(2 * np.pi * variance) - 0.5
    student = CONSTANT - (FREEDOM + 1) / 2 * student
    drift = 0.5 * counts * mean**2 / variance - 0.5 * np.log(counts)
    return _chance(counts * (normal - student)), _chance(drift)


def _means(moves: Array, sizes: Array, work: Array) -> tuple[float, float, float]:
    """The means of moves (n,) over their mean size, of their squares, and of the logarithm in Student's density.

    Args:
        sizes: Of the moves, shape (n,).
        work: Is written over, shape (n,).
    """
    count, total = len(moves), np.add.reduce
    np.divide(moves, total(sizes) / count + TINY, out=work)
    mean = total(work) / count
    variance = total(work * work) / count
    work *= MEAN_SIZE
    work *= work
    work /= FREEDOM
    return mean, variance, total(np.log1p(work, out=work)) / count


def _chance(odds: Array) -> Array:
    """How likely something is by the logarithm of its odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -LARGEST, LARGEST))))
