"""A network that several processes train together equals the network of one process."""

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np
import pandas as pd
import psutil
import pytest
from conftest import SMALL, make_problem, random_walk, take_ctrl_c

from forecast.cli.commands.workers import check_same_work
from forecast.config import override, read_config
from forecast.data.sources import load_all
from forecast.errors import ConfigError, WorkerLost
from forecast.inference.bundle import open_model
from forecast.models.neural import architecture, training_loop
from forecast.models.neural.data_parallel_step import data_parallel_step
from forecast.runtime.distributed import launch, process_group
from forecast.runtime.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from forecast.training.train import train

pytestmark = pytest.mark.slow

# As many validations as steps, so that the history holds the loss of every step; everything that draws random numbers
# or adds to the loss; and a batch of odd size, so that the shares differ.
SETTINGS = {
    "lookback": 10,
    "horizon": 3,
    "network": {"units": 4, "depth": 1, "l2": 0.001},
    "training": {"max_steps": 20, "validations": 20, "labels": 8, "batch": 3, "jitter": 0.1, "stretch": 0.1},
}


@pytest.fixture(scope="module")
def prices(tmp_path_factory):
    """Five series, some with a season that the highway finds."""
    folder = tmp_path_factory.mktemp("prices")
    for number in range(5):
        rows = 200 + 40 * number
        values = random_walk(rows, seed=number) + number % 2 * 5 * np.sin(np.arange(rows) * 2 * np.pi / 5)
        dates = pd.bdate_range("2015-01-01", periods=rows)
        pd.DataFrame({"Date": dates, "Close": values}).to_csv(folder / f"s{number}.csv", index=False)
    return folder


def command(prices, tmp_path, **training):
    settings = {**SETTINGS, "training": {**SETTINGS["training"], **training}}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    start = [sys.executable, "-m", "forecast", "train", str(prices), "--workers", "2", "--model", "rnn"]
    return [*start, "--config", str(tmp_path / "settings.json"), "--save", str(tmp_path / "saved")]


def test_two_processes_train_the_network_of_one(prices, tmp_path):
    unreadable = prices / "zz.csv"
    unreadable.write_text("hello,world\n")
    done = subprocess.run(command(prices, tmp_path), capture_output=True, text=True, cwd=tmp_path, timeout=300)
    unreadable.unlink()
    assert done.returncode == 1, done.stderr  # the series that was left out
    assert sum("zz.csv: a series needs a table" in line for line in done.stderr.splitlines()) == 1, done.stderr
    assert "of 5 series" in done.stdout
    both = open_model(tmp_path / "saved")
    several = [one for path in sorted(prices.iterdir()) for one in load_all(path)]
    one = train(several, "rnn", read_config(tmp_path / "settings.json"))
    assert both.config == one.config
    losses = [[[step.step, step.loss or np.nan, step.validation_loss] for step in of.history] for of in (both, one)]
    np.testing.assert_allclose(*losses, rtol=1e-6, atol=1e-6)
    assert [known.sha256 for known in both.trained_on] == [known.sha256 for known in one.trained_on]
    assert [record["series"] for record in both.tested] == [series.name for series in several]
    assert np.abs(both.weights["highway/kernel"]).max() > 0.01
    for name, array in one.weights.items():
        np.testing.assert_allclose(both.weights[name], array, atol=1e-5, err_msg=name)


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to another process there")
@pytest.mark.parametrize(
    ("lost", "status", "line"),
    [
        (True, 1, "forecast: worker 1 was ended by SIGKILL. If memory ran out, use fewer --workers a machine."),
        (False, 130, "forecast: stopped; nothing was written."),
    ],
    ids=["a worker is killed", "ctrl-c"],
)
def test_the_end_of_one_process_ends_all_with_one_line(prices, tmp_path, lost, status, line):
    """A worker that is killed in the middle of the training, or worker 0 by Ctrl-C."""
    endless = command(prices, tmp_path, max_steps=1_000_000)
    with subprocess.Popen(
        endless, stderr=subprocess.PIPE, text=True, cwd=tmp_path, start_new_session=True, preexec_fn=take_ctrl_c
    ) as process:
        try:
            assert "step 1/1000000" in process.stderr.readline()
            children = psutil.Process(process.pid).children(recursive=True)
            if lost:
                children[0].kill()
            else:
                process.send_signal(signal.SIGINT)
            _, rest = process.communicate(timeout=300)
        finally:
            process.kill()
    assert (process.returncode, rest) == (status, f"{line}\n")
    assert not any(child.is_running() for child in children)
    assert not (tmp_path / "saved").exists()


@pytest.mark.parametrize(("lost", "harm"), [(1, True), (2, False), (3, False)])
def test_a_worker_that_has_gone_at_the_end_does_no_harm(lost, harm):
    """None goes before all have met once: who is missed after that has done its part."""
    calls = iter(range(1, 3))

    def sum_over_all(vector):
        if next(calls) == lost:
            raise WorkerLost("another worker ended.")
        return vector

    with pytest.raises(WorkerLost) if harm else nullcontext():
        ProcessGroup(0, 2, sum_over_all).barrier()
    assert next(calls, None) == (2 if harm else None)


