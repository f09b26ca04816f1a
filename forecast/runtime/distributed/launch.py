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
from forecast.runtime.lifeline import PARENT
from forecast.runtime.parallel import cores

VARIABLE = "TF_CONFIG"
# What libraries read when they are loaded: how many threads each may use.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
# Seconds between two checks of the other workers, and those that worker 0 has to end by itself once one failed.
POLL_INTERVAL, GRACE_PERIOD = 0.2, 5.0
# Seconds that the other workers have to end once all have trained.
EXIT_TIMEOUT = 60.0


def read_tf_config() -> tuple[int, list[str]]:
    """The rank of this process among those that TF_CONFIG names, and the addresses HOST:PORT of all.

    Raises:
        ConfigError: the variable holds no configuration of workers.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return 0, []
    try:
        config = json.loads(text)
        jobs: Mapping[str, Sequence[str]] = config["cluster"]
        chiefs = list(jobs.get("chief", ()))
        addresses = [*chiefs, *jobs["worker"]]
        kind, index = config["task"]["type"], int(config["task"]["index"])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ConfigError(f"{VARIABLE} must name the workers and this task. Received: {text[:200]}.") from error
    rank = index + (len(chiefs) if kind == "worker" else 0)
    if kind not in ("chief", "worker") or set(jobs) - {"chief", "worker"} or not 0 <= rank < len(addresses):
        raise ConfigError(f"{VARIABLE} must name workers, and this task as one of them. Received: {text[:200]}.")
    return rank, addresses


@dataclass(frozen=True, eq=False)
class Worker:
    """Another worker, and the file that holds its standard error."""

    rank: int
    process: "subprocess.Popen[bytes]"
    stderr: IO[bytes]

    def failure(self) -> str:
        """Why the worker failed; empty while it works, or once it has ended well."""
        status = self.process.poll()
        if not status:
            return ""
        self.stderr.seek(0)
        lines = self.stderr.read().decode(errors="replace").splitlines()
        last = next((line for line in reversed(lines) if line.startswith("forecast: ")), "")
        if status > 0 and last:
            return last.removeprefix("forecast: ")
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return f"worker {self.rank} {how}. If memory ran out, use fewer --workers a machine."


def divide_cores(count: int) -> None:
    """Give each of `count` processes its part of the cores; before the numeric libraries are loaded."""
    for name in THREADS:
        os.environ.setdefault(name, str(max(1, cores() // count)))


@contextmanager
def start_workers(count: int, command: Sequence[str]) -> Iterator[None]:
    """Run a block as worker 0 beside `count` - 1 processes that run `command`; none of them outlives the block.

    Raises:
        WorkerLost: one of them failed.
    """
    addresses = _free_addresses(count)
    os.environ[VARIABLE] = _tf_config(addresses, 0)
    with ExitStack() as stack:
        others = [stack.enter_context(_worker(rank, addresses, command)) for rank in range(1, count)]
        ended = threading.Event()
        watcher = threading.Thread(target=_watch, args=(others, ended), daemon=True)
        watcher.start()
        stack.callback(watcher.join)
        stack.callback(ended.set)
        try:
            yield
        except WorkerLost as error:
            if reason := _wait_for_failure(others):
                raise WorkerLost(reason) from error
            raise
        for other in others:
            other.process.wait(EXIT_TIMEOUT)


def _free_addresses(count: int) -> list[str]:
    """Addresses on this machine that nobody listens to."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]


def _tf_config(addresses: Sequence[str], rank: int) -> str:
    return json.dumps({"cluster": {"worker": list(addresses)}, "task": {"type": "worker", "index": rank}})


@contextmanager
def _worker(rank: int, addresses: Sequence[str], command: Sequence[str]) -> Iterator[Worker]:
    """One other worker, ended with the block; Ctrl-C is for worker 0 alone."""
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(  # noqa: S603  the command that this process runs itself
            command,
            env={**os.environ, VARIABLE: _tf_config(addresses, rank), PARENT: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            yield Worker(rank, process, stderr)
        finally:
            process.kill()
            process.wait()


def _watch(others: Sequence[Worker], ended: threading.Event) -> None:
    """End this process if it goes on waiting for a worker that failed."""
    while not ended.wait(POLL_INTERVAL):
        if reason := _failure(others):
            if not ended.wait(GRACE_PERIOD):
                sys.stderr.write(f"forecast: {reason}\n")
                sys.stderr.flush()
                for other in others:
                    other.process.kill()
                os._exit(1)
            return


def _failure(others: Sequence[Worker]) -> str:
    return next(filter(None, (other.failure() for other in others)), "")


def _wait_for_failure(others: Sequence[Worker]) -> str:
    """Why a worker failed; its end may be noticed a moment after the error that it caused here."""
    deadline = time.monotonic() + GRACE_PERIOD
    while time.monotonic() < deadline:
        if reason := _failure(others):
            return reason
        time.sleep(POLL_INTERVAL)
    return ""
