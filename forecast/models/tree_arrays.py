"""Decision trees as flat arrays: scikit-learn grows them, numpy walks through them.

All nodes of all trees stand one behind the other, and a walk goes from every root to a leaf for many rows at once:

    node = left[node] where input[feature[node]] <= threshold[node], else right[node]; a leaf is its own child
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.models.estimator import Weights
from forecast.typing import Array

Single = NDArray[np.float32]

# Forest: trees a fold, windows a tree, leaves a tree, the smallest leaf as a share of the windows of a tree, and the
# inputs among which a split chooses (a third, at most TRIED).
TREES, SAMPLE, LEAVES, SMALLEST, TRIED = 20, 4000, 64, 0.005, 24
# Boosting: trees a quantile, learning rate, leaves a tree, pairs in the smallest leaf, and the inputs among which a
# split chooses, at most.
ROUNDS, RATE, TWIGS, FEWEST, SPLITS = 60, 0.1, 16, 50, 80


def leaf_values(weights: Weights, inputs: Single) -> Single:
    """The value of the leaf that each row (N, P) reaches in each tree, shape (N, trees, outputs)."""
    feature, threshold, left, right = (weights[name] for name in ("feature", "threshold", "left", "right"))
    rows = np.arange(len(inputs))[:, None]
    node = np.repeat(weights["roots"][None], len(inputs), axis=0)
    for _ in range(LEAVES):  # no tree is deeper than it has leaves
        before, below = node, inputs[rows, feature[node]] <= threshold[node]
        node = np.where(below, left[node], right[node])
        if np.array_equal(node, before):
            break
    return np.asarray(weights["value"][weights["leaf"][node]])


def join_trees(groups: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """The trees of several groups as one: node and leaf numbers go on from group to group."""
    nodes = np.cumsum([0] + [len(trees["feature"]) for trees in groups])
    leaves = np.cumsum([0] + [len(trees["value"]) for trees in groups])
    moved = {"left": nodes, "right": nodes, "roots": nodes, "leaf": leaves}
    return {
        name: np.concatenate(
            [(trees[name] + moved[name][n] if name in moved else trees[name]) for n, trees in enumerate(groups)]
        ).astype(groups[0][name].dtype)
        for name in groups[0]
    }


def tree_shapes(outputs: int) -> dict[str, tuple[int | None, ...]]:
    """Name and shape of the arrays of any number of trees."""
    nodes = dict.fromkeys(("feature", "threshold", "left", "right", "leaf"), (None,))
    return {**nodes, "value": (None, outputs), "roots": (None,)}


def sound(weights: Weights, inputs: int) -> bool:
    """Whether all numbers of nodes, leaves and inputs point to something that is there."""
    nodes, leaves = len(weights["feature"]), len(weights["value"])
    ends = {"feature": inputs, "left": nodes, "right": nodes, "leaf": leaves, "roots": nodes}
    whole = all(_within(weights[name], end) for name, end in ends.items())
    return whole and all(len(weights[name]) == nodes for name in ("threshold", "left", "right", "leaf"))


def _within(numbers: NDArray[Any], end: int) -> bool:
    """Whether there are whole numbers, from 0 to `end` - 1."""
    return numbers.dtype.kind in "iu" and bool(len(numbers) and numbers.min() >= 0 and numbers.max() < end)


def one_tree(*, feature: Array, threshold: Array, left: Array, right: Array, value: Array) -> dict[str, NDArray[Any]]:
    """One tree as arrays; leaves are the nodes whose children are no nodes after them, as in both of scikit-learn's.

    Args:
        feature: Input, threshold and children of each node, shape (nodes,).
        value: Of each node, shape (nodes, outputs); kept of leaves alone.
    """
    number = np.arange(len(left))
    leaf = left <= number
    return {
        "feature": np.where(leaf, 0, feature).astype(np.int32),
        "threshold": _at_most(np.where(leaf, 0.0, threshold)),
        "left": np.where(leaf, number, left).astype(np.int32),
        "right": np.where(leaf, number, right).astype(np.int32),
        "leaf": np.where(leaf, np.cumsum(leaf) - 1, 0).astype(np.int32),
        "value": value[leaf].astype(np.float32),
        "roots": np.zeros(1, np.int32),
    }


def _at_most(threshold: Array) -> Single:
    """The largest float32 that is no larger: float32 inputs then go the same way as with the float64 threshold."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def stump(outputs: int) -> dict[str, NDArray[Any]]:
    """A tree that is one leaf of value 0."""
    nothing = np.zeros(1)
    return one_tree(
        feature=nothing, threshold=nothing, left=nothing - 1, right=nothing - 1, value=np.zeros((1, outputs))
    )


def grow_forest(inputs: Single, labels: Array, *, seed: int) -> Any:
    """scikit-learn's forest on inputs (N, P) and labels (N, H).

    Source: Breiman (2001), Random forests.
    """
    from sklearn.ensemble import RandomForestRegressor  # takes a second to import

    sample = min(len(inputs), SAMPLE)
    forest = RandomForestRegressor(
        n_estimators=TREES,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=max(5, int(SMALLEST * sample)),
        max_features=min(max(1, inputs.shape[1] // 3), TRIED),
        max_samples=sample,
        n_jobs=-1,
        random_state=seed,
    )
    return forest.fit(inputs, labels if labels.shape[1] > 1 else labels[:, 0])


def forest_arrays(forest: Any) -> dict[str, NDArray[Any]]:
    """The trees of scikit-learn's forest as arrays."""
    grown = [one.tree_ for one in forest.estimators_]
    return join_trees(
        [
            one_tree(
                feature=tree.feature,
                threshold=tree.threshold,
                left=tree.children_left,
                right=tree.children_right,
                value=tree.value[:, :, 0],
            )
            for tree in grown
        ]
    )


def boost(inputs: Single, labels: Array, *, level: float, seed: int) -> Any:
    """scikit-learn's boosted trees for one quantile of labels (N,), without early stopping.

    Sources: Friedman (2001), Greedy function approximation; Ke et al. (2017), LightGBM.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingRegressor(
        loss="quantile",
        quantile=level,
        max_iter=ROUNDS,
        learning_rate=RATE,
        max_leaf_nodes=TWIGS,
        min_samples_leaf=FEWEST,
        max_features=min(1.0, SPLITS / inputs.shape[1]),
        early_stopping=False,
        random_state=seed,
    )
    with threadpool_limits(1, user_api="openmp"):  # threads that wait for a core that others use take minutes
        return model.fit(inputs, labels)


def boosted_arrays(model: Any, *, rounds: int) -> dict[str, NDArray[Any]]:
    """The first `rounds` trees of scikit-learn's boosting as arrays; without any, one leaf of value 0."""
    grown = [stage[0].nodes for stage in model._predictors[:rounds]]
    return join_trees(
        [
            one_tree(
                feature=nodes["feature_idx"],
                threshold=nodes["num_threshold"],
                left=np.where(nodes["is_leaf"], -1, nodes["left"].astype(int)),
                right=np.where(nodes["is_leaf"], -1, nodes["right"].astype(int)),
                value=nodes["value"][:, None],
            )
            for nodes in grown
        ]
        or [stump(1)]
    )
