"""How far the tail of falls reaches beyond the quantiles that are forecast, by past moves over their expected size.

In: scaled inputs. Out: for each step the distances from the median to the 1 % quantile, to the mean of the worst 5 %
and to that of the worst 1 %, in distances from the median to the 5 % quantile: so they go with every forecast of the
5 % quantile. They are drawn towards those of simulated prices, as far as moves that do not overlap are few: filtered
historical simulation, as in `history.py`.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from forecast.config import QUANTILES
from forecast.data.inputs import Inputs
from forecast.data.moves import step_terms
from forecast.models.volatility.growing import grow, quantiles_of_sorted
from forecast.models.volatility.history import FEWEST, past_moves, refresh_rows
from forecast.typing import Array, Rows

# The probabilities of the two tails that are asked for; the first is that of the outer quantile.
TAILS = (QUANTILES[0], 0.01)
# Moves that do not overlap, which the tail of simulated prices counts as.
PRIOR_MOVES = 250


def past_tails(inputs: Inputs, origin: Rows, *, steps: Sequence[int], expected: bool = True) -> Array:
    """The distances (N, S, 3) that are known at each origin.

    Args:
        expected: Whether moves are taken over their expected size, as they are in a forecast of volatility, or as they
            are, as in historical simulation.
    """
    rows, places = np.unique(refresh_rows(origin), return_inverse=True)
    found = np.empty((len(rows), len(steps), 3))
    every = past_moves(inputs, steps, int(rows[-1]), expected=expected)
    for number, (step, (known, moves)) in enumerate(zip(steps, every, strict=True)):
        for place, ordered in enumerate(grow(moves, np.searchsorted(known, rows, side="right"))):
            found[place, number] = _drawn(ordered, step)
    return np.asarray(found[places])


def losses_beyond(moves: Array, probability: float) -> Array:
    """The falls among moves (n,) that are as large as their quantile, from the median on, over the mean of these."""
    median, quantile = np.quantile(moves, (0.5, probability))
    falls = median - moves[moves <= quantile]
    return np.asarray(falls / falls.mean()) if falls.any() else np.ones(len(falls))


def distances(ordered: Array) -> Array:
    """The distances (3,) of moves (n,) that are in order of size; NaN or infinite where the 5 % quantile is the median.

    In that of the 5 % quantile: the 1 % quantile, the mean of the moves up to the 5 % one, of those up to the 1 % one.
    """
    median, outer, far = quantiles_of_sorted(ordered, (0.5, *TAILS))
    beyond = [ordered[: np.searchsorted(ordered, one, side="right")].mean() for one in (outer, far)]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((median - np.array([far, *beyond])) / (median - outer))


def _drawn(ordered: Array, step: int) -> Array:
    """The distances of moves, drawn towards those of simulated prices; only these where moves are few or all alike."""
    own = distances(ordered) if len(ordered) >= FEWEST else np.full(3, np.nan)
    if not np.isfinite(own).all():
        return simulated_tails(step)
    weight = len(ordered) / step / (len(ordered) / step + PRIOR_MOVES)
    return np.asarray(weight * own + (1 - weight) * simulated_tails(step))


@cache
def simulated_tails(step: int) -> Array:
    """The distances of simulated moves over their expected size, shape (3,)."""
    with np.load(Path(__file__).with_name("prior.npz")) as file:
        return np.asarray(step_terms(step)[-1] @ file["tails"])
