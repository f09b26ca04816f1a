"""All models on one series: scores and verdicts over all folds, and their rows in the tables of a comparison.

In: the forecasts of all folds, by model. Out: a `SeriesResult`; and a `SeriesSummary`, its rows and numbers without the
forecasts, in a JSON file that the process which compares many series reads instead of the series.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.config import MEDIAN, ExperimentConfig
from forecast.data.calendar.frequency import iso, iso_dates
from forecast.data.series import TimeSeries
from forecast.evaluation.bottom_line import bottom_line
from forecast.evaluation.scores import Scores, check_outcomes, score_all, score_steps
from forecast.evaluation.verdicts import Verdict, judge
from forecast.evaluation.walk_forward.fold_job import FoldJob, within
from forecast.evaluation.walk_forward.folds import Fold
from forecast.inference.forecasts import Backtest
from forecast.metrics.significance import confidence_set
from forecast.runtime.atomic import atomic_file
from forecast.runtime.json_values import finite
from forecast.runtime.names import csv_cell, slug
from forecast.runtime.resume_key import resume_key
from forecast.typing import Array

# Changes whenever the content of a summary may.
FORMAT = 2


@dataclass(frozen=True, eq=False, repr=False)
class SeriesResult:
    """The forecasts of all models on one series, their scores and verdicts.

    Attributes:
        config: Resolved on the rows before the first cutoff.
        backtests: The forecasts of all folds, by model.
        best: The p-value that a model is among the best (`significance.confidence_set`), by model.
    """

    series: TimeSeries
    config: ExperimentConfig
    folds: tuple[Fold, ...]
    backtests: dict[str, Backtest]
    scores: tuple[Scores, ...]
    verdicts: tuple[Verdict, ...]
    best: dict[str, float]

    def __repr__(self) -> str:
        return f"SeriesResult({self.series.name}, {len(self.folds)} folds: {self.bottom_line})"

    @property
    def bottom_line(self) -> str:
        """What to use, in one sentence."""
        return bottom_line(self.verdicts, self.scores)

    @property
    def y_train(self) -> Array:
        """The rows before the first cutoff, whose changes are the scale of MASE and RMSSE."""
        return self.series.y[: self.folds[0].cutoff]


def evaluate(
    series: TimeSeries, config: ExperimentConfig, folds: tuple[Fold, ...], backtests: dict[str, Backtest]
) -> SeriesResult:
    """Score the forecasts of all folds and give the verdict on each model.

    Raises:
        SeriesTooShort: no outcome is known.
    """
    check_outcomes(next(iter(backtests.values())))
    scores = score_all(backtests, y_train=series.y[: folds[0].cutoff])
    verdicts = judge(backtests, scores, y=series.known_y, unit=series.unit)
    return SeriesResult(series, config, folds, backtests, scores, verdicts, _best(backtests, config.resolved_horizon))


def _best(backtests: Mapping[str, Backtest], horizon: int) -> dict[str, float]:
    if len(backtests) < 2:
        return dict.fromkeys(backtests, 1.0)
    losses = [np.nanmean(np.abs(one.actual - one.quantiles[..., MEDIAN]), axis=1) for one in backtests.values()]
    p_values = confidence_set(np.stack(losses, axis=1), horizon=horizon)
    return dict(zip(backtests, p_values.tolist(), strict=True))


def score_rows(result: SeriesResult) -> pd.DataFrame:
    """One row a model: scores over all folds, and the verdict."""
    rows = []
    for scores, verdict in zip(result.scores, result.verdicts, strict=True):
        judged = {name: getattr(verdict, name) for name in ("gain", "p_value", "p_skill", "outcome")}
        late = {name: getattr(verdict.lag, name) for name in ("moves", "lag", "copied", "foreseen")}
        best = {"best_p": result.best[scores.model]}
        rows.append({"series": result.series.name, **_score_columns(scores), **judged, **late, **best})
    return pd.DataFrame(rows)


def fold_rows(result: SeriesResult) -> pd.DataFrame:
    """One row a fold and model."""
    rows = []
    for fold in result.folds:
        head = {"series": result.series.name, "fold": fold.number, **_stamps_of(fold, result)}
        rows += [head | _score_columns(scores) for scores in _fold_scores(result, fold)]
    return pd.DataFrame(rows)


def step_rows(result: SeriesResult) -> pd.DataFrame:
    """One row a step of the horizon and model."""
    rows = [
        {"series": result.series.name, "step": step, **_score_columns(scores)}
        for step, scores in score_steps(result.backtests, y_train=result.y_train)
    ]
    return pd.DataFrame(rows)


def fold_ratios(result: SeriesResult) -> pd.DataFrame:
    """MAE / naive, one row a model and one column a fold, named by its first day."""
    columns = {
        _dates_of(fold, result)["first"]: [row.mae_vs_naive for row in _fold_scores(result, fold)]
        for fold in result.folds
    }
    return pd.DataFrame(columns, index=list(result.backtests))


def _fold_scores(result: SeriesResult, fold: Fold) -> tuple[Scores, ...]:
    inside = {model: within(backtest, fold) for model, backtest in result.backtests.items()}
    return score_all(inside, y_train=result.y_train)


def _dates_of(fold: Fold, result: SeriesResult) -> dict[str, str]:
    """The first and the last date of a fold."""
    index = result.series.index
    return {"first": iso(index[fold.cutoff]), "last": iso(index[fold.stop - 1])}


def _stamps_of(fold: Fold, result: SeriesResult) -> dict[str, str]:
    """The same with a time of day, since the table may hold series of days and of hours."""
    first, last = iso_dates(result.series.index[[fold.cutoff, fold.stop - 1]], timed=True)
    return {"first": first, "last": last}


def _score_columns(scores: Scores) -> dict[str, Any]:
    """Scores without the seconds, which differ from run to run."""
    return {name: value for name, value in asdict(scores).items() if name != "fit_seconds"}


TABLES = {"scores": score_rows, "by_fold": fold_rows, "by_step": step_rows}


@dataclass(frozen=True)
class SeriesSummary:
    """What one series contributes to a comparison.

    Attributes:
        record: Its configuration, folds, scores and verdicts as plain JSON values.
        tables: Its rows in `scores.csv`, `by_fold.csv` and `by_step.csv`, each below the header.
    """

    name: str
    record: dict[str, Any]
    tables: dict[str, str]

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables, with every digit of its numbers."""
        import pyarrow as pa
        from pyarrow import csv

        texts = csv.ConvertOptions(column_types=dict.fromkeys(("series", "first", "last"), pa.string()))
        table: pd.DataFrame = csv.read_csv(BytesIO(self.tables[name].encode()), convert_options=texts).to_pandas()
        return table


