"""The network in numpy: recurrent cells over the last rows, and for each step a mixture of the candidates.

    s = GRU(rows)[-1]                            what the last rows are like
    a = relu(W [s, about] + b)                   and the whole window
    u[h] = relu(V a + U [step[h], candidates[h]] + c)
    w[h] = softmax(O u[h] - E errors)            weights of the candidates, less the larger their earlier errors
    median[h] = w[h]' candidates[h] + size[h] * shift[h]           size[h] = spread * exp(...)
    quantiles of 75, 90, 95 %: each above the one before by size[h] * softplus(...); those below likewise

Weights are named as in Keras, which trains them (`training/pretrain.py`): gru, window (W), of_window (V), of_step (U),
head (O) and errors (E).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.config import MEDIAN, QUANTILES
from forecast.models.equations.cells import gru
from forecast.models.pretrained.candidates import NAMES
from forecast.models.pretrained.features import ABOUT, COLUMNS, STEP_COLUMNS, WIDTH, Seen
from forecast.typing import Array

Weights = Mapping[str, NDArray[Any]]

CELLS, WINDOW, STEP = 64, 128, 64
# What the head gives for each step: a weight for each candidate, the log size, the shift, and the increments.
OUTPUTS = len(NAMES) + 2 + len(QUANTILES) - 1
# The log size is changed by no more than this.
LARGEST = 4.0
SHAPES = {
    "gru/kernel": (COLUMNS, 3 * CELLS),
    "gru/recurrent_kernel": (CELLS, 3 * CELLS),
    "gru/bias": (2, 3 * CELLS),
    "window/kernel": (CELLS + WIDTH, WINDOW),
    "window/bias": (WINDOW,),
    "of_window/kernel": (WINDOW, STEP),
    "of_step/kernel": (STEP_COLUMNS + len(NAMES), STEP),
    "of_step/bias": (STEP,),
    "head/kernel": (STEP, OUTPUTS),
    "head/bias": (OUTPUTS,),
    "errors/kernel": (len(NAMES), len(NAMES)),
}


def mix(weights: Weights, seen: Seen) -> Array:
    """Quantiles of the moves from the last value, in units of each window, shape (N, H, Q), increasing along Q.

    In double precision, so that a forecast does not depend on those that are made with it.
    """
    weights = {name: array.astype(float) for name, array in weights.items()}
    kernel, recurrent, bias = (weights[f"gru/{name}"] for name in ("kernel", "recurrent_kernel", "bias"))
    state = gru(seen.rows, kernel, recurrent, bias, np.tanh)[:, -1]
    window = np.maximum(
        np.concatenate([state, seen.about], axis=1) @ weights["window/kernel"] + weights["window/bias"], 0
    )
    centred = seen.mixed - seen.mixed.mean(axis=2, keepdims=True)
    standing = np.arcsinh(centred * np.exp(-seen.spread)[:, None, None])
    of_step = np.concatenate([seen.steps, standing], axis=2) @ weights["of_step/kernel"]
    step = np.maximum((window @ weights["of_window/kernel"])[:, None] + of_step + weights["of_step/bias"], 0)
    outputs = step @ weights["head/kernel"] + weights["head/bias"]
    errors = seen.about[:, ABOUT : ABOUT + len(NAMES)] @ weights["errors/kernel"]
    return _quantiles(outputs, errors[:, None], seen)


def _quantiles(outputs: Array, errors: Array, seen: Seen) -> Array:
    """Quantiles (N, H, Q) from the outputs of the head (N, H, OUTPUTS)."""
    count = len(NAMES)
    powers = outputs[..., :count] + errors
    powers = np.exp(powers - powers.max(axis=-1, keepdims=True))
    middle = (powers * seen.mixed).sum(axis=-1) / powers.sum(axis=-1)
    size = np.exp(seen.spread[:, None] + np.clip(outputs[..., count], -LARGEST, LARGEST))[..., None]
    median = middle[..., None] + size * outputs[..., [count + 1]]
    apart = size * np.logaddexp(0, outputs[..., count + 2 :])
    above, below = np.cumsum(apart[..., MEDIAN:], axis=-1), np.cumsum(apart[..., :MEDIAN], axis=-1)[..., ::-1]
    return np.concatenate([median - below, median, median + above], axis=-1)
