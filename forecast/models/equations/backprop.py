"""Back-propagation written out: the gradients of a loss through a Dense layer, and through time in recurrent cells.

Training uses the automatic differentiation of Keras. These equations are for readers; tests compare them with automatic
differentiation, and notebooks measure with them how far back a cell learns.

Write d_a for the gradient of the loss with respect to a. In a recurrent cell the hidden state h(t) changes the loss
directly and through h(t+1), so that gradients are summed from the last step to the first (Werbos 1990):

    SimpleRNN  d_z = d_h (1 - h^2)                   d_h(t-1) += d_z R'
    LSTM       d_c += d_h o (1 - tanh(c)^2)          d_i = d_c g      d_f = d_c c(t-1)      d_g = d_c i
               d_o = d_h tanh(c)                     d_c(t-1) = d_c f                       d_h(t-1) += d_z U'
    GRU        d_g = d_h (1 - z)                     d_z = d_h (h(t-1) - g)                 d_r = d_g (U_h h + d_h)
               d_h(t-1) += d_h z + d_z U'

The gradient of a gate is then multiplied by the slope of its activation: s (1 - s) for a sigmoid s, 1 - a^2 for a
tanh a.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.models.equations import gates
from forecast.models.equations.cells import ACTIVATIONS, Array, Function

Slope = Callable[[Array], Array]
Scan = tuple[Array, Array]

# The slope of each activation as a function of its output.
SLOPES: dict[str, Slope] = {
    "tanh": lambda a: 1 - a * a,
    "sigmoid": lambda a: a * (1 - a),
    "relu": lambda a: (a > 0).astype(a.dtype),
    "linear": np.ones_like,
}
_sigmoid_slope = SLOPES["sigmoid"]


@dataclass(frozen=True, eq=False)
class Gradients:
    """Gradients of a loss with respect to the inputs and weights of a layer, each of the same shape as these.

    `recurrent` is empty for a Dense layer.
    """

    inputs: Array
    kernel: Array
    recurrent: Array
    bias: Array


def dense(x: Array, kernel: Array, output: Array, d_output: Array, activation: str) -> Gradients:
    """Back-propagate through y = activation(x W + b), with x (N, F), y and its gradient (N, units)."""
    d_z = d_output * SLOPES[activation](output)
    return Gradients(d_z @ kernel.T, x.T @ d_z, np.empty(0), d_z.sum(axis=0))


def recurrent(
    kind: str, x: Array, kernel: Array, recurrent: Array, bias: Array, d_hidden: Array, *, activation: str = "tanh"
) -> Gradients:
    """Back-propagate through time, over all steps of a SimpleRNN (`rnn`), `lstm` or `gru` layer.

    Args:
        x: Inputs, shape (N, T, F).
        d_hidden: Gradient of the loss with respect to the hidden state of each step as far as the loss uses that state
            itself, shape (N, T, units); 0 at all steps but the last where only the last state is used.
    """
    parts = gates.RECURRENT_PARTS[kind](x, kernel, recurrent, bias, ACTIVATIONS[activation])
    earlier = gates.before(parts["hidden"])
    slope, function = SLOPES[activation], ACTIVATIONS[activation]
    if kind == "lstm":
        inward = backward = _lstm(parts, recurrent, d_hidden, slope, function)
    elif kind == "gru":
        inward, backward = _gru(parts, earlier @ recurrent + bias[1], earlier, recurrent, d_hidden, slope)
    else:
        inward = backward = _rnn(parts, recurrent, d_hidden, slope)
    d_bias = inward.sum(axis=(0, 1))
    return Gradients(
        inputs=inward @ kernel.T,
        kernel=np.einsum("ntf,ntg->fg", x, inward),
        recurrent=np.einsum("ntu,ntg->ug", earlier, backward),
        bias=np.stack([d_bias, backward.sum(axis=(0, 1))]) if kind == "gru" else d_bias,
    )


def _rnn(parts: gates.Parts, recurrent: Array, d_hidden: Array, slope: Slope) -> Array:
    d_z, later = np.empty_like(d_hidden), np.zeros_like(d_hidden[:, 0])
    for t in reversed(range(d_hidden.shape[1])):
        d_z[:, t] = (d_hidden[:, t] + later) * slope(parts["hidden"][:, t])
        later = d_z[:, t] @ recurrent.T
    return d_z


def _lstm(parts: gates.Parts, recurrent: Array, d_hidden: Array, slope: Slope, function: Function) -> Array:
    i, f, o, g = (parts[name] for name in ("input", "forget", "output", "candidate"))
    squashed, earlier = function(parts["cell"]), gates.before(parts["cell"])
    d_z = np.empty((*d_hidden.shape[:2], recurrent.shape[1]), d_hidden.dtype)
    later, d_cell = np.zeros_like(d_hidden[:, 0]), np.zeros_like(d_hidden[:, 0])
    for t in reversed(range(d_hidden.shape[1])):
        d_state = d_hidden[:, t] + later
        d_cell = d_cell + d_state * o[:, t] * slope(squashed[:, t])
        d_z[:, t] = np.concatenate(
            [
                d_cell * g[:, t] * _sigmoid_slope(i[:, t]),
                d_cell * earlier[:, t] * _sigmoid_slope(f[:, t]),
                d_cell * i[:, t] * slope(g[:, t]),
                d_state * squashed[:, t] * _sigmoid_slope(o[:, t]),
            ],
            axis=1,
        )
        later, d_cell = d_z[:, t] @ recurrent.T, d_cell * f[:, t]
    return d_z


def _gru(parts: gates.Parts, driven: Array, earlier: Array, recurrent: Array, d_hidden: Array, slope: Slope) -> Scan:
    """Gradients on the side of the inputs and on that of the state; between the two stands the reset gate.

    `driven` is the part of the state in each gate, U h + d, shape (N, T, 3 units).
    """
    z, r, g = parts["update"], parts["reset"], parts["candidate"]
    of_candidate = np.split(driven, 3, axis=2)[2]
    inward, backward = np.empty_like(driven), np.empty_like(driven)
    later = np.zeros_like(d_hidden[:, 0])
    for t in reversed(range(d_hidden.shape[1])):
        d_state = d_hidden[:, t] + later
        d_g = d_state * (1 - z[:, t]) * slope(g[:, t])
        d_update = d_state * (earlier[:, t] - g[:, t]) * _sigmoid_slope(z[:, t])
        d_reset = d_g * of_candidate[:, t] * _sigmoid_slope(r[:, t])
        inward[:, t] = np.concatenate([d_update, d_reset, d_g], axis=1)
        backward[:, t] = np.concatenate([d_update, d_reset, d_g * r[:, t]], axis=1)
        later = d_state * z[:, t] + backward[:, t] @ recurrent.T
    return inward, backward


def gradient_by_lag(
    kind: str, x: Array, kernel: Array, recurrent_kernel: Array, bias: Array, *, activation: str = "tanh"
) -> NDArray[np.float64]:
    """Measure how strongly the last hidden state depends on the input of each step: shape (T,), the last input first.

    The measure is the norm of the gradient of the mean of the last hidden state with respect to the inputs of a step,
    as a mean over the sequences x (N, T, F). The gradient vanishes if it shrinks by about the same factor with each
    step back, and explodes if it grows so.

    Source: Hochreiter (1991); Bengio, Simard and Frasconi (1994), Learning long-term dependencies is difficult.
    """
    units = len(recurrent_kernel)
    d_hidden = np.zeros((*x.shape[:2], units), np.float64)
    d_hidden[:, -1] = 1 / units
    found = recurrent(kind, x.astype(np.float64), kernel, recurrent_kernel, bias, d_hidden, activation=activation)
    return np.asarray(np.linalg.norm(found.inputs, axis=2).mean(axis=0)[::-1])
