"""Rows placed on the time grid of their series: which are left out, and where missing ones go.

In: the dates of a series. Out: a `Placement`, the same for all series with the same dates.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from forecast.data.calendar.frequency import Index, is_counted
from forecast.data.grid import TimeGrid
from forecast.data.infer_grid import first_row, infer_count_grid, infer_grid
from forecast.typing import Array, Rows


@dataclass(frozen=True, eq=False)
class Placement:
    """Where the rows of a series lie on its grid.

    Attributes:
        index: All rows that are due, with those that came at other times, shape (T,).
        first: Rows before this one were left out: they are of a coarser or finer grid.
        rows: The places of the others in `index`, shape (T - missing,).
    """

    grid: TimeGrid
    index: Index
    first: int
    rows: Rows

    @property
    def missing(self) -> Index:
        """The rows that are due and lacking."""
        absent = np.ones(len(self.index), bool)
        absent[self.rows] = False
        return self.index[absent]

    @property
    def longest_hole(self) -> int:
        """The most missing rows that follow one another."""
        return int(np.diff(self.rows).max(initial=1)) - 1

    def spread(self, values: Array) -> Array:
        """Values (R, F) of the rows of the series -> (T, F), NaN where a row is missing."""
        if len(self.rows) == len(self.index):
            return values[self.first :]
        placed = np.full((len(self.index), values.shape[1]), np.nan)
        placed[self.rows] = values[self.first :]
        return placed


def place_rows(index: Index, exchange: str = "", frequency: str = "") -> Placement:
    """Find the grid of rows, and their places on it.

    Args:
        index: Dates or counts, shape (R,), strictly increasing.
        exchange: The calendar whose sessions they follow; by default it is inferred.
        frequency: One step as a pandas offset alias; by default it is inferred.
    """
    if is_counted(index):
        return _place_counts(index.to_numpy().astype(np.int64).tobytes())
    return _place(index.to_numpy().astype("M8[us]").tobytes(), exchange, frequency)


@lru_cache(maxsize=16)
def _place(stamps: bytes, exchange: str, frequency: str) -> Placement:
    """Place rows at microseconds, passed as bytes so that series with the same dates share the result."""
    index = pd.DatetimeIndex(np.frombuffer(stamps, "M8[us]").copy())
    grid = infer_grid(index, exchange, frequency)
    first = first_row(grid, index) if grid.is_regular else 0
    complete = grid.complete(index[first:])
    return Placement(grid, complete, first, np.searchsorted(complete, index[first:]))


@lru_cache(maxsize=16)
def _place_counts(counts: bytes) -> Placement:
    index = pd.Index(np.frombuffer(counts, np.int64).copy())
    grid = infer_count_grid(index)
    complete = grid.complete(index)
    return Placement(grid, complete, 0, np.searchsorted(complete, index))
