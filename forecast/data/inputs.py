"""What a model sees of one series: scaled arrays of its rows, and the expected size of its moves."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from forecast.data.moves import STEP_TERMS, moves_of
from forecast.typing import Array, Flags


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a model sees of one series, scaled, with missing values filled.

    Attributes:
        past: The target, then the features that are known up to the origin, shape (T, F).
        future: The columns that are known ahead, shape (T, K), or (T+H, K) where a forecast of coming rows needs them.
        known: Whether the target is known, and not filled, shape (T,); all of it by default.
        level: The distance of the target from 0, scaled, shape (T,); NaN from the first row on that is not above 0, and
            by default.
        size: Volatility of each row, of the logarithm where it has a level and else scaled: from its range where it has
            one, else the absolute move, shape (T,); NaN by default.
        log_scale: Logarithm of the expected size of the moves from each row, as factors of `step_terms`, shape (T, 3);
            NaN where the scale of a window serves better, and by default.
        log_steps: Logarithm of the expected size of the next move of each of M columns that are forecast together, the
            first ones of `past`, shape (T, M); empty for one target, whose first factor of `log_scale` it is.
    """

    past: Array
    future: Array
    known: Flags = field(default_factory=lambda: np.empty(0, bool))
    level: Array = field(default_factory=lambda: np.empty(0))
    size: Array = field(default_factory=lambda: np.empty(0))
    log_scale: Array = field(default_factory=lambda: np.empty((0, STEP_TERMS)))
    log_steps: Array = field(default_factory=lambda: np.empty((0, 0)))

    def __post_init__(self) -> None:
        rows = len(self.past)
        if not len(self.known):
            object.__setattr__(self, "known", np.ones(rows, bool))
        for name in ("level", "size"):
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.full(rows, np.nan))
        if not len(self.log_scale):
            object.__setattr__(self, "log_scale", np.full((rows, STEP_TERMS), np.nan))
        if not len(self.log_steps):
            object.__setattr__(self, "log_steps", np.empty((rows, 0)))

    def part(self, first: int, stop: int) -> "Inputs":
        """The rows [first, stop); views, no copies."""
        return Inputs(*(getattr(self, name)[first:stop] for name in COLUMNS))

    @property
    def target(self) -> Array:
        """The scaled target, shape (T,)."""
        return self.past[:, 0]

    @cached_property
    def labels(self) -> Array:
        """The scaled target, shape (T,); NaN where missing."""
        return self.target if self.known.all() else np.where(self.known, self.target, np.nan)

    def in_values(self) -> "Inputs":
        """All rows with moves of the values themselves, none of the logarithm."""
        level = np.full(len(self.past), np.nan)
        return replace(self, level=level, size=np.abs(moves_of(self.target, level)))

    def until(self, stop: int) -> "Inputs":
        """The rows before `stop`; a hole that goes on there is filled by what is known before it."""
        past, known = self.past[:stop], self.known[:stop]
        last = stop - 1 - int(np.argmax(known[::-1]))
        if last < stop - 1 and known.any():
            past = past.copy()
            past[last + 1 :, 0] = past[last, 0]
        return replace(self.part(0, stop), past=past)


# The arrays of `Inputs`.
COLUMNS = tuple(Inputs.__dataclass_fields__)
