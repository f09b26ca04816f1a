"""Decision trees as flat arrays: scikit-learn grows them, numpy walks down them.

The nodes of all trees stand one behind the other. A walk goes from every root to a leaf, for many rows at once:

    node = children_left[node] where input[feature[node]] <= threshold[node], else children_right[node]

A leaf is its own child. The names are those of scikit-learn's `tree_`; `value` holds the leaves alone, in the order of
`leaf`, and `roots` the first node of each tree.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forecast.models.estimator import Shapes, Weights
from forecast.typing import Array

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestRegressor

Single = NDArray[np.float32]

# Trees a fold, windows a tree, leaves a tree, and the smallest leaf as a share of the windows of a tree.
TREES, SAMPLE, LEAVES, SMALLEST = 20, 4000, 64, 0.005
# A split chooses among a third of the inputs, at most so many.
TRIED = 24
NODES = ("feature", "threshold", "children_left", "children_right", "leaf")
# Those that are whole numbers.
NUMBERS_OF_NODES = ("feature", "children_left", "children_right", "leaf", "roots")


def leaf_values(weights: Weights, inputs: Single) -> Single:
    """Values of the leaves that the rows of `inputs` (N, P) reach in each tree, shape (N, trees, H)."""
    feature, threshold, left, right, leaf = (weights[name] for name in NODES)
    rows = np.arange(len(inputs))[:, None]
    node = np.repeat(weights["roots"][None], len(inputs), axis=0)
    for _ in range(LEAVES):  # no tree is deeper than it has leaves
        before, goes_left = node, inputs[rows, feature[node]] <= threshold[node]
        node = np.where(goes_left, left[node], right[node])
        if np.array_equal(node, before):
            break
    return np.asarray(weights["value"][leaf[node]])


def join_trees(groups: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Join groups of trees; node and leaf numbers are shifted by the nodes and leaves of the groups before."""
    nodes = np.cumsum([0] + [len(trees["feature"]) for trees in groups])
    leaves = np.cumsum([0] + [len(trees["value"]) for trees in groups])
    shifts = {"children_left": nodes, "children_right": nodes, "roots": nodes, "leaf": leaves}
    joined = {}
    for name, first in groups[0].items():
        parts = [trees[name] + shifts[name][n] if name in shifts else trees[name] for n, trees in enumerate(groups)]
        joined[name] = np.concatenate(parts).astype(first.dtype)
    return joined


def tree_shapes(outputs: int) -> Shapes:
    """Name and shape of the arrays of any number of trees."""
    return {**dict.fromkeys(NODES, (None,)), "value": (None, outputs), "roots": (None,)}


def are_valid(weights: Weights, *, inputs: int) -> bool:
    """Whether all numbers of nodes, leaves and inputs point to something that exists."""
    nodes, leaves = len(weights["feature"]), len(weights["value"])
    stops = {"feature": inputs, "children_left": nodes, "children_right": nodes, "leaf": leaves, "roots": nodes}
    return all(len(weights[name]) == nodes for name in NODES) and all(
        _within(weights[name], stop) for name, stop in stops.items()
    )


def _within(numbers: NDArray[Any], stop: int) -> bool:
    """Whether there are integers, from 0 to `stop` - 1."""
    return numbers.dtype.kind in "iu" and bool(len(numbers) and numbers.min() >= 0 and numbers.max() < stop)


def grow_forest(inputs: Single, labels: Array, *, seed: int) -> "RandomForestRegressor":
    """Fit scikit-learn's random forest on inputs (N, P) and labels (N, H).

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


def forest_arrays(forest: "RandomForestRegressor") -> dict[str, NDArray[Any]]:
    """The trees of scikit-learn's forest as arrays."""
    return join_trees([_one_tree(grown.tree_) for grown in forest.estimators_])


def _one_tree(tree: Any) -> dict[str, NDArray[Any]]:
    """One `tree_` of scikit-learn as arrays; its leaves have the children -1."""
    number = np.arange(len(tree.feature))
    is_leaf = tree.children_left < 0
    return {
        "feature": np.where(is_leaf, 0, tree.feature).astype(np.int32),
        "threshold": _round_down(np.where(is_leaf, 0.0, tree.threshold)),
        "children_left": np.where(is_leaf, number, tree.children_left).astype(np.int32),
        "children_right": np.where(is_leaf, number, tree.children_right).astype(np.int32),
        "leaf": np.where(is_leaf, np.cumsum(is_leaf) - 1, 0).astype(np.int32),
        "value": tree.value[is_leaf, :, 0].astype(np.float32),
        "roots": np.zeros(1, np.int32),
    }


def _round_down(threshold: Array) -> Single:
    """The largest float32 that is no larger: float32 inputs then go the same way as with the float64 threshold."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def stump(outputs: int) -> dict[str, NDArray[Any]]:
    """A tree that is one leaf of value 0."""
    zero = np.zeros(1, np.int32)
    arrays = dict.fromkeys(("feature", "children_left", "children_right", "leaf", "roots"), zero)
    return {**arrays, "threshold": np.zeros(1, np.float32), "value": np.zeros((1, outputs), np.float32)}
