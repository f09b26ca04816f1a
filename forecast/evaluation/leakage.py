"""The leak audit: does a forecast change when only rows change that it must not know?

    rows       0 ............ cutoff ............ cut ............ T
    forecasts               [ must not change    ]
    changed                                          [ garbled, shifted, permuted, mirrored ]

A forecaster learns from the rows before `cutoff` and forecasts from each row from `cutoff - 1` on. What comes after the
cut is changed in several ways; whatever a forecast made up to the cut does then, it did with rows that it cannot have
known. How it reacts tells what went wrong.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config import RECIPES, ExperimentConfig
from forecast.data.dataset import prepare
from forecast.data.series import TimeSeries
from forecast.errors import ConfigError, ModelError
from forecast.training.train import train
from forecast.typing import Array

# Takes a table of all rows and the first row that must not be learned from; gives the forecasts made at each row from
# the one before it on, shape (N, ...), oldest first.
Forecaster = Callable[[pd.DataFrame, int], Array]

# How large the garbled rows are, and how small a nudge is, in the table's own spread.
GARBLE, NUDGE = 10.0, 1e-6
GARBLES = 3


@dataclass(frozen=True)
class Leak:
    """What a forecaster did with rows that it cannot have known."""

    name: str
    meaning: str


TARGET = Leak("target in the features", "each forecast reads rows that come after it was made")
SCALER = Leak("scaler on all rows", "the size of later values matters, not their order: they were used to scale")
CHOICE = Leak("early stopping on the test rows", "later rows decide which weights, epoch or settings are taken")
SHUFFLED = Leak("shuffled split", "later rows were learned from")


@dataclass(frozen=True)
class Audit:
    """What came of an audit.

    Attributes:
        changed: By treatment of the later rows, how many forecasts made before them changed.
        forecasts: How many there are.
        leak: The first that was found; None if nothing changed.
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
    """Changes rows after a cut in the test rows and looks whether forecasts made before it change.

    Args:
        forecaster: Called as `forecaster(table, cutoff)`; learns from the rows before `cutoff`, gives the forecasts
            made at each row from `cutoff - 1` on, shape (N, ...). Fix its seeds.
        table: One row a point in time, columns of numbers.
    Raises:
        ConfigError: the test rows are fewer than eight, or the forecasts are not one a row.
        ModelError: two runs on the same rows differ, so nothing can be said.
    """
    rows = len(table)
    if not 0 < cutoff <= rows - 8:
        raise ConfigError(f"`cutoff` must leave 8 test rows or more. Received: cutoff={cutoff}, {rows} rows.")
    random, cut = np.random.default_rng(seed), cutoff + (rows - cutoff) // 2

    def made(changed: pd.DataFrame) -> Array:
        """The forecasts made up to the cut."""
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
    series: TimeSeries, model: str = "lstm", config: ExperimentConfig | None = None, *, seed: int = 0
) -> Audit:
    """Audits a model of the registry on the split of a single run: scaler, training, shrinkage, calibration and all.

    Raises:
        ForecastError: what is wrong with the series or a setting.
    """
    dataset = prepare(series, config or RECIPES["blocks"])
    series, config, cutoff = dataset.series, dataset.config, dataset.split.test

    def forecaster(table: pd.DataFrame, cutoff: int) -> Array:
        columns = tuple(map(str, table.columns))
        changed = TimeSeries(
            series.name, series.index, table.to_numpy(float), columns, series.target, frequency=series.frequency
        )
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
    """What went wrong, by how forecasts react to garbled rows that are nudged, and to others in another order."""
    first_ones = max(1, len(reaction) // 4)
    if not any(one[:first_ones].any() for one in differing.values()):
        return TARGET  # forecasts made long before the cut are as they were
    later = garbled.to_numpy(float)[cut:]
    nudged = later * (1 + NUDGE * random.standard_normal(later.shape))
    if not _differing(reaction, made(_with(garbled, cut, nudged))).any():
        return CHOICE
    if not _differing(reaction, made(_with(garbled, cut, random.permutation(later)))).any():
        return SCALER
    return SHUFFLED


def _garbled(table: pd.DataFrame, cut: int, random: np.random.Generator) -> Array:
    """Noise of many times the spread of all rows around their mean."""
    values = table.to_numpy(float)
    spread = np.where(values.std(axis=0) > 0, values.std(axis=0), 1.0)
    return np.asarray(values.mean(axis=0) + GARBLE * spread * random.standard_normal(values[cut:].shape))


def _with(table: pd.DataFrame, cut: int, later: Array) -> pd.DataFrame:
    """The table with other rows from the one after the cut's on."""
    values = table.to_numpy(float).copy()
    values[cut:] = later
    return pd.DataFrame(values, index=table.index, columns=table.columns)


def _differing(one: Array, other: Array) -> NDArray[np.bool_]:
    """Which of N forecasts differ in any number, NaN being equal to itself."""
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    return np.asarray(~same.reshape(len(same), -1).all(axis=1))
