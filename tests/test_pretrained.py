"""The network that comes with the package: what it mixes, what it sees, its equations, its first answer."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import psutil
import pytest
from conftest import make_series, take_ctrl_c
from sklearn.linear_model import Ridge
from typer.testing import CliRunner

import forecast
from forecast.cli.main import app
from forecast.config import MEDIAN, ExperimentConfig
from forecast.evaluation import zero_shot
from forecast.evaluation.scores import complete
from forecast.evaluation.verdicts import judge
from forecast.evaluation.zero_shot import answer, answer_each
from forecast.evaluation.zero_shot_plan import plan_at_once, stride_of
from forecast.inference import shrinkage
from forecast.metrics.significance import diebold_mariano
from forecast.models.pretrained import WEIGHTS, Pretrained, candidates, regressions
from forecast.models.pretrained.candidates import NAMES, factors, levels, pattern
from forecast.models.pretrained.estimator import FEWEST, MOST, _lengths, shipped_weights
from forecast.models.pretrained.features import FARTHEST, PLACES, Seen, look
from forecast.models.pretrained.mixing import SHAPES, mix
from forecast.runtime.parallel import run_jobs

RANDOM = np.random.default_rng(0)
TIME = np.arange(400)


def noisy(count=3, rows=400):
    return np.random.default_rng(1).standard_normal((count, rows)).cumsum(axis=1)


def of(made, name):
    return made[:, :, NAMES.index(name)]


def test_a_smoothed_level_and_a_damped_trend_are_their_recursions():
    x = noisy(1, 60)[0]
    share, slope_share, damping = candidates.DAMPED["damped"]
    level, slope = x[:10].mean(), 0.0
    for value in x:
        expected = level + damping * slope
        error = value - expected
        level, slope = expected + share * error, damping * slope + share * slope_share * error
    path = level + slope * np.cumsum(damping ** np.arange(1, 6))
    np.testing.assert_allclose(levels(x[None], 5, ("damped",))[0, :, 0], path, rtol=1e-10)
    smoothed = x[:5].mean()
    for value in x:
        smoothed = 0.8 * smoothed + 0.2 * value
    assert levels(x[None], 1, ("smoothed",))[0, 0, 0] == pytest.approx(smoothed, rel=1e-6)


def test_theta_is_half_the_slope_of_the_line():
    x = 3.0 + 0.5 * TIME[None, :200]
    first, last = levels(x, 10, ("theta",))[0, [0, 9], 0]
    assert (last - first) / 9 == pytest.approx(0.25, rel=1e-6)


def test_a_season_without_noise_is_found_with_any_trend():
    season = np.tile(RANDOM.standard_normal(12), 34)[:400]
    season -= np.tile(season[:12].mean(), 400)
    made = candidates.candidates((5 * season + 0.01 * TIME)[None, :388], (12,), 12, positive=False)
    np.testing.assert_allclose(of(made, "season_last")[0] - 0.01 * 388, 5 * season[388:400], atol=0.15)
    raised = np.exp(0.002 * TIME) * (10 + 3 * season / np.abs(season).max())
    found = factors(raised[None, :384], 12)[0]
    np.testing.assert_allclose(found, 1 + 0.3 * season[384:396] / np.abs(season).max(), atol=0.01)


def test_a_pattern_of_noise_is_shrunk_to_nothing():
    noise = np.random.default_rng(3).standard_normal((200, 120))
    raw = noise.reshape(200, 10, 12).mean(axis=1)
    assert pattern(noise, 12, 0.85).var() < 0.35 * raw.var()
    assert not pattern(noise[:, :20], 12, 0.85).any()


def test_seasons_ago_are_rows_of_the_window():
    x = noisy()
    made = candidates.candidates(x, (7, 28), 30, positive=False)
    rows = 400 + np.arange(30) - 7 * (1 + np.arange(30) // 7)
    np.testing.assert_allclose(of(made, "season_ago"), x[:, rows])
    np.testing.assert_allclose(of(made, "last"), np.repeat(x[:, [-1]], 30, axis=1))


def test_regressions_step_by_step_are_those_of_scikit_learn():
    """Two with other lags at a time, one with more rows than the other, each step on the ones before it."""
    chosen = [(noisy(2, 120), (1, 2, 3)), (noisy(2, 90) - 4, (1, 7))]
    made = regressions._iterate(chosen, 5)
    for number, (z, lags) in enumerate(chosen):
        rows, most = z.shape[1], max(lags)
        for window in range(2):
            earlier = np.stack([z[window, most - lag : rows - lag] for lag in lags], axis=1)
            penalty = (regressions.RIDGE + 1 / np.sqrt(rows)) * np.trace(earlier.T @ earlier) / len(lags)
            fitted = Ridge(penalty, fit_intercept=False).fit(earlier, z[window, most:])
            path = z[window].tolist()
            for _ in range(5):
                path.append(fitted.predict([[path[-lag] for lag in lags]])[0])
            np.testing.assert_allclose(made[number, window], path[-5:], rtol=1e-8)


@pytest.mark.parametrize("level", [0, 1e4])
@pytest.mark.parametrize("moves", [True, False])
def test_direct_regressions_are_those_of_scikit_learn(moves, level):
    """More windows than are multiplied together; rows far from 0 as well."""
    z, lags = noisy(regressions.TOGETHER + 2, 200) + level, np.array(regressions.DIRECT_LAGS)
    made, rows, steps = regressions._direct(z, 8)[moves], np.arange(24, 200 - 8), 3
    for window in (0, regressions.TOGETHER + 1):
        y = z[window]
        if moves:
            earlier, coming, now = (
                y[rows, None] - y[rows[:, None] - lags],
                y[rows + steps] - y[rows],
                y[-1] - y[199 - lags],
            )
        else:
            earlier, coming, now = y[rows[:, None] + 1 - lags], y[rows + steps], y[200 - lags]
        penalty = (regressions.RIDGE + 1 / np.sqrt(len(rows))) * np.trace(earlier.T @ earlier) / len(lags)
        expected = Ridge(penalty, fit_intercept=False).fit(earlier, coming).predict([now])[0]
        assert made[window, steps - 1] == pytest.approx(np.clip(expected, coming.min(), coming.max()), rel=1e-7)


def test_steps_between_those_of_direct_regressions_lie_on_lines():
    made = regressions._direct(noisy(2, 200), 10)[0]
    np.testing.assert_allclose(made[:, 8], (made[:, 7] + made[:, 9]) / 2)


def test_medians_and_logarithms_do_what_they_say():
    x = np.exp(0.01 * TIME[None, :360] + np.tile([0.5, -0.5, 0.0, 0.2], 90))
    made = candidates.candidates(x, (4,), 8, positive=True)
    coming = np.exp(0.01 * np.arange(360, 368) + np.tile([0.5, -0.5, 0.0, 0.2], 2))
    np.testing.assert_allclose(of(made, "logarithms_damped")[0, :2], coming[:2], rtol=0.02)
    spoiled = x.copy()
    spoiled[0, 350] = 1e6
    again = candidates.candidates(spoiled, (4,), 8, positive=True)
    for name in ("median_short", "median_long", "median_of_seasons"):
        np.testing.assert_allclose(of(again, name), of(made, name), rtol=0.15)
    assert of(made, "median_long")[0, 0] == pytest.approx(np.median(x[0, -candidates.MANY :]))


def test_errors_at_earlier_origins_are_those_of_the_candidates_there():
    x = noisy(2, 80)
    whole, _ = candidates.earlier_errors(x, (), positive=False)
    last = np.abs(x[:, [69]] - x[:, 70:80]).mean(axis=1) * 0.5
    last += np.abs(x[:, [59]] - x[:, 60:70]).mean(axis=1) * 0.3 + np.abs(x[:, [49]] - x[:, 50:60]).mean(axis=1) * 0.2
    np.testing.assert_allclose(whole[:, NAMES.index("last")], last)


def test_what_the_network_sees_does_not_depend_on_level_and_scale():
    x = noisy()
    one, other = look(x, (12,), 8, positive=False), look(250 * x, (12,), 8, positive=False)
    for name in ("rows", "about", "steps", "mixed", "spread"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), atol=1e-6)


def test_each_step_tells_how_far_rows_at_its_place_in_the_season_were_from_the_pattern():
    random = np.random.default_rng(6)
    size = np.where(np.arange(24) >= 18, 5.0, 1.0)
    season, noise = 30 * np.sin(2 * np.pi * np.arange(24) / 24), random.standard_normal((2, 40, 24))
    noise[1, :, 3] = 4 * (random.exponential(1, 40) - 1)  # rare large values above the pattern
    x = (season + size * noise).reshape(2, -1)
    near, over, skewness = look(x, (24,), 30, positive=False).steps[..., -PLACES:].transpose(2, 0, 1)
    assert near[0, 18:24].min() > near[0, :18].max() + 0.5
    assert over[0, 18:24].min() > over[0, :18].max() + 0.5
    np.testing.assert_array_equal(near[:, 24:], near[:, :6])
    assert skewness[1, 3] > 0.7
    assert abs(skewness[0].mean()) < 0.3
    assert not look(x[:, :60], (24,), 30, positive=False).steps[..., -PLACES:].any()  # too few seasons
    assert not look(x, (), 30, positive=False).steps[..., -PLACES:].any()


def test_no_candidate_is_far_from_the_others():
    x = np.where(TIME % 40 == 39, 1000.0, 10 + np.sin(TIME))[None, :399]
    seen = look(x, (), 20, positive=True)
    away = np.abs(seen.mixed - np.median(seen.mixed, axis=2, keepdims=True))
    assert away.max() <= FARTHEST * np.exp(seen.spread[0]) * (1 + 1e-9)


def test_the_learning_rate_rises_stays_and_falls():
    from forecast.training.pretrain import LEARNING_RATE, WARM_UP, learning_rate

    rates = [learning_rate(step, 1000) for step in range(1, 1001)]
    assert rates[WARM_UP // 2 - 1] == pytest.approx(LEARNING_RATE / 2)
    assert rates[WARM_UP - 1] == rates[699] == LEARNING_RATE
    assert rates[849] == pytest.approx(LEARNING_RATE / 2, rel=0.01)
    assert 0 < rates[-1] < 0.01 * LEARNING_RATE
    assert learning_rate(1, 2) > 0


def test_the_windows_of_an_origin_are_as_long_as_its_past_allows():
    lengths = _lengths(np.array([3, 15, 16, 100, 1022, 1023, 5000]), MOST)
    assert lengths[0] == lengths[1] == FEWEST
    assert (lengths[2:] <= np.array([17, 101, 1023, 1024, 5001])).all()
    assert lengths[-1] == lengths[-2] == MOST
    assert lengths[3] > 101 / 1.15


def test_the_shipped_weights_are_small_and_finite():
    weights = shipped_weights()
    assert {name: array.shape for name, array in weights.items()} == SHAPES
    assert all(np.isfinite(array).all() and array.dtype == np.float32 for array in weights.values())
    assert WEIGHTS.stat().st_size < 1e6


def test_the_equations_are_those_of_keras():
    from forecast.training import pretrain

    random, network = np.random.default_rng(0), pretrain.build()
    for one in network.trainable_variables:
        one.assign(np.asarray(one) + 0.05 * random.standard_normal(one.shape))
    drawn = pretrain.windows(random, 16)
    steps = np.arange(pretrain.LOOKED_AT)
    inputs, y = pretrain._drawn(drawn, np.arange(16), steps)
    expected = np.asarray(network.predict_on_batch(inputs))
    parts = [part.astype(float) for part in inputs]
    made = mix(pretrain.named_weights(network), Seen(*parts, np.ones(16))) * np.exp(-parts[-1])[:, None, None]
    np.testing.assert_allclose(made, expected, atol=1e-4)
    assert (np.diff(made, axis=2) > 0).all()
    levels = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
    error = y[..., None] - expected
    loss = 2 * np.maximum(levels * error, (levels - 1) * error).mean()
    assert float(pretrain.pinball(y, expected)) == pytest.approx(loss, rel=1e-5)


@pytest.fixture
def pretrain(monkeypatch):
    """The module, with small parts of its pool and small batches."""
    from forecast.training import pretrain

    monkeypatch.setattr(pretrain, "PART", 32)
    monkeypatch.setattr(pretrain, "BATCH", 32)
    return pretrain


@pytest.mark.slow
def test_a_pretraining_that_was_killed_goes_on_to_the_same_weights(pretrain, tmp_path, monkeypatch):
    """So that one recipe gives the same weights, and another one others."""
    monkeypatch.setattr(pretrain, "TOLD", 2)
    recipe, file = pretrain.Recipe(steps=8, pool=80, seed=3), tmp_path / "kept.npz"

    def kill(step, loss):
        assert np.isfinite(loss)
        if step == 4:
            raise KeyboardInterrupt

    whole = pretrain.pretrain(recipe)
    with pytest.raises(KeyboardInterrupt):
        pretrain.pretrain(recipe, checkpoint=file, on_step=kill)
    steps = []
    resumed = pretrain.pretrain(recipe, checkpoint=file, on_step=lambda step, _: steps.append(step))
    assert steps == [6, 8]
    assert whole.keys() == SHAPES.keys()
    for name, array in whole.items():
        np.testing.assert_array_equal(resumed[name], array)
    other = pretrain.Recipe(steps=8, pool=80, seed=4)
    assert not np.array_equal(pretrain.pretrain(other, checkpoint=file)["head/bias"], whole["head/bias"])


def test_what_is_drawn_at_a_step_does_not_depend_on_where_a_training_began(pretrain, monkeypatch):
    monkeypatch.setattr(pretrain, "REFRESH", 2)
    recipe = pretrain.Recipe(steps=9, pool=80, seed=3)
    whole, rest = list(pretrain._batches(recipe, 0)), list(pretrain._batches(recipe, 5))
    assert len(rest) == 4
    for one, other in zip(whole[5:], rest, strict=True):
        for first, second in zip([*one[0], one[1]], [*other[0], other[1]], strict=True):
            np.testing.assert_array_equal(first, second)


def test_windows_left_out_and_their_labels():
    from forecast.training.pretrain import STEPS_AHEAD, windows

    made = windows(np.random.default_rng(5), 32, without=("seasonal",))
    assert made["y"].shape == (32, STEPS_AHEAD)
    assert all(np.isfinite(part).all() for part in made.values())


def scores_of(values, **config):
    found = answer(make_series(values), ExperimentConfig(**config)).judge()
    return {row.model: row for row in found.scores}


@pytest.mark.parametrize("seed", [0, 1])
def test_a_random_walk_is_forecast_by_its_last_value(seed):
    walk = 100 + np.random.default_rng(seed).standard_normal(1500).cumsum() * 0.5
    scores = scores_of(walk, horizon=10)
    assert scores["pretrained"].mae_vs_naive == pytest.approx(1, abs=0.006)
    assert scores["pretrained"].crps <= 1.01 * scores["naive"].crps
    assert 0.8 < scores["pretrained"].coverage90 < 0.98


def test_days_with_and_without_promotion_are_forecast_as_such():
    """0 or 1 for days on end: windows that do not move at all decide nothing, and quantiles are 0 or 1."""
    random = np.random.default_rng(2)
    y = np.concatenate([np.repeat([0.0, 1.0], [random.integers(10, 90), random.integers(3, 12)]) for _ in range(25)])
    scores = scores_of(y, horizon=14)
    assert scores["pretrained"].mae < 0.9 * scores["naive"].mae
    assert scores["pretrained"].pinball < 1.1 * scores["naive"].pinball


def test_a_season_is_forecast_better_than_by_the_last_one():
    random = np.random.default_rng(4)
    season = np.tile(random.standard_normal(7) * 5, 60)
    scores = scores_of(50 + season + random.standard_normal(420), horizon=14, season=7)
    assert scores["pretrained"].mae < 0.85 * scores["seasonal_naive"].mae
    assert scores["pretrained"].crps < 0.85 * scores["seasonal_naive"].crps


def test_trust_is_the_whole_of_the_network_until_it_fails():
    start = np.tile(shrinkage.initial_losses(), (2, 1))
    trust = np.array([Pretrained.trust, -1.0])
    begin = shrinkage.factors_of(start, horizon=12, trust=trust)[:, 1]
    assert begin[0] > 0.9
    assert begin[1] < 0.2
    np.testing.assert_array_equal(shrinkage.factors_of(start, horizon=12)[:, 1], begin[[1, 1]])
    failing = start + 100 * shrinkage.EXPERTS[:, 1]
    assert (shrinkage.factors_of(failing, horizon=12, trust=trust)[:, 1] < 0.2).all()


def test_predict_in_python_and_at_the_terminal_is_the_forecast_of_a_run(tmp_path):
    file = tmp_path / "sales.csv"
    y = 100 + 10 * np.sin(2 * np.pi * np.arange(300) / 7) + np.random.default_rng(0).standard_normal(300)
    dates = np.datetime64("2020-01-01") + np.arange(300)
    file.write_text("Date,Sales\n" + "".join(f"{day},{value:.3f}\n" for day, value in zip(dates, y, strict=True)))
    made = forecast.predict(file, horizon=6)
    assert made.quantiles.shape == (6, 7)
    assert made.dates[0] == "2020-10-27"
    shown = CliRunner().invoke(app, ["predict", str(file), "--horizon", "6", "--json"])
    assert shown.exit_code == 0, shown.output
    record = json.loads(shown.stdout)
    np.testing.assert_allclose([step["q50"] for step in record["forecast"]], made.quantiles[:, MEDIAN])
    assert record["test"]["rows"] == 60
    assert record["test"]["mae_vs_naive"] < 0.5
    text = CliRunner().invoke(app, ["predict", str(file), "--horizon", "6"])
    assert "the network that comes with the package" in text.stdout
    assert "of naive's" in text.stdout


def kinds():
    """Prices, walks of numbers, seasons and counts, of several lengths; two have one name, one is too short."""
    random = np.random.default_rng(8)
    season = np.tile(random.standard_normal(7) * 5, 43)[:300]
    found = [
        100 * np.exp(0.01 * random.standard_t(4, 300).cumsum()),
        50 + season + random.standard_normal(300),
        random.standard_normal(300).cumsum(),
        random.poisson(0.7, 300).astype(float),
        100 * np.exp(0.02 * random.standard_t(4, 300).cumsum()),
        50 + 3 * season[:200] + random.standard_normal(200),
        np.array([1.0, 2.0, 3.0]),
    ]
    names = ("price", "season", "walk", "counts", "price", "short", "too short")
    return [replace(make_series(y), name=name) for y, name in zip(found, names, strict=True)]


def test_an_answer_is_the_same_in_a_crowd_and_alone():
    config = ExperimentConfig(horizon=12)
    crowd = dict(answer_each(kinds() * 2, config))
    assert sorted(crowd) == list(range(14))
    assert str(crowd[6]).startswith("too short: lookback=2 and horizon=1 need")
    for place, series in enumerate(kinds()[:-1]):
        alone = answer(series, config)
        for one in (crowd[place], crowd[place + 7]):
            assert one.forecast.series == series.name
            np.testing.assert_array_equal(one.backtest.quantiles, alone.backtest.quantiles)
            assert one.record() == alone.record()
            assert one.sentence() == alone.sentence()


def test_answers_of_processes_side_by_side_are_the_same_to_the_last_bit(monkeypatch):
    monkeypatch.setattr(zero_shot, "SERIES_PER_PROCESS", 4)
    monkeypatch.setattr(zero_shot, "CHUNK", 3)
    started = []
    monkeypatch.setattr(
        zero_shot, "run_jobs", lambda *args, **named: (started.append(named), run_jobs(*args, **named))[1]
    )
    config = ExperimentConfig(horizon=6)
    alone, together = (dict(zero_shot.answer_many(kinds() * 2, config, jobs=jobs)) for jobs in (1, 2))
    assert started == [{"workers": 2}]
    assert sorted(alone) == sorted(together) == list(range(14))
    for place, one in together.items():
        if place % 7 == 6:
            assert str(one) == str(alone[place])
            assert type(one) is type(alone[place])
            continue
        assert (one.forecast.series, one.test, one.sentence) == (
            *(kinds()[place % 7].name, alone[place].test, alone[place].sentence),
        )
        np.testing.assert_array_equal(one.forecast.quantiles, alone[place].forecast.quantiles)


def test_ctrl_c_ends_many_answers_and_their_processes(tmp_path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame(100 + random.standard_normal((200, 240)).cumsum(axis=0)).add_prefix("s")
    frame.set_index(pd.bdate_range("2020-01-01", periods=200, name="date")).to_csv(tmp_path / "wide.csv")
    command = [sys.executable, "-m", "forecast", "predict", "wide.csv:*", "--json", "--jobs", "2"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, preexec_fn=take_ctrl_c
    ) as process:
        while len(found := psutil.Process(process.pid).children(recursive=True)) < 2:
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        shown, said = process.communicate(timeout=60)
    assert (process.returncode, shown) == (130, "")
    assert said.endswith("forecast: stopped; nothing was written.\n")
    assert not psutil.wait_procs(found, timeout=30)[1]


def test_an_answer_judged_is_the_same_test_beside_the_baselines():
    found = answer(kinds()[0], ExperimentConfig(horizon=12))
    judged = found.judge()
    assert list(judged.backtests) == ["pretrained", "naive", "seasonal_naive"]
    for backtest in judged.backtests.values():
        np.testing.assert_array_equal(np.diff(backtest.origin), backtest.stride)
        np.testing.assert_array_equal(backtest.origin, judged.backtests["pretrained"].origin)
    assert judged.scores[0].mae_vs_naive == found.record()["mae_vs_naive"]
    assert judged.scores[0].mae / judged.scores[1].mae == pytest.approx(judged.scores[0].mae_vs_naive)
    np.testing.assert_array_equal(judged.forecasts["pretrained"].quantiles, found.forecast.quantiles)


def test_a_verdict_knows_how_many_neighbouring_origins_overlap():
    found = answer(kinds()[1], ExperimentConfig(horizon=12, season=7))
    tested = complete(found.backtest)
    assert (tested.stride, tested.overlap) == (3, 4)
    (verdict,) = judge({"pretrained": tested}, [found.scores], y=kinds()[1].y, unit="units")
    gain = np.abs(tested.actual - tested.last_value[:, None]) - np.abs(tested.actual - tested.quantiles[..., MEDIAN])
    assert verdict.p_value == pytest.approx(diebold_mariano(gain.mean(axis=1), horizon=4))


@pytest.mark.parametrize(
    ("horizon", "season", "rows", "stride"),
    [(30, 5, 2500, 7), (1, 1, 1000, 2), (28, 7, 500, 6), (48, 24, 1500, 11), (12, 12, 300, 3), (8, 4, 200, 1)],
)
def test_origins_are_a_quarter_of_the_horizon_apart_and_in_several_phases_of_a_season(horizon, season, rows, stride):
    config = ExperimentConfig(horizon=horizon, season=season)
    plan = plan_at_once(make_series(np.random.default_rng(0).standard_normal(rows).cumsum() + 100), config)
    assert stride_of(plan.dataset) == stride
    origins = answer(plan.dataset.series, config).backtest.origin
    assert origins[-1] == rows - 1
    assert len(np.unique(origins % season)) >= min(season, 4)


def test_several_series_in_python_and_at_the_terminal(tmp_path):
    several = kinds()[:3]
    made = forecast.predict(several, horizon=12)
    assert [one.series for one in made] == ["price", "season", "walk"]
    for one, series in zip(made, several, strict=True):
        np.testing.assert_allclose(one.quantiles, forecast.predict(series, horizon=12).quantiles, rtol=1e-9)
    assert forecast.predict([]) == []
    assert len(forecast.predict([float(value) for value in several[0].y], horizon=3)) == 3
    with pytest.raises(forecast.ForecastError, match="longer series"):
        forecast.predict(kinds())
    dates = np.datetime64("2020-01-01") + np.arange(300)
    for one in kinds():
        rows = "".join(f"{day},{value:.6f}\n" for day, value in zip(dates, one.y, strict=False))
        (tmp_path / f"{one.name}.csv").write_text(f"Date,Value\n{rows}")
    shown = CliRunner().invoke(app, ["predict", str(tmp_path), "--horizon", "12", "--json"])
    assert shown.exit_code == 1
    assert "too short: lookback=2" in shown.stderr
    records = json.loads(shown.stdout)["forecasts"]
    assert [one["series"] for one in records] == sorted({one.name for one in kinds()} - {"too short"})
    assert all(one["test"]["origins"] > 5 for one in records)


def test_options_that_need_a_model_say_so(tmp_path):
    for options in (["--out", "x.parquet"], ["--backend", "keras"], ["--horizon", "3", "--model", str(tmp_path)]):
        shown = CliRunner().invoke(app, ["predict", "data/sp500.csv", *options])
        assert isinstance(shown.exception, forecast.ForecastError)
        assert "--model" in str(shown.exception)


def test_the_first_answer_needs_no_tensorflow():
    code = (
        "import sys, forecast; forecast.predict('data/sea_temperature.csv', horizon=3); "
        "print(*(name for name in ('tensorflow', 'keras', 'sklearn', 'statsforecast') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("horizon", [40, 77, 79, 80])
def test_a_forecast_as_long_as_the_tested_rows_is_tested_once_at_least(horizon):
    """Of 400 rows 80 are tested: forecasts from a fifth of the horizon apart might end after the last of them."""
    found = answer(make_series(noisy(1)[0] + 100), ExperimentConfig(horizon=horizon))
    said = found.record()
    assert said["origins"] >= 1
    assert np.isfinite([said["mae"], said["mae_vs_naive"], said["coverage90"]]).all()
    if horizon == 80:
        assert said["origins"] == 1
        assert "from 1 origin," in found.sentence()


def test_a_series_too_short_is_refused_and_a_short_one_is_forecast():
    with pytest.raises(forecast.ForecastError, match="longer series"):
        answer(make_series(np.arange(5.0)))
    made = answer(make_series(np.random.default_rng(0).standard_normal(40).cumsum() + 20)).judge()
    assert np.isfinite(made.forecasts["pretrained"].quantiles).all()
