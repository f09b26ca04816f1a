"""Opening a bundle: everything is checked before it is used, and refused in one line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dacite

from forecast.errors import BundleError, ConfigError
from forecast.inference.bundle.arrays import read_arrays
from forecast.inference.bundle.description import arrays_of, damaged, model_of, parse, series_shapes, with_arrays
from forecast.inference.bundle.storage import DESCRIPTION, KERAS, WEIGHTS, Storage, digest, opened, read
from forecast.inference.trained_model import TrainedModel
from forecast.models import find_model

# What entries of another type, size or name than a bundle's make Python raise.
WRONG = (
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    OverflowError,
    RecursionError,
    dacite.DaciteError,
    ConfigError,
)


def open_model(path: str | Path) -> TrainedModel:
    """Opens a bundle, a folder or a zip file, without TensorFlow.

    Raises:
        BundleError: it is no bundle, is damaged or edited, or was written by a newer version of the program.
    """
    path = Path(path)
    with opened(path) as storage:
        fields = _fields(storage, path)
        try:
            model, problem = model_of(fields)
            told = arrays_of(fields, model)
            kept = {name: shape for name, shape in series_shapes(model).items() if name not in told}
            shapes = {**find_model(model.model).shapes(problem), **kept}
        except WRONG as error:
            raise damaged(path, error) from error
        _check_files(storage, fields["files"], path)
        arrays = read_arrays(read(storage, WEIGHTS, path), shapes, path / WEIGHTS)
    model = with_arrays(model, told | arrays)
    if not find_model(model.model).is_valid(model.weights, problem):
        raise BundleError(f"{path / WEIGHTS}: the arrays make no {model.model} that forecasts. Train the model again.")
    return model


def read_description(path: str | Path) -> dict[str, Any]:
    """The entries of `bundle.json`, in the present format, of a bundle that opens."""
    open_model(path)
    with opened(Path(path)) as storage:
        return _fields(storage, Path(path))


def _fields(storage: Storage, path: Path) -> dict[str, Any]:
    if storage.size(DESCRIPTION) is None:
        raise BundleError(f"a saved model is a folder with {DESCRIPTION}, weights and network. {path} has none.")
    return parse(read(storage, DESCRIPTION, path), path)


def _check_files(storage: Storage, files: Mapping[str, Any], path: Path) -> None:
    """The weights and, if there was one, the Keras network are the files that were saved."""
    if not isinstance(files, dict) or not {WEIGHTS} <= files.keys() <= {WEIGHTS, KERAS}:
        raise damaged(path, ValueError(f"`files` must be {WEIGHTS}, and {KERAS} for networks"))
    for name, saved in sorted(files.items()):
        size, sha256 = digest(storage, name, path)
        if not isinstance(saved, dict) or saved.get("sha256") != sha256 or saved.get("bytes", size) != size:
            raise BundleError(f"{path / name}: the file is not the one that was saved. Copy the bundle again.")
