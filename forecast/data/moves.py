"""Moves from one row to later ones, and the units that they are measured in.

Of a target above 0 they are moves of its logarithm. Their expected size is given by the logarithm of a scale, for all
steps ahead at once: factors of a few terms of the step.
"""

from functools import cache

import numpy as np

from forecast.typing import Array

# Terms of `step_terms`, in which the logarithm of a scale is given, and the step at which each of them is 1.
STEP_TERMS, UNIT_STEP = 3, 30
# A price that falls by more than this share counts as one that falls by it.
LARGEST_FALL = 0.999


@cache
def step_terms(horizon: int) -> Array:
    """Powers 0 to 2 of log(step) / log(UNIT_STEP), of which the logarithm of a scale is made, shape (H, 3)."""
    size = np.log(np.arange(1, horizon + 1)) / np.log(UNIT_STEP)
    terms = np.stack([size**k for k in range(STEP_TERMS)], axis=1)
    terms.flags.writeable = False
    return terms


def expected_moves(log_scale: Array, *, horizon: int) -> Array:
    """The expected size of moves over 1 to H rows, shape (..., H), from factors (..., 3) of `step_terms`."""
    return np.asarray(np.exp(log_scale @ step_terms(horizon).T) * np.sqrt(np.arange(1, horizon + 1)))


def relative(moves: Array, level: Array) -> Array:
    """Moves from a level as `level` times the differences of logarithms; as they are where the level is NaN."""
    if not np.isfinite(level).any():
        return moves
    with np.errstate(invalid="ignore", divide="ignore"):
        logarithms = level * np.log1p(np.maximum(moves / level, -LARGEST_FALL))
    return np.where(np.isfinite(level), logarithms, moves)


def path_moves(moves: Array, level: Array) -> Array:
    """Moves from a level as differences of logarithms; as they are where the level is NaN."""
    return np.where(np.isfinite(level), relative(moves, level) / level, moves)


def absolute(path: Array, level: Array) -> Array:
    """The inverse of `path_moves`: what moves of a path add to a level."""
    logarithms = np.isfinite(level)
    return np.where(logarithms, level * np.expm1(np.where(logarithms, path, 0.0)), path)


def moves_of(target: Array, level: Array) -> Array:
    """The move into each row from the one before, of the logarithm where it has a level, shape (T,); 0 into row 0."""
    moves, before = np.diff(target, prepend=target[0]), np.concatenate([level[:1], level[:-1]])
    return np.where(np.isfinite(level), path_moves(moves, before), moves)
