"""What damages files, folders and commands: for the small fuzzers in these tests, and the large ones in benchmarks/.

damaged     bytes changed, cut, repeated or replaced
resealed    a bundle whose entries or arrays are wrong, with checksums that fit
install     an error, or a kill, at the n-th change that a process makes to a folder
"""

import errno
import hashlib
import io
import json
import os
import signal
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.inference.bundle.description import checksum

# What stands in place of an entry of JSON, or of an array.
ENTRIES = (
    *(None, True, 0, -1, 2**31, 2**63, -(2**63), 10**30, 0.5, -1e308, 1e-320, "", "x", "\x1b[2J", "a" * 20_000, "=1"),
    *("9999-99-99", "0001-01-01", "../../x", "nan", [], {}, [[]], [1], ["x"], {"x": 1}, [{}], list(range(50))),
)
KINDS = ("change", "changes", "cut", "insert", "repeat", "zeros", "ones", "swap")


def damaged(content, random, others=()):
    """What was done, and what is left of the bytes."""
    kind = KINDS[random.choice(len(KINDS), p=(0.4, 0.1, 0.15, 0.1, 0.05, 0.1, 0.05, 0.05))]
    changed, place = bytearray(content), int(random.integers(max(1, len(content))))
    length = int(random.integers(1, 64))
    if kind == "swap" and others:
        return kind, others[random.integers(len(others))]
    if kind == "cut":
        return kind, bytes(changed[:place])
    if kind == "insert":
        return kind, bytes(changed[:place] + random.bytes(length) + changed[place:])
    if kind == "repeat":
        return kind, bytes(changed[:place] + changed[place : place + 50 * length] + changed[place:])
    if kind in ("zeros", "ones"):
        changed[place : place + length] = bytes([255 * (kind == "ones")]) * len(changed[place : place + length])
        return kind, bytes(changed)
    for _ in range(1 if kind in ("change", "swap") else 20):
        changed[random.integers(len(changed))] ^= int(random.integers(1, 256))
    return kind, bytes(changed)


def resealed(files, random):
    """The files of a bundle with wrong entries or arrays, and checksums that fit: what was done, and the files."""
    fields = json.loads(files["bundle.json"])
    if random.random() < 0.3:
        kind, files = "sealed array", files | {"weights.npz": _other_arrays(files["weights.npz"], random)}
    elif random.random() < 0.2 and "model.keras" in files:
        kind, files = "sealed network", files | {"model.keras": damaged(files["model.keras"], random)[1]}
    else:
        kind = "sealed entry"
        for _ in range(int(random.integers(1, 3))):
            _change_entry(fields, random)
    for name in fields.get("files") if isinstance(fields.get("files"), dict) else ():
        if name in files and isinstance(fields["files"][name], dict) and kind != "sealed entry":
            content = files[name]
            fields["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    fields["sha256"] = checksum(fields)
    return kind, files | {"bundle.json": json.dumps(fields).encode()}


def _change_entry(fields, random):
    """Another value for a random entry, however deep; or none."""
    holder, place = fields, None
    while isinstance(holder, dict | list) and holder:
        places = list(holder) if isinstance(holder, dict) else range(len(holder))
        place = places[random.integers(len(places))]
        if not isinstance(holder[place], dict | list) or not holder[place] or random.random() < 0.15:
            break
        holder = holder[place]
    if random.random() < 0.1:
        del holder[place]
    else:
        holder[place] = ENTRIES[random.integers(len(ENTRIES))]


def _other_arrays(content, random):
    """Arrays of another type, shape or size, or that are not finite."""
    with np.load(io.BytesIO(content)) as file:
        arrays = dict(file)
    name = sorted(arrays)[random.integers(len(arrays))]
    array = arrays[name]
    changes = (
        lambda: array.astype(("i8", "f2", "c16", "?", "S4", "f8", "i4", "M8[s]")[random.integers(8)]),
        lambda: array.reshape(-1),
        lambda: array[..., None],
        lambda: array[:0],
        lambda: np.full_like(array, 3e38),
        lambda: np.full(array.shape, (np.nan, np.inf, -1e300)[random.integers(3)]),
        lambda: -array,
        lambda: np.concatenate([array.ravel()] * 2),
    )
    with np.errstate(all="ignore"):
        arrays[name] = changes[random.integers(len(changes))]()
    if random.random() < 0.1:
        arrays["more"] = np.zeros(3)
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def write_formats(frame, folder):
    """One file of each of ten formats, from a frame with the columns Date and Close."""
    text = frame.to_csv(index=False)
    (folder / "comma.csv").write_text(text)
    (folder / "semicolon.csv").write_text(text.replace(",", ";").replace(".", ","))
    (folder / "tabs.tsv").write_bytes(("\ufeff" + text.replace(",", "\t")).encode("utf-16"))
    (folder / "blanks.txt").write_text(frame.to_string(index=False))
    for packing in ("gz", "bz2", "xz"):
        frame.to_csv(folder / f"packed.csv.{packing}", index=False)
    with zipfile.ZipFile(folder / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", text)
    frame.to_excel(folder / "book.xlsx", index=False)
    frame.to_parquet(folder / "table.parquet", index=False)
    return sorted(folder.iterdir())


def prices(rows=400, seed=1):
    """A frame with the columns Date and Close."""
    close = 100 + np.cumsum(np.random.default_rng(seed).normal(size=rows))
    return pd.DataFrame({"Date": pd.bdate_range("2001-01-01", periods=rows), "Close": close.round(2)})


ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, errno.EDQUOT)
CREATING, REMOVING = {"os.mkdir", "os.rename", "os.truncate"}, {"os.remove", "os.rmdir"}


def install(folder, at, action):
    """Have this process meet an error, or its end, at its change number `at` of a folder; 0 for never.

    Args:
        action: An errno, or "kill". Errors come where something is made or written, a kill where it is removed as well.
    Returns:
        A list of the changes so far.
    """
    folder, changes = os.path.abspath(folder) + os.sep, []  # noqa: PTH100
    sync, counted = os.fsync, CREATING | (REMOVING if action == "kill" else set())

    def change(name, path=None):
        changes.append(name)
        if len(changes) != at:
            return
        if action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(action, os.strerror(action), path)

    def hook(event, arguments):
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (writes or event in counted) and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.fsdecode(arguments[0])
            if os.path.abspath(path).startswith(folder):  # noqa: PTH100
                change(event, path)

    def fsync(handle):
        change("fsync")
        sync(handle)

    sys.addaudithook(hook)
    os.fsync = fsync
    return changes


def main():
    """A command in this process: FOLDER AT ACTION COUNTS ARGUMENTS...; the number of its changes goes into a file."""
    import runpy

    folder, at, action, counts, *arguments = sys.argv[1:]
    changes = install(folder, int(at), "kill" if action == "kill" else int(action))
    if counts != "-":
        leave = os._exit
        os._exit = lambda status: (Path(counts).write_text(str(len(changes))), leave(status))
    sys.argv = ["forecast", *arguments]
    runpy.run_module("forecast", run_name="__main__")


if __name__ == "__main__":
    main()
