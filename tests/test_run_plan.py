"""What is said and refused before anything is trained, and what serves a series too short for networks."""

import re
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from conftest import SMALL, make_series, random_walk

import forecast
from forecast import TimeSeries, load
from forecast.config import ExperimentConfig, override
from forecast.data.split import split_rows
from forecast.errors import ConfigError, SeriesError, SeriesTooShort
from forecast.evaluation import train_all
from forecast.evaluation.run_plan import plan_run, usual_models
from forecast.pipeline import run
from forecast.report import writer

SERIES = make_series(random_walk(300), "walk")
OTHER = make_series(random_walk(300, seed=2), "other")
# 40 rows: the validation rows, a tenth, are fewer than the horizon.
SHORT, LONG_HORIZON = make_series(random_walk(40), "short"), override(SMALL, {"horizon": 8, "season": 5})


@pytest.fixture
def without_pictures(monkeypatch):
    """Runs leave out plots and page, which take seconds."""
    monkeypatch.setattr(writer, "in_background", lambda **_: nullcontext(lambda *_, **__: None))
    monkeypatch.setattr(writer, "save_test_plots", lambda *_: None)
    monkeypatch.setattr(writer, "get_ready", lambda: None)


def test_names_go_in_any_case_and_once():
    assert plan_run(SERIES, ["LSTM", "lstm", "Naive"], SMALL).models == ("lstm", "naive", "drift", "seasonal_naive")
    direction = override(SMALL, {"task": "direction"})
    assert plan_run(SERIES, ["GRU", "gru"], direction).models == ("gru",)


def test_linear_stands_beside_networks_that_have_a_highway():
    assert usual_models(SMALL) == ("pretrained", "lstm", "gru", "rnn", "dense", "linear")
    assert "linear" not in usual_models(override(SMALL, {"highway": False}))
    assert "linear" not in usual_models(override(SMALL, {"task": "direction"}))
    assert "stack" in usual_models(override(SMALL, {"layers": "lstm:4"}))


def test_counts_with_many_zeros_are_compared_with_croston(monkeypatch):
    demand = make_series(np.arange(300) % 4 * (np.arange(300) % 3), "demand")
    assert usual_models(SMALL, SERIES, demand)[-1] == "croston"
    assert "croston" in plan_run(demand, None, SMALL).models
    for values in (demand.y + 0.5, demand.y - 1, demand.y + (np.arange(300) % 6 > 0)):
        assert "croston" not in usual_models(SMALL, make_series(values))
    monkeypatch.setattr("forecast.evaluation.run_plan.find_spec", lambda _: None)
    assert "croston" not in usual_models(SMALL, demand)


def test_daily_prices_are_compared_with_garch_and_har_and_ranges_are_told(monkeypatch):
    random = np.random.default_rng(0)
    walk = 100 * np.exp(np.cumsum(random.normal(0, 0.01, 400)))
    prices = make_series(walk)
    assert usual_models(SMALL, SERIES, prices)[-2:] == ("garch", "har")
    assert {"garch", "har"} <= set(plan_run(prices, None, SMALL).models)
    week = 50 + 10 * np.sin(np.arange(400) * 2 * np.pi / 7) + random.normal(size=400)
    hourly = TimeSeries("h", pd.date_range("2020-01-01", periods=400, freq="h"), walk[:, None], ("y",), "y")
    for other in (make_series(week), make_series(walk - walk.max() - 1), make_series(walk[:200]), hourly):
        assert "garch" not in usual_models(SMALL, other)
    assert "garch" not in usual_models(override(SMALL, {"task": "direction"}), prices)
    assert "finetuned" not in usual_models(SMALL, prices)
    assert usual_models(SMALL, make_series(week))[:2] == ("pretrained", "finetuned")
    assert plan_run(prices, ["linear"], SMALL).cautions == ()
    days = pd.DataFrame({"Open": walk - 0.1, "High": walk + 1, "Low": walk - 1, "Close": walk}, index=prices.index)
    (said,) = plan_run(load(days), ["linear"], SMALL).cautions
    assert "open, high and low" in said


