"""What is handed out: the wheel and the source distribution, and the program that is installed from the wheel alone."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from conftest import make_series, random_walk

import forecast

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent


def run(*command, **options):
    found = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, **options)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def build(folder):
    """Build both into a folder, from a copy of what they are made of."""
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "forecast", folder / "forecast", ignore=shutil.ignore_patterns("__pycache__"))
    run(sys.executable, "-m", "hatchling", "build", cwd=folder, env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"})
    return {path.name: path for path in (folder / "dist").iterdir()}


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    return build(tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module")
def wheel(dist):
    return next(path for name, path in dist.items() if name.endswith(".whl"))


def test_the_same_files_give_the_same_bytes(dist, tmp_path):
    assert {name: path.read_bytes() for name, path in build(tmp_path).items()} == {
        name: path.read_bytes() for name, path in dist.items()
    }
    assert sorted(dist) == [
        f"honest_forecast-{forecast.__version__}-py3-none-any.whl",
        f"honest_forecast-{forecast.__version__}.tar.gz",
    ]


def test_they_hold_the_package_and_nothing_else(dist, wheel):
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "forecast").rglob("*") if path.is_file()}
    files = {name for name in files if "__pycache__" not in name}
    with zipfile.ZipFile(wheel) as content:
        sizes = {one.filename: one.file_size for one in content.infolist() if not one.is_dir()}
    about = {name.partition(".dist-info/")[2] for name in sizes.keys() - files}
    assert about == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    assert files <= sizes.keys()
    assert sum(sizes.values()) < 8e6
    source = next(path for name, path in dist.items() if name.endswith(".tar.gz"))
    with tarfile.open(source) as content:
        inside = {name.partition("/")[2] for name in content.getnames()}
    assert files <= inside
    assert not {name for name in inside if name.startswith(("tests", "data", "notebooks", "benchmarks"))}


def test_the_index_would_take_them(dist):
    pytest.importorskip("twine")
    assert run(sys.executable, "-m", "twine", "check", "--strict", *dist.values()).count("PASSED") == 2


def test_the_program_runs_from_the_wheel_alone(wheel, tmp_path):
    """In an environment of its own, with the libraries of this one, far from the sources."""
    home = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", home)
    run(sys.executable, "-m", "pip", "--python", home, "install", "--quiet", "--no-index", "--no-deps", wheel)
    places = sysconfig.get_paths(vars={"base": str(home), "platbase": str(home)})
    (Path(places["purelib"]) / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    series = make_series(random_walk(300))
    pd.DataFrame({"Date": series.index, "Close": series.y}).to_csv(tmp_path / "walk.csv", index=False)
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    where = run(
        Path(places["scripts"]) / "python", "-c", "import forecast; print(forecast.__file__)", cwd=tmp_path, env=plain
    )
    assert Path(where.strip()).is_relative_to(home)
    program = Path(places["scripts"]) / "forecast"
    run(program, "run", "walk.csv", "--models", "linear", "--horizon", 3, "--out", "out", cwd=tmp_path, env=plain)
    told = run(program, "predict", "walk.csv", "--model", "out/models/linear", cwd=tmp_path, env=plain)
    assert "walk" in told
    assert (tmp_path / "out/report.html").stat().st_size > 1e5
