"""Which of the last rows a forecast depends on: each is hidden in turn, and the forecast is made again.

Hidden means that the series did not move on that row, as far as the model can see; the last value and the scale of the
window stay as they are. How far the forecast moves is what the row was good for. (Occlusion: Zeiler and Fergus 2014;
leave-one-covariate-out, Lei et al. 2018.)
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

# Windows with a hidden row that are forecast from, and the fewest origins, evenly spread over the test rows: too few
# would show their own storms instead of what the model looks at.
MOST, FEWEST = 8192, 16


@dataclass(frozen=True, eq=False)
class Lags:
    """How far the forecast moves when a row is hidden, mean over origins and steps, in the series' unit.

    Each has the shape (L,), the last row first.

    Attributes:
        own: The model's own move, before shrinkage.
        linear: That of the highway, before shrinkage.
        forecast: The forecast itself, as far as both are believed.
    """

    own: Array
    linear: Array
    forecast: Array


def lags_of(model: TrainedModel, moves: Moves) -> Lags:
    """The dependence of a model's forecasts on each of the last rows."""
    origins = max(FEWEST, MOST // moves.blocks.x.shape[1])
    chosen = np.unique(np.linspace(0, len(moves.last_value) - 1, origins).astype(int))
    blocks, believed, scale = moves.blocks.part(chosen), moves.believed[chosen], moves.scale[chosen]
    linear, own = _moves(model, blocks)
    found = []
    for row in reversed(range(blocks.x.shape[1])):
        hidden_linear, hidden_own = _moves(model, _hide(blocks, row, model.problem.features))
        change = (linear - hidden_linear) * scale, (own - hidden_own) * scale
        whole = believed[:, [0]] * change[0] + believed[:, [1]] * change[1]
        found.append([np.abs(part).mean() for part in (change[1], change[0], whole)])
    return Lags(*np.array(found).T)


def _moves(model: TrainedModel, blocks: Blocks) -> tuple[Array, Array]:
    """The normalised moves of the highway and of the model itself, shape (N, H)."""
    linear = apply_highway(model.weights, blocks)[:, 0]
    return linear, find_model(model.model).predict(model.weights, blocks, model.problem)[..., MEDIAN] - linear


def _hide(blocks: Blocks, row: int, features: int) -> Blocks:
    """Blocks in which nothing happened on a row: differences of 0, and levels at their mean."""
    x = blocks.x.copy()
    x[:, row, :features] = 0 if blocks.moves else x[:, :, :features].mean(axis=1)
    return replace(blocks, x=x)
