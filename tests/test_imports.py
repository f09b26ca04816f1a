"""Imports go one way, and heavy packages are loaded where they are used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import forecast

PACKAGE = Path(forecast.__file__).parent
# A module may import those before it; those in one set may not import one another.
ORDER = [
    {"errors"},
    {"config", "files", "metrics", "parallel", "significance", "studies", "style", "versions"},
    {"workers"},
    {"crew"},
    {"exchanges"},
    {"sessions"},
    {"bars", "recognition"},
    {"calendars"},
    {"series", "scaling", "windows", "shrinkage", "intervals"},
    {"sources"},
    {"features"},
    {"models"},
    {"predictions"},
    {"trained"},
    {"training"},
    {"evaluation", "lags", "bundle", "forecasting", "leaks", "earnings", "search"},
    {"verdicts", "parts"},
    {"batches"},
    {"experiment", "tuning", "updating"},
    {"plots", "tables"},
    {"diagnostics"},
    {"page"},
    {"report"},
    {"direction", "comparison", "explanation"},
    {"terminal", "options"},
    {"commands"},
    {"cli"},
    {"__main__", "__init__"},
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}


def module_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    """The rooms of this package that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "forecast":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("forecast."):
            yield node.module.split(".")[1]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    room = module_of(path)
    for other in imported(path):
        if room == "experiment" and other == "report":
            continue  # `run(out=...)` writes what it found; imported where it is used
        assert other == room or RANK[other] < RANK[room], f"{room} must not import {other}"


def test_every_room_has_its_place_in_the_order():
    assert {module_of(path) for path in PACKAGE.rglob("*.py")} == set(RANK)


def loaded_by(code):
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    assert not {"numpy", "pandas", "keras", "tensorflow", "matplotlib"} & loaded_by("import forecast")


def test_forecasting_from_a_saved_model_needs_no_tensorflow(trained, walk, tmp_path):
    from forecast.inference.bundle import save_model

    save_model(trained("lstm"), tmp_path / "lstm")
    loaded = loaded_by(
        "import forecast, numpy as np\n"
        "series = forecast.load('data/sp500.csv')\n"
        f"model = forecast.open_model({str(tmp_path / 'lstm')!r})\n"
        "model.predict(series), forecast.explain(model, series)"
    )
    assert not {"tensorflow", "keras", "sklearn", "matplotlib"} & loaded


def test_public_names_are_there():
    assert len(set(forecast.__all__)) == len(forecast.__all__)  # their order is ruff's, constants first
    for name in forecast.__all__:
        assert getattr(forecast, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(forecast, "nothing")  # noqa: B009
