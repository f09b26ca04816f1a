"""Jobs side by side, in real processes."""

import os
import subprocess
import sys
import textwrap
import time
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from forecast.errors import ForecastError, SeriesError
from forecast.runtime.parallel import in_background, local, ray_engine, run_jobs, start_worker
from forecast.runtime.parallel.jobs import ONE_THREAD


def square(number: int) -> int:
    return number * number


def refuse(number: int) -> int:
    if number % 2:
        raise SeriesError(f"{number} is odd.")
    return number


def stumble(number: int) -> int:
    return 1 // (number - 2)


def die(job: tuple[int, str]) -> int:
    """The job with number 1 takes its process with it, each time; leaves a mark for each try."""
    number, folder = job
    Path(folder, f"{number}-{os.getpid()}").touch()
    if number == 1:
        os._exit(3)
    return number


def die_once(job: tuple[int, str]) -> int:
    number, folder = job
    mark = Path(folder, "died")
    if number == 1 and not mark.exists():
        mark.touch()
        os._exit(3)
    return number


def folder(_: int) -> str:
    return str(Path.cwd())


def threads(_: int) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in ONE_THREAD}


def within(number: int) -> tuple[list[tuple[int, int]], bool]:
    """Jobs of a job: what came of them, and whether this process did them."""
    found = list(run_jobs(process_of, range(number), workers=2))
    return [(done.place, done.result[0]) for done in found], {done.result[1] for done in found} == {os.getpid()}


def process_of(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def write_process(path: Path) -> None:
    path.write_text(str(os.getpid()))


def begin() -> None:
    """A worker's preparation: nothing."""


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_is_done_once(workers):
    found = {done.place: done.result for done in run_jobs(square, range(7), workers=workers)}
    assert found == {number: number * number for number in range(7)}


def test_no_jobs_are_no_work():
    assert list(run_jobs(square, [], workers=2)) == []


def test_an_error_of_the_input_belongs_to_its_job():
    found = sorted(run_jobs(refuse, range(4), workers=2), key=lambda done: done.place)
    assert [done.error for done in found] == ["", "1 is odd.", "", "3 is odd."]
    assert [done.result for done in found] == [0, None, 2, None]


def test_any_other_error_ends_the_work():
    with pytest.raises(ZeroDivisionError):
        list(run_jobs(stumble, range(4), workers=2))
    assert [done.result for done in run_jobs(square, [3], workers=2)] == [9]  # there are workers again


def test_a_job_that_kills_its_process_is_given_up_and_the_others_are_done(tmp_path):
    found = sorted(run_jobs(die, [(n, str(tmp_path)) for n in range(5)], workers=2), key=lambda done: done.place)
    assert [done.result for done in found] == [0, None, 2, 3, 4]
    assert "died 3 times" in found[1].error
    assert len(list(tmp_path.glob("1-*"))) == 3


def test_a_job_whose_process_died_is_tried_again(tmp_path):
    found = {done.place: done.result for done in run_jobs(die_once, [(n, str(tmp_path)) for n in range(3)], workers=2)}
    assert found == {0: 0, 1: 1, 2: 2}


def test_a_worker_that_dies_between_two_jobs_is_replaced(monkeypatch):
    """As beside a job that takes its process with it: the pool may break just before it is given the next job."""
    broken, executor = [], local._executor

    def broken_once(workers):
        pool = executor(workers)
        if not broken:
            broken.append(pool)
            with suppress(BrokenProcessPool):
                pool.submit(os._exit, 3).result()
        return pool

    monkeypatch.setattr(local, "_executor", broken_once)
    assert [done.result for done in run_jobs(square, [3], workers=1)] == [9]


def test_each_worker_computes_on_one_thread():
    (done,) = run_jobs(threads, [0], workers=1)
    assert done.result == ONE_THREAD


def test_a_worker_that_was_there_before_works_in_the_folder_of_today(tmp_path, monkeypatch):
    """As in a notebook that changes its folder between two calls: relative paths are those of the caller."""
    list(run_jobs(folder, range(2), workers=1))
    monkeypatch.chdir(tmp_path)
    assert [done.result for done in run_jobs(folder, range(2), workers=1)] == [str(tmp_path)] * 2


def test_a_worker_does_jobs_of_its_own_itself():
    assert [done.result for done in run_jobs(within, [3], workers=1)] == [([(0, 0), (1, 1), (2, 4)], True)]


def test_a_script_without_a_guard_works(tmp_path):
    """No `if __name__ == "__main__"`, as people write them in notebooks and scripts."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import math
            from forecast.runtime.parallel import run_jobs
            print(sorted(done.result for done in run_jobs(math.sqrt, [4.0, 9.0], workers=2)))
            """
        )
    )
    root = str(Path(__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert done.stdout.strip() == "[2.0, 3.0]", done.stderr


def test_work_beside_is_done_by_one_other_process_when_the_block_ends(tmp_path):
    start_worker(initializer=begin)
    with in_background(initializer=begin) as start:
        start(write_process, tmp_path / "first")
        start(write_process, path=tmp_path / "second")
    processes = {(tmp_path / name).read_text() for name in ("first", "second")}
    assert len(processes) == 1
    assert str(os.getpid()) not in processes


def test_work_beside_is_done_in_the_folder_of_today(tmp_path, monkeypatch):
    start_worker(initializer=begin)
    monkeypatch.chdir(tmp_path)
    with in_background(initializer=begin) as start:
        start(write_process, Path("here"))
    assert (tmp_path / "here").exists()


@pytest.mark.usefixtures("jobs_here")
def test_a_worker_does_what_is_to_be_done_beside_itself(tmp_path):
    start_worker(initializer=begin)
    with in_background(initializer=begin) as start:
        start(write_process, path=tmp_path / "here")
        assert (tmp_path / "here").read_text() == str(os.getpid())
    with pytest.raises(SeriesError, match="1 is odd"), in_background(initializer=begin) as start:
        start(refuse, 1)


def test_what_goes_wrong_beside_is_said_here():
    with pytest.raises(SeriesError, match="1 is odd"), in_background(initializer=begin) as start:
        start(refuse, 1)
    with (
        pytest.raises(ForecastError, match="a process of this program died"),
        in_background(initializer=begin) as start,
    ):
        start(os._exit, 3)


def test_an_error_here_stops_what_is_done_beside(tmp_path):
    with pytest.raises(KeyboardInterrupt), in_background(initializer=begin) as start:
        start(time.sleep, 60)
        start(write_process, tmp_path / "never")
        raise KeyboardInterrupt
    assert not (tmp_path / "never").exists()


def test_ctrl_c_on_ray_is_what_is_said_even_where_ray_is_gone(monkeypatch):
    """A terminal sends Ctrl-C to Ray's processes too: then no job can be cancelled any more."""

    class Gone:
        """Ray as it is between the start of a job and the end of everything."""

        def remote(self, _work):
            return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=lambda *_: object()))

        def wait(self, _running, num_returns):
            raise KeyboardInterrupt

        def cancel(self, _reference, force):
            raise RuntimeError("the connection to Ray is lost")

    monkeypatch.setattr(ray_engine, "_connect", lambda *_: Gone())
    jobs = ray_engine.run_on_ray(len, ["a", "b"], workers=2, initializer=None, engine="ray")
    with pytest.raises(KeyboardInterrupt):
        list(jobs)
