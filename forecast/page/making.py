"""The page itself: content and charts into a template, and the file whole or not at all."""

import json
from pathlib import Path
from typing import Any

from forecast.files import whole_file
from forecast.page.content import Content, read_pictures, read_run

PAGE = "report.html"
HERE = Path(__file__).parent
# Headers of the scores, units in brackets, and the numbers below them.
COLUMNS = (
    ("MAE / naive", "mae_vs_naive", "{:.3f}"),
    ("MAE [{unit}]", "mae", "{:.4g}"),
    ("RMSE [{unit}]", "rmse", "{:.4g}"),
    ("bias [{unit}]", "bias", "{:+.3g}"),
    ("MAPE [%]", "mape", "{:.2f}"),
    ("MASE", "mase", "{:.3f}"),
    ("CRPS [{unit}]", "crps", "{:.4g}"),
    ("in 90 % interval [%]", "coverage90", "{:.1%}"),
    ("width [{unit}]", "width90", "{:.4g}"),
    ("direction [%]", "direction", "{:.1%}"),
)


def make_page(folder: Path) -> Path:
    """Writes `report.html` into the folder of a run or a comparison, from what is in it.

    Raises:
        ConfigError: the folder holds neither.
    """
    text = _comparison(folder) if (folder / "compare.json").is_file() else _run(read_run(folder), folder)
    with whole_file(folder / PAGE) as path:
        path.write_text(text, encoding="utf-8")
    return folder / PAGE


def _run(content: Content, folder: Path) -> str:
    from bokeh.embed import components
    from bokeh.resources import Resources

    from forecast.page.charts import charts

    script, places = components(charts(content))
    best = content.learned[0]
    return _filled(
        "run.html",
        content=content,
        folder=folder,
        record=content.record,
        best=best,
        headers=[header.format(unit=content.unit) for header, _, _ in COLUMNS],
        rows=[_row(scores) for scores in content.record["scores"]],
        verdict=content.record["verdict"][best]["sentence"],
        charts=places,
        script=script,
        library=Resources(mode="inline", components=["bokeh"]).render_js(),
        settings=json.dumps(content.record["config"], indent=1),
    )


def _row(scores: dict[str, Any]) -> dict[str, Any]:
    """The cells of a model: what is shown and what is sorted by."""
    cells = []
    for _, name, form in COLUMNS:
        value = scores[name]
        shown = "" if value is None else form.format(value).rstrip("%")
        cells.append({"shown": shown, "value": "" if value is None else value})
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
