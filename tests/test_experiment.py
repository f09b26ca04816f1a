"""One whole run: what is written, in what form, and that it fits together."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
from conftest import SMALL, make_series, random_walk

import forecast
from forecast.config import ExperimentConfig
from forecast.data.defaults import resolve_defaults
from forecast.errors import ConfigError, SeriesTooShort
from forecast.models import Callbacks
from forecast.report.plots.experiment import save_plots

MODELS = ["dense", "rnn"]


@pytest.fixture(scope="module")
def series():
    return make_series(random_walk(300), "walk")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs") / "walk"


@pytest.fixture(scope="module")
def result(series, folder):
    return forecast.run(series, models=MODELS, config=SMALL, out=folder)


def header(path):
    with path.open() as file:
        return next(csv.reader(file))


def test_tables_have_exactly_their_columns(result, folder):
    errors = ["mae", "mse", "rmse", "mape", "smape", "mase", "rmsse", "bias", "pinball", "crps"]
    held = ["winkler90", "coverage90", "width90", "direction", "direction_low", "direction_high"]
    skills = ["mae_vs_naive", "crps_vs_naive", "skill_naive", "skill_drift", "skill_seasonal_naive"]
    assert header(folder / "scores.csv") == ["model", *errors, *held, *skills, "network_share", "fit_seconds"]
    assert header(folder / "backtest.csv") == ["model", "origin", "step", "date", "actual", "q05", "q50", "q95"]
    assert header(folder / "forecast.csv") == ["model", "step", "date", "q05", "q10", "q25", "q50", "q75", "q90", "q95"]


def test_every_baseline_is_in_every_table(result, folder):
    names = [*MODELS, "naive", "drift", "seasonal_naive"]
    for table in ("scores", "backtest", "forecast"):
        assert pd.read_csv(folder / f"{table}.csv")["model"].unique().tolist() == names
    record = json.loads((folder / "run.json").read_text())
    assert list(record["verdict"]) == names
    assert record["bottom_line"] == result.bottom_line


def test_scores_can_be_worked_out_again_from_the_backtest(result, folder):
    backtest = pd.read_csv(folder / "backtest.csv")
    scores = pd.read_csv(folder / "scores.csv").set_index("model")
    error = (backtest["actual"] - backtest["q50"]).abs().groupby(backtest["model"]).mean()
    inside = backtest["actual"].between(backtest["q05"], backtest["q95"]).groupby(backtest["model"]).mean()
    for model in scores.index:
        assert scores.loc[model, "mae"] == pytest.approx(error[model])
        assert scores.loc[model, "coverage90"] == pytest.approx(inside[model])
        assert scores.loc[model, "mae_vs_naive"] == pytest.approx(error[model] / error["naive"])


def test_the_backtest_holds_every_origin_and_step_of_the_test_rows(result, series, folder):
    backtest = pd.read_csv(folder / "backtest.csv", parse_dates=["origin", "date"]).query("model == 'naive'")
    assert len(backtest) == (60 - 3 + 1) * 3
    assert backtest["date"].min() == series.index[240]
    assert backtest["date"].max() == series.index[-1]
    values = pd.Series(series.y, index=series.index)
    np.testing.assert_allclose(backtest["actual"], values[backtest["date"]])
    np.testing.assert_array_equal(backtest["q50"], values[backtest["origin"]])


def test_the_run_record_says_what_was_done(result, series, folder):
    record = json.loads((folder / "run.json").read_text())
    assert record["series"]["sha256"] == series.fingerprint()
    assert record["split"]["train"][0] == "2001-01-01"
    assert ExperimentConfig.from_dict(record["config"]) == resolve_defaults(SMALL, [series])
    assert set(record["versions"]) == {"forecast", "keras", "numpy", "tensorflow"}
    assert record["verdict"]["naive"]["outcome"] == "baseline"


def test_the_table_says_how_much_of_a_move_is_the_networks_own(result, series, folder):
    """Against the components of `explain`, which is another way to the same numbers."""
    shares = pd.read_csv(folder / "scores.csv").set_index("model")["network_share"]
    for name in MODELS:
        moves = result.models[name].moves(series)
        without = moves.usual + moves.shrinkage[:, :1] * moves.linear
        without, own = (np.abs(part) / moves.scale for part in (without, moves.shrinkage[:, 1:] * moves.network))
        tested = result.backtests[name].origin - moves.blocks.origin[0]
        own, whole = own.sum(axis=1)[tested], (own + without).sum(axis=1)[tested]
        assert shares[name] == pytest.approx(np.mean(own / np.where(whole > 0, whole, 1)))
    assert shares[["naive", "drift", "seasonal_naive"]].isna().all()


def test_saved_models_give_the_forecast_of_the_run(result, series, folder):
    for name in [*MODELS, "drift"]:
        again = forecast.open_model(folder / "models" / name).predict(series)
        np.testing.assert_array_equal(again.quantiles, result.forecasts[name].quantiles)


def test_pictures_are_pictures(result, folder):
    from matplotlib.image import imread

    names = {path.name for path in (folder / "plots").iterdir()}
    run = {"history.png", "backtest.png", "forecast.png", "losses.png", "comparison.png"}
    assert names == run | {"errors.png", "calibration.png"}
    for name in names:
        picture = imread(folder / "plots" / name)
        assert picture.shape[1] >= 800
        assert picture[..., :3].mean() > 0.7  # dark on white
        assert picture[..., :3].std() > 0.05  # and something is drawn


def test_baselines_alone_need_no_network(series, tmp_path):
    result = forecast.run(series, models=[], config=SMALL)
    assert list(result.models) == ["naive", "drift", "seasonal_naive"]
    save_plots(result, tmp_path)
    assert (tmp_path / "forecast.png").exists()


@pytest.mark.usefixtures("jobs_here")
def test_ctrl_c_keeps_what_there_is_and_skips_the_rest(series, tmp_path):
    def stop(step):
        if step.step == 5:
            raise KeyboardInterrupt

    result = forecast.run(
        series, models=["dense", "lstm"], config=SMALL, out=tmp_path / "run", callbacks=Callbacks(stop)
    )
    assert result.models["dense"].interrupted
    assert result.skipped == ("lstm",)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["interrupted"], record["skipped"]) == (["dense"], ["lstm"])
    assert "lstm" not in record["models"]


def test_an_error_leaves_no_half_written_result(series, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(ConfigError, match="holds something else"):
        forecast.run(series, models=[], config=SMALL, out=tmp_path / "mine")
    with pytest.raises(SeriesTooShort):
        forecast.run(make_series(random_walk(5)), models=[], out=tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
