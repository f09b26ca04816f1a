"""Forecasts from a trained model for one series or many, and what was assumed on the way.

In: a `TrainedModel`, or the one of a bundle, and series that it has seen or not. Out: forecasts, and sentences.
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

# Series that one sentence names.
LISTED = 4


def predict_all(model: TrainedModel, several: Sequence[TimeSeries]) -> tuple[list[Forecast], dict[str, ForecastError]]:
    """The coming steps of each series that can be forecast, and of the others, by name, why not."""
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
    """Forecasts as CSV, one row a series and step; those of directions one row a series."""
    with atomic_file(path) as work, work.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for number, one in enumerate(records):
            fixed = {name: value for name, value in one.items() if name != "forecast"}
            steps = one.get("forecast", [{}])
            if number == 0:
                writer.writerow([*fixed, *steps[0]])
            writer.writerows([*fixed.values(), *step.values()] for step in steps)


def assumptions(model: TrainedModel, several: Sequence[TimeSeries]) -> list[str]:
    """What is taken for granted where a series is not one that the model was trained on, one sentence each."""
    new = [series for series in several if model.known(series) is None]
    said = []
    if new:
        said.append(
            f"{_named(new)}: not among the series that this {model.model} was trained on. Its own scale is used, and "
            "its own last rows say how far the model is believed."
        )
    frequency = model.trained_on[0].frequency
    if other := [series for series in several if series.frequency != frequency]:
        said.append(
            f"{_named(other)}: rows of frequency {other[0].frequency}, where the model was trained on {frequency}. "
            "A step is a row."
        )
    if renamed := [series for series in new if series.target.casefold() != model.target.casefold()]:
        said.append(f"{_named(renamed)}: {renamed[0].target} stands for {model.target}.")
    for series in several:
        known = model.known(series)
        if known is not None and changed(model, series):
            said.append(
                f"{series.name}: the rows to {known.last} are not those that the model was trained on: revised, "
                "adjusted anew, cut, or those of another series of that name."
            )
    return said


def changed(model: TrainedModel, series: TimeSeries) -> bool:
    """Whether the rows that a model was trained on are others now."""
    known = model.known(series)
    if known is None or len(series) < known.rows:
        return known is not None
    return series.fingerprint(known.rows) != known.sha256


def _named(several: Sequence[TimeSeries]) -> str:
    names = [series.name for series in several[:LISTED]]
    rest = len(several) - len(names)
    return ", ".join(names) + (f" and {rest:,} more" if rest else "")
