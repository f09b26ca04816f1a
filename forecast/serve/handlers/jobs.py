"""Trainings: into the queue, how far they are, and their end."""

import asyncio
from typing import Any

from forecast.serve.handlers.base import Handler, flush
from forecast.serve.jobs.store import FINISHED, Job
from forecast.serve.problems import Problem
from forecast.serve.requests import read_training
from forecast.serve.workspace import new_id, now

# Seconds between two looks for new events, and between two signs of life where there are none.
LOOK, ALIVE = 0.15, 15.0


def new_job(kind: str, name: str, series: str, models: list[str]) -> Job:
    """The record of a job that waits."""
    nothing = dict.fromkeys(("started", "ended", "model", "step", "steps", "seconds_left", "run", "problem"))
    about = {"id": new_id(), "kind": kind, "name": name, "state": "queued", "created": now()}
    return {**about, **nothing, "series": series, "models": models, "loss": [], "models_saved": []}


class Queueing(Handler):
    """Adds jobs."""

    def queue(self, job: Job, spec: dict[str, Any]) -> None:
        """Add a job and answer with it.

        Raises:
            Problem: too many wait.
        """
        spec = {"kind": job["kind"], "workspace": str(self.state.workspace.folder), **spec}
        if not self.state.store.add(job, spec, most=self.state.settings.queue):
            raise Problem(
                429, f"at most {self.state.settings.queue} jobs may wait.", cure="Wait for one to end, or cancel one."
            )
        self.set_header("Location", f"/v1/jobs/{job['id']}")
        self.send(job, 202)


class Trainings(Queueing):
    """`/v1/trainings`."""

    def post(self) -> None:
        request = read_training(self.body())
        stored = self.state.workspace.series(request.series)
        name = request.name or f"{stored['name']}, {', '.join(request.models)}"
        job = new_job("training", name[:200], stored["name"], request.models)
        options = request.options | ({} if request.horizon is None else {"horizon": request.horizon})
        run = self.state.workspace.free_name("runs", f"{request.name or stored['name']}-{job['id'][:4]}")
        spec = {
            "source": stored["source"],
            "folder": f"series/{request.series}",
            "models": request.models,
            "options": options,
            "run": run,
        }
        self.queue(job, spec)


class JobList(Handler):
    """`/v1/jobs`."""

    def get(self) -> None:
        self.send({"jobs": self.state.store.every()})


class JobHandler(Handler):
    """A route of one job."""

    def job(self, number: str) -> Job:
        """The record of a job.

        Raises:
            Problem: there is none.
        """
        found = self.state.store.get(number)
        if found is None:
            raise Problem(404, "a job must be one of those at /v1/jobs.", value=number[:40])
        return found


class OneJob(JobHandler):
    """`/v1/jobs/ID`."""

    def get(self, number: str) -> None:
        self.send(self.job(number))

    def delete(self, number: str) -> None:
        self.job(number)
        self.state.store.ask(number, "cancel")
        self.set_status(204)


class StopJob(JobHandler):
    """`/v1/jobs/ID/stop`."""

    def post(self, number: str) -> None:
        if self.job(number)["state"] not in FINISHED:
            self.state.store.ask(number, "stop")
        self.send(self.job(number), 202)


class JobEvents(JobHandler):
    """`/v1/jobs/ID/events`: a stream of server-sent events, which ends with the job."""

    async def get(self, number: str) -> None:
        self.job(number)
        last = self.request.headers.get("Last-Event-ID", "0")
        after = int(last) if last.isdecimal() and last.isascii() and len(last) < 16 else 0
        self.set_header("Content-Type", "text/event-stream")
        self.write("retry: 1000\n\n")
        quiet = 0.0
        while not self.state.stopping.is_set():
            found = self.state.store.events(number, after)
            for after, kind, data in found:
                self.write(f"id: {after}\nevent: {kind}\ndata: {data}\n\n")
            quiet = 0.0 if found else quiet + LOOK
            if quiet >= ALIVE:
                self.write(": alive\n\n")
                quiet = 0.0
            if not await flush(self):
                return
            job = self.state.store.get(number)
            if not found and (job is None or job["state"] in FINISHED):
                return
            await asyncio.sleep(LOOK)
