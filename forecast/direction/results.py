"""Results on directions as files: tables, pictures and bundles, in a folder that is there whole or not at all.

scores.csv     one row a network and baseline
backtest.csv   every tested origin: the class that came, and what probability each had
forecast.csv   the probabilities from the last row on
run.json       settings, versions, the data's fingerprint, split dates, band, base rates, calibration, verdicts
plots/         PNG pictures
models/        one bundle a network
report.html    all of it on one page
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.data.calendar.frequency import iso
from forecast.direction.experiment import DirectionExperiment
from forecast.direction.pictures import save_plots
from forecast.evaluation.direction import Reliability
from forecast.inference.direction import BASE_RATE, COLUMNS, band_of, record
from forecast.models.direction_classes import CLASSES
from forecast.report.html import make_page
from forecast.report.writer import (
    about,
    check_folder,
    default_folder,
    get_ready,
    load_drawing,
    trained,
    write_csv,
    write_run,
)
from forecast.runtime.atomic import atomic_folder
from forecast.runtime.json_values import finite
from forecast.runtime.parallel import in_background

__all__ = [
    "COLUMNS",
    "backtest_table",
    "default_folder",
    "forecast_table",
    "get_ready",
    "run_record",
    "write_experiment",
]


def write_experiment(experiment: DirectionExperiment, folder: Path) -> None:
    """Writes everything that the module's docstring lists; an earlier run in `folder` is replaced."""
    check_folder(folder)
    with atomic_folder(folder) as work:
        with in_background(prepare=load_drawing) as start:
            start(save_plots, experiment, work / "plots")
            _write_tables(experiment, work)
        with in_background(prepare=load_drawing) as start:
            start(make_page, work, home=folder)


def _write_tables(experiment: DirectionExperiment, folder: Path) -> None:
    """Tables, the record and the bundles."""
    write_csv(pd.DataFrame([dataclasses.asdict(row) for row in experiment.scores]), folder / "scores.csv")
    write_csv(backtest_table(experiment), folder / "backtest.csv")
    write_csv(forecast_table(experiment), folder / "forecast.csv")
    write_run(run_record(experiment), experiment, folder)


def backtest_table(experiment: DirectionExperiment) -> pd.DataFrame:
    """One row a model and tested origin: the date of step H, the class that came, and three probabilities."""
    dates = np.array([iso(date) for date in experiment.series.index], dtype=object)
    tables = []
    for name, backtest in experiment.backtests.items():
        actual = np.array(CLASSES, dtype=object)[backtest.actual.astype(int)]
        after = dates[backtest.origin + experiment.config.horizon]
        fixed = pd.DataFrame({"model": name, "origin": dates[backtest.origin], "date": after, "actual": actual})
        tables.append(fixed.join(pd.DataFrame(backtest.probabilities, columns=COLUMNS)))
    return pd.concat(tables, ignore_index=True)


def forecast_table(experiment: DirectionExperiment) -> pd.DataFrame:
    """One row a model: the date of step H, and three probabilities."""
    rows = [(name, one.date, *one.probabilities) for name, one in experiment.forecasts.items()]
    return pd.DataFrame(rows, columns=["model", "date", *COLUMNS])


def run_record(experiment: DirectionExperiment) -> dict[str, Any]:
    """What was run on what, and what came of it, as plain JSON values."""
    first = next(iter(experiment.models.values()))
    rates = experiment.forecasts[BASE_RATE].probabilities
    return {
        **about(experiment.series, experiment.config, split=experiment.split),
        **trained(experiment.models, experiment.skipped),
        "band": band_of(first),
        "base_rates": dict(zip(CLASSES, rates, strict=True)),
        "scores": [finite(dataclasses.asdict(row)) for row in experiment.scores],
        "calibration": {name: _bins(one) for name, one in experiment.calibration.items()},
        "verdict": {row.model: finite(dataclasses.asdict(row)) for row in experiment.verdicts},
        "forecast": [record(one) for one in experiment.forecasts.values()],
    }


def _bins(reliability: Reliability) -> dict[str, Any]:
    return {
        "error": reliability.error,
        "probability": reliability.probability.tolist(),
        "observed": reliability.observed.tolist(),
        "count": reliability.count.astype(int).tolist(),
    }
