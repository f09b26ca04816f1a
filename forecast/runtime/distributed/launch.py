"""The other workers of a training on this machine: started with the same command, watched, and ended with it.

The process that starts them is worker 0. One that fails ends all, with its own last line as the reason. Who belongs
to a training stands in the variable TF_CONFIG, as TensorFlow has it; where it is set, somebody else has started them.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import IO

from forecast.errors import ConfigError, WorkerLost
from forecast.runtime.parallel import cores

VARIABLE = "TF_CONFIG"
# What libraries read when they are loaded: how many threads each may use.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
# Seconds between two looks at the others, and that worker 0 has to end by itself once one of them failed.
LOOK, GRACE = 0.2, 5.0
# Seconds that the others have to end once all is done.
ENDING = 60.0


def named() -> tuple[int, list[str]]:
    """The rank of this process in the crew that TF_CONFIG names, and the addresses HOST:PORT of all.

    Raises:
        ConfigError: it is no configuration of workers.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return 0, []
    try:
        config = json.loads(text)
        jobs: Mapping[str, Sequence[str]] = config["cluster"]
        chiefs, places = len(jobs.get("chief", ())), [*jobs.get("chief", ()), *jobs["worker"]]
        kind, index = config["task"]["type"], int(config["task"]["index"])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ConfigError(f"{VARIABLE} must name the workers and this task. Received: {text[:200]}.") from error
    rank = index + (chiefs if kind == "worker" else 0)
    if kind not in ("chief", "worker") or set(jobs) - {"chief", "worker"} or not 0 <= rank < len(places):
        raise ConfigError(f"{VARIABLE} must name workers, and this task as one of them. Received: {text[:200]}.")
    return rank, places


@dataclass(frozen=True, eq=False)
class Worker:
    """Another worker, and the file that holds what it said."""

    number: int
    process: "subprocess.Popen[bytes]"
    said: IO[bytes]

    def lines(self) -> list[str]:
        self.said.seek(0)
        return self.said.read().decode(errors="replace").splitlines()

    def failure(self) -> str:
        """Why it failed; nothing while it works, or once it has ended well."""
        status = self.process.poll()
        if not status:
            return ""
        last = next((line for line in reversed(self.lines()) if line.startswith("forecast: ")), "")
        if status > 0 and last:
            return last.removeprefix("forecast: ")
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return f"worker {self.number} {how}. If memory ran out, use fewer --workers a machine."


def divide_cores(count: int) -> None:
    """Gives each of `count` processes its part of the cores; before the numeric libraries are loaded."""
    for name in THREADS:
        os.environ.setdefault(name, str(max(1, cores() // count)))


@contextmanager
def started(count: int, command: Sequence[str]) -> Iterator[None]:
    """Runs a block as worker 0 beside `count` - 1 processes that run `command`; none of them outlives it.

    Raises:
        CrewLost: one of them failed.
    """
    places = _free_places(count)
    os.environ[VARIABLE] = _config(places, 0)
    with ExitStack() as stack:
        several = [stack.enter_context(_worker(number, places, command)) for number in range(1, count)]
        ended = threading.Event()
        watcher = threading.Thread(target=_watch, args=(several, ended), daemon=True)
        watcher.start()
        stack.callback(watcher.join)
        stack.callback(ended.set)
        try:
            yield
        except WorkerLost as error:
            if reason := _first_failure(several):
                raise WorkerLost(reason) from error
            raise
        for one in several:
            one.process.wait(ENDING)
            for line in one.lines():
                sys.stderr.write(f"{line}\n")


def _free_places(count: int) -> list[str]:
    """Addresses on this machine that nobody listens to."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]


def _config(places: Sequence[str], number: int) -> str:
    return json.dumps({"cluster": {"worker": list(places)}, "task": {"type": "worker", "index": number}})


@contextmanager
def _worker(number: int, places: Sequence[str], command: Sequence[str]) -> Iterator[Worker]:
    """One other worker, ended with the block; Ctrl-C is for worker 0 alone."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603  the command that this process runs itself
            command,
            env={**os.environ, VARIABLE: _config(places, number)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        )
        try:
            yield Worker(number, process, said)
        finally:
            process.kill()
            process.wait()


def _watch(several: Sequence[Worker], ended: threading.Event) -> None:
    """Ends this process if it goes on waiting for a worker that failed."""
    while not ended.wait(LOOK):
        if reason := _failure(several):
            if not ended.wait(GRACE):
                sys.stderr.write(f"forecast: {reason}\n")
                sys.stderr.flush()
                for one in several:
                    one.process.kill()
                os._exit(1)
            return


def _failure(several: Sequence[Worker]) -> str:
    return next(filter(None, (one.failure() for one in several)), "")


def _first_failure(several: Sequence[Worker]) -> str:
    """The reason of a worker that failed, which may come a moment after what it brought about."""
    until = time.monotonic() + GRACE
    while time.monotonic() < until:
        if reason := _failure(several):
            return reason
        time.sleep(LOOK)
    return ""
