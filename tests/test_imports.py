"""Imports go one way, and heavy packages are loaded where they are used."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import forecast

PACKAGE = Path(forecast.__file__).parent
# The floors of the house, from the ground up: a file may import files of lower floors and of its own room.
FLOORS = (
    "errors",
    "typing",
    "config",
    "metrics",
    "runtime",
    "display",
    "data",
    "models",
    "inference",
    "training",
    "evaluation",
    "report",
    "pipeline",
    "sktime",
    "serve",
    "cli",
    "__init__",
    "__main__",
)


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def file_of(module):
    """The file of a module or package of this package; None for a name that is neither."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def imported(path):
    """The files of this package that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "forecast":
            for alias in node.names:
                yield file_of(f"{node.module}.{alias.name}") or file_of(node.module)
        elif isinstance(node, ast.Import):
            yield from (file_of(alias.name) for alias in node.names if alias.name.split(".")[0] == "forecast")


FILES = sorted(PACKAGE.rglob("*.py"))


@cache
def imports_of(path):
    return {other for other in imported(path) if other and other != path}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path):
    floor = FLOORS.index(room_of(path))
    for other in imports_of(path):
        room = room_of(other)
        assert room == room_of(path) or FLOORS.index(room) < floor, f"{path} must not import {other}"


def test_no_file_imports_itself_through_others():
    TopologicalSorter({path: imports_of(path) for path in FILES if room_of(path) != "__init__"}).prepare()


def test_every_room_has_its_floor():
    assert {room_of(path) for path in FILES} == set(FLOORS)


def loaded_by(code):
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    assert not {"numpy", "pandas", "keras", "tensorflow", "matplotlib", "sktime"} & loaded_by("import forecast")


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


NAMES_OF_TENSORFLOW = """
from types import ModuleType
def names_of(module, path):
    for name in dir(module):
        value = getattr(module, name)
        is_public = getattr(value, "__name__", "").startswith("tensorflow._api")
        if isinstance(value, ModuleType) and is_public and path.count(".") < 3:
            yield from names_of(value, f"{path}.{name}")
        elif not name.startswith("_"):
            yield f"{path}.{name}"
import tensorflow
print(*names_of(tensorflow, "tf"))
"""


@pytest.mark.slow
def test_no_name_of_tensorflow_is_lost_where_it_waits_for_its_first_use():
    load = "from forecast.runtime.devices import load_keras\nload_keras()\n"
    lists = []
    for before in ("import keras\n", load):
        code = [sys.executable, "-c", f"import sys\n{before}print(*sys.modules)\n{NAMES_OF_TENSORFLOW}"]
        done = subprocess.run(code, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        lists.append([set(line.split()) for line in done.stdout.splitlines()])
    (loaded, whole), (loaded_late, late) = lists
    assert "tensorflow.python.feature_column" in loaded - loaded_late
    assert len(whole) > 1000
    assert whole <= late


def test_without_sktime_its_forecaster_says_what_to_install():
    code = "import sys\nsys.modules['sktime'] = None\nimport forecast.sktime"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert "ImportError: forecast.sktime needs the package sktime" in done.stderr
    assert "pip install 'honest-forecast[sktime]'" in done.stderr


def test_public_names_are_there():
    assert len(set(forecast.__all__)) == len(forecast.__all__)  # their order is ruff's, constants first
    for name in forecast.__all__:
        assert getattr(forecast, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(forecast, "nothing")  # noqa: B009
