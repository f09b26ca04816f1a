"""Processes that are started early: their jobs, their messages, Ctrl-C, and their end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from forecast.errors import ConfigError, ForecastError
from forecast.runtime.parallel.standby import standby

# What a job here does, until it is stopped: it tells a number at a time.
PATIENCE = 100_000


def load():
    """A library that is loaded by being named."""
    os.environ["LOADED"] = "yes"


def cannot_load():
    raise ConfigError("the backend must be installed.")


def add(tell, a, b):
    tell(f"{a} and {b}")
    return a + b, os.environ.get("LOADED"), os.getpid()


def tell_twice(tell):
    tell(1)
    time.sleep(0.3)  # in which a stop of the job before would come
    tell(2)
    return "told"


def refuse(_tell, value):
    raise ConfigError(f"a value must be positive. Received: {value}.")


def break_down(_tell):
    return [][1]


def die(_tell):
    os._exit(3)


def count(tell):
    done = 0
    try:
        for done in range(PATIENCE):
            tell(done)
            time.sleep(0.001)
    except KeyboardInterrupt:
        return "stopped", done
    return "all", done


def wait_in_silence(_tell):
    time.sleep(PATIENCE)


def test_jobs_wait_for_free_processes_tell_of_themselves_and_give_results_by_name():
    told = []
    with standby(2) as some:
        some.load(load)
        for number in range(5):
            some.submit(f"job {number}", add, number, 10)
        results = some.finish(told.append)
        assert some.finish() == {}
        some.submit("more", add, 1, 1)
        assert some.finish()["more"][:2] == (2, "yes")
    assert {name: one[0] for name, one in results.items()} == {f"job {number}": number + 10 for number in range(5)}
    assert {one[1] for one in results.values()} == {"yes"}
    assert os.getpid() not in {one[2] for one in results.values()}
    assert sorted(told) == [f"{number} and 10" for number in range(5)]


def test_an_error_of_the_input_is_a_result_and_any_other_is_raised_with_where_it_came_from():
    with standby(1) as one:
        one.load(cannot_load)
        one.submit("refused", refuse, -1)
        one.submit("good", add, 1, 2)
        results = one.finish()
        assert (type(results["refused"]), str(results["refused"])) == (
            ConfigError,
            "a value must be positive. Received: -1.",
        )
        assert results["good"][0] == 3
        one.submit("broken", break_down)
        with pytest.raises(IndexError) as raised:
            one.finish()
        assert "break_down" in raised.value.__notes__[0]


def test_a_process_that_dies_is_one_line():
    with standby(1) as one:
        one.submit("dead", die)
        with pytest.raises(ForecastError, match=r"^a process of this program died"):
            one.finish()


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN], ids=["usual", "ignored"])
def ctrl_c(request):
    """Ctrl-C as at a terminal, and as in a process that a shell started in the background."""
    before = signal.signal(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_stopping_ends_what_has_begun_and_begins_nothing_else():
    """Stopped by the first message: a job that has told nothing is given up, and so is one that waits."""

    def stop(_message):
        raise KeyboardInterrupt

    with standby(2) as some:
        some.submit("counts", count)
        some.submit("silent", wait_in_silence)
        some.submit("waits", count)
        with some.interruptible():
            results = some.finish(stop)
        assert results.keys() == {"counts"}
        assert results["counts"][0] == "stopped"
        assert some.is_there
        some.submit("after", tell_twice)
        assert some.finish()["after"] == "told"


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to another process there")
@pytest.mark.parametrize(("job", "said"), [("count", "stopped"), ("wait_in_silence", "raised")])
def test_ctrl_c_stops_jobs_and_before_any_has_begun_the_caller(job, said):
    code = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from forecast.runtime.parallel.standby import standby
import test_standby
try:
    with standby(1) as one, one.interruptible():
        one.submit("job", test_standby.{job})
        one.look(lambda _: None, seconds={5 if job == "count" else 0})
        print("ready", flush=True)
        print(one.finish()["job"][0])
except KeyboardInterrupt:
    print("raised")
"""
    process = _start(code)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=300)[0] == f"{said}\n"
    assert process.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals there")
def test_a_signal_that_ends_the_caller_is_not_taken_for_a_wish_to_stop():
    """Also where it comes while the caller hears of a job, as it draws its progress."""
    code = """
import os, signal
from forecast.runtime import lifeline
from forecast.runtime.parallel.standby import standby
import test_standby
lifeline.listen()
try:
    with standby(1) as one, one.interruptible():
        one.submit("job", test_standby.count)
        print(one.finish(lambda _: os.kill(os.getpid(), signal.SIGTERM)))
except KeyboardInterrupt:
    print("raised", lifeline.received())
"""
    process = _start(code)
    assert process.communicate(timeout=300)[0] == f"raised {signal.SIGTERM:d}\n"


@pytest.mark.skipif(os.name == "nt", reason="processes are killed in another way there")
def test_nothing_is_left_when_the_block_ends_or_the_caller_is_killed():
    with standby(1) as one:
        one.submit("where", add, 1, 1)
        left = one.finish()["where"][2]
        one.submit("silent", wait_in_silence)
    assert not _is_there(left)
    code = (
        "import time, test_standby\nfrom forecast.runtime.parallel.standby import standby\n"
        "with standby(1) as one:\n    one.submit('where', test_standby.add, 1, 1)\n"
        "    print(one.finish()['where'][2], flush=True)\n    time.sleep(1000)\n"
    )
    caller = _start(code)
    left = int(caller.stdout.readline())
    caller.kill()
    caller.communicate()
    while _is_there(left):  # the test's own limit of time ends this
        time.sleep(0.05)


def _start(code: str) -> "subprocess.Popen[str]":
    """A process that finds this module."""
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, text=True
    )


def _is_there(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
