r"""The Keras networks: stacked cells over a block, one head for every step and quantile, and the highway beside them.

    x (T, F+K) -> layer 1 -> ... -> layer n -> the last T-L+1 outputs -> head -> (T-L+1, H, Q)
          \-> highway: a linear map of the last L differences -> (T-L+1, H) ---------^ added to all quantiles
    future (T-L+1, H, K) -> a weight for each step and column -------------------------^

A stack of Dense layers begins with a Conv1D of kernel L over the same inputs, which gives the same shapes. The layers
are plain Keras, so that a saved `.keras` file opens anywhere; only `sru` has a cell of its own.

For the task `direction` the head gives the probabilities of the three classes of `direction_classes.py`, shape
(T-L+1, 1, 3), by a softmax, and there is no highway.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forecast.config import QUANTILES
from forecast.errors import ConfigError
from forecast.models import direction_classes as classes
from forecast.models.equations import cells
from forecast.models.estimator import Problem, Weights
from forecast.models.highway import HIGHWAY

if TYPE_CHECKING:
    import keras

# Weights that the networks of several seeds share.
SHARED = (*HIGHWAY, *classes.SHAPES)


def stack_of(kind: str, problem: Problem) -> cells.Stack:
    """The layers of a network.

    Raises:
        ConfigError: the model is `stack`, and `layers` is empty.
    """
    network = problem.config.network
    layers: tuple[tuple[str, int], ...] = ((kind, network.units),) * network.depth
    if kind == "stack":
        if not network.layers:
            raise ConfigError("the model stack needs `layers`, as in --layers lstm:64,rnn:32. Received: none.")
        pairs = (layer.split(":") for layer in network.layers.split(","))
        layers = tuple((name, int(units)) for name, units in pairs)
    return cells.Stack(layers, network.activation, network.layer_norm, network.residual)


def build(
    kind: str, problem: Problem, *, length: int | None = None, highway: bool = False, unroll: bool = False
) -> "keras.Model":
    """Build an untrained network, whose head starts at zero.

    Args:
        kind: `lstm`, `gru`, `rnn`, `sru`, `dense`, or `stack` for the layers that the configuration names.
        length: Rows of a block (T = L+S-1); None for any.
        highway: Add the linear part, as a saved network has it; it is not trained by Keras.
        unroll: Write the recurrence out for each row, for runtimes without loops.
    Returns:
        A model from (N, T, F+K) to (N, T-L+1, H, Q), where Q is 1 if the loss is the squared error; to
        (N, T-L+1, 1, 3) for directions. With a highway and future columns, the moves of these (N, T-L+1, H, K) are a
        second input.
    """
    import keras
    from keras import layers

    (steps, width), stack = outputs_of(problem), stack_of(kind, problem)
    hidden = inputs = keras.Input((length, problem.past_columns + problem.future_columns), name="block")
    for number, (layer, units) in enumerate(stack.layers, start=1):
        before, hidden = hidden, _layer(layer, number, units, stack, problem, unroll=unroll)(hidden)
        hidden = _between(before, hidden, number, stack, problem)
    if not stack.windowed:
        hidden = layers.Cropping1D((problem.lookback - 1, 0), name="labels")(hidden)
    head = layers.Dense(steps * width, kernel_initializer="zeros", name="head")(hidden)
    if problem.config.task == "direction":
        classed = layers.Reshape((-1, steps, width), name="classes")(head)
        return keras.Model(inputs, layers.Softmax(name="probabilities")(classed), name=kind)
    outputs = layers.Reshape((-1, steps, width), name="quantiles")(head)
    if not highway:
        return keras.Model(inputs, outputs, name=kind)
    every, linear = _highway(inputs, problem)
    return keras.Model(every, layers.Add(name="moves")([outputs, *linear]), name=kind)


def _highway(inputs: "keras.KerasTensor", problem: Problem) -> tuple[object, list[object]]:
    """The inputs of a network with a highway, and the linear moves that are added to its quantiles."""
    import keras
    from keras import layers

    horizon = problem.horizon
    lags = layers.Conv1D(horizon, problem.lookback, use_bias=False, name="highway")(inputs)
    linear = [layers.Reshape((-1, horizon, 1), name="highway_moves")(lags)]
    if not problem.future_columns:
        return inputs, linear
    known = keras.Input((None, horizon, problem.future_columns), name="future")
    weighed = layers.EinsumDense("bthk,hk->bth", output_shape=(None, horizon), name="highway_future")(known)
    return [inputs, known], [*linear, layers.Reshape((-1, horizon, 1), name="future_moves")(weighed)]


def _layer(
    kind: str, number: int, units: int, stack: cells.Stack, problem: Problem, *, unroll: bool
) -> "keras.layers.Layer":
    from keras import layers, regularizers

    network = problem.config.network
    settings: dict[str, Any] = {
        "name": f"{kind}_{number}",
        "activation": network.activation,
        "kernel_regularizer": regularizers.L2(network.l2) if network.l2 else None,
    }
    if kind == "dense":
        first = stack.windowed and number == 1
        return (partial(layers.Conv1D, kernel_size=problem.lookback) if first else layers.Dense)(units, **settings)
    if kind == "sru":
        from forecast.models.neural.sru_cell import SRUCell

        name = settings.pop("name")
        return layers.RNN(SRUCell(units, **settings), return_sequences=True, unroll=unroll, name=name)
    settings |= {"return_sequences": True, "recurrent_dropout": network.recurrent_dropout, "unroll": unroll}
    if kind == "rnn":
        return layers.SimpleRNN(units, **settings)
    gated = {"lstm": layers.LSTM, "gru": layers.GRU}[kind]
    return gated(units, use_cudnn=False, **settings)  # XLA cannot compile cuDNN's cells


def _between(
    before: "keras.KerasTensor", hidden: "keras.KerasTensor", number: int, stack: cells.Stack, problem: Problem
) -> "keras.KerasTensor":
    """Add what follows a layer: normalisation, dropout, and the residual connection where widths agree."""
    from keras import layers

    if stack.norm:
        hidden = layers.LayerNormalization(name=f"norm_{number}")(hidden)
    if problem.config.network.dropout:
        hidden = layers.Dropout(problem.config.network.dropout, name=f"dropout_{number}")(hidden)
    if stack.adds(number, before.shape[-1], hidden.shape[-1]):
        hidden = layers.Add(name=f"residual_{number}")([hidden, before])
    return hidden


def outputs_of(problem: Problem) -> tuple[int, int]:
    """Number of steps of the head, those of each target behind one another, and of outputs a step."""
    if problem.config.task == "direction":
        return 1, len(classes.CLASSES)
    return problem.horizon * problem.targets, 1 if problem.config.training.loss == "mse" else len(QUANTILES)


def named_weights(network: "keras.Model") -> dict[str, NDArray[np.float32]]:
    """The network's weights as arrays, named `layer/weight` as in `lstm_1/recurrent_kernel`."""
    from keras import ops

    return {
        f"{layer.name}/{weight.name}": np.array(ops.convert_to_numpy(weight), np.float32)
        for layer in network.layers
        for weight in layer.weights
    }


