r"""The Keras networks: stacked cells over a block, one head for every step and quantile, and the highway beside them.

    x (T, F+K) -> layer 1 -> ... -> layer n -> the last T-L+1 outputs -> head -> (T-L+1, H, Q)
          \-> highway: a linear map of the last L differences -> (T-L+1, H) ---------^ added to all quantiles
    ahead (T-L+1, H, K) -> a weight for each step and column --------------------------^

A stack of Dense layers begins with a Conv1D of kernel L over the same inputs: the same shapes, the same code around
it. The layers are plain Keras, so that a saved `.keras` file opens anywhere; `sru` alone has a cell of its own. Keras
trains what stands above the highway; the numpy equations of `cells.py` validate and forecast with the same weights.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forecast.config import MEDIAN, QUANTILES
from forecast.errors import ConfigError
from forecast.models import cells
from forecast.models.contract import Fit, Problem, Watch, Weights, residual_quantiles, training_origins
from forecast.models.descent import Batch, Program, descend
from forecast.models.highway import apply_highway, fit_highway
from forecast.significance import luck
from forecast.windows import Blocks, Inputs, Panel, Rows, make_blocks

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float64]

# Blocks that go through the equations at once: products so small that no threads wait for one another.
CHUNK = 128
# Blocks that are looked at in a validation, and windows whose labels give the spread of the naive forecast.
MOST_VALIDATION, MOST_SPREAD = 256, 20_000
# A network's own moves are taken as if so many rows without any had been seen before, for short series mislead; unless
# the validation rows show that they help, with no more than this chance of luck.
PRIOR_ROWS = 1000
LUCK = 0.01
HIGHWAY = ("highway/kernel", "highway/ahead")


def stack_of(kind: str, problem: Problem) -> cells.Stack:
    """The layers of a network.

    Raises:
        ConfigError: `layers` is empty for `stack`.
    """
    network = problem.config.network
    layers: tuple[tuple[str, int], ...] = ((kind, network.units),) * network.depth
    if kind == "stack":
        if not network.layers:
            raise ConfigError("the model stack needs `layers`, as in --layers lstm:64,rnn:32. Received: none.")
        pairs = (layer.split(":") for layer in network.layers.split(","))
        layers = tuple((name, int(units)) for name, units in pairs)
    return cells.Stack(layers, network.activation, network.layer_norm, network.residual)


def build(kind: str, problem: Problem, *, length: int | None = None, highway: bool = False) -> "keras.Model":
    """An untrained network; its head starts at zero.

    Args:
        kind: `lstm`, `gru`, `rnn`, `sru`, `dense`, or `stack` for the layers that the configuration names.
        length: Rows of a block, L+S-1; None for any.
        highway: With the linear part, as it is saved; training goes without.
    Returns:
        A model from (N, T, F+K) to (N, T-L+1, H, Q); Q is 1 when the loss is the squared error. With a highway and
        columns known ahead, their moves (N, T-L+1, H, K) are a second input.
    """
    import keras
    from keras import layers

    lookback, horizon, quantiles = problem.lookback, problem.horizon, _outputs(problem)
    stack = stack_of(kind, problem)
    hidden = inputs = keras.Input((length, problem.features + problem.ahead), name="block")
    for number, (layer, units) in enumerate(stack.layers, start=1):
        before, hidden = hidden, _layer(layer, number, units, stack, problem)(hidden)
        hidden = _between(before, hidden, number, stack, problem)
    if not stack.windowed:
        hidden = layers.Cropping1D((lookback - 1, 0), name="labels")(hidden)
    head = layers.Dense(horizon * quantiles, kernel_initializer="zeros", name="head")(hidden)
    outputs = layers.Reshape((-1, horizon, quantiles), name="quantiles")(head)
    if not highway:
        return keras.Model(inputs, outputs, name=kind)
    every, linear = _highway(inputs, problem)
    return keras.Model(every, layers.Add(name="moves")([outputs, *linear]), name=kind)


def _highway(inputs: "keras.KerasTensor", problem: Problem) -> tuple[object, list[object]]:
    """The inputs of a network with a highway, and what is added to its quantiles."""
    import keras
    from keras import layers

    horizon = problem.horizon
    lags = layers.Conv1D(horizon, problem.lookback, use_bias=False, name="highway")(inputs)
    linear = [layers.Reshape((-1, horizon, 1), name="highway_moves")(lags)]
    if not problem.ahead:
        return inputs, linear
    known = keras.Input((None, horizon, problem.ahead), name="ahead")
    weighed = layers.EinsumDense("bthk,hk->bth", output_shape=(None, horizon), name="highway_ahead")(known)
    return [inputs, known], [*linear, layers.Reshape((-1, horizon, 1), name="ahead_moves")(weighed)]


def _layer(kind: str, number: int, units: int, stack: cells.Stack, problem: Problem) -> "keras.layers.Layer":
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
        from forecast.models.sru import SRUCell

        name = settings.pop("name")
        return layers.RNN(SRUCell(units, **settings), return_sequences=True, name=name)
    settings |= {"return_sequences": True, "recurrent_dropout": network.recurrent_dropout}
    if kind == "rnn":
        return layers.SimpleRNN(units, **settings)
    gated = {"lstm": layers.LSTM, "gru": layers.GRU}[kind]
    return gated(units, use_cudnn=False, **settings)  # XLA cannot compile cuDNN's cells


def _between(
    before: "keras.KerasTensor", hidden: "keras.KerasTensor", number: int, stack: cells.Stack, problem: Problem
) -> "keras.KerasTensor":
    """What stands behind a layer: normalisation, dropout, and the residual connection where widths agree."""
    from keras import layers

    if stack.norm:
        hidden = layers.LayerNormalization(name=f"norm_{number}")(hidden)
    if problem.config.network.dropout:
        hidden = layers.Dropout(problem.config.network.dropout, name=f"dropout_{number}")(hidden)
    if stack.adds(number, before.shape[-1], hidden.shape[-1]):
        hidden = layers.Add(name=f"residual_{number}")([hidden, before])
    return hidden


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
    """The Keras network that holds the given weights, for blocks of any length; of several seeds, their mean."""
    members = problem.config.training.seeds
    if members == 1:
        return _with_weights(kind, problem, weights)
    import keras

    networks = [_with_weights(kind, problem, member(weights, number)) for number in range(members)]
    for number, network in enumerate(networks, start=1):
        network.name = f"{kind}_seed_{number}"
    every = [keras.Input(tensor.shape[1:], name=tensor.name) for tensor in networks[0].inputs]
    inputs = every if len(every) > 1 else every[0]
    outputs = [network(inputs) for network in networks]
    return keras.Model(inputs, keras.layers.Average(name="seeds")(outputs), name=kind)


def _with_weights(kind: str, problem: Problem, weights: Weights) -> "keras.Model":
    highway = HIGHWAY[0] in weights
    network = build(kind, problem, highway=highway)
    arrays = dict(weights)
    if highway:
        kernel = np.zeros((problem.lookback, problem.features + problem.ahead, problem.horizon), np.float32)
        kernel[:, : problem.features] = weights[HIGHWAY[0]]
        arrays |= {"highway/kernel": kernel, "highway_ahead/kernel": weights[HIGHWAY[1]]}
    network.set_weights([arrays[f"{layer.name}/{w.name}"] for layer in network.layers for w in layer.weights])
    return network


def member(weights: Weights, number: int) -> dict[str, NDArray[np.float32]]:
    """The weights of one network among those of several seeds."""
    return {name: array if name in HIGHWAY else array[number] for name, array in weights.items()}


@dataclass(frozen=True)
class Network:
    """Stacked cells, trained by gradient descent."""

    name: str
    summary: str
    learned: bool = True
    gradient: bool = True

    def shapes(self, problem: Problem) -> dict[str, tuple[int | None, ...]]:
        config, horizon, outputs = problem.config, problem.horizon, problem.horizon * _outputs(problem)
        stack = stack_of(self.name, problem)
        shapes: dict[str, tuple[int | None, ...]] = {
            **stack.shapes(problem.features + problem.ahead, problem.lookback),
            "head/kernel": (stack.layers[-1][1], outputs),
            "head/bias": (outputs,),
        }
        if config.training.loss == "mse":
            shapes["residuals"] = (horizon, len(QUANTILES))
        if config.training.seeds > 1:
            shapes = {name: (config.training.seeds, *shape) for name, shape in shapes.items()}
        if _has_highway(problem):
            lags = problem.lookback, problem.features, horizon
            shapes |= dict(zip(HIGHWAY, (lags, (horizon, problem.ahead)), strict=True))
        return shapes

    def blocks(self, inputs: Inputs, origin: Rows, problem: Problem) -> Blocks:
        return self._blocks(inputs, origin, problem, 1)

    def _blocks(self, inputs: Inputs, origin: Rows, problem: Problem, labels: int, stop: Rows | None = None) -> Blocks:
        return make_blocks(
            inputs,
            origin,
            lookback=problem.lookback,
            horizon=problem.horizon,
            labels=labels,
            normalisation=problem.config.training.normalisation,
            stop=stop,
        )

    def fit(self, panel: Panel, problem: Problem, watch: Watch) -> Fit:
        highway = fit_highway(panel, problem) if _has_highway(problem) else {}
        fits: list[Fit] = []
        for number in range(problem.config.training.seeds):
            fits.append(self._fit_member(panel, problem, watch, highway, number))
            if fits[-1].interrupted:
                break
        weights = fits[0].weights
        if problem.config.training.seeds > 1:
            fits += [fits[-1]] * (problem.config.training.seeds - len(fits))  # those that Ctrl-C left out
            weights = {name: np.stack([fit.weights[name] for fit in fits]) for name in weights}
        return Fit({**weights, **highway}, fits[0].history, fits[-1].interrupted)

    def _fit_member(self, panel: Panel, problem: Problem, watch: Watch, highway: Weights, number: int) -> Fit:
        training = replace(problem.config.training, seed=problem.config.training.seed + number)
        random = np.random.default_rng(training.seed)
        labels = training.labels
        origin, stop = panel.validation_origins(horizon=problem.horizon, labels=labels, most=MOST_VALIDATION)
        validation = self._blocks(panel.inputs, origin, problem, labels, stop)
        rest = validation.y - apply_highway(highway, validation)

        def draw() -> Batch:
            origin, stop = panel.draw(
                random, training.batch, lookback=problem.lookback, horizon=problem.horizon, labels=labels
            )
            blocks = self._blocks(panel.inputs, origin, problem, labels, stop)
            return augment(blocks.x, blocks.y - apply_highway(highway, blocks), random, problem)

        fit = descend(
            Program(self.name, problem, build, length=problem.lookback + labels - 1),
            start=self._start(panel, problem, highway),
            draw=draw,
            random=random,
            named_weights=named_weights,
            predict=lambda weights: self._forward(weights, validation.x, problem),
            y_validation=rest,
            training=training,
            watch=watch,
        )
        if training.loss == "mse":
            residual = (rest - self._forward(fit.weights, validation.x, problem)[..., 0]).reshape(-1, problem.horizon)
            spread = residual_quantiles(residual[np.isfinite(residual).all(axis=1)])
            return Fit({**fit.weights, "residuals": spread}, fit.history, fit.interrupted)
        outputs = self._forward(fit.weights, validation.x, problem)
        factor = 1.0 if helps(rest, outputs[..., MEDIAN]) else tempered_by(panel)
        return Fit(temper(fit.weights, factor, problem), fit.history, fit.interrupted)

    def _start(self, panel: Panel, problem: Problem, highway: Weights) -> Weights:
        """The head's bias: the naive forecast, or the highway, with its usual spread on training labels."""
        if problem.config.training.loss == "mse":
            return {}
        origin = training_origins(panel, problem, most=MOST_SPREAD)
        blocks = self._blocks(panel.inputs, origin, problem, 1)
        spread = residual_quantiles((blocks.y - apply_highway(highway, blocks))[:, 0])
        return {"head/bias": spread.reshape(-1).astype(np.float32)}

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        members = problem.config.training.seeds
        several = [member(weights, number) for number in range(members)] if members > 1 else [weights]
        outputs = [self._forward(one, blocks.x, problem)[:, 0] for one in several]
        if "residuals" in weights:
            outputs = [output + one["residuals"] for output, one in zip(outputs, several, strict=True)]
        # quantiles that cross are put in order (Chernozhukov et al. 2010), those of several seeds averaged
        mean = np.mean([np.sort(output, axis=-1) for output in outputs], axis=0)
        return np.asarray(mean + apply_highway(weights, blocks)[:, 0, :, None])

    def _forward(self, weights: Weights, x: NDArray[np.float32], problem: Problem) -> Array:
        run = partial(
            cells.forward,
            stack_of(self.name, problem),
            weights,
            lookback=problem.lookback,
            horizon=problem.horizon,
        )
        parts = [run(x[start : start + CHUNK]) for start in range(0, len(x), CHUNK)]
        return np.concatenate(parts).astype(np.float64)


