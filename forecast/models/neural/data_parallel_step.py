"""A training step of a crew: each process differentiates the loss of its own blocks, and the sum moves all networks.

    process 0:  own blocks -> gradients x known labels ┐
    process 1:  own blocks -> gradients x known labels ┴ sum -> / known labels of all -> optimiser, the same in each

What a process gives is the gradient of (mean loss + penalties) times its known labels, so that the sum over the crew,
divided by the known labels of all, is that of the mean loss over the whole batch plus the penalties.
"""

from collections.abc import Callable
from functools import lru_cache
from math import ceil, isqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forecast.runtime import devices
from forecast.runtime.distributed.process_group import ProcessGroup

if TYPE_CHECKING:
    import keras

Single = NDArray[np.float32]

# Networks whose compiled halves of a step are kept.
KEPT = 4


def step_together(network: "keras.Model", x: Single, y: Single, group: ProcessGroup, *, batch: int) -> float:
    """One step of the optimiser on the blocks of all processes; their loss.

    Args:
        x: The blocks of this process, shape (n, L+S-1, F+K); none is allowed.
        y: Their labels, shape (n, S, H), NaN where they are not known.
        batch: The blocks of all processes.
    """
    differentiate, apply = _halves(network, x.shape[1:], y.shape[1:])
    (total,) = group.sum([differentiate(*padded(x, y, batch // group.size or 1))])
    return float(apply(total.astype(np.float32)))


def padded(x: Single, y: Single, usual: int) -> tuple[Single, Single]:
    """Blocks without known labels behind those that there are, up to one of a few numbers: each is compiled once.

    The numbers are as far apart as the number of blocks usually strays from `usual`.
    """
    step = isqrt(usual)
    missing = ceil(max(len(x), 1) / step) * step - len(x)
    more = np.zeros((missing, *x.shape[1:]), x.dtype), np.full((missing, *y.shape[1:]), np.nan, y.dtype)
    return np.concatenate([x, more[0]]), np.concatenate([y, more[1]])


@lru_cache(maxsize=KEPT)
def _halves(
    network: "keras.Model", x_shape: tuple[int, ...], y_shape: tuple[int, ...]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """What comes before the sum, a vector of gradients, loss and count, and what comes after it.

    Both are traced once, for any number of blocks, and compiled by XLA for each.
    """
    import tensorflow as tf

    variables = network.trainable_variables
    shapes = [tuple(variable.shape) for variable in variables]
    sizes = [int(np.prod(shape)) for shape in shapes]

    signature = [tf.TensorSpec([None, *shape], tf.float32) for shape in (x_shape, y_shape)]

    @tf.function(input_signature=signature, jit_compile=devices.can_compile())  # type: ignore[untyped-decorator]
    def differentiate(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.cast(network.compute_loss(x=x, y=y, y_pred=network(x, training=True)), tf.float32)
            known = tf.reduce_sum(tf.cast(~tf.math.is_nan(y), tf.float32))
            loss = loss * known
        gradients = tape.gradient(loss, variables)
        return tf.concat([*(tf.reshape(gradient, [-1]) for gradient in gradients), [loss, known]], 0)

    @tf.function(jit_compile=devices.can_compile())  # type: ignore[untyped-decorator]
    def apply(total: Any) -> Any:
        count = tf.maximum(total[-1], 1.0)
        parts = tf.split(total[:-2] / count, sizes)
        network.optimizer.apply_gradients(
            [
                (tf.reshape(part, shape), variable)
                for part, shape, variable in zip(parts, shapes, variables, strict=True)
            ]
        )
        return total[-2] / count

    return differentiate, apply
