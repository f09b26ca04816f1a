"""Jobs and their events in SQLite: what any process of the server, and the next one, knows of them.

States: queued, running, then done, failed, stopped (the best so far was kept) or interrupted (the server ended).
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forecast.serve.workspace import now

Job = dict[str, Any]
FINISHED = ("done", "failed", "stopped", "interrupted")
# Events of a job that are kept, and jobs that have ended.
MOST_EVENTS, MOST_ENDED = 5000, 1000
TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, record TEXT NOT NULL, spec TEXT NOT NULL, asked TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_of ON events (job, number);
"""


class JobStore:
    """The jobs of a folder."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(TABLES)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _whole(self) -> Iterator[sqlite3.Connection]:
        """All of a block or nothing of it, with no other writer between."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def add(self, job: Job, spec: dict[str, Any], *, most: int) -> bool:
        """Add a job to the queue; False where `most` wait already."""
        with self._whole() as writing:
            waiting = writing.execute("SELECT count(*) FROM jobs WHERE state = 'queued'").fetchone()[0]
            if waiting >= most:
                return False
            row = (job["id"], job["state"], json.dumps(job), json.dumps(spec))
            writing.execute("INSERT INTO jobs (id, state, record, spec) VALUES (?, ?, ?, ?)", row)
            self._event(job["id"], "state", job)
        return True

    def get(self, number: str) -> Job | None:
        """The record of a job."""
        row = self._connection.execute("SELECT record FROM jobs WHERE id = ?", (number,)).fetchone()
        return json.loads(row[0]) if row else None

    def every(self) -> list[Job]:
        """The records of all jobs, the newest first."""
        rows = self._connection.execute("SELECT record FROM jobs ORDER BY rowid DESC").fetchall()
        return [json.loads(row[0]) for row in rows]

    def waiting(self) -> list[tuple[Job, dict[str, Any]]]:
        """The jobs that wait, the oldest first, with what they are to do."""
        rows = self._connection.execute(
            "SELECT record, spec FROM jobs WHERE state = 'queued' ORDER BY rowid"
        ).fetchall()
        return [(json.loads(record), json.loads(spec)) for record, spec in rows]

    def counts(self) -> dict[str, int]:
        """The number of jobs in each state."""
        return dict(self._connection.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())

    def change(self, number: str, *, told: bool = True, **values: Any) -> Job | None:
        """Change entries of a job's record; tell it as an event unless `told` is False."""
        with self._whole() as writing:
            job = self.get(number)
            if job is None:
                return None
            job |= values
            writing.execute(
                "UPDATE jobs SET state = ?, record = ? WHERE id = ?", (job["state"], json.dumps(job), number)
            )
            if told:
                self._event(number, "state", job)
        return job

    def ask(self, number: str, what: str) -> None:
        """Ask the owner of the queue to `stop` or `cancel` a job."""
        self._connection.execute("UPDATE jobs SET asked = ? WHERE id = ?", (what, number))

    def asked(self) -> dict[str, str]:
        """What is asked of jobs, by their ids."""
        return dict(self._connection.execute("SELECT id, asked FROM jobs WHERE asked != ''").fetchall())

    def forget(self, number: str) -> None:
        """Remove a job and its events."""
        with self._whole() as writing:
            writing.execute("DELETE FROM jobs WHERE id = ?", (number,))
            writing.execute("DELETE FROM events WHERE job = ?", (number,))

    def event(self, number: str, kind: str, data: Any) -> None:
        """Add an event to a job."""
        with self._whole():
            self._event(number, kind, data)

    def _event(self, number: str, kind: str, data: Any) -> None:
        writing = self._connection
        writing.execute("INSERT INTO events (job, kind, data) VALUES (?, ?, ?)", (number, kind, json.dumps(data)))
        writing.execute(
            "DELETE FROM events WHERE job = ? AND number <= (SELECT number FROM events WHERE job = ? "
            "ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (number, number, MOST_EVENTS),
        )

    def events(self, number: str, after: int) -> list[tuple[int, str, str]]:
        """The events of a job behind one: number, kind and data as JSON."""
        return self._connection.execute(
            "SELECT number, kind, data FROM events WHERE job = ? AND number > ? ORDER BY number LIMIT 500",
            (number, after),
        ).fetchall()

    def recover(self) -> None:
        """After a restart: what was running was interrupted; what has long ended is forgotten."""
        for job in self.every():
            if job["state"] == "running":
                self.change(job["id"], state="interrupted", ended=now(), seconds_left=None)
        ended = [job["id"] for job in self.every() if job["state"] in FINISHED]
        for number in ended[MOST_ENDED:]:
            self.forget(number)
