"""Shrinkage: how much of a model's move is believed, decided by what such moves have earned so far.

A shrunk forecast is the last value plus `factor` times the model's move, with the model's own spread around it. At
each origin the factor is the weighted mean of a grid from 0 (the naive forecast) to 1 (the model as it is); a grid
point's weight falls with what it lost against the naive forecast on earlier origins, those whose outcome is known at
that origin. It starts on the naive side, so a model has to earn its moves on validation rows, and one that stops
earning them loses them again. Nothing looks past the origin.

Exponentially weighted averaging over experts: Vovk (1990), Cesa-Bianchi and Lugosi (2006), chapter 2. It bounds the
regret against the naive forecast, whatever the series does.
"""

import numpy as np
from numpy.typing import NDArray

from forecast.config import MEDIAN

Array = NDArray[np.float64]

FACTORS = np.linspace(0, 1, 11)
# Weight lost for each unit of loss, in scales of a window, and the head start of the naive forecast over the model.
LEARNING_RATE = 0.3
PRIOR = 10.0
# Below this factor the forecast is the naive one: so small a move is noise.
SMALLEST = 0.1


def start() -> Array:
    """The credit of a model that has shown nothing yet, shape (factors,)."""
    return np.zeros(len(FACTORS))


def shrink(quantiles: Array, y: Array, credit: Array) -> tuple[Array, Array]:
    """Shrinks the moves at N origins that follow one another row by row.

    Args:
        quantiles: Normalised quantiles of the move, shape (N, H, Q).
        y: Normalised true moves, shape (N, H); those not known yet are NaN and are not looked at.
        credit: Loss against the naive forecast before the first origin, shape (factors,).
    Returns:
        The shrunk quantiles, and the credit at the last origin.
    """
    earned = credit + np.cumsum(_known_losses(quantiles[:, :, MEDIAN], y), axis=0)
    preference = -LEARNING_RATE * earned - PRIOR * FACTORS
    weight = np.exp(preference - preference.max(axis=1, keepdims=True))
    factor = weight @ FACTORS / weight.sum(axis=1)
    factor[factor < SMALLEST] = 0.0
    move = quantiles[:, :, [MEDIAN]]
    return quantiles - (1 - factor[:, None, None]) * move, earned[-1]


def _known_losses(move: Array, y: Array) -> Array:
    """Loss against naive, mean over steps, that becomes known at each origin, shape (N, factors)."""
    losses = np.zeros((len(move), len(FACTORS)))
    horizon = move.shape[1]
    for step in range(1, min(horizon, len(move) - 1) + 1):
        true, guessed = y[:-step, step - 1, None], FACTORS * move[:-step, step - 1, None]
        losses[step:] += (np.abs(true - guessed) - np.abs(true)) / horizon
    return losses
