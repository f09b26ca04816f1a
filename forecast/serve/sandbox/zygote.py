"""The process that has loaded everything and forks a child for each task: a command, not a module.

    python -m forecast.serve.sandbox.zygote CHANNEL MEMORY SECONDS

CHANNEL is the number of an open socket. Each byte that comes on it brings another socket with it: a child reads a task
from that, a line of JSON, and writes its answer, a line of JSON. The zygote adds how the child ended. MEMORY (MiB) is
what a child may take beside what is loaded; after SECONDS the system ends it.
"""

import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import Any

from forecast.runtime.lifeline import end_with
from forecast.serve.answers import TASKS
from forecast.serve.problems import out_of_memory, problem_of

# Rows of the series that is forecast once, so that all is loaded.
WARM_ROWS = 300
PAGE = resource.getpagesize()


def main(channel: int, memory: int, seconds: int) -> None:
    """Fork children until no server is left that could ask."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")  # the products are small: threads wait longer than they work
    warm()
    gc.collect()
    gc.freeze()  # what is loaded stays shared with the children
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this process by its socket
    asking = socket.socket(fileno=channel)
    children: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([asking, woken], [], [])
        if woken in ready:
            woken.recv(4096)
        _bury(children)
        if asking in ready:
            found, passed, _, _ = socket.recv_fds(asking, 1, 1)
            if not found:
                os._exit(0)
            if passed:
                _fork(socket.socket(fileno=passed[0]), children, memory, seconds)


def _fork(talk: socket.socket, children: dict[int, socket.socket], memory: int, seconds: int) -> None:
    parent = os.getpid()
    try:
        child = os.fork()
    except OSError as error:
        _say(talk, {"problem": problem_of(MemoryError(str(error)))})
        talk.close()
        return
    if child:
        children[child] = talk
        return
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        end_with(parent)
        limit(memory, seconds)
        serve_one(talk)
        status = 0
    finally:
        os._exit(status)


def _bury(children: dict[int, socket.socket]) -> None:
    """Say of each child that ended how it did."""
    with suppress(ChildProcessError):
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                return
            talk = children.pop(child, None)
            if talk is not None:
                _say(talk, {"ended": os.waitstatus_to_exitcode(status)})
                talk.close()


def limit(memory: int, seconds: int) -> None:
    """Bound what this process takes: MiB beside what it has, seconds by the clock and of computing; no core files."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    with suppress(OSError, ValueError):
        taken = int(open("/proc/self/statm").read().split()[0]) * PAGE  # noqa: PTH123, SIM115
        most = taken + (memory << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def serve_one(talk: socket.socket) -> None:
    """Read a task, and write its answer."""
    with talk.makefile("rb") as file:
        task = json.loads(file.readline())
    try:
        _say(talk, {"found": TASKS[task["task"]](task)})
    except MemoryError:
        _say(talk, {"problem": problem_of(out_of_memory())})
    except Exception as error:  # a defect is the server's to log
        problem = problem_of(error)
        told = {"defect": traceback.format_exc()} if problem["status"] == 500 else {}
        _say(talk, {"problem": problem, **told})


def _say(talk: socket.socket, what: dict[str, Any]) -> None:
    with suppress(OSError):
        talk.sendall(json.dumps(what, allow_nan=False).encode() + b"\n")


def warm() -> None:
    """Forecast a series once, so that children find all libraries, tables and weights loaded."""
    import numpy as np

    from forecast.serve.answers import answer, read_series

    walk = 100 + np.cumsum(np.sin(np.arange(WARM_ROWS) ** 2.0))
    start = np.datetime64("2020-01-01")
    rows = [{"date": str(start + day), "value": float(value)} for day, value in enumerate(walk)]
    source = {"rows": rows}
    read_series({"source": source, "folder": "."})
    answer({"source": source, "folder": ".", "horizon": 30, "origins": 20})


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:4]))
