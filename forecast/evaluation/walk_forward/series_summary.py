"""The part of a comparison that one series gives: small, in a file of its own, made where the series is worked on.

The driver of a comparison reads parts one after the other and keeps of each what the summary needs.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.data.calendar.frequency import iso
from forecast.evaluation.walk_forward.fold_job import FoldJob
from forecast.evaluation.walk_forward.series_result import SeriesResult, fold_rows, score_rows, step_rows
from forecast.runtime.atomic import atomic_file
from forecast.runtime.json_values import finite

# Changes whenever the content of a part may.
FORMAT = 1
TABLES = {"scores": score_rows, "by_fold": fold_rows, "by_step": step_rows}


@dataclass(frozen=True)
class SeriesSummary:
    """What one series gave.

    Attributes:
        record: What was tested on what, and what came of it, as plain JSON values.
        tables: The rows of the series in `scores.csv`, `by_fold.csv` and `by_step.csv`, each below its header.
    """

    name: str
    record: dict[str, Any]
    tables: dict[str, str]

    def table(self, name: str) -> pd.DataFrame:
        """One of its tables; numbers as they were, to the last digit."""
        import pyarrow as pa
        from pyarrow import csv

        texts = csv.ConvertOptions(column_types=dict.fromkeys(("series", "first", "last"), pa.string()))
        table: pd.DataFrame = csv.read_csv(BytesIO(self.tables[name].encode()), convert_options=texts).to_pandas()
        return table


def summary_file(name: str, jobs: Iterable[FoldJob], folder: Path) -> Path:
    """The file of the part that is made of these jobs; its name holds a key of all that it depends on."""
    key = hashlib.sha256(json.dumps([FORMAT, *(job.key for job in jobs)]).encode()).hexdigest()
    return folder / f"{re.sub(r'[^A-Za-z0-9._^=-]+', '-', name)}-{key[:16]}.json"


def write_summary(tested: SeriesResult, file: Path) -> None:
    """Writes what a series gave, whole or not at all."""
    tables = {name: rows(tested).to_csv(index=False) for name, rows in TABLES.items()}
    content = {"name": tested.series.name, "record": _record(tested), "tables": tables}
    with atomic_file(file) as path:
        path.write_text(json.dumps(content, allow_nan=False), encoding="utf-8")


def read_summary(file: Path) -> SeriesSummary:
    """A part that is there."""
    return SeriesSummary(**json.loads(file.read_text(encoding="utf-8")))


def _record(tested: SeriesResult) -> dict[str, Any]:
    dates = [iso(date) for date in tested.series.index]
    return {
        "rows": len(tested.series),
        "unit": tested.series.unit,
        "sha256": tested.series.fingerprint(),
        "config": tested.config.to_dict(),
        "folds": [{"first": dates[fold.cutoff], "last": dates[fold.stop - 1]} for fold in tested.folds],
        "scores": [finite(asdict(row)) for row in tested.scores],
        "verdict": {row.model: finite(asdict(row)) for row in tested.verdicts},
        "best": tested.best,
    }
