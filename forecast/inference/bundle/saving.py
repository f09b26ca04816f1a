"""Save a bundle: after an error, or a kill at any moment, what was there before is unchanged."""

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from forecast.errors import BundleError
from forecast.inference.bundle.arrays import write_arrays
from forecast.inference.bundle.description import describe, series_arrays, without_many_checkpoints
from forecast.inference.bundle.opening import open_described
from forecast.inference.bundle.storage import DESCRIPTION, KERAS, LIMITS, WEIGHTS, Folder, digest
from forecast.inference.trained_model import TrainedModel, check_model
from forecast.models import find_model
from forecast.runtime.atomic import atomic_file, atomic_folder, holds_other

ZIP = ".zip"
# Bytes of `bundle.json` for each series, and for each of its columns: a little more than it takes.
BYTES_SERIES, BYTES_COLUMN = 1270, 50


def save_model(model: TrainedModel, path: str | Path) -> Path:
    """Save a model as a bundle; replace a bundle that exists.

    Args:
        path: A folder, or a file that ends in .zip.
    Returns:
        The path.
    Raises:
        BundleError: `path` holds something other than a bundle, or the model is larger than a bundle may be.
        WriteError: the disk is full, or the folder cannot be written to.
    """
    check_model(model)
    path = Path(path)
    check_folder(path)
    if path.suffix.lower() != ZIP:
        with atomic_folder(path) as work:
            write_bundle(model, work)
        return path
    with atomic_file(path) as work:
        folder = work.with_name("bundle")
        folder.mkdir()
        write_bundle(model, folder)
        with ZipFile(work, "w", ZIP_DEFLATED) as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, f"{path.stem}/{file.name}")
    return path


def check_folder(path: Path) -> None:
    """Check that a bundle can be written to a path without replacing something else.

    Raises:
        BundleError: `path` is a folder with other content, or a file that is no zip file.
    """
    if path.suffix.lower() == ZIP:
        if path.exists() and not (path.is_file() and path.read_bytes()[:2] in (b"PK", b"")):
            raise BundleError(f"a bundle is written to a new file or over one. {path} is something else.")
    elif holds_other(path, DESCRIPTION):
        raise BundleError(f"a bundle is written to a new folder or over a bundle. {path} holds something else.")


def check_size(series: int, *, columns: int) -> None:
    """Check, before a training, that a bundle can describe so many series.

    Raises:
        BundleError: it cannot; names both numbers.
    """
    most = LIMITS[DESCRIPTION] // (BYTES_SERIES + BYTES_COLUMN * columns)
    if series > most:
        raise BundleError(
            f"a bundle describes at most {most:,} series (columns of each: {columns}). Received: {series:,}. "
            "Train on a part of them: the model forecasts series that it never saw."
        )


def write_bundle(model: TrainedModel, folder: Path) -> None:
    """Write the files of a bundle into an empty folder.

    Raises:
        BundleError: the model is larger than a bundle may be.
    """
    model = without_many_checkpoints(model)
    write_arrays({**model.weights, **series_arrays(model)}, folder / WEIGHTS)
    if find_model(model.model).is_network:
        from forecast.models.neural.architecture import with_weights

        with_weights(model.model, model.problem, model.weights).save(folder / KERAS)
    for file in folder.iterdir():
        if file.stat().st_size > LIMITS[file.name]:
            raise BundleError(f"{file.name} must have at most {LIMITS[file.name]:,} bytes. Train a smaller model.")
    files = {file.name: digest(Folder(folder), file.name, folder) for file in sorted(folder.iterdir())}
    (folder / DESCRIPTION).write_text(describe(model, files), encoding="utf-8")
    _check_opens(folder)


def _check_opens(folder: Path) -> None:
    """Open what was written, before it takes the place of anything.

    Raises:
        BundleError: it does not open.
    """
    try:
        open_described(folder)
    except BundleError as error:
        reason = str(error).removeprefix(f"{folder}: ").partition(". Copy it again")[0]
        raise BundleError(f"this model was not saved, for it would not open again: {reason}.") from error
