"""What the network sees of a window: its last rows, what it is like, and the candidates with their earlier errors.

All is over the window's unit, the mean size of its differences, and around its last value, so that level and scale do
not matter. Shapes: N windows of n rows, B rows of them for the recurrent cells, H steps, C candidates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from forecast.models.pretrained.candidates import (
    NAMES,
    TEST_PART,
    TEST_STEPS,
    candidates,
    detrended,
    earlier_errors,
    pattern,
)
from forecast.typing import Array

# Rows that the recurrent cells read, and columns of each; columns that describe a window, and a step.
ROWS, COLUMNS, ABOUT, STEP_COLUMNS = 96, 5, 18, 10
# Those of a step that tell of its place in the season.
PLACES = 3
# Rows of the differences whose mean size is the unit.
UNIT_ROWS = 256
# Rows over which moves are compared with those of a walk (Lo and MacKinlay 1988).
WALKED = (8, 32)
# Logarithms are cut here.
LARGEST = 8.0
# A candidate further from the median one than so many errors of the best ones is brought there.
FARTHEST = 25.0
# Columns of `Seen.about`.
WIDTH = ABOUT + 2 * len(NAMES)
TINY = 1e-12
# Seasons of which the size of what a pattern leaves is the mean, and as many of the usual size added to them.
PLACE_CYCLES, PLACE_PRIOR = 12, 3


@dataclass(frozen=True, eq=False)
class Seen:
    """What the network sees of N windows.

    Attributes:
        rows: Shape (N, B, COLUMNS).
        about: What each window is like, and the errors of the candidates, shape (N, ABOUT + 2 C).
        steps: How far each step is, and how much its place in the season differs, shape (N, H, STEP_COLUMNS).
        mixed: The candidates in units from the last value, shape (N, H, C).
        spread: Logarithm of the error of the best candidates, in units, shape (N,).
        unit: Mean size of the differences, shape (N,).
    """

    rows: Array
    about: Array
    steps: Array
    mixed: Array
    spread: Array
    unit: Array

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several groups of windows as one."""
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in vars(parts[0])))


def look(x: Array, seasons: tuple[int, ...], horizon: int, *, positive: bool) -> Seen:
    """Describe windows (N, n) with their seasons, shortest first."""
    seasons = tuple(season for season in seasons if season > 1)[:2]
    unit = np.abs(np.diff(x[:, -UNIT_ROWS:], axis=1)).mean(axis=1)
    unit = np.maximum(unit, 1e-4 * np.ptp(x, axis=1) + TINY * np.maximum(1, np.abs(x[:, -1])))
    scaled = (x - x[:, [-1]]) / unit[:, None]
    moves = candidates(x, seasons, horizon, positive=positive) - x[:, [-1], None]
    mixed = moves / unit[:, None, None]
    errors = [np.log(one / unit[:, None] + 1e-3) for one in earlier_errors(x, seasons, positive=positive)]
    spread = np.sort(errors[0], axis=1)[:, :3].mean(axis=1)
    middle, reach = np.median(mixed, axis=2, keepdims=True), FARTHEST * np.exp(spread)[:, None, None]
    mixed = np.clip(mixed, middle - reach, middle + reach)
    relative = [one - one.min(axis=1, keepdims=True) for one in errors]
    about = np.concatenate(
        [_about(x, scaled, seasons, positive), spread[:, None], errors[1].min(axis=1)[:, None], *relative], axis=1
    )
    far = np.broadcast_to(_steps(horizon, seasons, x.shape[1]), (len(x), horizon, STEP_COLUMNS - PLACES))
    steps = np.concatenate([far, _places(scaled, seasons, horizon, spread)], axis=2)
    return Seen(_rows(scaled, seasons), np.clip(about, -LARGEST, LARGEST), steps, mixed, spread, unit)


def _rows(scaled: Array, seasons: tuple[int, ...]) -> Array:
    """The last rows as they are and without their season, and their differences over a row and a season, (N, B, 5)."""
    season, rows = seasons[0] if seasons else 1, scaled.shape[1]
    found = pattern(scaled, season, 0.85)
    without = scaled - found[:, np.arange(-rows, 0) % found.shape[1]]
    before = np.concatenate([np.repeat(scaled[:, :1], min(season, rows), axis=1), scaled[:, :-season]], axis=1)[
        :, :rows
    ]
    differences = np.diff(scaled, axis=1, prepend=scaled[:, :1])
    columns = [scaled, without - without[:, [-1]], differences, scaled - before, np.ones_like(scaled)]
    made = np.stack([np.arcsinh(column[:, -ROWS:]) for column in columns], axis=2)
    return np.pad(made, ((0, 0), (max(0, ROWS - rows), 0), (0, 0)))


