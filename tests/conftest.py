"""Series and settings that are small enough to train on in a moment."""

import os
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
import pytest

from forecast.config import ExperimentConfig, NetworkConfig, TrainingConfig
from forecast.series import TimeSeries
from forecast.training import TrainedModel, train

SMALL = ExperimentConfig(
    lookback=8,
    horizon=3,
    network=NetworkConfig(units=4),
    training=TrainingConfig(labels=6, batch=4, steps=8, validations=2),
)


def make_series(values: np.ndarray, name: str = "made") -> TimeSeries:
    """A business-day series of one column."""
    values = np.asarray(values, float)
    index = pd.bdate_range("2001-01-01", periods=len(values))
    return TimeSeries(name, index, values[:, None], ("Close",), "Close", unit="USD")


def random_walk(rows: int = 200, seed: int = 1) -> np.ndarray:
    return 100 + np.cumsum(np.random.default_rng(seed).normal(size=rows))


@pytest.fixture(scope="session")
def walk() -> TimeSeries:
    return make_series(random_walk())


@pytest.fixture(scope="session")
def trained(walk: TimeSeries) -> Callable[[str], TrainedModel]:
    """Any registered model, trained once in the session on `walk` with the small settings."""
    kept: dict[str, TrainedModel] = {}

    def get(model: str) -> TrainedModel:
        if model not in kept:
            kept[model] = train(walk, model, SMALL)
        return kept[model]

    return get
