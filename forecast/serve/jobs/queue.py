"""The owner of the queue: starts what waits, passes on what workers say, and ends what is to be stopped."""

import asyncio
import json
import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from forecast.serve.jobs.store import FINISHED, Job, JobStore
from forecast.serve.problems import Problem, problem_of
from forecast.serve.settings import ServerSettings
from forecast.serve.workspace import now

# Seconds between two looks at what waits and what is asked; bytes of one event; losses that a record holds.
INTERVAL, LONGEST_EVENT, MOST_LOSSES = 0.1, 1 << 20, 2000
# How a worker ends where Ctrl-C comes while it loads or writes; by any other status it has crashed.
BY_CTRL_C = (0, 1, -signal.SIGINT)
log = logging.getLogger("forecast.serve")


class JobQueue:
    """Runs the jobs of a store, a few side by side; there is one in each folder."""

    def __init__(self, settings: ServerSettings, store: JobStore) -> None:
        self._settings, self._store = settings, store
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped: set[str] = set()
        self._ending = False

    async def run(self) -> None:
        """Until it is cancelled; then all jobs end, and are told to be interrupted."""
        self._store.recover()
        try:
            while True:
                self._obey()
                for job, spec in self._store.waiting()[: max(0, self._settings.jobs - len(self._tasks))]:
                    self._store.change(job["id"], state="running", started=now())
                    task = asyncio.create_task(self._run(job["id"], spec))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
                await asyncio.sleep(INTERVAL)
        finally:
            self._ending = True
            for process in self._running.values():
                _signal(process, signal.SIGKILL)
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._store.recover()

    def _obey(self) -> None:
        """Stop and cancel what is asked."""
        for number, what in self._store.asked().items():
            job, process = self._store.get(number), self._running.get(number)
            if what == "cancel" and process:
                _signal(process, signal.SIGKILL)
            elif what == "cancel":
                self._store.forget(number)
            elif process and number not in self._stopped:
                self._stopped.add(number)
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGINT)
            elif job and job["state"] == "queued":
                self._store.change(number, state="stopped", ended=now())
            if what != "cancel" or process:
                self._store.ask(number, "")
            if what == "cancel" and process:
                self._store.change(number, cancelled=True, told=False)

    async def _run(self, number: str, spec: dict[str, Any]) -> None:
        """Run one job to its end."""
        log_file = Path(self._settings.folder).absolute() / "jobs" / f"{number}.log"
        log_file.parent.mkdir(exist_ok=True)
        with log_file.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "forecast.serve.jobs.worker", str(self._settings.job_memory)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=LONGEST_EVENT,
                start_new_session=True,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            )
        self._running[number] = process
        try:
            await asyncio.wait_for(self._listen(number, process, spec), self._settings.job_seconds)
        except TimeoutError:
            said = Problem(504, f"a job must end within {self._settings.job_seconds} seconds.")
            self._store.change(number, state="failed", ended=now(), problem=problem_of(said))
        finally:
            _signal(process, signal.SIGKILL)
            del self._running[number]
        self._settle(number, await process.wait())

    async def _listen(self, number: str, process: asyncio.subprocess.Process, spec: dict[str, Any]) -> None:
        assert process.stdin and process.stdout  # noqa: S101  both are pipes
        with suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(json.dumps(spec).encode())
            await process.stdin.drain()
            process.stdin.close()
        while line := await process.stdout.readline():
            with suppress(ValueError, KeyError):
                self._note(number, json.loads(line))

    def _note(self, number: str, event: dict[str, Any]) -> None:
        """Pass an event on."""
        kind = event.pop("kind")
        job = self._store.get(number)
        if job is None:
            return
        if kind == "progress":
            self._store.event(number, "progress", event)
            seen = {name: event[name] for name in ("model", "step", "steps", "seconds_left")}
            self._store.change(number, told=False, **seen, loss=_losses(job, event))
        elif kind == "ended":
            self._store.change(number, **event, ended=now(), seconds_left=None)
        elif kind == "failed":
            self._store.change(number, state="failed", problem=event["problem"], ended=now(), seconds_left=None)

    def _settle(self, number: str, status: int) -> None:
        """Say how a job ended that said nothing itself."""
        job = self._store.get(number)
        if job is None or self._ending:
            return
        if job.pop("cancelled", False):
            self._store.forget(number)
        elif job["state"] not in FINISHED and number in self._stopped and status in BY_CTRL_C:
            self._store.change(number, state="stopped", ended=now(), seconds_left=None)
        elif job["state"] not in FINISHED:
            reason = f"signal {-status}" if status < 0 else f"status {status}"
            said = Problem(
                507,
                "a training must fit into memory and end by itself.",
                value=f"its process ended with {reason}",
                cure="Train a smaller network, or on fewer rows.",
            )
            log.error("a job ended", extra={"job": number, "status": status})
            self._store.change(number, state="failed", problem=problem_of(said), ended=now(), seconds_left=None)


def _losses(job: Job, event: dict[str, Any]) -> list[Any]:
    """The losses of the model in training, one row an event."""
    before = job["loss"] if job["model"] == event["model"] else []
    row = [event["step"], event["train"], event["validation"]]
    if before and before[-1][0] == row[0]:
        before = before[:-1]
    return [*before, row][-MOST_LOSSES:]


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    """Send a signal to a job and all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
