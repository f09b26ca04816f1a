"""Make the page: read a folder, fill a template, write one file.

In: the folder of a run or a comparison. Out: `report.html` in it, which needs no other file and no network.
"""

import json
from collections.abc import Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

from forecast.config import Task
from forecast.errors import ConfigError
from forecast.evaluation.bottom_line import say_once
from forecast.evaluation.columns import PAGE as SHOWN
from forecast.evaluation.columns import RISK, SORTED_BY, Column, columns_for
from forecast.report.html.content import read_pictures, read_record, read_run
from forecast.report.html.terms import TERMS
from forecast.runtime.atomic import atomic_file
from forecast.runtime.names import unique_slug, visible

PAGE = "report.html"
TEMPLATES = Path(__file__).parent
# What wrong or lacking entries of records and tables make Python and the templates raise.
DAMAGED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, FileNotFoundError)


def make_page(folder: Path, *, home: Path | None = None) -> Path:
    """Write `report.html` into the folder of a run or a comparison.

    Args:
        home: Folder that the page names in its commands, if `folder` is to be moved there; `folder` by default.
    Raises:
        ConfigError: The folder holds neither a run nor a comparison, or its tables are damaged.
    """
    try:
        text = _page(folder, home or folder)
    except DAMAGED as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ConfigError(
            f"a report is made of the folder of a run or a comparison. That in {folder} is damaged. {reason}"
        ) from error
    with atomic_file(folder / PAGE) as path:
        path.write_text(text, encoding="utf-8")
    return folder / PAGE


def _page(folder: Path, home: Path) -> str:
    """The text of the page."""
    if (folder / "compare.json").is_file():
        return _comparison_page(folder)
    record = read_record(folder)
    return _PAGES[record["config"]["task"]](record, folder, home)


def _forecast_page(record: dict[str, Any], folder: Path, home: Path) -> str:
    """Fill the page of a run that forecasts values."""
    from bokeh.embed import components
    from bokeh.resources import Resources

    from forecast.report.html.charts import chart_backtest, chart_forecast

    content = read_run(record, folder)
    script, charts = components({"forecast": chart_forecast(content), "backtest": chart_backtest(content)})
    return _fill(
        "run.html",
        content=content,
        **_values(record, best=content.best, home=home),
        risk_headers=[(column.header, column.meaning) for column in RISK],
        risks=[_row(risk, RISK) for risk in record.get("risk", ())],
        charts=charts,
        script=script,
        library=Resources(mode="inline", components=["bokeh"]).render_js(),
    )


def _direction_page(record: dict[str, Any], folder: Path, home: Path) -> str:
    """Fill the page of a run that forecasts directions."""
    best = min((row for row in record["scores"] if row["model"] in record["models"]), key=itemgetter("log_loss"))
    values = _values(record, best=best["model"], home=home)
    return _fill("direction.html", pictures=read_pictures(folder), **values)


_PAGES = {"forecast": _forecast_page, "direction": _direction_page}


def _values(record: dict[str, Any], *, best: str, home: Path) -> dict[str, Any]:
    """Return the values that the templates of both tasks use."""
    task = record["config"]["task"]
    columns = columns_for(record["scores"], SHOWN[task], task)
    return {
        "record": record,
        "folder": home,
        "best": best,
        "terms": TERMS,
        "headers": [(column.header.format(unit=record["series"]["unit"]), column.meaning) for column in columns],
        "rows": [_row(scores, columns) for scores in sorted(record["scores"], key=partial(_place, task))],
        "bottom_line": record["bottom_line"],
        "sentences": say_once({name: one["sentence"] for name, one in record["verdict"].items()}),
        "settings": json.dumps(record["config"], indent=1),
    }


def _place(task: Task, scores: dict[str, Any]) -> tuple[bool, float]:
    """Sort by the score, the smallest first and those without one last."""
    value = scores[SORTED_BY[task]]
    return value is None, value or 0.0


def _row(scores: dict[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    """Return the cells of a model: the text shown, and the value to sort by."""
    values = ("" if scores[column.name] is None else scores[column.name] for column in columns)
    cells = [{"shown": column.text(scores), "value": value} for column, value in zip(columns, values, strict=True)]
    return {"model": scores["model"], "cells": cells}


def _comparison_page(folder: Path) -> str:
    record = json.loads((folder / "compare.json").read_text(encoding="utf-8"))
    names = {name: str(Path("plots") / unique_slug(name) / "errors.png") for name in record["series"]}
    links = {name: path for name, path in names.items() if (folder / path).is_file()}
    series = [
        {
            "name": name,
            "ratios": {row["model"]: row["mae_vs_naive"] for row in one["scores"]},
            "verdict": one["verdict"],
        }
        for name, one in record["series"].items()
    ]
    return _fill("comparison.html", record=record, series=series, links=links, pictures=read_pictures(folder))


def _fill(template: str, **values: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, finalize=_shown
    )
    try:
        return environment.get_template(template).render(**values)
    except TemplateError as error:  # a record lacks an entry
        raise ValueError(str(error)) from error


def _shown(value: Any) -> Any:
    """What a page shows of a value: texts without control characters, and markup of this program as it is."""
    return (
        "\n".join(map(visible, value.split("\n")))
        if isinstance(value, str) and not hasattr(value, "__html__")
        else value
    )