def test_of_a_long_series_the_last_rows_are_tested_unless_shares_are_given(monkeypatch):
    monkeypatch.setattr("forecast.evaluation.run_plan.MOST_FORECASTS", 90)
    plan = plan_run(SERIES, ["linear"], SMALL)  # 3 steps ahead: 30 rows tested, and 15 before them for validation
    split = plan.dataset.split
    assert (split.validation, split.test, split.rows) == (255, 270, 300)
    assert plan.cautions[0].startswith("walk: of 300 rows the last 30 are tested, not the last fifth;")
    given = plan_run(SERIES, ["linear"], override(SMALL, {"train_share": 0.6}))
    assert (given.dataset.split.test, given.cautions) == (210, ())
    monkeypatch.setattr("forecast.evaluation.run_plan.MOST_FORECASTS", 180)
    assert plan_run(SERIES, ["linear"], SMALL).dataset.split.test == 240


@pytest.mark.parametrize("rows", [12, 20, 33, 47, 60, 119, 250])
@pytest.mark.parametrize(("lookback", "horizon"), [(64, 30), (8, 12), (36, 2)])
def test_the_horizon_and_lookback_that_a_refusal_names_fit_and_no_longer_horizon_does(rows, lookback, horizon):
    config = ExperimentConfig(lookback=lookback, horizon=horizon)
    try:
        split_rows(rows, config)
    except SeriesTooShort as error:
        fits = re.search(r"--horizon (\d+)( --lookback (\d+))?, which fits", str(error))
        found = (int(fits[1]), int(fits[3] or lookback)) if fits else (0, 2)
        if fits:
            split_rows(rows, ExperimentConfig(horizon=found[0], lookback=found[1]))
        for longer in range(found[0] + 1, horizon + 1):
            with pytest.raises(SeriesTooShort):
                split_rows(rows, ExperimentConfig(horizon=longer, lookback=2))


def test_where_networks_cannot_the_others_are_run_and_that_is_said_once():
    plan = plan_run(SHORT, None, LONG_HORIZON)
    assert plan.models[:4] == ("pretrained", "linear", "ets", "theta")
    assert plan.models[4:] == ("naive", "drift", "seasonal_naive")
    (said,) = plan.cautions
    assert said.startswith("short: too short for networks. lookback=8 and horizon=8 need about")
    assert "--horizon 4, which fits, or `forecast predict`, which needs no training. Left out: finetuned," in said
    assert "Tested instead: pretrained, linear" in said
    split = plan.dataset.split
    assert split.rows - split.test == split.test - split.validation == 8


def test_a_run_on_a_short_series_says_what_was_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr("forecast.evaluation.run_plan.find_spec", lambda _: None)  # without the extra `statistics`
    found = run(SHORT, models=["lstm"], config=LONG_HORIZON, out=tmp_path / "run")
    assert list(found.models) == ["linear", "naive", "drift", "seasonal_naive"]
    assert "Left out: lstm." in found.cautions[0]
    assert "Left out: lstm." in (tmp_path / "run" / "report.html").read_text()
    with pytest.raises(SeriesTooShort, match="which fit"):
        run(make_series(random_walk(20)), models=["lstm"], config=LONG_HORIZON)


def test_a_model_that_needs_a_longer_series_does_not_stop_the_others(monkeypatch):
    def too_short(*_):
        raise SeriesTooShort("seasonal_naive needs one whole season before a forecast.")

    monkeypatch.setattr("forecast.models.baselines.Baseline.fit", _unless("seasonal_naive", too_short))
    found = run(SERIES, models=[], config=SMALL)
    assert list(found.models) == ["naive", "drift"]
    assert found.cautions == ("seasonal_naive is left out. seasonal_naive needs one whole season before a forecast.",)
    assert found.skipped == ()


def _unless(name, instead):
    from forecast.models.baselines import Baseline

    fit = Baseline.fit
    return lambda self, *rest: instead() if self.name == name else fit(self, *rest)


