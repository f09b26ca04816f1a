"""Fine-tuning: the head of the network goes on to learn from a series' own windows, by gradient descent in numpy.

What the head takes is computed once for each window, so that a hundred steps are done in a second, without TensorFlow.
The cells, which learned from a million windows, stay. Validation rows say how far it goes: the weights that it begins
with take part in the choice, and a gain that may be luck counts in part only.

The gradient is that of `mixing.head` under the pinball loss; tests compare it with finite differences. Adam: Kingma and
Ba (2015).

Shapes: N windows, H steps, C candidates, Q quantiles.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from forecast.config import MEDIAN, QUANTILES, TrainingConfig
from forecast.metrics.significance import diebold_mariano
from forecast.models.estimator import Fit, OnStep, Step, Validation
from forecast.models.pretrained.candidates import NAMES
from forecast.models.pretrained.features import Seen
from forecast.models.pretrained.mixing import LARGEST, head, hidden
from forecast.runtime.blas import one_thread
from forecast.typing import Array

Weights = Mapping[str, NDArray[Any]]

NAME = "finetuned"
# What is trained; windows and steps of each that a step of the descent sees.
TRAINED = ("head/kernel", "head/bias", "errors/kernel")
BATCH, STEPS = 64, 16
# The learning rate as a share of that of networks that begin with random weights.
RATE = 0.5
# The loss of a window above which it counts by less: twice that of the windows that the network learned from.
USUAL = 0.5
# What is added to the loss of a window, over its error of the best candidates.
SMALLEST = 1e-2
# Outcomes farther than so many errors of the best candidates from the middle of all are cut.
FARTHEST = 10.0
# Adam: shares of the past in the means of the gradient and of its square.
KEPT, SQUARES, TINY = 0.9, 0.999, 1e-8
# A gain on validation rows that may be luck, at this level, counts by n / (n + PRIOR) for n training rows.
SIGNIFICANCE, PRIOR = 0.01, 1000


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows as the head sees them, and what came after them, all over exp(spread) of each window.

    Attributes:
        step: Shape (N, H, STEP).
        errors: Earlier errors of the candidates, shape (N, C).
        mixed: The candidates, shape (N, H, C).
        y: Outcomes, shape (N, H); NaN where they are not known.
        weight: How much each counts, shape (N,): less where the network that it begins with is far off, as after an
            event that nothing before it shows.
    """

    step: Array
    errors: Array
    mixed: Array
    y: Array
    weight: Array

    @classmethod
    def of(cls, weights: Weights, seen: Seen, y: Array) -> Self:
        """Windows of a network with outcomes (N, H) in units of each window."""
        over = np.exp(-seen.spread)[:, None]
        mixed = seen.mixed * over[..., None]
        middle = np.median(mixed, axis=2)
        known = np.clip(y * over, middle - FARTHEST, middle + FARTHEST)
        step, errors = (part.astype(np.float64) for part in hidden(weights, seen))
        found = cls(step, errors, mixed, known, np.ones(len(y)))
        return replace(found, weight=USUAL / np.maximum(losses_of(weights, found), USUAL))

    def part(self, chosen: Any, steps: Any = slice(None)) -> "Windows":
        """Some windows, and some steps of them."""
        step, mixed, y = (one[chosen][:, steps] for one in (self.step, self.mixed, self.y))
        return Windows(step, self.errors[chosen], mixed, y, self.weight[chosen])


@one_thread()
def fine_tune(
    start: Weights,
    training: Windows,
    validation: Windows,
    config: TrainingConfig,
    *,
    rows: int,
    overlap: int,
    on_step: OnStep | None,
) -> Fit:
    """The weights after as many steps as are best on the validation windows; none may be.

    Args:
        rows: Training rows, on which depends how far a gain is believed that may be luck.
        overlap: Validation windows that share outcomes with one of them.
    """
    random = np.random.default_rng(config.seed)
    weights = {key: start[key].astype(float) for key in TRAINED}
    first = losses_of({**start, **weights}, validation)
    best, history = (
        {key: array.copy() for key, array in weights.items()},
        [Validation(0, None, _mean(first, validation.weight))],
    )
    steps = (config.max_steps or 0) if len(training.y) and len(validation.y) else 0
    due = {round(part * steps / config.validations) for part in range(1, config.validations + 1)}
    means, squares = ({key: np.zeros(array.shape) for key, array in weights.items()} for _ in range(2))
    lost: list[float] = []
    for step in range(1, steps + 1):
        batch = _draw(random, training)
        loss, gradient = gradient_of({**start, **weights}, batch)
        lost.append(loss)
        rate = RATE * config.learning_rate * (1 + np.cos(np.pi * (step - 1) / steps)) / 2
        for key, slope in gradient.items():
            means[key] = KEPT * means[key] + (1 - KEPT) * slope
            squares[key] = SQUARES * squares[key] + (1 - SQUARES) * slope**2
            size = np.sqrt(squares[key] / (1 - SQUARES**step)) + TINY
            weights[key] = weights[key] - rate * means[key] / (1 - KEPT**step) / size
        if step in due:
            found = _mean(losses_of({**start, **weights}, validation), validation.weight)
            if found < min(one.validation_loss for one in history):
                best = {key: array.copy() for key, array in weights.items()}
            history.append(Validation(step, float(np.mean(lost)), found))
            lost.clear()
        if on_step:
            on_step(Step(NAME, step, steps, loss, history[-1].validation_loss if step in due else None))
    share = _believed(validation.weight * np.log(first / losses_of({**start, **best}, validation)), rows, overlap)
    kept = {key: (start[key] + share * (best[key] - start[key])).astype(np.float32) for key in TRAINED}
    return Fit({**start, **kept}, tuple(history))


