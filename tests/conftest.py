"""Series and settings that are small enough to train on in a moment."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# There are as many test processes as cores; more threads would wait for one another.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

from forecast.config import ExperimentConfig, NetworkConfig, TrainingConfig, override
from forecast.data.defaults import resolve_defaults
from forecast.data.inputs import Inputs
from forecast.data.series import TimeSeries
from forecast.inference.trained_model import TrainedModel, problem_of
from forecast.models import Problem
from forecast.models.volatility import with_volatility
from forecast.runtime import devices
from forecast.runtime.garbage import collect_seldom
from forecast.runtime.parallel.jobs import MARK
from forecast.training.train import train

# The same examples in every run, however slow the machine is.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
# What XLA compiles in the processes that tests start is kept for the next run.
devices.set_compile_cache()
threadpool_limits(1, user_api="blas")
collect_seldom()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the slow tests too: clusters, browser, backends, kills")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow tests out, unless they are asked for or one test is named.

    Each test process begins with its part of the list: all parts begin with the slow tests of every so many files, for
    these wait for other processes, and none should be left at the end.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    others = [item for item in items if not item.get_closest_marker("slow")]
    if config.getoption("--slow") or any("::" in argument for argument in config.args):
        files, count = (
            list(dict.fromkeys(item.path for item in slow)),
            int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)),
        )
        begun, rest, size = [], iter(others), -(-len(items) // count)
        for part in range(count):
            first = [item for item in slow if item.path in files[part::count]]
            begun += [*first, *islice(rest, max(0, size - len(first)))]
        items[:] = [*begun, *rest]
        return
    items[:] = others
    config.hook.pytest_deselected(items=slow)


SMALL = ExperimentConfig(
    lookback=8,
    horizon=3,
    network=NetworkConfig(units=4),
    training=TrainingConfig(labels=6, batch=4, max_steps=8, validations=2),
)
# Settings with which every registered model can be trained.
EVERY = override(SMALL, {"layers": "lstm:4,rnn:3"})


def make_series(values: np.ndarray, name: str = "made") -> TimeSeries:
    """A business-day series of one column."""
    values = np.asarray(values, float)
    index = pd.bdate_range("2001-01-01", periods=len(values))
    return TimeSeries(name, index, values[:, None], ("Close",), "Close", unit="USD")


def random_walk(rows: int = 200, seed: int = 1) -> np.ndarray:
    return 100 + np.cumsum(np.random.default_rng(seed).normal(size=rows))


def make_problem(config: ExperimentConfig = SMALL, **inputs: int) -> Problem:
    """A problem with the given counts of `past_columns` and `future_columns`."""
    return replace(problem_of(resolve_defaults(config, [make_series(random_walk())])), **inputs)


def make_inputs(values: np.ndarray, future: np.ndarray | None = None) -> Inputs:
    """Inputs of one column, or of several, with future columns."""
    values = np.asarray(values, float)
    past = values if values.ndim == 2 else values[:, None]
    return Inputs(past, np.zeros((len(past), 0)) if future is None else future)


def scaled_inputs(model: TrainedModel, series: TimeSeries) -> Inputs:
    """A series as a model sees it that was trained on it."""
    return with_volatility(model.prepare(series), model.trained_on[0].scaler)


def take_ctrl_c() -> None:
    """Has a process that is to be started listen to Ctrl-C, even where this one was started to ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def without_xla() -> Iterator[None]:
    """Train without XLA, which takes seconds to compile what such networks compute in milliseconds.

    Commands and workers, which are processes of their own, train with it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(devices, "can_compile", lambda: False)
        yield


@pytest.fixture
def jobs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have jobs and trainings run in this process, which has loaded what workers would load first.

    As in a worker itself; for tests whose subject is not the workers.
    """
    monkeypatch.setenv(MARK, "1")


@pytest.fixture(scope="session")
def walk() -> TimeSeries:
    return make_series(random_walk())


@pytest.fixture(scope="session")
def trained(walk: TimeSeries) -> Callable[[str], TrainedModel]:
    """Any registered model, trained once in the session on `walk` with the small settings."""
    kept: dict[str, TrainedModel] = {}

    def get(model: str) -> TrainedModel:
        if model not in kept:
            kept[model] = train(walk, model, EVERY)
        return kept[model]

    return get
