"""Walk-forward comparison: folds by hand, the past alone, the same table however often it was interrupted."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import SMALL, make_series, random_walk, take_ctrl_c

from forecast.cli.main import app
from forecast.config import override
from forecast.data.defaults import resolve_defaults
from forecast.errors import ConfigError, SeriesTooShort
from forecast.evaluation.walk_forward import Fold, WalkForward
from forecast.evaluation.walk_forward.fold_job import FoldJob, read_folds, run_fold_job
from forecast.evaluation.walk_forward.folds import group_by_training, make_folds
from forecast.evaluation.walk_forward.summary import models_table, table_of
from forecast.pipeline import compare
from forecast.report.comparison_writer import record
from forecast.runtime.parallel.jobs import MARK
from forecast.training.train import train

ROOT = Path(__file__).parent.parent
CONFIG = override(SMALL, {"season": 5})
CHEAP = ["linear"]
PLAN = WalkForward(folds=3, stride=10)


def series(seed=1, rows=120, name="made"):
    return make_series(random_walk(rows, seed), name)


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    out = tmp_path_factory.mktemp("comparison")
    several = [series(1, name="one"), series(2, name="two"), series(3, name="three")]
    return compare(several, models=CHEAP, config=CONFIG, plan=PLAN, out=out, jobs=2), out


def test_folds_by_hand():
    folds = make_folds(100, WalkForward(folds=2, stride=20), CONFIG)
    assert folds == (Fold(1, 0, 60, 60, 80), Fold(2, 0, 80, 80, 100))
    rolling = make_folds(100, WalkForward(folds=2, stride=20, train="rolling"), CONFIG)
    assert rolling == (Fold(1, 0, 60, 60, 80), Fold(2, 20, 80, 80, 100))
    never = make_folds(100, WalkForward(folds=3, stride=10, refit=0), CONFIG)
    assert [fold.trained for fold in never] == [70, 70, 70]
    second = make_folds(100, WalkForward(folds=4, stride=10, refit=2), CONFIG)
    assert [fold.trained for fold in second] == [60, 60, 80, 80]
    assert [[fold.number for fold in part] for part in group_by_training(second)] == [[1, 2], [3, 4]]


def test_without_a_step_the_test_rows_are_shared_out():
    folds = make_folds(200, WalkForward(folds=4), CONFIG)
    assert [fold.cutoff for fold in folds] == [160, 170, 180, 190]
    assert folds[-1].stop == 200


def test_no_row_is_tested_twice_or_learned_from_before(comparison):
    found, out = comparison
    rows = pd.read_parquet(out / "folds")
    for _, own in rows[rows["model"] == "linear"].groupby("series", observed=True):
        assert not own.duplicated(["origin", "step"]).any()
        tested = {number: set(part["origin"] + part["step"]) for number, part in own.groupby("fold")}
        assert all(min(tested[number + 1]) > max(tested[number]) for number in (1, 2))
    for one in found.results.values():
        for fold in one.folds:
            assert fold.trained <= fold.cutoff


@pytest.mark.parametrize("train_on", ["expanding", "rolling"])
def test_a_fold_is_a_training_on_the_past_alone(tmp_path, train_on):
    """What a job leaves is what a training on the rows before the cutoff gives; later rows may be anything."""
    whole = series()
    folds = make_folds(len(whole), WalkForward(folds=3, stride=10, train=train_on), CONFIG)
    config = resolve_defaults(CONFIG, [whole])
    values = whole.values.copy()
    values[folds[1].stop :] = 1e6
    garbled = replace(whole, values=values)
    jobs = [
        FoldJob(one[: folds[1].stop], "linear", config, folds[1:2], 0, tmp_path / str(number))
        for number, one in enumerate((whole, garbled))
    ]
    for job in jobs:
        run_fold_job(job)
    found, other = (read_folds([job]) for job in jobs)
    np.testing.assert_array_equal(found.quantiles, other.quantiles)
    past = whole[folds[1].start : folds[1].stop]
    model = train(past, "linear", config, cutoff=folds[1].trained - folds[1].start)
    expected = model.backtest(past, first=folds[1].cutoff - 1 - folds[1].start)
    np.testing.assert_array_equal(found.quantiles, expected.quantiles[: len(found.origin)])
    assert found.origin.tolist() == list(range(folds[1].cutoff - 1, folds[1].stop - 3))
    np.testing.assert_array_equal(found.actual[0], whole.y[folds[1].cutoff : folds[1].cutoff + 3])


@pytest.mark.usefixtures("jobs_here")
def test_jobs_do_not_change_the_result(comparison):
    """Workers give what this process gives."""
    found, _ = comparison
    again = compare([one.series for one in found.results.values()], models=CHEAP, config=CONFIG, plan=PLAN, jobs=1)
    assert json.dumps(record(again)) == json.dumps(record(found))


def test_tables_fit_together(comparison):
    found, out = comparison
    scores, folds, steps = (table_of(found, name) for name in ("scores", "by_fold", "by_step"))
    assert list(scores["series"].unique()) == ["one", "two", "three"]
    for (name, model), own in folds.groupby(["series", "model"], sort=False):
        whole = scores[(scores["series"] == name) & (scores["model"] == model)].iloc[0]
        assert own["mae"].mean() == pytest.approx(whole["mae"])
        by_step = steps[(steps["series"] == name) & (steps["model"] == model)]
        assert by_step["mae"].mean() == pytest.approx(whole["mae"])
    summary = models_table(found).set_index("model")
    assert (summary[["better", "not_distinguishable", "worse"]].sum(axis=1) == [3, 0, 3, 3]).all()
    assert summary.loc["naive", "mae_vs_naive"] == 1
    assert summary["mean_rank"].sum() == pytest.approx(10)
    for name in ("scores", "by_fold", "by_step", "models"):
        assert len(pd.read_csv(out / f"{name}.csv")) > 0
    json.loads((out / "compare.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert {path.name for path in (out / "plots").iterdir()} == {"ranks.png", "skill.png", "one", "two", "three"}


def test_scores_agree_with_a_plain_sum_over_the_parquet_files(comparison):
    found, out = comparison
    rows = pd.read_parquet(out / "folds")
    error = (rows["actual"] - rows["q50"]).abs().groupby([rows["series"], rows["model"]], observed=True).mean()
    for row in table_of(found, "scores").itertuples():
        assert row.mae == pytest.approx(error[row.series, row.model])


@pytest.mark.usefixtures("jobs_here")
def test_what_is_finished_is_not_done_again(comparison):
    found, out = comparison
    told = []
    before = {path: path.stat().st_mtime_ns for path in (out / "folds").iterdir()}
    one = found.results["one"].series
    compare(one, models=CHEAP, config=CONFIG, plan=PLAN, out=out, on_progress=told.append)
    trainings = [news for news in told if news.stage == "trainings"]
    assert [(news.done, news.total) for news in trainings] == [(12, 12)]
    assert {path: path.stat().st_mtime_ns for path in (out / "folds").iterdir()} == before
    compare(one, models=[], config=override(CONFIG, {"lookback": 9}), plan=PLAN, out=out, on_progress=told.append)
    trainings = [news for news in told if news.stage == "trainings"]
    assert trainings[1].done == 0  # other settings are other folds


def test_a_series_that_is_too_short_is_named_and_the_others_are_compared(tmp_path):
    found = compare([series(1, name="long"), series(2, rows=30, name="short")], models=[], config=CONFIG, plan=PLAN)
    assert list(found.results) == ["long"]
    assert list(found.errors) == [("short", "")]
    assert "rows" in found.errors["short", ""]
    flat = make_series(np.full(120, 5.0), "flat")
    found = compare([series(1, name="long"), flat], models=[], config=CONFIG, plan=PLAN)
    assert "flat: a target must change" in found.errors["flat", ""]
    with pytest.raises(SeriesTooShort, match="as many rows as the horizon"):
        compare(series(1), models=[], config=CONFIG, plan=WalkForward(folds=10, stride=2))
    with pytest.raises(SeriesTooShort, match="5 folds of 30 rows need more than 150 rows"):
        compare(series(1), models=[], config=CONFIG, plan=WalkForward(folds=5, stride=30))


def test_wrong_plans_and_folders_are_refused(tmp_path):
    for plan in ({"folds": 0}, {"stride": 0}, {"train": "sliding"}, {"refit": -1}):
        with pytest.raises(ConfigError, match="must be"):
            WalkForward(**plan)
    with pytest.raises(ConfigError, match="name of its own"):
        compare([series(1), series(2)], models=[], config=CONFIG, plan=PLAN)
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(ConfigError, match="holds something else"):
        compare(series(1), models=[], config=CONFIG, plan=PLAN, out=tmp_path)


def command(folder, out, *options):
    """Two series, four models, four folds: 32 jobs."""
    return [
        *(sys.executable, "-m", "forecast", "compare", str(folder / "one.csv"), str(folder / "two.csv")),
        *("--models", "linear", "--folds", "4", "--step", "8", "--horizon", "6", "--lookback", "12"),
        *("--out", str(out), *options),
    ]


def write(folder):
    for number, name in enumerate(("one", "two")):
        one = make_series(random_walk(260, number))
        pd.DataFrame({"Date": one.index, "Close": one.y}).to_csv(folder / f"{name}.csv", index=False)


@pytest.mark.slow
def test_a_comparison_that_was_killed_twice_ends_with_the_same_table(tmp_path, capsys, monkeypatch):
    write(tmp_path)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    for kind in (signal.SIGKILL, signal.SIGINT):
        started = subprocess.Popen(
            command(tmp_path, tmp_path / "cut"), env=env, stdout=-3, stderr=-3, preexec_fn=take_ctrl_c
        )
        folds = tmp_path / "cut" / "folds"
        before = len(list(folds.glob("*.parquet"))) if folds.exists() else 0
        for _ in range(1200):
            time.sleep(0.05)
            if folds.exists() and len(list(folds.glob("*.parquet"))) > before + 2:
                break
        started.send_signal(kind)
        assert started.wait(120) in (-signal.SIGKILL, 130)
    some = len(list(folds.glob("*.parquet")))
    assert 0 < some < 32
    cut = subprocess.run(command(tmp_path, tmp_path / "cut"), env=env, capture_output=True, text=True, timeout=300)
    assert cut.returncode == 0, cut.stderr
    _, _, _, *whole = command(tmp_path, tmp_path / "whole", "--jobs", "1")
    monkeypatch.setenv(MARK, "1")
    app(whole, standalone_mode=False)
    assert cut.stdout.replace("cut", "whole") == capsys.readouterr().out
    for name in ("scores.csv", "by_fold.csv", "by_step.csv", "models.csv", "compare.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
