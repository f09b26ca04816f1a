"""The page itself: content and charts into a template, and the file whole or not at all."""

import json
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from forecast.evaluation.columns import COLUMNS, Column
from forecast.evaluation.columns import PAGE as SHOWN
from forecast.report.html.content import read_pictures, read_record, read_run
from forecast.runtime.atomic import atomic_file

PAGE = "report.html"
HERE = Path(__file__).parent


def make_page(folder: Path, *, home: Path | None = None) -> Path:
    """Writes `report.html` into the folder of a run or a comparison, from what is in it.

    Args:
        home: Where the folder will be, if it is not there yet.
    Raises:
        ConfigError: the folder holds neither.
    """
    if (folder / "compare.json").is_file():
        text = _comparison(folder)
    else:
        record = read_record(folder)
        text = _PAGES[record["config"]["task"]](record, folder, home or folder)
    with atomic_file(folder / PAGE) as path:
        path.write_text(text, encoding="utf-8")
    return folder / PAGE


def _run(record: dict[str, Any], folder: Path, home: Path) -> str:
    """The page of a run that forecasts values."""
    from bokeh.embed import components
    from bokeh.resources import Resources

    from forecast.report.html.charts import charts

    content = read_run(record, folder)
    script, places = components(charts(content))
    best = content.learned[0]
    return _filled(
        "run.html",
        content=content,
        **_about(record, best=best, home=home),
        charts=places,
        script=script,
        library=Resources(mode="inline", components=["bokeh"]).render_js(),
    )


def _direction(record: dict[str, Any], folder: Path, home: Path) -> str:
    """The page of a run on directions."""
    best = min((row for row in record["scores"] if row["model"] in record["models"]), key=itemgetter("log_loss"))
    about = _about(record, best=best["model"], home=home)
    return _filled("direction.html", pictures=read_pictures(folder), **about)


_PAGES = {"forecast": _run, "direction": _direction}


def _about(record: dict[str, Any], *, best: str, home: Path) -> dict[str, Any]:
    """What the pages of all runs show."""
    task = record["config"]["task"]
    columns = [COLUMNS[task][name] for name in SHOWN[task]]
    return {
        "record": record,
        "folder": home,
        "best": best,
        "headers": [column.header.format(unit=record["series"]["unit"]) for column in columns],
        "rows": [_row(scores, columns) for scores in record["scores"]],
        "verdict": record["verdict"][best]["sentence"],
        "settings": json.dumps(record["config"], indent=1),
    }


def _row(scores: dict[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    """The cells of a model: what is shown and what is sorted by."""
    values = ("" if scores[column.name] is None else scores[column.name] for column in columns)
    cells = [{"shown": column.text(scores), "value": value} for column, value in zip(columns, values, strict=True)]
    return {"model": scores["model"], "cells": cells}


def _comparison(folder: Path) -> str:
    record = json.loads((folder / "compare.json").read_text(encoding="utf-8"))
    names = {name: str(Path("plots") / name.replace("/", "-") / "errors.png") for name in record["series"]}
    links = {name: path for name, path in names.items() if (folder / path).is_file()}
    series = [
        {
            "name": name,
            "ratios": {row["model"]: row["mae_vs_naive"] for row in one["scores"]},
            "verdict": one["verdict"],
        }
        for name, one in record["series"].items()
    ]
    return _filled("comparison.html", record=record, series=series, links=links, pictures=read_pictures(folder))


def _filled(template: str, **values: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(template).render(**values)
