"""A trained model as a folder that can be moved, opened and used again.

    bundle.json    everything but the weights, for people and programs
    weights.npz    the arrays that forecast without TensorFlow, by name
    model.keras    the same network for `keras.saving.load_model`, plain layers (networks only)

Nothing in it is code or a pickle. Opening checks the format, the hashes of both other files, and every shape.
"""

import dataclasses
import hashlib
import io
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import dacite
import numpy as np

from forecast import intervals
from forecast.config import ExperimentConfig
from forecast.errors import BundleError, ConfigError
from forecast.files import holds_other, whole_folder
from forecast.models import Validation, find_model
from forecast.scaling import Scaler
from forecast.shrinkage import FACTORS
from forecast.training import TrainedModel, TrainedOn

FORMAT = 2
WEIGHTS, KERAS, DESCRIPTION = "weights.npz", "model.keras", "bundle.json"
# The fields of `TrainedOn` that are no arrays.
PLAIN = ("series", "unit", "frequency", "first", "last", "rows", "sha256")
LIBRARIES = ("forecast", "keras", "numpy", "tensorflow")


def save_model(model: TrainedModel, folder: str | Path) -> Path:
    """Writes a bundle, whole or not at all; a bundle that is there already is replaced.

    Raises:
        BundleError: `folder` holds something else than a bundle.
    """
    folder = Path(folder)
    check_folder(folder)
    with whole_folder(folder) as work:
        write_bundle(model, work)
    return folder


def check_folder(folder: Path) -> None:
    """Refuses a folder that holds something else than a bundle.

    Raises:
        BundleError: `folder` is a file, or a folder with other content.
    """
    if holds_other(folder, DESCRIPTION):
        raise BundleError(f"a bundle is written to a new folder or over a bundle. {folder} holds something else.")


def write_bundle(model: TrainedModel, folder: Path) -> None:
    """The files of a bundle, into a folder that is there and empty."""
    np.savez(folder / WEIGHTS, allow_pickle=False, **model.weights)
    if find_model(model.model).gradient:
        from forecast.models.architecture import with_weights

        with_weights(model.model, model.problem, model.weights).save(folder / KERAS)
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
    description = {
        "format": FORMAT,
        "model": model.model,
        "created": model.created,
        "target": model.target,
        "trained_on": [_record(known) for known in model.trained_on],
        "config": model.config.to_dict(),
        "seconds": model.seconds,
        "interrupted": model.interrupted,
        "history": [dataclasses.astuple(row) for row in model.history],
        "versions": {library: version(library) for library in LIBRARIES},
        "sha256": files,
    }
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _record(known: TrainedOn) -> dict[str, Any]:
    """A series that a model was trained on, as JSON holds it."""
    arrays = {"minimum": known.scaler.minimum, "span": known.scaler.span}
    arrays |= {"credit": known.credit, "log_width": known.log_width}
    plain = {name: getattr(known, name) for name in PLAIN}
    return {**plain, **{name: array.tolist() for name, array in arrays.items()}}


def _trained_on(record: dict[str, Any]) -> TrainedOn:
    arrays = {name: np.array(record[name], np.float64) for name in ("minimum", "span", "credit", "log_width")}
    return TrainedOn(
        **{name: str(record[name]) for name in PLAIN if name != "rows"},
        rows=int(record["rows"]),
        scaler=Scaler(arrays["minimum"], arrays["span"]),
        credit=arrays["credit"],
        log_width=arrays["log_width"],
    )


def open_model(folder: str | Path) -> TrainedModel:
    """Opens a bundle, without TensorFlow.

    Raises:
        BundleError: the folder is no bundle, is damaged, or was written by a newer version of the program.
    """
    folder = Path(folder)
    description = _description(folder)
    try:
        _check_hashes(folder, description["sha256"])
        model = _trained_model(description, _weights(folder))
    except BundleError:
        raise
    except (AttributeError, LookupError, TypeError, ValueError, BadZipFile, dacite.DaciteError, ConfigError) as error:
        reason = f"{type(error).__name__}: {error}".rstrip(".")
        raise BundleError(f"{folder}: the bundle is damaged, and must be copied or trained again. {reason}.") from error
    _check_shapes(folder, model)
    return model


def _description(folder: Path) -> dict[str, Any]:
    path = folder / DESCRIPTION
    if not path.is_file():
        raise BundleError(f"a saved model is a folder with {DESCRIPTION}, weights and network. {folder} has none.")
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        written = description["format"]
    except (ValueError, TypeError, KeyError) as error:
        raise BundleError(f"{path}: this file is damaged: no JSON with a format number. Copy it again.") from error
    if written != FORMAT:
        raise BundleError(f"{folder}: this program opens bundles of format {FORMAT}. Received: {written}. Update it.")
    return dict(description)


def _check_hashes(folder: Path, hashes: Mapping[str, str]) -> None:
    """The weights and, if there was one, the Keras network are the files that were saved."""
    for name in sorted({WEIGHTS, *hashes}):
        path = folder / Path(name).name
        if not path.is_file():
            raise BundleError(f"{folder}: the bundle lacks {name}. Copy the whole folder again.")
        if hashlib.sha256(path.read_bytes()).hexdigest() != hashes[name]:
            raise BundleError(f"{path}: the file is not the one that was saved. Copy the folder again.")


def _weights(folder: Path) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO((folder / WEIGHTS).read_bytes()), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _trained_model(description: dict[str, Any], weights: dict[str, np.ndarray]) -> TrainedModel:
    return TrainedModel(
        model=find_model(description["model"]).name,
        config=ExperimentConfig.from_dict(description["config"]),
        target=str(description["target"]),
        weights=weights,
        history=tuple(Validation(*row) for row in description["history"]),
        trained_on=tuple(_trained_on(record) for record in description["trained_on"]),
        seconds=float(description["seconds"]),
        created=str(description["created"]),
        interrupted=bool(description["interrupted"]),
    )


def _check_shapes(folder: Path, model: TrainedModel) -> None:
    """Every array has the shape that the configuration asks for, and finite numbers."""
    problem = model.problem
    columns = problem.features + problem.ahead
    expected = find_model(model.model).shapes(problem)
    found = dict(model.weights)
    for number, known in enumerate(model.trained_on):
        for name, array, shape in (
            ("minimum", known.scaler.minimum, (columns,)),
            ("span", known.scaler.span, (columns,)),
            ("credit", known.credit, (len(FACTORS),)),
            ("log_width", known.log_width, intervals.start(problem.horizon).shape),
        ):
            expected[f"{name} {number}"], found[f"{name} {number}"] = shape, array
    for name in sorted(expected.keys() | found.keys()):
        has = found[name].shape if name in found else None
        if not _fits(has, expected.get(name)) or not np.isfinite(found[name]).all():
            raise BundleError(f"{folder}: {name} must be finite, of shape {expected.get(name)}. Received: {has}.")


def _fits(shape: tuple[int, ...] | None, expected: tuple[int | None, ...] | None) -> bool:
    """Whether an array has the shape that is expected, where None stands for any length."""
    if shape is None or expected is None or len(shape) != len(expected):
        return False
    return all(wanted in (None, has) for has, wanted in zip(shape, expected, strict=True))
