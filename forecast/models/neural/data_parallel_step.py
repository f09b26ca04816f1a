"""One training step by several processes: synchronous data parallelism (Goyal et al. 2017, arXiv:1706.02677).

    process 0:  its share of the batch -> gradients x known labels ┐
    process 1:  its share of the batch -> gradients x known labels ┴ sum -> / known labels of all -> optimiser in each

What a process adds is the gradient of (mean loss + penalties) times its known labels, so that the sum, divided by the
known labels of all, is the gradient of the mean loss over the whole batch plus the penalties.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forecast.runtime import devices
from forecast.runtime.distributed.process_group import ProcessGroup

if TYPE_CHECKING:
    import keras

# Networks whose compiled steps are kept.
KEPT = 4


def data_parallel_step(
    network: "keras.Model", x: NDArray[np.float32], y: NDArray[np.float32], group: ProcessGroup
) -> float:
    """Take one step of the optimiser on a batch that all processes of a group hold; return its loss.

    Args:
        x: Blocks, shape (N, L+S-1, F+K), at least one for each process.
        y: Their labels, shape (N, S, H), NaN where they are not known.
    """
    first, stop = (len(x) * rank // group.size for rank in (group.rank, group.rank + 1))
    differentiate, apply = _compile_step(network, x.shape[1:], y.shape[1:])
    total = group.all_reduce(differentiate(x[first:stop], y[first:stop]))
    return float(apply(total.astype(np.float32)))


@lru_cache(maxsize=KEPT)
def _compile_step(
    network: "keras.Model", x_shape: tuple[int, ...], y_shape: tuple[int, ...]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The step before the sum, which gives a vector of gradients, loss and count; and the step after it."""
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
        gradients = [tf.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]
        network.optimizer.apply_gradients(list(zip(gradients, variables, strict=True)))
        return total[-2] / count

    return differentiate, apply
