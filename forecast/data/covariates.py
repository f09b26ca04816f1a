"""What a model sees beside the target: other columns, technical indicators, terms of the date.

In: a `TimeSeries` and an `InputConfig`. Out: `Inputs` in the series' own units. Columns are known up to the origin;
those that the user calls future columns, and all terms of the date, are known for the coming rows as well.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecast.config import InputConfig
from forecast.data.calendar.frequency import future_dates
from forecast.data.calendar.infer_exchange import infer_exchange
from forecast.data.series import TimeSeries
from forecast.data.windows import Inputs
from forecast.errors import ConfigError, SeriesError
from forecast.typing import Array

# Waves of each term of the date: as many as it takes to tell its phases apart, and few for the long ones.
WAVES = {"hour": 3, "weekday": 3, "month": 3, "year": 2}
# Columns that TA-Lib asks for by its own names, and how they are found in a series.
PRICES = ("open", "high", "low", "close", "volume")


def names_of(config: InputConfig, target: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns of `Inputs.past`, the target first, and of `Inputs.future`."""
    past = (target, *config.features, *_indicator_columns(config.indicators))
    terms = (f"{term} {part} {wave}" for term in config.calendar for wave in _waves(term) for part in ("sin", "cos"))
    return past, (*config.future_columns, *terms)


def enrich(series: TimeSeries, config: InputConfig) -> TimeSeries:
    """The series with its technical indicators as further columns; the rows that they take to begin are left out.

    Raises:
        ConfigError: TA-Lib is not installed or has no such indicator, or the series lacks a column that it needs.
    """
    wanted = [name for name in config.indicators if _columns(name)[0] not in series.columns]
    if not wanted:
        return series
    prices = {role: series.values[:, place] for role, place in _price_places(series).items()}
    columns = [column for name in wanted for column in _indicator(name, prices, series)]
    values = np.column_stack([series.values, *columns])
    first = int(np.argmax(np.isfinite(values).all(axis=1)))
    notes = (*series.notes, f"the first {first} rows were left out: {', '.join(wanted)} take them to begin")
    return series.with_columns(values, _indicator_columns(wanted), first=first, notes=notes)


def inputs_of(series: TimeSeries, config: InputConfig, *, horizon: int) -> Inputs:
    """Past columns (T, F) and columns known ahead (T+H, K), unscaled.

    Raises:
        ConfigError: the series has no such column.
    """
    past, _ = names_of(config, series.target)
    places = _places(series, (*past, *config.future_columns))
    known = _ahead(series, places[len(past) :], config, horizon)
    return Inputs(series.values[:, places[: len(past)]], known)


def _places(series: TimeSeries, names: Sequence[str]) -> list[int]:
    """Where columns stand in a series, by their names in any case."""
    there = {name.strip().casefold(): place for place, name in enumerate(series.columns)}
    if missing := [name for name in names if name.strip().casefold() not in there]:
        raise ConfigError(
            f"{series.name}: the columns that a model sees must be in the series. It lacks {', '.join(missing)}; "
            f"it has {', '.join(series.columns)}."
        )
    return [there[name.strip().casefold()] for name in names]


def check_future(series: TimeSeries, config: InputConfig, *, horizon: int) -> None:
    """Refuses a series that lacks coming values of its future columns.

    Raises:
        SeriesError: says how many rows are missing.
    """
    if config.future_columns and len(series.future) < horizon:
        raise SeriesError(
            f"{series.name}: {', '.join(config.future_columns)} must be known for the next {horizon} rows: rows after "
            f"the last {series.target}, with {series.target} left empty. Received: {len(series.future)}."
        )


def _ahead(series: TimeSeries, places: Sequence[int], config: InputConfig, horizon: int) -> Array:
    """Columns known ahead; where a coming value is not known, the last one stands, and is used for no forecast."""
    known = np.concatenate([series.values[:, places], series.future[:horizon, places]])
    known = np.concatenate([known, np.repeat(known[-1:], len(series) + horizon - len(known), axis=0)])
    if not config.calendar:
        return known
    exchange = series.exchange or infer_exchange(series.index)
    coming = future_dates(series.index, frequency=series.frequency, periods=horizon, exchange=exchange)
    return np.column_stack([known, calendar_terms(pd.DatetimeIndex(series.index.append(coming)), config.calendar)])


def calendar_terms(index: pd.DatetimeIndex, terms: Sequence[str]) -> Array:
    """Sines and cosines of the phase of each term, from 0 to 1, shape (T, columns)."""
    phases = {
        "hour": lambda: (index.hour + index.minute / 60) / 24,
        "weekday": lambda: index.day_of_week / 7,
        "month": lambda: (index.month - 1) / 12,
        "year": lambda: (index.day_of_year - 1) / 365.25,
    }
    waves = [
        part(2 * np.pi * wave * np.asarray(phases[term](), float))
        for term in terms
        for wave in _waves(term)
        for part in (np.sin, np.cos)
    ]
    return np.asarray((1 + np.column_stack(waves)) / 2)


def _waves(term: str) -> range:
    return range(1, WAVES[term] + 1)


def _price_places(series: TimeSeries) -> dict[str, int]:
    """Where open, high, low and volume stand, by their names; the close is the target."""
    from forecast.data.sources.parsing.vocabulary import price_columns, volume_column

    found = {**price_columns(series.columns), "close": series.target}
    if (volume := volume_column(series.columns)) is not None:
        found["volume"] = volume
    return {role: series.columns.index(name) for role, name in found.items()}


def _indicator(name: str, prices: dict[str, Array], series: TimeSeries) -> list[Array]:
    """The outputs of one indicator, shape (T,) each, NaN where it has not begun."""
    function = _function(name)
    needed = [role for role in PRICES if role in str(function.input_names)]
    if lacking := [role for role in needed if role not in prices]:
        raise ConfigError(
            f"{series.name}: the indicator {name} needs columns for {', '.join(needed)}. There is none for "
            f"{', '.join(lacking)} among {', '.join(series.columns)}."
        )
    found = function({role: np.asarray(values, float) for role, values in prices.items()})
    return [np.asarray(part) for part in (found if isinstance(found, list | tuple) else [found])]


def _columns(name: str) -> tuple[str, ...]:
    outputs = _function(name).output_names
    return (name,) if len(outputs) == 1 else tuple(f"{name} {output}" for output in outputs)


def _indicator_columns(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(column for name in names for column in _columns(name))


def _function(name: str):  # type: ignore[no-untyped-def]  # TA-Lib has no types
    """TA-Lib's function of that name, with its default settings."""
    try:
        from talib import abstract, get_functions
    except ImportError as error:
        raise ConfigError(
            "technical indicators need the package TA-Lib, which is not here. pip install 'forecast[indicators]'."
        ) from error
    if name not in get_functions():  # type: ignore[no-untyped-call]
        raise ConfigError(f"an indicator must be one of TA-Lib's, as in RSI, MACD or ATR. Received: {name}.")
    return abstract.Function(name)  # type: ignore[attr-defined]
