"""One training of one model: the forecasts of the folds up to the next training, kept in a Parquet file.

The file's name holds the key of everything that its numbers depend on: a comparison that was interrupted finds it and
continues, one that asks for something else does not. pandas, Polars and DuckDB read a folder of such files as one
table.
"""

import os
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from forecast.config import LEVELS, ExperimentConfig
from forecast.data.dataset import prepare
from forecast.data.series import TimeSeries
from forecast.evaluation.scores import at_origins, complete
from forecast.evaluation.walk_forward.folds import Fold
from forecast.inference.forecasts import Backtest
from forecast.models import find_model
from forecast.runtime import devices
from forecast.runtime.atomic import atomic_file
from forecast.runtime.names import slug
from forecast.runtime.resume_key import resume_key
from forecast.training.train import train_on
from forecast.training.tuning.tune import tune
from forecast.typing import Array

# Changes whenever the numbers of a job may.
FORMAT = 3


@dataclass(frozen=True, eq=False)
class FoldJob:
    """A model and the folds that one training of it serves.

    Attributes:
        series: Its rows up to the end of the last fold.
        config: Resolved on the rows before the first cutoff of the comparison.
        trials: Tuning trials on the rows before the cutoff; 0 tunes nothing.
        folder: Folder of the file.
    """

    series: TimeSeries
    model: str
    config: ExperimentConfig
    folds: tuple[Fold, ...]
    trials: int
    folder: Path

    @property
    def file(self) -> Path:
        """The file of the forecasts."""
        name = slug(f"{self.series.name}-{self.model}-{self.folds[0].number}")
        return self.folder / f"{name}-{self.key[:16]}.parquet"

    @property
    def key(self) -> str:
        """The key of everything that the forecasts depend on."""
        return resume_key(
            format=FORMAT,
            backend=os.environ.get("KERAS_BACKEND", ""),
            series=[self.series.name, self.series.target, self.series.columns, self.series.frequency],
            rows=self.series.fingerprint(self.folds[-1].stop),
            model=self.model,
            config=self.config.to_dict(),
            folds=[astuple(fold) for fold in self.folds],
            trials=self.trials,
        )


def run_fold_job(job: FoldJob) -> None:
    """Train the model, forecast its folds, and write the file."""
    if find_model(job.model).is_network:
        devices.load_keras()
    first, last = job.folds[0], job.folds[-1]
    dataset = prepare(job.series[first.start : last.stop], job.config)
    cutoff = len(dataset) - (last.stop - first.cutoff)
    if job.trials:
        found = tune(dataset.series[:cutoff], job.model, job.config, trials=job.trials)
        dataset = prepare(dataset.series, found.config)
    dataset = replace(dataset, cutoff=cutoff)
    trained = train_on([dataset], job.model)
    backtest = complete(trained.backtest(dataset, first=cutoff - 1))
    shifted = replace(backtest, origin=backtest.origin + last.stop - len(dataset))
    _write_folds([within(shifted, fold) for fold in job.folds], job)


def within(predictions: Backtest, fold: Fold) -> Backtest:
    """The forecasts all of whose steps lie in the fold; origins are row numbers of the whole series."""
    horizon = predictions.actual.shape[1]
    inside = (predictions.origin >= fold.cutoff - 1) & (predictions.origin + horizon < fold.stop)
    return at_origins(predictions, inside)


def _write_folds(folds: list[Backtest], job: FoldJob) -> None:
    """Write one row a fold, origin and step."""
    horizon = job.config.resolved_horizon
    origin = np.concatenate([fold.origin for fold in folds])
    number = np.repeat([fold.number for fold in job.folds], [len(fold.origin) for fold in folds])
    quantiles = np.concatenate([fold.quantiles for fold in folds]).reshape(-1, len(LEVELS))
    steps = np.tile(np.arange(1, horizon + 1), len(origin))
    rows = np.repeat(origin, horizon)
    dates = job.series.index.to_numpy()
    shares = np.concatenate([_shares_of(fold) for fold in folds])
    table = pa.table(
        {
            "series": pa.DictionaryArray.from_arrays(np.zeros(len(rows), np.int32), [job.series.name]),
            "model": pa.DictionaryArray.from_arrays(np.zeros(len(rows), np.int32), [job.model]),
            "fold": np.repeat(number, horizon),
            "origin": rows,
            "step": steps,
            "date": dates[rows + steps],
            "last": np.repeat(np.concatenate([fold.last_value for fold in folds]), horizon),
            "actual": np.concatenate([fold.actual for fold in folds]).ravel(),
            **{level: quantiles[:, place] for place, level in enumerate(LEVELS)},
            "network_share": np.repeat(shares, horizon),
        }
    )
    with atomic_file(job.file) as path:
        parquet.write_table(table, path, compression="zstd")


def _shares_of(fold: Backtest) -> Array:
    """The shares of the network in its moves; NaN for other models, so that all files have the same columns."""
    return np.full(len(fold.origin), np.nan) if fold.network_share is None else fold.network_share


def read_folds(jobs: list[FoldJob]) -> Backtest:
    """The forecasts of finished jobs of one model and series, in the order of their folds."""
    horizon = jobs[0].config.resolved_horizon
    table = pa.concat_tables(parquet.read_table(job.file) for job in jobs)
    names = ("origin", "last", "actual", *LEVELS, "network_share")
    columns = {name: table.column(name).to_numpy() for name in names}
    quantiles = np.stack([columns[level] for level in LEVELS], axis=1)
    return Backtest(
        model=jobs[0].model,
        origin=columns["origin"][::horizon],
        last_value=columns["last"][::horizon],
        actual=columns["actual"].reshape(-1, horizon),
        quantiles=quantiles.reshape(-1, horizon, len(LEVELS)),
        network_share=columns["network_share"][::horizon] if find_model(jobs[0].model).is_network else None,
        index=jobs[-1].series.index,
        unit=jobs[-1].series.unit,
    )
