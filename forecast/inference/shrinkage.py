"""Shrinkage: how much of a model's move counts, decided by what such moves have saved against naive so far.

A move is the linear component (the highway's) plus the network component (the model's own). A shrunk forecast is

    last value + factor_linear * linear component + factor_network * network component

with the model's own spread around it. Each pair of factors on a grid from 0 to 1 is an expert. An expert's loss is that
of its forecasts minus that of the naive forecast, over the earlier origins whose outcome is known; its weight falls
with its loss, and the factors are the weighted means over the experts. The network component starts near 0, so that a
model has to prove itself on validation rows; the linear component was tested before it was let in (`highway.py`) and
starts in the middle. A component that stops helping loses its weight again. Nothing looks past the origin.

Source: exponentially weighted averaging over experts, Vovk (1990); Cesa-Bianchi and Lugosi (2006), chapter 2. The
regret against the naive forecast is bounded, whatever the series does.
"""

import numpy as np

from forecast.config import MEDIAN
from forecast.typing import Array

# The experts: pairs of a factor of the linear component and one of the network component.
EXPERTS = np.array([(linear, network) for linear in np.linspace(0, 1, 5) for network in np.linspace(0, 1, 6)])
# What turns the true move and the two components into the error of each expert, shape (3, experts).
ERRORS = np.concatenate([np.ones((1, len(EXPERTS))), -EXPERTS.T])
# Weight lost for each unit of loss, in scales of a window, and the head start of experts without a network component.
# It grows with the horizon: outcomes of neighbouring origins overlap and say the same thing several times.
LEARNING_RATE = 0.3
PRIOR = 3.0
# A factor below this is 0: so small a move is noise.
SMALLEST = 0.1


def initial_losses() -> Array:
    """The expert losses before any outcome is known, shape (E,)."""
    return np.zeros(len(EXPERTS))


def follow_losses(linear: Array, network: Array, y: Array, losses: Array, *, seen: int = 0) -> Array:
    """The expert losses at N origins that follow one another row by row, shape (N, E).

    Args:
        linear: The linear component, normalised, shape (N, H).
        network: The network component, normalised, shape (N, H).
        y: The true moves, normalised, shape (N, H); NaN where they are missing or not known yet.
        losses: Before the first origin, shape (E,), or at the last of those that count already.
        seen: Origins that count already.
    """
    new = new_losses(linear, network, y)
    new[:seen] = 0
    return np.asarray(losses + np.cumsum(new, axis=0))


def new_losses(linear: Array, network: Array, y: Array) -> Array:
    """The expert losses that become known at each of N origins, shape (N, E); arguments as in `follow_losses`.

    Those of missing outcomes are taken to be as the others that become known with them.
    """
    rows, horizon = y.shape
    found, due, known = np.zeros((rows, len(EXPERTS))), np.zeros((rows, 1)), np.zeros((rows, 1))
    parts, naive = np.stack([y, linear, network], axis=-1), np.abs(y)
    for step in range(1, min(horizon, rows - 1) + 1):
        lost = np.abs(parts[:-step, step - 1] @ ERRORS)
        found[step:] += np.nan_to_num(lost - naive[:-step, step - 1, None])
        due[step:] += 1
        known[step:, 0] += np.isfinite(naive[:-step, step - 1])
    return np.asarray(found / horizon * due / np.maximum(known, 1))


def factors_of(losses: Array, *, horizon: int) -> Array:
    """The factors of the linear and of the network component, shape (..., 2), for expert losses (..., E)."""
    preference = -LEARNING_RATE * losses - PRIOR * np.sqrt(1 + horizon / 3) * EXPERTS[:, 1]
    weight = np.exp(preference - preference.max(axis=-1, keepdims=True))
    factors = weight @ EXPERTS / weight.sum(axis=-1, keepdims=True)
    factors[factors < SMALLEST] = 0.0
    return np.asarray(factors)


def shrink(quantiles: Array, linear: Array, factors: Array) -> Array:
    """Normalised quantiles (N, H, Q) moved to the shrunk median, by factors (N, 2)."""
    median = quantiles[..., MEDIAN]
    move = factors[:, [0]] * linear + factors[:, [1]] * (median - linear)
    return np.asarray(quantiles + (move - median)[..., None])
