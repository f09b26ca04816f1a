"""Counts: demand with many zeros, and counts whose rate has seasons.

    intermittent  demand comes with a probability that changes between two regimes; its size is 1 + a negative binomial
    counts        Poisson, or negative binomial where it is more spread, around exp(season + trend + AR(1))

Sources: Croston (1972); Syntetos and Boylan (2005); Turkmen et al. (2021), renewal processes.
"""

import numpy as np
from numpy.random import Generator

from forecast.data.synthetic.seasons import changing, season_of
from forecast.data.synthetic.trends import trend
from forecast.data.synthetic.walks import noise, recursion
from forecast.typing import Array

# The largest logarithm of a rate.
LARGEST = 9.0


def intermittent(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:
    """Demand with many zeros, half of it with a season in how often it comes, (N, T)."""
    chance = random.uniform(-3, 1, (count, 1)) + np.zeros((1, rows))
    if seasons:
        chance = chance + 0.8 * (random.random((count, 1)) < 0.5) * season_of(random, count, rows, seasons[0])
    busy = np.cumsum(random.random((count, rows)) < random.uniform(0, 0.02, (count, 1)), axis=1) % 2
    chance = chance + random.normal(0, 1, (count, 1)) * busy
    comes = random.random((count, rows)) < 1 / (1 + np.exp(-chance))
    size = 1 + random.negative_binomial(
        random.uniform(0.5, 3, (count, 1)), random.uniform(0.1, 0.9, (count, 1)), (count, rows)
    )
    return np.asarray(comes * size, float)


def counts(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:
    """Counts around a rate with seasons, a trend and an AR(1) in its logarithm, (N, T)."""
    rate = random.normal(2, 1.8, (count, 1)) + random.uniform(0, 1, (count, 1)) * trend(random, count, rows)
    for season in seasons:
        rate = rate + random.uniform(0, 0.6, (count, 1)) * changing(random, count, rows) * season_of(
            random, count, rows, season
        )
    keep = random.uniform(0, 0.98, (count, 1))
    rate = rate + random.uniform(0, 0.4, (count, 1)) * recursion(keep, noise(random, count, rows)) * np.sqrt(
        1 - keep**2
    )
    spread = np.where(random.random((count, 1)) < 0.5, 1e5, random.uniform(1, 20, (count, 1)))
    mean = np.exp(np.minimum(rate, LARGEST))
    return np.asarray(random.poisson(mean * random.gamma(spread, 1 / spread, (count, rows))), float)
