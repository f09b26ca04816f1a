"""The steady trend of a window: taken out before the network looks, and put back into what it forecasts.

The network learned of trends among noise and of walks that drift; rows that rise by nearly the same each time it would
forecast flat. A trend is steady where the mean move is many times its standard error. That is measured by moves over
several rows, so that neither the drift of a walk nor a slope that changes counts: a walk's has nearly never more than
six. Values have a trend by the row, logarithms one by factors; the steadier of both counts.

Source: the standard error of the mean of dependent values, by sums of several (Newey and West 1987); moves over several
rows that overlap (Lo and MacKinlay 1988).

Shapes: N windows of n rows, H steps, Q quantiles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from forecast.typing import Array

# Moves are taken over this part of the rows, in whole seasons where one is no longer than the other part.
PART, SEASON_PART = 5, 3
# Standard errors of the mean move from which on a trend is partly, and wholly, taken out.
BEGIN, WHOLE = 10.0, 20.0
# An error below this share of the values is one of rounding.
SMALLEST = 1e-12


@dataclass(frozen=True, eq=False)
class Trend:
    """The steady trends of N windows, by the row or by factors. They go on for as many rows as they were seen.

    Attributes:
        rows: Rows of the window, shape (N,).
        last: The last row, shape (N,).
        by_row: What each row adds, shape (N,).
        by_factor: What each row adds to the logarithm, shape (N,).
    """

    rows: Array
    last: Array
    by_row: Array
    by_factor: Array

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several groups of windows as one."""
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in vars(parts[0])))

    def remove(self, x: Array) -> Array:
        """Rows without their trend, all as if of the time of the last, shape (N, n)."""
        ago = _ago(x)
        return np.asarray(x * np.exp(self.by_factor[:, None] * ago) + self.by_row[:, None] * ago)

    def add(self, moves: Array) -> Array:
        """Quantiles of moves from the last row with the trend, shape (N, H, Q)."""
        row, factor = (part[..., None] for part in self._coming(moves.shape[1]))
        return np.asarray(moves + (self.last[:, None, None] + moves) * np.expm1(factor) + row)

    def subtract(self, moves: Array) -> Array:
        """Moves from the last row without the trend, shape (N, H)."""
        row, factor = self._coming(moves.shape[1])
        return np.asarray(moves - row + (self.last[:, None] + moves - row) * np.expm1(-factor))

    def _coming(self, horizon: int) -> tuple[Array, Array]:
        """What the trends add to the coming values, and to their logarithms, both (N, H)."""
        steps = np.minimum(np.arange(1.0, horizon + 1), self.rows[:, None])
        return self.by_row[:, None] * steps, self.by_factor[:, None] * steps


def trend_of(x: Array, seasons: tuple[int, ...], horizon: int, *, positive: bool) -> Trend:
    """The steady trends of windows (N, n); 0 where there is none.

    Args:
        seasons: Rows in up to two seasons, shortest first.
        positive: Whether all rows are above 0, and are to stay so.
    """
    rows, none = np.full(len(x), float(x.shape[1])), np.zeros(len(x))
    by_row, steady = _mean_move(x, seasons)
    if not positive:
        return Trend(rows, x[:, -1], by_row, none)
    by_factor, steadier = _mean_move(np.log(x), seasons)
    lowest = np.minimum((x + by_row[:, None] * _ago(x)).min(axis=1), x[:, -1] + by_row * horizon)
    lines = (steady >= steadier) & (lowest > 0)
    return Trend(rows, x[:, -1], np.where(lines, by_row, none), np.where(lines, none, by_factor))


def _mean_move(x: Array, seasons: tuple[int, ...]) -> tuple[Array, Array]:
    """The mean move from row to row as far as it is steady, and its size in standard errors, both (N,)."""
    rows = x.shape[1]
    steps = max(1, rows // PART)
    if seasons and seasons[0] <= rows // SEASON_PART:
        steps = max(1, steps // seasons[0]) * seasons[0]
    moves = x[:, steps:] - x[:, :-steps]
    mean, share = moves.mean(axis=1), steps / rows
    error = np.sqrt(moves.var(axis=1) * share / (1 - share)) + SMALLEST * (1 + np.abs(x[:, -1]))
    steady = np.abs(mean) / error
    return mean / steps * np.clip((steady - BEGIN) / (WHOLE - BEGIN), 0, 1), steady


def _ago(x: Array) -> Array:
    """How many rows before the last each one is, shape (n,)."""
    return np.arange(x.shape[1] - 1, -1, -1.0)
