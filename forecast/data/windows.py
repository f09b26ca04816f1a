"""From series to blocks: the one place that does index arithmetic.

An origin t is the last known row. A block of S labels that starts at origin t, with lookback L and horizon H:

    rows          t-L ............ t   t+1 ........ t+S-1 ........ t+S-1+H
    differences        [ L of them ][ S-1 more          ]
    x                  [ L+S-1 differences, over scale  ]
    output k                       ^k=0 ........... ^k=S-1           the network's outputs that are scored
    y[k]                               rows t+k+1 .. t+k+H, minus row t+k, over scale * sqrt(step)
    future[k]                          the same moves of the future columns, which are known ahead

The scale of a block is the mean absolute difference over its first L differences: known at its first origin, so
nothing in x[:, :L] or in the units of y looks past t. With S = 1 a block is the classic window with one label; a
larger S lets each gradient step see S labels for little more work (forking sequences, Wen et al. 2017). Differences
over the window's own scale make the network indifferent to level and scale (reversible instance normalisation, Kim
et al. 2022; last-value anchoring as in NLinear, Zeng et al. 2023).

Future columns (a promotion, the day of the week: known ahead) stand in x beside the differences, as levels of the
next row, minus one half.

Where `Inputs.log_scale` gives the expected size of moves (`models/volatility`), as on prices, each difference is over
the size that was expected of it, and each label over the size that is expected of it at its own origin; moves of a
target above 0 are then those of its logarithm.

With normalisation `level` (the textbook recipe) x holds the last L scaled levels and y the levels themselves.

A missing value is filled in x (`fill.py`), and counts neither as a label nor in the scale; from a row without a target
no forecast starts, and its labels are missing.

Several series stand one behind the other in a `Panel` (`panel.py`); blocks are gathered from its rows when they are
needed, so memory grows with the rows, not with rows times lookback.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.config import Normalisation
from forecast.data.inputs import Inputs
from forecast.data.moves import absolute, expected_moves, relative
from forecast.typing import Array, Flags, Rows

# Stands for the scale of a window that does not move at all, in scaled units.
FLAT = 1e-12
# The share of a window's differences between known values from which its scale is taken from these alone.
ENOUGH_KNOWN = 0.125


@dataclass(frozen=True, eq=False)
class Blocks:
    """N blocks of S labels, H steps each, and the series that they were cut from.

    Attributes:
        inputs: The whole series.
        origin: The first origin of each block, shape (N,).
        x: Network inputs, shape (N, L+S-1, F+K), float32.
        y: Labels, shape (N, S, H), in normalised units; NaN for rows that are not known.
        future: Moves of the future columns, in the units of y, shape (N, S, H, K).
        anchor: What a normalised label of 0 stands for, shape (N, S, 1), scaled.
        scale: What a normalised label of 1 adds to it, shape (N, S, H), scaled.
        level: Where moves are those of the logarithm, the target above 0, shape (N, S, 1), scaled; else NaN.
        moves: Whether the anchor is the last value, so that a label of 0 is the naive forecast.
    """

    inputs: Inputs
    origin: Rows
    x: NDArray[np.float32]
    y: Array
    future: Array
    anchor: Array
    scale: Array
    level: Array
    moves: bool

    @property
    def target(self) -> Array:
        """The whole scaled target, shape (T,)."""
        return self.inputs.target

    def part(self, chosen: slice | NDArray[Any]) -> "Blocks":
        """Some of the blocks, by their places or by a mask."""
        names = ("origin", "x", "y", "future", "anchor", "scale", "level")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})

    def labels_apart(self, origin: Rows) -> "Blocks":
        """Their labels as blocks of one label each, in the units that they have, without `x`.

        Args:
            origin: Of each label, shape (N * S,).
        """
        names = ("y", "future", "anchor", "scale", "level")
        apart = {name: getattr(self, name).reshape(len(origin), 1, *getattr(self, name).shape[2:]) for name in names}
        return replace(self, origin=origin, x=np.empty((len(origin), 0, 0), np.float32), **apart)

    def normalise(self, points: Array) -> Array:
        """Scaled points (N, H) as normalised moves from the first origin of each block."""
        return self.normalise_moves(points - self.anchor[:, 0])

    def normalise_moves(self, moves: Array) -> Array:
        """Moves of scaled points (N, H, ...) from the anchor of each block, normalised."""
        more = (1,) * (moves.ndim - 2)
        scale, level = self.scale[:, 0], self.level[:, 0]
        return _in_units(moves, scale.reshape(*scale.shape, *more), level.reshape(*level.shape, *more))

    def denormalise(self, moves: Array) -> Array:
        """What normalised moves (N, H, ...) from the first origin of each block add to its anchor, scaled."""
        more = (1,) * (moves.ndim - 2)
        scale = self.scale[:, 0].reshape(*moves.shape[:2], *more)
        level = self.level[:, 0].reshape(-1, 1, *more)
        if not np.isfinite(level).any():
            return np.asarray(moves * scale)
        return absolute(np.where(np.isfinite(level), moves * scale / level, moves * scale), level)


def origins(first: int, stop: int, *, horizon: int, labels: int = 1) -> Rows:
    """Origins at or after `first` whose `labels` labels lie wholly before row `stop`."""
    return np.arange(first, stop - horizon - labels + 1)


def spaced(first: int, stop: int, stride: int, *, last: int) -> Rows:
    """Origins from `first` up to `stop` that are whole strides away from `last`."""
    return np.arange(first + (last - first) % stride, stop, stride)


def thinned(origin: Rows, most: int) -> Rows:
    """At most so many of some origins, at even distances."""
    return origin[:: max(1, -(-len(origin) // most))]


def outcomes(values: Array, origin: Rows, *, horizon: int) -> Array:
    """The `horizon` rows after each origin, shape (*origin.shape, H, ...); NaN past the last row of `values`."""
    rows = origin[..., None] + np.arange(1, horizon + 1)
    found = values[np.minimum(rows, len(values) - 1)]
    found[rows >= len(values)] = np.nan
    return np.asarray(found)


def make_blocks(
    inputs: Inputs,
    origin: Rows,
    *,
    lookback: int,
    horizon: int,
    labels: int = 1,
    normalisation: Normalisation = "window",
    stop: Rows | None = None,
) -> Blocks:
    """Blocks of `labels` labels that start at the given origins.

    Args:
        origin: Shape (N,), from `lookback` on. Where x would need rows that are not there, it holds the last one.
        stop: The first row whose label must not be seen, a block, shape (N,); the end of the series by default.
    """
    every = origin[:, None] + np.arange(labels)
    rows = np.minimum(origin[:, None] + np.arange(-lookback, labels), len(inputs.past) - 1)  # (N, L+S)
    window = inputs.past[rows]  # (N, L+S, F)
    now = np.minimum(every, len(inputs.past) - 1)
    coming = outcomes(inputs.labels, now, horizon=horizon)  # (N, S, H)
    coming[~inputs.known[now]] = np.nan
    if stop is not None:
        coming[every[:, :, None] + np.arange(1, horizon + 1) >= stop[:, None, None]] = np.nan
    if normalisation == "level":
        x = window[:, 1:]
        anchor, scale = np.zeros((len(origin), labels, 1)), np.ones((len(origin), labels, horizon))
        level = np.full_like(anchor, np.nan)
    else:
        differences = np.diff(window, axis=1)
        x, spread = _normalise(differences, lookback, inputs.known[rows])
        log_steps = inputs.log_steps if inputs.log_steps.shape[1] else inputs.log_scale[:, :1]
        joint = log_steps.shape[1]
        step = _where_known(np.exp(log_steps[rows[:, :-1]]), spread[:, None, :joint])
        x[:, :, :joint] = np.clip(differences[:, :, :joint] / step, -lookback, lookback)
        anchor, own = inputs.target[now][:, :, None], spread[:, None, [0]] * np.sqrt(np.arange(1, horizon + 1))
        scale = _where_known(expected_moves(inputs.log_scale[now], horizon=horizon), own)
        level = np.where(np.isfinite(inputs.log_scale[now, :1]), inputs.level[now][:, :, None], np.nan)
    y = _in_units(coming - anchor, scale, level)
    x, future_moves = _with_future(x, inputs.future, rows[:, 1:] + 1, now, scale)
    return Blocks(
        inputs=inputs,
        origin=origin,
        x=np.ascontiguousarray(x, dtype=np.float32),
        y=y,
        future=future_moves,
        anchor=anchor,
        scale=scale,
        level=level,
        moves=normalisation == "window",
    )


def _with_future(x: Array, columns: Array, following: Rows, now: Rows, scale: Array) -> tuple[Array, Array]:
    """Add the future columns to x, as levels of the following rows; give their moves in the units of y."""
    horizon = scale.shape[2]
    if not columns.shape[1]:
        return x, np.zeros((*now.shape, horizon, 0))
    levels = columns[np.minimum(following, len(columns) - 1)] - 0.5
    moves = outcomes(columns, now, horizon=horizon) - columns[now][:, :, None]
    return np.concatenate([x, levels], axis=2), moves / scale[..., None]


def _normalise(differences: Array, lookback: int, known: Flags) -> tuple[Array, Array]:
    """Differences (N, L+S-1, F) over the mean absolute one of the first L, and that mean (N, F).

    No difference among the first L can exceed L times their mean, so later ones are cut there as well.

    Args:
        known: Whether the target is known at the rows between which differences are taken, shape (N, L+S).
    """
    sizes = np.abs(differences[:, :lookback])
    spread = sizes.mean(axis=1)
    if not known.all():
        spread[:, 0] = _known_spread(sizes[:, :, 0], known[:, 1 : lookback + 1] & known[:, :lookback])
    spread = np.where(spread > 0, spread, FLAT)
    return np.clip(differences / spread[:, None], -lookback, lookback), spread


def _known_spread(sizes: Array, known: Flags) -> Array:
    """The mean size of the differences (N, L) between known values; of all where those are few."""
    count = known.sum(axis=1)
    total = np.where(known, sizes, 0).sum(axis=1)
    enough = count >= ENOUGH_KNOWN * sizes.shape[1]
    return np.asarray(np.where(enough, total / np.maximum(count, 1), sizes.mean(axis=1)))


def filled_labels(blocks: Blocks) -> Array:
    """The labels (N, S, H), missing ones as the filled target has them, for models that need all of them."""
    if not np.isnan(blocks.y).any():
        return blocks.y
    every = np.minimum(blocks.origin[:, None] + np.arange(blocks.y.shape[1]), len(blocks.target) - 1)
    coming = outcomes(blocks.target, every, horizon=blocks.y.shape[2])
    return np.where(
        np.isnan(blocks.y), np.nan_to_num(_in_units(coming - blocks.anchor, blocks.scale, blocks.level)), blocks.y
    )


def _in_units(moves: Array, scale: Array, level: Array) -> Array:
    return np.asarray(relative(moves, level) / scale)


def _where_known(values: Array, otherwise: Array) -> Array:
    return np.where(np.isfinite(values), values, otherwise)


def past_moves(blocks: Blocks) -> Array:
    """The moves over the H rows up to the first origin of each block, shape (N,), in the units of step H's label.

    NaN where the series does not reach back so far, or the row there is missing.
    """
    before = blocks.origin - blocks.y.shape[2]
    moves = (blocks.anchor[:, 0, 0] - blocks.inputs.labels[np.maximum(before, 0)]) / blocks.scale[:, 0, -1]
    return np.where(before >= 0, moves, np.nan)
