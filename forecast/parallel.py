"""Many jobs side by side: the one place that knows where a job runs.

Workers are processes of this machine that are used again, so that Keras is loaded once in each. Every job computes on
one thread, whatever the number of workers: results do not depend on it, not in the last digit.
"""

import os
import signal
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from forecast.errors import ForecastError

Job = TypeVar("Job")
Result = TypeVar("Result")

# A job whose process dies, from want of memory for example, is tried so often in all, alone from the second time on.
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


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, eq=False)
class Done(Generic[Result]):
    """What came of the job at `place`: a result, or the reason why there is none."""

    place: int
    result: Result | None
    error: str = ""


def run_jobs(
    work: Callable[[Job], Result], jobs: Sequence[Job], *, workers: int, prepare: Callable[[], None] | None = None
) -> Iterator[Done[Result]]:
    """Does `work` on each job and gives what came of it, as jobs finish.

    An error that the input is at fault for belongs to its job; the others go on. Any other error ends them all, and so
    does Ctrl-C: the workers are stopped at once.

    Args:
        work: A function of a module, so that workers can import it.
        jobs: Sent to the workers one by one, so that memory holds no more than those in work.
        prepare: Called once in each worker, to load what jobs need.
    """
    waiting, deaths = deque(range(len(jobs))), Counter[int]()
    running: dict[Future[Result], int] = {}
    try:
        while waiting or running:
            while waiting and len(running) < (1 if deaths[waiting[0]] else workers):
                place = waiting.popleft()
                running[_executor(workers, prepare).submit(work, jobs[place])] = place
                if deaths[place]:
                    break
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                place = running.pop(future)
                done = _outcome(future, place, deaths)
                if done is None:
                    waiting.appendleft(place)
                else:
                    yield done
    except BaseException:
        _executor(workers, prepare).shutdown(wait=True, kill_workers=True)
        raise


def start_worker(*, prepare: Callable[[], None]) -> None:
    """Starts the process that `beside` will use, so that it loads what it needs while other work is done."""
    _executor(1, prepare).submit(_begun)


def _begun() -> None:
    """What a worker does that is only to be there."""


@contextmanager
def beside(*, prepare: Callable[[], None]) -> Iterator[Callable[..., None]]:
    """Gives a function that has another process work beside this one; at the end of the block all is done.

        with beside(prepare=load) as start:
            start(work, argument)

    Raises:
        ForecastError: the process died.
        Exception: what the work raised. The process is then stopped at once, and so it is by Ctrl-C.
    """
    from concurrent.futures.process import BrokenProcessPool

    started: list[Future[Any]] = []
    try:
        yield lambda *work, **named: started.append(_executor(1, prepare).submit(*work, **named))
        for future in started:
            future.result()
    except BrokenProcessPool as error:
        raise ForecastError("a process of this program died, perhaps from want of memory. Try again.") from error
    except BaseException:
        _executor(1, prepare).shutdown(wait=True, kill_workers=True)
        raise


def _outcome(future: "Future[Result]", place: int, deaths: Counter[int]) -> Done[Result] | None:
    """What came of a job; None if its process died and it is tried again."""
    from concurrent.futures.process import BrokenProcessPool

    try:
        return Done(place, future.result())
    except ForecastError as error:
        return Done(place, None, str(error))
    except BrokenProcessPool:
        deaths[place] += 1
        if deaths[place] < TRIES:
            return None
        return Done(place, None, f"the process that worked on it died {TRIES} times, perhaps from want of memory.")


def _executor(workers: int, prepare: Callable[[], None] | None) -> Any:
    """The workers of this process; new ones if one of them has died."""
    from loky import get_reusable_executor

    # one that has grown is replaced between two jobs, which is as it should be
    warnings.filterwarnings("ignore", "A worker was (restarted|stopped)", UserWarning)
    return get_reusable_executor(
        max_workers=workers, timeout=120, env=ONE_THREAD, initializer=_begin, initargs=(prepare,)
    )


def _begin(prepare: Callable[[], None] | None) -> None:
    """Ctrl-C is for the process that started the work; a worker that took it would keep half a training."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if prepare:
        prepare()
