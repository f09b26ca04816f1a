"""Tails of distributions with whole degrees of freedom in closed form: importing SciPy's takes a third of a second.

In: a statistic and its degrees of freedom. Out: a probability. Source: Abramowitz and Stegun (1964), 26.4.21, 26.7.3
and 26.7.4.
"""

from math import atan2, cos, pi, sin, sqrt

import numpy as np


def chi_squared_tail(statistic: float, *, freedom: int) -> float:
    """The probability that a chi-squared variable of an even number of degrees of freedom is above a statistic."""
    if statistic <= 0:
        return 1.0
    half, count = statistic / 2, np.arange(1, freedom // 2)
    logs = np.cumsum(np.append(-half, np.log(half / count)))
    return float(min(1.0, np.exp(logs).sum()))


def student_tail(statistic: float, *, freedom: int) -> float:
    """The probability that Student's t of some degrees of freedom is further from 0 than a statistic."""
    angle, odd = atan2(abs(statistic), sqrt(freedom)), freedom % 2
    steps = np.arange(1 + odd, freedom - 1, 2)
    terms = np.cumprod(np.append(cos(angle) if odd else 1.0, cos(angle) ** 2 * steps / (steps + 1)))
    inside = sin(angle) * float(terms.sum())
    if odd:
        inside = 2 / pi * (angle + (inside if freedom > 1 else 0.0))
    return float(np.clip(1 - inside, 0, 1))
