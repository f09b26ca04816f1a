"""The server: listens, answers, runs the queue, and ends when it is told to.

One process does all; with several workers it keeps the queue, and starts as many processes that answer:

    python -m forecast.serve.server SETTINGS CHANNEL SOCKET...   (numbers of open sockets)
"""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.netutil import bind_sockets

from forecast.errors import ConfigError
from forecast.runtime.atomic import held_folder
from forecast.runtime.lifeline import end_with
from forecast.serve.app import make_app
from forecast.serve.jobs.queue import JobQueue
from forecast.serve.jobs.store import JobStore
from forecast.serve.logs import start_logging
from forecast.serve.sandbox.client import Sandbox, start_zygote
from forecast.serve.settings import ServerSettings
from forecast.serve.state import State
from forecast.serve.workspace import Workspace

# Seconds for the header of a request and between two of one connection, and for a body; bytes of a header.
HEADER_SECONDS, BODY_SECONDS, LARGEST_HEADER = 30, 60, 16384
# Seconds between two looks after the processes.
LOOK = 0.25
JOBS = "jobs.sqlite"
log = logging.getLogger("forecast.serve")


def serve(settings: ServerSettings, *, tell: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        tell: Called with the address once the server answers.
    Raises:
        ConfigError: the address is taken or not of this machine.
        WriteError: the folder cannot be written to, or another server serves it.
    """
    workspace = Workspace(settings.place)
    workspace.prepare()
    with held_folder(workspace.folder / "lock"):
        start_logging(settings.log_format, requests=settings.log_format == "json")
        listening = _bind(settings)
        asyncio.run(_own(settings, listening, tell))


def _bind(settings: ServerSettings) -> list[socket.socket]:
    try:
        return bind_sockets(settings.port, settings.host, reuse_port=False)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(
            f"a server needs a free port on an address of this machine. {settings.host}:{settings.port}: {reason}. "
            "Choose another --port."
        ) from error


async def _own(settings: ServerSettings, listening: list[socket.socket], tell: Callable[[str], None]) -> None:
    """Run the zygote, the queue, and the processes that answer, this one or others."""
    ours, theirs = socket.socketpair()
    zygote = start_zygote(settings, theirs)
    store = JobStore(settings.place / JOBS)
    queue = asyncio.create_task(JobQueue(settings, store).run())
    stopping = _on_signal()
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{listening[0].getsockname()[1]}"
    try:
        if settings.workers == 1:
            answering = asyncio.create_task(_answer(settings, listening, ours, stopping))
        else:
            answering = asyncio.create_task(_watch(settings, listening, ours, stopping))
        tell(address)
        while not stopping.is_set():
            if zygote.poll() is not None:
                log.error("the sandbox ended and is started again", extra={"status": zygote.returncode})
                zygote = start_zygote(settings, theirs)
            if answering.done() or queue.done():
                break
            await asyncio.sleep(LOOK)
        stopping.set()
        await answering
    finally:
        queue.cancel()
        with suppress(asyncio.CancelledError):
            await queue
        zygote.kill()
        zygote.wait()


def _on_signal() -> asyncio.Event:
    """An event that SIGTERM, SIGHUP and Ctrl-C set; one that is ignored, as by `nohup`, stays so."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stopping.set)
    return stopping


async def _watch(
    settings: ServerSettings, listening: Sequence[socket.socket], channel: socket.socket, stopping: asyncio.Event
) -> None:
    """Keep as many processes that answer as there are to be; end them in the end."""
    running: list[subprocess.Popen[bytes]] = []
    while not stopping.is_set():
        for ended in [one for one in running if one.poll() is not None]:
            log.error("a worker ended and is started again", extra={"status": ended.returncode})
            running.remove(ended)
        running += [_start(settings, listening, channel) for _ in range(settings.workers - len(running))]
        await asyncio.sleep(LOOK)
    for one in running:
        one.terminate()
    for one in running:
        with suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(one.wait, settings.grace + 5)
        one.kill()


def _start(
    settings: ServerSettings, listening: Sequence[socket.socket], channel: socket.socket
) -> subprocess.Popen[bytes]:
    numbers = [channel.fileno(), *(one.fileno() for one in listening)]
    return subprocess.Popen(  # noqa: S603  its own interpreter and module
        [sys.executable, "-m", "forecast.serve.server", *map(str, numbers)],
        stdin=subprocess.DEVNULL,
        stderr=sys.stderr,  # its descriptor is another one than 2 in a command
        pass_fds=numbers,
        env={**os.environ, SETTINGS: settings.to_json()},
    )


# The variable that holds the settings of a worker: a token in the arguments could be read by all.
SETTINGS = "FORECAST_SERVE"


class BoundedServer(HTTPServer):
    """A server that closes connections beyond a number at once: each holds memory, and slow ones for long."""

    most: int

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        if len(self._connections) >= self.most:
            stream.close()
        else:
            super().handle_stream(stream, address)


async def _answer(
    settings: ServerSettings, listening: Sequence[socket.socket], channel: socket.socket, stopping: asyncio.Event
) -> None:
    """Answer requests until the event is set; then those that are open are finished, within some seconds."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")  # the products are small: threads wait longer than they work
    workspace = Workspace(settings.place)
    state = State(settings, workspace, JobStore(settings.place / JOBS), Sandbox(settings, channel))
    state.stopping = stopping
    server = BoundedServer(
        make_app(state),
        xheaders=False,
        max_header_size=LARGEST_HEADER,
        max_body_size=settings.upload,
        max_buffer_size=settings.upload + LARGEST_HEADER,
        idle_connection_timeout=HEADER_SECONDS,
        body_timeout=BODY_SECONDS,
    )
    server.most = settings.connections
    server.add_sockets(listening)
    await stopping.wait()
    server.stop()
    for _ in range(int(settings.grace / LOOK)):
        if not state.metrics.open:
            break
        await asyncio.sleep(LOOK)
    with suppress(TimeoutError):
        await asyncio.wait_for(server.close_all_connections(), settings.grace)
    state.store.close()


async def _answer_alone(settings: ServerSettings, channel: int, numbers: Sequence[int]) -> None:
    listening = [socket.socket(fileno=number) for number in numbers]
    await _answer(settings, listening, socket.socket(fileno=channel), _on_signal())


def main() -> None:
    """Answer as one of several workers."""
    end_with(os.getppid())
    settings = ServerSettings.from_json(os.environ.pop(SETTINGS))
    start_logging(settings.log_format, requests=settings.log_format == "json")
    channel, *numbers = map(int, sys.argv[1:])
    asyncio.run(_answer_alone(settings, channel, numbers))


if __name__ == "__main__":
    main()
