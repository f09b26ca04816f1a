"""Is it a random walk or a price? The odds of normal moves of one size, and of a drift, by the moves that are known.

Prices have fat tails, and calm and wild times, which make them fatter still; the moves of a random walk are normal, and
all of one size. By the likelihoods of a normal and of Student's distribution, each with the scale that the moves have,
a few hundred of them tell one from the other; and whether those of a walk are moves of its values or of their
logarithms, once it has come far from where it began. In: moves. Out: how likely each is, between 0 and 1.

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
# Moves whose mean is this share of the largest one are all 0.
SMALLEST = 1e-150
# Factors of one product, products side by side, and numbers of moves that are looked at together.
FACTORS, PRODUCTS, TOGETHER = 8, 16, 32


def chances(counts: Rows, moves: Array) -> tuple[Array, Array]:
    """Of the first moves (n,), for each number of them in `counts`: how likely they are normal, and have a mean; (R,).

    A mean of the size of a move is taken to be as likely beforehand as none.
    """
    normal, drift = _odds(counts, moves)
    return _chance(normal), _chance(drift)


def chances_of_values(counts: Rows, y: Array) -> tuple[Array, Array]:
    """How likely logarithms of values y (n + 1,) are a random walk, and how likely y is, by its first moves; (R,).

    The others that are likely beforehand, as much as these, are Student's distributions of both.
    """
    counts, log = np.maximum(counts, 1), np.log(y)
    of_logs, of_values = (_odds(counts, np.diff(one))[0] for one in (log, y))
    logs, values = (np.log(np.cumsum(np.diff(one) ** 2)[counts - 1] + TINY) for one in (log, y))
    likelier = 0.5 * counts * (logs - values) + (np.cumsum(log)[counts] - log[0])
    found = np.stack([of_logs, of_logs + likelier, np.zeros(len(counts)), of_logs + likelier - of_values])
    found = np.exp(found - found.max(axis=0))
    share = found / found.sum(axis=0)
    return share[0], share[1]


def _odds(counts: Rows, moves: Array) -> tuple[Array, Array]:
    """The logarithms of the odds of both, shape (R,)."""
    moves = moves if len(moves) else np.zeros(1)
    counts, largest = np.maximum(counts, 1), np.abs(moves).max(initial=0.0)
    moves = np.ldexp(moves, -np.frexp(largest)[1])  # which is exact, and squares neither overflow nor vanish
    total, size, squares = (np.cumsum(one)[counts - 1] for one in (moves, np.abs(moves), moves * moves))
    size = size / counts + TINY
    mean, variance = total / counts / size, squares / counts / size / size + TINY
    normal = -0.5 * np.log(2 * np.pi * variance) - 0.5
    student = CONSTANT - (FREEDOM + 1) / 2 * _log_density(counts, moves, size) / counts
    return counts * (normal - student), 0.5 * counts * mean**2 / variance - 0.5 * np.log(counts)


def _log_density(counts: Rows, moves: Array, size: Array) -> Array:
    """Sums of log(1 + z^2 / FREEDOM) over the first moves (n,) for each of their numbers, z in units of `size`, (R,).

    Of products of a few factors, for a logarithm takes as long as ten of these: of the same ones in the same order,
    however many moves follow.
    """
    size_of_block = FACTORS * PRODUCTS
    rows = -(-counts.max(initial=1) // size_of_block) * size_of_block
    squares, found = np.zeros(rows), np.empty(len(counts))
    squares[: len(moves)] = moves[:rows] ** 2
    share, place = MEAN_SIZE**2 / FREEDOM / np.maximum(size, SMALLEST) ** 2, np.arange(rows)
    for start in range(0, len(counts), TOGETHER):
        part = slice(start, start + TOGETHER)
        factors = squares * share[part, None]
        factors *= place < counts[part, None]
        factors += 1
        products = np.multiply.reduce(factors.reshape(len(factors), -1, FACTORS, PRODUCTS), axis=2)
        found[part] = np.cumsum(np.log(products).reshape(len(factors), -1), axis=1)[:, -1]
    return found


def _chance(odds: Array) -> Array:
    """How likely something is by the logarithm of its odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -LARGEST, LARGEST))))
