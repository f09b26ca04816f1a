"""The files of a bundle, in a folder or in one zip file.

Only the three known files are read, none beyond its size limit, and no links are followed.
"""

import hashlib
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol
from zipfile import ZipFile

from forecast.errors import BundleError
from forecast.runtime.atomic import recover
from forecast.runtime.unpacking import DAMAGED

DESCRIPTION, WEIGHTS, KERAS = "bundle.json", "weights.npz", "model.keras"
# Size limits in bytes. Parsed text takes up to fifty times its size in memory.
LIMITS = {DESCRIPTION: 16 << 20, WEIGHTS: 256 << 20, KERAS: 256 << 20}
# A compressed file that grows by more than this, and beyond SMALL bytes, is no text of numbers.
MOST_RATIO, SMALL = 100, 1 << 20
# Most entries of a zip file, and bytes that are hashed at once.
MOST_ENTRIES, CHUNK = 4096, 1 << 20
# The last record of a zip file without a comment, and the marks of that record and of one for files above 4 GiB.
END, END_MARK, LARGE_MARK = "<4s4H2LH", b"PK\5\6", b"PK\6\7"


class Storage(Protocol):
    """The files of one bundle."""

    def size(self, name: str) -> int | None:
        """Bytes of a file; None if it is missing."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """Open a file that exists, for reading."""
        ...


@dataclass(frozen=True)
class Folder:
    """A bundle as a folder."""

    path: Path

    def size(self, name: str) -> int | None:
        file = self.path / name
        if file.is_symlink():
            raise BundleError(f"{file}: a bundle holds files, not links. Copy the whole folder again.")
        return file.stat().st_size if file.is_file() else None

    def open(self, name: str) -> IO[bytes]:
        return (self.path / name).open("rb")


@dataclass(frozen=True)
class Archive:
    """A bundle as a zip file, with its files at the top or together in one folder."""

    path: Path
    zip: ZipFile
    folder: str

    def size(self, name: str) -> int | None:
        if self.folder + name not in self.zip.NameToInfo:
            return None
        info = self.zip.getinfo(self.folder + name)
        if info.flag_bits & 1:
            raise BundleError(f"{self.path}: {name} is encrypted. Unpack the file first.")
        if info.file_size > SMALL and info.file_size > MOST_RATIO * info.compress_size:
            raise BundleError(
                f"{self.path}: {name} would grow to {info.file_size:,} bytes, more than {MOST_RATIO} times its "
                "compressed size. No bundle does; do not trust it."
            )
        return info.file_size

    def open(self, name: str) -> IO[bytes]:
        return self.zip.open(self.folder + name)


@contextmanager
def opened(path: Path) -> Iterator[Storage]:
    """Open the folder or zip file at a path.

    Raises:
        BundleError: a file that is no zip file, or a damaged one.
    """
    recover(path)
    if path.is_file():
        with path.open("rb") as file:
            check_directory(file, path)
            try:
                with ZipFile(file) as archive:
                    yield Archive(path, archive, _folder_in(archive))
            except DAMAGED as error:
                reason = getattr(error, "strerror", None) or error
                raise BundleError(f"{path}: the zip file is damaged. {reason}. Copy it again.") from error
    else:
        yield Folder(path)


def check_directory(file: IO[bytes], path: Path) -> None:
    """Check that a file is a zip file, with no more entries than a bundle can have, before entries are read.

    Raises:
        BundleError: it is not.
    """
    size = struct.calcsize(END)
    file.seek(0, 2)
    end = file.tell()
    file.seek(max(0, end - size - 20))
    tail = file.read()
    file.seek(0)
    mark, *_, entries, length, _, comment = struct.unpack(END, tail[-size:]) if len(tail) >= size else (b"", 0, 0, 0, 0)
    if mark != END_MARK or comment or tail.startswith(LARGE_MARK):
        raise BundleError(
            f"{path}: a bundle is a folder or a zip file of one, and this file is neither. Copy it again."
        )
    if entries > MOST_ENTRIES or length > CHUNK:
        raise BundleError(f"{path}: a bundle has a few files. Received: {entries} entries. Do not trust it.")


def _folder_in(archive: ZipFile) -> str:
    """The folder of the archive that holds `bundle.json`, with a slash; empty for the top."""
    found = [PurePosixPath(name) for name in archive.namelist() if PurePosixPath(name).name == DESCRIPTION]
    folders = {
        str(path.parent) for path in found if len(path.parts) <= 2 and path.parts[0] not in ("/", "..", "__MACOSX")
    }
    return "" if "." in folders or not folders else f"{min(folders)}/"


def read(storage: Storage, name: str, path: Path) -> bytes:
    """Read a whole file.

    Raises:
        BundleError: it is missing, or larger than its limit.
    """
    size = storage.size(name)
    if size is None:
        raise BundleError(f"{path}: the bundle lacks {name}. Copy the whole folder again.")
    _check_size(size, name, path)
    with storage.open(name) as file:
        content = file.read(LIMITS[name] + 1)
    _check_size(len(content), name, path)
    return content


def digest(storage: Storage, name: str, path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file, read in chunks.

    Raises:
        BundleError: as `read`.
    """
    size = storage.size(name)
    if size is None:
        raise BundleError(f"{path}: the bundle lacks {name}. Copy the whole folder again.")
    _check_size(size, name, path)
    sha, count = hashlib.sha256(), 0
    with storage.open(name) as file:
        while chunk := file.read(CHUNK):
            sha.update(chunk)
            count += len(chunk)
            _check_size(count, name, path)
    return count, sha.hexdigest()


def _check_size(size: int, name: str, path: Path) -> None:
    if size > LIMITS[name]:
        raise BundleError(f"{path}: {name} must have at most {LIMITS[name]:,} bytes. Received: {size:,}.")
