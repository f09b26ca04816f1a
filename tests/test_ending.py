"""How commands and their processes end: with their parent, by signals, without memory, folder or output."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from commands import QUICK, run_command
from conftest import random_walk

pytestmark = pytest.mark.slow

POOL = """
import sys, time
from forecast.runtime.parallel import run_jobs
from tests_of_ending import sleep_long
print("ready", flush=True)
list(run_jobs(sleep_long, range(2), workers=2))
"""
JOB = "import os, sys, time\ndef sleep_long(number):\n    sys.stdout.write(f'{os.getpid()}\\n')\n    time.sleep(60)\n"
GROUP = """
import sys, time
from forecast.runtime.distributed.launch import start_workers
worker = "import time\\nfrom forecast.runtime.lifeline import end_with_parent\\nend_with_parent()\\ntime.sleep(60)"
with start_workers(3, [sys.executable, "-c", worker]):
    print("ready", flush=True)
    time.sleep(60)
"""

SIGNALLED = """
import signal, sys
import forecast
from forecast.models import Callbacks

def begin(step):
    if step.step == 1:
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0002)

came = []
signal.signal(signal.SIGALRM, lambda *_: came.append(1))
forecast.train(sys.argv[1], "dense", horizon=7, max_steps=800, callbacks=Callbacks(begin))
signal.setitimer(signal.ITIMER_REAL, 0)
print(len(came))
"""


@pytest.fixture
def prices(tmp_path):
    path = tmp_path / "walk.csv"
    dates = pd.bdate_range("2001-01-01", periods=200)
    pd.DataFrame({"Date": dates, "Close": random_walk()}).to_csv(path, index=False)
    return path


def tree_of(process, least):
    """The processes that a process has started, once they are so many."""
    parent, deadline = psutil.Process(process.pid), time.monotonic() + 60
    while len(found := parent.children(recursive=True)) < least:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def assert_gone(processes, seconds=60):
    """Within half of the time after which idle workers end by themselves, however busy the machine is."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    assert not alive


@pytest.mark.parametrize(("code", "least"), [(POOL, 3), (GROUP, 2)], ids=["workers of a pool", "workers of a training"])
def test_processes_end_when_their_parent_is_killed(code, least, tmp_path):
    (tmp_path / "tests_of_ending.py").write_text(JOB)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
    assert parent.stdout.readline() == b"ready\n"
    tree = tree_of(parent, least)
    time.sleep(0.5 if code is GROUP else 1.5)  # they have begun
    parent.kill()
    parent.communicate(timeout=300)  # nobody holds its standard output
    assert_gone(tree)


