"""A series made ready for models, once: defaults resolved, covariates added, split, scaled.

    TimeSeries, ExperimentConfig ── prepare ── Dataset ── training, backtest, forecast, explanation

In: what `load` returns and a configuration. Out: a `Dataset` that everyone who needs rows of the series takes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from forecast.config import ExperimentConfig
from forecast.data.covariates import enrich, inputs_of
from forecast.data.defaults import resolve_defaults
from forecast.data.inputs import Inputs
from forecast.data.scaling import Scaler, fit_scaler
from forecast.data.series import TimeSeries
from forecast.data.split import Split, split_rows
from forecast.typing import Array


@dataclass(frozen=True, eq=False)
class Dataset:
    """One series as models see it.

    Attributes:
        series: With its technical indicators as further columns.
        config: With lookback, season and steps resolved.
        inputs: Past columns (T, F) and future columns (T+H, K), in their own units.
        cutoff: The first test row, instead of that of the configured share.
    """

    series: TimeSeries
    config: ExperimentConfig
    inputs: Inputs
    cutoff: int | None = None

    def __len__(self) -> int:
        return len(self.series)

    @property
    def name(self) -> str:
        return self.series.name

    @cached_property
    def split(self) -> Split:
        """The training, validation and test rows.

        Raises:
            SeriesTooShort: a part is too short for the lookback and horizon.
        """
        return split_rows(len(self.series), self.config, self.cutoff)

    @cached_property
    def scaler(self) -> Scaler:
        """The scaler of the training rows."""
        return fit_scaler(all_columns(self.inputs)[: self.split.validation])

    def scaled(self, scaler: Scaler) -> Inputs:
        """The inputs in the units of a scaler."""
        past, future = scaler.parts(self.inputs.past.shape[1])
        return Inputs(past.transform(self.inputs.past), future.transform(self.inputs.future), self.inputs.known)


def prepare(series: TimeSeries, config: ExperimentConfig, *, cutoff: int | None = None) -> Dataset:
    """Add the covariates of a configuration to a series, and resolve what the configuration leaves to it.

    Raises:
        ConfigError: the series lacks a column, or TA-Lib an indicator.
        SeriesError: its rows follow no time grid.
    """
    return prepare_all([series], config, cutoff=cutoff)[0]


def prepare_all(several: Sequence[TimeSeries], config: ExperimentConfig, *, cutoff: int | None = None) -> list[Dataset]:
    """Prepare several series for one model: lookback, season and steps are the same for all of them."""
    for series in several:
        series.grid.check_regular(series.name)
    config = resolve_defaults(config, several)
    enriched = [enrich(series, config.inputs) for series in several]
    return [Dataset(series, config, inputs_of(series, config), cutoff) for series in enriched]


def all_columns(inputs: Inputs) -> Array:
    """Past and future columns side by side, shape (T, F+K)."""
    return np.column_stack([inputs.past, inputs.future[: len(inputs.past)]])
