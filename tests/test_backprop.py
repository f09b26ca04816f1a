"""Back-propagation written out, against automatic differentiation and finite differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_gates import random_weights

from forecast.models.equations import backprop, cells, gates

LAYERS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def inputs(seed=1, shape=(4, 6, 2)):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "linear"])
def test_gradients_are_those_of_automatic_differentiation(kind, activation):
    weights, x, d_hidden = random_weights(kind), inputs(), inputs(2, (4, 6, 3))
    layer = LAYERS[kind](3, activation=activation, return_sequences=True)
    layer(x.astype(np.float32))
    layer.set_weights(weights)
    with tf.GradientTape() as tape:
        seen = tf.constant(x.astype(np.float32))
        tape.watch(seen)
        loss = tf.reduce_sum(layer(seen) * d_hidden.astype(np.float32))
    variables = [weight.value for weight in layer.trainable_weights]
    expected = tape.gradient(loss, [seen, *variables])
    found = backprop.recurrent(kind, x, *weights, d_hidden, activation=activation)
    for name, is_network in zip(("inputs", "kernel", "recurrent", "bias"), expected, strict=True):
        scale = np.abs(is_network.numpy()).max()
        np.testing.assert_allclose(getattr(found, name), is_network.numpy(), atol=2e-5 * scale, err_msg=name)


@pytest.mark.parametrize("kind", LAYERS)
def test_gradients_are_those_of_finite_differences(kind):
    """In double precision, one weight of each array moved to both sides."""
    weights, x, d_hidden = random_weights(kind), inputs(), inputs(2, (4, 6, 3))
    found = backprop.recurrent(kind, x, *weights, d_hidden)

    def loss():
        return (gates.RECURRENT_PARTS[kind](x, *weights, np.tanh)["hidden"] * d_hidden).sum()

    for array, is_network in zip((x, *weights), (found.inputs, found.kernel, found.recurrent, found.bias), strict=True):
        place = tuple(size // 2 for size in array.shape)
        kept = array[place]
        array[place] = kept + 1e-6
        above = loss()
        array[place] = kept - 1e-6
        below = loss()
        array[place] = kept
        assert is_network[place] == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "linear"])
def test_a_dense_network_against_automatic_differentiation(activation):
    random = np.random.default_rng(0)
    x, first, second = random.normal(size=(5, 3)), random.normal(size=(3, 4)), random.normal(size=(4, 2))
    hidden = cells.ACTIVATIONS[activation](x @ first)
    output = hidden @ second
    last = backprop.dense(hidden, second, output, 2 * output, "linear")
    found = backprop.dense(x, first, hidden, last.inputs, activation)
    variables = [tf.Variable(array) for array in (x, first, second)]
    with tf.GradientTape() as tape:
        act = getattr(tf.nn, activation) if activation != "linear" else tf.identity
        loss = tf.reduce_sum((act(variables[0] @ variables[1]) @ variables[2]) ** 2)
    expected = tape.gradient(loss, variables)
    for is_network, array in zip((found.inputs, found.kernel, last.kernel), expected, strict=True):
        np.testing.assert_allclose(is_network, array.numpy(), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(last.bias, 2 * output.sum(axis=0))


def test_the_gradient_of_a_linear_rnn_shrinks_by_its_recurrent_weight():
    """One unit, no activation: the last state holds the input k steps before times 0.5^k."""
    one = np.ones((1, 1))
    by_lag = backprop.gradient_by_lag("rnn", inputs(shape=(3, 8, 1)), one, one / 2, np.zeros(1), activation="linear")
    np.testing.assert_allclose(by_lag, 0.5 ** np.arange(8))
