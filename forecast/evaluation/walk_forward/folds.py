"""Folds: where a training ends, and which rows its model is then tested on.

    expanding   trains |==========|            rolling   trains |==========|
                tests             |---|                  tests             |---|
                trains |==============|                  trains     |==========|
                tests                 |---|              tests                 |---|

Every test row belongs to one fold. The forecasts of a fold begin at the last row before it and end within it, so no row
is tested twice, and none is trained on before it is tested.
Source: Tashman (2000), Out-of-sample tests of forecasting accuracy.
"""

from dataclasses import dataclass
from typing import Literal

from forecast.config import Config, ExperimentConfig, option
from forecast.data.split import split_rows, test_start
from forecast.errors import SeriesTooShort

Window = Literal["expanding", "rolling"]


@dataclass(frozen=True)
class WalkForward(Config):
    """A plan of folds.

    Attributes:
        folds: Number of folds, at the end of the series.
        stride: Rows in a fold; None divides the rows that a single run would test.
        train: Train on all rows before the cutoff, or on as many as in the first fold.
        refit: Train anew at every so many cutoffs; 0 trains at the first alone.
    """

    folds: int = option(5, at_least=1)
    stride: int | None = option(None, at_least=1)
    train: Window = "expanding"
    refit: int = option(1, at_least=0)


@dataclass(frozen=True)
class Fold:
    """Row numbers: a model that was trained on [start, trained) is tested on [cutoff, stop)."""

    number: int
    start: int
    trained: int
    cutoff: int
    stop: int


def fold_rows(rows: int, plan: WalkForward, config: ExperimentConfig) -> int:
    """The rows of each fold."""
    return plan.stride or (rows - test_start(rows, config)) // plan.folds


def first_cutoff(rows: int, plan: WalkForward, config: ExperimentConfig) -> int:
    """The first row of the first fold.

    Raises:
        SeriesTooShort: a fold is shorter than the horizon, or no row is left before the first.
    """
    stride = fold_rows(rows, plan, config)
    if stride < config.resolved_horizon:
        raise SeriesTooShort(
            f"a fold must have at least as many rows as the horizon, {config.resolved_horizon}, so that none is tested "
            f"twice. Received: {rows} rows, {plan.folds} folds of {stride}. Use fewer folds, or a smaller --horizon."
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
        config: With lookback and season resolved.
    Raises:
        SeriesTooShort: too few rows before the first cutoff for lookback and horizon.
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


def group_by_training(folds: tuple[Fold, ...]) -> list[tuple[Fold, ...]]:
    """The folds that share one training, for each training."""
    return [tuple(fold for fold in folds if fold.trained == cutoff) for cutoff in sorted({f.trained for f in folds})]
