"""What happens to series of any kind: level shifts, outliers, missing stretches that were filled, rounding."""

import numpy as np
from numpy.random import Generator

from forecast.data.fill import fill
from forecast.typing import Array

# Shares of the series that it happens to.
SHIFTED, OUTLYING, HOLED, ROUNDED = 0.08, 0.08, 0.06, 0.08


def with_events(random: Generator, values: Array) -> Array:
    """The series (N, T), a part of them with level shifts, outliers, filled holes or rounded values; a copy."""
    values = values.copy()
    spread = np.maximum(values.std(axis=1), 1e-9)
    usual = np.maximum(np.abs(np.diff(values, axis=1)).mean(axis=1), 1e-9)
    lowest = np.where(values.min(axis=1) >= 0, 0, -np.inf)
    for row in np.flatnonzero(random.random(len(values)) < SHIFTED):
        values[row, random.integers(values.shape[1]) :] += random.normal(0, 1) * spread[row]
    for row in np.flatnonzero(random.random(len(values)) < OUTLYING):
        hit = np.flatnonzero(random.random(values.shape[1]) < random.uniform(0.002, 0.02))
        values[row, hit] += random.normal(0, 8, len(hit)) * usual[row]
    for row in np.flatnonzero(random.random(len(values)) < HOLED):
        values[row] = with_hole(random, values[row])
    for row in np.flatnonzero(random.random(len(values)) < ROUNDED):
        unit = 10 ** np.floor(np.log10(2 * usual[row]))
        values[row] = np.rint(values[row] / unit) * unit
    return np.maximum(values, lowest[:, None])


def with_hole(random: Generator, values: Array) -> Array:
    """One series (T,) with a stretch of up to a tenth missing, filled by a straight line as models see it."""
    length = int(random.integers(1, max(2, len(values) // 10)))
    start = int(random.integers(1, max(2, len(values) - length)))
    missing = values.copy()
    missing[start : start + length] = np.nan
    return fill(missing, "linear")
