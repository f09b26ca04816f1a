"""`weights.npz`: arrays by name, uncompressed and without pickles, in a file that `numpy.load` opens as well.

Names, types and shapes are checked before an array is made.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from forecast.errors import BundleError
from forecast.inference.bundle.storage import check_directory
from forecast.models.estimator import Shapes
from forecast.models.tree_arrays import NUMBERS_OF_NODES
from forecast.runtime.unpacking import DAMAGED

# Types of arrays: single and double floats; of numbers of nodes, integers.
FLOATS, INTEGERS = ("f4", "f8"), ("i4", "i8")
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def write_arrays(arrays: Mapping[str, NDArray[Any]], file: Path) -> None:
    """Write all arrays into one file."""
    np.savez(file, allow_pickle=False, **arrays)


def read_arrays(content: bytes, expected: Shapes, path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of a file, by name.

    Args:
        content: The bytes of the file.
        expected: Names and shapes; None for a length that the data decide.
    Raises:
        BundleError: an array has another name, shape or type, or holds a number that is not finite.
    """
    file = io.BytesIO(content)
    check_directory(file, path)
    try:
        with ZipFile(file) as archive:
            found = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if found.keys() != expected.keys():
                wrong = sorted(found.keys() ^ expected.keys())[0]
                raise BundleError(
                    f"{path}: {wrong[:80]!r} is {'missing' if wrong in expected else 'no array of this model'}."
                )
            arrays = {}
            for name, info in found.items():
                if info.compress_type != ZIP_STORED or info.file_size > len(content):
                    raise BundleError(f"{path}: the arrays of a bundle are uncompressed, and {name} is compressed.")
                arrays[name] = _array(archive.read(info), name, expected[name], path)
    except DAMAGED as error:
        raise BundleError(f"{path}: the arrays cannot be read. {error}. Copy the bundle again.") from error
    return arrays


def _array(content: bytes, name: str, expected: tuple[int | None, ...], path: Path) -> NDArray[Any]:
    """One array: a view of `content`, no copy."""
    file = io.BytesIO(content)
    shape, fortran, dtype = _header(file, name, path)
    values = int(np.prod(shape, dtype=object)) if shape else 1
    fits = len(shape) == len(expected) and all(want in (None, has) for has, want in zip(shape, expected, strict=True))
    kinds = INTEGERS if name in NUMBERS_OF_NODES else FLOATS
    if not fits or dtype.str[1:] not in kinds or values * dtype.itemsize != len(content) - file.tell():
        raise BundleError(
            f"{path}: {name} must be finite numbers of shape {_named(expected)}. "
            f"Received: {shape[:8]}, {dtype.name[:40]}."
        )
    array = np.frombuffer(content, dtype, values, file.tell()).reshape(shape, order="F" if fortran else "C")
    if not np.isfinite(array).all():
        raise BundleError(f"{path}: {name} must be finite numbers, and some are not. Train the model again.")
    return array


def _header(file: IO[bytes], name: str, path: Path) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        return HEADERS[npy.read_magic(file)](file)
    except (ValueError, KeyError, EOFError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise BundleError(f"{path}: {name} is no array that numpy wrote. Copy the bundle again.") from error


def _named(shape: tuple[int | None, ...]) -> str:
    """A shape as text: (n, 7)."""
    return f"({', '.join('n' if length is None else str(length) for length in shape)}{',' * (len(shape) == 1)})"