def in_threads(work, size):
    """What `work` gives in each of a group of threads, whose vectors lie side by side in one list."""
    vectors, barrier = [None] * size, threading.Barrier(size)

    def member(rank):
        def sum_over_all(vector):
            vectors[rank] = vector
            barrier.wait(60)
            total = np.sum(vectors, axis=0)
            barrier.wait(60)
            return total

        return ProcessGroup(rank, size, sum_over_all)

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(work, map(member, range(size))))


@pytest.mark.parametrize("settings", [{}, {"loss": "mse", "normalisation": "level"}, {"task": "direction"}], ids=str)
def test_a_step_in_shares_is_the_step_of_the_whole_batch(settings):
    """With labels that are not known, unevenly, and a penalty that must not count once for each share."""
    problem = make_problem(override(SMALL, {**settings, "l2": 0.01}))
    random, length, labels = np.random.default_rng(3), problem.lookback + 3, 4
    x = random.normal(size=(5, length, 1)).astype(np.float32)
    y = random.normal(size=(5, labels, 1 if problem.config.loss == "entropy" else problem.horizon)).astype(np.float32)
    y = np.round(np.abs(y) % 2) if problem.config.loss == "entropy" else y
    y[0, 1:] = np.nan
    networks = []
    for _ in range(3):
        training_loop._compile.cache_clear()
        program = training_loop.Program("rnn", problem, architecture.build, length)
        networks.append(training_loop._initialise(program, problem.config.training, {}))
    whole, *shares = networks
    expected = [training_loop._to_float(whole.train_on_batch(x, y)) for _ in range(3)]

    def work(group):
        return [data_parallel_step(shares[group.rank], x, y, group) for _ in range(3)]

    assert in_threads(work, 2) == [pytest.approx(expected, rel=1e-5)] * 2
    for share in shares:
        for found, wanted in zip(share.get_weights(), whole.get_weights(), strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_a_group_reduces_and_agrees():
    def work(group):
        alike, different = group.agree("the same"), group.agree(f"I am {group.rank}")
        return group.all_reduce(np.array([1.0, group.rank])).tolist(), group.mean(group.rank), alike, different

    assert in_threads(work, 3) == [([3.0, 3.0], 1.0, True, False)] * 3
    assert SINGLE_PROCESS.all_reduce(np.array([1.0, 2.0])).tolist() == [1.0, 2.0]


def test_workers_that_would_train_on_something_else_are_refused(walk):
    def work(group):
        several = [walk] if group.rank else [walk, walk]
        with pytest.raises(ConfigError, match=rf"Worker {group.rank} found {len(several)}, others found different"):
            check_same_work(group, several, SMALL)
        return check_same_work(group, [walk], SMALL)

    assert in_threads(work, 2) == [None, None]


def test_tf_config_names_the_group(monkeypatch):
    def read(text):
        monkeypatch.setenv("TF_CONFIG", text)
        return launch.read_tf_config()

    cluster = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
    addresses = ["a:1", "b:1", "c:1"]
    assert read(json.dumps({"cluster": cluster, "task": {"type": "chief", "index": 0}})) == (0, addresses)
    assert read(json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 1}})) == (2, addresses)
    for task in ({"type": "worker", "index": 2}, {"type": "ps", "index": 0}, {}):
        with pytest.raises(ConfigError, match="TF_CONFIG must name"):
            read(json.dumps({"cluster": cluster, "task": task}))
    monkeypatch.delenv("TF_CONFIG")
    assert launch.read_tf_config() == (0, [])
    with process_group.join() as group:
        assert group is process_group.current() is SINGLE_PROCESS


def test_workers_that_do_not_come_are_not_waited_for_without_end(monkeypatch):
    monkeypatch.setattr(process_group, "TIMEOUT", 0.3)
    addresses = launch._free_addresses(2)
    for rank in (0, 1):
        with pytest.raises(WorkerLost, match=f"worker {rank} of 2: .* start all of them again"):
            process_group._wait_for_all(rank, addresses)


def test_the_worker_that_failed_first_says_why(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "")
    code = "import sys; sys.exit('some line\\nforecast: no such file.')"
    with pytest.raises(WorkerLost, match=r"^no such file\.$"), launch.start_workers(2, [sys.executable, "-c", code]):
        assert json.loads(os.environ["TF_CONFIG"])["task"] == {"type": "worker", "index": 0}
        raise WorkerLost("worker 0 of 2: another worker ended.")


def test_no_worker_outlives_the_training(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "")
    started = []
    enter = subprocess.Popen.__init__
    monkeypatch.setattr(
        subprocess.Popen, "__init__", lambda self, *a, **k: (started.append(self), enter(self, *a, **k))[1]
    )
    code = "import time; time.sleep(100)"
    with pytest.raises(ValueError, match="mine"), launch.start_workers(3, [sys.executable, "-c", code]):
        raise ValueError("mine")
    assert [process.returncode for process in started] == [-9, -9]


def test_what_workers_do_not_train_is_refused(prices, tmp_path):
    command = [sys.executable, "-m", "forecast", "train", str(prices), "--save", str(tmp_path / "m"), "--workers"]
    for options, said in (
        (["2", "--resume"], "without --resume"),
        (["2", "--model", "naive"], "workers train a network together: "),
        (["17"], "Received: 17 workers, a batch of 16."),
    ):
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=300)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert said in done.stderr
