"""The Keras networks: stacked cells over a block, one head for every step and quantile.

    inputs (T, F) -> cell 1 -> ... -> cell depth -> the last T-L+1 outputs -> head -> (T-L+1, H, Q)

A Dense network is a Conv1D of kernel L over the same inputs: the same shapes, the same code around it. The layers are
plain Keras, so that a saved `.keras` file opens anywhere. Keras builds and trains; the numpy equations of `cells.py`
validate and forecast with the same weights.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecast.config import MEDIAN, QUANTILES
from forecast.models import cells
from forecast.models.contract import Fit, Problem, Progress, Weights, residual_quantiles
from forecast.models.descent import descend
from forecast.windows import Blocks, Rows, Split, make_blocks, origins

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float64]

# Blocks that go through the equations at once: bounds the memory, and fits a processor's cache.
CHUNK = 512


def build(kind: str, problem: Problem, *, length: int | None = None) -> "keras.Model":
    """An untrained network of stacked `kind` cells; its head starts at zero.

    Args:
        kind: `lstm`, `gru`, `rnn` or `dense`.
        length: Rows of a block, L+S-1; None for any.
    Returns:
        A model from (N, T, F) to (N, T-L+1, H, Q); Q is 1 when the loss is the squared error.
    """
    import keras

    network, lookback = problem.config.network, problem.config.lookback
    hidden = inputs = keras.Input((length, problem.features), name="block")
    for number in range(1, network.depth + 1):
        hidden = _layer(kind, number, problem)(hidden)
        if network.dropout:
            hidden = keras.layers.Dropout(network.dropout, name=f"dropout_{number}")(hidden)
    if kind in cells.CELLS:
        hidden = keras.layers.Cropping1D((lookback - 1, 0), name="labels")(hidden)
    horizon, quantiles = problem.config.horizon, _outputs(problem)
    head = keras.layers.Dense(horizon * quantiles, kernel_initializer="zeros", name="head")(hidden)
    outputs = keras.layers.Reshape((-1, horizon, quantiles), name="quantiles")(head)
    return keras.Model(inputs, outputs, name=kind)


def _layer(kind: str, number: int, problem: Problem) -> "keras.layers.Layer":
    from keras import layers, regularizers

    network = problem.config.network
    settings = {
        "name": f"{kind}_{number}",
        "activation": network.activation,
        "kernel_regularizer": regularizers.L2(network.l2) if network.l2 else None,
    }
    if kind == "dense":
        first = partial(layers.Conv1D, kernel_size=problem.config.lookback)
        return (first if number == 1 else layers.Dense)(network.units, **settings)
    if kind == "rnn":
        return layers.SimpleRNN(network.units, return_sequences=True, **settings)
    gated = {"lstm": layers.LSTM, "gru": layers.GRU}[kind]
    return gated(network.units, return_sequences=True, use_cudnn=False, **settings)  # XLA cannot compile cuDNN's cells


def _outputs(problem: Problem) -> int:
    return 1 if problem.config.training.loss == "mse" else len(QUANTILES)


def named_weights(network: "keras.Model") -> dict[str, NDArray[np.float32]]:
    """The network's weights as arrays, named `layer/weight` as in `lstm_1/recurrent_kernel`."""
    from keras import ops

    return {
        f"{layer.name}/{weight.name}": np.array(ops.convert_to_numpy(weight), np.float32)
        for layer in network.layers
        for weight in layer.trainable_weights
    }


def with_weights(kind: str, problem: Problem, weights: Weights) -> "keras.Model":
    """The Keras network that holds the given weights, for blocks of any length."""
    network = build(kind, problem)
    network.set_weights([weights[f"{layer.name}/{w.name}"] for layer in network.layers for w in layer.weights])
    return network


