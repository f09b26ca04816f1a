"""Ray: jobs on the cores of this machine or of a cluster.

Ray places the jobs and starts the processes; here jobs are handed over, as many as there is room for, and those whose
worker or machine died are handed over again.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from forecast.errors import ConfigError, ForecastError
from forecast.runtime.parallel.jobs import WORKER, Job, JobResult, Result, RetryQueue, work_in

# Without a number of workers, so many jobs a core are handed over, so that no core waits for the next.
AHEAD = 2
# Seconds after which a cluster is asked for its cores again: it may grow.
SIZE_HOLDS = 10.0
# Seconds in which the machine of an address must answer.
ANSWER = 10.0
# Bytes for what jobs and results leave in the memory that the processes of a Ray started here share.
STORE = 2**27
# The engine that is the Ray of this machine, and addresses of one.
HERE = "ray"
LOCAL = (HERE, "127.0.0.1", "localhost")
# What Ray reads when it is loaded: it reports to nobody, does not print that a worker died, which is a job's own news
# here, knocks five times at a head that does not let it in, not twenty, and starts no processes in advance: those of
# jobs have an environment of their own.
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",
    "RAY_NUM_REDIS_GET_RETRIES": "5",
    "RAY_prestart_worker_first_driver": "0",
}
# As well: a Ray that is started here is on the loopback address alone, as it is everywhere but on Linux.
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
# What a worker takes over from this process.
INHERITED = ("KERAS_BACKEND",)

_joined: list[str] = []


def run_on_ray(
    work: Callable[[Job], Result],
    jobs: Iterable[Job],
    *,
    workers: int | None,
    prepare: Callable[[], None] | None,
    engine: str,
) -> Iterator[JobResult[Result]]:
    """As `run_jobs` says."""
    ray = _connect(engine, workers)
    environment = WORKER | {name: os.environ[name] for name in INHERITED if name in os.environ}
    task = ray.remote(work_in).options(num_cpus=1, max_retries=0, runtime_env={"env_vars": environment})
    folder, room, waiting, running = Path.cwd(), _room(ray, workers), RetryQueue(jobs), dict[Any, tuple[int, Job]]()
    try:
        while True:
            while len(running) < room() and (next_job := waiting.take()):
                running[task.remote(folder, prepare, work, next_job[1])] = next_job
            if not running:
                return
            for reference in ray.wait(list(running), num_returns=1)[0]:
                done = _outcome(ray, reference, *running.pop(reference), waiting)
                if done:
                    yield done
    except BaseException:
        for reference in running:
            ray.cancel(reference, force=True)
        raise


def _outcome(ray: Any, reference: Any, place: int, job: Any, waiting: RetryQueue[Any]) -> JobResult[Any] | None:
    """What came of a job; None if its worker died and it is tried again."""
    errors = ray.exceptions
    try:
        return JobResult(place, ray.get(reference))
    except errors.RayTaskError as error:
        if isinstance(error.cause, ForecastError):
            return JobResult(place, None, str(error.cause))
        raise error.cause from None
    except (
        errors.WorkerCrashedError,
        errors.NodeDiedError,
        errors.OutOfMemoryError,
        errors.ObjectLostError,
        errors.LocalRayletDiedError,
    ):
        return waiting.died(place, job)


def _room(ray: Any, workers: int | None) -> Callable[[], int]:
    """Says how many jobs may be in work; of a cluster that grows, more."""
    if workers:
        return lambda: workers
    asked, room = float("-inf"), 0

    def ask() -> int:
        nonlocal asked, room
        if time.monotonic() - asked > SIZE_HOLDS:
            asked, room = time.monotonic(), AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        return room

    return ask


def _connect(engine: str, workers: int | None) -> Any:
    """Ray, started or joined; what was started here ends with this process. One that runs in it already is used.

    Raises:
        ConfigError: Ray is not installed, or nothing answers at the address.
    """
    of_this_machine = engine.partition(":")[0] in LOCAL
    for name, value in (SETTINGS | LOOPBACK if of_this_machine else SETTINGS).items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise ConfigError("an engine other than local needs Ray: pip install 'forecast[ray]'.") from error
    if ray.is_initialized():
        if not _joined or _joined == [engine]:
            return ray
        ray.shutdown()
    _joined[:] = [engine]
    try:
        _begin(ray, engine, workers)
    except (OSError, RuntimeError, ValueError) as error:
        _joined.clear()
        raise ConfigError(f"{_cure(engine)} {error}") from error
    return ray


def _cure(engine: str) -> str:
    if engine == HERE:
        return "Ray does not start here, or the one that ran here has died. `ray stop` forgets that one."
    return (
        f"no Ray answers at {engine}. Start it with `ray start --head`; set RAY_AUTH_MODE=token if it asks for a token."
    )


def _begin(ray: Any, engine: str, workers: int | None) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if engine != HERE:
        host, _, port = engine.removeprefix("ray://").rpartition(":")
        socket.create_connection((host, int(port)), timeout=ANSWER).close()  # Ray itself would wait for minutes
        ray.init(address=engine, **quiet)
        return
    try:
        ray.init(num_cpus=workers, include_dashboard=False, object_store_memory=STORE, **quiet)
    except ValueError:  # `ray start` has started one here, or RAY_ADDRESS names one: its size is its own
        ray.init(address="auto", **quiet)
