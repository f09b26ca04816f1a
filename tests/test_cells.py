"""The numpy equations against Keras, which they must follow to float32's last digits."""

import numpy as np
import pytest
from conftest import make_problem
from keras.ops import convert_to_numpy

from forecast.config import ExperimentConfig, override
from forecast.models import NETWORKS
from forecast.models.equations import cells
from forecast.models.neural import architecture, network

SETTINGS = {"lookback": 7, "horizon": 3, "units": 5, "layers": "lstm:5,sru:4,dense:3,rnn:6"}


def keras_and_numpy(kind, settings, features, length):
    problem = make_problem(override(ExperimentConfig(), {**SETTINGS, **settings}), past_columns=features)
    network = architecture.build(kind, problem)
    random = np.random.default_rng(0)
    network.set_weights([random.normal(scale=0.5, size=w.shape) for w in network.get_weights()])
    x = random.normal(size=(6, length, features)).astype(np.float32)
    weights = architecture.named_weights(network)
    found = cells.forward(
        architecture.stack_of(kind, problem), weights, x, lookback=problem.lookback, horizon=problem.horizon
    )
    return convert_to_numpy(network(x)), found, problem, weights


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize(
    ("settings", "features", "length"),
    [
        ({}, 1, 7),
        ({"depth": 1}, 1, 12),
        ({"depth": 3, "activation": "relu"}, 2, 9),
        ({"activation": "sigmoid", "layer_norm": True}, 3, 8),
        ({"layer_norm": True, "residual": True}, 5, 9),
        ({"activation": "linear", "loss": "mse"}, 1, 10),
    ],
)
def test_equations_agree_with_keras(kind, settings, features, length):
    expected, found, *_ = keras_and_numpy(kind, settings, features, length)
    assert found.shape == expected.shape == (6, length - 6, 3, 1 if "loss" in settings else 7)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("settings", [{"depth": 3}, {"layer_norm": True, "loss": "mse", "highway": False}])
def test_declared_shapes_are_those_of_keras(kind, settings):
    *_, problem, weights = keras_and_numpy(kind, settings, 2, 7)
    declared = network.Network(kind, "").shapes(problem)
    others = {"highway/kernel", "highway_future/kernel", "residual_quantiles"}
    assert {name: shape for name, shape in declared.items() if name not in others} == {
        name: array.shape for name, array in weights.items()
    }


def test_one_sru_step_by_hand():
    """One unit, input 0.8, weights 0 but the candidate's: f = r = 1/2, c = 0.4, h = tanh(0.4) / 2 + 0.4."""
    kernel = np.array([[1, 0, 0]], np.float32)
    states = cells.sru(np.array([[[0.8]]], np.float32), kernel, np.zeros(2, np.float32), np.tanh)
    assert states[0, 0, 0] == pytest.approx(np.tanh(0.4) / 2 + 0.4, rel=1e-6)


def test_one_lstm_step_by_hand():
    """One unit, one step, all weights 0 but the candidate's: i = f = o = 1/2, g = tanh(x), h = tanh(g / 2) / 2."""
    kernel = np.array([[0, 0, 1, 0]], np.float32)
    states = cells.lstm(np.array([[[0.8]]], np.float32), kernel, np.zeros((1, 4), "f"), np.zeros(4, "f"), np.tanh)
    assert states[0, 0, 0] == pytest.approx(np.tanh(np.tanh(0.8) / 2) / 2, rel=1e-6)


def test_sigmoid_does_not_overflow():
    found = cells.sigmoid(np.array([-1e4, 0, 1e4], np.float32))
    np.testing.assert_allclose(found, [0, 0.5, 1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_last_state_of_a_gru_is_that_of_all_its_states(dtype):
    random = np.random.default_rng(0)
    x, kernel, recurrent, bias = (
        random.standard_normal(shape).astype(dtype) for shape in ((7, 20, 3), (3, 12), (4, 12), (2, 12))
    )
    found = cells.gru_last(x, kernel, recurrent, bias)
    assert found.dtype == dtype
    np.testing.assert_allclose(
        found, cells.gru(x, kernel, recurrent, bias, np.tanh)[:, -1], atol=100 * np.finfo(dtype).eps
    )
