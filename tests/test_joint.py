"""Several columns that one network forecasts at once."""

import json
import os
from dataclasses import replace
from html import escape

import numpy as np
import pandas as pd
import pytest
from commands import ALONE, QUICK, run_command
from conftest import random_walk

import forecast
from forecast.config import ExperimentConfig, InputConfig, override
from forecast.data.dataset import prepare
from forecast.data.sources import load, load_together
from forecast.errors import BundleError, ConfigError, ModelError, SeriesError, SourceError
from forecast.evaluation.joint import plan_together
from forecast.models import MODELS
from forecast.models.equations import cells
from forecast.models.estimator import Problem
from forecast.models.neural.architecture import outputs_of, stack_of
from forecast.models.neural.joint import known_together, weights_of
from forecast.models.volatility import with_volatility
from forecast.report import joint_writer

SMALL = {"lookback": 8, "horizon": 2, "units": 6, "depth": 1, "labels": 8, "batch": 8}


def leader_and_follower(rows=600):
    """A walk, a column that is where the walk was the day before, and one that knows nothing of either."""
    leader, noise = 100 + random_walk(rows), np.random.default_rng(1).standard_normal(rows)
    follower = 50 + np.concatenate([leader[:1], leader[:-1]]) - 100 + 0.1 * noise
    return pd.DataFrame(
        {"leader": leader, "follower": follower, "other": 20 + random_walk(rows, seed=5)},
        pd.date_range("2001-01-01", periods=rows, name="date"),
    )


def ohlc(rows=400):
    random = np.random.default_rng(3)
    close = 100 * np.exp(0.01 * random_walk(rows))
    opened = np.concatenate([close[:1], close[:-1]])
    high, low = (np.maximum(opened, close) * 1.004, np.minimum(opened, close) * 0.997)
    high = high * (1 + 0.002 * random.random(rows))
    frame = {"Open": opened, "High": high, "Low": low, "Close": close}
    return pd.DataFrame(frame, pd.bdate_range("2001-01-01", periods=rows, name="Date"))