def _about(x: Array, scaled: Array, seasons: tuple[int, ...], positive: bool) -> Array:
    """What each window is like, shape (N, ABOUT - 2)."""
    count, rows = x.shape
    moves = np.diff(scaled[:, -UNIT_ROWS:], axis=1)
    centred = moves - moves.mean(axis=1, keepdims=True)
    squares = centred * centred
    power = squares.mean(axis=1) + TINY
    spread = scaled.std(axis=1) + TINY
    short = pattern(scaled, seasons[0], 0.85) if seasons else np.zeros((count, 1))
    fixed = [np.log(rows) / 4 - 1, np.log(seasons[0]) / 4 if seasons else 0.0]
    fixed += [np.log(seasons[-1]) / 4 if len(seasons) > 1 else 0.0, float(positive)]
    columns = [
        np.log(spread),
        np.log(moves.std(axis=1) + TINY),
        (centred[:, 1:] * centred[:, :-1]).mean(axis=1) / power,
        np.log((squares * squares).mean(axis=1) / power**2 + TINY) / 3,
        (squares * centred).mean(axis=1) / power**1.5 / 4,
        (np.abs(moves) < TINY).mean(axis=1),
        (x == 0).mean(axis=1),
        short.std(axis=1) / spread,
        np.arcsinh(x.mean(axis=1) / (x.std(axis=1) + TINY)),
        (scaled[:, -1] - scaled.mean(axis=1)) / spread,
        *(_variance_ratio(scaled, min(steps, rows // 4)) for steps in WALKED),
    ]
    return np.column_stack([np.tile(fixed, (count, 1)), *columns])


def _variance_ratio(scaled: Array, steps: int) -> Array:
    """The logarithm of the variance of moves over some rows over that of a walk with the same moves, shape (N,)."""
    one, several = np.diff(scaled, axis=1).var(axis=1), (scaled[:, steps:] - scaled[:, :-steps]).var(axis=1)
    return np.asarray(np.log((several + TINY) / (steps * one + TINY)))


def _steps(horizon: int, seasons: tuple[int, ...], rows: int) -> Array:
    """Columns of each step: how far it is, in rows, in tested steps and in seasons, shape (H, 7)."""
    steps = np.minimum(np.arange(1.0, horizon + 1), TEST_STEPS)
    tested = np.clip(rows // TEST_PART, 1, TEST_STEPS)
    season = seasons[0] if seasons else 1
    return np.stack(
        [
            np.log(steps) / 2,
            steps / TEST_STEPS,
            np.log(steps / tested) / 2,
            np.minimum(steps / season, 4) / 2,
            np.sqrt(steps) / 8,
            np.exp(-steps / 3),
            np.full(horizon, float(bool(seasons))),
        ],
        axis=1,
    )


def _places(scaled: Array, seasons: tuple[int, ...], horizon: int, spread: Array) -> Array:
    """How far rows at each step's place in the season were from its pattern, shape (N, H, PLACES).

    Mean absolute deviations over those of all places, and over the error of the best candidates, as logarithms, and
    the skewness. 0 where the window holds less than three seasons.
    """
    season = seasons[0] if seasons else 1
    cycles = min(scaled.shape[1] // season, PLACE_CYCLES)
    if season < 2 or cycles < 3:
        return np.zeros((len(scaled), horizon, PLACES))
    left = detrended(scaled, season, cycles)
    left -= left.mean(axis=1, keepdims=True)
    size = np.abs(left).mean(axis=1)
    usual = size.mean(axis=1, keepdims=True) + TINY
    size = (cycles * size + PLACE_PRIOR * usual) / (cycles + PLACE_PRIOR)
    skewness = np.cbrt((left * left * left).mean(axis=1)) / size
    made = np.stack([np.log(size / usual), np.log(size + 1e-3) - spread[:, None], skewness], axis=2)
    return np.asarray(np.clip(made, -4, 4)[:, np.arange(horizon) % season])