@dataclass(frozen=True)
class Network:
    """Stacked cells of one kind, trained by gradient descent."""

    name: str
    summary: str
    learned: bool = True

    def shapes(self, problem: Problem) -> dict[str, tuple[int, ...]]:
        network, horizon = problem.config.network, problem.config.horizon
        shapes = cells.shapes(self.name, problem.features, network.units, network.depth, problem.config.lookback)
        shapes["head/kernel"] = (network.units, horizon * _outputs(problem))
        shapes["head/bias"] = (horizon * _outputs(problem),)
        if problem.config.training.loss == "mse":
            shapes["residuals"] = (horizon, len(QUANTILES))
        return shapes

    def blocks(self, values_scaled: Array, origin: Rows, problem: Problem, labels: int = 1) -> Blocks:
        config = problem.config
        return make_blocks(
            values_scaled,
            origin,
            column=problem.column,
            lookback=config.lookback,
            horizon=config.horizon,
            labels=labels,
            normalisation=config.training.normalisation,
        )

    def fit(self, values_scaled: Array, split: Split, problem: Problem, progress: Progress | None) -> Fit:
        import keras

        config, horizon = problem.config, problem.config.horizon
        labels = min(config.training.labels, split.validation - config.lookback - horizon)
        train = origins(config.lookback, split.validation, horizon=horizon, labels=labels)
        validation = self._validation_blocks(values_scaled, split, problem)

        random = np.random.default_rng(config.training.seed)

        def draw() -> Blocks:
            chosen = np.sort(random.choice(train, config.training.batch))
            return self.blocks(values_scaled, chosen, problem, labels)

        def predict(weights: Weights) -> Array:
            return self._forward(weights, validation.x, problem)

        keras.utils.set_random_seed(config.training.seed)
        network = build(self.name, problem, length=config.lookback + labels - 1)
        if config.training.loss == "pinball":
            every = origins(config.lookback, split.validation, horizon=horizon)
            _start_as_naive(network, self.blocks(values_scaled, every, problem).y[:, 0])
        fit = descend(
            network,
            draw=draw,
            named_weights=named_weights,
            predict=predict,
            y_validation=validation.y,
            training=config.training,
            progress=progress,
        )
        if config.training.loss == "mse":
            residual = validation.y - predict(fit.weights)[..., 0]
            spread = residual_quantiles(residual.reshape(-1, horizon), QUANTILES, MEDIAN)
            fit = Fit({**fit.weights, "residuals": spread}, fit.history, fit.interrupted)
        return fit

    def _validation_blocks(self, values_scaled: Array, split: Split, problem: Problem) -> Blocks:
        """Blocks side by side that cover every origin of the validation rows, the last one flush with their end."""
        horizon, first = problem.config.horizon, split.validation - 1
        labels = min(problem.config.training.labels, split.test - horizon - first)
        usable = origins(first, split.test, horizon=horizon, labels=labels)
        return self.blocks(values_scaled, np.union1d(usable[::labels], usable[-1:]), problem, labels)

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        outputs = self._forward(weights, blocks.x, problem)[:, 0]
        if "residuals" in weights:
            return np.asarray(outputs + weights["residuals"])
        return np.sort(outputs, axis=-1)  # quantiles that cross are put in order (Chernozhukov et al. 2010)

    def _forward(self, weights: Weights, x: NDArray[np.float32], problem: Problem) -> Array:
        config = problem.config
        parts = [
            cells.forward(
                self.name,
                weights,
                x[start : start + CHUNK],
                lookback=config.lookback,
                horizon=config.horizon,
                activation=config.network.activation,
            )
            for start in range(0, len(x), CHUNK)
        ]
        return np.concatenate(parts).astype(np.float64)


def _start_as_naive(network: "keras.Model", y: Array) -> None:
    """Sets the head's bias to the quantiles of the training labels (N, H): the naive forecast with its usual spread."""
    head = network.get_layer("head")
    head.bias.assign(residual_quantiles(y, QUANTILES, MEDIAN).reshape(-1).astype(np.float32))
