"""Gradient descent: a fixed number of steps on blocks drawn at random, the best weights on validation rows kept.

Adam (Kingma and Ba 2015), the gradient's norm clipped, a short warm-up and a cosine decay (Loshchilov and Hutter
2017). The untrained network takes part in the choice, so that training cannot make the validation loss worse.

A network is compiled once for all trainings of one shape in a process, whatever the series, the seed, the number of
steps and the learning rate.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from math import cos, pi
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forecast.config import QUANTILES, ExperimentConfig, LossFunction, TrainingConfig
from forecast.errors import ModelError
from forecast.metrics.metrics import SMALLEST, log_loss
from forecast.models.estimator import Callbacks, Fit, Problem, Step, Validation, Weights
from forecast.models.neural.checkpoints import Checkpoint, Logs, State
from forecast.models.neural.data_parallel_step import data_parallel_step
from forecast.runtime import devices
from forecast.runtime.distributed.process_group import ProcessGroup, current
from forecast.typing import Array

if TYPE_CHECKING:
    import keras

Batch = tuple[NDArray[np.float32], Array]

# The layer that learns even if the others are frozen.
HEAD = "head"
# Compiled networks that are kept for the next training: those of a comparison of all kinds, and of a few more settings.
KEPT = 16
# The first and the last learning rate as a share of the highest, and the share of the steps until it is reached.
FIRST_RATE, WARM_UP = 0.1, 0.1
# Labels beyond this many scales are cut: they come from windows that hardly moved before a jump.
LARGEST = 1e3


@dataclass(frozen=True)
class Program:
    """A network to be trained: `build(kind, problem, length=...)` makes it; of a frozen one the head alone learns."""

    kind: str
    problem: Problem
    build: Callable[..., "keras.Model"]
    length: int
    frozen: bool = False


@dataclass(frozen=True, eq=False)
class Compiled:
    """A network that is ready to be trained, and the numbers of the functions that TensorFlow makes of it."""

    network: "keras.Model"
    numbers: Iterator[int]


def fit_network(
    program: Program,
    *,
    start: Weights,
    draw: Callable[[], Batch],
    random: np.random.Generator,
    named_weights: Callable[["keras.Model"], Weights],
    predict: Callable[[Weights], Array],
    y_validation: Array,
    training: TrainingConfig,
    callbacks: Callbacks,
) -> Fit:
    """Trains a network and returns its best weights on the validation rows.

    Ctrl-C ends the training, not the program: the best weights so far are returned and `interrupted` says so. In a
    process group it ends the program, for the other processes go on. A group shares the work of each step.

    Args:
        start: Weights that do not begin as Keras draws them.
        draw: Gives the inputs and labels of the next step; labels that are not known are NaN.
        random: What `draw` takes its numbers from, so that a checkpoint can keep its state.
        predict: Normalised outputs (N, S, H, Q) for the validation blocks with the given weights.
        y_validation: Their labels, shape (N, S, H).
    """
    steps = training.max_steps or 0
    due = {round(part * steps / training.validations) for part in range(training.validations + 1)}
    group = current()
    compiled = _fresh(program, training, start)
    network = compiled.network
    checkpoint = Checkpoint.of(callbacks.checkpoint, program.kind, program.problem, training, y_validation)
    state = checkpoint.restore(network, random) or State(best=named_weights(network))
    logs = Logs(callbacks.logs, program.kind, training.seed)
    losses: list[float] = []
    interrupted = False
    try:
        for step in range(state.step, steps + 1):
            if step:
                losses.append(_step(compiled, draw, rate_of(step, training), group))
                _tell(callbacks, Step(program.kind, step, steps, losses[-1]), logs)
            if step in due:
                config = program.problem.config
                weights = named_weights(network)
                validation_loss = group.mean(loss_of(predict(weights), y_validation, config.loss))
                state = _validated(state, step, losses, weights, validation_loss, config)
                checkpoint.keep(network, random, state)
                _tell(callbacks, Step(program.kind, step, steps, *_last(state)), logs)
                losses.clear()
                if training.patience and state.since_best > training.patience:
                    break
    except KeyboardInterrupt:
        if group.size > 1:
            raise
        interrupted = True
    finally:
        logs.close()
    return Fit(state.best, state.history, interrupted)


def _validated(
    state: State, step: int, losses: list[float], weights: Weights, validation_loss: float, config: ExperimentConfig
) -> State:
    """The state after a look at the validation rows."""
    if not np.isfinite(validation_loss):
        raise ModelError(
            f"training diverged at step {step}: the validation loss is {validation_loss}. "
            f"Use a smaller --learning-rate than {config.training.learning_rate:g}."
        )
    news = Validation(step, float(np.mean(losses)) if losses else None, validation_loss)
    better = all(validation_loss < earlier.validation_loss for earlier in state.history)
    return State(
        best=weights if better else state.best,
        step=step + 1,
        history=(*state.history, news),
        since_best=0 if better else state.since_best + 1,
    )


def _last(state: State) -> tuple[float, float]:
    news = state.history[-1]
    return (float("nan") if news.loss is None else news.loss), news.validation_loss


def _tell(callbacks: Callbacks, step: Step, logs: Logs) -> None:
    logs.write(step)
    if callbacks.progress and (step.step or step.validation_loss is not None):
        callbacks.progress(step)


def _step(compiled: Compiled, draw: Callable[[], Batch], rate: float, group: ProcessGroup) -> float:
    """One step of the optimiser on the next blocks; their loss."""
    x, y = draw()
    labels = np.clip(y, -LARGEST, LARGEST).astype(np.float32)
    compiled.network.optimizer.learning_rate = rate
    with devices.numbered(compiled.numbers):
        if group.size > 1:
            return data_parallel_step(compiled.network, x, labels, group)
        return _number(compiled.network.train_on_batch(x, labels))


def _number(loss: Any) -> float:
    """The loss that Keras gives, or what stopped Keras while it waited for it.

    Keras keeps any exception of that moment to itself, Ctrl-C too, and leaves the tensor (keras-team/keras#22485).
    """
    if isinstance(loss, float):
        return loss
    float(loss)
    raise KeyboardInterrupt


def rate_of(step: int, training: TrainingConfig) -> float:
    """The learning rate of a step, the first of which is 1: a short warm-up, then a cosine that ends near 0."""
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


def _fresh(program: Program, training: TrainingConfig, start: Weights) -> Compiled:
    """A compiled network with new weights, drawn from the seed alone."""
    import keras

    compiled = _compiled(_as_compiled(program))
    network = compiled.network
    devices.seed(training.seed)
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
    return compiled


def _as_compiled(program: Program) -> Program:
    """The program with those settings alone that change what is compiled."""
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
            loss=training.loss, labels=training.labels, batch=training.batch, clip_norm=training.clip_norm
        ),
    )
    return replace(program, problem=replace(problem, config=config, season=1))


@lru_cache(maxsize=KEPT)
def _compiled(program: Program) -> Compiled:
    import keras

    training = program.problem.config.training
    with devices.scope(), devices.policy():
        network = program.build(program.kind, program.problem, length=program.length)
        for layer in network.layers:
            layer.trainable = layer.name == HEAD or not program.frozen
        network.compile(
            optimizer=keras.optimizers.Adam(clipnorm=training.clip_norm, name="adam"),
            loss={"pinball": _pinball, "mse": _squared, "entropy": _entropy}[program.problem.config.loss],
            jit_compile=devices.can_compile(),  # halves the time of a recurrent step
        )
        network.optimizer.build(network.trainable_variables)
    return Compiled(network, _numbers(f"{program.kind} {program.problem} {program.length} {program.frozen}"))


_times: Counter[str] = Counter()


def _numbers(about: str) -> Iterator[int]:
    """Numbers that are the same in every process, and others for each time that the same is compiled in one."""
    _times[about] += 1
    digest = hashlib.sha256(f"{about} {_times[about]}".encode()).hexdigest()
    return count(int(digest[:12], 16))


def _pinball(y_true: Any, y_pred: Any) -> Any:
    """Quantile loss (Koenker and Bassett 1978): labels (N, S, H) against quantiles (N, S, H, Q)."""
    from keras import ops

    levels = ops.convert_to_tensor(QUANTILES, dtype="float32")
    y_pred = ops.cast(y_pred, "float32")
    known = ops.cast(ops.logical_not(ops.isnan(y_true)), "float32")
    error = ops.expand_dims(ops.where(ops.isnan(y_true), 0.0, y_true), -1) - y_pred
    loss = ops.mean(ops.maximum(levels * error, (levels - 1) * error), axis=-1)
    return ops.sum(loss * known) / ops.maximum(ops.sum(known), 1.0)


def _squared(y_true: Any, y_pred: Any) -> Any:
    from keras import ops

    y_pred = ops.cast(ops.reshape(y_pred, ops.shape(y_true)), "float32")  # Keras may have cut the last axis
    known = ops.cast(ops.logical_not(ops.isnan(y_true)), "float32")
    error = ops.where(ops.isnan(y_true), 0.0, y_true) - y_pred
    return ops.sum(ops.square(error) * known) / ops.maximum(ops.sum(known), 1.0)


def _entropy(y_true: Any, y_pred: Any) -> Any:
    """Cross-entropy: classes (N, S, 1) against their probabilities (N, S, 1, K)."""
    from keras import ops

    y_pred = ops.cast(y_pred, "float32")
    known = ops.cast(ops.logical_not(ops.isnan(y_true)), "float32")
    came = ops.one_hot(ops.cast(ops.where(ops.isnan(y_true), 0.0, y_true), "int32"), y_pred.shape[-1])
    loss = -ops.log(ops.maximum(ops.sum(came * y_pred, axis=-1), SMALLEST))
    return ops.sum(loss * known) / ops.maximum(ops.sum(known), 1.0)
