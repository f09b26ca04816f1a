"""Covariates: what a model sees beside the target, which are other columns, technical indicators and calendar terms.

In: a `TimeSeries` and a configuration. Out: `Inputs` in the units of the series. Past covariates are known up to the
origin; future covariates, which are the future columns and all calendar terms, are known for the forecast rows as well.
A missing covariate is the last known one; missing values of the target are filled by what lies around them (`fill.py`).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecast.config import ExperimentConfig, InputConfig
from forecast.data.fill import fill, fill_forward
from forecast.data.inputs import Inputs
from forecast.data.series import TimeSeries
from forecast.data.vocabulary import find_name
from forecast.errors import ConfigError, SeriesError
from forecast.typing import Array

# Harmonics of each calendar term: enough to tell its phases apart, and few for the long periods.
HARMONICS = {"hour": 3, "weekday": 3, "month": 3, "year": 2}
# The inputs that TA-Lib knows, by its names, which are also the roles of columns in a series.
TALIB_INPUTS = ("open", "high", "low", "close", "volume")


def names_of(config: InputConfig, target: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns of `Inputs.past`, and of `Inputs.future`.

    First the target, then those that are forecast together with it, then other features.
    """
    past = (target, *config.joint[1:], *config.features, *_indicator_columns(config.indicators))
    terms = (
        f"{term} {part} {wave}" for term in config.calendar for wave in _harmonics(term) for part in ("sin", "cos")
    )
    return past, (*config.future_columns, *terms)


def enrich(series: TimeSeries, config: InputConfig) -> TimeSeries:
    """Add technical indicators as columns, and drop the first rows, where they have no value yet.

    Raises:
        ConfigError: TA-Lib is not installed or has no such indicator, or the series lacks a column that it needs.
    """
    wanted = [name for name in config.indicators if _output_columns(name)[0] not in series.columns]
    if not wanted:
        return series
    columns = np.column_stack([column for name in wanted for column in _indicator(name, series)])
    values = np.column_stack([series.values, columns])
    first = int(np.argmax(np.isfinite(np.column_stack([series.y, columns])).all(axis=1)))
    notes = (*series.notes, f"the first {first} rows were left out: {', '.join(wanted)} take them to begin")
    return series.with_columns(values, _indicator_columns(wanted), first=first, notes=notes)


def inputs_of(series: TimeSeries, config: ExperimentConfig) -> Inputs:
    """Past covariates with the target (T, F), and future covariates (T+H, K), unscaled, without missing values.

    Raises:
        ConfigError: the series has no such column, or another target than that of a joint forecast.
    """
    if config.inputs.joint and series.target.casefold() != config.inputs.joint[0].casefold():
        joint = config.inputs.joint
        raise ConfigError(
            f"{series.name}: the target must be {joint[0]}, which is forecast together with {', '.join(joint[1:])}. "
            f"Received: {series.target}."
        )
    past, _ = names_of(config.inputs, series.target)
    positions = _positions(series, (*past, *config.inputs.future_columns))
    future = _future_covariates(series, positions[len(past) :], config.inputs, config.resolved_horizon)
    values = series.values[:, positions[: len(past)]]
    if np.isnan(values).any():
        target = fill(values[:, 0], "seasonal", season=(config.season or 1) if config.seasons else 1)
        values = np.column_stack([target, *map(fill_forward, values[:, 1:].T)])
    return Inputs(values, future, series.known)


def _positions(series: TimeSeries, names: Sequence[str]) -> list[int]:
    """Positions of columns in a series, by their names in any case."""
    found = [find_name(name, series.columns) for name in names]
    if missing := [name for name, column in zip(names, found, strict=True) if column is None]:
        raise ConfigError(
            f"{series.name}: the columns that a model sees must be in the series. It lacks {', '.join(missing)}; "
            f"it has {', '.join(series.columns)}."
        )
    return [series.columns.index(column) for column in found if column is not None]


def check_future(series: TimeSeries, config: InputConfig, *, horizon: int) -> None:
    """Check that the next `horizon` values of all future columns are known.

    Raises:
        SeriesError: fewer rows are known; names both numbers.
    """
    if config.future_columns and len(series.future) < horizon:
        raise SeriesError(
            f"{series.name}: {', '.join(config.future_columns)} must be known for the next {horizon} rows: rows after "
            f"the last {series.target}, with {series.target} left empty. Received: {len(series.future)}."
        )


def _future_covariates(series: TimeSeries, positions: Sequence[int], config: InputConfig, horizon: int) -> Array:
    """Future columns and calendar terms, shape (T+H, K); the last known value fills up, and no forecast uses it."""
    known = np.concatenate([series.values[:, positions], series.future[:horizon, positions]])
    known = np.concatenate([known, np.repeat(known[-1:], len(series) + horizon - len(known), axis=0)])
    if np.isnan(known).any():
        known = np.column_stack([*map(fill_forward, known.T)])
    if not config.calendar:
        return known
    if series.grid.is_counted:
        raise ConfigError(f"{series.name}: calendar terms need dates, and these rows are only counted.")
    dates = pd.DatetimeIndex(series.index.append(series.future_dates(horizon)))
    return np.column_stack([known, calendar_terms(dates, config.calendar)])


def calendar_terms(index: pd.DatetimeIndex, terms: Sequence[str]) -> Array:
    """Sines and cosines of the phase of each term, moved to [0, 1], shape (T, columns)."""
    phases = {
        "hour": lambda: (index.hour + index.minute / 60) / 24,
        "weekday": lambda: index.day_of_week / 7,
        "month": lambda: (index.month - 1) / 12,
        "year": lambda: (index.day_of_year - 1) / 365.25,
    }
    waves = [
        part(2 * np.pi * wave * np.asarray(phases[term](), float))
        for term in terms
        for wave in _harmonics(term)
        for part in (np.sin, np.cos)
    ]
    return np.asarray((1 + np.column_stack(waves)) / 2)


def _harmonics(term: str) -> range:
    return range(1, HARMONICS[term] + 1)


def _indicator(name: str, series: TimeSeries) -> list[Array]:
    """The outputs of one indicator, shape (T,) each, NaN in the rows before its first value."""
    function = _function(name)
    needed = [role for role in TALIB_INPUTS if role in str(function.input_names)]
    if lacking := [role for role in needed if role not in series.roles]:
        raise ConfigError(
            f"{series.name}: the indicator {name} needs columns for {', '.join(needed)}. There is none for "
            f"{', '.join(lacking)} among {', '.join(series.columns)}."
        )
    columns = {role: series.values[:, series.columns.index(column)] for role, column in series.roles.items()}
    found = function({role: fill_forward(values) for role, values in columns.items()})
    return [np.asarray(part) for part in (found if isinstance(found, list | tuple) else [found])]


def _output_columns(name: str) -> tuple[str, ...]:
    outputs = _function(name).output_names
    return (name,) if len(outputs) == 1 else tuple(f"{name} {output}" for output in outputs)


def _indicator_columns(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(column for name in names for column in _output_columns(name))


def _function(name: str):  # type: ignore[no-untyped-def]  # TA-Lib has no types
    """TA-Lib's function of that name, with its default parameters."""
    try:
        from talib import abstract, get_functions
    except ImportError as error:
        raise ConfigError(
            "technical indicators need the package TA-Lib, which is not installed. "
            "pip install 'honest-forecast[indicators]'."
        ) from error
    if name not in get_functions():  # type: ignore[no-untyped-call]
        raise ConfigError(f"an indicator must be one of TA-Lib's, as in RSI, MACD or ATR. Received: {name}.")
    return abstract.Function(name)  # type: ignore[attr-defined]
