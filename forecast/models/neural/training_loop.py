"""Gradient descent: a fixed number of steps on blocks drawn at random; the best weights on validation rows are kept.

Adam (Kingma and Ba 2015) or another optimiser, with the norm of the whole gradient clipped, a short warm-up and a
cosine decay of the learning rate (Loshchilov and Hutter 2017). The untrained network takes part in the choice of the
best weights, so that training cannot make the validation loss worse.

A network is compiled once in a process for all trainings of one shape, whatever the series, the seed, the number of
steps and the learning rate.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from math import cos, pi
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forecast.config import QUANTILES, ExperimentConfig, LossFunction, OptimizerName, TrainingConfig
from forecast.errors import ModelError
from forecast.metrics.metrics import SMALLEST, log_loss
from forecast.models.estimator import Callbacks, Fit, Problem, Step, Validation, Weights
from forecast.models.neural.architecture import named_weights
from forecast.models.neural.checkpoints import Checkpoint, Logs, State
from forecast.models.neural.data_parallel_step import data_parallel_step
from forecast.runtime import devices, lifeline
from forecast.runtime.distributed import process_group
from forecast.typing import Array

if TYPE_CHECKING:
    import keras

Batch = tuple[NDArray[np.float32], Array]

# The only layer that a frozen network trains.
HEAD = "head"
# Compiled networks that are kept for the next training: one of each kind, and a few of other shapes.
KEPT = 16
# The first and the last learning rate as a share of the highest, and the share of the steps until it is reached.
FIRST_RATE, WARM_UP = 0.1, 0.1
# Of stochastic gradient descent.
MOMENTUM = 0.9
# Labels are cut at this many scales: larger ones come from windows that hardly moved before a jump.
LARGEST = 1e3


@dataclass(frozen=True)
class Program:
    """What is compiled: the network of `build(kind, problem, length=...)`; of a frozen one only the head is trained."""

    kind: str
    problem: Problem
    build: Callable[..., "keras.Model"]
    length: int
    frozen: bool = False


def fit_network(
    program: Program,
    *,
    start: Weights,
    draw_batch: Callable[[], Batch],
    random: np.random.Generator,
    predict: Callable[[Weights], Array],
    y_validation: Array,
    training: TrainingConfig,
    callbacks: Callbacks,
) -> Fit:
    """Train a network and return its best weights on the validation rows.

    Ctrl-C ends the training, not the program: the best weights so far are returned, with `interrupted`. The processes
    of a group share the work of each step; there Ctrl-C ends the program, for the other processes go on. SIGTERM and
    SIGHUP end it as well.

    Args:
        start: Initial weights of some layers or all; Keras draws the others.
        draw_batch: Gives inputs (N, L+S-1, F+K) and labels (N, S, H) of the next step; unknown labels are NaN.
        random: The generator that `draw_batch` uses, whose state a checkpoint keeps.
        predict: Normalised outputs (M, S, H, Q) of the validation blocks with the given weights.
        y_validation: Their labels, shape (M, S, H).
    Raises:
        ModelError: the training diverged.
    """
    steps, config = training.max_steps or 0, program.problem.config
    due = {round(part * steps / training.validations) for part in range(training.validations + 1)}
    group = process_group.current()
    network = _initialise(program, training, start)
    checkpoint = Checkpoint.of(callbacks.checkpoint, program.kind, program.problem, training, y_validation)
    state = checkpoint.restore(network, random) or State(best=named_weights(network))
    logs = Logs(callbacks.logs, program.kind, training.seed)
    losses: list[float] = []
    interrupted = False
    try:
        for step in range(state.step, steps + 1):
            if step:
                losses.append(_train_step(network, draw_batch(), learning_rate_at(step, training), group))
                _report(Step(program.kind, step, steps, losses[-1]), callbacks, logs)
            if step in due:
                weights = named_weights(network)
                validation_loss = group.mean(loss_of(predict(weights), y_validation, config.loss))
                state = _after_validation(state, step, losses, weights, validation_loss, config)
                checkpoint.save(network, random, state)
                _report(Step(program.kind, step, steps, *_last_losses(state)), callbacks, logs)
                losses.clear()
                if training.patience and state.since_best > training.patience:
                    break
    except KeyboardInterrupt:
        if group.size > 1 or lifeline.received():
            raise
        interrupted = True
    finally:
        logs.close()
    return Fit(state.best, state.history, interrupted)


def _after_validation(
    state: State, step: int, losses: list[float], weights: Weights, validation_loss: float, config: ExperimentConfig
) -> State:
    if not np.isfinite(validation_loss):
        raise ModelError(
            f"training diverged at step {step}: the validation loss is {validation_loss}. "
            f"Use a smaller --learning-rate than {config.training.learning_rate:g}."
        )
    validation = Validation(step, float(np.mean(losses)) if losses else None, validation_loss)
    better = all(validation_loss < earlier.validation_loss for earlier in state.history)
    return State(
        best=weights if better else state.best,
        step=step + 1,
        history=(*state.history, validation),
        since_best=0 if better else state.since_best + 1,
    )


def _last_losses(state: State) -> tuple[float, float]:
    last = state.history[-1]
    return (float("nan") if last.loss is None else last.loss), last.validation_loss


def _report(step: Step, callbacks: Callbacks, logs: Logs) -> None:
    logs.write(step)
    if callbacks.progress and (step.step or step.validation_loss is not None):
        callbacks.progress(step)


def _train_step(network: "keras.Model", batch: Batch, rate: float, group: process_group.ProcessGroup) -> float:
    """Take one step of the optimiser on a batch; return its loss."""
    x, y = batch[0], np.clip(batch[1], -LARGEST, LARGEST).astype(np.float32)
    network.optimizer.learning_rate = rate
    if group.size > 1:
        return data_parallel_step(network, x, y, group)
    return _to_float(network.train_on_batch(x, y))


def _to_float(loss: Any) -> float:
    """The loss that Keras returns as a number, or the exception that Keras swallowed while it waited for the number.

    Keras catches any exception of that moment, Ctrl-C too, and returns the tensor (keras-team/keras#22485).
    """
    if isinstance(loss, float):
        return loss
    float(loss)
    raise KeyboardInterrupt


def learning_rate_at(step: int, training: TrainingConfig) -> float:
    """The learning rate of a step, counted from 1: a short warm-up, then a cosine that ends near 0."""
    steps, highest = training.max_steps or 1, training.learning_rate
    before, warm = step - 1, max(1, int(WARM_UP * steps))
    if before < warm:
        return highest * (FIRST_RATE + (1 - FIRST_RATE) * before / warm)
    return highest * (1 + cos(pi * (before - warm) / steps)) / 2


def loss_of(outputs: Array, y: Array, loss: LossFunction) -> float:
    """The mean loss of outputs (..., H, Q) against labels (..., H) that are known, as in training."""
    if loss == "entropy":
        return log_loss(y[np.isfinite(y)], outputs[np.isfinite(y)])
    error = np.clip(y, -LARGEST, LARGEST)[..., None] - outputs
    error = error[np.isfinite(y)]
    levels = np.array(QUANTILES)
    losses = np.square(error) if loss == "mse" else np.maximum(levels * error, (levels - 1) * error)
    return float(losses.mean())


def _initialise(program: Program, training: TrainingConfig, start: Weights) -> "keras.Model":
    """A compiled network with the weights of `start`, the others drawn from the seed alone, and a new optimiser.

    One that is compiled just now has them already.
    """
    import keras

    before = _compile.cache_info().misses
    devices.seed(training.seed)
    network = _compile(_without_unused_settings(program))
    if _compile.cache_info().misses == before:
        with devices.policy():
            fresh = program.build(program.kind, program.problem, length=program.length)
        for variable, value in zip(network.variables, fresh.variables, strict=True):
            variable.assign(value)
        for variable in network.optimizer.variables:
            variable.assign(keras.ops.zeros(variable.shape, variable.dtype))
    for layer in network.layers:
        for weight in layer.weights:
            if (name := f"{layer.name}/{weight.name}") in start:
                weight.assign(start[name])
    return network


def _without_unused_settings(program: Program) -> Program:
    """The program with those settings alone that change what is compiled, as the key of the compiled networks."""
    problem, config = program.problem, program.problem.config
    training = config.training
    unused: dict[str, Any] = {
        "highway": False,
        **({"units": 1, "depth": 1} if program.kind == "stack" else {"layers": ""}),
    }
    config = ExperimentConfig(
        lookback=problem.lookback,
        horizon=config.horizon,
        task=config.task,
        network=replace(config.network, **unused),
        training=TrainingConfig(
            loss=training.loss,
            labels=training.labels,
            batch=training.batch,
            optimizer=training.optimizer,
            clip_norm=training.clip_norm,
        ),
    )
    return replace(program, problem=replace(problem, config=config, season=1))


@lru_cache(maxsize=KEPT)
def _compile(program: Program) -> "keras.Model":

    training = program.problem.config.training
    with devices.scope(), devices.policy():
        network = program.build(program.kind, program.problem, length=program.length)
        for layer in network.layers:
            layer.trainable = layer.name == HEAD or not program.frozen
        network.compile(
            optimizer=_optimizer(training),
            loss={"pinball": _pinball, "mse": _squared_error, "entropy": _cross_entropy}[program.problem.config.loss],
            jit_compile=devices.can_compile(),  # halves the time of a recurrent step
        )
        network.optimizer.build(network.trainable_variables)
    return network


def _optimizer(training: TrainingConfig) -> "keras.optimizers.Optimizer":
    """The optimiser of a configuration, with the norm of the whole gradient clipped (Pascanu et al. 2013)."""
    import keras

    kinds: dict[OptimizerName, Callable[..., Any]] = {
        "adam": keras.optimizers.Adam,
        "sgd": partial(keras.optimizers.SGD, momentum=MOMENTUM),
        "rmsprop": keras.optimizers.RMSprop,
        "adamw": keras.optimizers.AdamW,
    }
    return kinds[training.optimizer](global_clipnorm=training.clip_norm, name=training.optimizer)


def _pinball(y_true: Any, y_pred: Any) -> Any:
    """Quantile loss (Koenker and Bassett 1978): labels (N, S, H) against quantiles (N, S, H, Q)."""
    from keras import ops

    levels = ops.convert_to_tensor(QUANTILES, dtype="float32")
    y_true, known = _known_labels(y_true)
    error = ops.expand_dims(y_true, -1) - ops.cast(y_pred, "float32")
    loss = ops.mean(ops.maximum(levels * error, (levels - 1) * error), axis=-1)
    return ops.sum(loss * known) / ops.maximum(ops.sum(known), 1.0)


def _squared_error(y_true: Any, y_pred: Any) -> Any:
    """Labels (N, S, H) against means (N, S, H, 1), of which Keras may have cut the last axis."""
    from keras import ops

    y_pred = ops.cast(ops.reshape(y_pred, ops.shape(y_true)), "float32")
    y_true, known = _known_labels(y_true)
    return ops.sum(ops.square(y_true - y_pred) * known) / ops.maximum(ops.sum(known), 1.0)


def _cross_entropy(y_true: Any, y_pred: Any) -> Any:
    """Classes (N, S, 1) against their probabilities (N, S, 1, K)."""
    from keras import ops

    y_pred = ops.cast(y_pred, "float32")
    y_true, known = _known_labels(y_true)
    chosen = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1])
    loss = -ops.log(ops.maximum(ops.sum(chosen * y_pred, axis=-1), SMALLEST))
    return ops.sum(loss * known) / ops.maximum(ops.sum(known), 1.0)


def _known_labels(y_true: Any) -> tuple[Any, Any]:
    """Labels with 0 in place of those that are not known, and 1 where they are known, else 0."""
    from keras import ops

    unknown = ops.isnan(y_true)
    return ops.where(unknown, 0.0, y_true), ops.cast(ops.logical_not(unknown), "float32")
