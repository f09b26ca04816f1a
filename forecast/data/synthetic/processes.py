"""Gaussian processes whose kernels are sums and products of simple ones, all stationary, on a grid.

    smooth    exp(-d^2 / 2 l^2)                      rough     exp(-d / l)
    rational  (1 + d^2 / 2 a l^2)^-a                 periodic  exp(-2 sin^2(pi d / m) / l^2)
    white     1 at d = 0

d is the distance in rows. Paths are drawn by circulant embedding, in n log n (Dietrich and Newsam 1997), with what is
negative in the spectrum set to 0. Source: Ansari et al. (2024), Chronos, KernelSynth.
"""

import numpy as np
from numpy.random import Generator

from forecast.typing import Array

# Series that share a kernel.
TOGETHER = 8
# Kernels that are composed, at most.
MOST = 4


def gaussian_process(random: Generator, count: int, rows: int, seasons: tuple[int, ...]) -> Array:
    """Paths of processes with composed kernels, a part of them with a line added, (N, T)."""
    parts = [
        sample(random, kernel(random, 2 * rows, seasons), min(TOGETHER, count - start), rows)
        for start in range(0, count, TOGETHER)
    ]
    line = random.normal(0, 2, (count, 1)) * (random.random((count, 1)) < 0.3) * np.linspace(0, 1, rows)
    return np.asarray(np.concatenate(parts) + line)


def kernel(random: Generator, rows: int, seasons: tuple[int, ...]) -> Array:
    """The covariance of a composed kernel at the distances 0 to `rows` - 1, shape (rows,)."""
    distance = np.arange(rows, dtype=float)
    found = _one(random, distance, seasons)
    for _ in range(random.integers(MOST)):
        other = random.uniform(0.1, 1.5) * _one(random, distance, seasons)
        found = found * other / other[0] if random.random() < 0.5 else found + other
    return found


def _one(random: Generator, distance: Array, seasons: tuple[int, ...]) -> Array:
    length = np.exp(random.uniform(np.log(2), np.log(len(distance) / 4)))
    kind = random.integers(6 if seasons else 4)
    if kind == 0:
        return np.asarray(np.exp(-(distance**2) / (2 * length**2)))
    if kind == 1:
        return np.asarray(np.exp(-distance / length))
    if kind == 2:
        power = random.uniform(0.1, 2)
        return np.asarray((1 + distance**2 / (2 * power * length**2)) ** -power)
    if kind == 3:
        return np.asarray(random.uniform(0.05, 0.5) * (distance == 0))
    season = seasons[random.integers(len(seasons))]
    return np.asarray(np.exp(-2 * np.sin(np.pi * distance / season) ** 2 / random.uniform(0.3, 1.5) ** 2))


def sample(random: Generator, covariance: Array, count: int, rows: int) -> Array:
    """Paths (N, T) of a process with a covariance at distances 0 to D - 1; D is at least T."""
    ring = np.concatenate([covariance, covariance[-2:0:-1]])
    spectrum = np.sqrt(np.maximum(np.fft.rfft(ring).real, 0))
    return np.asarray(
        np.fft.irfft(spectrum * np.fft.rfft(random.standard_normal((count, len(ring)))), len(ring))[:, :rows]
    )
