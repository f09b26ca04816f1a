"""Forecast several series with one model, and say what was assumed.

In: a `TrainedModel` and series, known to it or not. Out: forecasts and errors by series, and sentences.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from forecast.data.series import TimeSeries
from forecast.errors import ForecastError, ModelError
from forecast.inference.forecasts import Forecast
from forecast.inference.trained_model import TrainedModel
from forecast.runtime.atomic import atomic_file
from forecast.runtime.names import csv_cell

# Series that one sentence names.
LISTED = 4
# What is a date in a record of a forecast.
DATES = ("origin", "date")


def predict_all(model: TrainedModel, several: Sequence[TimeSeries]) -> tuple[list[Forecast], dict[str, ForecastError]]:
    """Forecast each series; for those that cannot be forecast, give the error by name."""
    with np.errstate(all="ignore"):
        try:
            made, failed = model.predict_all(several), {}
        except ForecastError as error:
            made, failed = [], {several[0].name: error}
            if len(several) > 1:  # which one it was, is found by halves
                parts = (several[: len(several) // 2], several[len(several) // 2 :])
                halves = [predict_all(model, part) for part in parts]
                return halves[0][0] + halves[1][0], halves[0][1] | halves[1][1]
    for one in made:
        if not np.isfinite(one.quantiles).all():
            failed[one.series] = ModelError(
                f"{one.series}: the forecast is not finite: its rows, or the weights, are too large."
            )
    return [one for one in made if one.series not in failed], failed


def write_table(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write records of forecasts as CSV: one row a series and step; for directions one row a series.

    All dates have one form: with a time of day if one of them has.
    """
    records = _with_equal_dates(records)
    with atomic_file(path) as work, work.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for number, one in enumerate(records):
            fixed = {
                name: csv_cell(value) if isinstance(value, str) else value
                for name, value in one.items()
                if name != "forecast"
            }
            steps = one.get("forecast", [{}])
            if number == 0:
                writer.writerow([*fixed, *steps[0]])
            writer.writerows([*fixed.values(), *step.values()] for step in steps)


def _with_equal_dates(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The records with a time of day in every date, if one has it and another has not."""
    dates = [date for record in records for one in (record, *record.get("forecast", ())) for date in _dates_in(one)]
    if not any("T" in date for date in dates) or all("T" in date for date in dates):
        return [dict(record) for record in records]
    return [
        _timed(record) | ({"forecast": [_timed(step) for step in record["forecast"]]} if "forecast" in record else {})
        for record in records
    ]


def _dates_in(record: Mapping[str, Any]) -> list[str]:
    return [record[name] for name in DATES if name in record]


def _timed(record: Mapping[str, Any]) -> dict[str, Any]:
    midnight = {name: f"{record[name]}T00:00:00" for name in DATES if name in record and "T" not in record[name]}
    return {**record, **midnight}


def assumptions(model: TrainedModel, several: Sequence[TimeSeries]) -> list[str]:
    """What is assumed about series that are new or changed since training, one sentence each."""
    new = [series for series in several if model.known(series) is None]
    said = []
    if new:
        said.append(
            f"{_named(new)}: this {model.model} was not trained on it. Its own scale is used, its recent rows decide "
            "on the shrinkage, and the intervals are calibrated as on the training series."
        )
    frequency = model.trained_on[0].frequency
    if other := [series for series in several if series.frequency != frequency]:
        said.append(
            f"{_named(other)}: its frequency is {other[0].frequency}; the model was trained on {frequency}. A step is "
            "one row."
        )
    if renamed := [series for series in new if series.target.casefold() != model.target.casefold()]:
        said.append(f"{_named(renamed)}: the model was trained on {model.target}; {renamed[0].target} is used here.")
    for series in several:
        known = model.known(series)
        if known is not None and changed(model, series):
            said.append(
                f"{series.name}: the rows up to {known.last} differ from those that the model was trained on: revised, "
                "adjusted, cut, or of another series with this name."
            )
    return said


def changed(model: TrainedModel, series: TimeSeries) -> bool:
    """Whether the rows that a model was trained on have changed."""
    known = model.known(series)
    if known is None or len(series) < known.rows:
        return known is not None
    return series.fingerprint(known.rows) != known.sha256


def _named(several: Sequence[TimeSeries]) -> str:
    names = [series.name for series in several[:LISTED]]
    rest = len(several) - len(names)
    return ", ".join(names) + (f" and {rest:,} more" if rest else "")
