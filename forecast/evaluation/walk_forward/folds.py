"""Folds: where the past ends that a model learns from, and which rows it is then tested on.

    expanding   learns |==========|            rolling   learns |==========|
                tests             |---|                  tests             |---|
                learns |==============|                  learns     |==========|
                tests                 |---|              tests                 |---|

Every test row belongs to one fold. A fold's forecasts begin at the last row before it and end within it, so no row is
tested twice, and none is learned from before it was tested.
Source: Tashman (2000), Out-of-sample tests of forecasting accuracy.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from forecast.config import ExperimentConfig
from forecast.data.windows import split_rows, test_start
from forecast.errors import ConfigError, SeriesTooShort

Window = Literal["expanding", "rolling"]


@dataclass(frozen=True)
class WalkForward:
    """A plan of folds.

    Attributes:
        folds: How many, at the end of the series.
        stride: Rows in each; None shares out the rows that would be the test of a single run.
        train: Whether a model learns from all rows before its cutoff, or from as many as in the first fold.
        refit: A model is trained anew at every so many cutoffs; 0 trains it at the first alone.
    """

    folds: int = 5
    stride: int | None = None
    train: Window = "expanding"
    refit: int = 1

    def __post_init__(self) -> None:
        if self.folds < 1:
            raise ConfigError(f"`folds` must be at least 1. Received: folds={self.folds}.")
        if self.stride is not None and self.stride < 1:
            raise ConfigError(f"`stride` must be at least 1. Received: stride={self.stride}.")
        if self.train not in get_args(Window):
            raise ConfigError(f"`train` must be one of {', '.join(get_args(Window))}. Received: train={self.train}.")
        if self.refit < 0:
            raise ConfigError(f"`refit` must be at least 0, which is never. Received: refit={self.refit}.")


@dataclass(frozen=True)
class Fold:
    """Row numbers: a model that learned from [start, trained) is tested on [cutoff, stop)."""

    number: int
    start: int
    trained: int
    cutoff: int
    stop: int


def first_cutoff(rows: int, plan: WalkForward, config: ExperimentConfig) -> int:
    """The first row of the first fold.

    Raises:
        SeriesTooShort: a fold is shorter than the horizon, or no row is left before the first.
    """
    stride = plan.stride or (rows - test_start(rows, config)) // plan.folds
    if stride < config.horizon:
        raise SeriesTooShort(
            f"a fold must have at least as many rows as the horizon, {config.horizon}, so that none is tested twice. "
            f"Received: {rows} rows, {plan.folds} folds of {stride}. Use fewer folds, or a smaller --horizon."
        )
    first = rows - plan.folds * stride
    if first < 1:
        raise SeriesTooShort(
            f"{plan.folds} folds of {stride} rows need more than {plan.folds * stride} rows. Received: {rows}."
        )
    return first


def make_folds(rows: int, plan: WalkForward, config: ExperimentConfig) -> tuple[Fold, ...]:
    """The folds of a series of so many rows, oldest first.

    Args:
        config: Settled, with a lookback.
    Raises:
        SeriesTooShort: the rows before the first cutoff do not suffice for lookback and horizon.
    """
    first = first_cutoff(rows, plan, config)
    split_rows(first, config, first)
    stride = (rows - first) // plan.folds
    folds = []
    for number in range(plan.folds):
        cutoff = first + number * stride
        trained = first + number // plan.refit * plan.refit * stride if plan.refit else first
        start = trained - first if plan.train == "rolling" else 0
        folds.append(Fold(number + 1, start, trained, cutoff, cutoff + stride))
    return tuple(folds)


def trainings(folds: tuple[Fold, ...]) -> list[tuple[Fold, ...]]:
    """The folds that share one training, for each training."""
    return [tuple(fold for fold in folds if fold.trained == cutoff) for cutoff in sorted({f.trained for f in folds})]
