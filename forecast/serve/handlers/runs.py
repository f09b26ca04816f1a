"""Runs: what was found, and the files of each."""

import json
import mimetypes
from pathlib import Path
from typing import Any

from forecast.serve.handlers.base import Handler
from forecast.serve.problems import Problem
from forecast.serve.security import REPORT_POLICY

RECORD, REPORT = "run.json", "report.html"
# Files of a run that are given away, beside the pictures.
FILES = (REPORT, RECORD, "scores.csv", "backtest.csv", "forecast.csv", "risk.csv")
CHUNK = 1 << 18


class RunList(Handler):
    """`/v1/runs`."""

    def get(self) -> None:
        found = []
        for name in self.state.workspace.names("runs"):
            try:
                found.append(summary(name, record_of(self.state.workspace.path("runs", name))))
            except (OSError, ValueError, KeyError, Problem):
                continue
        self.send({"runs": found})


class OneRun(Handler):
    """`/v1/runs/NAME`."""

    def get(self, name: str) -> None:
        path = self.state.workspace.path("runs", name)
        record = record_of(path)
        files = [file for file in FILES if (path / file).is_file()]
        pictures = [f"plots/{file.name}" for file in sorted((path / "plots").glob("*.png"))]
        self.send({**summary(name, record), "files": [*files, *pictures], "record": record})

    def delete(self, name: str) -> None:
        self.send({"undo": f"/v1/trash/{self.state.workspace.delete('runs', name)}/restore"})


class RunFile(Handler):
    """`/v1/runs/NAME/files/FILE`."""

    async def get(self, name: str, file: str) -> None:
        folder = self.state.workspace.path("runs", name)
        known = {*FILES, *(f"plots/{one.name}" for one in (folder / "plots").glob("*.png"))}
        wanted = file if file in known else f"plots/{file}"
        path = folder / wanted
        if wanted not in known or not path.is_file() or path.is_symlink():
            raise Problem(404, "a file must be one that the run lists.", value=file[:80])
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        self.set_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        if wanted == REPORT:
            self.set_header("Content-Security-Policy", REPORT_POLICY)
        elif kind == "text/csv":
            self.set_header("Content-Disposition", f'attachment; filename="{name}-{path.name}"')
        with path.open("rb") as content:
            while chunk := content.read(CHUNK):
                self.write(chunk)
                await self.flush()


def record_of(folder: Path) -> dict[str, Any]:
    """The content of `run.json`."""
    found: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    return found


def summary(name: str, record: dict[str, Any]) -> dict[str, Any]:
    """What a list says of a run."""
    return {
        "name": name,
        "series": record["series"]["name"],
        "unit": record["series"]["unit"],
        "created": record["created"],
        "models": record["models"],
        "bottom_line": record.get("bottom_line"),
        "verdicts": {model: one.get("sentence") for model, one in record["verdict"].items()},
        "scores": record["scores"],
        "horizon": record["config"]["horizon"],
    }
