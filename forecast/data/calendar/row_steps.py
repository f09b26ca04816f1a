"""Steps between the rows of a series, of which some are missing.

In: times or dates as whole numbers, strictly increasing. Out: the step that nearly all are whole multiples of, and how
full a grid of such steps is.
"""

from math import comb

import numpy as np

from forecast.typing import Flags, Rows

SECOND, DAY = 1_000_000, 86_400_000_000
# Microseconds in a unit of a pandas offset alias, the longest first.
UNITS = {"D": DAY, "h": 3600 * SECOND, "min": 60 * SECOND, "s": SECOND, "ms": 1000, "us": 1}
# The share of the steps that are whole ones; a row off the grid makes two that are not.
WHOLE = 0.97
# A gap is longer than so many usual steps. More gaps than this share of the steps are no gaps, but the nature of it.
GAP, MOST_GAPS = 20, 0.2
# A weekday with less than this share of the rows of a usual one is closed, unless it has so few by chance, with at
# least this probability.
CLOSED, BY_CHANCE = 0.25, 0.001


def common_divisor(steps: Rows) -> int:
    """The largest number of which nearly all steps are multiples."""
    lengths, counts = np.unique(steps, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    enough = int(np.searchsorted(np.cumsum(counts[order]), WHOLE * len(steps))) + 1
    return int(np.gcd.reduce(lengths[order[:enough]]))


def share_filled(places: Rows, pause: float = 0) -> float:
    """The share of the places of a grid that have rows, between gaps; 0 where there are hardly any rows but gaps.

    Args:
        places: Where on the grid rows lie, shape (T,), in order.
        pause: Steps of up to this length are no gaps.
    """
    steps = np.diff(places)
    steps = np.sort(steps[steps > 0])
    if not len(steps):
        return 0.0
    usual = steps[steps <= max(GAP * np.median(steps), pause)]
    if len(steps) - len(usual) > max(1, MOST_GAPS * len(steps)):
        return 0.0
    usual = usual[:-1] if len(usual) > 2 else usual  # one outage says nothing
    return len(usual) / int(usual.sum())


def open_weekdays(days: Rows) -> Flags:
    """Which weekdays have rows, though some are missing, shape (7,).

    Args:
        days: Distinct days with rows, strictly increasing, of two weeks or more.
    """
    steps = np.diff(days)
    every = np.arange(days[0], days[-1])
    in_gap = (steps > GAP * np.median(steps))[np.searchsorted(days, every, side="right") - 1]
    passed = np.bincount(weekday(every[~in_gap]), minlength=7)
    seen = np.bincount(weekday(days), minlength=7)
    found = np.asarray(seen >= CLOSED * seen.max())
    share = float(min(1, (seen[found].sum() + 1) / (passed[found].sum() + 2)))
    for day in np.flatnonzero(~found):
        found[day] = _chance_of_at_most(int(seen[day]), int(passed[day]), share) > BY_CHANCE
    return found


def _chance_of_at_most(count: int, trials: int, share: float) -> float:
    """The probability of so few successes, or fewer, where each of `trials` is one with probability `share`."""
    return sum(comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(min(count, trials) + 1))


def commonest(values: Rows) -> int:
    """The value that occurs most often, of several the smallest."""
    kinds, counts = np.unique(values, return_counts=True)
    return int(kinds[counts.argmax()])


def weekday(days: Rows) -> Rows:
    """Monday is 0; day 0, 1970-01-01, was a Thursday."""
    return np.asarray((days + 3) % 7)


def alias_of(step: int) -> str:
    """The pandas offset alias of a step in microseconds."""
    unit, length = next((unit, length) for unit, length in UNITS.items() if step % length == 0)
    return unit if step == length else f"{step // length}{unit}"
