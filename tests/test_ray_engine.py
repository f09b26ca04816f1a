"""A real Ray cluster on the loopback address: a head and two machines as processes, of which one is killed."""

import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from commands import QUICK
from conftest import SMALL, make_series, random_walk, take_ctrl_c
from test_parallel import die, die_once, refuse, square, stumble, threads
from test_predict_many import write as write_partition

from forecast.errors import ConfigError
from forecast.inference.bundle import save_model
from forecast.runtime.parallel import LOCAL, run_jobs
from forecast.runtime.parallel.jobs import ONE_THREAD
from forecast.runtime.parallel.ray_engine import LOOPBACK, SETTINGS

pytestmark = pytest.mark.slow

# Read when Ray is imported: every address is that of the loopback, here and in what is started from here.
os.environ |= SETTINGS | LOOPBACK
pytest.importorskip("ray", reason="Ray is not installed: pip install 'honest-forecast[ray]'.")
ROOT = Path(__file__).parent.parent
TABLES = ("scores.csv", "by_fold.csv", "by_step.csv", "models.csv", "compare.json")


@pytest.fixture(scope="module")
def cluster():
    os.environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"  # of the workers
    import ray
    from ray.cluster_utils import Cluster

    plain = {"include_dashboard": False, "object_store_memory": 2**27}
    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **plain})
    for _ in range(2):
        started.add_node(num_cpus=1, **plain)
    yield started
    ray.shutdown()
    started.shutdown()


def test_jobs_on_ray_come_to_the_same(cluster, tmp_path, capsys):
    address = cluster.address
    found = {done.place: done.result for done in run_jobs(square, range(7), engine=address)}
    assert found == {number: number * number for number in range(7)}
    refused = sorted(run_jobs(refuse, range(4), workers=2, engine=address), key=lambda done: done.place)
    assert [(done.result, done.error) for done in refused] == [
        (0, ""),
        (None, "1 is odd."),
        (2, ""),
        (None, "3 is odd."),
    ]
    with pytest.raises(ZeroDivisionError):
        list(run_jobs(stumble, range(4), engine=address))
    once = run_jobs(die_once, [(n, str(tmp_path)) for n in range(3)], engine=address)
    assert {done.place: done.result for done in once} == {0: 0, 1: 1, 2: 2}
    dead = sorted(run_jobs(die, [(n, str(tmp_path)) for n in range(3)], engine=address), key=lambda done: done.place)
    assert [done.result for done in dead] == [0, None, 2]
    assert "died 3 times" in dead[1].error
    assert len(list(tmp_path.glob("1-*"))) == 3
    assert next(run_jobs(threads, [0], engine=address)).result == ONE_THREAD
    assert capsys.readouterr() == ("", "")  # of workers that died Ray would say so


def test_a_search_on_ray_finds_what_one_here_finds(cluster, walk):
    pytest.importorskip("optuna", reason="Optuna is not installed: pip install 'honest-forecast[tune]'.")
    from forecast.training.tuning.tune import tune

    on_ray, here = (tune(walk, "linear", SMALL, trials=5, engine=engine) for engine in (cluster.address, LOCAL))
    found, expected = ([replace(trial, seconds=0.0) for trial in one.trials] for one in (on_ray, here))
    assert found == expected


def test_a_cluster_that_is_not_there_is_one_line():
    with pytest.raises(ConfigError, match="must be local, ray, HOST:PORT"):
        run_jobs(square, [1], engine="spark")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConfigError, match=f"no Ray answers at 127.0.0.1:{port}. Start it"):
        list(run_jobs(square, [1], engine=f"127.0.0.1:{port}"))


def write(folder):
    for number in range(3):
        (folder / f"s{number}.csv").write_text(
            "Date,Close\n" + "".join(f"{date:%Y-%m-%d},{value}\n" for date, value in rows(number))
        )


def rows(number):
    one = make_series(random_walk(220, number))
    return zip(one.index, one.y, strict=True)


def command(folder, out, *options):
    return [
        *(sys.executable, "-m", "forecast", "compare", *(str(folder / f"s{number}.csv") for number in range(3))),
        *("--models", "dense", "--folds", "2", "--step", "10", "--horizon", "5", "--lookback", "12"),
        *("--steps", "5", "--units", "4", "--depth", "1", "--labels", "16", "--out", str(out), *options),
    ]


