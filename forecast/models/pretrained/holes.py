"""What is looked at of a series with missing rows: neither a flat line in a hole nor seasons that are out of step.

Whole seasons of a hole are cut out, so that the rows behind it are as far into their season as before; the rest of it,
less than the longest season, stays as it is bridged (`data/fill.py`). Without a season all missing rows are cut out:
what is bridged moves less than the series, or as it did before, and would pass for easy to forecast.
"""

from dataclasses import dataclass

import numpy as np

from forecast.data.inputs import Inputs
from forecast.typing import Array, Flags, Rows


@dataclass(frozen=True, eq=False)
class Track:
    """The rows of a series that windows are taken from.

    Attributes:
        level: As those of `Inputs`, shape (K,); NaN from the first row on that is not above 0.
        target: As that of `Inputs`, shape (K,).
        origin: The place of each origin among them, shape (N,).
    """

    level: Array
    target: Array
    origin: Rows

    def windows(self, chosen: Rows, length: int, *, positive: bool) -> Array:
        """The rows up to the chosen origins, shape (n, length): above 0 where they are `positive`, else as scaled.

        Where there are fewer, the first one is repeated.
        """
        rows = np.maximum(self.origin[chosen, None] + np.arange(1 - length, 1), 0)
        return np.asarray((self.level if positive else self.target)[rows], float)


def track_of(inputs: Inputs, origin: Rows, seasons: tuple[int, ...]) -> Track:
    """The rows of a series without its holes.

    Args:
        seasons: Rows in the seasons that were found, shortest first.
    """
    if inputs.known.all():
        return Track(inputs.level, inputs.target, origin)
    kept = kept_rows(inputs.known, max(seasons, default=1))
    place = np.maximum(np.searchsorted(kept, origin, side="right") - 1, 0)
    return Track(inputs.level[kept], inputs.target[kept], place)


def kept_rows(known: Flags, season: int) -> Rows:
    """The rows that are left once whole seasons are cut out of each hole, those at its start, shape (K,).

    A hole that goes on at the end stays as it is.
    """
    since, length = _holes(known)
    return np.flatnonzero(known | (since > length // season * season) | (length < 0))


def _holes(known: Flags) -> tuple[Rows, Rows]:
    """How many rows ago each row of a hole was the last known one, and the length of its hole, both (T,).

    0 and 0 for known rows; a length of -1 where no known row follows.
    """
    rows, end = np.arange(len(known)), len(known)
    before = np.maximum.accumulate(np.where(known, rows, -1))
    after = np.minimum.accumulate(np.where(known, rows, end)[::-1])[::-1]
    return rows - before, np.where(after == end, -1, np.where(known, 0, after - before - 1))
