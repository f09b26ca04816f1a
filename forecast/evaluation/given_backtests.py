"""Forecasts that others made as backtests: at the rows of a series, beside the baselines from the same origins."""

import numpy as np
import pandas as pd

from forecast.config import LEVELS, MEDIAN, QUANTILES
from forecast.data.calendar.frequency import iso
from forecast.data.fill import fill_forward
from forecast.data.seasons import find_seasons
from forecast.data.series import TimeSeries
from forecast.errors import SeriesError
from forecast.inference.forecasts import Backtest
from forecast.models.volatility.growing import quantiles_until
from forecast.models.volatility.history import refresh_rows
from forecast.typing import Array, Rows

# Known errors that the quantiles of naive need.
FEWEST = 20


def given_backtests(series: TimeSeries, table: pd.DataFrame, step: int | None) -> tuple[dict[str, Backtest], int]:
    """The forecasts of each model and of the baselines at the same origins and steps, and rows from origin to origin.

    Args:
        table: As `read_forecasts` has it.
        step: As for `score`.
    Raises:
        SeriesError: no date of the table can be scored.
    """
    row = rows_of(series, table["date"])
    origin = _origins(series, table, row, step)
    usable = (row >= 0) & (origin >= 1) & (row > origin)
    if not usable.any():
        where = f"The series goes from {iso(series.index[0])} to {iso(series.index[-1])}"
        raise SeriesError(
            f"{series.name}: no forecast has a known value, and a row of the series before it. {where}, the forecasts "
            f"from {table['date'].min()} to {table['date'].max()}. Give the series with its past, up to these dates."
        )
    table, row, origin = table[usable], row[usable], origin[usable]
    origins, horizon = np.unique(origin), int((row - origin).max())
    models = list(dict.fromkeys(table["model"]))
    quantiles = np.full((len(models), len(origins), horizon, len(QUANTILES)), np.nan)
    place = table["model"].map({name: number for number, name in enumerate(models)}).to_numpy()
    quantiles[place, np.searchsorted(origins, origin), row - origin - 1] = table[list(LEVELS)].to_numpy(float)
    ahead = origins[:, None] + np.arange(1, horizon + 1)
    actual = np.where(ahead < len(series), series.known_y[np.minimum(ahead, len(series) - 1)], np.nan)
    actual[~np.isfinite(quantiles[..., MEDIAN]).all(axis=0)] = np.nan  # each model is scored on the same dates
    known = np.isfinite(actual)
    tested, horizon = known.any(axis=1), int(np.flatnonzero(known.any(axis=0)).max(initial=-1)) + 1
    if not horizon:
        raise SeriesError(f"{series.name}: there is no date that all models forecast and whose value is known.")
    found = dict(zip(models, quantiles, strict=True)) | _baselines(series, origins, horizon)
    last = fill_forward(series.known_y)[origins]
    stride = int(np.median(np.diff(origins[tested]))) if tested.sum() > 1 else horizon
    return {
        name: Backtest(name, origins[tested], last[tested], actual[tested, :horizon], one[tested, :horizon])
        for name, one in found.items()
    }, max(1, stride)


def rows_of(series: TimeSeries, dates: pd.Series) -> Rows:
    """The row of each date; -1 for a date that is none of the series."""
    if not isinstance(series.index, pd.DatetimeIndex):
        return np.asarray(series.index.get_indexer(pd.Index(pd.to_numeric(dates, errors="coerce"))))
    return np.asarray(series.index.get_indexer(_dates(dates)))


def _dates(values: pd.Series) -> pd.DatetimeIndex:
    """Dates without a time zone, as those of a series."""
    found = pd.DatetimeIndex(pd.to_datetime(values, errors="coerce"))
    return found.tz_localize(None) if found.tz is not None else found


def _origins(series: TimeSeries, table: pd.DataFrame, row: Rows, step: int | None) -> Rows:
    """The row that each forecast was made at: the last one up to its cutoff, or as `score` says."""
    if table["cutoff"].isna().all():
        first = row[row >= 0].min(initial=len(series))
        return row - step if step is not None else np.full(len(row), first - 1)
    is_dated = isinstance(series.index, pd.DatetimeIndex)
    cutoff = _dates(table["cutoff"]) if is_dated else pd.Index(pd.to_numeric(table["cutoff"], errors="coerce"))
    return np.asarray(series.index.searchsorted(cutoff, side="right")) - 1


def _baselines(series: TimeSeries, origins: Rows, horizon: int) -> dict[str, Array]:
    """Quantiles (N, H, Q) of naive, and of seasonal naive where the series has a season; its medians alone."""
    y = fill_forward(series.known_y)
    found = {}
    season = max(find_seasons(series.known_y[: origins[0] + 1], series.grid), default=0)
    if 1 < season <= origins[0]:
        steps = np.arange(1, horizon + 1)
        found["seasonal_naive"] = np.full((len(origins), horizon, len(QUANTILES)), np.nan)
        found["seasonal_naive"][..., MEDIAN] = y[origins[:, None] + steps - season * -(-steps // season)]
    return found | {"naive": naive_quantiles(series.known_y, origins, horizon)}


def naive_quantiles(y: Array, origins: Rows, horizon: int) -> Array:
    """Quantiles of the naive forecast, shape (N, H, Q), by historical simulation: of all errors known at an origin.

    The errors are those of logarithms where all values are above 0. NaN but for the median where too few are known.
    Source: Hendricks (1996), Evaluation of value-at-risk models using historical data.
    """
    positive = bool((y[np.isfinite(y)] > 0).all())
    path = np.log(y) if positive else y
    errors = []
    for step in range(1, horizon + 1):
        moves = path[step:] - path[:-step]
        known = np.isfinite(moves)
        errors.append((np.flatnonzero(known) + step, moves[known]))
    rows, place = np.unique(refresh_rows(origins), return_inverse=True)
    around, count = quantiles_until(rows, errors)
    around[count.min(axis=1) < FEWEST] = np.nan
    found = fill_forward(path)[origins][:, None, None] + around[place]
    found = np.exp(found) if positive else found
    median = fill_forward(y)[origins][:, None]
    found[..., MEDIAN] = median
    found[..., :MEDIAN] = np.minimum(found[..., :MEDIAN], median[..., None])
    found[..., MEDIAN + 1 :] = np.maximum(found[..., MEDIAN + 1 :], median[..., None])
    return found
