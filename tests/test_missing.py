"""Missing values: how they are filled in inputs, and masked everywhere else."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
from conftest import EVERY, make_inputs, make_problem, make_series

import forecast
from forecast.config import QUANTILES, override
from forecast.data.defaults import default_horizon, default_lookback, resolve_defaults
from forecast.data.fill import fill
from forecast.data.grid import TimeGrid
from forecast.data.inputs import Inputs
from forecast.data.panel import Panel
from forecast.data.resample import resample_series
from forecast.data.seasons import find_seasons
from forecast.data.split import split_rows
from forecast.data.windows import filled_labels, make_blocks, outcomes
from forecast.errors import ConfigError, ForecastError, SeriesError
from forecast.evaluation.walk_forward.series_result import fold_rows
from forecast.inference import conformal, shrinkage
from forecast.models.highway import apply_highway, fit_highway

NAN = float("nan")


def daily(rows=900, seed=0):
    """A week and noise, on all days."""
    index = pd.date_range("2020-01-06", periods=rows)
    week = np.array([0, 2, 3, 3, 6, 12, 9.0])[index.day_of_week]
    return pd.Series(50 + week + np.random.default_rng(seed).normal(0, 0.5, rows), index, name="visits")


def test_forward_filling_repeats_and_linear_filling_bridges():
    values = np.array([1, NAN, NAN, 4, NAN, 6.0])
    assert fill(values, "forward").tolist() == [1, 1, 1, 4, 4, 6]
    assert fill(values, "linear").tolist() == [1, 2, 3, 4, 5, 6]
    with pytest.raises(ConfigError, match="forward, linear, seasonal. Received: mean"):
        fill(values, "mean")


def test_seasonal_filling_follows_the_last_seasons_and_meets_both_ends():
    """One season before: 0 5 0 0. At the hole the line from 10 to 14 is 12, and the bump of 5 stands on it."""
    values = np.array([0, 5, 0, 0, 10, NAN, 14, 14.0])
    assert fill(values, "seasonal", season=4)[5] == 17
    assert fill(values, "seasonal")[5] == 12


def test_a_hole_longer_than_a_season_takes_the_last_whole_one():
    pattern = np.tile([0, 1, 5, 2.0], 6)
    values = pattern.copy()
    values[13:19] = NAN
    np.testing.assert_allclose(fill(values, "seasonal", season=4), pattern)


@pytest.mark.parametrize("how", ["forward", "linear", "seasonal"])
def test_filling_at_a_known_row_needs_nothing_after_it(how):
    values = daily(120).to_numpy().copy()
    values[np.random.default_rng(1).random(120) < 0.3] = NAN
    values[[0, 80]] = 50.0
    later = values.copy()
    later[81:] = 1e6
    np.testing.assert_array_equal(fill(values, how, season=7)[:81], fill(later, how, season=7)[:81])


def test_labels_and_scales_leave_missing_values_out():
    """Known differences are 1 and 3: their mean is 2. The label of step 1 is missing, that of step 2 is 4."""
    inputs = Inputs(np.array([[0.0], [1], [4], [5], [8]]), np.zeros((5, 0)), np.array([True, True, True, False, True]))
    blocks = make_blocks(inputs, np.array([2]), lookback=2, horizon=2)
    assert blocks.scale[0, 0, 0] == 2
    np.testing.assert_allclose(blocks.y[0, 0], [NAN, 4 / (2 * np.sqrt(2))])
    np.testing.assert_allclose(filled_labels(blocks)[0, 0], [0.5, 4 / (2 * np.sqrt(2))])
    assert np.isnan(make_blocks(inputs, np.array([3]), lookback=2, horizon=1).y).all()


def test_the_scale_of_a_window_with_a_hole_is_that_of_its_known_differences():
    values = np.arange(12.0)
    known = np.ones(12, bool)
    known[4:8] = False
    values[4:8] = 100.0  # whatever stands there
    blocks = make_blocks(Inputs(values[:, None], np.zeros((12, 0)), known), np.array([10]), lookback=10, horizon=1)
    assert blocks.scale[0, 0, 0] == 1


def test_a_hole_that_goes_on_behind_the_test_rows_is_filled_from_before_them():
    inputs = Inputs(
        np.array([[1.0], [2], [9], [16], [5]]), np.zeros((5, 0)), np.array([True, True, False, False, True])
    )
    assert inputs.until(4).past[:, 0].tolist() == [1, 2, 2, 2]
    assert inputs.until(2).past[:, 0].tolist() == [1, 2]
    assert inputs.past[:, 0].tolist() == [1, 2, 9, 16, 5]


def test_the_highway_finds_the_same_map_with_and_without_holes():
    """A wave without noise: the linear map is exact, and labels that are missing do not bend it."""
    rows = np.arange(600)
    wave = np.sin(2 * np.pi * rows / 7) + 0.5 * np.cos(2 * np.pi * rows / 11)
    known = np.random.default_rng(0).random(600) >= 0.15
    problem = make_problem(override(EVERY, {"horizon": 4, "lookback": 24}))
    errors = []
    for mask in (np.ones(600, bool), known):
        inputs = Inputs(wave[:, None], np.zeros((600, 0)), mask)  # the inputs as they are, labels masked
        weights = fit_highway(Panel.of([inputs], [split_rows(600, problem.config)]), problem)
        blocks = make_blocks(make_inputs(wave), np.arange(500, 590), lookback=24, horizon=4)
        errors.append(np.abs(blocks.y - apply_highway(weights, blocks)).mean())
    assert max(errors) < 0.002  # of a move of the size of the window's scale


def test_shrinkage_takes_missing_outcomes_to_be_as_the_known_ones():
    y, levels = np.tile([1.0, 1.0, 1.0], (30, 1)), np.zeros((30, 3, len(QUANTILES)))
    parts = shrinkage.Parts(levels, np.zeros((30, 3, 1)), levels + 1)
    whole = shrinkage.new_losses(parts, y)
    holey = np.where(np.random.default_rng(0).random((30, 3)) < 0.3, NAN, y)
    found = shrinkage.new_losses(parts, holey)
    some = np.array([np.isfinite([holey[row - step, step - 1] for step in (1, 2, 3)]).any() for row in range(3, 30)])
    np.testing.assert_allclose(found[3:][some], whole[3:][some])
    assert not found[3:][~some].any()


def test_widths_do_not_move_where_nothing_is_known():
    quantiles = np.broadcast_to(np.linspace(-1, 1, len(QUANTILES)), (40, 3, len(QUANTILES)))
    start = conformal.initial_scale(3)
    found = conformal.follow(quantiles, np.full((40, 3), NAN), start)
    np.testing.assert_array_equal(found, np.zeros((40, 3, 2)))


def test_widths_are_calibrated_though_no_origin_has_all_outcomes():
    random = np.random.default_rng(0)
    quantiles = np.broadcast_to(np.linspace(-0.5, 0.5, len(QUANTILES)), (600, 3, len(QUANTILES)))
    y = random.normal(0, 1, (600, 3))
    y[np.arange(600), np.arange(600) % 3] = NAN
    apart = 400 / np.arange(1, 4)  # outcomes of a step that do not overlap, beside 60 that are as they should be
    expected = (1.645 / 0.5) ** (apart / (apart + 60))
    found = np.exp(conformal._conform(quantiles, y)).mean(axis=1)
    np.testing.assert_allclose(found, expected, rtol=0.15)


@pytest.mark.parametrize("pattern", ["random", "fifth"])
def test_a_daily_series_with_holes_is_tested_and_forecast_as_it_is(pattern):
    """The gravest case of all: every fifth value empty, tested 95 % and held 20 %. Here the truth is known."""
    whole = daily(1100)
    kept = np.random.default_rng(2).random(1100) >= 0.2 if pattern == "random" else np.arange(1100) % 5 != 2
    kept[[0, 899, 1099]] = True
    past, every = forecast.load(whole[:900][kept[:900]]), forecast.load(whole[kept])
    assert (past.grid, len(past)) == (TimeGrid("D"), 900)
    result = forecast.run(past, models=["linear"])
    scores = {row.model: row for row in result.scores}["linear"]
    made = result.models["linear"].backtest(every, first=899)
    truth = outcomes(whole.to_numpy(), made.origin, horizon=28)
    known = np.isfinite(truth) & np.isfinite(made.quantiles[..., 3])
    inside = (made.quantiles[..., 0] <= truth) & (truth <= made.quantiles[..., -1])
    assert 0.82 < inside[known].mean() < 0.97
    assert abs(inside[known].mean() - scores.coverage90) < 0.09
    assert np.abs(truth - made.quantiles[..., 3])[known].mean() < 1.25 * scores.mae
    dates = pd.to_datetime(result.forecasts["linear"].dates)
    assert dates.tolist() == pd.date_range(whole.index[899], periods=29)[1:].tolist()


def test_seasons_of_hours_are_a_day_and_a_week_found_in_training_rows():
    index = pd.date_range("2023-01-02", periods=2400, freq="h")
    load = 8 * np.sin(2 * np.pi * index.hour / 24) - 5 * (index.day_of_week >= 5)
    series = forecast.load(pd.Series(load + np.random.default_rng(0).normal(0, 0.5, 2400), index, name="load"))
    config = resolve_defaults(override(EVERY, {"season": None}), [series])
    assert (config.seasons, config.season) == ((24, 168), 168)
    later = pd.Series(np.where(np.arange(2400) < 1680, series.y, 0.0), index, name="load")
    assert resolve_defaults(override(EVERY, {"season": None}), [forecast.load(later)]).seasons == (24, 168)
    assert resolve_defaults(override(EVERY, {"season": 12, "lookback": None}), [series]).seasons == (12,)


def autocorrelated(rows, seed, keep=0.8):
    return pd.Series(np.random.default_rng(seed).normal(size=rows)).ewm(alpha=1 - keep).mean().to_numpy()


@pytest.mark.parametrize(("frequency", "season"), [("D", 365), ("MS", 12), ("W-SUN", 52)])
def test_two_years_are_enough_for_the_season_of_a_year(frequency, season):
    grid, rows = TimeGrid(frequency), 2 * season + season // 3
    wave = np.cos(2 * np.pi * np.arange(rows) / season)
    assert find_seasons(10 * wave + autocorrelated(rows, 1), grid) == (season,)
    assert find_seasons((10 * wave + autocorrelated(rows, 1))[: 2 * season - 1], grid) == ()


def test_in_two_years_without_a_season_none_is_found_but_by_chance():
    found = [find_seasons(autocorrelated(800, seed), TimeGrid("D")) for seed in range(200)]
    walks = [find_seasons(np.random.default_rng(seed).normal(size=800).cumsum(), TimeGrid("D")) for seed in range(200)]
    assert sum(map(bool, found)) <= 6
    assert sum(map(bool, walks)) <= 8


@pytest.mark.parametrize(
    ("frequency", "rows", "expected"),
    [
        *[("h", 5000, 48), ("B", 5000, 30), ("D", 1000, 28), ("W-FRI", 500, 13), ("MS", 200, 12), ("ME", 200, 12)],
        *[
            ("QS", 120, 8),
            ("YS", 70, 5),
            ("BME", 200, 12),
            ("D", 60, 5),
            ("D", 5, 1),
            ("min", 9000, 30),
            ("2h", 900, 24),
            ("10s", 900, 30),
            ("100ms", 900, 12),
        ],
    ],
)
def test_the_horizon_goes_with_the_frequency(frequency, rows, expected):
    assert default_horizon(TimeGrid(frequency), rows) == expected


@pytest.mark.parametrize("frequency", ["s", "10s", "100ms", "h", "W-SUN", "MS"])
def test_series_shorter_than_the_season_of_their_frequency_are_forecast(frequency):
    for rows in (20, 40, 60, 75, 78, 79, 80, 81, 82, 85, 110, 120):  # 52 weeks and the horizon end near 80
        index = pd.date_range("2024-01-07", periods=rows, freq=frequency)
        values = np.random.default_rng(rows).normal(size=rows).cumsum()
        assert len(forecast.predict(pd.Series(values, index)).quantiles) == default_horizon(TimeGrid(frequency), rows)


def test_a_hole_over_whole_folds_leaves_their_scores_undefined():
    values = np.random.default_rng(0).normal(size=1000).cumsum() + 100
    values[640:905] = np.nan
    series = forecast.load(pd.Series(values, pd.date_range("2020-01-03", periods=1000)), name="hole")
    result = forecast.compare(series, models="linear", folds=4, horizon=4).results["hole"]
    folds = fold_rows(result).drop(columns=["series", "first", "last"]).set_index(["fold", "model"])
    assert folds.loc[:2].drop(columns="fit_seconds", errors="ignore").isna().all(axis=None)
    assert np.isfinite(folds.loc[3:, ["mae", "crps"]]).all(axis=None)


@pytest.mark.parametrize("rows", [8, 10, 14, 20])
def test_a_few_rows_with_missing_values_are_forecast_or_refused(rows):
    """Warnings are errors here: of a mean of nothing, or of quantiles of it."""
    refused = 0
    for seed in range(12):
        random = np.random.default_rng(seed)
        values = np.where(random.random(rows) < 0.3, np.nan, random.normal(size=rows))
        values[[0, -1]] = 0.5, 1.0
        series = pd.Series(values, pd.date_range("2020-01-03", periods=rows, freq="MS"))
        for call in (forecast.predict, partial(forecast.run, models="linear"), partial(forecast.train, model="linear")):
            try:
                call(series)
            except ForecastError:
                refused += 1
    assert 0 < refused < 36


def test_minutes_are_forecast_to_the_end_of_the_session():
    grid = TimeGrid("min", "1111100", windows=tuple((day * 86400 + 34200, day * 86400 + 57540) for day in range(5)))
    assert default_horizon(grid, 9000, pd.Timestamp("2024-03-06 15:00")) == 59
    assert default_horizon(grid, 9000, pd.Timestamp("2024-03-06 15:55")) == 30


def test_the_lookback_goes_with_the_frequency_and_the_rows():
    assert [default_lookback(TimeGrid(one), 9999) for one in ("h", "30min", "W-FRI", "MS", "QE", "B")] == [
        336,
        336,
        104,
        36,
        16,
        64,
    ]
    assert default_lookback(TimeGrid("h"), 100) == 15


def test_irregular_rows_are_refused_before_anything_is_trained_and_the_cure_works(tmp_path):
    random = np.random.default_rng(0)
    times = pd.Timestamp("2024-01-02") + pd.to_timedelta(np.cumsum(random.exponential(300, 5000)).round(), unit="s")
    trades = pd.Series(100 + np.cumsum(random.normal(0, 0.1, 5000)), times, name="price")
    trades = trades[~trades.index.duplicated()]
    with pytest.raises(SeriesError, match=r"--every 1h --how last|--every \S+ --how last"):
        forecast.run(forecast.load(trades), models=["naive"])
    hourly = forecast.load(trades, every="1h")
    assert (hourly.grid, hourly.notes[-1]) == (TimeGrid("h"), "one row every 1h: the last of price (--how)")
    expected = trades.resample("1h").last()
    inside = expected[hourly.index[0] : hourly.index[-1]]
    np.testing.assert_array_equal(hourly.y, inside)
    assert forecast.run(hourly, models=["linear"], config=override(EVERY, {"season": None})).forecasts["linear"]


@pytest.mark.parametrize(("name", "how"), [("Close", "last"), ("sales", "sum"), ("Volume", "sum"), ("temp", "mean")])
def test_how_rows_become_one_goes_with_the_name(name, how):
    index = pd.date_range("2024-01-01", periods=48, freq="30min")
    series = forecast.load(pd.Series(np.arange(48.0), index, name=name))
    found = resample_series(series, "1h")
    assert found.y[3] == {"last": 7, "sum": 13, "mean": 6.5}[how]
    assert resample_series(series, "1h", "mean").y[3] == 6.5


def test_how_needs_every_and_knows_three_ways():
    series = make_series(np.arange(50.0))
    with pytest.raises(ConfigError, match="give --every as well"):
        forecast.load(series, how="mean")
    with pytest.raises(ConfigError, match="last, mean, sum. Received: median"):
        forecast.load(series, every="2D", how="median")
    with pytest.raises(ConfigError, match="as in 15min, 1h, 1D, W or MS. Received: often"):
        forecast.load(series, every="often")


def test_filled_values_are_shown_but_neither_learned_nor_scored(tmp_path):
    whole = daily(400)
    kept = np.arange(400) % 6 != 3
    series = forecast.load(whole[kept], fill="seasonal")
    assert np.isfinite(series.y).all()
    assert series.notes[-1] == "66 missing values were filled (seasonal); no score counts them"
    assert np.abs(series.y - whole.to_numpy()[:-1])[~series.known].mean() < 1.5
    plain = forecast.load(whole[kept])
    for one, other in zip(forecast.run(series, models=[]).scores, forecast.run(plain, models=[]).scores, strict=True):
        assert one.mae == pytest.approx(other.mae, rel=0.02)


def test_a_file_with_holes_goes_through_the_commands(tmp_path, monkeypatch, capsys):
    from forecast.cli.main import app

    whole = daily(400)
    whole[np.arange(400) % 5 == 2] = NAN
    whole.rename_axis("date").to_csv(tmp_path / "visits.csv")
    monkeypatch.chdir(tmp_path)
    app(["inspect", "visits.csv", "--json"], standalone_mode=False)
    (found,) = json.loads(capsys.readouterr().out)["series"]
    assert (found["rows"], found["missing"], found["grid"], found["seasons"]) == (320, 80, "D", [7])
    app(["run", "visits.csv", "--models", "linear", "--out", "run"], standalone_mode=False)
    table = pd.read_csv("run/backtest.csv")
    assert not table["actual"].isna().all()
    app(["predict", "visits.csv", "--model", "run/models/linear", "--csv", "next.csv"], standalone_mode=False)
    told = pd.read_csv("next.csv")
    assert told["date"].iloc[0] == str(whole.index[-1].date() + pd.Timedelta(days=1))[:10]
    shown = pd.read_csv("run/forecast.csv").query("model == 'linear'")
    np.testing.assert_allclose(told["q50"], shown["q50"])
