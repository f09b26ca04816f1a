"""Time, memory and leftovers of what is hammered."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DAMAGE = ROOT / "tests" / "damage.py"
# What nothing may take: seconds of a processor, seconds by the clock however busy the machine is, and bytes.
SECONDS, CLOCK, MEMORY = 20.0, 180.0, 1 << 30


@dataclass(frozen=True)
class Done:
    """How a command ended.

    Attributes:
        seconds: Of a processor, by it and the processes that it waited for.
        clock: Seconds from its start to its end.
        memory: The most bytes of it or one of its processes.
    """

    status: int
    errors: str
    seconds: float
    clock: float
    memory: int

    def wrong(self, usual: float = 0.0) -> str:
        """What must not be, of a command that usually takes so many seconds; empty if all is well."""
        if "Traceback" in self.errors:
            return "TRACEBACK"
        if self.status not in (0, 1, 2):
            return f"STATUS {self.status}"
        if self.status == 1 and not self.errors.strip().rpartition("\n")[2].startswith("forecast: "):
            return "NO WORD"
        if self.seconds > SECONDS + usual or self.clock > CLOCK:
            return "SLOW"
        return "LARGE" if self.memory > MEMORY else ""


def environment(folder: Path) -> dict[str, str]:
    """Variables with which nothing is read or written outside `folder`, and no network is reached."""
    here = {"XDG_CACHE_HOME": str(folder / "cache"), "TMPDIR": str(folder / "tmp"), "MPLCONFIGDIR": str(folder / "mpl")}
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    alone = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1"}
    usual = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "jax")}
    return {**os.environ, **usual, **here, **alone}


def command(arguments: list[str], folder: Path, *, at: int = 0, action: str = "0", counts: str = "-") -> Done:
    """Run a command in a folder, with an error or a kill at its change number `at`."""
    line = [sys.executable, str(DAMAGE), str(folder), str(at), action, counts, *arguments]
    begun = time.monotonic()
    errors = folder.parent / "errors"
    with errors.open("w") as file:
        process = subprocess.Popen(  # noqa: S603
            line, cwd=folder, env=environment(folder.parent), stdout=subprocess.DEVNULL, stderr=file
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    clock, seconds = time.monotonic() - begun, used.ru_utime + used.ru_stime
    return Done(process.returncode, errors.read_text(errors="replace"), seconds, clock, used.ru_maxrss * 1024)


def limit_memory() -> None:
    """Let this process have one gigabyte more than it has."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY,) * 2)


def hidden(folder: Path) -> list[str]:
    """What writers left in a folder."""
    return [str(path.relative_to(folder)) for path in folder.rglob(".*")]


def processes(folder: Path, seconds: float = 3.0) -> set[str]:
    """The processes that commands in a folder have started and that are there after some seconds."""
    deadline = time.monotonic() + seconds
    while (found := {*_with_variable(str(folder).encode())}) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _with_variable(value: bytes) -> Iterator[str]:
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and value in (entry / "environ").read_bytes():
                yield entry.name
        except OSError:  # of others, or gone
            continue
