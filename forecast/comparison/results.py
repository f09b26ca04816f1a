"""A comparison as files, in a folder that grows fold by fold.

folds/             one Parquet file a training: every tested origin and step; a folder that reads as one table
scores.csv         one row a series and model, with the verdict
by_fold.csv        one row a series, fold and model
by_step.csv        one row a series, step of the horizon and model
models.csv         one row a model, over all series
compare.json       plan, settings, versions, verdicts, ranking, errors
plots/             PNG pictures
report.html        all of it on one page
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

from forecast.calendars import iso
from forecast.comparison.experiment import Comparison, Tested
from forecast.comparison.pictures import save_plots
from forecast.comparison.summary import folds_table, models_table, scores_table, steps_table
from forecast.errors import ConfigError
from forecast.files import whole_file, whole_folder
from forecast.page import make_page
from forecast.report import finite, write_csv
from forecast.versions import versions_here

FOLDS, RECORD = "folds", "compare.json"


def check_folder(folder: Path) -> None:
    """Refuses a folder that holds something else than a comparison, finished or not.

    Raises:
        ConfigError: `folder` is a file, or a folder with other content.
    """
    if (folder.exists() and not folder.is_dir()) or (folder.is_dir() and any(_strangers(folder))):
        raise ConfigError(
            f"--out must be a new folder or that of an earlier comparison. {folder} holds something else."
        )


def _strangers(folder: Path) -> list[Path]:
    known = (folder / RECORD).is_file() or (folder / FOLDS).is_dir()
    return [] if known else [path for path in folder.iterdir() if not path.name.startswith(".")]


def write_comparison(comparison: Comparison, folder: Path) -> None:
    """Writes what the module's docstring lists; the folds are there already."""
    tables = {"scores": scores_table, "by_fold": folds_table, "by_step": steps_table, "models": models_table}
    for name, table in tables.items():
        with whole_file(folder / f"{name}.csv") as path:
            write_csv(table(comparison), path)
    with whole_folder(folder / "plots") as work:
        save_plots(comparison, work)
    with whole_file(folder / RECORD) as path:
        path.write_text(json.dumps(record(comparison), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    make_page(folder)


def record(comparison: Comparison) -> dict[str, Any]:
    """What was compared on what, and what came of it, as plain JSON values."""
    ranking = comparison.ranking
    return {
        "plan": dataclasses.asdict(comparison.plan),
        "models": list(comparison.models),
        "series": {name: _series_record(one) for name, one in comparison.tested.items()},
        "summary": [finite(row) for row in models_table(comparison).to_dict("records")],
        "ranking": dataclasses.asdict(ranking) if ranking else None,
        "errors": [{"series": name, "model": model, "why": why} for (name, model), why in comparison.errors.items()],
        "versions": versions_here(),
    }


def _series_record(tested: Tested) -> dict[str, Any]:
    dates = [iso(date) for date in tested.series.index]
    return {
        "rows": len(tested.series),
        "unit": tested.series.unit,
        "sha256": tested.series.fingerprint(),
        "config": tested.config.to_dict(),
        "folds": [{"first": dates[fold.cutoff], "last": dates[fold.stop - 1]} for fold in tested.folds],
        "scores": [finite(dataclasses.asdict(row)) for row in tested.scores],
        "verdict": {row.model: finite(dataclasses.asdict(row)) for row in tested.verdicts},
        "best": tested.best,
    }
