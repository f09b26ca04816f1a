import hashlib
import re
import runpy
from pathlib import Path

import pytest

from forecast.data.sources import load

DATA = Path(__file__).parent.parent / "data"
LISTED = dict(
    reversed(line.split()) for line in re.findall(r"^[0-9a-f]{64}  .+$", (DATA / "README.md").read_text(), re.M)
)


def test_every_file_is_listed():
    assert {path.name for path in DATA.glob("*.csv")} == set(LISTED)


@pytest.mark.parametrize("name", LISTED)
def test_files_are_those_that_the_readme_describes(name):
    assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == LISTED[name]


@pytest.mark.parametrize(
    ("source", "rows", "first", "last", "frequency"),
    [
        ("sp500.csv", 5031, 1228.099976, 2506.850098, "B"),
        ("nasdaq.csv", 5031, 2208.050049, 6635.279785, "B"),
        ("stock_price.csv:NASDAQ", 5031, 2208.050049, 6635.279785, "B"),
        ("sea_temperature.csv", 732, 23.11, 22.07, "MS"),
        ("shop_sales.csv:Sales", 2192, 175, 250, "D"),
    ],
)
def test_each_series_loads(source, rows, first, last, frequency):
    series = load(f"{DATA / source}")
    assert (len(series), series.y[0], series.y[-1], series.frequency) == (rows, first, last, frequency)


def test_the_script_writes_the_same_files_again(tmp_path, monkeypatch):
    made = runpy.run_path(str(DATA / "make.py"))
    monkeypatch.setitem(made["main"].__globals__, "FOLDER", tmp_path)
    made["main"]()
    for name, expected in LISTED.items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == expected
