"""The network that comes with the package as a registered model: it is not trained on a series, only tested on it.

In: blocks of one label. Out: normalised quantiles. At each origin it looks at all rows up to it, 1,024 at most.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from forecast.config import QUANTILES
from forecast.data.panel import Panel
from forecast.data.windows import Blocks, Inputs
from forecast.models.estimator import Callbacks, Estimator, Fit, Problem, Shapes, Weights
from forecast.models.pretrained.features import look
from forecast.models.pretrained.mixing import SHAPES, mix
from forecast.typing import Array, Rows

WEIGHTS = Path(__file__).with_name("weights.npz")
# Rows that are looked at: at least, where the first one is repeated, at most, and lengths in between, an eighth apart.
FEWEST, MOST, APART = 16, 1024, 1.125
# Windows that are looked at together: what is computed of them stays in the processor's cache.
TOGETHER = 128


@dataclass(frozen=True)
class Pretrained(Estimator):
    """Weights of simulated series, the same for every series."""

    uses_lookback: ClassVar[bool] = False
    is_local: ClassVar[bool] = True
    is_pretrained: ClassVar[bool] = True

    def shapes(self, problem: Problem) -> Shapes:  # noqa: ARG002
        return dict(SHAPES)

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:  # noqa: ARG002
        """The weights that come with the package: nothing is learned from the series."""
        return Fit(dict(shipped_weights()))

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        seasons = problem.config.seasons or (problem.season,)
        found = np.empty((len(blocks.origin), problem.horizon, len(QUANTILES)))
        lengths, positive = _lengths(blocks.origin), np.isfinite(blocks.inputs.level[blocks.origin])
        for length, flag in {*zip(lengths.tolist(), positive.tolist(), strict=True)}:
            same = np.flatnonzero((lengths == length) & (positive == flag))
            for start in range(0, len(same), TOGETHER):
                chosen = same[start : start + TOGETHER]
                x = _windows(blocks.inputs, blocks.origin[chosen], length, positive=flag)
                seen = look(x, seasons, problem.horizon, positive=flag)
                moves = mix(weights, seen) * seen.unit[:, None, None]
                part = blocks.part(chosen)
                points = part.anchor[:, 0, :, None] + moves
                found[chosen] = np.stack(
                    [part.normalise(points[..., level]) for level in range(len(QUANTILES))], axis=2
                )
        return found


@cache
def shipped_weights() -> Weights:
    """The weights that come with the package, by name."""
    with np.load(WEIGHTS) as file:
        return {name: file[name] for name in SHAPES}


def _lengths(origin: Rows) -> Rows:
    """How many rows are looked at from each origin, shape (N,)."""
    grid = np.unique(np.round(FEWEST * APART ** np.arange(np.log(MOST / FEWEST) / np.log(APART))).astype(int))
    grid = np.append(grid, MOST)
    return grid[np.maximum(np.searchsorted(grid, origin + 1, side="right") - 1, 0)]


def _windows(inputs: Inputs, origin: Rows, length: int, *, positive: bool) -> Array:
    """The rows up to each origin, shape (N, length): above 0 where they are `positive`, else as they are scaled."""
    rows = np.maximum(origin[:, None] + np.arange(1 - length, 1), 0)
    return np.asarray((inputs.level if positive else inputs.target)[rows], float)
