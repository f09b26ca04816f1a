"""The server's side of the sandbox: asks for a task, waits for the answer, and says what ended a child."""

import asyncio
import json
import logging
import signal
import socket
import subprocess
import sys
from typing import Any

from forecast.serve.problems import Problem, out_of_memory, out_of_time
from forecast.serve.settings import ServerSettings

# Seconds beyond the limit after which no answer is expected any more, and bytes of one answer.
LATE, LARGEST = 10.0, 256 << 20
log = logging.getLogger("forecast.serve")


class Refused(Problem):
    """What a child said to be wrong, as it stands."""

    def __init__(self, details: dict[str, Any]) -> None:
        super().__init__(details["status"], details["rule"], value=details["value"], cure=details["cure"])
        self.details = details


def start_zygote(settings: ServerSettings, channel: socket.socket) -> subprocess.Popen[bytes]:
    """Start the process that forks; `channel` is its end of the socket."""
    numbers = [str(number) for number in (channel.fileno(), settings.memory, settings.seconds)]
    return subprocess.Popen(  # noqa: S603  its own interpreter and module
        [sys.executable, "-m", "forecast.serve.sandbox.zygote", *numbers],
        stdin=subprocess.DEVNULL,
        stderr=sys.stderr,  # its descriptor is another one than 2 in a command
        pass_fds=(channel.fileno(),),
    )


class Sandbox:
    """Asks for tasks, a few side by side.

    Args:
        channel: The server's end of the socket to the zygote.
    """

    def __init__(self, settings: ServerSettings, channel: socket.socket) -> None:
        self._settings, self._channel = settings, channel
        self._free = asyncio.Semaphore(settings.side_by_side)
        self.waiting = 0

    async def ask(self, task: str, **arguments: Any) -> dict[str, Any]:
        """Have a task done by a child of its own.

        Raises:
            Problem: what is wrong with what was sent; or that it took too much memory or time.
        """
        self.waiting += 1
        try:
            async with self._free:
                return await self._ask({"task": task, **arguments})
        finally:
            self.waiting -= 1

    async def _ask(self, task: dict[str, Any]) -> dict[str, Any]:
        mine, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._channel, [b"."], [theirs.fileno()])
            except OSError as error:
                mine.close()
                raise Problem(503, "the processes that read files must run.", cure="Try again in a moment.") from error
        reader, writer = await asyncio.open_connection(sock=mine, limit=LARGEST)
        try:
            writer.write(json.dumps(task).encode() + b"\n")
            return await asyncio.wait_for(self._answer(reader), self._settings.seconds + LATE)
        except (TimeoutError, OSError) as error:
            raise out_of_time(self._settings.seconds) from error
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> dict[str, Any]:
        line = await reader.readline()
        said: dict[str, Any] = json.loads(line) if line else {"ended": 1}
        if "found" in said:
            found: dict[str, Any] = said["found"]
            return found
        if "problem" in said:
            if "defect" in said:
                log.error("a task failed", extra={"defect": said["defect"]})
            raise Refused(said["problem"])
        if said["ended"] in (-signal.SIGALRM, -signal.SIGXCPU):
            raise out_of_time(self._settings.seconds)
        raise out_of_memory()
