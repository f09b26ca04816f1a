"""Random walks, mean reversion and ARIMA processes.

    random walk     y[t] = y[t-1] + d + e[t]
    mean reversion  y[t] = m + k (y[t-1] - m) + e[t]                     Uhlenbeck and Ornstein (1930), at whole times
    ARIMA           (1 - p1 B - ...) (1 - B)^d y[t] = (1 + q1 B + ...) e[t]           Box and Jenkins (1970)

The autoregressive part of an ARIMA process is stationary, as its partial autocorrelations are drawn from (-1, 1)
(Barndorff-Nielsen and Schou 1973).
"""

import numpy as np
from numpy.random import Generator

from forecast.typing import Array

BURN = 100
ORDER = 3


def random_walk(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:  # noqa: ARG001
    """Walks with Gaussian steps or with fat tails; a third of them drift, (N, T)."""
    drift = random.normal(0, 0.1, count) * (random.random(count) < 1 / 3)
    return np.cumsum(noise(random, count, rows) + drift[:, None], axis=1)


def mean_reverting(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:  # noqa: ARG001
    """AR(1) around a mean, with half-lives from half a row to hundreds, (N, T)."""
    half_life = np.exp(random.uniform(np.log(0.5), np.log(300), count))
    return recursion(0.5 ** (1 / half_life)[:, None], noise(random, count, rows + BURN))[:, BURN:]


def arima(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:
    """ARIMA of orders up to (3, 2, 2), where there is a season with a seasonal moving average, (N, T)."""
    partial = random.uniform(-0.95, 0.95, (count, ORDER)) * (np.arange(ORDER) < random.integers(0, 4, (count, 1)))
    shocks = noise(random, count, rows + BURN)
    moved = shocks.copy()
    for lag, weight in enumerate(random.uniform(-0.8, 0.8, (2, count)), start=1):
        moved[:, lag:] += weight[:, None] * shocks[:, :-lag]
    made = recursion(autoregression(partial), moved)[:, BURN:]
    if seasons and seasons[0] < rows and random.random() < 0.3:
        made = _sum_over(made, seasons[0], random.uniform(0, 0.9, count))
    for share in (0.6, 0.15):  # of the series are summed, and of these again
        chosen = random.random(count) < share
        made = np.where(chosen[:, None], np.cumsum(made, axis=1), made)
    return made


def noise(random: Generator, count: int, rows: int) -> Array:
    """Shocks of variance 1: half of the series Gaussian, half of them with Student's t distribution, (N, T)."""
    freedom = np.where(random.random(count) < 0.5, 1e6, random.uniform(3, 10, count))[:, None]
    scale = np.sqrt((freedom - 2) / freedom) * np.sqrt(
        freedom / np.maximum(random.chisquare(freedom, (count, rows)), 1e-9)
    )
    return np.asarray(scale * random.standard_normal((count, rows)))


def autoregression(partial: Array) -> Array:
    """The coefficients of a stationary autoregression from its partial autocorrelations, both (N, P)."""
    found = partial.copy()
    for order in range(1, partial.shape[1]):
        found[:, :order] -= partial[:, [order]] * found[:, :order][:, ::-1]
    return found


def recursion(coefficients: Array, shocks: Array) -> Array:
    """y[t] = c1 y[t-1] + ... + cP y[t-P] + e[t], with coefficients (N, P) and shocks (N, T)."""
    order = coefficients.shape[1]
    made = np.zeros((shocks.shape[1] + order, len(shocks)))
    backwards = coefficients[:, ::-1].T
    for row, shock in enumerate(shocks.T):
        made[row + order] = shock + (backwards * made[row : row + order]).sum(axis=0)
    return made[order:].T


def _sum_over(steps: Array, season: int, average: Array) -> Array:
    """A seasonal walk whose steps (N, T) have a moving average over one season of weight -average (N,)."""
    made = steps.copy()
    made[:, season:] -= average[:, None] * steps[:, :-season]
    for start in range(season, made.shape[1], season):
        part = made[:, start : start + season]
        part += made[:, start - season : start][:, : part.shape[1]]
    return made
