"""One network over the series of several processes equals the network over all of them in one."""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import SMALL, make_inputs, make_problem, random_walk

from forecast.config import read_config
from forecast.data.sources import load_all
from forecast.data.windows import Panel, Split
from forecast.errors import ConfigError, WorkerLost
from forecast.models.estimator import training_origins
from forecast.models.highway import fit_highway, fold_origins
from forecast.models.neural.data_parallel_step import padded
from forecast.models.neural.network import helps
from forecast.models.neural.training_loop import loss_of
from forecast.runtime.distributed import launch as workers
from forecast.runtime.distributed import process_group as process_group
from forecast.runtime.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from forecast.training.train import check_group, train

# As many looks at the validation rows as steps, so that the history holds the loss of every step; all that draws random
# numbers or adds to the loss; and few blocks, so that now and then a process has none, and little is compiled.
SETTINGS = {
    "lookback": 10,
    "horizon": 3,
    "network": {"units": 4, "depth": 1, "l2": 0.001},
    "training": {"max_steps": 20, "validations": 20, "labels": 8, "batch": 2, "jitter": 0.1, "stretch": 0.1},
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


def train_in_processes(prices, tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps(SETTINGS))
    command = [sys.executable, "-m", "forecast", "train", str(prices), "--workers", "2", "--model", "rnn"]
    command += ["--config", str(tmp_path / "settings.json"), "--save", str(tmp_path / "saved")]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=200)


def test_two_processes_train_the_network_of_one(prices, tmp_path):
    unreadable = prices / "zz.csv"
    unreadable.write_text("hello,world\n")
    done = train_in_processes(prices, tmp_path)
    unreadable.unlink()
    assert done.returncode == 1, done.stderr  # the series that was left out
    assert sum("zz.csv: a series needs a table" in line for line in done.stderr.splitlines()) == 1, done.stderr
    assert "of 5 series" in done.stdout
    both = json.loads((tmp_path / "saved" / "bundle.json").read_text())
    several = [one for path in sorted(prices.iterdir()) for one in load_all(path)]
    one = train(several, "rnn", read_config(tmp_path / "settings.json"))
    assert both["config"] == json.loads(json.dumps(one.config.to_dict()))
    expected = [[step.step, step.loss or np.nan, step.validation_loss] for step in one.history]
    np.testing.assert_allclose(np.array(both["history"], float), expected, rtol=1e-5)
    assert [record["sha256"] for record in both["trained_on"]] == [known.sha256 for known in one.trained_on]
    assert [record["series"] for record in both["tested"]] == [series.name for series in several]
    with np.load(tmp_path / "saved" / "weights.npz") as weights:
        assert np.abs(weights["highway/kernel"]).max() > 0.01
        np.testing.assert_allclose(weights["highway/kernel"], one.weights["highway/kernel"], atol=1e-8)
        for name, array in one.weights.items():
            np.testing.assert_allclose(weights[name], array, atol=1e-5, err_msg=name)


def test_a_worker_that_fails_ends_all_with_its_reason(prices, tmp_path):
    short = prices / "zz.csv"
    short.write_text("".join((prices / "s0.csv").read_text().splitlines(keepends=True)[:15]))
    done = train_in_processes(prices, tmp_path)
    short.unlink()
    assert done.returncode == 1
    assert done.stderr.startswith("forecast: lookback=10 and horizon=3 need about 31 rows")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "saved").exists()


@pytest.mark.parametrize(("lost", "harm"), [(1, True), (2, False), (3, False)])
def test_a_worker_that_has_gone_at_the_end_does_no_harm(lost, harm):
    """None goes before all have met once: who is missed after that has done its part."""
    calls = iter(range(1, 3))

    def add(vector):
        if next(calls) == lost:
            raise WorkerLost("another worker ended.")
        return vector

    with pytest.raises(WorkerLost) if harm else nullcontext():
        ProcessGroup(0, 2, add).part()
    assert next(calls, None) == (2 if harm else None)


