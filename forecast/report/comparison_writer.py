"""Write a comparison into its folder, where the forecasts and summaries are already.

folds/             one Parquet file a training: every tested origin and step; a folder that reads as one table
series/            one JSON file a series: its rows in the tables
scores.csv         one row a series and model, with the verdict
by_fold.csv        one row a series, fold and model
by_step.csv        one row a series, step of the horizon and model
models.csv         one row a model, over all series
errors.csv         series and models that could not be tested, and why
compare.json       plan, versions, summary, ranking, errors; configuration, scores and verdicts of each of a few series
plots/             PNG pictures
report.html        all of it on one page
"""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from forecast.errors import ConfigError
from forecast.evaluation.walk_forward.series_result import TABLES
from forecast.evaluation.walk_forward.summary import FEW, Comparison, models_table
from forecast.report.html import make_page
from forecast.report.plots.comparison import save_comparison
from forecast.report.writer import write_csv
from forecast.runtime.atomic import atomic_file, atomic_folder
from forecast.runtime.json_values import finite
from forecast.runtime.names import csv_cell
from forecast.runtime.versions import versions_here

FOLDS, RECORD = "folds", "compare.json"
# Errors that the record and the page name; the file has all.
LISTED = 100


def check_folder(folder: Path) -> None:
    """Raise ConfigError for a folder that holds something else than a comparison, finished or not."""
    if (folder.exists() and not folder.is_dir()) or (folder.is_dir() and any(_strangers(folder))):
        raise ConfigError(
            f"--out must be a new folder or that of an earlier comparison. {folder} holds something else."
        )


def _strangers(folder: Path) -> list[Path]:
    known = (folder / RECORD).is_file() or any((folder / name).is_dir() for name in (FOLDS, "series"))
    return [] if known else [path for path in folder.iterdir() if not path.name.startswith(".")]


def write_comparison(comparison: Comparison, folder: Path) -> None:
    """Write the tables, pictures, record and page that the module's docstring lists."""
    with ExitStack() as stack:
        files = {name: stack.enter_context(_text(folder / f"{name}.csv")) for name in TABLES}
        for number, summary in enumerate(comparison.summaries):
            for name, file in files.items():
                header, _, rows = summary.tables[name].partition("\n")
                file.write(rows if number else f"{header}\n{rows}")
    with atomic_file(folder / "models.csv") as path:
        write_csv(models_table(comparison), path)
    with atomic_file(folder / "errors.csv") as path:
        cells = [{name: csv_cell(text) for name, text in row.items()} for row in _errors(comparison)]
        pd.DataFrame(cells, columns=["series", "model", "why"]).to_csv(path, index=False, errors="backslashreplace")
    with atomic_folder(folder / "plots") as work:
        save_comparison(comparison, work)
    with atomic_file(folder / RECORD) as path:
        path.write_text(json.dumps(record(comparison), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    make_page(folder)


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    """A text file, whole or not at all."""
    with atomic_file(path) as place, place.open("w", encoding="utf-8", newline="") as file:
        yield file


def record(comparison: Comparison) -> dict[str, Any]:
    """What was compared on what, and what came of it, as plain JSON values; with many series without each of them."""
    ranking, errors = comparison.ranking, _errors(comparison)
    few = len(comparison.results) <= FEW
    return {
        "bottom_line": comparison.bottom_line,
        "plan": dataclasses.asdict(comparison.plan),
        "models": list(comparison.models),
        "tested": len(comparison.results),
        "series": {summary.name: summary.record for summary in comparison.summaries} if few else {},
        "summary": [finite(row) for row in models_table(comparison).to_dict("records")],
        "ranking": dataclasses.asdict(ranking) if ranking else None,
        "not_tested": len(errors),
        "errors": errors[:LISTED],
        "versions": versions_here(),
    }


def _errors(comparison: Comparison) -> list[dict[str, str]]:
    return [{"series": name, "model": model, "why": why} for (name, model), why in comparison.errors.items()]
