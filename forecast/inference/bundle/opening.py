"""Open a bundle: everything is checked before it is used, and refused in one line."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forecast.errors import BundleError
from forecast.inference.bundle.arrays import read_arrays
from forecast.inference.bundle.description import array_shapes, config_of, damage_named, model_of, parse
from forecast.inference.bundle.storage import DESCRIPTION, KERAS, WEIGHTS, Storage, digest, opened, read
from forecast.inference.trained_model import TrainedModel
from forecast.models import find_model

# How often a bundle that is being replaced is opened again, and seconds between, times the number of attempts.
ATTEMPTS, PAUSE = 20, 0.01


def open_model(path: str | Path) -> TrainedModel:
    """Open a bundle, a folder or a zip file, without TensorFlow.

    Raises:
        BundleError: it is no bundle, is damaged or was edited, or has a format that this program does not open.
    """
    return open_described(path)[0]


def read_description(path: str | Path) -> dict[str, Any]:
    """The entries of `bundle.json` of a bundle that opens.

    Raises:
        BundleError: as `open_model`.
    """
    return open_described(path)[1]


def open_described(path: str | Path) -> tuple[TrainedModel, dict[str, Any]]:
    """The model of a bundle, and the entries of its `bundle.json`; one that is replaced meanwhile is opened again."""
    path = Path(path)
    for attempt in range(ATTEMPTS):
        before = identity(path)
        try:
            return _open(path)
        except BundleError:
            if identity(path) == before:
                raise
            time.sleep(PAUSE * attempt)
    return _open(path)


def identity(path: Path) -> tuple[int, ...]:
    """What changes when a bundle is replaced; empty where there is none."""
    try:
        found = [one.stat() for one in (path, path / DESCRIPTION if path.is_dir() else path)]
    except OSError:
        return ()
    return tuple(number for one in found for number in (one.st_dev, one.st_ino, one.st_mtime_ns, one.st_size))


def _open(path: Path) -> tuple[TrainedModel, dict[str, Any]]:
    try:
        return _read(path)
    except OSError as error:
        raise BundleError(f"{path}: the bundle cannot be read. {error.strerror or error}.") from error


def _read(path: Path) -> tuple[TrainedModel, dict[str, Any]]:
    with opened(path) as storage:
        if storage.size(DESCRIPTION) is None:
            raise BundleError(
                f"a saved model is a folder with {DESCRIPTION}, weights and network. {path} has none.{_models_in(path)}"
            )
        fields = parse(read(storage, DESCRIPTION, path), path)
        with damage_named(path):
            config = config_of(fields)
            shapes = array_shapes(fields, config)
            _check_files(storage, fields["files"], path)
            arrays = read_arrays(read(storage, WEIGHTS, path), shapes, path / WEIGHTS)
            model = model_of(fields, config, arrays)
    if not find_model(model.model).is_valid(model.weights, model.problem):
        raise BundleError(f"{path / WEIGHTS}: the arrays make no {model.model} that forecasts. Train the model again.")
    return model, fields


def _models_in(path: Path) -> str:
    """A sentence that names the saved models in the folder of a run, or tells how to take those of several targets."""
    found = sorted(str(one.parent) for one in path.glob(f"models/*/{DESCRIPTION}"))
    if found:
        return f" It is the folder of a run; its models are {', '.join(found)}."
    names = sorted({one.parent.name for one in path.glob(f"*/models/*/{DESCRIPTION}")})
    if not names:
        return ""
    return (
        f" It is the folder of several targets: --model '{path}/*/models/NAME' takes one of {', '.join(names)} of each."
    )


def _check_files(storage: Storage, files: Mapping[str, Any], path: Path) -> None:
    """Check that the weights and, for networks, the Keras file are those that were saved."""
    if not {WEIGHTS} <= files.keys() <= {WEIGHTS, KERAS}:
        raise ValueError(f"`files` must be {WEIGHTS}, and {KERAS} for networks")
    for name, saved in sorted(files.items()):
        if digest(storage, name, path) != (saved["bytes"], saved["sha256"]):
            raise BundleError(f"{path / name}: the file was changed after it was saved. Copy the bundle again.")
