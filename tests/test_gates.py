"""Gates and states, against Keras' own cells step by step and against the hidden states of the equations."""

import keras
import numpy as np
import pytest
from conftest import make_problem
from keras.ops import convert_to_numpy

from forecast.config import ExperimentConfig, override
from forecast.models.equations import cells, gates
from forecast.models.neural import architecture

GATES = {"input", "forget", "output", "update", "reset"}


def random_weights(kind, features=2, units=3, seed=0):
    random = np.random.default_rng(seed)
    width = units * cells.GATES[kind]
    bias = (2, width) if kind == "gru" else (width,)
    return [random.normal(scale=0.7, size=shape) for shape in ((features, width), (units, width), bias)]


def test_one_lstm_step_by_hand():
    """One unit, input 0.8, weights 1 for the candidate and 2 for the forget gate, biases 0."""
    kernel = np.array([[0.0, 2.0, 1.0, 0.0]])
    parts = gates.lstm(np.full((1, 2, 1), 0.8), kernel, np.zeros((1, 4)), np.zeros(4), np.tanh)
    forget = 1 / (1 + np.exp(-1.6))
    first = np.tanh(0.8) / 2
    assert parts["input"][0, 1, 0] == parts["output"][0, 1, 0] == 0.5
    assert parts["forget"][0, 0, 0] == pytest.approx(forget)
    np.testing.assert_allclose(parts["cell"][0, :, 0], [first, forget * first + first])
    np.testing.assert_allclose(parts["hidden"], np.tanh(parts["cell"]) / 2)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_states_are_those_that_a_keras_cell_returns_step_by_step(kind):
    weights = random_weights(kind)
    x = np.random.default_rng(1).normal(size=(4, 6, 2)).astype(np.float32)
    cell = {"lstm": keras.layers.LSTMCell, "gru": keras.layers.GRUCell}[kind](3)
    states = [np.zeros((4, 3), np.float32)] * (2 if kind == "lstm" else 1)
    cell(x[:, 0], states)
    cell.set_weights(weights)
    parts = gates.RECURRENT_PARTS[kind](x, *weights, np.tanh)
    for t in range(6):
        _, states = cell(x[:, t], states)
        for name, state in zip(("hidden", "cell"), states, strict=False):
            np.testing.assert_allclose(parts[name][:, t], convert_to_numpy(state), atol=1e-5)


def test_a_gru_is_made_of_its_parts():
    x, weights = np.random.default_rng(1).normal(size=(4, 6, 2)), random_weights("gru")
    parts = gates.gru(x, *weights, np.tanh)
    z, earlier = parts["update"], gates.before(parts["hidden"])
    np.testing.assert_allclose(parts["hidden"], z * earlier + (1 - z) * parts["candidate"])


@pytest.mark.parametrize("layers", ["lstm:4,gru:3,rnn:5,sru:5", "dense:4,sru:3,lstm:3"])
@pytest.mark.parametrize("settings", [{}, {"layer_norm": True, "residual": True}])
def test_layers_of_a_network_are_opened_with_the_inputs_that_they_see(layers, settings):
    """The hidden states of the last layer go on to be what the network gives."""
    problem = make_problem(override(ExperimentConfig(), {"lookback": 7, "layers": layers, **settings}), past_columns=2)
    network = architecture.build("stack", problem)
    random = np.random.default_rng(0)
    network.set_weights([random.normal(scale=0.5, size=w.shape) for w in network.get_weights()])
    weights, stack = architecture.named_weights(network), architecture.stack_of("stack", problem)
    x = random.normal(size=(3, 9, 2)).astype(np.float32)
    opened = gates.parts_by_layer(stack, weights, x)
    recurrent = [name for name in layers.split(",") if not name.startswith("dense")]
    assert [name.split("_")[0] for name in opened] == [name.split(":")[0] for name in recurrent]
    for name, parts in opened.items():
        middle = keras.Model(network.input, network.get_layer(name).output)
        np.testing.assert_allclose(parts["hidden"], convert_to_numpy(middle(x)), atol=1e-5)
        assert all(((part >= 0) & (part <= 1)).all() for gate, part in parts.items() if gate in GATES)
        assert all(part.shape == parts["hidden"].shape for part in parts.values())


def test_the_forget_gate_of_an_sru_weighs_old_and_new():
    """h = r tanh(c) + (1 - r) x, so that c follows from h where r is not 0."""
    random = np.random.default_rng(0)
    x, kernel, bias = random.normal(size=(2, 5, 3)), random.normal(size=(3, 9)), random.normal(size=6)
    parts = gates.sru(x, kernel, bias, np.tanh)
    r = parts["reset"]
    np.testing.assert_allclose(parts["hidden"], r * np.tanh(parts["cell"]) + (1 - r) * x)
