"""Trends: lines that bend, growth that saturates, and exponential smoothing as a process with states.

bent       y[t] = a line whose slope changes at a few random rows          Taylor and Letham (2018), Prophet
growth     y[t] = exp of a line, or a logistic curve, times noise
smoothing  y[t] = l[t-1] + f b[t-1] + s[t-m] + e[t], l, b and s moved by shares of e[t]    Hyndman et al. (2002), ETS
"""

import numpy as np
from numpy.random import Generator

from forecast.data.synthetic.walks import noise, recursion
from forecast.typing import Array


def bent(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:  # noqa: ARG001
    """Lines with up to five bends, and autocorrelated noise, (N, T)."""
    line = trend(random, count, rows)
    keep = random.uniform(0, 0.95, (count, 1))
    around = recursion(keep, noise(random, count, rows)) * np.sqrt(1 - keep**2)
    return np.asarray(line + np.exp(random.normal(-2.5, 1.0, (count, 1))) * around)


def growth(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:  # noqa: ARG001
    """Exponential and logistic growth and decay, always above 0, (N, T)."""
    time = np.linspace(0, 1, rows)
    rate = random.normal(0, 1.5, (count, 1))
    middle = random.uniform(0, 1.5, (count, 1))
    logistic = -np.log1p(np.exp(-8 * rate * (time - middle)))
    path = np.where(random.random((count, 1)) < 0.5, rate * time, logistic)
    keep = random.choice([0.0, 0.5, 0.9, 1.0], (count, 1))
    around = recursion(keep, noise(random, count, rows))
    size = np.exp(random.normal(-3.5, 0.8, (count, 1))) * np.where(keep == 1, 4 / np.sqrt(rows), np.sqrt(1 - keep**2))
    return np.asarray(np.exp(random.normal(4, 2, (count, 1)) + path + np.clip(size * around, -3, 3)))


def smoothing(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:
    """Exponential smoothing with a damped trend and, where there is a season, additive seasonality, (N, T)."""
    shocks = noise(random, count, rows).T
    alpha = random.beta(1, 2, count)
    beta = alpha * random.beta(1, 8, count) * (random.random(count) < 0.6)
    damping = random.uniform(0.8, 1.0, count)
    season = seasons[0] if seasons else 1
    gamma = random.beta(1, 6, count) * (1 - alpha)
    size = np.exp(random.normal(0.5, 1.0, count)) * (season > 1)
    pattern = size * random.standard_normal((season, count))
    pattern -= pattern.mean(axis=0)
    level, slope = np.zeros(count), random.normal(0, 0.2, count) * (beta > 0)
    found = np.empty((rows, count))
    for row, shock in enumerate(shocks):
        place = row % season
        found[row] = level + damping * slope + pattern[place] + shock
        level, slope = level + damping * slope + alpha * shock, damping * slope + beta * shock
        pattern[place] += gamma * shock * (season > 1)
    return found.T


def trend(random: Generator, count: int, rows: int) -> Array:
    """Lines with up to five bends, of size about 1 over all rows, (N, T)."""
    slope = np.zeros((count, rows))
    slope[:, 0] = random.normal(0, 1.0, count)
    bends = random.integers(0, 6, count)
    for number in range(5):
        at = random.integers(1, rows, count)
        slope[np.arange(count), at] += random.normal(0, 1.5, count) * (bends > number)
    return np.asarray(np.cumsum(np.cumsum(slope, axis=1), axis=1) / rows)
