"""One job: a model is trained at a cutoff, forecasts the folds up to its next training, and leaves a Parquet file.

The file's name holds a key of everything that its numbers depend on: the rows up to the end of the folds, the
settings, the version of the program. A comparison that was interrupted finds it and goes on; one that asks for
something else does not. pandas, Polars and DuckDB read a folder of such files as one table.
"""

import dataclasses
import hashlib
import json
import os
import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from forecast.config import LEVELS, ExperimentConfig
from forecast.data.covariates import enrich
from forecast.data.series import TimeSeries
from forecast.evaluation.scores import at_origins, complete
from forecast.evaluation.walk_forward.folds import Fold
from forecast.inference.forecasts import Backtest
from forecast.models import find_model
from forecast.runtime import devices
from forecast.runtime.atomic import atomic_file
from forecast.training.train import train

# Changes whenever the numbers of a job may.
FORMAT = 2


@dataclass(frozen=True, eq=False)
class FoldJob:
    """A model and the folds that one training of it serves.

    Attributes:
        series: Its rows up to the end of the last fold.
        config: Settled by the rows before the first cutoff of the comparison.
        trials: Of a search for settings on the rows before the cutoff; 0 searches nothing.
        folder: Where the file goes.
    """

    series: TimeSeries
    model: str
    config: ExperimentConfig
    folds: tuple[Fold, ...]
    trials: int
    folder: Path

    @property
    def file(self) -> Path:
        """The file that the job leaves."""
        name = re.sub(r"[^A-Za-z0-9._^=-]+", "-", f"{self.series.name}-{self.model}-{self.folds[0].number}")
        return self.folder / f"{name}-{self.key[:16]}.parquet"

    @property
    def key(self) -> str:
        """SHA-256 of what the numbers depend on."""
        last = self.folds[-1]
        about = {
            "format": FORMAT,
            "version": _version(),
            "backend": os.environ.get("KERAS_BACKEND", ""),
            "series": [self.series.name, self.series.target, self.series.columns, self.series.frequency],
            "rows": self.series.fingerprint(last.stop),
            "model": self.model,
            "config": self.config.to_dict(),
            "folds": [dataclasses.astuple(fold) for fold in self.folds],
            "trials": self.trials,
        }
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


@cache
def _version() -> str:
    return version("forecast")


def run_fold_job(job: FoldJob) -> None:
    """Trains, forecasts, and writes the file, whole or not at all."""
    if find_model(job.model).is_network:
        devices.load_keras()
    first, last = job.folds[0], job.folds[-1]
    series = enrich(job.series.between(first.start, last.stop), job.config.inputs)
    cutoff = len(series) - (last.stop - first.cutoff)
    config = _tuned(job, series.between(0, cutoff)) if job.trials else job.config
    trained = train(series, job.model, config, cutoff=cutoff)
    predictions = complete(trained.backtest(series, first=cutoff - 1))
    shifted = replace(predictions, origin=predictions.origin + last.stop - len(series))
    write_folds([within(shifted, fold) for fold in job.folds], job)


def _tuned(job: FoldJob, past: TimeSeries) -> ExperimentConfig:
    """The settings that a search on the past finds."""
    from forecast.training.tuning.tune import tune

    return tune(past, job.model, job.config, trials=job.trials).config


def within(predictions: Backtest, fold: Fold) -> Backtest:
    """The forecasts whose every step is a row of the fold; by row numbers of the whole series."""
    horizon = predictions.actual.shape[1]
    inside = (predictions.origin >= fold.cutoff - 1) & (predictions.origin + horizon < fold.stop)
    return at_origins(predictions, inside)


def write_folds(parts: list[Backtest], job: FoldJob) -> None:
    """One row a fold, origin and step."""
    horizon = job.config.horizon
    origin = np.concatenate([part.origin for part in parts])
    fold = np.repeat([fold.number for fold in job.folds], [len(part.origin) for part in parts])
    quantiles = np.concatenate([part.quantiles for part in parts]).reshape(-1, len(LEVELS))
    steps = np.tile(np.arange(1, horizon + 1), len(origin))
    rows = np.repeat(origin, horizon)
    dates = job.series.index.to_numpy()
    table = pa.table(
        {
            "series": pa.DictionaryArray.from_arrays(np.zeros(len(rows), np.int32), [job.series.name]),
            "model": pa.DictionaryArray.from_arrays(np.zeros(len(rows), np.int32), [job.model]),
            "fold": np.repeat(fold, horizon),
            "origin": rows,
            "step": steps,
            "date": dates[rows + steps],
            "last": np.repeat(np.concatenate([part.last_value for part in parts]), horizon),
            "actual": np.concatenate([part.actual for part in parts]).ravel(),
            **{level: quantiles[:, place] for place, level in enumerate(LEVELS)},
        }
    )
    with atomic_file(job.file) as path:
        parquet.write_table(table, path, compression="zstd")


def read_folds(job: FoldJob) -> Backtest:
    """The forecasts of a job that is done, all its folds together."""
    table = parquet.read_table(job.file)
    horizon = job.config.horizon
    columns = {name: table.column(name).to_numpy() for name in ("origin", "last", "actual", *LEVELS)}
    quantiles = np.stack([columns[level] for level in LEVELS], axis=1)
    return Backtest(
        model=job.model,
        origin=columns["origin"][::horizon],
        last_value=columns["last"][::horizon],
        actual=columns["actual"].reshape(-1, horizon),
        quantiles=quantiles.reshape(-1, horizon, len(LEVELS)),
    )
