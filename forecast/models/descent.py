"""Gradient descent: a fixed number of steps on blocks drawn at random, the best weights on validation rows kept.

Adam (Kingma and Ba 2015), the gradient's norm clipped, a short warm-up and a cosine decay (Loshchilov and Hutter
2017). The untrained network takes part in the choice, so that training cannot make the validation loss worse.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecast.config import QUANTILES, Loss, TrainingConfig
from forecast.errors import ModelError
from forecast.models.contract import Fit, Progress, Step, Validation, Weights
from forecast.windows import Blocks

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float64]


def descend(
    network: "keras.Model",
    *,
    draw: Callable[[], Blocks],
    named_weights: Callable[["keras.Model"], Weights],
    predict: Callable[[Weights], Array],
    y_validation: Array,
    training: TrainingConfig,
    progress: Progress | None,
) -> Fit:
    """Trains `network` in place and returns its best weights on the validation rows.

    Ctrl-C ends the training, not the program: the best weights so far are returned and `interrupted` says so.

    Args:
        draw: Gives the blocks of the next step.
        predict: Normalised outputs (N, S, H, Q) for the validation blocks with the given weights.
        y_validation: Their labels, shape (N, S, H).
    """
    _compile(network, training)
    due = {round(part * training.steps / training.validations) for part in range(training.validations + 1)}
    history: list[Validation] = []
    losses: list[float] = []
    best, interrupted = named_weights(network), False
    try:
        for step in range(training.steps + 1):
            if step:
                losses.append(_step(network, draw))
                if progress:
                    progress(Step(network.name, step, training.steps, losses[-1]))
            if step in due:
                weights = named_weights(network)
                validation_loss = loss_of(predict(weights), y_validation, training.loss)
                _check_finite(validation_loss, step, training)
                if all(validation_loss < earlier.validation_loss for earlier in history):
                    best = weights
                history.append(Validation(step, float(np.mean(losses)) if losses else None, validation_loss))
                losses.clear()
    except KeyboardInterrupt:
        interrupted = True
    return Fit(best, tuple(history), interrupted)


def _step(network: "keras.Model", draw: Callable[[], Blocks]) -> float:
    """One step of the optimiser on the next blocks; their loss."""
    blocks = draw()
    y = np.clip(blocks.y, -LARGEST, LARGEST).astype(np.float32)
    return float(network.train_on_batch(blocks.x, y))


def _check_finite(validation_loss: float, step: int, training: TrainingConfig) -> None:
    if not np.isfinite(validation_loss):
        raise ModelError(
            f"training diverged at step {step}: the validation loss is {validation_loss}. "
            f"Use a smaller --learning-rate than {training.learning_rate:g}."
        )


# Labels beyond this many scales are cut: they come from windows that hardly moved before a jump.
LARGEST = 1e3


def loss_of(outputs: Array, y: Array, loss: Loss) -> float:
    """The mean loss of outputs (..., H, Q) against labels (..., H), as in training."""
    error = np.clip(y, -LARGEST, LARGEST)[..., None] - outputs
    if loss == "mse":
        return float(np.square(error).mean())
    levels = np.array(QUANTILES)
    return float(np.maximum(levels * error, (levels - 1) * error).mean())


def _compile(network: "keras.Model", training: TrainingConfig) -> None:
    import keras

    schedule = keras.optimizers.schedules.CosineDecay(
        0.1 * training.learning_rate,
        decay_steps=training.steps,
        warmup_target=training.learning_rate,
        warmup_steps=max(1, training.steps // 10),
    )
    network.compile(
        optimizer=keras.optimizers.Adam(schedule, clipnorm=training.clip_norm),
        loss=_pinball if training.loss == "pinball" else _squared,
        jit_compile=True,  # halves the time of a recurrent step; every block has the same shape, so it compiles once
    )


def _pinball(y_true: "keras.KerasTensor", y_pred: "keras.KerasTensor") -> "keras.KerasTensor":
    """Quantile loss (Koenker and Bassett 1978): labels (N, S, H) against quantiles (N, S, H, Q)."""
    from keras import ops

    levels = ops.convert_to_tensor(QUANTILES, dtype="float32")
    error = ops.expand_dims(y_true, -1) - y_pred
    return ops.mean(ops.maximum(levels * error, (levels - 1) * error))


def _squared(y_true: "keras.KerasTensor", y_pred: "keras.KerasTensor") -> "keras.KerasTensor":
    from keras import ops

    return ops.mean(ops.square(y_true - ops.reshape(y_pred, ops.shape(y_true))))  # Keras may have cut the last axis