def summary_file(series: str, jobs: Iterable[FoldJob], folder: Path) -> Path:
    """The file of the summary of these jobs; its name holds their keys' key."""
    key = resume_key(format=FORMAT, jobs=[job.key for job in jobs])
    return folder / f"{slug(series)}-{key[:16]}.json"


def write_summary(result: SeriesResult, file: Path) -> None:
    """Write the summary of a result, whole or not at all."""
    tables = {name: _csv(rows(result)) for name, rows in TABLES.items()}
    content = {"name": result.series.name, "record": _record(result), "tables": tables}
    with atomic_file(file) as path:
        path.write_text(json.dumps(content, allow_nan=False), encoding="utf-8")


def _csv(table: pd.DataFrame) -> str:
    """The rows of a table in CSV, with the name of the series as a cell that no spreadsheet runs."""
    return table.assign(series=table["series"].map(csv_cell)).to_csv(index=False)


def read_summary(file: Path) -> SeriesSummary:
    """Read a summary that is there."""
    return SeriesSummary(**json.loads(file.read_text(encoding="utf-8")))


def _record(result: SeriesResult) -> dict[str, Any]:
    return {
        "rows": len(result.series),
        "unit": result.series.unit,
        "sha256": result.series.fingerprint(),
        "config": result.config.to_dict(),
        "folds": [_dates_of(fold, result) for fold in result.folds],
        "scores": [finite(asdict(row)) for row in result.scores],
        "verdict": {row.model: finite(asdict(row)) for row in result.verdicts},
        "best": result.best,
    }
