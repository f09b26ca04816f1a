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
from forecast.data.windows import Inputs, step_terms
from forecast.models.volatility.history import FEWEST, known_until, past_moves, refresh_rows
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
    refreshed = refresh_rows(origin)
    found = np.empty((len(origin), len(steps), 3))
    for place, step in enumerate(steps):
        moves = past_moves(inputs, step, int(refreshed.max()), expected=expected)
        for row in np.unique(refreshed):
            (known,) = known_until(int(row), [moves])
            found[refreshed == row, place] = _drawn(known, step)
    return found


def losses_beyond(moves: Array, probability: float) -> Array:
    """The falls among moves (n,) that are as large as their quantile, from the median on, over the mean of these."""
    median, quantile = np.quantile(moves, (0.5, probability))
    falls = median - moves[moves <= quantile]
    return np.asarray(falls / falls.mean()) if falls.any() else np.ones(len(falls))


def distances(moves: Array) -> Array:
    """1 % quantile, mean beyond the 5 % and mean beyond the 1 % quantile of moves (n,), in that of 5 %, shape (3,)."""
    median, outer, far = np.quantile(moves, (0.5, *TAILS))
    beyond = [moves[moves <= quantile].mean() for quantile in (outer, far)]
    return np.asarray((median - np.array([far, *beyond])) / (median - outer))


def _drawn(moves: Array, step: int) -> Array:
    """The distances of moves, drawn towards those of simulated prices; only these where moves are few or all alike."""
    if len(moves) < FEWEST or np.quantile(moves, TAILS[0]) >= np.median(moves):
        return simulated_tails(step)
    weight = len(moves) / step / (len(moves) / step + PRIOR_MOVES)
    return np.asarray(weight * distances(moves) + (1 - weight) * simulated_tails(step))


@cache
def simulated_tails(step: int) -> Array:
    """The distances of simulated moves over their expected size, shape (3,)."""
    with np.load(Path(__file__).with_name("prior.npz")) as file:
        return np.asarray(step_terms(step)[-1] @ file["tails"])
