"""The equations of the networks in numpy: saved models forecast with them, without TensorFlow.

With sigmoid(z) = 1 / (1 + exp(-z)), input x, hidden state h, cell state c, and weights named as in the literature:

    SimpleRNN  h = tanh(W x + R h + b)                                                       Elman (1990)
    LSTM       i = sigmoid(W_i x + U_i h + b_i)      f = sigmoid(W_f x + U_f h + b_f)        Hochreiter and
               o = sigmoid(W_o x + U_o h + b_o)      g = tanh(W_c x + U_c h + b_c)           Schmidhuber (1997),
               c = f * c + i * g                     h = o * tanh(c)                         Gers et al. (2000)
    GRU        z = sigmoid(W_z x + U_z h + b_z)      r = sigmoid(W_r x + U_r h + b_r)        Cho et al. (2014),
               g = tanh(W_h x + b_h + r * (U_h h + d_h))                                     reset after the product
               h = z * h + (1 - z) * g
    SRU        f = sigmoid(W_f x + b_f)              r = sigmoid(W_r x + b_r)                Lei et al. (2017)
               c = f * c + (1 - f) * W x             h = r * tanh(c) + (1 - r) * x
    Dense      y = activation(W x + b)
    LayerNorm  y = gamma (x - mean) / sqrt(variance + 0.001) + beta                          Ba et al. (2016)
    Softmax    p_k = exp(z_k) / sum over j of exp(z_j)                                       Bridle (1990)

Shapes: x (N, T, F), hidden sequence (N, T, units). Weights have Keras' shapes and order of gates (LSTM i, f, g, o;
GRU z, r, h; SRU c, f, r, and a last part where the input is not as wide as the cell); results agree with those of
Keras to the last digits of float32. The activation of the layer takes the place of tanh in each equation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

# float32 in networks; the functions of a cell compute in the precision of their arguments.
Array = NDArray[np.floating[Any]]
Weights = Mapping[str, NDArray[Any]]
Function = Callable[[Array], Array]
Cell = Callable[[Array, Array, Array, Array, Function], Array]


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)), without overflow."""
    half = np.float32(0.5)
    gate = np.asarray(half * z)
    np.tanh(gate, out=gate)
    gate += np.float32(1)
    gate *= half
    return gate


def relu(z: Array) -> Array:
    """The positive part."""
    return np.maximum(z, np.float32(0))


def linear(z: Array) -> Array:
    """No activation."""
    return z


ACTIVATIONS: dict[str, Function] = {"tanh": np.tanh, "relu": relu, "sigmoid": sigmoid, "linear": linear}


def _by_step(x: Array, kernel: Array, bias: Array) -> Array:
    """W x + b for all steps at once, shape (T, N, width): the numbers of one step lie side by side in memory."""
    projected = x.swapaxes(0, 1) @ kernel
    projected += bias
    return projected


def rnn(x: Array, kernel: Array, recurrent: Array, bias: Array, activation: Function) -> Array:
    """SimpleRNN: the hidden state at every step, shape (N, T, units)."""
    projected = _by_step(x, kernel, bias)
    hidden: Array = np.zeros((len(x), len(recurrent)), projected.dtype)
    states = np.empty((*projected.shape[:2], len(recurrent)), projected.dtype)
    for t in range(len(projected)):
        hidden = activation(projected[t] + hidden @ recurrent)
        states[t] = hidden
    return states.swapaxes(0, 1)


def lstm(x: Array, kernel: Array, recurrent: Array, bias: Array, activation: Function) -> Array:
    """LSTM: the hidden state at every step, shape (N, T, units)."""
    projected = _by_step(x, kernel, bias)
    hidden: Array = np.zeros((len(x), len(recurrent)), projected.dtype)
    cell: Array = hidden.copy()
    states, units = np.empty((*projected.shape[:2], len(recurrent)), projected.dtype), len(recurrent)
    for t, z in enumerate(projected):
        z += hidden @ recurrent
        g = activation(z[:, 2 * units : 3 * units])
        gates = sigmoid(z)  # one pass over all is quicker than one for each gate; the part of g is not used
        cell = gates[:, units : 2 * units] * cell + gates[:, :units] * g
        hidden = gates[:, 3 * units :] * activation(cell)
        states[t] = hidden
    return states.swapaxes(0, 1)


