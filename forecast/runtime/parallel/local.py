"""Processes of this machine that are used again, so that Keras is loaded once in each."""

import signal
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError
from forecast.runtime.parallel.jobs import WORKER, Job, JobResult, Result, RetryQueue, work_in


def run_here(
    work: Callable[[Job], Result], jobs: Iterable[Job], *, workers: int, prepare: Callable[[], None] | None
) -> Iterator[JobResult[Result]]:
    """As `run_jobs` says. A process that dies takes the others with it, so its job is tried again alone."""
    waiting, running = RetryQueue(jobs), dict[Future[Result], tuple[int, Job]]()
    try:
        while True:
            while len(running) < (1 if waiting.alone else workers) and (next_job := waiting.take()):
                running[_submit(workers, prepare, work, next_job[1])] = next_job
                if waiting.deaths[next_job[0]]:
                    break
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                done = _outcome(future, *running.pop(future), waiting)
                if done:
                    yield done
    except BaseException:
        _executor(workers).shutdown(wait=True, kill_workers=True)
        raise


def start_worker(*, prepare: Callable[[], None]) -> None:
    """Starts the process that `in_background` will use, so that it loads what it needs while other work is done."""
    _submit(1, prepare, _begun)


def _begun() -> None:
    """What a worker does that is only to be there."""


@contextmanager
def in_background(*, prepare: Callable[[], None]) -> Iterator[Callable[..., None]]:
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
        yield lambda *work, **named: started.append(_submit(1, prepare, *work, **named))
        for future in started:
            future.result()
    except BrokenProcessPool as error:
        raise ForecastError("a process of this program died, perhaps from want of memory. Try again.") from error
    except BaseException:
        _executor(1).shutdown(wait=True, kill_workers=True)
        raise


def _outcome(future: Future[Any], place: int, job: Any, waiting: RetryQueue[Any]) -> JobResult[Any] | None:
    """What came of a job; None if its process died and it is tried again."""
    from concurrent.futures.process import BrokenProcessPool

    try:
        return JobResult(place, future.result())
    except ForecastError as error:
        return JobResult(place, None, str(error))
    except BrokenProcessPool:
        return waiting.died(place, job)


def _submit(workers: int, prepare: Callable[[], None] | None, *work: Any, **named: Any) -> Future[Any]:
    """Hands work over to one of so many workers."""
    handed: Future[Any] = _executor(workers).submit(work_in, Path.cwd(), prepare, *work, **named)
    return handed


def _executor(workers: int) -> Any:
    """The workers of this process, whatever they did before; new ones if one of them has died."""
    from loky import get_reusable_executor

    # one that has grown is replaced between two jobs, which is as it should be
    warnings.filterwarnings("ignore", "A worker was (restarted|stopped)", UserWarning)
    return get_reusable_executor(max_workers=workers, timeout=120, env=WORKER, initializer=_begin)


def _begin() -> None:
    """Ctrl-C is for the process that started the work; a worker that took it would keep half a training."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