def with_weights(
    kind: str, problem: Problem, weights: Weights, *, length: int | None = None, unroll: bool = False
) -> "keras.Model":
    """The Keras network with the given weights, for blocks of `length` rows or any; the mean over several seeds."""
    members = problem.config.training.seeds
    if members == 1:
        return _with_weights(kind, problem, weights, length, unroll)
    import keras

    networks = [_with_weights(kind, problem, member(weights, number), length, unroll) for number in range(members)]
    for number, network in enumerate(networks, start=1):
        network.name = f"{kind}_seed_{number}"
    tensors = [keras.Input(tensor.shape[1:], name=tensor.name) for tensor in networks[0].inputs]
    inputs = tensors if len(tensors) > 1 else tensors[0]
    outputs = [network(inputs) for network in networks]
    return keras.Model(inputs, keras.layers.Average(name="seeds")(outputs), name=kind)


def _with_weights(kind: str, problem: Problem, weights: Weights, length: int | None, unroll: bool) -> "keras.Model":
    highway = HIGHWAY[0] in weights
    network = build(kind, problem, length=length, highway=highway, unroll=unroll)
    arrays = dict(weights)
    if highway:
        kernel = np.zeros(
            (problem.lookback, problem.past_columns + problem.future_columns, problem.horizon), np.float32
        )
        kernel[:, : problem.past_columns] = weights[HIGHWAY[0]]
        arrays[HIGHWAY[0]] = kernel
    network.set_weights([arrays[f"{layer.name}/{w.name}"] for layer in network.layers for w in layer.weights])
    return network


def member(weights: Weights, number: int) -> dict[str, NDArray[np.float32]]:
    """The weights of the network of one seed among several."""
    return {name: array if name in SHARED else array[number] for name, array in weights.items()}


def members_of(weights: Weights, problem: Problem) -> list[Weights]:
    """The weights of the network of each seed, or of the only one."""
    seeds = problem.config.training.seeds
    return [member(weights, number) for number in range(seeds)] if seeds > 1 else [weights]
