"""Commands as a person runs them: each in a process of its own, that begins after the imports.

To load the libraries takes most of the time of a small command. One process of the session loads them and forks for
each command; tests whose subject is the start or the end of a process start one themselves.
"""

import atexit
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

from forecast.runtime.parallel.jobs import MARK

# Has a command do its jobs and trainings in its own process, for commands whose subject is not their workers.
ALONE = {MARK: "1"}
# Keras' backend that starts the fastest, where it is installed, for processes whose subject is not the backend.
QUICK = {"KERAS_BACKEND": "jax"} if importlib.util.find_spec("jax") else {}

FORKS = """
import json, os, runpy, sys
import matplotlib.backends.backend_agg, matplotlib.figure
import forecast.cli.main, forecast.data.sources, forecast.pipeline
for line in sys.stdin:
    job = json.loads(line)
    if not (child := os.fork()):
        for number, name in enumerate([os.devnull, *job["streams"]]):
            os.dup2(os.open(name, os.O_RDWR), number)
        os.chdir(job["folder"])
        os.environ.clear()
        os.environ.update(job["environment"])
        sys.argv = ["forecast", *job["arguments"]]
        runpy.run_module("forecast", run_name="__main__")
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@lru_cache(maxsize=1)
def _forks() -> subprocess.Popen[str]:
    """The process that loaded the program; it ends with its standard input."""
    here = str(Path(__file__).parent.parent)
    environment = os.environ | {"PYTHONPATH": here, "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    atexit.register(process.communicate)
    return process


def run_command(
    *arguments: object, folder: Path | str = ".", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`forecast ARGUMENTS` in a folder, without workers unless an environment is given: exit status, output, errors."""
    words = [str(one) for one in arguments]
    environment = dict(os.environ | ALONE if environment is None else environment)
    if not hasattr(os, "fork"):
        command = [sys.executable, "-m", "forecast", *words]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    with tempfile.TemporaryDirectory() as streams:
        told = [Path(streams, name) for name in ("out", "err")]
        for stream in told:
            stream.touch()
        status = _ask(
            {
                "arguments": words,
                "folder": str(Path(folder).absolute()),
                "environment": environment,
                "streams": [str(stream) for stream in told],
            }
        )
        return subprocess.CompletedProcess(words, status, *(stream.read_text(encoding="utf-8") for stream in told))


def _ask(job: dict[str, object]) -> int:
    """Have a command run; the exit status."""
    process = _forks()
    try:
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        return int(process.stdout.readline())
    except BaseException:  # what it would still answer is not for the next command
        process.kill()
        _forks.cache_clear()
        raise
