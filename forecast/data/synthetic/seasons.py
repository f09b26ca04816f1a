"""Seasons: one or two, of waves or of a pattern, whose size and shape change, around a trend, with noise.

    additive        y[t] = trend + season(s) + noise
    multiplicative  y[t] = exp(the same)
    work and rest   the pattern of a day, by days of a week that differ in size, as in load and traffic
    holidays        days, unknown beforehand, on which the pattern is weaker or stronger than on others

The patterns are sums of waves whose sizes fall with their frequency, or values drawn for each place. Sources: Harvey
(1989), structural models; Taylor and Letham (2018), Prophet; Dooley et al. (2023), ForecastPFN.
"""

import numpy as np
from numpy.random import Generator

from forecast.data.synthetic.trends import trend
from forecast.data.synthetic.walks import noise, recursion
from forecast.typing import Array

WAVES = 8
# From so many rows on the shortest season is a day.
HOURS = 24
# The shares of series whose noise is larger in one part of the season, and whose pattern is larger in some seasons.
VARYING, DIFFERING = 0.5, 0.4


def seasonal(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:
    """All seasons, additive or multiplicative, with changing sizes, around a trend, (N, T)."""
    found = np.zeros((count, rows))
    for number, season in enumerate(seasons):
        size = np.exp(random.normal(0.0 if number == 0 else -0.5, 0.7, (count, 1)))
        pattern = season_of(random, count, rows, season)
        pattern = pattern if number else differing(random, pattern, season)
        found += size * changing(random, count, rows) * pattern
    found += np.exp(random.normal(0.3, 1.0, (count, 1))) * trend(random, count, rows)
    return _finished(random, found + _around(random, count, rows, seasons))


def work_and_rest(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:
    """The pattern of a short season, whose size and shape depend on its place in a long one, (N, T)."""
    if len(seasons) < 2 or seasons[1] % seasons[0]:
        return seasonal(random, count, rows, seasons)
    day, parts = seasons[0], seasons[1] // seasons[0]
    rest = np.where(np.arange(parts) % 7 >= 5, random.uniform(0, 1, (count, 1)), 0)
    sizes = np.exp(random.normal(0, 0.15, (count, parts))) * (1 - rest)
    one, other = season_of(random, count, day, day), season_of(random, count, day, day)
    week = sizes[:, :, None] * one[:, None] + rest[:, :, None] * other[:, None]
    shift = random.integers(seasons[1])
    pattern = differing(random, week.reshape(count, -1)[:, (np.arange(rows) + shift) % seasons[1]], day)
    slow = np.exp(random.normal(-0.7, 0.7, (count, 1))) * trend(random, count, rows)
    return _finished(random, changing(random, count, rows) * pattern + slow + _around(random, count, rows, seasons))


def holidays(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:
    """All seasons, and days that stand out for a few times in a hundred: shut, or with a promotion, (N, T)."""
    day = seasons[0] if seasons and seasons[0] >= HOURS else 1
    days = random.random((count, rows // day + 2)) < random.uniform(0.005, 0.06, (count, 1))
    apart = np.repeat(days, day, axis=1)[:, int(random.integers(day)) :][:, :rows]
    pattern = sum((season_of(random, count, rows, season) for season in seasons), start=np.zeros((count, rows)))
    left, added = random.uniform(0, 1, (count, 1)), random.normal(0, 2, (count, 1))
    slow = np.exp(random.normal(-0.7, 0.7, (count, 1))) * trend(random, count, rows)
    size = changing(random, count, rows)
    values = size * np.where(apart, left * pattern + added, pattern)
    return _finished(random, values + slow + 0.5 * _around(random, count, rows, seasons))


def season_of(random: Generator, count: int, rows: int, season: int) -> Array:
    """A pattern of about size 1 that comes again each season: waves, or values drawn for each place, (N, T)."""
    time = (np.arange(rows) + random.integers(season)) / season
    waves = np.arange(1, min(WAVES, season // 2) + 1)
    size = random.standard_normal((2, count, len(waves))) * waves ** -random.uniform(0.3, 2.5, (count, 1))
    angle = 2 * np.pi * waves[:, None] * time
    smooth = size[0] @ np.sin(angle) + size[1] @ np.cos(angle)
    places = random.standard_normal((count, season)) + random.choice([0, 3], (count, season), p=[0.9, 0.1])
    rough = places[:, (np.arange(rows) + random.integers(season)) % season]
    chosen = np.where(random.random((count, 1)) < (0.75 if season > 7 else 0.5), smooth, rough)
    return np.asarray((chosen - chosen.mean(axis=1, keepdims=True)) / (chosen.std(axis=1, keepdims=True) + 1e-9))


def changing(random: Generator, count: int, rows: int) -> Array:
    """A positive size around 1 that stays, or grows, falls or wanders slowly, (N, T)."""
    time = np.linspace(-0.5, 0.5, rows)
    growth = random.normal(0, 0.8, (count, 1)) * time
    wander = (
        np.cumsum(random.standard_normal((count, rows)), axis=1) * random.uniform(0, 0.6, (count, 1)) / np.sqrt(rows)
    )
    kind = random.integers(3, size=(count, 1))
    return np.asarray(np.exp(np.where(kind == 0, 0.0, np.where(kind == 1, growth, np.clip(wander, -1.5, 1.5)))))


def differing(random: Generator, pattern: Array, season: int) -> Array:
    """The pattern (N, T) of a part of the series larger in some seasons than in others, as on sunny and dull days."""
    count, rows = pattern.shape
    first = int(random.integers(season))
    number = (np.arange(rows) - first) // season + 1
    edge = pattern[:, np.clip(first + (number - 1) * season, 0, rows - 1)]
    keep = random.uniform(0, 0.8, (count, 1))
    wander = recursion(keep, random.standard_normal((count, int(number[-1]) + 1))) * np.sqrt(1 - keep**2)
    share = random.uniform(0, 0.8, (count, 1)) * (random.random((count, 1)) < DIFFERING)
    return np.asarray(edge + (pattern - edge) * np.exp(share * np.clip(wander, -2.5, 2.5) - share**2 / 2)[:, number])


def _around(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:
    """Noise of different size: white, autocorrelated, or a walk, some larger in one part of the season, (N, T)."""
    keep = random.choice([0.0, 0.5, 0.8, 0.95, 1.0], (count, 1), p=[0.3, 0.2, 0.15, 0.2, 0.15])
    size = np.exp(random.normal(-1.0, 0.9, (count, 1)))
    made = recursion(keep, noise(random, count, rows))
    share = random.uniform(0, 1.2, (count, 1)) * (random.random((count, 1)) < VARYING) * (keep < 1)
    wild = np.exp(share * np.clip(season_of(random, count, rows, seasons[0]), -2, 2)) if seasons else 1.0
    return np.asarray(size * wild * made * np.where(keep == 1, 3 / np.sqrt(rows), np.sqrt(1 - keep**2)))


def _finished(random: Generator, values: Array) -> Array:
    """Half of the series as they are, half of them as exponentials, so that seasons grow with the level, (N, T)."""
    factor = random.uniform(0.05, 0.5, (len(values), 1))
    scaled = np.clip(factor * values, -8, 8)
    raised = np.exp(random.normal(4, 2, (len(values), 1)) + scaled)
    return np.where(random.random((len(values), 1)) < 0.5, raised, values + random.normal(0, 10, (len(values), 1)))
