"""Many jobs side by side: the one place that knows where a job runs.

jobs         results, progress, and how a worker runs a job
local        processes of this machine (loky)
standby      processes that are started early, load their libraries, and take jobs later
ray_engine   Ray, on this machine or on many

Every job computes on one thread, wherever it runs: results depend neither on the engine nor on the number of workers,
not in the last digit.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sized

from forecast.errors import ConfigError
from forecast.runtime.parallel.jobs import (
    MARK,
    Initializer,
    Job,
    JobResult,
    OnProgress,
    Progress,
    Result,
    run_in_turn,
)
from forecast.runtime.parallel.local import in_background, run_here, start_worker

__all__ = [
    "LOCAL",
    "JobResult",
    "OnProgress",
    "Progress",
    "check_engine",
    "cores",
    "in_background",
    "run_jobs",
    "start_worker",
]

LOCAL = "local"


def run_jobs(
    work: Callable[[Job], Result],
    jobs: Iterable[Job],
    *,
    workers: int | None = None,
    initializer: Initializer | None = None,
    engine: str = LOCAL,
) -> Iterator[JobResult[Result]]:
    """Run `work` on each job and yield the results, as jobs finish.

    An error that the input of a job caused (`ForecastError`) is the result of that job. A job whose process dies has
    three attempts in all. Any other error ends all jobs, and so does Ctrl-C: the workers are stopped at once. A worker
    that calls this function runs the jobs itself: there are no workers of workers.

    Args:
        work: A function of a module, so that workers can import it.
        jobs: Taken one by one as they are sent to the workers, so that memory holds no more than those in progress. A
            list starts no more workers than it has jobs.
        workers: Jobs at a time; None for as many as the engine has cores for.
        initializer: Called once in each worker, to load what jobs need.
        engine: `local`, processes of this machine; `ray`, the Ray of this machine, started if there is none; or the
            address of a cluster, `HOST:PORT`, or `ray://HOST:PORT` from outside of it.
    Raises:
        ConfigError: the engine is unknown, not installed, or does not answer; fewer workers than one.
    """
    check_engine(engine, workers)
    if os.environ.get(MARK):
        return run_in_turn(work, jobs)
    if engine == LOCAL:
        most = max(1, len(jobs)) if isinstance(jobs, Sized) else sys.maxsize
        return run_here(work, jobs, workers=min(workers or cores(), most), initializer=initializer)
    from forecast.runtime.parallel.ray_engine import run_on_ray

    return run_on_ray(work, jobs, workers=workers, initializer=initializer, engine=engine)


def check_engine(engine: str, workers: int | None) -> None:
    """Check the name of an engine and the number of workers.

    Raises:
        ConfigError: the engine is neither `local`, `ray` nor an address, or there are fewer workers than one.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"`jobs` must be at least 1. Received: jobs={workers}.")
    if engine not in (LOCAL, "ray") and not engine.rpartition(":")[2].isdigit():
        raise ConfigError(f"`engine` must be local, ray, HOST:PORT or ray://HOST:PORT. Received: engine={engine}.")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
