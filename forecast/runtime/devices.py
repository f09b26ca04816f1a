"""How Keras uses this machine: quick import, compiled programs on disk, GPUs. Nothing has to be set.

One GPU computes in bfloat16, with weights in float32. Several GPUs share each batch: through TensorFlow's
MirroredStrategy, or Keras' DataParallel on JAX.
"""

import hashlib
import json
import os
import platform
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import lru_cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader, find_spec
from pathlib import Path
from stat import S_ISREG
from types import ModuleType
from typing import Any

import numpy as np

from forecast.errors import ConfigError
from forecast.runtime import lifeline

# The package whose modules hold TensorFlow's public names, one a namespace.
NAMES = "tensorflow._api.v2"
# Most bytes of compiled programs on disk, those of all versions together.
CACHE_SIZE = 512 << 20


@contextmanager
def _hide(*packages: str) -> Iterator[None]:
    """Hide packages that are not loaded yet from the imports in the block."""
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import fail
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


class _AtFirstUse(MetaPathFinder):
    """Finds the modules of TensorFlow's public names, each to be loaded when the first of its names is asked for.

    Not where TensorFlow has a package of the same name: when that is imported, it would take the module's place.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(f"{NAMES}.")
        if package or not name or not path:
            return None
        folders = Path(next(iter(path))).parts
        tensorflow = Path(*folders[: folders.index("_api")])
        if (tensorflow / name.partition(".")[0]).is_dir():
            return None
        found = PathFinder.find_spec(fullname, path, target)
        if found and found.loader:
            found.loader = LazyLoader(found.loader)
        return found


@contextmanager
def _at_first_use() -> Iterator[None]:
    """Have TensorFlow's public names wait for their first use, if the block imports it."""
    finder = _AtFirstUse()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def load_keras() -> None:
    """Import Keras without what this program does not use: scikit-learn and Matplotlib alone take 0.8 s to load.

    Of TensorFlow's public names, `tf.lite` or `tf.compat.v1`, each module waits for its first use: all of them import a
    thousand others.

    With a backend other than TensorFlow, TensorFlow is not loaded either; Keras looks for it when it saves a network.

    Raises:
        ConfigError: the backend of Keras is not installed.
    """
    lifeline.use_signal_stack()
    if "keras" in sys.modules:
        return
    _check_backend(_chosen_backend())
    set_compile_cache()
    unused = () if _chosen_backend() == "jax" else ("jax",)  # which TensorFlow loads if it is there
    with _hide("sklearn", "matplotlib", *unused), _at_first_use(), _quiet():
        import keras
    if keras.backend.backend() != "tensorflow":
        with _hide("tensorflow"):
            _ = keras.src.utils.module_utils.tensorflow.available


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the compiled parts of TensorFlow, which write to file descriptor 2, unless the user chose their level."""
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") != "3":
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _check_backend(backend: str) -> None:
    if find_spec(backend) is None:
        raise ConfigError(
            f"Keras' backend must be installed. KERAS_BACKEND asks for {backend}, which is not: "
            f"pip install 'honest-forecast[{backend}]'."
        )


def _chosen_backend() -> str:
    """The backend that Keras will use, by its variable or its file in the user's home."""
    if backend := os.environ.get("KERAS_BACKEND"):
        return backend
    try:
        home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
        return str(json.loads((home / "keras.json").read_text())["backend"])
    except (OSError, ValueError, KeyError):
        return "tensorflow"


def set_compile_cache() -> None:
    """Have XLA keep compiled programs on disk for the next process; settings of the user come first.

    There is a folder for each kind of processor and version of the libraries.
    """
    from importlib.metadata import version

    import platformdirs

    versions = [version(name) for name in ("keras", "tensorflow")]
    kind = hashlib.sha256(" ".join([platform.machine(), _processor(), *versions]).encode()).hexdigest()[:16]
    kinds = platformdirs.user_cache_path("forecast") / "compiled"
    folder = kinds / kind
    remove_oldest(kinds, most=CACHE_SIZE)
    flags = f"--tf_xla_persistent_cache_directory={folder} --tf_xla_persistent_cache_device_types=CPU"
    os.environ.setdefault("TF_XLA_FLAGS", flags)
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")


def remove_oldest(folder: Path, *, most: int) -> None:
    """Remove the files in a folder that were used least recently, until the others have at most `most` bytes."""
    found = []
    for file in folder.rglob("*"):
        with suppress(OSError):  # another process has removed it
            status = file.stat()
            if S_ISREG(status.st_mode):
                found.append((max(status.st_atime, status.st_mtime), status.st_size, file))
    kept = 0
    for _, size, file in sorted(found, reverse=True):
        kept += size
        if kept > most:
            with suppress(OSError):
                file.unlink()


def _processor() -> str:
    """A description of the processor: processors with different ones do not run each other's programs."""
    flags = Path("/proc/cpuinfo")
    if not flags.is_file():
        return platform.processor()
    return "".join(line for line in flags.read_text().splitlines()[:30] if line.startswith(("flags", "model name")))


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


def seed(number: int) -> None:
    """Seed the weights and the dropout of Keras.

    Keras draws both from seeds that it takes from Python and numpy. Its own function would load TensorFlow with any
    backend, and have TensorFlow prepare each compiled step anew, a third of a second for each training.
    """
    import keras

    if keras.backend.backend() == "torch":
        keras.utils.set_random_seed(number)
        return
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002


def can_compile() -> bool:
    """Whether XLA compiles the training step; not with PyTorch, nor where mirrored replicas communicate in it."""
    import keras

    return keras.backend.backend() != "torch" and not (keras.backend.backend() == "tensorflow" and gpus() > 1)


def scope() -> AbstractContextManager[Any]:
    """The context in which a network is built, so that each of several GPUs gets a share of every batch."""
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
    """Give layers that are built in the block bfloat16 with float32 weights, if there are GPUs."""
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
