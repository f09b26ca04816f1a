"""A comparison over more series than anyone looks at one by one."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import SMALL, make_series, random_walk

from forecast.cli.main import app
from forecast.cli.progress import MANY, counted, pace_of
from forecast.config import override
from forecast.data.sources import expand
from forecast.errors import ConfigError
from forecast.evaluation.walk_forward import WalkForward
from forecast.evaluation.walk_forward.summary import FEW
from forecast.pipeline import compare

pytestmark = pytest.mark.slow

CONFIG = override(SMALL, {"season": 5})
PLAN = WalkForward(folds=2, stride=10)
SERIES = FEW + 2


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """A folder of files: two more than a few that can be tested, one that is too short, one that is no table."""
    folder = tmp_path_factory.mktemp("market")
    for number in range(SERIES):
        one = make_series(random_walk(120, number))
        pd.DataFrame({"Date": one.index, "Close": one.y}).to_csv(folder / f"s{number:02d}.csv", index=False)
    pd.DataFrame({"Date": one.index[:20], "Close": one.y[:20]}).to_csv(folder / "short.csv", index=False)
    (folder / "letter.csv").write_text("dear reader\n")
    return folder


@pytest.fixture(scope="module")
def found(market, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "market"
    return compare(expand(str(market)), models=["linear"], config=CONFIG, plan=PLAN, out=out, jobs=2), out


def test_a_series_that_cannot_be_tested_is_a_row_and_the_others_are_compared(market, found):
    comparison, out = found
    rows = pd.read_csv(out / "errors.csv", keep_default_na=False)
    assert [(row.series, row.model) for row in rows.itertuples()] == [
        (str(market / "letter.csv"), ""),
        (str(market / "short.csv"), ""),
    ]
    assert "more than 20 rows" in rows["why"][1]
    assert len(comparison.results) == SERIES
    scores = pd.read_csv(out / "scores.csv")
    assert len(scores) == 4 * SERIES
    assert scores["series"].unique().tolist() == [f"s{number:02d}" for number in range(SERIES)]


@pytest.mark.usefixtures("jobs_here")
def test_the_number_of_workers_changes_no_byte(market, found, tmp_path):
    """None but this process, after two of them."""
    _, out = found
    compare(expand(str(market)), models=["linear"], config=CONFIG, plan=PLAN, out=tmp_path / "one", jobs=1)
    for name in ("scores.csv", "by_fold.csv", "by_step.csv", "models.csv", "errors.csv", "compare.json", "report.html"):
        assert (out / name).read_bytes() == (tmp_path / "one" / name).read_bytes(), name


@pytest.mark.usefixtures("jobs_here")
def test_series_that_are_there_already_come_to_the_same_as_those_read_by_workers(market, found):
    comparison, _ = found
    few = [str(market / f"s{number:02d}.csv") for number in range(2)]
    kept = compare(few, models=["linear"], config=CONFIG, plan=PLAN)
    for name, one in kept.results.items():
        lazily = comparison.results[name]
        assert [row.mae for row in lazily.scores] == [row.mae for row in one.scores]
        assert [row.sentence for row in lazily.verdicts] == [row.sentence for row in one.verdicts]
        np.testing.assert_array_equal(lazily.backtests["linear"].quantiles, one.backtests["linear"].quantiles)
    pd.testing.assert_frame_equal(comparison.scores[:8], kept.scores)


def test_of_many_series_pictures_record_and_page_hold_the_summary_alone(found):
    comparison, out = found
    assert {path.name for path in (out / "plots").iterdir()} == {"ranks.png", "skill.png"}
    record = json.loads((out / "compare.json").read_text())
    assert (record["tested"], record["series"], record["not_tested"]) == (SERIES, {}, 2)
    row = record["summary"][0]
    ratios = comparison.scores.query("model == 'linear'")["mae_vs_naive"]
    assert row["q05_mae_vs_naive"] == pytest.approx(np.quantile(ratios, 0.05))
    assert row["q95_mae_vs_naive"] == pytest.approx(np.quantile(ratios, 0.95))
    page = (out / "report.html").read_text()
    assert f"{SERIES} series" in page
    assert "s07" not in page
    assert "letter.csv" in page


def test_the_terminal_shows_the_market_and_not_each_series(market, found, tmp_path, capsys):
    """The command takes up what is finished."""
    out = shutil.copytree(found[1], tmp_path / "out")
    (tmp_path / "settings.json").write_text(json.dumps(CONFIG.to_dict()))
    options = ["--models", "linear", "--folds", "2", "--step", "10", "--config", str(tmp_path / "settings.json")]
    app(["compare", str(market), *options, "--jobs", "2", "--out", str(out)], standalone_mode=False)
    printed, told = capsys.readouterr()
    assert f"{SERIES} of {SERIES + 2} series are done, 2 failed" in told
    assert "Share of the series" in printed
    assert "s07" not in printed
    assert "more than 20 rows" in printed
    assert len(printed.splitlines()) < 50
    assert (out / "scores.csv").read_bytes() == (found[1] / "scores.csv").read_bytes()


def test_two_series_of_one_name_are_refused_before_anything_is_trained(market, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "s00.csv").write_bytes((market / "s00.csv").read_bytes())
    both = [str(market / "s00.csv"), str(tmp_path / "other" / "s00.csv")]
    with pytest.raises(ConfigError, match="name of its own. Received twice: s00"):
        compare(both, models=[], config=CONFIG, plan=PLAN, out=tmp_path / "out")
    assert not (tmp_path / "out" / "folds").exists()


def test_the_pace_is_of_what_was_done_here():
    assert pace_of(0, 5, 10) == ""
    assert pace_of(30, 10, 60) == "3.0 a second, 0:00:20 left"
    assert pace_of(1, 60, 120) == "1.0 a minute, 2:00:00 left"
    assert pace_of(8, 2, 0) == "4.0 a second"


def test_many_items_are_counted_and_a_few_are_not(capsys):
    assert list(counted(iter("abc"), "series", 3)) == list("abc")
    assert capsys.readouterr().err == ""
    assert list(counted(range(MANY), "series", MANY)) == list(range(MANY))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "0 of 2,000 series are done"
    assert lines[-1].startswith("2,000 of 2,000 series are done")
    assert len(lines) == 11