def threads(size):
    """A crew of threads, whose vectors lie side by side in one list."""
    vectors, barrier = [None] * size, threading.Barrier(size)

    def member(rank):
        def exchange(join):
            def call(vector):
                vectors[rank] = vector
                barrier.wait(60)
                found = join(list(vectors))
                barrier.wait(60)
                return found

            return call

        return ProcessGroup(rank, size, exchange(lambda several: np.sum(several, axis=0)), exchange(np.concatenate))

    return [member(rank) for rank in range(size)]


def in_threads(work, size=2):
    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(work, threads(size)))


SERIES = [
    random_walk(rows, seed) + 4 * np.sin(np.arange(rows) * 2 * np.pi / 5) for seed, rows in enumerate((90, 60, 75))
]


def make_panel(group=SINGLE_PROCESS):
    first, stop = (len(SERIES) * rank // group.size for rank in (group.rank, group.rank + 1))
    mine = SERIES[first:stop]
    splits = [Split(len(values) - 30, len(values) - 15, len(values)) for values in mine]
    return Panel.of([make_inputs(values / 10) for values in mine], splits, group)


def test_parts_of_a_crew_are_the_whole():
    for size in range(1, 6):
        parts = [ProcessGroup(rank, size).share("abcde") for rank in range(size)]
        assert [one for part in parts for one in part] == list("abcde")
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_what_is_gathered_stands_in_order():
    def work(group):
        rows = np.full((group.rank + 1, 2), group.rank + 0.5)
        return (
            group.gather(rows),
            group.collect([{"rank": group.rank}] * group.rank),
            group.gather(np.arange(group.rank)),
        )

    for rows, records, numbers in in_threads(work, size=3):
        np.testing.assert_array_equal(rows, np.repeat([0.5, 1.5, 2.5], [1, 2, 3])[:, None] * [[1, 1]])
        assert records == [{"rank": 1}, {"rank": 2}, {"rank": 2}]
        np.testing.assert_array_equal(numbers, [0, 0, 1])


def test_the_highway_of_a_crew_is_that_of_all_series():
    problem = make_problem(replace(SMALL, lookback=10))
    whole = fit_highway(make_panel(), problem)["highway/kernel"]
    assert np.abs(whole).max() > 0.01
    for found in in_threads(lambda group: fit_highway(make_panel(group), problem)["highway/kernel"]):
        np.testing.assert_allclose(found, whole, atol=1e-8)


def test_a_crew_draws_and_looks_at_the_blocks_of_one_process():
    problem = make_problem(replace(SMALL, lookback=10))
    shape = {"horizon": 3, "labels": 4}

    def work(group):
        panel = make_panel(group)
        target, random = panel.inputs.target, np.random.default_rng(5)
        origin, stop, mine = panel.draw(random, 50, lookback=10, **shape)
        drawn = np.zeros((50, 2))
        drawn[mine] = np.column_stack([target[origin], target[stop - 1]])
        looked = [target[panel.validation_origins(most=most, **shape)[0]] for most in (3, 1000)]
        folds = [np.sort(target[fold]) for fold in fold_origins(panel, problem)]
        return drawn, [*looked, *folds, target[training_origins(panel, problem, most=20)]], random.random()

    drawn, several, after = work(SINGLE_PROCESS)
    found = in_threads(work)
    np.testing.assert_array_equal(sum(part[0] for part in found), drawn)
    for whole, *parts in zip(several, *(part[1] for part in found), strict=True):
        np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.sort(whole))
    assert {part[2] for part in found} == {after}


