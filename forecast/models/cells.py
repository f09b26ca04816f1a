"""The equations of the networks, in numpy: what a saved model forecasts with, and what explains it to a reader.

With sigmoid(z) = 1 / (1 + exp(-z)), input x, hidden state h, cell state c, and weights named as in the literature:

    SimpleRNN  h = tanh(W x + R h + b)                                                       Elman (1990)
    LSTM       i = sigmoid(W_i x + U_i h + b_i)      f = sigmoid(W_f x + U_f h + b_f)        Hochreiter and
               o = sigmoid(W_o x + U_o h + b_o)      g = tanh(W_c x + U_c h + b_c)           Schmidhuber (1997),
               c = f * c + i * g                     h = o * tanh(c)                         Gers et al. (2000)
    GRU        z = sigmoid(W_z x + U_z h + b_z)      r = sigmoid(W_r x + U_r h + b_r)        Cho et al. (2014),
               g = tanh(W_h x + b_h + r * (U_h h + d_h))                                     reset after the product
               h = z * h + (1 - z) * g
    Dense      y = activation(W x + b)

Shapes: x (N, T, F), hidden sequence (N, T, units). Weights have Keras' shapes and order of gates (LSTM i, f, g, o;
GRU z, r, h) and agree with Keras to float32's last digits. Wherever tanh stands in an equation, the layer's
activation is taken.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float32]
Weights = Mapping[str, NDArray[Any]]
Function = Callable[[Array], Array]
Cell = Callable[[Array, Array, Array, Array, Function], Array]


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)), without overflow."""
    return np.asarray(np.float32(0.5) * (np.tanh(np.float32(0.5) * z) + np.float32(1)))


def relu(z: Array) -> Array:
    """The positive part."""
    return np.maximum(z, np.float32(0))


def linear(z: Array) -> Array:
    """No activation."""
    return z


ACTIVATIONS: dict[str, Function] = {"tanh": np.tanh, "relu": relu, "sigmoid": sigmoid, "linear": linear}


def rnn(x: Array, kernel: Array, recurrent: Array, bias: Array, activation: Function) -> Array:
    """SimpleRNN: the hidden state at every step, shape (N, T, units)."""
    projected = x @ kernel + bias
    hidden = np.zeros((len(x), len(recurrent)), np.float32)
    states = np.empty((*x.shape[:2], len(recurrent)), np.float32)
    for t in range(x.shape[1]):
        hidden = activation(projected[:, t] + hidden @ recurrent)
        states[:, t] = hidden
    return states


def lstm(x: Array, kernel: Array, recurrent: Array, bias: Array, activation: Function) -> Array:
    """LSTM: the hidden state at every step, shape (N, T, units)."""
    projected = x @ kernel + bias
    hidden = np.zeros((len(x), len(recurrent)), np.float32)
    cell = np.zeros_like(hidden)
    states = np.empty((*x.shape[:2], len(recurrent)), np.float32)
    for t in range(x.shape[1]):
        i, f, g, o = np.split(projected[:, t] + hidden @ recurrent, 4, axis=1)
        cell = sigmoid(f) * cell + sigmoid(i) * activation(g)
        hidden = sigmoid(o) * activation(cell)
        states[:, t] = hidden
    return states


def gru(x: Array, kernel: Array, recurrent: Array, bias: Array, activation: Function) -> Array:
    """GRU: the hidden state at every step, shape (N, T, units). `bias` has two rows, for x and for h."""
    projected = x @ kernel + bias[0]
    hidden = np.zeros((len(x), len(recurrent)), np.float32)
    states = np.empty((*x.shape[:2], len(recurrent)), np.float32)
    for t in range(x.shape[1]):
        x_z, x_r, x_h = np.split(projected[:, t], 3, axis=1)
        h_z, h_r, h_h = np.split(hidden @ recurrent + bias[1], 3, axis=1)
        update = sigmoid(x_z + h_z)
        candidate = activation(x_h + sigmoid(x_r + h_r) * h_h)
        hidden = update * hidden + (np.float32(1) - update) * candidate
        states[:, t] = hidden
    return states


def window_dense(x: Array, kernel: Array, bias: Array, activation: Function) -> Array:
    """A Dense layer on each window of L rows (a Conv1D): kernel (L, F, units), result (N, T-L+1, units)."""
    windows = sliding_window_view(x, len(kernel), axis=1)  # (N, T-L+1, F, L)
    return activation(np.einsum("ntfl,lfu->ntu", windows, kernel, optimize=True) + bias)


CELLS: dict[str, Cell] = {"lstm": lstm, "gru": gru, "rnn": rnn}


def shapes(kind: str, features: int, units: int, depth: int, lookback: int) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight below the head."""
    gates = {"lstm": 4, "gru": 3}.get(kind, 1)
    found: dict[str, tuple[int, ...]] = {}
    for number in range(1, depth + 1):
        layer, inputs = f"{kind}_{number}", features if number == 1 else units
        found[f"{layer}/kernel"] = (inputs, gates * units)
        found[f"{layer}/bias"] = (2, gates * units) if kind == "gru" else (gates * units,)
        if kind in CELLS:
            found[f"{layer}/recurrent_kernel"] = (units, gates * units)
    if kind == "dense":
        found["dense_1/kernel"] = (lookback, features, units)
    return found


def forward(kind: str, weights: Weights, x: Array, *, lookback: int, horizon: int, activation: str) -> Array:
    """The network's outputs for the last T - lookback + 1 origins of each block.

    Args:
        kind: `lstm`, `gru`, `rnn` or `dense`.
        weights: Named `layer/weight`, as `networks.named_weights` gives them.
        x: Inputs, shape (N, T, F), with T at least the lookback.
    Returns:
        Shape (N, T-L+1, H, Q), in normalised units.
    """
    function, depth = ACTIVATIONS[activation], sum(name.endswith("/kernel") for name in weights) - 1
    hidden = np.asarray(x, np.float32)
    for number in range(1, depth + 1):
        layer = f"{kind}_{number}"
        kernel, bias = weights[f"{layer}/kernel"], weights[f"{layer}/bias"]
        if kind in CELLS:
            hidden = CELLS[kind](hidden, kernel, weights[f"{layer}/recurrent_kernel"], bias, function)
        elif number == 1:
            hidden = window_dense(hidden, kernel, bias, function)
        else:
            hidden = function(hidden @ kernel + bias)
    if kind in CELLS:
        hidden = hidden[:, lookback - 1 :]
    outputs = hidden @ weights["head/kernel"] + weights["head/bias"]
    return outputs.reshape(*outputs.shape[:2], horizon, -1)