def gru(x: Array, kernel: Array, recurrent: Array, bias: Array, activation: Function) -> Array:
    """GRU: the hidden state at every step, shape (N, T, units). `bias` has two rows, for x and for h."""
    projected = _by_step(x, kernel, bias[0])
    hidden: Array = np.zeros((len(x), len(recurrent)), projected.dtype)
    states = np.empty((*projected.shape[:2], len(recurrent)), projected.dtype)
    units = len(recurrent)
    for t, x_t in enumerate(projected):
        h_t = hidden @ recurrent + bias[1]
        gates = sigmoid(x_t[:, : 2 * units] + h_t[:, : 2 * units])
        update, reset = gates[:, :units], gates[:, units:]
        candidate = activation(x_t[:, 2 * units :] + reset * h_t[:, 2 * units :])
        hidden = update * hidden + (np.float32(1) - update) * candidate
        states[t] = hidden
    return states.swapaxes(0, 1)


def gru_last(x: Array, kernel: Array, recurrent: Array, bias: Array) -> Array:
    """The hidden state of a GRU after the last step alone, shape (N, units): `gru` with tanh, up to rounding.

    Units come before windows in memory, so that each gate lies by itself and is computed in place: a third of the
    time. With sigmoid(z) = (1 + tanh(z / 2)) / 2 one tanh gives both gates, whose weights are halved beforehand.
    """
    units, half = len(recurrent), x.dtype.type(0.5)
    gates, halved = 2 * units, np.where(np.arange(3 * units) < 2 * units, half, x.dtype.type(1))[:, None]
    before = np.where(np.arange(3 * units) < gates, bias[0] + bias[1], bias[0])[:, None] * halved
    projected = np.matmul(kernel.T * halved, x.transpose(1, 2, 0))
    projected += before
    recurrent, inside = np.ascontiguousarray(recurrent.T * halved), bias[1][gates:, None]
    hidden, product = np.zeros((units, len(x)), x.dtype), np.empty(projected.shape[1:], x.dtype)
    for x_t in projected:
        np.matmul(recurrent, hidden, out=product)
        both, candidate, added = x_t[:gates], x_t[gates:], product[gates:]
        both += product[:gates]
        np.tanh(both, out=both)
        update, reset = both[:units], both[units:]
        added += inside
        reset += 1
        reset *= added
        reset *= half
        candidate += reset
        np.tanh(candidate, out=candidate)
        # h = g + z (h - g)
        hidden -= candidate
        hidden *= half
        update += 1
        hidden *= update
        hidden += candidate
    return hidden.T


