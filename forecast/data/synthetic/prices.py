"""Prices: the variance of their moves changes from row to row, by one of four kinds of process.

    GARCH       s2[t] = w + (a + g [z[t-1] < 0]) z[t-1]^2 s2[t-1] + b s2[t-1]     Bollerslev (1986)
    stochastic  log s2[t] = sum of a slow and a fast AR(1), moved by falls        Chernov et al. (2003)
    regimes     log s2[t] stays at one of four levels for a while                 Hamilton (1989)
    intraday    one of these, times a pattern of the day: wild at the open        Andersen and Bollerslev (1997)

With g, falls raise the variance more than rises do (Glosten, Jagannathan and Runkle 1993).

Shocks z have Student's t distribution, and now and then a jump is added (Merton 1976).
"""

import numpy as np
from numpy.random import Generator

from forecast.data.synthetic.seasons import season_of
from forecast.typing import Array

BURN = 100
# The largest move over one row, in logarithms.
LARGEST = 0.4
# Days in a year, in which the drift is given.
YEAR = 252


def garch(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:  # noqa: ARG001
    """Prices whose variance follows GARCH(1, 1), or GJR-GARCH, which falls raise more than rises do; (N, T)."""
    shocks = _shocks(random, count, rows)
    alpha, leverage = random.uniform(0.02, 0.12, count), random.uniform(0, 0.15, count) * random.integers(2, size=count)
    beta = np.maximum(random.uniform(0.9, 0.998, count) - alpha - leverage / 2, 0.5)
    variance = np.ones(count)
    found = np.empty((rows + BURN, count))
    for row, shock in enumerate(shocks):
        found[row] = variance
        squared = np.minimum(variance * shock**2, 200.0)
        left = 1 - alpha - beta - leverage / 2
        variance = np.minimum(left + (alpha + leverage * (shock < 0)) * squared + beta * variance, 100.0)
    return _prices(random, np.sqrt(found) * shocks)


def stochastic_volatility(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:  # noqa: ARG001
    """Prices whose log variance is the sum of a slow and a fast AR(1), which rise when prices fall, (N, T)."""
    shocks = _shocks(random, count, rows)
    keep = np.stack([random.uniform(0.97, 0.999, count), random.uniform(0.6, 0.95, count)])
    size = np.stack([random.uniform(0.1, 0.5, count), random.uniform(0.05, 0.4, count)])
    leverage = random.uniform(-0.7, 0, count)
    state, found = random.standard_normal((2, count)), np.empty((rows + BURN, count))
    for row, shock in enumerate(np.clip(shocks, -4, 4)):
        found[row] = (size * state).sum(axis=0) - (size**2).sum(axis=0)
        own = random.standard_normal((2, count))
        state = keep * state + np.sqrt(1 - keep**2) * (leverage * shock + np.sqrt(1 - leverage**2) * own)
    return _prices(random, np.exp(found) * shocks)


def regimes(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:  # noqa: ARG001
    """Prices whose volatility is one of four levels, each of which lasts for weeks or months, (N, T)."""
    levels = np.exp(random.normal(0, 0.6, (4, count)))
    changes = random.random((rows + BURN, count)) > random.uniform(0.97, 0.998, count)
    visits = np.cumsum(changes, axis=0, dtype=np.int64)
    chosen = random.integers(4, size=(int(visits.max()) + 1, count))
    level = np.take_along_axis(levels, np.take_along_axis(chosen, visits, axis=0), axis=0)
    return _prices(random, level * _shocks(random, count, rows))


def intraday(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:
    """Prices whose volatility has the pattern of a day, and regimes, (N, T)."""
    pattern = season_of(random, count, rows + BURN, seasons[0]) if seasons else np.zeros((count, rows + BURN))
    size = np.exp(random.uniform(0.1, 0.7, (count, 1)) * np.clip(pattern, -2.5, 2.5)).T
    slow = np.cumsum(random.standard_normal(size.shape), axis=0) * random.uniform(0, 1, count) / np.sqrt(len(size))
    return _prices(random, size * np.exp(np.clip(slow, -1.5, 1.5)) * _shocks(random, count, rows))


def _shocks(random: Generator, count: int, rows: int) -> Array:
    """Shocks of variance 1 with fat tails, (T, N)."""
    freedom = random.uniform(3, 15, count)
    return np.asarray(random.standard_t(freedom, (rows + BURN, count)) * np.sqrt((freedom - 2) / freedom))


def _prices(random: Generator, moves: Array) -> Array:
    """Prices from moves (T, N) of usual size 1, with jumps and a drift, (N, T)."""
    moves = moves[BURN:]
    sigma = np.exp(random.normal(np.log(0.014), 0.6, moves.shape[1]))
    jumps = (random.random(moves.shape) < random.uniform(0, 0.01, moves.shape[1])) * random.normal(0, 3, moves.shape)
    steps = np.clip(sigma * (moves + jumps), -LARGEST, LARGEST) + random.normal(0.05, 0.1, moves.shape[1]) / YEAR
    start = np.exp(random.normal(np.log(50), 1.2, moves.shape[1]))
    return np.asarray((start * np.exp(np.cumsum(steps, axis=0) - sigma**2 / 2)).T)
