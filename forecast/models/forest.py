"""Forest and boosting: trees that are grown each by itself, and trees of which each corrects those before it.

    forest      move[h] = mean over trees of value[leaf of the window in the tree, h]
    boosting    quantile[h, q] = base[q] + sum over the trees of q of value[leaf of (window, h) in the tree]

A tree sees the differences of the window one by one, and beside them the coming levels of the columns known ahead.
Trees fit their own training rows far too well, so how much of their move is believed is decided on rows that they have
not seen, and so is the spread of their errors. Without a gain over the naive forecast beyond luck the move is nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.config import MEDIAN, QUANTILES
from forecast.data.windows import Blocks, Inputs, Panel
from forecast.models.estimator import Callbacks, Fit, Problem, Step, Weights, lively, residual_quantiles, window_blocks
from forecast.models.highway import FOLDS, LARGEST, choose_penalty, fold_origins
from forecast.models.tree_arrays import (
    FEWEST,
    boost,
    boosted_arrays,
    forest_arrays,
    grow_forest,
    join_trees,
    leaf_values,
    sound,
    stump,
    tree_shapes,
)
from forecast.typing import Array, Rows

Single = NDArray[np.float32]

# Windows that are fitted; validation origins that give the spread by themselves; rows that walk at once.
MOST, ENOUGH, CHUNK = 12_000, 50, 1024
# Pairs of window and step that boosting learns from.
PAIRS = 20_000
# Coming values of columns known ahead that a forest sees, at most; beyond, those of the next row alone.
MOST_AHEAD = 200
# Shares of the trees' move among which rows that were not fitted decide.
SHARES = np.linspace(0.1, 1, 10)


@dataclass(frozen=True)
class Forest:
    """A random forest with one leaf value a step: the mean of trees that saw different rows and inputs."""

    name: str
    summary: str
    learned: bool = True
    is_network: bool = False

    def shapes(self, problem: Problem) -> dict[str, tuple[int | None, ...]]:
        return {**tree_shapes(problem.horizon), "residuals": (problem.horizon, len(QUANTILES))}

    def sound(self, weights: Weights, problem: Problem) -> bool:
        """Whether the trees can be walked."""
        levels = problem.horizon * problem.ahead
        seen = levels if levels <= MOST_AHEAD else problem.ahead
        return sound(weights, problem.lookback * problem.features + seen)

    def blocks(self, inputs: Inputs, origin: Rows, problem: Problem) -> Blocks:
        return window_blocks(inputs, origin, problem)

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:
        """Grows the trees of each fold on the other folds; all of them together are the forest."""
        folds = fold_origins(panel, problem)
        grown = []
        for number, fold in enumerate(folds[:-1]):
            origin = _apart(np.concatenate(folds[:number] + folds[number + 1 : -1]), fold, problem.horizon)
            seed = problem.config.training.seed + number
            grown.append(_fold_forest(panel, _thin(origin, MOST), problem, seed))
            if callbacks.progress:
                callbacks.progress(Step(self.name, number + 1, FOLDS, 0.0))
        return Fit(_weigh(grown, panel, folds, problem))

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        return np.asarray(_forest_moves(weights, blocks, problem)[:, :, None] + weights["residuals"])


@dataclass(frozen=True)
class Boosting:
    """Gradient-boosted trees, one model a quantile, for all steps at once: the step is one of their inputs."""

    name: str
    summary: str
    learned: bool = True
    is_network: bool = False

    def shapes(self, problem: Problem) -> dict[str, tuple[int | None, ...]]:  # noqa: ARG002
        return {**tree_shapes(1), "quantile": (None,), "base": (len(QUANTILES),), "share": (1,)}

    def sound(self, weights: Weights, problem: Problem) -> bool:
        """Whether the trees can be walked."""
        inputs = problem.lookback * problem.features + problem.ahead + 2
        return len(weights["quantile"]) == len(weights["roots"]) and sound(weights, inputs)

    def blocks(self, inputs: Inputs, origin: Rows, problem: Problem) -> Blocks:
        return window_blocks(inputs, origin, problem)

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:
        """Grows trees on training rows; the validation rows say how many are kept, and how much of their move."""
        folds = fold_origins(panel, problem)
        training = lively(window_blocks(panel.inputs, _thin(np.sort(np.concatenate(folds[:-1])), MOST), problem))
        validation = lively(window_blocks(panel.inputs, _thin(folds[-1], PAIRS // 4), problem))
        seed = problem.config.training.seed
        pairs, checks = (_pairs(part, problem, seed) for part in (training, validation))
        grown = []
        for number, level in enumerate(QUANTILES):
            grown.append(_boost(pairs, checks, level, seed))
            if callbacks.progress:
                callbacks.progress(Step(self.name, number + 1, len(QUANTILES), 0.0))
        weights: dict[str, NDArray[Any]] = join_trees([trees for trees, _ in grown])
        weights["quantile"] = np.repeat(np.arange(len(grown)), [len(t["roots"]) for t, _ in grown]).astype(np.int32)
        weights["base"] = np.array([base for _, base in grown], np.float32)
        weights["share"] = np.ones(1, np.float32)
        parts = [part for part in np.array_split(np.arange(len(validation.x)), FOLDS) if len(part)]
        moves = self.predict(weights, validation, problem)[:, :, MEDIAN]
        labels = np.clip(validation.y[:, 0], -LARGEST, LARGEST)
        weights["share"][:] = _share([moves[part] for part in parts], [labels[part] for part in parts])
        return Fit(weights)

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        columns, horizon = _columns(blocks, problem), problem.horizon
        found = np.empty((len(blocks.x) * horizon, len(QUANTILES)))
        for start in range(0, len(found), CHUNK):
            window, step = np.divmod(np.arange(start, min(start + CHUNK, len(found))), horizon)
            values = leaf_values(weights, columns.pairs(window, step))[:, :, 0]
            for number in range(len(QUANTILES)):
                found[start : start + CHUNK, number] = values[:, weights["quantile"] == number].sum(axis=1)
        quantiles = np.sort((found + weights["base"]).reshape(-1, horizon, len(QUANTILES)), axis=2)
        return np.asarray(quantiles - (1 - weights["share"]) * quantiles[:, :, [MEDIAN]])


@dataclass(frozen=True, eq=False)
class Columns:
    """What trees see of N windows.

    Attributes:
        lags: The differences of the window, shape (N, L*F).
        levels: Coming levels of the columns known ahead, shape (N, H, K); 0 where they are not known.
        seasonal: The seasonal naive move of each step, shape (N, H); 0 where the window is shorter than a season.
    """

    lags: Single
    levels: Single
    seasonal: Single

    def windows(self) -> Single:
        """Inputs for all steps at once, shape (N, P)."""
        levels = self.levels if self.levels[0:1].size <= MOST_AHEAD else self.levels[:, :1]
        return np.concatenate([self.lags, levels.reshape(len(levels), -1)], axis=1)

    def pairs(self, window: Rows, step: Rows) -> Single:
        """Inputs for single steps, counted from 0, of single windows, shape (len(window), P)."""
        in_background = [
            self.levels[window, step],
            self.seasonal[window, step, None],
            (step[:, None] + 1).astype(np.float32),
        ]
        return np.concatenate([self.lags[window], *in_background], axis=1)


def _columns(blocks: Blocks, problem: Problem) -> Columns:
    now = blocks.x[:, -2, problem.features :, None]  # x holds the columns known ahead of the row that follows
    levels = np.moveaxis(now, 1, 2) + (blocks.ahead * blocks.scale[..., None])[:, 0]
    steps = np.arange(1, problem.horizon + 1)
    back = -steps % problem.season  # how long before the origin the last row of the same phase lies
    path = np.cumsum(blocks.x[:, ::-1, 0], axis=1, dtype=np.float64)
    usable = (back > 0) & (back <= path.shape[1])
    seasonal = np.where(usable, -path[:, np.clip(back - 1, 0, path.shape[1] - 1)], 0) / np.sqrt(steps)
    return Columns(
        blocks.x[:, :, : problem.features].reshape(len(blocks.x), -1),
        np.nan_to_num(levels).astype(np.float32),
        seasonal.astype(np.float32),
    )


def _boost(
    pairs: tuple[Single, Array], checks: tuple[Single, Array], level: float, seed: int
) -> tuple[dict[str, NDArray[Any]], float]:
    """The trees of one quantile, as many as forecast the pairs `checks` best, and what they are added to."""
    from threadpoolctl import threadpool_limits

    model = boost(*pairs, level=level, seed=seed)
    base = float(np.ravel(model._baseline_prediction)[0])
    with threadpool_limits(1, user_api="openmp"):
        stages = [np.full(len(checks[1]), base), *model.staged_predict(checks[0])]
    losses = [np.maximum(level * (checks[1] - stage), (level - 1) * (checks[1] - stage)).mean() for stage in stages]
    return boosted_arrays(model, rounds=int(np.argmin(losses))), base


def _pairs(blocks: Blocks, problem: Problem, seed: int) -> tuple[Single, Array]:
    """Inputs (n, P) and labels (n,) of pairs of window and step, drawn evenly, at most PAIRS of them."""
    labels = np.clip(blocks.y[:, 0], -LARGEST, LARGEST)
    chosen = np.random.default_rng(seed).choice(labels.size, min(labels.size, PAIRS), replace=False)
    window, step = np.divmod(np.sort(chosen), problem.horizon)
    return _columns(blocks, problem).pairs(window, step), labels[window, step]


def _fold_forest(panel: Panel, origin: Rows, problem: Problem, seed: int) -> dict[str, NDArray[Any]]:
    if len(origin) < FEWEST:
        return stump(problem.horizon)
    blocks = lively(window_blocks(panel.inputs, origin, problem))
    labels = np.clip(blocks.y[:, 0], -LARGEST, LARGEST)
    return forest_arrays(grow_forest(_columns(blocks, problem).windows(), labels, seed=seed))


def _weigh(
    grown: list[dict[str, NDArray[Any]]], panel: Panel, folds: list[Rows], problem: Problem
) -> dict[str, NDArray[Any]]:
    """All trees together, by the share of their move that helps on rows they have not seen, and the spread there.

    The rows of each fold were not seen by its trees, the validation rows by none.
    """
    forest = join_trees(grown)
    parts = [lively(window_blocks(panel.inputs, _thin(fold, MOST // 6), problem)) for fold in folds]
    moves = [_forest_moves(trees, part, problem) for trees, part in zip([*grown, forest], parts, strict=True)]
    labels = [np.clip(part.y[:, 0], -LARGEST, LARGEST) for part in parts]
    share = _share(moves, labels)
    errors = [label - share * move for label, move in zip(labels, moves, strict=True)]
    spread = residual_quantiles(errors[-1] if len(errors[-1]) >= ENOUGH else np.concatenate(errors))
    if not share:
        forest = stump(problem.horizon)
    forest["value"] = (share * forest["value"]).astype(np.float32)
    return {**forest, "residuals": spread.astype(np.float32)}


def _forest_moves(weights: Weights, blocks: Blocks, problem: Problem) -> Array:
    """The mean of the trees, shape (N, H)."""
    inputs = _columns(blocks, problem).windows()
    starts = range(0, len(inputs), CHUNK)
    found = [leaf_values(weights, inputs[n : n + CHUNK]).mean(axis=1, dtype=np.float64) for n in starts]
    return np.concatenate(found or [np.zeros((0, problem.horizon))])


def _share(moves: Sequence[Array], labels: Sequence[Array]) -> float:
    """The share of the moves (n, H) that forecasts the labels best in parts of rows; 0 without a gain beyond luck."""
    gains = []
    for move, label in zip(moves, labels, strict=True):
        naive = np.abs(label).sum()
        if naive:
            gains.append([1 - np.abs(label - share * move).sum() / naive for share in SHARES])
    chosen = choose_penalty(np.array(gains)) if len(gains) > 1 else None
    return 0.0 if chosen is None else float(SHARES[chosen])


def _apart(origin: Rows, held: Rows, horizon: int) -> Rows:
    """Origins whose labels share no row with those of the origins `held`, which rise."""
    if not len(held):
        return origin
    place = np.searchsorted(held, origin)
    before, after = held[np.maximum(place - 1, 0)], held[np.minimum(place, len(held) - 1)]
    near = np.minimum(np.abs(origin - before), np.abs(origin - after))
    return np.asarray(origin[near >= horizon])


def _thin(origin: Rows, most: int) -> Rows:
    return origin[:: max(1, -(-len(origin) // most))]
