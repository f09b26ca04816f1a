"""The contract that every model fulfils, and the pieces that models share.

`Problem` says what is forecast from what. `fit` sees a `Panel`, the rows before the test rows of one series or many,
and returns a `Fit`, whose weights are plain arrays. `predict` turns weights and blocks of one label into quantiles. A
new model is a subclass of `Estimator` and one line in the registry in `__init__.py`; tests/test_contract.py tests
every registered model.

Shapes below: N blocks of S labels, L rows of lookback, F past columns (the target first), K future columns, H steps, Q
quantiles. A block of one label is a window. Normalised means in units of the window's own scale: 0 is the last value, 1
the mean size of a difference, times the root of the step.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from forecast.config import MEDIAN, QUANTILES, ExperimentConfig
from forecast.data.inputs import Inputs
from forecast.data.panel import Panel
from forecast.data.windows import FLAT, Blocks, make_blocks, origins
from forecast.errors import SeriesTooShort
from forecast.typing import Array, Rows

Weights = Mapping[str, NDArray[Any]]
# Names and shapes of weights; None for a length that the data decide.
Shapes = dict[str, tuple[int | None, ...]]

# A window is flat if its scale is below this share of the median scale of those that move at all.
LEAST_SCALE = 0.01
# Labels are clipped here: a jump after a quiet window must not count as much as all other windows together.
LARGEST_LABEL = 10.0
# Validation residuals that suffice for their quantiles.
ENOUGH_RESIDUALS = 50


@dataclass(frozen=True)
class Problem:
    """What is forecast from what.

    Attributes:
        past_columns: Number of columns that are known up to the origin, the target among them (F).
        future_columns: Number of columns that are known for the coming rows as well (K).
        season: Rows in a season.
        lookback: Rows before an origin that a window holds (L).
        targets: Number of columns that one network forecasts together, while it is trained.
    """

    config: ExperimentConfig
    past_columns: int
    future_columns: int
    season: int
    lookback: int
    targets: int = 1

    @property
    def horizon(self) -> int:
        """Steps that are forecast (H)."""
        return self.config.resolved_horizon


@dataclass(frozen=True)
class Validation:
    """Losses at one validation in the course of a training, in normalised units.

    `loss` is the mean over the training steps since the last validation; None before the first step.
    """

    step: int
    loss: float | None
    validation_loss: float


@dataclass(frozen=True)
class Step:
    """One step of a training in progress; `validation_loss` is given after a validation."""

    model: str
    step: int
    steps: int
    loss: float
    validation_loss: float | None = None


OnStep = Callable[[Step], None]


@dataclass(frozen=True)
class Callbacks:
    """What happens while a model is trained.

    Attributes:
        progress: Called after each step; an exception that it raises ends the training.
        checkpoint: File for the state of the training, from which a killed training resumes.
        logs: Folder for TensorBoard.
    """

    progress: OnStep | None = None
    checkpoint: Path | None = None
    logs: Path | None = None


@dataclass(frozen=True, eq=False)
class Fit:
    """The result of `fit`.

    Attributes:
        weights: Arrays by name, of the shapes that `shapes` promises.
        history: The validations of the training, oldest first; empty for models without gradient descent.
        interrupted: Whether Ctrl-C ended the training early.
    """

    weights: Weights
    history: tuple[Validation, ...] = ()
    interrupted: bool = False


@dataclass(frozen=True, eq=False)
class WarmStart:
    """The network from which a training continues.

    Attributes:
        weights: As the earlier training left them.
        freeze: Whether all layers but the head keep their weights.
    """

    weights: Weights
    freeze: bool = False


@dataclass(frozen=True)
class Estimator(ABC):
    """A registered model. It has no state: `fit` returns the weights, and `predict` takes them.

    Attributes:
        name: As in `--models`.
        summary: One line for `forecast models`.
        learned: Whether its moves are shrunk by their losses on past origins, and learned in the units of expected
            moves; False for the baselines, garch and har.
        is_network: Whether Keras trains it.
        uses_lookback: Whether a forecast is made from the window alone, not from all rows up to the origin.
        is_local: Whether parameters are estimated from the rows up to each origin alone, so that its forecasts on
            training rows are as good a test as those on later ones.
        is_pretrained: Whether it learned from other series.
        trust: How far its moves count before it has proved itself on a series that is no walk: -0.5 little, 1 mostly,
            2 nearly all (`inference/shrinkage.py`).
        goes_on: Whether an earlier training of it can go on with new rows: its `fit` takes a `WarmStart`.
    """

    name: str
    summary: str
    learned: ClassVar[bool] = True
    is_network: ClassVar[bool] = False
    uses_lookback: ClassVar[bool] = True
    is_local: ClassVar[bool] = False
    is_pretrained: ClassVar[bool] = False
    trust: ClassVar[float] = -0.5
    goes_on: ClassVar[bool] = False

    @abstractmethod
    def shapes(self, problem: Problem) -> Shapes:
        """Name and shape of every weight."""

    def is_valid(self, weights: Weights, problem: Problem) -> bool:  # noqa: ARG002
        """Whether finite weights of the promised shapes can be used for forecasts; checked when a bundle is opened."""
        return True

    def blocks(self, inputs: Inputs, origin: Rows, problem: Problem) -> Blocks:
        """Cut the blocks of one label that `predict` takes.

        Args:
            inputs: One scaled series, shapes (T, F) and (T, K) or longer.
            origin: Last known row of each block, shape (N,), at least L.
        """
        return window_blocks(inputs, origin, problem)

    @abstractmethod
    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:
        """Learn weights from the training rows; the validation rows choose among candidates and measure residuals.

        Those that go on take a `WarmStart` as well.

        Args:
            panel: Scaled rows before the test rows of one series or many.
        Raises:
            SeriesTooShort: the training rows do not suffice for this model.
            ConfigError: a package that this model needs is missing.
        """

    def untrained(self, problem: Problem) -> WarmStart | None:  # noqa: ARG002
        """Where a training begins that owes nothing to other series; None if every first training begins there."""
        return None

    @abstractmethod
    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        """Forecast normalised quantiles at the origin of each block, from the rows up to it alone.

        Args:
            blocks: Of one label each, as `blocks` cuts them.
        Returns:
            Shape (N, H, Q), increasing along Q.
        """

    def trail(self, inputs: Inputs, first: int, stop: int, problem: Problem, *, stride: int) -> Blocks:
        """Cut the blocks for past origins from about `first` to `stop` - 1, whose losses decide on the shrinkage.

        All multiples of `stride` are among them. Networks use blocks of many labels, which take a small part of the
        time. These begin at fixed rows, so that the forecast at an origin does not depend on `first` and `stop`.
        """
        return self.blocks(inputs, np.arange(-(-first // stride) * stride, stop, stride), problem)

    def predict_each(self, weights: Weights, several: Sequence[Blocks], problem: Problem) -> list[Array]:
        """Forecast several series; networks take them in one pass.

        Args:
            several: Blocks of each series, as `blocks` or `trail` cuts them.
        Returns:
            Normalised quantiles for each series, shape (N, S, H, Q), increasing along Q.
        """
        return [self.predict(weights, blocks, problem)[:, None] for blocks in several]


def window_blocks(inputs: Inputs, origin: Rows, problem: Problem) -> Blocks:
    """Cut blocks of one label in the window normalisation; `origin` has shape (N,)."""
    return make_blocks(inputs, origin, lookback=problem.lookback, horizon=problem.horizon)


def training_origins(panel: Panel, problem: Problem, *, most: int) -> Rows:
    """Spread at most about `most` origins evenly over the training rows, equally many for each series.

    Returns:
        Rows of the panel with a target whose labels lie in the training rows, shape (n,).
    """
    share = max(1, most // len(panel.training))
    chosen = []
    for start, split in zip(panel.start, panel.splits, strict=True):
        usable = origins(problem.lookback, split.validation, horizon=problem.horizon)
        usable = usable[panel.inputs.known[start + usable]]
        even = np.linspace(0, len(usable) - 1, min(share, len(usable))).astype(int)
        chosen.append(start + usable[even])
    return np.concatenate(chosen)


def without_flat(blocks: Blocks) -> Blocks:
    """Drop flat windows, whose labels in units of their own scale have no bound; keep all if all are flat."""
    scale = blocks.scale[:, 0, 0]
    moving = scale > FLAT
    if not moving.any():
        return blocks
    return blocks.part(moving & (scale > LEAST_SCALE * np.median(scale[moving])))


def clip_labels(y: Array) -> Array:
    """Clip normalised labels of any shape to ±LARGEST_LABEL."""
    return np.clip(y, -LARGEST_LABEL, LARGEST_LABEL)


def residual_quantiles(residuals: Array, *, centred: bool = True) -> Array:
    """Quantiles of residuals (N, H) for each step, shape (H, Q), `centred` so that the median is 0; NaN is left out.

    A step without any residual takes the quantiles of the step before it.

    Raises:
        SeriesTooShort: there is none at all.
    """
    none = np.asarray(np.isnan(residuals).all(axis=0))
    if none.all():
        raise SeriesTooShort(
            "the training rows must hold two known values that are no more than the horizon apart. Received: none. "
            "Use a longer series, or one with fewer missing values."
        )
    if none.any():
        residuals = residuals[:, np.maximum.accumulate(np.where(none, int(np.argmin(none)), np.arange(len(none))))]
    quantiles = np.nanquantile(residuals, QUANTILES, axis=0).T
    return np.asarray(quantiles - quantiles[:, [MEDIAN]] if centred else quantiles)


def validation_quantiles(validation: Array, training: Sequence[Array]) -> NDArray[np.float32]:
    """Residual quantiles (H, Q) of the validation rows; of training rows too if validation residuals are few.

    Args:
        validation: Residuals on validation rows, shape (N, H).
        training: Out-of-sample residuals on training rows, each of shape (n, H).
    """
    enough = len(validation) >= ENOUGH_RESIDUALS
    return residual_quantiles(validation if enough else np.concatenate([*training, validation])).astype(np.float32)