def test_a_constant_target_is_one_clear_error_before_any_training(tmp_path):
    constant = make_series(np.full(300, 5.0), "flat")
    with pytest.raises(SeriesError, match=r"flat: a target must change.*Received: Close, which is 5 in all 300 rows"):
        run(constant, models=["dense"], config=SMALL, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_few_different_values_in_the_test_rows_are_said():
    steps = make_series(np.repeat(np.arange(100.0), 3), "steps")
    assert plan_run(steps, [], SMALL).cautions == ()
    few = make_series(np.concatenate([random_walk(240), np.arange(60) % 3]), "few")
    (said,) = plan_run(few, [], SMALL).cautions
    assert "few: the test rows of Close hold only 3 different values (0, 1, 2)" in said


@pytest.mark.usefixtures("without_pictures")
def test_the_same_run_again_replaces_the_first(tmp_path):
    for _ in range(2):
        run(SERIES, models=["linear"], config=SMALL, out=tmp_path / "run")
    run(SERIES, models=["linear", "esn"], config=override(SMALL, {"horizon": 2}), out=tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.usefixtures("without_pictures")
def test_what_the_new_run_would_not_make_is_named_and_kept(tmp_path):
    out = tmp_path / "run"
    run(SERIES, models=["linear"], config=SMALL, out=out)
    (out / "notes.txt").write_text("mine")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match=r"would be lost: models/linear, notes\.txt\. Choose another --out"):
        run(SERIES, models=[], config=SMALL, out=out)
    with pytest.raises(ConfigError, match=r"the models of walk \(drift, linear, naive, seasonal_naive\), notes\.txt"):
        run(OTHER, models=["linear"], config=SMALL, out=out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    run(OTHER, models=[], config=SMALL, out=out, overwrite=True)
    assert sorted(path.name for path in (out / "models").iterdir()) == ["drift", "naive", "seasonal_naive"]


@pytest.mark.usefixtures("without_pictures")
def test_ctrl_c_loses_no_model_of_the_earlier_run(tmp_path):
    def stop(step):
        if step.step == 5:
            raise KeyboardInterrupt

    out, models = tmp_path / "run", ["dense", "rnn"]
    run(SERIES, models=models, config=SMALL, out=out)
    kept = (out / "models" / "rnn" / "weights.npz").read_bytes()
    found = run(SERIES, models=models, config=SMALL, out=out, callbacks=forecast.Callbacks(stop))
    assert found.skipped == ("rnn",)
    assert (out / "models" / "rnn" / "weights.npz").read_bytes() == kept


@pytest.mark.usefixtures("without_pictures")
def test_the_command_says_it_before_the_training(tmp_path, monkeypatch, capsys):
    from forecast.cli.main import app

    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"Date": SERIES.index, "Close": np.arange(300) % 7}).to_csv("steps.csv", index=False)
    command = ["run", "steps.csv", "--models", "linear", "--lookback", "8", "--horizon", "3", "--out", "run"]
    app(command, standalone_mode=False)
    told = capsys.readouterr()
    assert "steps: the test rows of Close hold only 7 different values (0, 1, 2, 3, 4, 5, 6)" in told.err
    assert told.out.splitlines()[-1].startswith(("Use ", "Nothing here beats naive"))
    with pytest.raises(ConfigError, match="models/linear"):
        app([*command[:3], "naive", *command[4:]], standalone_mode=False)
    app([*command[:3], "naive", *command[4:], "--overwrite"], standalone_mode=False)


def test_a_model_that_is_tested_already_is_not_trained_again(walk, monkeypatch):
    plan = train_all.with_test(plan_run(walk, ["pretrained", "linear"], SMALL), "pretrained")
    names, train = [], train_all.train_together

    def recorded(targets, model, **options):
        names.append(model)
        return train(targets, model, **options)

    monkeypatch.setattr(train_all, "train_together", recorded)
    (found,) = train_all.train_all([plan])
    assert names == [name for name in plan.models if name != "pretrained"]
    assert found.tests["pretrained"] is plan.tests["pretrained"]
    assert list(found.models) == list(plan.models)