SMALL = ["--lookback", "8", "--horizon", "3"]
LONG = ["--models", "dense", "--out", "run", "--steps", "1000000", "--patience", "1000000", *SMALL]
RUN, COMPARE = ["run", "PRICES", *LONG], ["compare", "PRICES", *LONG, "--jobs", "2", "--folds", "2"]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there are no such signals here")
@pytest.mark.parametrize(
    ("arguments", "number", "words"),
    [
        (RUN, signal.SIGTERM, "stopped; nothing was written."),
        (COMPARE, signal.SIGHUP, "stopped. What is finished is in run"),
    ],
    ids=["run", "compare"],
)
def test_a_signal_ends_a_command_with_its_status_and_leaves_nothing(prices, tmp_path, arguments, number, words):
    command = [sys.executable, "-m", "forecast", *(str(prices) if one == "PRICES" else one for one in arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # ignored signals, as under nohup, would stay ignored
    pipes["preexec_fn"] = lambda: signal.signal(number, signal.SIG_DFL)
    process = subprocess.Popen(command, cwd=tmp_path, env=os.environ | QUICK, **pipes)
    if arguments is RUN:
        assert process.stderr.readline().startswith("dense: step 1/")
    tree = tree_of(process, 2)
    time.sleep(0.3)
    process.send_signal(number)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 128 + number
    assert errors.splitlines()[-1] == f"forecast: {words}" or words in errors.splitlines()[-1]
    assert "Traceback" not in errors
    assert_gone(tree)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"walk.csv"}


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there are no such signals here")
def test_a_signal_that_is_ignored_stays_ignored():
    code = (
        "import os, signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from forecast.runtime import lifeline\nlifeline.listen()\nos.kill(os.getpid(), signal.SIGHUP)\n"
        "try:\n    os.kill(os.getpid(), signal.SIGTERM)\nexcept KeyboardInterrupt:\n    print(lifeline.received())\n"
        "os.kill(os.getpid(), signal.SIGTERM)\nprint('cleaned up')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout == "15\ncleaned up\n", done.stderr


def run(*arguments, prelude="", folder, **variables):
    """A command behind a line of shell."""
    line = f'{prelude} exec "$@"'
    command = ["/bin/sh", "-c", line, "sh", sys.executable, "-m", "forecast", *map(str, arguments)]
    here = str(Path(__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": here, **variables}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder, env=environment)


def one_line(done, words):
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert words in done.stderr


def test_closed_streams(tmp_path, prices):
    """No file of a command takes the number of a stream that was closed."""
    one_line(
        run("models", prelude="exec >&-;", folder=tmp_path), "standard output is closed, and a command prints there"
    )
    done = run("train", prices, "--model", "naive", "--save", "m", *SMALL, prelude="exec 2>&- <&-;", folder=tmp_path)
    assert done.returncode == 0
    assert "is in m" in done.stdout
    assert run("run", "missing.csv", prelude="exec 2>&-;", folder=tmp_path).returncode == 1


def test_a_working_folder_that_is_gone(tmp_path, prices):
    (tmp_path / "gone").mkdir()
    prelude = "cd gone; rmdir ../gone;"
    done = run("train", prices, "--model", "naive", "--save", "m", *SMALL, prelude=prelude, folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "forecast: the working folder is gone. Change to one that exists."
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("mode", [{}, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}], ids=["utf-8", "ascii"])
def test_a_unit_that_the_locale_cannot_write(tmp_path, prices, mode):
    named = tmp_path / "Zürich.csv"
    prices.rename(named)
    variables = {"LC_ALL": "POSIX", **mode}
    done = run("train", named, "--model", "naive", "--save", "m", *SMALL, "--unit", "€", folder=tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    done = run("predict", named, "--model", "m", "--csv", "a.csv", "--unit", "€", folder=tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    assert "Zürich,€," in (tmp_path / "a.csv").read_text(encoding="utf-8")


def test_a_file_whose_name_is_no_text(tmp_path, prices):
    name = os.fsencode(tmp_path) + b"/a\xff.csv"
    prices.rename(os.fsdecode(name))
    for arguments in (
        ["inspect"],
        ["train", "--model", "naive", "--save", "m", *SMALL],
        ["predict", "--model", "m", "--csv", "t"],
    ):
        done = run_command(arguments[0], os.fsdecode(name), *arguments[1:], folder=tmp_path)
        assert done.returncode == 0, done.stderr
    done = run_command(
        "predict", os.fsdecode(name), "--model", "m", "--out", "t.parquet", "--jobs", "1", folder=tmp_path
    )
    assert done.returncode == 0, done.stderr


def test_too_little_memory_is_one_line(tmp_path, prices):
    told = [
        run("inspect", prices, prelude=f"ulimit -v {size};", folder=tmp_path) for size in range(90_000, 250_000, 40_000)
    ]
    for done in told:
        if done.returncode:
            one_line(done, "too little free memory")
    assert {done.returncode for done in told} >= {1}


@pytest.mark.parametrize(
    "error",
    [
        "SystemError('error return without exception set')",  # an import that finds no memory may end so
        "OSError(12, 'Cannot allocate memory', '/package')",  # or a look into a folder
    ],
)
def test_where_no_memory_is_left_nothing_is_said_but_one_line(error):
    """Neither by what Python calls in the end, which would need memory as well."""
    code = (
        "import atexit\nfrom forecast.cli import main\n"
        f"def fail(): raise {error}\n"
        "main._status_of_app = fail\natexit.register(lambda: 1 / 0)\nmain.main()\n"
    )
    one_line(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300),
        "too little free memory",
    )


def test_names_of_three_hundred_characters(tmp_path, prices):
    long = prices.with_name("wide.csv")
    table = pd.read_csv(prices).rename(columns={"Close": "a" * 300})
    table.assign(**{"b" * 300: table["a" * 300] + 1}).to_csv(long, index=False)
    small = ["--models", "naive,drift", "--folds", "2", *SMALL, "--jobs", "1"]
    done = run_command("compare", f"{long}:*", *small, "--out", "c", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "c" / "scores.csv")["series"].unique()) == 2
    assert len(list((tmp_path / "c" / "plots").glob("*/errors.png"))) == 2
    done = run_command("train", prices, "--model", "naive", "--save", "m" * 300, *SMALL, folder=tmp_path)
    assert done.returncode == 1
    assert re.search(r"forecast: m{300}.*File name too long", done.stderr.splitlines()[-1])


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there are no such signals here")
def test_a_signal_whose_exception_is_lost_comes_again():
    """As in a callback of a library, which swallows whatever is raised in it."""
    code = (
        "import sys, time; from forecast.runtime import lifeline; lifeline.GRACE = 0.3; lifeline.listen()\n"
        "try: print('ready', flush=True); time.sleep(200)\n"
        "except KeyboardInterrupt: pass\n"
        "try: time.sleep(200)\n"
        "except KeyboardInterrupt: sys.exit(lifeline.received())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=300) == signal.SIGTERM


def test_signals_while_a_network_is_trained_leave_the_heap_as_it_is(prices):
    """Without a stack of their own the process ends within seconds with "corrupted size vs. prev_size", or the like."""
    command = [sys.executable, "-c", SIGNALLED, str(prices)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 100
