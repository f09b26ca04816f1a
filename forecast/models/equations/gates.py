"""Gates and states of the cells of a network at every step, by the equations of `cells.py`.

A gate depends on the input of its step and on the hidden state of the step before, so that the gates of all steps
follow at once from all hidden states.

    lstm   input, forget, output, candidate, cell, hidden
    gru    update, reset, candidate, hidden
    sru    forget, reset, cell, hidden
    rnn    hidden

Each has the shape (N, T, units). Gates lie in [0, 1]: an input gate of 0.2 lets in a fifth of the candidate, a forget
gate of 0.9 keeps nine tenths of the cell state.
"""

from collections.abc import Callable

import numpy as np

from forecast.models.equations import cells
from forecast.models.equations.cells import Array, Function, Stack, Weights, sigmoid

Parts = dict[str, Array]


def before(states: Array) -> Array:
    """The states (N, T, units) of the step before; 0 before the first."""
    shifted = np.zeros_like(states)
    shifted[:, 1:] = states[:, :-1]
    return shifted


def lstm(x: Array, kernel: Array, recurrent: Array, bias: Array, activation: Function) -> Parts:
    """The three gates, the candidate, the cell state and the hidden state of an LSTM."""
    hidden = cells.lstm(x, kernel, recurrent, bias, activation)
    i, f, g, o = np.split(x @ kernel + before(hidden) @ recurrent + bias, 4, axis=2)
    parts = {"input": sigmoid(i), "forget": sigmoid(f), "output": sigmoid(o), "candidate": activation(g)}
    added = parts["input"] * parts["candidate"]
    return {**parts, "cell": _cell_states(parts["forget"], added), "hidden": hidden}


def gru(x: Array, kernel: Array, recurrent: Array, bias: Array, activation: Function) -> Parts:
    """The two gates, the candidate and the hidden state of a GRU."""
    hidden = cells.gru(x, kernel, recurrent, bias, activation)
    x_z, x_r, x_h = np.split(x @ kernel + bias[0], 3, axis=2)
    h_z, h_r, h_h = np.split(before(hidden) @ recurrent + bias[1], 3, axis=2)
    reset = sigmoid(x_r + h_r)
    return {"update": sigmoid(x_z + h_z), "reset": reset, "candidate": activation(x_h + reset * h_h), "hidden": hidden}


def rnn(x: Array, kernel: Array, recurrent: Array, bias: Array, activation: Function) -> Parts:
    """The hidden state of a SimpleRNN, which has no gates."""
    return {"hidden": cells.rnn(x, kernel, recurrent, bias, activation)}


def sru(x: Array, kernel: Array, bias: Array, activation: Function) -> Parts:
    """The two gates, the cell state and the hidden state of a Simple Recurrent Unit."""
    units = len(bias) // 2
    candidate, f, r = np.split(x @ kernel[:, : 3 * units], 3, axis=2)
    forget = sigmoid(f + bias[:units])
    cell = _cell_states(forget, (np.float32(1) - forget) * candidate)
    hidden = cells.sru(x, kernel, bias, activation)
    return {"forget": forget, "reset": sigmoid(r + bias[units:]), "cell": cell, "hidden": hidden}


def _cell_states(forget: Array, added: Array) -> Array:
    """The cell state c(t) = f(t) * c(t-1) + added(t) at every step."""
    states = np.empty_like(added)
    state = np.zeros_like(added[:, 0])
    for t in range(added.shape[1]):
        state = forget[:, t] * state + added[:, t]
        states[:, t] = state
    return states


RECURRENT_PARTS: dict[str, Callable[..., Parts]] = {"lstm": lstm, "gru": gru, "rnn": rnn}


def parts_by_layer(stack: Stack, weights: Weights, x: Array) -> dict[str, Parts]:
    """Gates and states of each recurrent layer by its name, as in `lstm_1`, for inputs x (N, T, F)."""
    found: dict[str, Parts] = {}
    hidden = np.asarray(x, np.float32)
    for number, (kind, _) in enumerate(stack.layers, start=1):
        if kind in cells.RECURRENT:
            found[f"{kind}_{number}"] = _parts_of(kind, number, stack, weights, hidden)
        hidden = cells.layer(stack, number, weights, hidden)
    return found


def _parts_of(kind: str, number: int, stack: Stack, weights: Weights, x: Array) -> Parts:
    name, function = f"{kind}_{number}", cells.ACTIVATIONS[stack.activation]
    kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
    if kind == "sru":
        return sru(x, kernel, bias, function)
    return RECURRENT_PARTS[kind](x, kernel, weights[f"{name}/recurrent_kernel"], bias, function)
