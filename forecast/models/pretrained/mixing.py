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
from forecast.models.equations.cells import Array, gru_last
from forecast.models.pretrained.candidates import NAMES
from forecast.models.pretrained.features import ABOUT, COLUMNS, STEP_COLUMNS, WIDTH, Seen

Weights = Mapping[str, NDArray[Any]]

CELLS, WINDOW, STEP = 64, 192, 96
# What the head gives for each step: a weight for each candidate, the log size, the shift, and the increments.
OUTPUTS = len(NAMES) + 2 + len(QUANTILES) - 1
# The log size is changed by no more than this.
LARGEST = 4.0
# Before any training: the size of the head's weights, and how much the candidates' earlier errors count.
HEAD_SIZE, ERRORS = 0.02, -4.0
# Windows that are computed at a time.
BLOCK = 64
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

    In single precision, but in blocks of one size, so that a forecast does not depend on those that are made with it.
    """
    weights, size = _single(weights), np.exp(seen.spread)[:, None, None]
    over = seen.mixed / size
    # the shares of the candidates add up to one: what all have in common keeps its double precision
    common = over.mean(axis=2, keepdims=True)
    over -= common
    made = np.concatenate([_mix_block(weights, seen, over, start) for start in range(0, len(over), BLOCK)])
    return np.asarray((made[: len(over)] + common) * size)


def _mix_block(weights: Weights, seen: Seen, centred: Array, start: int) -> Array:
    """Quantiles (BLOCK, H, Q) of the windows from `start` on; where there are fewer, the last one is repeated."""
    chosen = np.minimum(np.arange(start, start + BLOCK), len(centred) - 1)
    rows, about, steps, mixed = (
        part[chosen].astype(np.float32, order="C") for part in (seen.rows, seen.about, seen.steps, centred)
    )
    return head(weights, *_hidden(weights, rows, about, steps, mixed), mixed)


def hidden(weights: Weights, seen: Seen) -> tuple[Array, Array]:
    """What the head takes: the last layer before it, shape (N, H, STEP), and the candidates' earlier errors (N, C)."""
    centred = seen.mixed - seen.mixed.mean(axis=2, keepdims=True)
    centred *= np.exp(-seen.spread)[:, None, None]
    return _hidden(
        _single(weights), *(part.astype(np.float32) for part in (seen.rows, seen.about, seen.steps, centred))
    )


def _single(weights: Weights) -> Weights:
    return {name: np.asarray(array, np.float32) for name, array in weights.items()}


def _hidden(weights: Weights, rows: Array, about: Array, steps: Array, centred: Array) -> tuple[Array, Array]:
    """The same of parts of `Seen` and of candidates around their mean, over exp(spread)."""
    state = gru_last(rows, *(weights[f"gru/{name}"] for name in ("kernel", "recurrent_kernel", "bias")))
    window = np.concatenate([state, about], axis=1) @ weights["window/kernel"] + weights["window/bias"]
    of_step = np.concatenate([steps, np.arcsinh(centred)], axis=2) @ weights["of_step/kernel"]
    of_step += weights["of_step/bias"]
    of_step += (np.maximum(window, 0) @ weights["of_window/kernel"])[:, None]
    return np.maximum(of_step, 0, out=of_step), about[:, ABOUT : ABOUT + len(NAMES)]


def head(weights: Weights, step: Array, errors: Array, mixed: Array) -> Array:
    """Quantiles (N, H, Q) of what `hidden` gives and of candidates (N, H, C), both over exp(spread)."""
    count = len(NAMES)
    outputs = step @ weights["head/kernel"]
    outputs += weights["head/bias"]
    powers = outputs[..., :count] + (errors @ weights["errors/kernel"])[:, None]
    powers = np.exp(powers - powers.max(axis=-1, keepdims=True))
    middle = (powers * mixed).sum(axis=-1) / powers.sum(axis=-1)
    size = np.exp(np.clip(outputs[..., count], -LARGEST, LARGEST))[..., None]
    median = middle[..., None] + size * outputs[..., [count + 1]]
    apart = size * np.logaddexp(0, outputs[..., count + 2 :])
    above, below = np.cumsum(apart[..., MEDIAN:], axis=-1), np.cumsum(apart[..., :MEDIAN], axis=-1)[..., ::-1]
    return np.concatenate([median - below, median, median + above], axis=-1)
