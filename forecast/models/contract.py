"""What every model is asked and answers, so that the rest of the program need not know which one it is.

`Problem` says what is forecast from what; `fit` sees the rows before the test rows and returns `Fit`, whose weights are
plain arrays; `predict` turns blocks of one label into normalised quantiles.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from forecast.config import ExperimentConfig
from forecast.windows import Blocks, Rows, Split

Array = NDArray[np.float64]
Weights = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Problem:
    """What is forecast from what: `column` is the target among `features` columns, `season` the rows in a season."""

    config: ExperimentConfig
    column: int
    features: int
    season: int


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
    """News from a training in progress, for a progress bar."""

    model: str
    step: int
    steps: int
    loss: float


Progress = Callable[[Step], None]


@dataclass(frozen=True, eq=False)
class Fit:
    """What a model learned; `interrupted` when Ctrl-C ended the training early."""

    weights: Weights
    history: tuple[Validation, ...] = ()
    interrupted: bool = False


class Model(Protocol):
    """A registered model. `learned` ones have their moves shrunk by what they earned on past origins."""

    @property
    def name(self) -> str: ...

    @property
    def summary(self) -> str: ...

    @property
    def learned(self) -> bool: ...

    def shapes(self, problem: Problem) -> dict[str, tuple[int, ...]]:
        """Name and shape of every weight."""
        ...

    def blocks(self, values_scaled: Array, origin: Rows, problem: Problem) -> Blocks:
        """Blocks of one label, in this model's own normalisation."""
        ...

    def fit(self, values_scaled: Array, split: Split, problem: Problem, progress: Progress | None) -> Fit:
        """Learns from `values_scaled`, shape (split.test, F): the training and validation rows alone."""
        ...

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        """Normalised quantiles, shape (N, H, Q), increasing along Q."""
        ...


def residual_quantiles(residual: Array, levels: tuple[float, ...], median: int) -> Array:
    """Quantiles of residuals (N, H) for each step, shape (H, Q), moved so that the median is 0."""
    quantiles = np.quantile(residual, levels, axis=0).T
    return np.asarray(quantiles - quantiles[:, [median]])
