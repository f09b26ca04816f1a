"""Is it more than luck? Tests on gains, which are how much closer one forecast came than another.

In: arrays of gains, or p-values. Out: p-values.
"""

from collections.abc import Sequence
from math import isnan

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of several tests, corrected so that one of them is wrong no more often than a single one would be.

    NaN stays NaN and does not count. Source: Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    corrected = list(p_values)
    known = sorted((value, place) for place, value in enumerate(p_values) if not isnan(value))
    floor = 0.0
    for rank, (value, place) in enumerate(known):
        floor = corrected[place] = max(floor, min(1.0, (len(known) - rank) * value))
    return corrected


def luck(gain: Array, *, horizon: int) -> float:
    """Probability of so large a mean gain, either way, if there were none: a two-sided test on batch means.

    Forecasts of `horizon` steps from neighbouring origins overlap and err together, so the gains are averaged over
    batches of three horizons, which hardly depend on one another, and Student's t is taken over those. NaN if
    the test is too short for two batches.
    Source: Diebold and Mariano (1995) for the comparison; Law and Carson (1979) for the batches.
    """
    from scipy.special import stdtr

    batches = len(gain) // (3 * horizon)
    if batches < 2:
        return float("nan")
    means = np.array([part.mean() for part in np.array_split(gain, batches)])
    error = means.std(ddof=1) / np.sqrt(batches)
    if error == 0:
        return 1.0 if means[0] == 0 else 0.0
    return float(2 * stdtr(batches - 1, -abs(means.mean() / error)))
