"""What a configuration leaves to the series: horizon, lookback, season, training steps.

In: a configuration and the series. Out: the configuration with numbers in their place. Seasons are looked for in
training rows alone.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

import numpy as np
import pandas as pd

from forecast.config import ExperimentConfig
from forecast.data.grid import TimeGrid
from forecast.data.seasons import candidate_seasons, find_seasons
from forecast.data.series import TimeSeries
from forecast.typing import Array

# Steps ahead, by the unit of the frequency.
HORIZONS = {"s": 30, "min": 30, "h": 48, "B": 30, "D": 28, "W": 13, "MS": 12, "QS": 8, "YS": 5}
# Where the frequency is none of these, or steps are only counted.
USUAL_HORIZON = 12
# Units of which so many steps are forecast, however long each is.
SHORT_UNITS = ("s", "min")
# A horizon takes no more than this part of the rows: validation, a tenth of them, holds it then.
HORIZON_PART = 12
# A session that is nearly over is no horizon.
LEAST_LEFT = 10
# Lookbacks, by the unit of the frequency: two weeks of hours, two or three years of weeks to quarters; else 64 rows.
LOOKBACKS = {"h": 336, "min": 336, "W": 104, "MS": 36, "QS": 16, "YS": 8}
USUAL_LOOKBACK = 64
# The largest default lookback, as a share of the rows.
MAX_LOOKBACK_SHARE = 0.15
# Training steps for one series; for many they grow with the root of their number, up to the most.
STEPS, MOST_STEPS = 100, 1000


def resolve_defaults(config: ExperimentConfig, several: Sequence[TimeSeries]) -> ExperimentConfig:
    """The configuration with horizon, lookback, season and steps, where it leaves them to the series."""
    if config.horizon and config.lookback and config.season and config.training.max_steps:
        return config
    first, rows = several[0], int(np.median([len(series) for series in several]))
    steps = config.training.max_steps or min(MOST_STEPS, round(STEPS * sqrt(len(several))))
    horizon = config.horizon or default_horizon(first.grid, rows, first.index[-1])
    training = first.y[: training_rows(len(first), config)]
    seasons = (config.season,) if config.season else find_seasons(training, first.grid)
    return replace(
        config,
        horizon=horizon,
        lookback=config.lookback or default_lookback(first.grid, rows),
        season=config.season or main_season(training, first.grid, seasons, horizon=horizon),
        seasons=seasons,
        training=replace(config.training, max_steps=steps),
    )


def training_rows(rows: int, config: ExperimentConfig) -> int:
    """The number of training rows of a series of so many rows."""
    return int(rows * config.train_share + 1e-9)


def main_season(y: Array, grid: TimeGrid, seasons: tuple[int, ...], *, horizon: int) -> int:
    """The season that repeats best; where none was found the shortest of the grid, or 1.

    Args:
        y: The training rows, which must hold a season and, behind it, the horizon.
    """
    held = [season for season in seasons or candidate_seasons(grid) if season + horizon <= len(y)]
    if not seasons:
        return min(held, default=1)
    errors = {season: np.nanmean(np.abs(y[season:] - y[:-season])) for season in held}
    return min(held, key=lambda season: errors[season], default=1)


def default_lookback(grid: TimeGrid, rows: int) -> int:
    """Rows that a network sees before an origin."""
    return max(2, min(LOOKBACKS.get(_unit(grid), USUAL_LOOKBACK), int(MAX_LOOKBACK_SHARE * rows)))


def default_horizon(grid: TimeGrid, rows: int, last: pd.Timestamp | int | None = None) -> int:
    """Steps ahead: 30 of seconds, minutes to the end of the session or 30, 48 hours, 30 business days and so on.

    Args:
        rows: Rows of the series; a short one has a short horizon.
        last: The last row, which says how much of its session is left.
    """
    return max(1, min(_usual_horizon(grid, last), rows // HORIZON_PART))


def _usual_horizon(grid: TimeGrid, last: pd.Timestamp | int | None) -> int:
    if grid.unit == "min" and grid.windows and isinstance(last, pd.Timestamp):
        left = int((grid.expected(last, last.normalize() + pd.Timedelta(days=1)) > last).sum())
        if left >= LEAST_LEFT:
            return left
    unit = _unit(grid)
    usual = HORIZONS.get(unit, USUAL_HORIZON)
    return max(1, usual // grid.count) if unit in HORIZONS and unit not in SHORT_UNITS else usual


def _unit(grid: TimeGrid) -> str:
    """The unit of the frequency; month ends, and the last weekdays of months, as month starts."""
    return f"{grid.unit.removeprefix('B')[0]}S" if grid.kind == "months" else grid.unit
