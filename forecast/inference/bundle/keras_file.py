"""Forecasts by Keras from `model.keras`, instead of the equations in numpy: to compare them, or for another backend.

The file is opened in Keras' safe mode, and only if it names nothing but Keras' own layers and, for `sru`, the cell of
this package, and if these have the sizes of the network that the rest of the bundle describes.
"""

import hashlib
import io
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from forecast.data.windows import Blocks
from forecast.errors import BundleError
from forecast.inference.bundle.opening import open_described
from forecast.inference.bundle.storage import KERAS, MOST_RATIO, SMALL, check_directory, opened, read
from forecast.inference.trained_model import TrainedModel
from forecast.models import Problem, Weights
from forecast.models.neural.architecture import with_weights
from forecast.models.neural.network import Network
from forecast.runtime.unpacking import DAMAGED
from forecast.typing import Array

# Files of a Keras archive, and modules that its layers may come from.
MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
MODULES = {None, "builtins", "keras", "keras.layers", "keras.initializers", "keras.regularizers", "keras.activations"}
MODULES |= {"keras.src.models.functional", "forecast.models.neural.sru_cell", "keras.constraints"}
CELL = "forecast>SRUCell"
# Settings of layers that decide how large they are.
SIZES = frozenset(
    ("units", "filters", "kernel_size", "cropping", "target_shape", "output_shape", "batch_shape", "shape", "axis", "n")
)
# Bytes of arrays in the file beyond those of the network's weights, which it may hold for each seed.
SPARE = 1 << 20


@dataclass(frozen=True)
class KerasNetwork(Network):
    """A network whose outputs Keras computes.

    Attributes:
        network: The opened `keras.Model`.
    """

    network: Any = None

    def predict_each(
        self,
        weights: Weights,
        several: Sequence[Blocks],
        problem: Problem,  # noqa: ARG002
    ) -> list[Array]:
        """Normalised quantiles of every label, shape (N, S, H, Q); the saved network includes the highway."""
        spread = weights.get("residual_quantiles", 0.0)
        return [np.sort(np.asarray(self._run(blocks), np.float64) + spread, axis=-1) for blocks in several]

    def _probabilities(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:  # noqa: ARG002
        return np.asarray(self._run(blocks), np.float64)[:, 0, 0]

    def _run(self, blocks: Blocks) -> Any:
        both = len(self.network.inputs) == 2
        inputs = [blocks.x, blocks.future.astype(np.float32)] if both else blocks.x
        return self.network.predict(inputs, batch_size=256, verbose=0)


def open_in_keras(path: str | Path) -> TrainedModel:
    """Open a bundle as a model whose forecasts Keras computes.

    Raises:
        BundleError: as `open_model`; the model is no network, or `model.keras` names something that is no Keras layer.
    """
    path = Path(path)
    model, fields = open_described(path)
    with opened(path) as storage:
        if storage.size(KERAS) is None or KERAS not in fields["files"]:
            raise BundleError(f"{path}: {model.model} is no network, and has no {KERAS}. Leave out --backend keras.")
        content = read(storage, KERAS, path)
    if hashlib.sha256(content).hexdigest() != fields["files"][KERAS]["sha256"]:
        raise BundleError(f"{path / KERAS}: the bundle was replaced while it was opened. Try again.")
    config, arrays = _check(content, path / KERAS)
    _check_arrays(arrays, most=2 * sum(array.nbytes for array in model.weights.values()) + SPARE, path=path / KERAS)
    _check_sizes(config, model, path / KERAS)
    network = _load(content, path / KERAS)
    return replace(model, runtime=KerasNetwork(model.model, "the same network in Keras", network=network))


def _check(content: bytes, path: Path) -> tuple[Any, bytes]:
    """Check the members of a Keras archive and the classes of its configuration; return that and the file of arrays."""
    check_directory(io.BytesIO(content), path)
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            sizes = [(member.file_size, member.compress_size) for member in members]
            large = any(size > SMALL and size > MOST_RATIO * packed for size, packed in sizes)
            if {member.filename for member in members} != MEMBERS or large:
                names = ", ".join(sorted(MEMBERS))
                raise BundleError(f"{path}: a Keras file holds {names}. Do not trust this file.")
            config, arrays = json.loads(archive.read("config.json")), archive.read("model.weights.h5")
    except DAMAGED as error:
        raise BundleError(f"{path}: the file is damaged. Copy the bundle again.") from error
    _check_classes(config, path)
    return config, arrays


def _check_classes(config: Any, path: Path) -> None:
    """Check every object of a configuration, however deep; without recursion, whose depth the file would decide."""
    unchecked = [config]
    while unchecked:
        value = unchecked.pop()
        if isinstance(value, dict):
            known = value.get("registered_name") in (None, CELL, value.get("class_name"))
            if "class_name" in value and not (known and value.get("module") in MODULES):
                named = f"{value.get('module')}.{value['class_name']}"[:80]
                raise BundleError(
                    f"{path}: a network is made of Keras' layers. Received: {named!r}. Do not trust this file."
                )
            unchecked.extend(value.values())
        elif isinstance(value, list):
            unchecked.extend(value)


def _check_arrays(content: bytes, *, most: int, path: Path) -> None:
    """Check, before an array is made, that all are in this file and no larger than the network's."""
    import h5py

    found: list[str] = []
    size = 0
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            file.visit_links(found.append)
            for name in found:
                one = file[name] if isinstance(file.get(name, getlink=True), h5py.HardLink) else None
                if one is None or (isinstance(one, h5py.Dataset) and (one.is_virtual or one.external)):
                    raise BundleError(f"{path}: the arrays of a network are in its own file. Do not trust this file.")
                size += one.nbytes if isinstance(one, h5py.Dataset) else 0
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{path}: the file is damaged. Copy the bundle again.") from error
    if size > most:
        raise BundleError(f"{path}: the arrays of this network have at most {most:,} bytes. Received: {size:,}.")


def _check_sizes(config: Any, model: TrainedModel, path: Path) -> None:
    """Check that the layers are as many and as large as those of the network that the bundle describes."""
    expected = with_weights(model.model, model.problem, model.weights).to_json()
    if _sizes(config) != _sizes(json.loads(expected)):
        raise BundleError(f"{path}: its layers must be those of {model.model} in bundle.json. Do not trust this file.")


def _sizes(config: Any) -> Counter[str]:
    """How often each kind of layer occurs with each size."""
    found, unseen = Counter[str](), [config]
    while unseen:
        value = unseen.pop()
        if isinstance(value, dict):
            settings = value.get("config")
            if "class_name" in value and isinstance(settings, dict):
                sizes = {name: settings[name] for name in sorted(SIZES & settings.keys())}
                found[f"{value['class_name']} {sizes} {value.get('build_config')}"] += 1
            unseen.extend(value.values())
        elif isinstance(value, list):
            unseen.extend(value)
    return found


def _load(content: bytes, path: Path) -> Any:
    import keras

    from forecast.models.neural import sru_cell  # noqa: F401  its import registers the cell by name

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / KERAS
        file.write_bytes(content)
        try:
            return keras.saving.load_model(file, compile=False, safe_mode=True)
        except (ValueError, TypeError, LookupError, OSError, AttributeError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise BundleError(f"{path}: Keras cannot open the network. {reason}. Train the model again.") from error
