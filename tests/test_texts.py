"""Names that others gave, on the terminal and in tables for spreadsheets: data, whatever their characters."""

import csv
import json
import re

import numpy as np
import pandas as pd
import pytest
from commands import run_command
from conftest import random_walk

from forecast.cli.main import app

SMALL = ["--lookback", "8", "--horizon", "3"]
WICKED = "\x1b]0;owned\x07\x1b[31mred\u202e :car: [bold]"


@pytest.fixture
def wicked(tmp_path):
    """A file whose columns begin like formulas, or act on terminals."""
    dates = pd.bdate_range("2001-01-01", periods=120)
    columns = {
        name: random_walk(120, seed) for seed, name in enumerate((WICKED, "=cmd|'/C calc'!A0", "-1+1", "@SUM(1)"))
    }
    path = tmp_path / "wide.csv"
    pd.DataFrame({"Date": dates, **columns}).to_csv(path, index=False)
    return path


def run(*arguments, folder, status=0):
    done = run_command(*arguments, folder=folder)
    assert done.returncode == status, done.stderr
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.stdout + done.stderr)
    return done.stdout + done.stderr


def test_nothing_of_a_name_acts_on_a_terminal(wicked, tmp_path):
    shown = "\\x1b]0;owned\\x07\\x1b[31mred\\u202e :car: [bold]"
    assert shown in run("inspect", wicked, folder=tmp_path)
    assert shown in run("audit", wicked, folder=tmp_path, status=1)
    unit = ["--unit", WICKED]
    assert shown in run(
        "train", f"{wicked}:{WICKED}", "--model", "naive", "--save", "m", *SMALL, *unit, folder=tmp_path
    )
    assert shown in run("show", "m", folder=tmp_path)
    assert shown in run("predict", f"{wicked}:{WICKED}", "--model", "m", *unit, folder=tmp_path)
    assert shown in run("predict", f"{wicked}:*", "--model", "m", *unit, folder=tmp_path)
    assert "owned" in run("predict", f"{wicked}:none{WICKED}", "--model", "m", folder=tmp_path, status=1)
    json.loads(run("show", "m", "--json", folder=tmp_path))


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("jobs_here")
def test_a_spreadsheet_runs_no_name_and_numbers_are_untouched(wicked, tmp_path):
    run("train", f"{wicked}:*", "--model", "drift", "--save", "m", *SMALL, folder=tmp_path)
    falling = pd.read_csv(wicked).assign(**{"-1+1": np.linspace(-1, -9, 120)})
    falling.to_csv(wicked, index=False)
    run("predict", f"{wicked}:*", "--model", "m", "--csv", "t.csv", "--unit", "+1", folder=tmp_path)
    table = rows(tmp_path / "t.csv")
    assert {row["series"] for row in table} == {WICKED, "'=cmd|'/C calc'!A0", "'-1+1", "'@SUM(1)"}
    assert {row["unit"] for row in table} == {"'+1"}
    assert all(float(row["q50"]) < 0 for row in table if row["series"] == "'-1+1")
    small = ["--models", "drift", "--folds", "2", *SMALL, "--jobs", "1", "--out", str(tmp_path / "c")]
    app(["compare", f"{wicked}:-1+1", f"{wicked}:@SUM(1)", *small], standalone_mode=False)
    names = {row["series"] for name in ("scores", "by_fold", "by_step") for row in rows(tmp_path / "c" / f"{name}.csv")}
    assert names == {"'-1+1", "'@SUM(1)"}
    lines = [f"{wicked}:{name}" for name in ("-1+1", "@SUM(1)", "no")]
    (tmp_path / "list").write_text("\n".join(lines))
    run("predict", "@list", "--model", "m", "--out", "t.parquet", "--jobs", "1", folder=tmp_path, status=1)
    assert [row["series"][:1] for row in rows(tmp_path / "t.errors.csv")] == ["/"]
