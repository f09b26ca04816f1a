"""Measure on which of the last rows a forecast depends: hide one row at a time and forecast again.

A hidden row shows the model a series that did not move on it; last value and scale of the window stay the same. The
row's effect is the size of the change of the forecast. Sources: occlusion, Zeiler and Fergus (2014);
leave-one-covariate-out, Lei et al. (2018).
"""

from dataclasses import dataclass, replace

import numpy as np

from forecast.config import MEDIAN
from forecast.data.windows import Blocks
from forecast.inference.forecasts import Moves
from forecast.inference.trained_model import TrainedModel
from forecast.models import find_model
from forecast.models.highway import apply_highway
from forecast.typing import Array

# Most windows to forecast from, and fewest origins, evenly spread over the test rows: fewer origins would show the
# weather of a few days instead of the model.
MOST, FEWEST = 8192, 16


@dataclass(frozen=True, eq=False)
class Lags:
    """Mean absolute change when a row is hidden, over origins and steps, in the series' unit.

    Each array has the shape (L,), the last row first.

    Attributes:
        network: Change of the network component, before shrinkage.
        linear: Change of the linear component, before shrinkage.
        forecast: Change of the forecast, after shrinkage.
    """

    network: Array
    linear: Array
    forecast: Array


def lags_of(model: TrainedModel, moves: Moves) -> Lags:
    """Measure the dependence of a model's forecasts on each of the last rows."""
    origins = max(FEWEST, MOST // moves.blocks.x.shape[1])
    chosen = np.unique(np.linspace(0, len(moves.last_value) - 1, origins).astype(int))
    blocks, factors, scale = moves.blocks.part(chosen), moves.shrinkage[chosen], moves.scale[chosen]
    linear, network = _components(model, blocks)
    found = []
    for row in reversed(range(blocks.x.shape[1])):
        hidden_linear, hidden_network = _components(model, _hide(blocks, row, model.problem.past_columns))
        change = (linear - hidden_linear) * scale, (network - hidden_network) * scale
        whole = factors[:, [0]] * change[0] + factors[:, [1]] * change[1]
        found.append([np.abs(one).mean() for one in (change[1], change[0], whole)])
    return Lags(*np.array(found).T)


def _components(model: TrainedModel, blocks: Blocks) -> tuple[Array, Array]:
    """Normalised linear and network component, shape (N, H)."""
    linear = apply_highway(model.weights, blocks)[:, 0]
    return linear, find_model(model.model).predict(model.weights, blocks, model.problem)[..., MEDIAN] - linear


def _hide(blocks: Blocks, row: int, features: int) -> Blocks:
    """Replace a row: differences by 0, levels by their mean over the window."""
    x = blocks.x.copy()
    x[:, row, :features] = 0 if blocks.moves else x[:, :, :features].mean(axis=1)
    return replace(blocks, x=x)
