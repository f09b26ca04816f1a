"""From a series to blocks: the one place that does index arithmetic.

An origin t is the last known row. A block of S labels that starts at origin t, with lookback L and horizon H:

    rows          t-L ............ t   t+1 ........ t+S-1 ........ t+S-1+H
    differences        [ L of them ][ S-1 more          ]
    x                  [ L+S-1 differences, over scale  ]
    output k                       ^k=0 ........... ^k=S-1           the network's outputs that are scored
    y[k]                               rows t+k+1 .. t+k+H, minus row t+k, over scale * sqrt(step)

The scale of a block is the mean absolute difference over its first L differences: known at its first origin, so
nothing in x[:, :L] or in the units of y looks past t. With S = 1 a block is the classic window with one label; a
larger S lets each gradient step see S labels for little more work (forking sequences, Wen et al. 2017). Differences
over the window's own scale make the network indifferent to level and scale (reversible instance normalisation, Kim
et al. 2022; last-value anchoring as in NLinear, Zeng et al. 2023).

With normalisation `level` (the textbook recipe) x holds the last L scaled levels and y the levels themselves.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from forecast.config import ExperimentConfig, Normalisation
from forecast.errors import SeriesTooShort

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

# Stands for the scale of a window that does not move at all, in scaled units.
FLAT = 1e-12


@dataclass(frozen=True)
class Split:
    """Row numbers: training is [0, validation), validation is [validation, test), test is [test, rows)."""

    validation: int
    test: int
    rows: int


@dataclass(frozen=True, eq=False)
class Blocks:
    """N blocks of S labels, H steps each, and the series that they were cut from.

    Attributes:
        target: The whole scaled target, shape (T,).
        origin: The first origin of each block, shape (N,).
        x: Network inputs, shape (N, L+S-1, F), float32.
        y: Labels, shape (N, S, H), in normalised units; NaN for rows that the series does not have yet.
        anchor: What a normalised label of 0 stands for, shape (N, S, 1), scaled.
        scale: What a normalised label of 1 adds to it, shape (N, 1, H), scaled.
        moves: Whether the anchor is the last value, so that a label of 0 is the naive forecast.
    """

    target: Array
    origin: Rows
    x: NDArray[np.float32]
    y: Array
    anchor: Array
    scale: Array
    moves: bool


def test_start(rows: int, config: ExperimentConfig) -> int:
    """The first test row of a series of `rows` rows."""
    return int(rows * (config.train_share + config.validation_share) + 1e-9)  # 0.7 + 0.1 is a little below 0.8


def split_rows(rows: int, config: ExperimentConfig) -> Split:
    """The chronological split into training, validation and test rows.

    Raises:
        SeriesTooShort: a part is too short for the lookback and horizon.
    """
    validation = int(rows * config.train_share)
    split = Split(validation, test_start(rows, config), rows)
    test_share = 1 - config.train_share - config.validation_share
    parts = (
        ("training", validation, config.lookback + config.horizon + 1, config.train_share),
        ("validation", split.test - validation, config.horizon, config.validation_share),
        ("test", rows - split.test, config.horizon, test_share),
    )
    for part, has, needs, share in parts:
        if has < needs:
            enough = max(ceil(needs / share + 1) for _, _, needs, share in parts)
            raise SeriesTooShort(
                f"lookback={config.lookback} and horizon={config.horizon} need about {enough} rows, "
                f"{needs} of them for {part}. Received: {rows} rows, {has} for {part}. "
                "Use a longer series, or a smaller --lookback or --horizon."
            )
    return split


def origins(first: int, stop: int, *, horizon: int, labels: int = 1) -> Rows:
    """Origins at or after `first` whose `labels` labels lie wholly before row `stop`."""
    return np.arange(first, stop - horizon - labels + 1)


def outcomes(target: Array, origin: Rows, *, horizon: int) -> Array:
    """The `horizon` rows after each origin, shape (*origin.shape, H); NaN past the last row of `target`."""
    padded = np.concatenate([target, np.full(horizon, np.nan)])
    return sliding_window_view(padded, horizon)[origin + 1]


def make_blocks(
    values_scaled: Array,
    origin: Rows,
    *,
    column: int,
    lookback: int,
    horizon: int,
    labels: int = 1,
    normalisation: Normalisation = "window",
) -> Blocks:
    """Blocks of `labels` labels that start at the given origins.

    Args:
        values_scaled: Shape (T, F).
        origin: Shape (N,), from `lookback` to T - labels. Steps past the last row get the label NaN.
        column: The target among the F features.
    """
    rows = sliding_window_view(values_scaled, lookback + labels, axis=0)[origin - lookback]  # (N, F, L+S)
    future = outcomes(values_scaled[:, column], origin[:, None] + np.arange(labels), horizon=horizon)  # (N, S, H)
    if normalisation == "level":
        x = rows[:, :, 1:]
        anchor, scale = np.zeros((len(origin), labels, 1)), np.ones((len(origin), 1, horizon))
    else:
        x, spread = _normalise(np.diff(rows, axis=2), lookback)
        anchor = rows[:, column, lookback:, None]
        scale = spread[:, None, [column]] * np.sqrt(np.arange(1, horizon + 1))
    return Blocks(
        target=values_scaled[:, column],
        origin=origin,
        x=np.ascontiguousarray(x.swapaxes(1, 2), dtype=np.float32),
        y=(future - anchor) / scale,
        anchor=anchor,
        scale=scale,
        moves=normalisation == "window",
    )


def _normalise(differences: Array, lookback: int) -> tuple[Array, Array]:
    """Differences (N, F, L+S-1) over the mean absolute one of the first L, and that mean (N, F).

    No difference among the first L can exceed L times their mean, so later ones are cut there as well.
    """
    spread = np.abs(differences[:, :, :lookback]).mean(axis=2)
    spread = np.where(spread > 0, spread, FLAT)
    return np.clip(differences / spread[:, :, None], -lookback, lookback), spread
