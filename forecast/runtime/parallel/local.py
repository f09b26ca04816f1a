"""Processes of this machine that are used again (loky), so that Keras is loaded once in each."""

import os
import signal
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError
from forecast.runtime.garbage import collect_seldom
from forecast.runtime.lifeline import end_with
from forecast.runtime.parallel.jobs import (
    ATTEMPTS,
    MARK,
    WORKER,
    Initializer,
    Job,
    JobResult,
    Result,
    died,
    run_in_worker,
    run_job,
)


def run_here(
    work: Callable[[Job], Result], jobs: Iterable[Job], *, workers: int, initializer: Initializer | None
) -> Iterator[JobResult[Result]]:
    """As `run_jobs`; loky does not retry.

    A process that dies takes all jobs in progress with it, so these are run again in the end, one at a time.
    """
    from concurrent.futures.process import BrokenProcessPool

    submit = partial(_submit, workers, initializer, run_job, work)
    new, running, retries = enumerate(jobs), dict[Future[Any], tuple[int, Job]](), list[tuple[int, Job]]()
    try:
        while True:
            for place, job in islice(new, workers - len(running)):
                running[submit(place, job)] = place, job
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                begun = running.pop(future)
                if isinstance(future.exception(), BrokenProcessPool):
                    retries.append(begun)
                else:
                    yield future.result()
        for place, job in retries:
            yield _retry(submit, place, job)
    except BaseException:
        _executor(workers).shutdown(wait=True, kill_workers=True)
        raise


def _retry(submit: Callable[[int, Job], Future[JobResult[Result]]], place: int, job: Job) -> JobResult[Result]:
    """Run a job whose process died again, until it has had all its attempts."""
    from concurrent.futures.process import BrokenProcessPool

    for _ in range(ATTEMPTS - 1):
        with suppress(BrokenProcessPool):
            return submit(place, job).result()
    return died(place)


def start_worker(*, initializer: Initializer) -> None:
    """Start the process that `in_background` will use, so that it loads what it needs in the meantime."""
    if not os.environ.get(MARK):
        _submit(1, initializer, _no_op)


def _no_op() -> None:
    """No-op that starts a worker."""


@contextmanager
def in_background(*, initializer: Initializer) -> Iterator[Callable[..., None]]:
    """Run work in another process during the block; the block ends when all is done.

        with in_background(initializer=load) as start:
            start(work, argument)

    A worker does the work itself, at once: there are no workers of workers.

    Raises:
        ForecastError: the process died.
        Exception: what the work raised. The process is then stopped at once, as it is by Ctrl-C.
    """
    from concurrent.futures.process import BrokenProcessPool

    if os.environ.get(MARK):
        yield lambda work, *arguments, **named: work(*arguments, **named)
        return
    started: list[Future[Any]] = []
    try:
        yield lambda *work, **named: started.append(_submit(1, initializer, *work, **named))
        for future in started:
            future.result()
    except BrokenProcessPool as error:
        raise ForecastError("a process of this program died, perhaps from want of memory. Try again.") from error
    except BaseException:
        _executor(1).shutdown(wait=True, kill_workers=True)
        raise


def _submit(workers: int, initializer: Initializer | None, *work: Any, **named: Any) -> Future[Any]:
    """Submit work to a pool of so many workers.

    In a thread, as Ctrl-C raises in the main one alone: in the middle of the start of a worker it would leave that one
    to print what it lacks. Nor does it reach a worker, which takes over what its starter blocks.
    """
    from concurrent.futures.process import BrokenProcessPool

    def submit(executor: Any) -> Future[Any]:
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        future: Future[Any] = executor.submit(run_in_worker, Path.cwd(), initializer, *work, **named)
        return future

    with ThreadPoolExecutor(1) as starter:
        with suppress(BrokenProcessPool):  # by an earlier job, just now: there is a new pool
            return starter.submit(submit, _executor(workers)).result()  # loky has one for each thread
        return starter.submit(submit, _executor(workers)).result()


def _executor(workers: int) -> Any:
    """The pool of this process, with its workers of earlier calls; a new pool if one of them has died."""
    from loky import get_reusable_executor

    # loky replaces a worker that uses more and more memory, between two jobs, and warns of it
    warnings.filterwarnings("ignore", "A worker was (restarted|stopped)", UserWarning)
    return get_reusable_executor(
        max_workers=workers, timeout=120, env=WORKER, initializer=_begin, initargs=(os.getpid(),)
    )


def _begin(parent: int) -> None:
    """End with the calling process, and leave Ctrl-C to it; a worker that took it would return a training cut short."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent)
    collect_seldom()
