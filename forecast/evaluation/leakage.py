"""The leak audit: does a forecast change when only later rows change?

    rows       0 ............ cutoff ............ cut ............ T
    forecasts               [ must not change    ]
    changed                                          [ garbled, shifted, permuted, mirrored ]

A forecaster is trained on the rows before `cutoff` and forecasts from each row from `cutoff - 1` on. The rows after the
cut are changed in several ways. If a forecast made before them changes too, it used rows that were not known then, and
how it changes tells what went wrong.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config import RECIPES, ExperimentConfig
from forecast.data.dataset import prepare
from forecast.data.series import TimeSeries
from forecast.data.sources import Source, load_for, split_keywords
from forecast.errors import ConfigError, ModelError
from forecast.training.train import train
from forecast.typing import Array

# Takes a table of all rows and the first row that it must not be trained on; returns the forecasts made at each row
# from the one before it on, shape (N, ...), oldest first.
Forecaster = Callable[[pd.DataFrame, int], Array]

# The size of garbled rows in standard deviations of the table, that of a nudge relative to its row, and the number of
# tables with garbled rows.
GARBLE, NUDGE, GARBLES = 10.0, 1e-6, 3


@dataclass(frozen=True)
class Leak:
    """A mistake by which a forecaster uses later rows."""

    name: str
    meaning: str


TARGET = Leak("target in the features", "each forecast reads rows that come after it was made")
SCALER = Leak("scaler on all rows", "the size of later values matters, not their order, as they were used to scale")
CHOICE = Leak("early stopping on the test rows", "later rows decide which weights, epoch or hyperparameters are kept")
SHUFFLED = Leak("shuffled split", "the model was trained on later rows")


@dataclass(frozen=True)
class Audit:
    """The result of an audit.

    Attributes:
        changed: The number of forecasts that changed, by treatment of the later rows.
        forecasts: The number of forecasts made before them.
        leak: The first leak that was found; None if nothing changed.
    """

    changed: Mapping[str, int]
    forecasts: int
    leak: Leak | None

    @property
    def sentence(self) -> str:
        """The result in words."""
        if self.leak is None:
            return f"No leak was found: none of {self.forecasts} forecasts changed with rows that came after them."
        worst = max(self.changed.values())
        return (
            f"Leak: {self.leak.name}. {worst} of {self.forecasts} forecasts changed with rows that came after them: "
            f"{self.leak.meaning}."
        )


def audit(forecaster: Forecaster, table: pd.DataFrame, *, cutoff: int, seed: int = 0) -> Audit:
    """Change rows after a cut in the test rows, and check whether forecasts made before it change.

    Args:
        forecaster: Called as `forecaster(table, cutoff)`; is trained on the rows before `cutoff` and returns the
            forecasts made at each row from `cutoff - 1` on, shape (N, ...). Fix its seeds.
        table: One row a point in time, columns of numbers.
    Raises:
        ConfigError: fewer than eight test rows, or not one forecast a row.
        ModelError: two runs on the same rows differ, so that a change means nothing.
    """
    rows = len(table)
    if not 0 < cutoff <= rows - 8:
        raise ConfigError(f"`cutoff` must leave 8 test rows or more. Received: cutoff={cutoff}, {rows} rows.")
    random, cut = np.random.default_rng(seed), cutoff + (rows - cutoff) // 2

    def made(changed: pd.DataFrame) -> Array:
        """The forecasts made before the cut."""
        found = np.asarray(forecaster(changed.copy(), cutoff), float)
        if len(found) < cut - cutoff + 1:
            raise ConfigError(
                f"a forecaster must give a forecast for each row from cutoff - 1 to the last. Received: {len(found)} "
                f"for {rows - cutoff + 1} rows."
            )
        return found[: cut - cutoff + 1]

    before = made(table)
    if _differing(before, made(table)).any():
        raise ModelError("two runs on the same rows gave different forecasts. Fix the forecaster's seeds.")
    garbled = [_with(table, cut, _garbled(table, cut, random)) for _ in range(GARBLES)]
    later = table.to_numpy(float)[cut:]
    treated = {f"garbled {number}": one for number, one in enumerate(garbled, start=1)}
    treated["shifted"] = _with(table, cut, np.roll(later, 1, axis=0))
    treated["permuted"] = _with(table, cut, random.permutation(later))
    treated["mirrored"] = _with(table, cut, 2 * later[0] - later)
    after = {name: made(one) for name, one in treated.items()}
    differing = {name: _differing(before, one) for name, one in after.items()}
    found = None
    if any(one.any() for one in differing.values()):
        found = _name(differing, after["garbled 1"], garbled[0], cut, random, made)
    return Audit({name: int(one.sum()) for name, one in differing.items()}, len(before), found)


def audit_model(
    source: Source, model: str = "lstm", config: ExperimentConfig | None = None, *, seed: int = 0, **options: Any
) -> Audit:
    """Audit a model of the registry on the split of a single run, with scaler, training, shrinkage and calibration.

    Args:
        source: Anything that `load` takes.
        options: Fields of the configuration, and options of `load`.
    Raises:
        ForecastError: what is wrong with the series or an option.
    """
    config, loading, _ = split_keywords(config or RECIPES["blocks"], options)
    dataset = prepare(load_for(source, config, **loading), config)
    series, config, cutoff = dataset.series, dataset.config, dataset.split.test

    def forecaster(table: pd.DataFrame, cutoff: int) -> Array:
        columns = tuple(map(str, table.columns))
        changed = TimeSeries(series.name, series.index, table.to_numpy(float), columns, series.target, grid=series.grid)
        return train(changed, model, config, cutoff=cutoff).backtest(changed, first=cutoff - 1).quantiles

    return audit(forecaster, pd.DataFrame(series.values, columns=list(series.columns)), cutoff=cutoff, seed=seed)


def _name(
    differing: Mapping[str, NDArray[np.bool_]],
    reaction: Array,
    garbled: pd.DataFrame,
    cut: int,
    random: np.random.Generator,
    made: Callable[[pd.DataFrame], Array],
) -> Leak:
    """Name the leak by how forecasts react when the garbled rows are nudged, and when their order changes."""
    first_ones = max(1, len(reaction) // 4)
    if not any(one[:first_ones].any() for one in differing.values()):
        return TARGET  # forecasts made long before the cut did not change
    later = garbled.to_numpy(float)[cut:]
    nudged = later * (1 + NUDGE * random.standard_normal(later.shape))
    if not _differing(reaction, made(_with(garbled, cut, nudged))).any():
        return CHOICE
    if not _differing(reaction, made(_with(garbled, cut, random.permutation(later)))).any():
        return SCALER
    return SHUFFLED


def _garbled(table: pd.DataFrame, cut: int, random: np.random.Generator) -> Array:
    """Noise around the mean of all rows, of many times their standard deviation."""
    values = table.to_numpy(float)
    spread = np.nanstd(values, axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    return np.asarray(np.nanmean(values, axis=0) + GARBLE * spread * random.standard_normal(values[cut:].shape))


def _with(table: pd.DataFrame, cut: int, later: Array) -> pd.DataFrame:
    """The table with other rows from row `cut` on."""
    values = table.to_numpy(float).copy()
    values[cut:] = later
    return pd.DataFrame(values, index=table.index, columns=table.columns)


def _differing(one: Array, other: Array) -> NDArray[np.bool_]:
    """Which of N forecasts differ in any number; NaN equals NaN."""
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    return np.asarray(~same.reshape(len(same), -1).all(axis=1))
