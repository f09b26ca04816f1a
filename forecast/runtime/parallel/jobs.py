"""Jobs, their results and their progress, the same on every engine."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from forecast.errors import ForecastError

Job = TypeVar("Job")
Result = TypeVar("Result")

# Attempts at a job whose process dies, from want of memory for example.
ATTEMPTS = 3
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
# Where there is a GPU, each worker takes as much of its memory as it needs and no more.
SHARED_GPU = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
# The environment of a worker; the mark tells it from other processes.
MARK = "FORECAST_WORKER"
WORKER = ONE_THREAD | SHARED_GPU | {MARK: "1"}

Initializer = Callable[[], None]
_initialized: set[Initializer] = set()


@dataclass(frozen=True, eq=False)
class JobResult(Generic[Result]):
    """The result of the job at `place`, or the error that the job's input caused."""

    place: int
    result: Result | None
    error: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a stage is: items done and failed, of `total`; those found done from an earlier run are among them."""

    stage: str
    done: int
    failed: int
    total: int

    def plus(self, done: int = 0, failed: int = 0) -> Self:
        return replace(self, done=self.done + done, failed=self.failed + failed)


OnProgress = Callable[[Progress], None]


def run_in_worker(
    folder: Path, initializer: Initializer | None, work: Callable[..., Result], *arguments: Any, **named: Any
) -> Result:
    """Run `work` in a worker, after `initializer` if that has not run there yet.

    Args:
        folder: The working folder of the calling process, which relative paths refer to.
    """
    with suppress(OSError):  # another machine may have no such folder
        os.chdir(folder)
    if initializer and initializer not in _initialized:
        initializer()
        _initialized.add(initializer)
    return work(*arguments, **named)


def run_in_turn(work: Callable[[Job], Result], jobs: Iterable[Job]) -> Iterator[JobResult[Result]]:
    """Run the jobs in this process, one after another."""
    for place, job in enumerate(jobs):
        yield run_job(work, place, job)


def run_job(work: Callable[[Job], Result], place: int, job: Job) -> JobResult[Result]:
    """Run one job; a `ForecastError` is its result."""
    try:
        return JobResult(place, work(job))
    except ForecastError as error:
        return JobResult(place, None, str(error))


def died(place: int) -> JobResult[Any]:
    """The result of a job whose process died at every attempt."""
    return JobResult(place, None, f"the process that worked on it died {ATTEMPTS} times, perhaps from want of memory.")
