"""What this machine trains on: nothing to set on one without GPUs, and nothing on one with them.

One GPU computes in bfloat16 where that is faster, with weights in float32. Several share each batch: through
TensorFlow's MirroredStrategy, or Keras' DataParallel on JAX.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1)
def gpus() -> int:
    """GPUs that the backend of Keras sees."""
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow

        return len(tensorflow.config.list_logical_devices("GPU"))
    if backend == "jax":
        import jax

        return sum(device.platform != "cpu" for device in jax.devices())
    if backend == "torch":
        import torch

        return int(torch.cuda.device_count())
    return 0


def can_compile() -> bool:
    """Whether the training step is compiled by XLA: PyTorch has none, and mirrored replicas talk to one another."""
    import keras

    return keras.backend.backend() != "torch" and not (keras.backend.backend() == "tensorflow" and gpus() > 1)


def scope() -> AbstractContextManager[Any]:
    """Where a network is made, so that each of several GPUs gets a part of every batch."""
    if gpus() < 2:
        return nullcontext()
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow

        mirrored: AbstractContextManager[Any] = tensorflow.distribute.MirroredStrategy().scope()
        return mirrored
    if keras.backend.backend() == "jax":
        keras.distribution.set_distribution(keras.distribution.DataParallel())
    return nullcontext()


@contextmanager
def policy() -> Iterator[None]:
    """The number format of layers that are made within: bfloat16 with float32 weights on GPUs."""
    import keras

    if not gpus():
        yield
        return
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