def _has_highway(problem: Problem) -> bool:
    return problem.config.network.highway and problem.config.training.normalisation == "window"


def augment(x: NDArray[np.float32], y: Array, random: np.random.Generator, problem: Problem) -> Batch:
    """Noise on the inputs, and one random factor for inputs and labels of a block: means against over-fitting.

    Windows are shifted as well, without an option: every training row is as likely to begin a block.
    Source: Um et al. (2017), Data augmentation of wearable sensor data.
    """
    training, features = problem.config.training, problem.features
    if training.jitter:
        x = x.copy()
        x[:, :, :features] += training.jitter * random.standard_normal(x[:, :, :features].shape, np.float32)
    if training.stretch:
        factor = np.exp(training.stretch * random.standard_normal(len(x)))[:, None, None]
        x = x.copy()
        x[:, :, :features] *= factor.astype(np.float32)
        y = y * factor
    return x, y


def helps(y: Array, moves: Array) -> bool:
    """Whether a network's own moves came closer to the validation labels than none, beyond luck; shape (N, S, H)."""
    gain = (np.abs(y) - np.abs(y - moves)).reshape(-1, y.shape[-1])
    gain = gain[np.isfinite(gain).all(axis=1)].mean(axis=1)
    return bool(gain.mean() > 0 and luck(gain, horizon=y.shape[-1]) < LUCK) if len(gain) else False


def tempered_by(panel: Panel) -> float:
    """The share of a network's moves that is kept where they have not been shown to help."""
    rows = sum(split.validation for split in panel.splits)
    return rows / (rows + PRIOR_ROWS)


def temper(weights: Weights, factor: float, problem: Problem) -> dict[str, NDArray[np.float32]]:
    """Weights whose network moves its median by `factor` times as much, with the same spread around it."""
    shape = (-1, problem.horizon, len(QUANTILES))
    tempered = dict(weights)
    for name in ("head/kernel", "head/bias"):
        head = weights[name].reshape(shape)
        tempered[name] = (head - np.float32(1 - factor) * head[:, :, [MEDIAN]]).reshape(weights[name].shape)
    return tempered
