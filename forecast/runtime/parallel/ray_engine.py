"""Ray: jobs on the cores of this machine or of a cluster.

Ray places the jobs, starts the processes, and runs a job again whose process or machine died; here jobs are submitted
as there is room for them, so that memory holds no more than those in progress.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from forecast.errors import ConfigError
from forecast.runtime.parallel.jobs import (
    ATTEMPTS,
    WORKER,
    Initializer,
    Job,
    JobResult,
    Result,
    died,
    run_in_worker,
    run_job,
)

# Jobs submitted for each core, where the number of workers is not given, so that no core waits for the next job.
JOBS_PER_CORE = 2
# Seconds after which a cluster, which may grow, is asked for its cores again.
SIZE_VALID_FOR = 10.0
# Seconds in which the machine of an address must answer.
CONNECT_TIMEOUT = 10.0
# Bytes of the memory that the processes of a Ray started here share for jobs and results.
OBJECT_STORE = 2**27
# The engine that is the Ray of this machine, and the hosts that mean this machine.
HERE = "ray"
LOCAL = (HERE, "127.0.0.1", "localhost")
# Read by Ray when it is imported. It sends no statistics and prints nothing of workers that died, which is the result
# of a job here. A head that refuses is asked five times, not twenty. No processes are started in advance, as those of
# jobs need an environment of their own. A job that ran out of memory is tried as often as one that died.
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",
    "RAY_NUM_REDIS_GET_RETRIES": "5",
    "RAY_prestart_worker_first_driver": "0",
    "RAY_task_oom_retries": str(ATTEMPTS - 1),
}
# For a Ray that is started here: it listens on the loopback address alone, as it does anyway except on Linux.
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
# Variables that workers take over from this process.
INHERITED = ("KERAS_BACKEND",)

_joined: list[str] = []


def run_on_ray(
    work: Callable[[Job], Result],
    jobs: Iterable[Job],
    *,
    workers: int | None,
    initializer: Initializer | None,
    engine: str,
) -> Iterator[JobResult[Result]]:
    """As `run_jobs`."""
    ray = _connect(engine, workers)
    environment = WORKER | {name: os.environ[name] for name in INHERITED if name in os.environ}
    options = {"num_cpus": 1, "max_retries": ATTEMPTS - 1, "runtime_env": {"env_vars": environment}}
    task = ray.remote(run_in_worker).options(**options)
    folder, room, new, running = Path.cwd(), _room(ray, workers), enumerate(jobs), dict[Any, int]()
    try:
        while True:
            for place, job in islice(new, max(0, room() - len(running))):
                running[task.remote(folder, initializer, run_job, work, place, job)] = place
            if not running:
                return
            for reference in ray.wait(list(running), num_returns=1)[0]:
                yield _result(ray, reference, running.pop(reference))
    except BaseException:
        for reference in running:
            with suppress(Exception):  # the same Ctrl-C may have ended Ray; what stopped the work is what is said
                ray.cancel(reference, force=True)
        raise


def _result(ray: Any, reference: Any, place: int) -> JobResult[Any]:
    """The result of a job, or that its process died at every attempt."""
    errors = ray.exceptions
    try:
        result: JobResult[Any] = ray.get(reference)
    except errors.RayTaskError as error:
        raise error.cause from None
    except (errors.WorkerCrashedError, errors.NodeDiedError, errors.OutOfMemoryError, errors.ObjectLostError):
        return died(place)
    return result


def _room(ray: Any, workers: int | None) -> Callable[[], int]:
    """A function that says how many jobs may be in progress; more of them once a cluster has grown."""
    if workers:
        return lambda: workers
    asked, room = float("-inf"), 0

    def ask() -> int:
        nonlocal asked, room
        if time.monotonic() - asked > SIZE_VALID_FOR:
            asked, room = time.monotonic(), JOBS_PER_CORE * max(1, int(ray.cluster_resources().get("CPU", 1)))
        return room

    return ask


def _connect(engine: str, workers: int | None) -> Any:
    """Start or join Ray, or use the one that this process has joined already; a Ray started here ends with it.

    Raises:
        ConfigError: Ray is not installed, or nothing answers at the address.
    """
    of_this_machine = engine.partition(":")[0] in LOCAL
    for name, value in (SETTINGS | LOOPBACK if of_this_machine else SETTINGS).items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise ConfigError("an engine other than local needs Ray: pip install 'honest-forecast[ray]'.") from error
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
        socket.create_connection(
            (host, int(port)), timeout=CONNECT_TIMEOUT
        ).close()  # Ray itself would wait for minutes
        ray.init(address=engine, **quiet)
        return
    try:
        ray.init(num_cpus=workers, include_dashboard=False, object_store_memory=OBJECT_STORE, **quiet)
    except ValueError:  # `ray start` has started one here, or RAY_ADDRESS names one, of a size of its own
        ray.init(address="auto", **quiet)