@pytest.mark.parametrize("loss", ["pinball", "mse"])
def test_a_crew_judges_as_one_process(loss):
    random = np.random.default_rng(2)
    y = random.normal(size=(40, 4, 3))
    outputs = y[..., None] * 0.3 + 0.1 * random.normal(size=(40, 4, 3, 7 if loss == "pinball" else 1))
    y[-1, 2:] = np.nan

    def work(group):
        part = slice(0, 15) if group.rank == 0 and group.size == 2 else slice(15, None) if group.rank else slice(None)
        return loss_of(outputs[part], y[part], loss, group), helps(y[part], outputs[part, ..., 0], group)

    assert in_threads(work) == [(pytest.approx(work(SINGLE_PROCESS)[0], rel=1e-12), True)] * 2


def test_blocks_are_filled_up_to_few_sizes_with_labels_that_are_not_known():
    for count in range(30):
        x, y = padded(np.ones((count, 5, 1), np.float32), np.ones((count, 2, 3), np.float32), 16)
        assert len(x) == len(y)
        assert len(x) in (4, 8, 12, 16, 20, 24, 28, 32)
        assert count <= len(x) < count + 5
        assert np.isfinite(y).all(axis=(1, 2)).sum() == count


def test_tf_config_names_the_crew(monkeypatch):
    def named(text):
        monkeypatch.setenv("TF_CONFIG", text)
        return workers.named()

    cluster = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
    places = ["a:1", "b:1", "c:1"]
    assert named(json.dumps({"cluster": cluster, "task": {"type": "chief", "index": 0}})) == (0, places)
    assert named(json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 1}})) == (2, places)
    for task in ({"type": "worker", "index": 2}, {"type": "ps", "index": 0}, {}):
        with pytest.raises(ConfigError, match="TF_CONFIG must name"):
            named(json.dumps({"cluster": cluster, "task": task}))
    monkeypatch.delenv("TF_CONFIG")
    assert workers.named() == (0, [])
    assert process_group.join() is SINGLE_PROCESS


def test_workers_that_do_not_come_are_not_waited_for_without_end(monkeypatch):
    monkeypatch.setattr(process_group, "PATIENCE", 0.3)
    places = workers._free_places(2)
    for rank in (0, 1):
        with pytest.raises(WorkerLost, match=f"worker {rank} of 2: .* start all of them again"):
            process_group._assemble(rank, places)


def test_the_worker_that_failed_first_says_why(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "")
    code = "import sys; sys.exit('some line\\nforecast: no such file.')"
    with pytest.raises(WorkerLost, match=r"^no such file\.$"), workers.started(2, [sys.executable, "-c", code]):
        assert json.loads(os.environ["TF_CONFIG"])["task"] == {"type": "worker", "index": 0}
        raise WorkerLost("worker 0 of 2: another worker ended.")
    killed = "import os; os.kill(os.getpid(), 9)"
    with (
        pytest.raises(WorkerLost, match=r"worker 1 was ended by SIGKILL"),
        workers.started(2, [sys.executable, "-c", killed]),
    ):
        raise WorkerLost("worker 0 of 2: another worker ended.")


def test_no_worker_outlives_the_training(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "")
    started = []
    enter = subprocess.Popen.__init__
    monkeypatch.setattr(
        subprocess.Popen, "__init__", lambda self, *a, **k: (started.append(self), enter(self, *a, **k))[1]
    )
    code = "import time; time.sleep(100)"
    with pytest.raises(ValueError, match="mine"), workers.started(3, [sys.executable, "-c", code]):
        raise ValueError("mine")
    assert [process.returncode for process in started] == [-9, -9]


def test_what_workers_do_not_train_is_refused(prices, tmp_path):
    for model, config in (("naive", SMALL), ("lstm", replace(SMALL, task="direction"))):
        with pytest.raises(ConfigError, match=r"workers train a .*network .* Received: (naive|the task direction)"):
            check_group(model, config)
    command = [sys.executable, "-m", "forecast", "train", str(prices), "--save", str(tmp_path / "m"), "--workers"]
    for options, said in ((["2", "--resume"], "without --resume"), (["9"], "Received: 9 workers, 5 series")):
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert said in done.stderr
