"""The mixture: how often series of each kind are drawn."""

from collections.abc import Callable, Collection

import numpy as np
from numpy.random import Generator

from forecast.data.synthetic.counts import counts, intermittent
from forecast.data.synthetic.events import with_events
from forecast.data.synthetic.prices import garch, intraday, regimes, stochastic_volatility
from forecast.data.synthetic.processes import gaussian_process
from forecast.data.synthetic.seasons import holidays, seasonal, work_and_rest
from forecast.data.synthetic.trends import bent, growth, smoothing
from forecast.data.synthetic.walks import arima, mean_reverting, random_walk
from forecast.typing import Array

Make = Callable[[Generator, int, int, tuple[int, ...]], Array]

# Each generator with its weight where series have a season, and where they have none.
GENERATORS: dict[str, tuple[Make, float, float]] = {
    "garch": (garch, 1, 3),
    "stochastic_volatility": (stochastic_volatility, 1, 3),
    "regimes": (regimes, 1, 2),
    "intraday": (intraday, 1, 0),
    "random_walk": (random_walk, 3, 6),
    "mean_reverting": (mean_reverting, 1, 3),
    "arima": (arima, 3, 5),
    "bent": (bent, 1, 3),
    "growth": (growth, 1, 3),
    "smoothing": (smoothing, 5, 4),
    "seasonal": (seasonal, 12, 0),
    "work_and_rest": (work_and_rest, 6, 0),
    "holidays": (holidays, 3, 0),
    "gaussian_process": (gaussian_process, 6, 5),
    "intermittent": (intermittent, 2, 2),
    "counts": (counts, 4, 2),
}


def draw(
    random: Generator, count: int, rows: int, seasons: tuple[int, ...] = (), *, without: Collection[str] = ()
) -> tuple[Array, list[str]]:
    """Draw series of all kinds, by the table of weights, with events.

    Args:
        rows: Rows of each series (T).
        seasons: Rows in each season, shortest first; empty for series without.
        without: Names of generators that are left out.
    Returns:
        The series, shape (N, T), and the name of the generator of each.
    """
    weights = np.array(
        [(one if seasons else other) * float(name not in without) for name, (_, one, other) in GENERATORS.items()]
    )
    numbers = random.multinomial(count, weights / weights.sum())
    made = [
        make(random, int(number), rows, seasons)
        for (make, *_), number in zip(GENERATORS.values(), numbers, strict=True)
        if number
    ]
    names = [name for name, number in zip(GENERATORS, numbers, strict=True) for _ in range(number)]
    return with_events(random, np.concatenate(made)), names
