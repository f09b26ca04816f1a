"""The rows before the test rows of one series or many, from which training draws its blocks.

In: the inputs and splits of series. Out: a `Panel`. Blocks are gathered from its rows when they are needed, so memory
grows with the rows, not with rows times lookback.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Self

import numpy as np

from forecast.data.inputs import COLUMNS, Inputs
from forecast.data.split import Split
from forecast.typing import Rows


@dataclass(frozen=True, eq=False)
class Panel:
    """The rows before the test rows of one series or many, one series behind the other.

    Attributes:
        inputs: Of all series together, shape (R, F) and (R, K).
        start: The first row of each series in them, shape (n,).
        splits: Of each series, in row numbers of its own.
    """

    inputs: Inputs
    start: Rows
    splits: tuple[Split, ...]

    @classmethod
    def of(cls, series: Sequence[Inputs], splits: Sequence[Split]) -> Self:
        """Join series into a panel, each cut at its test rows."""
        rows = np.array([split.test for split in splits])
        parts = [one.until(stop) for one, stop in zip(series, rows, strict=True)]
        columns = ([getattr(part, name) for part in parts] for name in COLUMNS)
        return cls(Inputs(*map(np.concatenate, columns)), np.cumsum(rows) - rows, tuple(splits))

    @cached_property
    def training(self) -> Rows:
        """The number of training rows of each series, shape (n,)."""
        return np.array([split.validation for split in self.splits])

    def __iter__(self) -> Iterator[tuple[Inputs, Split]]:
        """Each series by itself; views, no copies."""
        for start, split in zip(self.start, self.splits, strict=True):
            yield self.inputs.part(start, start + split.test), split

    def draw(
        self, random: np.random.Generator, blocks: int, *, lookback: int, horizon: int, labels: int
    ) -> tuple[Rows, Rows]:
        """Draw the origins of training blocks, and the row at which the labels of each end.

        Each series is as likely as any other, however long it is, and so is each block that its training rows hold; a
        series that is shorter than a block gives its only one, which ends early.
        """
        series = random.integers(len(self.training), size=blocks)
        stop = self.training[series]
        last = np.maximum(stop - horizon - labels, lookback)
        origin = random.integers(lookback, last + 1)
        start = self.start[series]
        return start + origin, start + stop

    def validation_origins(self, *, horizon: int, labels: int, most: int) -> tuple[Rows, Rows]:
        """Origins of blocks side by side that cover the validation rows of every series, at most about `most` of them.

        With the row at which the labels of each end.
        """
        rows = sum(split.test - split.validation for split in self.splits)
        every = max(1, ceil(rows / labels / most))
        found = [
            (start + origin, start + split.test)
            for number, (start, split) in enumerate(zip(self.start, self.splits, strict=True))
            for place, origin in enumerate(range(split.validation - 1, split.test - horizon, labels))
            if (place + number) % every == 0
        ]
        origin, stop = np.array(found, int).reshape(-1, 2).T
        return origin, stop
