"""Processes that are started early and load their libraries while the calling process does other work.

Each takes one job at a time, tells of it as it goes on, and may be asked to end it. Ctrl-C is left to the caller, and
they end with it. They compute as the calling process does, on as many threads.
"""

import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from threading import Event, Thread, current_thread, main_thread
from types import FrameType
from typing import Any

from forecast.errors import ForecastError
from forecast.runtime.garbage import collect_seldom
from forecast.runtime.lifeline import end_with, received
from forecast.runtime.parallel.jobs import MARK, SHARED_GPU, Initializer

# Seconds between two looks for Ctrl-C.
INTERVAL = 0.1
LOAD, WORK, STOP = "load", "work", "stop"
TOLD, DONE, FAILED = "told", "done", "failed"

OnMessage = Callable[[Any], None]


class Standby:
    """So many processes; `standby` starts them and ends them."""

    def __init__(self, count: int) -> None:
        self._results: dict[str, Any] = {}
        self._waiting: deque[tuple[str, Callable[..., Any], tuple[Any, ...]]] = deque()
        self._interrupted = False
        self._all = [_Helper() for _ in range(count)]

    def load(self, initializer: Initializer) -> None:
        """Have each process load what its jobs will need; one that cannot says so in its first job."""
        for helper in self._all:
            helper.begin("", LOAD, initializer)

    def submit(self, name: str, work: Callable[..., Any], *arguments: Any) -> None:
        """Run `work(tell, *arguments)`; `tell(message)` sends a message, and raises KeyboardInterrupt once stopped."""
        self._waiting.append((name, work, arguments))
        self._hand_out()

    def look(self, on_message: OnMessage, *, seconds: float = 0.0) -> None:
        """Take what has come, within so many seconds, and give waiting jobs to free processes.

        Raises:
            ForecastError: a process died.
            Exception: what a job raised, unless it is a ForecastError.
        """
        for connection in wait([helper.connection for helper in self._busy], seconds):
            self._take(next(helper for helper in self._all if helper.connection is connection), on_message)
        self._hand_out()
        if self._interrupted:
            self._stop()

    def finish(self, on_message: OnMessage = lambda _: None) -> dict[str, Any]:
        """Wait for all jobs; return what each gave, by its name, or the error of one whose input was at fault."""
        while self._waiting or any(helper.job for helper in self._busy):
            self.look(on_message, seconds=INTERVAL)
        results, self._results = self._results, {}
        return results

    @contextmanager
    def watched(self, on_message: OnMessage) -> Iterator[None]:
        """Look from a thread while the block runs, so that no process waits for it.

        Raises:
            ForecastError, Exception: as `look`, when the block ends.
        """
        ended, failed = Event(), list[BaseException]()

        def watch() -> None:
            try:
                while not ended.is_set():
                    self.look(on_message, seconds=INTERVAL)
                    if not self._busy:
                        ended.wait(INTERVAL)
            except BaseException as error:
                failed.append(error)

        watcher = Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()
        if failed:
            raise failed[0]

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """In the block Ctrl-C ends jobs that have told something, and no other is begun; the second raises, as usual.

        Before any has told something the first one raises.
        """
        usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler and current_thread() is main_thread()
        if usual:
            signal.signal(signal.SIGINT, self._interrupt)
        try:
            yield
        finally:
            if usual:
                signal.signal(signal.SIGINT, signal.default_int_handler)
            self._interrupted = False

    def end(self) -> None:
        for helper in self._all:
            helper.end()

    @property
    def is_there(self) -> bool:
        """Whether a process is left; Ctrl-C ends those whose job has told nothing."""
        return bool(self._all)

    @property
    def _busy(self) -> "list[_Helper]":
        return [helper for helper in self._all if helper.is_busy]

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._interrupted or not (self._results or any(helper.began for helper in self._all)):
            signal.default_int_handler(number, frame)
        self._interrupted = True

    def _hand_out(self) -> None:
        for helper in self._all:
            if self._waiting and not helper.is_busy:
                name, work, arguments = self._waiting.popleft()
                helper.begin(name, WORK, (work, arguments))

    def _take(self, helper: "_Helper", on_message: OnMessage) -> None:
        kind, content = helper.receive()
        if kind == TOLD:
            helper.began = True
            try:
                on_message(content)
            except KeyboardInterrupt:
                if received():
                    raise
                self._interrupted = True
        elif kind == FAILED and not isinstance(content, ForecastError):
            raise content
        else:
            if helper.job:
                self._results[helper.job] = content
            helper.job, helper.began, helper.is_busy = "", False, False

    def _stop(self) -> None:
        """Ask jobs that have told something to end, and give up the others."""
        self._waiting.clear()
        for helper in self._busy:
            if helper.began:
                helper.ask_to_stop()
            else:
                helper.end()
                self._all.remove(helper)


class _Helper:
    """One process, seen from the caller.

    Attributes:
        job: The name of the job that it works on; nothing while it loads.
        began: Whether that job has told something.
        is_busy: Whether it works or loads, so that what is sent to it would wait in the way.
    """

    def __init__(self) -> None:
        from loky.backend import get_context

        context = get_context("loky")
        self.connection, there = context.Pipe()
        self.job, self.began, self.is_busy, self._asked = "", False, False, False
        self._process = context.Process(target=_serve, args=(there, os.getpid()), env=SHARED_GPU | {MARK: "1"})
        self._process.start()
        there.close()

    def begin(self, name: str, kind: str, content: Any) -> None:
        self.job, self.began, self.is_busy, self._asked = name, False, True, False
        self._send(kind, content)

    def ask_to_stop(self) -> None:
        if not self._asked:
            self._send(STOP, None)
        self._asked = True

    def _send(self, kind: str, content: Any) -> None:
        with suppress(OSError):  # it died, which shows when its answer is read
            self.connection.send((kind, content))

    def receive(self) -> tuple[str, Any]:
        try:
            kind, content = self.connection.recv()
        except (EOFError, OSError) as error:
            raise ForecastError("a process of this program died, perhaps from want of memory. Try again.") from error
        return kind, content

    def end(self) -> None:
        self.connection.close()
        self._process.terminate()
        self._process.join()


@contextmanager
def standby(count: int) -> Iterator[Standby]:
    """Start `count` processes for the block; none outlives it, whatever it was at."""
    started = Standby(count)
    try:
        yield started
    finally:
        started.end()


def _serve(connection: Connection, parent: int) -> None:
    """Do what the caller asks, one thing after another, until it has no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent)
    collect_seldom()

    def tell(message: Any) -> None:
        connection.send((TOLD, message))
        if connection.poll() and connection.recv()[0] == STOP:
            raise KeyboardInterrupt

    with suppress(EOFError, OSError):  # the caller has ended
        while True:
            kind, content = connection.recv()
            if kind != STOP:
                _answer(connection, kind, content, tell)


def _answer(connection: Connection, kind: str, content: Any, tell: OnMessage) -> None:
    """Load something, or do a job and send what it gives, or why it failed."""
    if kind == LOAD:
        with suppress(Exception):  # the first job that needs it fails for the same reason
            content()
        connection.send((DONE, None))
        return
    work, arguments = content
    try:
        result = DONE, work(tell, *arguments)
    except Exception as error:
        error.add_note(traceback.format_exc())
        result = FAILED, error
    connection.send(result)
