"""Shrinkage: how much of a model's move is believed, decided by what such moves have earned so far.

A move has two parts: the linear one of the highway, and the model's own. A shrunk forecast is the last value plus

    factor_linear * linear part + factor_own * own part

with the model's own spread around it. At each origin the factors are the weighted means of a grid from 0 to 1 each; a
grid point's weight falls with what it lost against the naive forecast on earlier origins, those whose outcome is known
at that origin. The own part starts near 0, so a model has to earn its moves on validation rows; the linear part was
tested before it was let in (`highway.py`), and starts in the middle. One that stops earning loses its weight again.
Nothing looks past the origin.

Exponentially weighted averaging over experts: Vovk (1990), Cesa-Bianchi and Lugosi (2006), chapter 2. It bounds the
regret against the naive forecast, whatever the series does.
"""

import numpy as np

from forecast.config import MEDIAN
from forecast.typing import Array

# Pairs of a factor of the linear part and one of the model's own.
FACTORS = np.array([(linear, own) for linear in np.linspace(0, 1, 5) for own in np.linspace(0, 1, 6)])
# What makes the error of each pair out of the true move and the two parts, shape (3, factors).
ERRORS = np.concatenate([np.ones((1, len(FACTORS))), -FACTORS.T])
# Weight lost for each unit of loss, in scales of a window, and the head start of moves without an own part. It grows
# with the horizon, for the outcomes of neighbouring origins overlap and say the same thing several times.
LEARNING_RATE = 0.3
PRIOR = 3.0
# Below this factor a part counts for nothing: so small a move is noise.
SMALLEST = 0.1


def start() -> Array:
    """The credit of a model that has shown nothing yet, shape (factors,)."""
    return np.zeros(len(FACTORS))


def shrink(
    quantiles: Array, linear: Array, y: Array, expert_losses: Array, *, median: Array | None = None
) -> tuple[Array, Array]:
    """Shrinks the moves at N origins that follow one another row by row, of one series or several side by side.

    Args:
        quantiles: Normalised quantiles of the move, shape (..., N, H, Q); one leading axis or more for several series.
            With `median`, those of the last origins are enough: the others are looked at and not shrunk.
        linear: The linear part of their median, shape (..., N, H).
        y: Normalised true moves, shape (..., N, H); those not known yet are NaN and are not looked at.
        credit: Loss against the naive forecast before the first origin, shape (..., factors) or (factors,).
        median: Of all origins, shape (..., N, H); by default that of `quantiles`.
    Returns:
        The shrunk quantiles, and the credit at the last origin.
    """
    median = quantiles[..., MEDIAN] if median is None else median
    own = median - linear
    factors, expert_losses = believe(linear, own, y, expert_losses, last=quantiles.shape[-3])
    rows = np.s_[..., -factors.shape[-2] :, :]
    move = factors[..., [0]] * linear[rows] + factors[..., [1]] * own[rows]
    return quantiles + (move - median[rows])[..., None], expert_losses


def believe(
    linear: Array, own: Array, y: Array, expert_losses: Array, *, last: int | None = None
) -> tuple[Array, Array]:
    """The factors of the linear and of the own part at the last origins, shape (..., last, 2), and the final credit."""
    earned = expert_losses[..., None, :] + np.cumsum(_known_losses(linear, own, y, last or y.shape[-2]), axis=-2)
    prior = PRIOR * np.sqrt(1 + y.shape[-1] / 3) * FACTORS[:, 1]
    preference = -LEARNING_RATE * earned - prior
    weight = np.exp(preference - preference.max(axis=-1, keepdims=True))
    factors = weight @ FACTORS / weight.sum(axis=-1, keepdims=True)
    factors[factors < SMALLEST] = 0.0
    return factors, earned[..., -1, :]


def _known_losses(linear: Array, own: Array, y: Array, last: int) -> Array:
    """Loss against naive, mean over steps, that becomes known at each of the last origins, shape (..., last, factors).

    What became known before counts with the first of them.
    """
    *several, rows, horizon = y.shape
    first = rows - last
    losses = np.zeros((*several, last, len(FACTORS)))
    parts, naive = np.stack([y, linear, own], axis=-1), np.abs(y)
    for step in range(1, min(horizon, rows - 1) + 1):
        lost = parts[..., :-step, step - 1, :] @ ERRORS
        np.abs(lost, out=lost)
        spared = naive[..., :-step, step - 1, None]
        before = max(0, first + 1 - step)  # of these forecasts, those that came true up to the first of the last rows
        losses[..., 0, :] += lost[..., :before, :].sum(axis=-2) - spared[..., :before, :].sum(axis=-2)
        losses[..., max(step - first, 1) :, :] += lost[..., before:, :] - spared[..., before:, :]
    return np.asarray(losses / horizon)
