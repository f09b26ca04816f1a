"""Files and folders that are there whole or not at all, whenever the process or the machine stops.

What is written goes into a folder of its own beside the target, is synced to the disk, and takes the target's place in
one step. Two writers never share a folder; the later one's stands. A killed writer leaves a hidden folder behind, which
the next one removes: only folders with this program's prefix that no process holds, and that are empty or have a marker
inside that names the same target.
"""

import ctypes
import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from forecast.errors import WriteError

# How the folders of writers begin, and the file in each that names its target.
PREFIX, MARKER = ".forecast-", ".forecast-target"
# Seconds after which an empty folder was left behind by a writer that died before it had marked it.
ABANDONED = 10
# Linux's renameat2: paths are relative to the working folder; exchange the two.
AT_FDCWD, RENAME_EXCHANGE = -100, 2


def holds_other(folder: Path, mark: str) -> bool:
    """Whether something is there that is neither an empty folder nor one with the file `mark`."""
    if folder.is_dir():
        return any(folder.iterdir()) and not (folder / mark).is_file()
    return folder.exists()


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """A new folder to write into, which takes the place of `folder` when the block ends without an error.

    After an error, or a kill at any moment, `folder` is as it was.

    Raises:
        WriteError: the disk is full, or the folder cannot be written to.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100  no symbolic links are followed, as `resolve` would
    with _writing(folder), _place_beside(folder) as work:
        new = work / "new"
        new.mkdir()
        yield new
        _sync_tree(new)
        _take_place(new, folder)
        _sync_entry(folder)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` when the block ends without an error.

    Raises:
        WriteError: the disk is full, or the folder cannot be written to.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100
    with _writing(path), _place_beside(path) as work:
        new = work / path.name
        yield new
        _sync(new)
        new.replace(path)
        _sync_entry(path)


def recover(folder: Path) -> None:
    """Puts a folder back whose replacement was cut short, on systems that cannot exchange two folders in one step."""
    kept = _kept(folder)
    if kept.is_dir() and not folder.exists():
        with suppress(OSError):
            kept.rename(folder)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turns the system's refusals into errors that say what to do."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise WriteError(
            f"{path} could not be written, and is as it was. {reason}. Make room, or choose another place."
        ) from error


@contextmanager
def _place_beside(target: Path) -> Iterator[Path]:
    """A hidden folder on the same disk, held by this writer and removed in the end."""
    target.parent.mkdir(parents=True, exist_ok=True)
    recover(target)
    _sweep(target)
    work = Path(tempfile.mkdtemp(prefix=PREFIX, dir=target.parent))
    held = _hold(work)
    try:
        (work / MARKER).write_bytes(os.fsencode(target.name))
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if held is not None:
            os.close(held)


def _hold(folder: Path) -> int | None:
    """A lock on a folder, which ends with this process; None where another holds it, or where there are no locks."""
    try:
        import fcntl
    except ImportError:
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _sweep(target: Path) -> None:
    """Remove what killed writers of the same target left behind."""
    for folder in target.parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if not (folder / MARKER).is_file():
                if time.time() - folder.stat().st_mtime > ABANDONED:
                    folder.rmdir()  # which fails where there is anything in it
            elif (folder / MARKER).read_bytes() == os.fsencode(target.name):
                _remove_unheld(folder)


def _remove_unheld(folder: Path) -> None:
    """Remove the folder of a writer that is dead."""
    held = _hold(folder)
    if held is not None:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def remove_files(folder: Path, names: re.Pattern[str]) -> None:
    """Remove the files of a folder whose names match, what dead writers left in it, and the folder if it is empty."""
    with suppress(OSError):
        for path in folder.iterdir():
            if names.fullmatch(path.name) and path.is_file():
                path.unlink(missing_ok=True)
            elif path.name.startswith(PREFIX) and (path / MARKER).is_file():
                _remove_unheld(path)
        folder.rmdir()


@contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Hold a folder, which is made if there is none: one process at a time is in such a block.

    Raises:
        WriteError: another process holds it, or it cannot be made.
    """
    with _writing(folder):
        handle = _hold_or_refuse(folder)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _hold_or_refuse(folder: Path) -> int | None:
    try:
        import fcntl
    except ImportError:
        folder.mkdir(parents=True, exist_ok=True)
        return None
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # the one that held it has just removed it
            handle = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(handle), folder.stat()):
                    return handle
            except BlockingIOError as error:
                os.close(handle)
                raise WriteError(
                    f"another process writes to {folder} now. Let it end, or choose another name."
                ) from error
            except FileNotFoundError:
                pass
            except OSError:  # a file system without locks
                os.close(handle)
                return None
            os.close(handle)


def _take_place(new: Path, folder: Path) -> None:
    """Moves `new` to `folder` in one step; what was there is then where `new` was."""
    for _ in range(100):
        try:
            if not folder.exists():
                new.rename(folder)
                return
            if not _exchange(new, folder):
                _replace(new, folder)
            return
        except OSError as error:  # another writer was quicker: look again
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
                raise
    raise OSError(errno.EBUSY, "Others keep writing to it")


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two folders in one step; False where the system cannot."""
    swap = _renameat2()
    if swap is None:
        return False
    if swap(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code))


@lru_cache(maxsize=1)
def _renameat2() -> Any:
    """Linux's call of that name; None elsewhere."""
    try:
        return ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return None


def _replace(new: Path, folder: Path) -> None:
    """Two renames; in between the old folder waits under a name that `recover` knows."""
    kept = _kept(folder)
    shutil.rmtree(kept, ignore_errors=True)
    folder.rename(kept)
    new.rename(folder)
    shutil.rmtree(kept, ignore_errors=True)


def _kept(folder: Path) -> Path:
    return folder.with_name(f"{PREFIX}{folder.name}.kept")


def _sync_tree(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        _sync(path)


def _sync_entry(path: Path) -> None:
    """Have a new name on the disk as soon as may be; what is there is whole either way, so an error is none."""
    with suppress(OSError):
        _sync(path.parent)


def _sync(path: Path) -> None:
    """Waits until a file or folder is on the disk; not all systems can say so of a folder."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if not (path.is_dir() and error.errno == errno.EINVAL):
            raise
    finally:
        os.close(handle)
