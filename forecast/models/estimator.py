"""What every model is asked and answers, so that the rest of the program need not know which one it is.

`Problem` says what is forecast from what; `fit` sees a panel, the rows before the test rows, and returns `Fit`, whose
weights are plain arrays; `predict` turns blocks of one label into normalised quantiles.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from forecast.config import MEDIAN, QUANTILES, ExperimentConfig
from forecast.data.windows import Blocks, Inputs, Panel, make_blocks, origins
from forecast.typing import Array, Rows

Weights = Mapping[str, NDArray[Any]]

# Share of the usual scale below which a window is flat.
STILL = 0.01


@dataclass(frozen=True)
class Problem:
    """What is forecast from what.

    Attributes:
        features: Columns that are known up to the origin, the target first among them.
        ahead: Columns that are known for the coming rows as well.
        season: Rows in a season.
        lookback: Rows before an origin that are seen.
    """

    config: ExperimentConfig
    features: int
    ahead: int
    season: int
    lookback: int

    @property
    def horizon(self) -> int:
        return self.config.horizon


@dataclass(frozen=True)
class Validation:
    """A look at the validation rows in the course of training; losses in normalised units.

    `loss` is the mean over the training steps since the look before; None before the first step.
    """

    step: int
    loss: float | None
    validation_loss: float


@dataclass(frozen=True)
class Step:
    """News from a training in progress; `validation_loss` after a look at the validation rows."""

    model: str
    step: int
    steps: int
    loss: float
    validation_loss: float | None = None


Progress = Callable[[Step], None]


@dataclass(frozen=True)
class Callbacks:
    """Who looks on while a model is trained.

    Attributes:
        progress: Called after each step; an error that it raises ends the training.
        checkpoint: File that keeps the state of the training, to go on after a kill.
        logs: Folder for TensorBoard.
    """

    progress: Progress | None = None
    checkpoint: Path | None = None
    logs: Path | None = None


@dataclass(frozen=True, eq=False)
class Fit:
    """What a model learned; `interrupted` when Ctrl-C ended the training early."""

    weights: Weights
    history: tuple[Validation, ...] = ()
    interrupted: bool = False


@dataclass(frozen=True, eq=False)
class WarmStart:
    """The network that a training goes on from.

    Attributes:
        weights: As the earlier training left them.
        freeze: Leave all layers but the head as they are.
    """

    weights: Weights
    freeze: bool = False


class Model(Protocol):
    """A registered model.

    `learned` ones have their moves shrunk by what they earned on past origins; `is_network` marks networks,
    which Keras trains.
    """

    @property
    def name(self) -> str: ...

    @property
    def summary(self) -> str: ...

    @property
    def learned(self) -> bool: ...

    @property
    def is_network(self) -> bool: ...

    def shapes(self, problem: Problem) -> dict[str, tuple[int | None, ...]]:
        """Name and shape of every weight; None for a length that the data decide."""
        ...

    def blocks(self, inputs: Inputs, origin: Rows, problem: Problem) -> Blocks:
        """Blocks of one label, in this model's own normalisation."""
        ...

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:
        """Learns from the training rows of a panel; its validation rows may choose among what was learned.

        Networks take a `WarmStart` as well.
        """
        ...

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        """Normalised quantiles, shape (N, H, Q), increasing along Q."""
        ...


def window_blocks(inputs: Inputs, origin: Rows, problem: Problem) -> Blocks:
    """Blocks of one label in the window's own normalisation."""
    return make_blocks(inputs, origin, lookback=problem.lookback, horizon=problem.horizon)


def training_blocks(panel: Panel, problem: Problem, *, most: int) -> Blocks:
    """Windows of one label from the training rows of all series, at most `most` of them, evenly spread."""
    chosen = training_origins(panel, problem, most=most)
    return window_blocks(panel.inputs, chosen, problem)


def training_origins(panel: Panel, problem: Problem, *, most: int) -> Rows:
    """Origins whose labels lie in the training rows, at most `most` of them, as many of one series as of another."""
    share = max(1, most // len(panel.training))
    chosen = []
    for start, split in zip(panel.start, panel.splits, strict=True):
        usable = origins(problem.lookback, split.validation, horizon=problem.horizon)
        even = np.linspace(0, len(usable) - 1, min(share, len(usable))).astype(int)
        chosen.append(start + usable[even])
    return np.concatenate(chosen)


def lively(blocks: Blocks) -> Blocks:
    """The windows that move: errors in units of a flat window's scale are without bound."""
    spread = blocks.scale[:, 0, 0]
    moving = spread > STILL * np.median(spread) if len(spread) else spread > 0
    if moving.all() or not moving.any():
        return blocks
    return blocks.part(moving)


def residual_quantiles(residual: Array) -> Array:
    """Quantiles of residuals (N, H) for each step, shape (H, Q), moved so that the median is 0."""
    quantiles = np.quantile(residual, QUANTILES, axis=0).T
    return np.asarray(quantiles - quantiles[:, [MEDIAN]])
