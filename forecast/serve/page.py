"""The page: one HTML document, filled with what its scripts need to know of the package; and the one before it.

In: the registry of models, the columns of scores, the styles of lines. Out: the text of `GET /`, or a box for a token.
"""

from functools import cache
from pathlib import Path
from typing import Any

from forecast.display.interactive import DASHES
from forecast.display.style import LINES
from forecast.evaluation.columns import COLUMNS, PAGE
from forecast.models import BASELINES, MODELS
from forecast.report.html.page import TEMPLATES as SHARED
from forecast.report.html.terms import TERMS

TEMPLATES = Path(__file__).parent / "templates"
# Scripts and styles of the page, and those that it shares with report.html.
STATIC = Path(__file__).parent / "static"
# The models that the form shows at once; the others stand under "More models".
COMMON = ("linear", "lstm", "gru", "rnn", "dense", "forest", "garch", "har")


@cache
def render_page() -> str:
    """Fill the template of the page."""
    return _render("page.html", settings=_settings(), terms=TERMS)


def render_sign_in(action: str, *, wrong: bool) -> str:
    """The page for a browser that has no token yet: a box for it, and nothing that needs a token itself.

    Args:
        action: The address of the page that is opened with it.
        wrong: Whether another one was given.
    """
    style = (SHARED / "static" / "style.css").read_text(encoding="utf-8")
    return _render("sign_in.html", style=style, action=action, wrong=wrong)


def _render(name: str, **values: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader([TEMPLATES, SHARED]), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(name).render(**values)


def _settings() -> dict[str, Any]:
    """What the scripts read from the page: models, lines of charts, columns of scores."""
    models = [
        {"name": name, "about": model.summary, "common": name in COMMON}
        for name, model in MODELS.items()
        if name not in (*BASELINES, "pretrained", "stack")
    ]
    columns = [COLUMNS["forecast"][name] for name in PAGE["forecast"]]
    return {
        "models": models,
        "terms": TERMS,
        "lines": {name: {"colour": colour, "dash": DASHES[dash]} for name, (colour, dash) in LINES.items()},
        "columns": [{"name": one.name, "header": one.header, "meaning": one.meaning} for one in columns],
    }
