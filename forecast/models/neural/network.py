"""Networks as models: the batches that they are trained on, how much of their moves is kept, and how they forecast.

Keras builds and trains the network (`architecture.py`, `training_loop.py`) on what the linear highway leaves over;
the numpy equations of `equations/cells.py` validate and forecast with the same weights.

Shapes: N blocks, S labels a block, H steps, Q quantiles.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from math import prod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from forecast.config import MEDIAN, QUANTILES
from forecast.data.inputs import Inputs
from forecast.data.panel import Panel
from forecast.data.windows import Blocks, make_blocks, origins
from forecast.errors import SeriesTooShort
from forecast.metrics.significance import diebold_mariano
from forecast.models import direction_classes as classes
from forecast.models.equations import cells
from forecast.models.estimator import (
    Callbacks,
    Estimator,
    Fit,
    Problem,
    Shapes,
    WarmStart,
    Weights,
    residual_quantiles,
    training_origins,
)
from forecast.models.highway import HIGHWAY, apply_highway, fit_highway
from forecast.models.neural.architecture import SHARED, build, members_of, outputs_of, stack_of
from forecast.models.neural.joint import check_joint, known_together, weights_of
from forecast.models.neural.training_loop import Batch, Program, fit_network
from forecast.typing import Array, Rows

# Blocks that the equations take at once: products so small that BLAS uses one thread, and none waits for another.
CHUNK = 128
# Validation blocks, and training windows from which the spread of the naive forecast is estimated.
MOST_VALIDATION, MOST_SPREAD = 256, 20_000
# The head is shrunk by n / (n + PRIOR_ROWS), as networks mislead on short series, unless the validation gain has a
# p-value below SIGNIFICANCE.
PRIOR_ROWS = 1000
SIGNIFICANCE = 0.01


@dataclass(frozen=True)
class Network(Estimator):
    """Stacked cells, trained by gradient descent."""

    is_network: ClassVar[bool] = True
    goes_on: ClassVar[bool] = True

    def shapes(self, problem: Problem) -> Shapes:
        config, horizon, outputs = problem.config, problem.horizon, prod(outputs_of(problem))
        stack = stack_of(self.name, problem)
        shapes: Shapes = {
            **stack.shapes(problem.past_columns + problem.future_columns, problem.lookback),
            "head/kernel": (stack.layers[-1][1], outputs),
            "head/bias": (outputs,),
        }
        if config.training.loss == "mse":
            shapes["residual_quantiles"] = (horizon, len(QUANTILES))
        if config.training.seeds > 1:
            shapes = {name: (config.training.seeds, *shape) for name, shape in shapes.items()}
        if _has_highway(problem):
            lags = problem.lookback, problem.past_columns, horizon
            shapes |= dict(zip(HIGHWAY, (lags, (horizon, problem.future_columns)), strict=True))
        return shapes | classes.SHAPES if config.task == "direction" else shapes

    def blocks(self, inputs: Inputs, origin: Rows, problem: Problem) -> Blocks:
        return self.label_blocks(inputs, origin, problem, 1)

    def label_blocks(
        self, inputs: Inputs, origin: Rows, problem: Problem, labels: int, stop: Rows | None = None
    ) -> Blocks:
        """Blocks of several labels; `stop` as in `make_blocks`."""
        return make_blocks(
            inputs,
            origin,
            lookback=problem.lookback,
            horizon=problem.horizon,
            labels=labels,
            normalisation=problem.config.training.normalisation,
            stop=stop,
        )

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks, start: WarmStart | None = None) -> Fit:
        """Train one network for each seed, from new weights or from those of an earlier training.

        A warm start keeps the earlier highway, or the earlier classes of directions, for which its networks were
        trained.
        """
        return self.fit_together([panel], problem, callbacks, start)[0]

    def fit_together(
        self, panels: Sequence[Panel], problem: Problem, callbacks: Callbacks, start: WarmStart | None = None
    ) -> list[Fit]:
        """Train one network that forecasts several targets at once, and give the weights of each.

        Args:
            panels: One a target, of the same rows: its target first, then the others in their order, then the rest.
            problem: Of one target.
        Raises:
            ConfigError: this network cannot forecast several targets together.
        """
        check_joint(self.name, panels, problem)
        kept = {name: start.weights[name] for name in SHARED if name in start.weights} if start else {}
        shared = [kept or self._fit_shared(panel, problem) for panel in panels]
        members: list[list[Fit]] = []
        for number in range(problem.config.training.seeds):
            members.append(self._fit_member(panels, problem, callbacks, shared, number, start))
            if members[-1][0].interrupted:
                break
        return [
            self._join(list(fits), panel, problem, own)
            for fits, panel, own in zip(zip(*members, strict=True), panels, shared, strict=True)
        ]

    def _join(self, fits: list[Fit], panel: Panel, problem: Problem, shared: Weights) -> Fit:
        """The networks of all seeds as one model."""
        weights = fits[0].weights
        if problem.config.training.seeds > 1:
            fits += [fits[-1]] * (problem.config.training.seeds - len(fits))  # in place of those that Ctrl-C prevented
            weights = {name: np.stack([fit.weights[name] for fit in fits]) for name in weights}
        weights = {**weights, **shared}
        if problem.config.task == "direction":
            weights[classes.MIXTURE_WEIGHT] = self._fit_mixture_weight(panel, problem, weights)
        return Fit(weights, fits[0].history, fits[-1].interrupted)

    def _fit_shared(self, panel: Panel, problem: Problem) -> dict[str, Array]:
        """The weights that come before the gradient descent: the highway, or the band and base rates of directions."""
        if problem.config.task == "direction":
            origin = training_origins(panel, problem, most=MOST_SPREAD)
            return classes.learn_classes(self.blocks(panel.inputs, origin, problem).y[:, 0, -1])
        return fit_highway(panel, problem) if _has_highway(problem) else {}

    def _fit_mixture_weight(self, panel: Panel, problem: Problem, weights: Weights) -> Array:
        """Fit the weight of the network against the base rates at every origin of the validation rows."""
        probabilities, outcomes = [], []
        for inputs, split in panel:
            origin = origins(split.validation - 1, split.test, horizon=problem.horizon)
            blocks = self.blocks(inputs, origin, problem)
            probabilities.append(self._probabilities(weights, blocks, problem))
            outcomes.append(labels_of(blocks.y, weights)[:, 0, 0])
        came = np.concatenate(outcomes)
        known = np.isfinite(came)
        return classes.fit_mixture_weight(
            np.concatenate(probabilities)[known], came[known], weights[classes.RATES], horizon=problem.horizon
        )

    def _fit_member(
        self,
        panels: Sequence[Panel],
        problem: Problem,
        callbacks: Callbacks,
        shared: Sequence[Weights],
        number: int,
        start: WarmStart | None,
    ) -> list[Fit]:
        """Train the network of one seed on what the highways leave over; the weights of each target."""
        training = replace(problem.config.training, seed=problem.config.training.seed + number)
        random = np.random.default_rng(training.seed)
        labels, whole = training.labels, replace(problem, targets=len(panels))
        rows = panels[0].validation_origins(horizon=problem.horizon, labels=labels, most=MOST_VALIDATION)
        x_validation, y_validation = self._left_over(panels, problem, shared, *rows)
        y_validation = labels_of(y_validation, shared[0])
        if not np.isfinite(y_validation).any():
            raise SeriesTooShort(
                "a network needs known values among the validation rows, no further from one another than the horizon. "
                "Received: none. Use a longer series, or one with fewer missing values."
            )

        def draw_batch() -> Batch:
            drawn = panels[0].draw(
                random, training.batch, lookback=problem.lookback, horizon=problem.horizon, labels=labels
            )
            x, y = augment(*self._left_over(panels, problem, shared, *drawn), random, problem)
            return x, labels_of(y, shared[0])

        fit = fit_network(
            Program(self.name, whole, build, problem.lookback + labels - 1, frozen=bool(start and start.freeze)),
            start=members_of(start.weights, problem)[number] if start else self._first_biases(panels, problem, shared),
            draw_batch=draw_batch,
            random=random,
            predict=lambda weights: self._forward(weights, x_validation, whole),
            y_validation=y_validation,
            training=training,
            callbacks=callbacks,
        )
        if problem.config.task == "direction":
            return [fit]
        return self._by_target(fit, panels, problem, y_validation, self._forward(fit.weights, x_validation, whole))

    def _by_target(
        self, fit: Fit, panels: Sequence[Panel], problem: Problem, y_validation: Array, outputs: Array
    ) -> list[Fit]:
        """The network's part for each target, with the spread of its own steps, which stand behind one another."""
        found = []
        for place, panel in enumerate(panels):
            steps = slice(place * problem.horizon, (place + 1) * problem.horizon)
            weights = weights_of(fit.weights, place, self.name, problem, len(panels))
            spread = _fit_spread(weights, y_validation[:, :, steps], outputs[:, :, steps], panel, problem)
            found.append(replace(fit, weights=spread))
        return found

    def _left_over(
        self, panels: Sequence[Panel], problem: Problem, shared: Sequence[Weights], origin: Rows, stop: Rows
    ) -> Batch:
        """Inputs of blocks, and what the highways leave of their labels, the steps of all targets behind one another.

        Shapes (N, L+S-1, F+K), and (N, S, H), or more steps for several targets.
        """
        labels = problem.config.training.labels
        blocks = [self.label_blocks(panel.inputs, origin, problem, labels, stop) for panel in panels]
        parts = zip(known_together(blocks), shared, blocks, strict=True)
        return blocks[0].x, np.concatenate([y - apply_highway(own, block) for y, own, block in parts], axis=2)

    def _first_biases(self, panels: Sequence[Panel], problem: Problem, shared: Sequence[Weights]) -> Weights:
        """The first bias of the head, the parts of all targets behind one another."""
        parts = [self._first_bias(panel, problem, own) for panel, own in zip(panels, shared, strict=True)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _first_bias(self, panel: Panel, problem: Problem, shared: Weights) -> Weights:
        """The first bias of the head: base rates, or the spread of the labels around the naive or linear forecast."""
        if problem.config.task == "direction":
            return {"head/bias": np.log(shared[classes.RATES]).astype(np.float32)}
        if problem.config.training.loss == "mse":
            return {}
        origin = training_origins(panel, problem, most=MOST_SPREAD)
        blocks = self.label_blocks(panel.inputs, origin, problem, 1)
        spread = residual_quantiles((blocks.y - apply_highway(shared, blocks))[:, 0])
        return {"head/bias": spread.reshape(-1).astype(np.float32)}

    def predict_proba(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        """Probabilities of down, flat and up, mixed with the base rates, shape (N, 3)."""
        probabilities = self._probabilities(weights, blocks, problem)
        return classes.mix(probabilities, weights[classes.RATES], float(weights[classes.MIXTURE_WEIGHT]))

    def _probabilities(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        """The mean over the networks of all seeds, shape (N, 3)."""
        several = members_of(weights, problem)
        return np.asarray(np.mean([self._forward(one, blocks.x, problem)[:, 0, 0] for one in several], axis=0))

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        return self.predict_each(weights, [blocks], problem)[0][:, 0]

    def trail(self, inputs: Inputs, first: int, stop: int, problem: Problem, *, stride: int) -> Blocks:  # noqa: ARG002
        labels = problem.config.training.labels
        begin = problem.lookback + (first - problem.lookback) // labels * labels
        return self.label_blocks(inputs, np.arange(begin, stop, labels), problem, labels)

    def predict_each(self, weights: Weights, several: Sequence[Blocks], problem: Problem) -> list[Array]:
        """Forecast several series in one pass of the network."""
        x = np.concatenate([blocks.x for blocks in several])
        outputs = self._outputs(weights, x, problem)
        parts = np.split(outputs, np.cumsum([len(blocks.x) for blocks in several])[:-1])
        return [part + apply_highway(weights, blocks)[..., None] for part, blocks in zip(parts, several, strict=True)]

    def _outputs(self, weights: Weights, x: NDArray[np.float32], problem: Problem) -> Array:
        """Normalised quantiles without the highway, shape (N, S, H, Q); the mean over the networks of all seeds."""
        several = members_of(weights, problem)
        outputs = [self._forward(one, x, problem) for one in several]
        if "residual_quantiles" in weights:
            outputs = [output + one["residual_quantiles"] for output, one in zip(outputs, several, strict=True)]
        ordered = [in_order(output) for output in outputs]
        return ordered[0] if len(ordered) == 1 else np.asarray(np.mean(ordered, axis=0))

    def _forward(self, weights: Weights, x: NDArray[np.float32], problem: Problem) -> Array:
        """The outputs of one network, shape (N, S, H, Q), or probabilities, shape (N, S, 1, 3)."""
        run = partial(
            cells.forward,
            stack_of(self.name, problem),
            weights,
            lookback=problem.lookback,
            horizon=outputs_of(problem)[0],
        )
        parts = [run(x[start : start + CHUNK]) for start in range(0, max(1, len(x)), CHUNK)]
        outputs = np.concatenate(parts).astype(np.float64)
        return cells.softmax(outputs) if problem.config.task == "direction" else outputs


def in_order(quantiles: Array) -> Array:
    """Sort quantiles (..., Q) that cross (Chernozhukov et al. 2010)."""
    levels = quantiles.shape[-1]
    crossed = reduce(np.logical_or, (quantiles[..., k] > quantiles[..., k + 1] for k in range(levels - 1)))
    if crossed.any():
        quantiles = quantiles.copy()
        quantiles[crossed] = np.sort(quantiles[crossed], axis=-1)
    return quantiles


def _has_highway(problem: Problem) -> bool:
    config = problem.config
    return config.network.highway and config.training.normalisation == "window" and config.task == "forecast"


def labels_of(y: Array, weights: Weights) -> Array:
    """The labels of a network: moves (N, S, H), or the class of the last step (N, S, 1) where `weights` have a band."""
    return classes.classes_of(y[..., -1:], float(weights[classes.BAND])) if classes.BAND in weights else y


def augment(x: NDArray[np.float32], y: Array, random: np.random.Generator, problem: Problem) -> Batch:
    """Add noise to the inputs (jitter), and scale inputs and labels of a block by one random factor (stretch).

    Windows are shifted anyway: every training row is as likely to begin a block.

    Source: Um et al. (2017), Data augmentation of wearable sensor data.
    """
    training, features = problem.config.training, problem.past_columns
    if training.jitter:
        x = x.copy()
        noise = random.standard_normal((*x.shape[:2], features), np.float32)
        x[:, :, :features] += training.jitter * noise
    if training.stretch:
        factor = np.exp(training.stretch * random.standard_normal(len(x)))[:, None, None]
        x = x.copy()
        x[:, :, :features] *= factor.astype(np.float32)
        y = y * factor
    return x, y


def _fit_spread(weights: Weights, y: Array, outputs: Array, panel: Panel, problem: Problem) -> Weights:
    """The weights with the residual quantiles of a network trained by squared error, or else with a shrunken head.

    Args:
        y: Validation labels, shape (N, S, H).
        outputs: Of the network, shape (N, S, H, Q).
    """
    if problem.config.training.loss == "mse":
        residuals = (y - outputs[..., 0]).reshape(-1, problem.horizon)
        return {**weights, "residual_quantiles": residual_quantiles(residuals)}
    rows = int(panel.training.sum())
    factor = 1.0 if gain_is_significant(y, outputs[..., MEDIAN]) else rows / (rows + PRIOR_ROWS)
    return shrink_head(weights, factor, problem)


def gain_is_significant(y: Array, moves: Array) -> bool:
    """Whether a network's moves are closer to the validation labels than no move; both have shape (N, S, H)."""
    gain = (np.abs(y) - np.abs(y - moves)).reshape(-1, y.shape[-1])
    gain = np.nanmean(gain[np.isfinite(gain).any(axis=1)], axis=1)
    return bool(len(gain) and gain.mean() > 0 and diebold_mariano(gain, horizon=y.shape[-1]) < SIGNIFICANCE)


def shrink_head(weights: Weights, factor: float, problem: Problem) -> Weights:
    """Weights whose network moves its median by `factor` times as much, with the same spread around it."""
    shape = (-1, problem.horizon, len(QUANTILES))
    shrunken = dict(weights)
    for name in ("head/kernel", "head/bias"):
        head = weights[name].reshape(shape)
        shrunken[name] = (head - np.float32(1 - factor) * head[:, :, [MEDIAN]]).reshape(weights[name].shape)
    return shrunken
