"""Configure Sphinx, which builds the site from these pages: `make docs`.

Where a page has a comment `<!-- options of COMMAND -->`, the options are written from the program itself, so that they
cannot go stale. Notebooks are copied beside the pages; links between pages and notebooks are those of the repository.
"""

import re
import shutil
from pathlib import Path
from typing import Any

import typer.main

import forecast
from forecast.cli.main import app as program

project = "forecast"
author = copyright = "the authors of forecast"  # noqa: A001
release = forecast.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["README.md"]
html_theme = "furo"
html_title = "forecast"
html_static_path: list[str] = []
nitpicky = False

# Notebooks are shown as they ran; `make notebooks` runs them.
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# Single backticks in docstrings are code.
default_role = "code"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
napoleon_use_rtype = False
napoleon_use_ivar = True

HERE = Path(__file__).parent
ASKED = re.compile(r"<!-- options of (\w+) -->")


def options_of(name: str) -> str:
    """Return the arguments and options of a command as a table in Markdown."""
    command = typer.main.get_command(program).commands[name]  # type: ignore[attr-defined]
    rows = [f"| {_names(option)} | {_text(option)} |" for option in command.params]
    return "\n".join(["| | |", "|---|---|", *rows])


def _names(option: Any) -> str:
    if option.param_type_name == "argument":
        return f"`{option.metavar or option.name.upper()}`"
    return ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))


def _text(option: Any) -> str:
    return (option.help or "").replace("|", r"\|").replace("*", r"\*")


def read_page(app: Any, document: str, source: list[str]) -> None:  # noqa: ARG001  Sphinx hands them over
    """Fill in the options of commands, and set the links between pages and notebooks."""
    text = ASKED.sub(lambda asked: options_of(asked.group(1)), source[0])
    source[0] = text.replace("](../notebooks/", "](notebooks/").replace("](../docs/", "](../")


def keep_drawings(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:  # noqa: ARG001
    """Show indented parts of a docstring, such as equations and drawings, as they are."""
    for place in reversed(range(2, len(lines))):
        before, blank, line = lines[place - 2 : place + 1]
        if line.startswith("    ") and not blank and before and not before.startswith(" "):
            lines.insert(place - 1, "::")
            lines.insert(place - 1, "")


def setup(app: Any) -> None:
    """Copy the notebooks and connect the functions above; Sphinx calls this at its start."""
    shutil.rmtree(HERE / "notebooks", ignore_errors=True)
    (HERE / "notebooks").mkdir()
    for notebook in (HERE.parent / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, HERE / "notebooks")
    app.connect("source-read", read_page)
    app.connect("autodoc-process-docstring", keep_drawings, priority=400)  # before napoleon