def finished(out):
    return len(list((out / "folds").glob("*.parquet"))) if (out / "folds").exists() else 0


def wait_for(out, number, process):
    for _ in range(2400):
        if finished(out) >= number or process.poll() is not None:
            break
        time.sleep(0.05)
    assert process.poll() is None, "it was done before it could be disturbed"


@pytest.mark.timeout(1800)  # three comparisons, however busy the machine is
def test_a_machine_and_the_driver_are_killed_and_the_tables_are_those_of_an_undisturbed_run(cluster, tmp_path):
    write(tmp_path)
    env = {**os.environ, "PYTHONPATH": str(ROOT), **QUICK}
    out, whole = tmp_path / "cut", tmp_path / "whole"
    on_ray = command(tmp_path, out, "--engine", cluster.address)
    with (tmp_path / "said").open("w") as said:
        driver = subprocess.Popen(on_ray, env=env, stdout=said, stderr=said)
        wait_for(out, 4, driver)
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        wait_for(out, finished(out) + 2, driver)
        driver.send_signal(signal.SIGKILL)
        driver.wait(120)
    some = finished(out)
    assert 0 < some < 24
    again = subprocess.run(on_ray, env=env, capture_output=True, text=True, timeout=900)
    alone = subprocess.run(
        command(tmp_path, whole, "--jobs", "1"), env=env, capture_output=True, text=True, timeout=900
    )
    assert again.returncode == alone.returncode == 0, again.stderr + alone.stderr
    assert again.stdout.replace("cut", "whole") == alone.stdout
    for name in TABLES:
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name


def listening(process):
    """Addresses at which a process can be reached; none of one that has ended."""
    try:
        connections = process.net_connections("inet")
    except psutil.NoSuchProcess:
        return []
    at = [one.laddr.ip for one in connections if one.status in ("LISTEN", psutil.CONN_NONE)]
    return [ipaddress.ip_address(one.removeprefix("::ffff:")) for one in at]


def runs(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(met, seconds):
    end = time.monotonic() + seconds
    while not met() and time.monotonic() < end:
        time.sleep(0.02)
    assert met()


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to another process there")
def test_a_ray_of_its_own_is_on_the_loopback_alone_and_ends_by_ctrl_c(trained, tmp_path):
    for number in range(900):  # still at work when all addresses are known
        write_partition(tmp_path / "market", f"T{number:03d}", seed=number)
    bundle, shards = save_model(trained("linear"), tmp_path / "linear"), tmp_path / "f.parquet.shards"
    command = [*(sys.executable, "-m", "forecast", "predict", "market", "--model", str(bundle), "--out", "f.parquet")]
    command += ["--jobs", "2"]
    env = {name: value for name, value in os.environ.items() if name not in SETTINGS | LOOPBACK}
    env |= {"PYTHONPATH": str(ROOT), "RAY_ADDRESS": "local"}  # not the cluster of the other tests
    at = {"env": env, "cwd": tmp_path, "text": True}
    process = subprocess.Popen(
        [*command, "--engine", "ray"], stdout=-1, stderr=-1, start_new_session=True, preexec_fn=take_ctrl_c, **at
    )
    wait_until(lambda: list(shards.glob("*.parquet")) or process.poll() is not None, 120)
    family = [one := psutil.Process(process.pid), *one.children(recursive=True)]
    addresses = [address for one in family for address in listening(one)]
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes of the command
    out, said = process.communicate(timeout=300)
    *progress, last = said.splitlines()
    assert (process.returncode, out) == (130, ""), said
    assert last == "forecast: stopped. What is finished is in f.parquet.shards; the same command goes on with it."
    assert all("of 900 series are done" in line for line in progress)
    wait_until(lambda: not any(map(runs, family)), 100)
    assert len(addresses) > 4
    assert all(address.is_loopback for address in addresses)
    finished = len(list(shards.glob("*.parquet")))
    assert 0 < finished < 9
    again = subprocess.run(command, capture_output=True, timeout=300, **at)  # in processes of this machine
    assert again.returncode == 0, again.stderr
    assert not again.stderr.startswith("0 of")
    assert again.stdout == "Forecasts of 900 series are in f.parquet\n"
