"""What models of volatility share: rows at which they are estimated, and the way from their moves to quantiles.

Their moves are those of the path of a series: of the logarithm where the target is above 0, else of the scaled target.
"""

import numpy as np

from forecast.data.moves import absolute
from forecast.data.windows import Blocks
from forecast.models.volatility.history import smooth
from forecast.typing import Array, Rows

# A model is estimated anew whenever a series has grown by this factor.
GROWTH = 1.1
# From this step on quantiles are smoothed over the steps.
SMOOTHED = 5


def estimation_rows(origin: Rows, *, fewest: int) -> Rows:
    """The number of rows when a model was last estimated for each origin, shape (N,), by the origin alone."""
    rows = np.maximum(origin + 1, fewest)
    times = np.floor(np.log(rows / fewest) / np.log(GROWTH) + 1e-9)
    return np.asarray(np.minimum(np.ceil(fewest * GROWTH**times - 1e-9), origin + 1).astype(int))


def quantiles_of(blocks: Blocks, path: Array) -> Array:
    """Normalised quantiles of quantiles of path moves (N, H, Q), smooth over the steps."""
    horizon = path.shape[1]
    if horizon >= SMOOTHED:
        root = np.sqrt(np.arange(1, horizon + 1))[:, None]
        path = np.sort(smooth(path / root) * root, axis=-1)
    level = blocks.inputs.level[blocks.origin][:, None, None]
    moves = absolute(path, level) + blocks.target[blocks.origin][:, None, None]
    return np.stack([blocks.normalise(moves[:, :, one]) for one in range(path.shape[-1])], axis=-1)
