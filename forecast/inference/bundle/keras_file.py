"""`model.keras` as a runtime: Keras forecasts in place of the equations, to compare, or for a backend of one's own.

The file is opened in Keras' safe mode, and only if it names nothing but Keras' own layers and, for `sru`, the cell of
this program; sizes are checked before.
"""

import io
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from forecast.data.windows import Blocks
from forecast.errors import BundleError
from forecast.inference.bundle.opening import open_model
from forecast.inference.bundle.storage import DAMAGED, KERAS, MOST_RATIO, SMALL, check_directory, opened, read
from forecast.inference.trained_model import TrainedModel
from forecast.models import Problem, Weights
from forecast.models.neural.network import Network
from forecast.typing import Array

MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
MODULES = {None, "builtins", "keras", "keras.layers", "keras.initializers", "keras.regularizers", "keras.activations"}
MODULES |= {"keras.src.models.functional", "forecast.models.neural.sru_cell", "keras.constraints"}
CELL = "forecast>SRUCell"


@dataclass(frozen=True)
class KerasNetwork(Network):
    """A network whose outputs Keras computes."""

    network: Any = None

    def quantiles(
        self,
        weights: Weights,
        several: Sequence[Blocks],
        problem: Problem,  # noqa: ARG002
    ) -> list[Array]:
        """The highway is a part of the saved network."""
        found = []
        for blocks in several:
            outputs = np.asarray(self._run(blocks), np.float64)
            found.append(np.sort(outputs + weights["residual_quantiles"] if "residual_quantiles" in weights else outputs, axis=-1))
        return found

    def _probabilities(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:  # noqa: ARG002
        return np.asarray(self._run(blocks), np.float64)[:, 0, 0]

    def _run(self, blocks: Blocks) -> Any:
        both = len(self.network.inputs) == 2
        inputs = [blocks.x, blocks.ahead.astype(np.float32)] if both else blocks.x
        return self.network.predict(inputs, batch_size=256, verbose=0)


def open_in_keras(path: str | Path) -> TrainedModel:
    """A model whose forecasts Keras computes.

    Raises:
        BundleError: it is no network, or what `open_model` refuses, or `model.keras` names what is no layer of Keras.
    """
    path, model = Path(path), open_model(path)
    with opened(path) as storage:
        if storage.size(KERAS) is None:
            raise BundleError(f"{path}: {model.model} is no network, and has no {KERAS}. Leave out --backend keras.")
        content = read(storage, KERAS, path)
    _check(content, path / KERAS)
    name, summary = model.model, "the same network in Keras"
    return replace(model, runtime=KerasNetwork(name, summary, network=_load(content, path / KERAS)))


def _check(content: bytes, path: Path) -> None:
    """Refuses members, sizes and classes that no network of this program has."""
    check_directory(io.BytesIO(content), path)
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            sizes = [(member.file_size, member.compress_size) for member in members]
            large = any(size > SMALL and size > MOST_RATIO * packed for size, packed in sizes)
            if {member.filename for member in members} != MEMBERS or large:
                raise BundleError(
                    f"{path}: a network is saved as {', '.join(sorted(MEMBERS))}. Do not trust this file."
                )
            config = json.loads(archive.read("config.json"))
    except DAMAGED as error:
        raise BundleError(f"{path}: the file is damaged. Copy the bundle again.") from error
    _check_classes(config, path)


def _check_classes(config: Any, path: Path) -> None:
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            own = value.get("registered_name") in (None, CELL, value.get("class_name"))
            if "class_name" in value and not (own and value.get("module") in MODULES):
                named = f"{value.get('module')}.{value['class_name']}"[:80]
                raise BundleError(
                    f"{path}: a network is made of Keras' layers. Received: {named!r}. Do not trust this file."
                )
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _load(content: bytes, path: Path) -> Any:
    import keras

    from forecast.models.neural import sru_cell as sru  # noqa: F401  its cell is registered by name

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / KERAS
        file.write_bytes(content)
        try:
            return keras.saving.load_model(file, compile=False, safe_mode=True)
        except (ValueError, TypeError, KeyError, OSError, AttributeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise BundleError(f"{path}: Keras cannot open the network. {reason}. Train the model again.") from error
