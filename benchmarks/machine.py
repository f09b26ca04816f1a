"""The machine that a benchmark runs on: what it is, and how fast it multiplies matrices."""

import json
import os
import platform
import resource
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np

VERSIONS = """
import importlib.metadata, json, sys
found = {d.name.lower(): d.version for d in importlib.metadata.distributions() if d.name}
print(json.dumps({name: found[name] for name in sys.argv[1:] if name in found}))
"""


def versions(python: Path, names: tuple[str, ...]) -> str:
    """Names and versions of the packages that another Python has; empty where there is no such Python."""
    if not python.exists():
        return ""
    command = [str(python), "-c", VERSIONS, *names]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  our own Python
    return ", ".join(f"{name} {version}" for name, version in json.loads(answer.stdout).items())


def processor() -> str:
    """The processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def system() -> str:
    """The operating system's name and version."""
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform()


def describe() -> str:
    """Processor, cores, memory, system and Python, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = f"{os.cpu_count()} cores of {processor()}"
    return f"{cores}, {memory:.0f} GiB memory, {system()}, Python {platform.python_version()}"


def processor_seconds() -> tuple[float, float]:
    """What all processes of the machine, and those that this one has waited for, have had of the cores so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    ours, stat = usage.ru_utime + usage.ru_stime, Path("/proc/stat")
    if not stat.exists():
        return ours, ours
    user, nice, kernel, _, _, *interrupts = map(int, stat.read_text().splitlines()[0].split()[1:9])
    return (user + nice + kernel + sum(interrupts)) / os.sysconf("SC_CLK_TCK"), ours


def matmul_rate(rows: int, inner: int, columns: int, *, rounds: int = 7, seconds: float = 0.1) -> float:
    """GFLOP/s of numpy's float32 product of (rows, inner) and (inner, columns): the median round."""
    random = np.random.default_rng(0)
    left, right = (random.random(shape, np.float32) for shape in ((rows, inner), (inner, columns)))
    out, flops = np.empty((rows, columns), np.float32), 2 * rows * inner * columns
    calls = 1 + int(seconds * 1e10 / flops)
    rates = []
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(calls):
            np.matmul(left, right, out=out)
        rates.append(calls * flops / (time.perf_counter() - started) / 1e9)
    return statistics.median(rates)