@pytest.fixture(scope="module")
def found():
    options = {**SMALL, "max_steps": 60, "learning_rate": 0.02, "highway": False}
    return forecast.run(leader_and_follower(), target=["leader", "follower", "other"], models=["dense"], **options)


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn", "sru", "dense", "stack"])
def test_the_models_of_targets_are_the_parts_of_one_network(kind):
    """Each sees its own target first, and gives what the head for all of them gives at its place."""
    config = override(ExperimentConfig(), {**SMALL, "layers": "lstm:5,dense:4"})
    problem, random, targets = Problem(config, 4, 1, 1, 8), np.random.default_rng(0), 3
    whole = replace(problem, targets=targets)
    stack = stack_of(kind, problem)
    shapes = {name: shape for name, shape in MODELS[kind].shapes(whole).items() if "highway" not in name}
    weights = {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    assert outputs_of(whole)[0] == targets * problem.horizon
    x = random.standard_normal((5, 12, 5)).astype(np.float32)
    every = cells.forward(stack, weights, x, lookback=8, horizon=targets * problem.horizon)
    for place in range(targets):
        order = [place, *(column for column in range(5) if column != place)]
        own = weights_of(weights, place, kind, problem, targets)
        alone = cells.forward(stack, own, x[:, :, order], lookback=8, horizon=problem.horizon)
        expected = every[:, :, place * problem.horizon : (place + 1) * problem.horizon]
        assert np.allclose(alone, expected, atol=1e-4)


def test_every_target_sees_the_same_windows_in_an_order_of_its_own():
    """Though the close alone has ranges, which its labels are measured by."""
    names = ["Open", "High", "Low", "Close"]
    config = override(ExperimentConfig(), {**SMALL, "season": 1})
    windows = []
    for view in load_together(ohlc(), names, config):
        joint = (view.target, *(name for name in names if name != view.target))
        dataset = prepare(view, replace(config, inputs=InputConfig(joint=joint)))
        inputs = with_volatility(dataset, dataset.scaler)
        assert np.isfinite(inputs.log_scale[-1]).all()
        problem = Problem(dataset.config, 4, 0, 1, 8)
        blocks = MODELS["lstm"].blocks(inputs, np.arange(150, 390), problem)
        windows.append(blocks.x[:, :, [joint.index(name) for name in names]])
    for other in windows[1:]:
        assert np.allclose(windows[0], other, rtol=1e-5, atol=1e-6)


def test_one_network_learns_from_a_column_what_comes_in_another(found):
    follower = found["follower"]
    scores = {row.model: row for row in follower.scores}
    assert scores["dense"].mae_vs_naive < 0.75
    alone = forecast.run(
        leader_and_follower()[["follower"]], models=["dense"], **SMALL, max_steps=60, learning_rate=0.02, highway=False
    )
    assert next(row for row in alone.scores if row.model == "dense").mae_vs_naive > 0.9
    other = next(row for row in found["OTHER"].scores if row.model == "dense")
    assert other.mae_vs_naive == pytest.approx(1, abs=0.05)  # nothing to learn, and nothing lost


def test_the_targets_share_all_but_the_head(found):
    weights = [one.models["dense"].weights for one in found.targets.values()]
    first = "dense_1/kernel"
    assert np.array_equal(weights[0][first][:, [1, 0, 2]], weights[1][first])
    assert np.array_equal(weights[0][first][:, [2, 0, 1]], weights[2][first])
    assert np.array_equal(weights[0]["dense_1/bias"], weights[1]["dense_1/bias"])
    assert not np.array_equal(weights[0]["head/kernel"], weights[1]["head/kernel"])


def test_results_by_target(found):
    assert list(found) == ["leader", "follower", "other"]
    quantiles = found.quantiles("dense")
    assert quantiles.shape[1:] == (3, 2, 7)
    assert np.array_equal(quantiles[:, 1], found["follower"].backtests["dense"].quantiles)
    table = found.to_frame()
    assert list(table.columns[:1]) == ["target"]
    assert table.groupby("target").size().to_dict() == dict.fromkeys(found, 4)
    assert set(found.to_frame("forecast")["target"]) == set(found)
    assert found["leader"].bottom_line in found.bottom_line
    assert escape(found["leader"].bottom_line) in found._repr_html_()
    assert len(repr(found)) < 1000
    with pytest.raises(ConfigError, match="a target must be one of leader, follower, other"):
        found["nobody"]


def test_forecasts_do_not_depend_on_later_rows_of_any_column(found):
    frame = leader_and_follower()
    changed = frame.copy()
    changed.iloc[560:] *= 1.5
    for target, one in found.targets.items():
        model = one.models["dense"]
        before, after = (model.backtest(source, first=540) for source in (frame, changed))
        rows = before.origin < 560
        assert np.array_equal(before.quantiles[rows], after.quantiles[rows]), target
        assert not np.array_equal(before.quantiles[~rows], after.quantiles[~rows])


def test_labels_count_only_where_all_targets_are_known_at_the_origin():
    frame = leader_and_follower(120)
    frame.iloc[50, 0] = np.nan
    config = override(ExperimentConfig(), SMALL)
    names = list(frame)
    blocks = []
    for view in load_together(frame, names, config):
        joint = (view.target, *(name for name in names if name != view.target))
        inputs = prepare(view, replace(config, inputs=InputConfig(joint=joint))).inputs
        blocks.append(MODELS["lstm"].blocks(inputs, np.arange(48, 53), Problem(config, 3, 0, 1, 8)))
    leader, follower, _ = known_together(blocks)
    assert np.isfinite(blocks[1].y).all()
    assert np.isnan(follower[2]).all()
    assert np.isfinite(follower[[0, 1, 3, 4]]).all()
    assert np.isnan(leader[1, 0, 0])
    assert np.isnan(leader[0, 0, 1])


@pytest.mark.slow
@pytest.mark.usefixtures("jobs_here")
def test_a_run_on_disk_forecasts_again_without_the_run(tmp_path):
    frame = ohlc()
    source = tmp_path / "prices.csv"
    frame.to_csv(source)
    out = tmp_path / "run"
    options = {"models": ["dense", "linear"], "out": out, "max_steps": 8, **SMALL}
    made = forecast.run(source, target=["Open", "Close"], **options)
    assert {path.name for path in out.iterdir()} == {"Open", "Close", "scores.csv", "forecast.csv", "joint.json"}
    assert list(pd.read_csv(out / "scores.csv")["target"].unique()) == ["Open", "Close"]
    assert json.loads((out / "joint.json").read_text())["targets"]["Open"]["folder"] == "Open"
    for target in ("Open", "Close"):
        model = forecast.open_model(out / target / "models" / "dense")
        again = model.predict(source)  # which loads the target and the columns beside it
        assert np.allclose(again.quantiles, made[target].forecasts["dense"].quantiles, rtol=1e-6)
        assert f"{out}/{target}/models" in (out / target / "report.html").read_text()
    several = load_together(source, ["Open", "Close"], ExperimentConfig())
    joint_writer.check_folder(out, plan_together(several, ["dense", "linear"], override(ExperimentConfig(), SMALL)))
    with pytest.raises(ConfigError, match="would be lost: Open"):
        forecast.run(source, target=["High", "Close"], **options)
    with pytest.raises(ConfigError, match="would be lost: models/linear"):
        forecast.run(source, target=["Open", "Close"], **{**options, "models": ["dense"]})
    with pytest.raises(ConfigError, match=f"folder of several targets: give one of {out}/Close, {out}/Open"):
        forecast.check(out, source)
    with pytest.raises(
        BundleError, match=r"/\*/models/NAME' takes one of dense, drift, linear, naive, seasonal_naive of each"
    ):
        forecast.open_model(out)
    model = forecast.open_model(out / "Open" / "models" / "dense")
    with pytest.raises(ModelError, match="the target must be Open, which is forecast together with Close"):
        model.predict(load(source, target="Close", columns=["Open"]))


def test_what_cannot_be_forecast_together():
    frame = leader_and_follower(200)
    with pytest.raises(ConfigError, match="each target must be another column"):
        forecast.run(frame, target=["leader", "Leader"])
    with pytest.raises(ConfigError, match="must name a column"):
        forecast.run(frame, target=[])
    with pytest.raises(ConfigError, match=r"name of one column; forecast\.run takes several"):
        forecast.load(frame, target=["leader", "other"])
    with pytest.raises(SourceError, match=r"Received: leader, other\. Several at once are for forecast run\."):
        forecast.train(frame, "linear", target="leader, other")
    with pytest.raises(ConfigError, match="several targets are forecast by value"):
        forecast.run(frame, target=["leader", "other"], task="direction", models=["dense"], **SMALL)
    with pytest.raises(ConfigError, match="go with one target"):
        forecast.run(frame, target=["leader", "other"], indicators=["RSI"])
    with pytest.raises(ConfigError, match="name other columns than `features`"):
        forecast.run(frame, target=["leader", "other"], features=["other"])
    with pytest.raises(ConfigError, match="sru of 2 units; give it other --units"):
        forecast.run(frame, target=["leader", "other"], models=["sru"], **{**SMALL, "units": 2})
    frame.iloc[-20:, 2] = np.nan
    with pytest.raises(SeriesError, match="must have values in the first row and in the last"):
        forecast.run(frame, target=["leader", "other"])


def test_another_target_of_a_series_has_not_the_ranges_of_the_close():
    series = load(ohlc(), columns=["Open"])
    assert len(series.ranges)
    assert not len(load(series, target="Open").ranges)


@pytest.mark.slow
def test_run_and_predict_at_the_terminal(tmp_path):
    ohlc(200).to_csv(tmp_path / "prices.csv")

    def call(*arguments):
        return run_command(
            *arguments, "--quiet", folder=tmp_path, environment=os.environ | ALONE | QUICK | {"COLUMNS": "80"}
        )

    quick = [f"--{name}={value}" for name, value in SMALL.items()]
    done = call("run", "prices.csv", "--target", "Open, close", "--models", "dense", "--steps=8", "--out=run", *quick)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("prices, ")] == [
        f"prices, {target}: test on 2001-08-13 to 2001-10-05, up to 2 sessions ahead" for target in ("Open", "Close")
    ]
    assert [line.split()[0] for line in lines if line.startswith(("Open  ", "Close  "))] == ["Open", "Close"]
    assert max(len(line) for line in lines if "│" in line or "─" in line) <= 80
    assert [line.partition(":")[0] for line in lines[-2:]] == ["Open", "Close"]
    told = call("predict", "prices.csv", "--model", "run/*/models/dense", "--json")
    made = json.loads(told.stdout)["forecasts"]
    assert [one["series"] for one in made] == ["prices:Close", "prices:Open"]
    kept = pd.read_csv(tmp_path / "run" / "forecast.csv")
    kept = kept[(kept["target"] == "Open") & (kept["model"] == "dense")]
    assert np.allclose([step["q50"] for step in made[1]["forecast"]], kept["q50"], rtol=1e-6)
    refused = call("predict", "prices.csv", "--model", "run/*/models/*")
    assert refused.returncode == 1
    assert "a pattern must match models of one target each" in refused.stderr
    assert "4 of Close, 4 of Open" in refused.stderr
    many = call("run", "prices.csv", "--target", "Open,Nobody", "--models", "dense", *quick)
    assert "must be one of" in many.stderr and "Received: Nobody" in many.stderr
