"""Jobs and what comes of them, the same on every engine."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from forecast.errors import ForecastError

Job = TypeVar("Job")
Result = TypeVar("Result")

# A job whose process dies, from want of memory for example, is tried so often in all.
TRIES = 3
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
# What a worker's environment holds; the mark tells it from other processes.
MARK = "FORECAST_WORKER"
WORKER = ONE_THREAD | SHARED_GPU | {MARK: "1"}

_prepared: set[Callable[[], None]] = set()


@dataclass(frozen=True, eq=False)
class JobResult(Generic[Result]):
    """What came of the job at `place`: a result, or the reason why there is none."""

    place: int
    result: Result | None
    error: str = ""


@dataclass(frozen=True)
class Progress:
    """How far the jobs of a stage are: those that were there from before count as done."""

    stage: str
    done: int
    failed: int
    total: int


def work_in(
    folder: Path, prepare: Callable[[], None] | None, work: Callable[..., Result], *arguments: Any, **named: Any
) -> Result:
    """What a worker does: the work, with what has to be loaded for it loaded once.

    Args:
        folder: Where the process is that asks. A worker, which may have been there before, goes there: what has no full
            path is there.
    """
    with suppress(OSError):  # on another machine there may be no such folder
        os.chdir(folder)
    if prepare and prepare not in _prepared:
        prepare()
        _prepared.add(prepare)
    return work(*arguments, **named)


def run_in_turn(work: Callable[[Job], Result], jobs: Iterable[Job]) -> Iterator[JobResult[Result]]:
    """Does the jobs in this process, one after another."""
    for place, job in enumerate(jobs):
        done: JobResult[Result]
        try:
            done = JobResult(place, work(job))
        except ForecastError as error:
            done = JobResult(place, None, str(error))
        yield done


@dataclass(eq=False)
class RetryQueue(Generic[Job]):
    """The jobs that are still to be done: those that come, and before them those whose process died."""

    jobs: Iterable[Job]
    deaths: Counter[int] = field(default_factory=Counter)
    _again: list[tuple[int, Job]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._come: Iterator[tuple[int, Job]] = enumerate(self.jobs)

    def take(self) -> tuple[int, Job] | None:
        """The next job and its place; None if there is no more."""
        return self._again.pop() if self._again else next(self._come, None)

    @property
    def alone(self) -> bool:
        """Whether the next job is one whose process died."""
        return bool(self._again)

    def died(self, place: int, job: Job) -> JobResult[None] | None:
        """Counts a death: None if the job is tried again."""
        self.deaths[place] += 1
        if self.deaths[place] < TRIES:
            self._again.append((place, job))
            return None
        return JobResult(place, None, f"the process that worked on it died {TRIES} times, perhaps from want of memory.")
