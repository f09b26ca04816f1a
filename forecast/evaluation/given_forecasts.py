"""Forecasts that others made: the tables of common libraries in one form.

In: a file or frame with a row a series, date and maybe cutoff. Out: a row a series, cutoff, date and model, with the
quantiles of this package. These columns are understood:

    series      unique_id, series, item_id, id
    date        ds, date, timestamp, time
    cutoff      cutoff, origin: the last date that a forecast knew
    model       model: a model a row, as in backtest.csv and forecast.csv; else each other column is one
    quantiles   MODEL-lo-90, MODEL-hi-90, MODEL-median (statsforecast, neuralforecast), MODEL_ql0.05, yhat_lower and
                yhat_upper (Prophet, 80 %), 0.05 or q05 (Chronos, AutoGluon, this package)
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.config import LEVELS, MEDIAN, QUANTILES
from forecast.data.sources.resolve import as_frame
from forecast.errors import SourceError
from forecast.inference.forecasts import Forecast
from forecast.typing import Array

_ROLES = {
    "series": ("unique_id", "series", "item_id", "id"),
    "date": ("ds", "date", "timestamp", "time"),
    "cutoff": ("cutoff", "origin"),
    "model": ("model",),
}
# Models that are called like the baselines which stand beside them.
GIVEN = {name: f"{name} (given)" for name in ("naive", "seasonal_naive")}
# Columns that are no forecasts.
_OTHERS = ("y", "actual", "step", "index", "unit", "target_name", "")
_QUANTILES: tuple[tuple[re.Pattern[str], Any], ...] = (
    (re.compile(r"(.+)-lo-([\d.]+)"), lambda percent: (1 - float(percent) / 100) / 2),
    (re.compile(r"(.+)-hi-([\d.]+)"), lambda percent: (1 + float(percent) / 100) / 2),
    (re.compile(r"(.+)-median()"), lambda _: 0.5),
    (re.compile(r"(.+)_ql(0?\.\d+)"), float),
    (re.compile(r"(yhat)_lower()"), lambda _: 0.1),
    (re.compile(r"(yhat)_upper()"), lambda _: 0.9),
    (re.compile(r"()(0?\.\d+)"), float),
    (re.compile(r"()q(\d\d?)"), lambda percent: float(percent) / 100),
)


def read_forecasts(source: Any, *, name: str = "model", baselines: bool = False) -> pd.DataFrame:
    """Read forecasts; columns series, cutoff, date, model, and the quantiles of `config.LEVELS`.

    A file, a frame or column of pandas, Polars or Arrow, or a `Forecast`.
    Quantiles between and beyond those that are given are taken from a straight line in a normal quantile plot. A model
    that gives one number a date has it as its median; its other quantiles are NaN.

    Args:
        name: The model's name where the table has none.
        baselines: Leave models called naive and seasonal_naive their names, which else are said to be given.
    Raises:
        SourceError: no table, or no column of dates or of forecasts.
    """
    table = _read(Path(source)) if isinstance(source, str | Path) else _with_index(_frame_of(source, name))
    table.columns = [str(column).strip() for column in table.columns]
    roles = {role: _first(table, names) for role, names in _ROLES.items()}
    if roles["date"] is None:
        raise SourceError(
            f"forecasts have a column of dates: {', '.join(_ROLES['date'])}. Received: {', '.join(table.columns)}."
        )
    fixed = pd.DataFrame(
        {
            "series": table[roles["series"]].astype(str) if roles["series"] else "",
            "cutoff": table[roles["cutoff"]] if roles["cutoff"] else None,
            "date": table[roles["date"]],
        }
    )
    used = [column for column in roles.values() if column]
    values = [column for column in table if column not in used and str(column).casefold() not in _OTHERS]
    models = table[roles["model"]].astype(str) if roles["model"] else None
    if models is None:
        parts = [_with_quantiles(fixed, table[values], name)]
    else:
        rows = [models == model for model in models.unique()]
        parts = [_with_quantiles(fixed[chosen], table.loc[chosen, values], models[chosen].iloc[0]) for chosen in rows]
    found = pd.concat(parts, ignore_index=True)
    return found if baselines else found.assign(model=found["model"].replace(GIVEN))


def _frame_of(source: Any, name: str) -> pd.DataFrame:
    """A frame, a column under its own name or `name`, or a `Forecast` as a frame."""
    if isinstance(source, Forecast):
        return source.to_frame()
    frame, named = as_frame(source)
    return frame if named or frame.columns.tolist() != ["value"] else frame.rename(columns={"value": name})


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy with what its index names among the columns: dates, where no column has any, and series."""
    names = list(frame.index.names)
    if names == [None] and isinstance(frame.index, pd.DatetimeIndex) and _first(frame, _ROLES["date"]) is None:
        frame, names = frame.rename_axis("ds"), ["ds"]
    return frame.reset_index(drop=names == [None] or bool({*names} & {*frame.columns}))


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except FileNotFoundError:
        raise SourceError(f"a table of forecasts is a file that exists. There is no file {path}.") from None
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise SourceError(f"{path}: forecasts are a CSV or Parquet file with a row a date. {reason}.") from error


def _first(table: pd.DataFrame, names: Iterable[str]) -> str | None:
    """The column that has one of the names, in any case."""
    there = {str(column).casefold(): str(column) for column in table.columns}
    return next((there[name] for name in names if name in there), None)


def _with_quantiles(fixed: pd.DataFrame, values: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows of each model with its quantiles; `name` stands for a model whose columns do not name it."""
    found: dict[str, dict[float, Array]] = {}
    points: dict[str, Array] = {}
    for column in values:
        model, level = _meaning(str(column))
        numbers = pd.to_numeric(values[column], errors="coerce").to_numpy(float)
        if level is None:
            points[str(column)] = numbers
        else:
            found.setdefault(model or name, {})[level] = numbers
    nameless = name in found and len(points) == 1 and next(iter(points)) not in found
    for model, numbers in points.items():
        found.setdefault(name if nameless else model, {}).setdefault(0.5, numbers)
    found = {
        model: levels for model, levels in found.items() if any(np.isfinite(part).any() for part in levels.values())
    }
    if not found:
        raise SourceError(f"forecasts have a column a model. Received: {', '.join(map(str, values.columns))}.")
    frames = [
        fixed.assign(model=model).join(pd.DataFrame(_at_levels(levels), columns=LEVELS, index=fixed.index))
        for model, levels in found.items()
    ]
    return pd.concat(frames, ignore_index=True)


def _meaning(column: str) -> tuple[str, float | None]:
    """The model and the level of a column; no level for a point forecast."""
    for pattern, level in _QUANTILES:
        if match := pattern.fullmatch(column):
            return match.group(1), round(float(level(match.group(2))), 6)
    return column, None


def _at_levels(given: Mapping[float, Array]) -> Array:
    """Quantiles at the levels of this package, shape (N, Q)."""
    from scipy.special import ndtri

    levels = sorted(given)
    if levels == [0.5]:
        found = np.full((len(given[0.5]), len(QUANTILES)), np.nan)
        found[:, MEDIAN] = given[0.5]
        return found
    values = np.sort(np.stack([given[level] for level in levels], axis=1), axis=1)
    knots, wanted = ndtri(levels), ndtri(QUANTILES)
    place = np.clip(np.searchsorted(knots, wanted), 1, len(knots) - 1)
    share = (wanted - knots[place - 1]) / (knots[place] - knots[place - 1])
    return np.asarray(values[:, place - 1] * (1 - share) + values[:, place] * share)
