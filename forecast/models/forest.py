"""A random forest: the mean of decision trees, each grown on other windows and inputs.

    move[h] = mean over trees of value[leaf of the window in the tree, h]

In: the differences of the window, one input each, and the coming levels of future columns. Out: moves of all steps.

Trees fit their own training rows far too well. So the share of their move that is forecast, and the spread of the
residuals, come from rows that they have not seen (cross-validation). Without a significant gain over the naive
forecast the forest is the naive forecast.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.config import QUANTILES
from forecast.data.panel import Panel
from forecast.data.windows import Blocks, filled_labels, thinned
from forecast.models.estimator import (
    Callbacks,
    Estimator,
    Fit,
    Problem,
    Shapes,
    Step,
    Weights,
    clip_labels,
    validation_quantiles,
    window_blocks,
    without_flat,
)
from forecast.models.highway import FOLDS, choose_candidate, fold_origins
from forecast.models.tree_arrays import (
    are_valid,
    forest_arrays,
    grow_forest,
    join_trees,
    leaf_values,
    stump,
    tree_shapes,
)
from forecast.typing import Array, Rows

# Windows that are fitted, fewest windows that a forest is grown on, and windows that are forecast at once.
MOST, FEWEST, CHUNK = 12_000, 50, 1024
# Coming values of future columns that a forest sees, at most; beyond, it sees those of the next row alone.
MOST_FUTURE = 200
# Candidates for the share of the trees' move that is forecast.
SHARES = np.linspace(0.1, 1, 10)


@dataclass(frozen=True)
class Forest(Estimator):
    """A random forest whose leaves hold one value for each step."""

    def shapes(self, problem: Problem) -> Shapes:
        return {**tree_shapes(problem.horizon), "residual_quantiles": (problem.horizon, len(QUANTILES))}

    def is_valid(self, weights: Weights, problem: Problem) -> bool:
        """Whether every node points to nodes, leaves and inputs that exist."""
        levels = problem.horizon * problem.future_columns
        seen = levels if levels <= MOST_FUTURE else problem.future_columns
        return are_valid(weights, inputs=problem.lookback * problem.past_columns + seen)

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:
        """Grow trees for each fold on the other folds; all of them together are the forest."""
        folds = fold_origins(panel, problem)
        grown = []
        for number, fold in enumerate(folds[:-1]):
            others = np.concatenate(folds[:number] + folds[number + 1 : -1])
            origin = thinned(_without_overlap(others, fold, problem.horizon), MOST)
            grown.append(_grow(panel, origin, problem, seed=problem.config.training.seed + number))
            if callbacks.progress:
                callbacks.progress(Step(self.name, number + 1, FOLDS, 0.0))
        return Fit(_calibrate(grown, panel, folds, problem))

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        return np.asarray(_moves(weights, blocks, problem)[:, :, None] + weights["residual_quantiles"])


def _inputs(blocks: Blocks, problem: Problem) -> NDArray[np.float32]:
    """What a forest sees of N windows: differences, then the coming levels of future columns, shape (N, P)."""
    differences = blocks.x[:, :, : problem.past_columns]
    now = blocks.x[:, -2, problem.past_columns :, None]  # x holds the future columns of the row that follows
    levels = np.moveaxis(now, 1, 2) + (blocks.future * blocks.scale[..., None])[:, 0]
    levels = np.nan_to_num(levels).astype(np.float32)
    seen = levels if levels[0:1].size <= MOST_FUTURE else levels[:, :1]
    return np.concatenate([part.reshape(len(part), prod(part.shape[1:])) for part in (differences, seen)], axis=1)


def _grow(panel: Panel, origin: Rows, problem: Problem, *, seed: int) -> dict[str, NDArray[Any]]:
    if len(origin) < FEWEST:
        return stump(problem.horizon)
    blocks = without_flat(window_blocks(panel.inputs, origin, problem))
    return forest_arrays(grow_forest(_inputs(blocks, problem), clip_labels(filled_labels(blocks)[:, 0]), seed=seed))


def _calibrate(
    grown: list[dict[str, NDArray[Any]]], panel: Panel, folds: list[Rows], problem: Problem
) -> dict[str, NDArray[Any]]:
    """Join all trees, and choose the share of their move and the residual quantiles on rows that they have not seen.

    Args:
        grown: The trees of each fold, which have not seen that fold.
        folds: Origins of each fold, then of the validation rows, which no tree has seen.
    """
    forest = join_trees(grown)
    parts = [without_flat(window_blocks(panel.inputs, thinned(fold, MOST // 6), problem)) for fold in folds]
    moves = [_moves(trees, part, problem) for trees, part in zip([*grown, forest], parts, strict=True)]
    labels = [clip_labels(part.y[:, 0]) for part in parts]
    share = _best_share(moves, labels)
    residuals = [label - share * move for label, move in zip(labels, moves, strict=True)]
    if not share:
        forest = stump(problem.horizon)
    forest["value"] = (share * forest["value"]).astype(np.float32)
    return {**forest, "residual_quantiles": validation_quantiles(residuals[-1], residuals[:-1])}


def _moves(weights: Weights, blocks: Blocks, problem: Problem) -> Array:
    """The mean of the trees, shape (N, H)."""
    inputs = _inputs(blocks, problem)
    starts = range(0, len(inputs), CHUNK)
    means = [leaf_values(weights, inputs[n : n + CHUNK]).mean(axis=1, dtype=np.float64) for n in starts]
    return np.concatenate(means or [np.zeros((0, problem.horizon))])


def _best_share(moves: Sequence[Array], labels: Sequence[Array]) -> float:
    """The share of the moves (n, H) that forecasts the labels best over all folds; 0 without a significant gain."""
    gains = []
    for move, label in zip(moves, labels, strict=True):
        naive = np.nansum(np.abs(label))
        if naive:
            gains.append([1 - np.nansum(np.abs(label - share * move)) / naive for share in SHARES])
    chosen = choose_candidate(np.array(gains)) if len(gains) > 1 else None
    return 0.0 if chosen is None else float(SHARES[chosen])


def _without_overlap(origin: Rows, held_out: Rows, horizon: int) -> Rows:
    """Origins whose labels share no row with those of `held_out`, which is sorted."""
    if not len(held_out):
        return origin
    place = np.searchsorted(held_out, origin)
    before, after = held_out[np.maximum(place - 1, 0)], held_out[np.minimum(place, len(held_out) - 1)]
    distance = np.minimum(np.abs(origin - before), np.abs(origin - after))
    return np.asarray(origin[distance >= horizon])
