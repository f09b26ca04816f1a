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

CELLS, WINDOW, STEP = 64, 192, 96
# What the head gives for each step: a weight for each candidate, the log size, the shift, and the increments.
OUTPUTS = len(NAMES) + 2 + len(QUANTILES) - 1
# The log size is changed by no more than this.
LARGEST = 4.0
# Before any training: the size of the head's weights, and how much the candidates' earlier errors count.
HEAD_SIZE, ERRORS = 0.02, -4.0
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


def random_weights(seed: int) -> Weights:
    """Weights of a network that has learned nothing, as Keras would draw them; its candidates count by their errors."""
    random, drawn = np.random.default_rng(seed), {}
    for name, shape in SHAPES.items():
        limit = np.sqrt(6 / sum(shape)) if name.endswith("kernel") else 0.0
        drawn[name] = random.uniform(-limit, limit, shape)
    cells = [np.linalg.qr(random.standard_normal((CELLS, CELLS)))[0] for _ in range(3)]
    drawn["gru/recurrent_kernel"] = np.concatenate(cells, axis=1)
    drawn["head/kernel"] = HEAD_SIZE * random.standard_normal(SHAPES["head/kernel"])
    drawn["errors/kernel"] = ERRORS * np.eye(len(NAMES))
    return {name: array.astype(np.float32) for name, array in drawn.items()}


def mix(weights: Weights, seen: Seen) -> Array:
    """Quantiles of the moves from the last value, in units of each window, shape (N, H, Q), increasing along Q.

    In double precision, so that a forecast does not depend on those that are made with it.
    """
    step, errors = hidden(weights, seen)
    made = head(weights, step, errors, seen.mixed * np.exp(-seen.spread)[:, None, None])
    return np.asarray(made * np.exp(seen.spread)[:, None, None])


def hidden(weights: Weights, seen: Seen) -> tuple[Array, Array]:
    """What the head takes: the last layer before it, shape (N, H, STEP), and the candidates' earlier errors (N, C)."""
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
    return step, seen.about[:, ABOUT : ABOUT + len(NAMES)]


def head(weights: Weights, step: Array, errors: Array, mixed: Array) -> Array:
    """Quantiles (N, H, Q) of what `hidden` gives and of candidates (N, H, C), both over exp(spread)."""
    count = len(NAMES)
    outputs = step @ weights["head/kernel"].astype(float) + weights["head/bias"]
    powers = outputs[..., :count] + (errors @ weights["errors/kernel"].astype(float))[:, None]
    powers = np.exp(powers - powers.max(axis=-1, keepdims=True))
    middle = (powers * mixed).sum(axis=-1) / powers.sum(axis=-1)
    size = np.exp(np.clip(outputs[..., count], -LARGEST, LARGEST))[..., None]
    median = middle[..., None] + size * outputs[..., [count + 1]]
    apart = size * np.logaddexp(0, outputs[..., count + 2 :])
    above, below = np.cumsum(apart[..., MEDIAN:], axis=-1), np.cumsum(apart[..., :MEDIAN], axis=-1)[..., ::-1]
    return np.concatenate([median - below, median, median + above], axis=-1)
