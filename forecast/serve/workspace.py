"""The folder that is served: series, models, runs and what was deleted; every name is confined to it.

series/ID/   series.json, history.json and the file that was sent
models/NAME  bundles
runs/NAME    runs, as `forecast run` writes them
trash/ID     what was deleted, until it is restored or swept
jobs.sqlite  jobs and their events
"""

import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from forecast.errors import WriteError
from forecast.runtime.atomic import atomic_folder
from forecast.runtime.names import slug
from forecast.serve.problems import Problem

KINDS = ("series", "models", "runs")
NAME = re.compile(r"[A-Za-z0-9^][A-Za-z0-9._^=-]{0,119}")
ID = re.compile(r"[0-9a-f]{12}")
# Days that deleted things are kept.
KEPT = 30


@dataclass(frozen=True)
class Workspace:
    """The folders of a server."""

    folder: Path

    def prepare(self) -> None:
        """Make the folders, and remove what was deleted long ago.

        Raises:
            WriteError: they cannot be made.
        """
        try:
            for name in (*KINDS, "trash"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WriteError(f"{self.folder} could not be made. {error.strerror}. Choose another folder.") from error
        for old in (self.folder / "trash").iterdir():
            if old.name.startswith("passing-") or time.time() - old.stat().st_mtime > KEPT * 86400:
                shutil.rmtree(old, ignore_errors=True)

    def path(self, kind: str, name: str) -> Path:
        """The folder of something that is there.

        Raises:
            Problem: the name is none, or there is nothing of that name.
        """
        path = self.folder / kind / name
        if not NAME.fullmatch(name) or not path.is_dir() or path.is_symlink():
            raise Problem(404, f"a name under {kind} must be one that is listed there.", value=name[:80])
        return path

    def names(self, kind: str) -> list[str]:
        """What is there, the newest first."""
        found = [path for path in (self.folder / kind).iterdir() if NAME.fullmatch(path.name) and path.is_dir()]
        return [path.name for path in sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)]

    def free_name(self, kind: str, wanted: str) -> str:
        """A name that nothing has yet, as like the wanted one as can be."""
        stem = slug(wanted).strip(".-_=")[:80] or "series"
        stem = stem if NAME.fullmatch(stem) else f"x{stem}"
        taken = set(self.names(kind))
        names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(taken) + 2))
        return next(name for name in names if name not in taken)

    def delete(self, kind: str, name: str) -> str:
        """Move something into the trash; give the id to restore it by."""
        path, number = self.path(kind, name), new_id()
        place = self.folder / "trash" / number
        place.mkdir()
        (place / "trash.json").write_text(json.dumps({"kind": kind, "name": name}), encoding="utf-8")
        path.rename(place / "content")
        return number

    def restore(self, number: str) -> tuple[str, str]:
        """Put something back from the trash: its kind, and its name, another one if that is taken by now.

        Raises:
            Problem: nothing was deleted under that id, or it was restored.
        """
        place = self.folder / "trash" / number
        if not ID.fullmatch(number) or not (place / "content").is_dir():
            raise Problem(404, "what is restored must have been deleted, and not restored since.", value=number[:80])
        about = json.loads((place / "trash.json").read_text(encoding="utf-8"))
        name = about["name"] if about["name"] not in self.names(about["kind"]) else ""
        name = name or self.free_name(about["kind"], about["name"])
        (place / "content").rename(self.folder / about["kind"] / name)
        shutil.rmtree(place, ignore_errors=True)
        return about["kind"], name

    def series(self, number: str) -> dict[str, Any]:
        """The record of a stored series, with its `source`.

        Raises:
            Problem: there is no such series.
        """
        found: dict[str, Any] = json.loads((self.path("series", number) / "series.json").read_text(encoding="utf-8"))
        return found

    def every_series(self) -> Iterator[dict[str, Any]]:
        """The records of all series, the newest first; one that is being deleted is left out."""
        for number in self.names("series"):
            try:
                yield self.series(number)
            except (OSError, ValueError, Problem):
                continue

    def add_series(self, number: str, record: dict[str, Any], history: dict[str, Any], file: Path | None) -> None:
        """Store a series: its record, its rows as they are shown, and the file that it came in, which is moved."""
        with atomic_folder(self.folder / "series" / number) as work:
            if file is not None:
                shutil.copyfile(file, work / file.name)
            (work / "history.json").write_text(json.dumps(history), encoding="utf-8")
            (work / "series.json").write_text(json.dumps(record), encoding="utf-8")

    @contextmanager
    def passing(self) -> Iterator[Path]:
        """A folder for a file that is only looked at."""
        with TemporaryDirectory(prefix="passing-", dir=self.folder / "trash") as folder:
            yield Path(folder)

    def history(self, number: str) -> dict[str, Any]:
        """The dates and values of a stored series."""
        found: dict[str, Any] = json.loads((self.path("series", number) / "history.json").read_text(encoding="utf-8"))
        return found


def new_id() -> str:
    """An id that nothing else has."""
    return secrets.token_hex(6)


def now() -> str:
    """The time, in ISO form."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