def sru(x: Array, kernel: Array, bias: Array, activation: Function) -> Array:
    """Simple Recurrent Unit: the hidden state at every step, shape (N, T, units). `bias` is that of f, then of r."""
    units = len(bias) // 2
    parts = np.split(x @ kernel, kernel.shape[1] // units, axis=2)
    forget, reset = sigmoid(parts[1] + bias[:units]), sigmoid(parts[2] + bias[units:])
    cell: Array = np.zeros((len(x), units), np.float32)
    cells = np.empty((*x.shape[:2], units), np.float32)
    for t in range(x.shape[1]):
        cell = forget[:, t] * cell + (np.float32(1) - forget[:, t]) * parts[0][:, t]
        cells[:, t] = cell
    return reset * activation(cells) + (np.float32(1) - reset) * (parts[3] if len(parts) == 4 else x)


def window_dense(x: Array, kernel: Array, bias: Array, activation: Function) -> Array:
    """A Dense layer on each window of L rows (a Conv1D): kernel (L, F, units), result (N, T-L+1, units)."""
    windows = sliding_window_view(x, len(kernel), axis=1)  # (N, T-L+1, F, L)
    return activation(np.einsum("ntfl,lfu->ntu", windows, kernel, optimize=True) + bias)


def layer_norm(x: Array, gamma: Array, beta: Array) -> Array:
    """Normalise along the last axis to mean 0 and variance 1, then scale by gamma and shift by beta."""
    centred = x - x.mean(axis=-1, keepdims=True)
    return np.asarray(gamma * centred / np.sqrt(centred.var(axis=-1, keepdims=True) + np.float32(1e-3)) + beta)


def softmax(z: NDArray[Any]) -> NDArray[Any]:
    """Probabilities along the last axis, without overflow."""
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


CELLS: dict[str, Cell] = {"lstm": lstm, "gru": gru, "rnn": rnn}
RECURRENT = ("lstm", "gru", "rnn", "sru")
GATES = {"lstm": 4, "gru": 3, "rnn": 1, "sru": 3, "dense": 1}


@dataclass(frozen=True)
class Stack:
    """The layers of a network from the input on, as pairs of kind and width, and what follows each layer.

    The first layer of a stack of Dense layers alone sees the whole window; any other Dense layer sees one step.
    """

    layers: tuple[tuple[str, int], ...]
    activation: str
    norm: bool = False
    residual: bool = False

    @property
    def windowed(self) -> bool:
        """Whether all layers are Dense."""
        return all(kind == "dense" for kind, _ in self.layers)

    def adds(self, number: int, before: int, after: int) -> bool:
        """Whether layer `number` with inputs `before` wide and outputs `after` wide has a residual connection."""
        return self.residual and before == after and not (self.windowed and number == 1)

    def shapes(self, inputs: int, lookback: int) -> dict[str, tuple[int, ...]]:
        """Name and shape of every weight below the head, for `inputs` columns."""
        found: dict[str, tuple[int, ...]] = {}
        for number, (kind, units) in enumerate(self.layers, start=1):
            layer, width = f"{kind}_{number}", GATES[kind] * units
            found[f"{layer}/kernel"] = (inputs, width + units * (kind == "sru" and inputs != units))
            found[f"{layer}/bias"] = {"gru": (2, width), "sru": (2 * units,)}.get(kind, (width,))
            if kind in CELLS:
                found[f"{layer}/recurrent_kernel"] = (units, width)
            if self.windowed and number == 1:
                found[f"{layer}/kernel"] = (lookback, inputs, units)
            if self.norm:
                found |= {f"norm_{number}/gamma": (units,), f"norm_{number}/beta": (units,)}
            inputs = units
        return found


def forward(stack: Stack, weights: Weights, x: Array, *, lookback: int, horizon: int) -> Array:
    """Compute the outputs of a network at the last T-L+1 rows of each block.

    Args:
        weights: Named `layer/weight`, as `architecture.named_weights` gives them.
        x: Inputs, shape (N, T, F), with T at least the lookback L.
    Returns:
        Shape (N, T-L+1, H, Q), in normalised units.
    """
    hidden = np.asarray(x, np.float32)
    for number in range(1, len(stack.layers) + 1):
        hidden = layer(stack, number, weights, hidden)
    if not stack.windowed:
        hidden = np.ascontiguousarray(hidden[:, lookback - 1 :])
    outputs = hidden @ weights["head/kernel"]
    outputs += weights["head/bias"]
    return outputs.reshape(*outputs.shape[:2], horizon, -1)


def layer(stack: Stack, number: int, weights: Weights, x: Array) -> Array:
    """Compute layer `number`, counted from 1, with its normalisation and residual connection: shape (N, T, units)."""
    kind, _ = stack.layers[number - 1]
    hidden = _cell(kind, number, weights, x, ACTIVATIONS[stack.activation])
    if stack.norm:
        hidden = layer_norm(hidden, weights[f"norm_{number}/gamma"], weights[f"norm_{number}/beta"])
    return hidden + x if stack.adds(number, x.shape[-1], hidden.shape[-1]) else hidden


def _cell(kind: str, number: int, weights: Weights, x: Array, function: Function) -> Array:
    name = f"{kind}_{number}"
    kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
    if kind in CELLS:
        return CELLS[kind](x, kernel, weights[f"{name}/recurrent_kernel"], bias, function)
    if kind == "sru":
        return sru(x, kernel, bias, function)
    return window_dense(x, kernel, bias, function) if kernel.ndim == 3 else function(x @ kernel + bias)