def _believed(gain: Array, rows: int, overlap: int) -> float:
    """How far to go towards the best weights, by the gain in logarithms of each validation window (N,)."""
    if not len(gain) or gain.mean() <= 0:
        return 0.0
    return 1.0 if diebold_mariano(gain, horizon=overlap) < SIGNIFICANCE else rows / (rows + PRIOR)


def _mean(losses: Array, weight: Array) -> float:
    """The geometric mean of the losses of windows (N,), with weights (N,): a few do not decide alone."""
    return float(np.exp(np.average(np.log(losses), weights=weight))) if len(losses) else 0.0


def _draw(random: np.random.Generator, seen: Windows) -> Windows:
    horizon = seen.y.shape[1]
    return seen.part(random.integers(len(seen.y), size=BATCH), random.permutation(horizon)[:STEPS])


def losses_of(weights: Weights, seen: Windows) -> Array:
    """The mean pinball loss of each window over its known outcomes, shape (N,)."""
    error = seen.y[..., None] - head(weights, seen.step, seen.errors, seen.mixed)
    levels, known = np.array(QUANTILES), np.isfinite(seen.y)
    lost = np.maximum(levels * error, (levels - 1) * error).mean(axis=-1)
    return np.asarray(np.where(known, lost, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)) + SMALLEST


def gradient_of(weights: Weights, seen: Windows) -> tuple[float, dict[str, Array]]:
    """The mean pinball loss over known outcomes, and its gradient for the trained weights."""
    count, half = len(NAMES), MEDIAN
    outputs = seen.step @ weights["head/kernel"] + weights["head/bias"]
    powers = outputs[..., :count] + (seen.errors @ weights["errors/kernel"])[:, None]
    shares = np.exp(powers - powers.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    middle = (shares * seen.mixed).sum(axis=-1)
    log_size, shift, raw = outputs[..., count], outputs[..., count + 1], outputs[..., count + 2 :]
    size, apart = np.exp(np.clip(log_size, -LARGEST, LARGEST)), np.logaddexp(0, raw)
    above, below = np.cumsum(apart[..., half:], axis=-1), np.cumsum(apart[..., :half], axis=-1)[..., ::-1]
    median = (middle + size * shift)[..., None]
    quantiles = np.concatenate([median - size[..., None] * below, median, median + size[..., None] * above], axis=-1)

    known, levels = np.isfinite(seen.y), np.array(QUANTILES)
    error = np.where(known, seen.y, 0)[..., None] - quantiles
    each = (known * seen.weight[:, None])[..., None] / (max(int(known.sum()), 1) * len(levels))
    loss = float((np.maximum(levels * error, (levels - 1) * error) * each).sum())
    slope = np.where(error > 0, -levels, 1 - levels) * each
    to_median = slope.sum(axis=-1)
    to_above = np.cumsum(slope[..., half + 1 :][..., ::-1], axis=-1)[..., ::-1]
    to_below = -np.cumsum(slope[..., :half], axis=-1)[..., ::-1]
    to_apart = np.concatenate([to_below, to_above], axis=-1)

    to_outputs = np.empty_like(outputs)
    to_outputs[..., :count] = shares * (seen.mixed - middle[..., None]) * to_median[..., None]
    inside = np.abs(log_size) < LARGEST
    to_outputs[..., count] = inside * size * (to_median * shift + (to_apart * apart).sum(axis=-1))
    to_outputs[..., count + 1] = to_median * size
    to_outputs[..., count + 2 :] = to_apart * size[..., None] / (1 + np.exp(-raw))
    flat = to_outputs.reshape(-1, outputs.shape[-1])
    return loss, {
        "head/kernel": seen.step.reshape(len(flat), -1).T @ flat,
        "head/bias": flat.sum(axis=0),
        "errors/kernel": seen.errors.T @ to_outputs[..., :count].sum(axis=1),
    }
