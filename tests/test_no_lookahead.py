"""Garbling every row after the split changes neither scaler, weights, calibration, nor the first test forecast."""

import numpy as np
import pytest
from conftest import EVERY, make_series, random_walk

from forecast.config import override
from forecast.models import MODELS
from forecast.training.train import train

# Of ARIMA, which searches its orders anew in each training, test_statistical.py says it of one.
NAMES = [pytest.param(name, marks=[pytest.mark.slow] if name == "arima" else []) for name in MODELS]
TEXTBOOK = override(EVERY, {"normalisation": "level", "loss": "mse", "labels": 1})


@pytest.mark.parametrize("config", [EVERY, TEXTBOOK], ids=["blocks", "textbook"])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_after_the_split_reaches_the_model(name, config):
    values = random_walk(100)
    garbled = values.copy()
    garbled[80:] = np.random.default_rng(9).normal(1e6, 1e5, size=20)
    clean, spoilt = make_series(values), make_series(garbled)
    one, other = train(clean, name, config), train(spoilt, name, config)
    known, spoilt_known = one.trained_on[0], other.trained_on[0]
    np.testing.assert_array_equal(known.scaler.minimum, spoilt_known.scaler.minimum)
    np.testing.assert_array_equal(known.scaler.span, spoilt_known.scaler.span)
    assert one.weights.keys() == other.weights.keys()
    for weight in one.weights:
        np.testing.assert_array_equal(one.weights[weight], other.weights[weight])
    np.testing.assert_array_equal(known.expert_losses, spoilt_known.expert_losses)
    np.testing.assert_array_equal(known.log_scale, spoilt_known.log_scale)
    assert one.history == other.history
    first, spoilt_first = one.backtest(clean), other.backtest(spoilt)
    assert first.origin[0] == 79
    np.testing.assert_array_equal(first.quantiles[0], spoilt_first.quantiles[0])


def test_the_scaler_sees_training_rows_alone():
    values = random_walk(200)
    values[140:160] += 1000  # validation rows
    model = train(make_series(values), "naive", EVERY)
    assert model.trained_on[0].scaler.minimum[0] == values[:140].min()
    assert model.trained_on[0].scaler.span[0] == pytest.approx(np.ptp(values[:140]))
