"""Series of a few rows, of which some are missing: each model forecasts them, or says what is lacking."""

import json

import numpy as np
import pandas as pd
import pytest
from commands import run_command
from conftest import SMALL, make_series, random_walk

import forecast
from forecast.cli.tables.forecasts import print_outlook
from forecast.config import ExperimentConfig
from forecast.errors import SeriesTooShort
from forecast.evaluation.zero_shot import answer

CLASSICAL = ("linear", "ets", "theta", "croston", "esn", "forest", "garch", "har", "pretrained", "finetuned")


def short(seed: int, *, rows: int, missing: float) -> pd.Series:
    random = np.random.default_rng(seed)
    values = pd.Series(random.normal(size=rows).cumsum(), pd.date_range("2020-01-01", periods=rows))
    return values.mask(random.uniform(size=rows) < missing)


@pytest.mark.parametrize("model", CLASSICAL)
@pytest.mark.parametrize(("rows", "missing"), [(7, 0.0), (9, 0.3), (15, 0.3), (18, 0.5), (30, 0.5)])
def test_a_short_series_is_forecast_or_refused(model, rows, missing):
    for seed in range(2):
        try:
            found = forecast.run(short(seed, rows=rows, missing=missing), models=[model])
        except SeriesTooShort as error:
            assert "Use a" in str(error)
            continue
        left_out = any(caution.startswith(f"{model} is left out. ") for caution in found.cautions)
        assert left_out or np.isfinite(found.forecasts[model].quantiles).all()


def test_a_network_without_a_known_validation_row_says_so():
    """Its validation loss is no number then; that is not a training that diverged."""
    values = random_walk(300)
    values[208:242] = np.nan
    found = forecast.run(make_series(values), models=["dense"], config=SMALL)
    assert found.cautions[-1].startswith("dense is left out. a network needs known values among the validation rows")
    with pytest.raises(SeriesTooShort, match="no further from one another than the horizon. Received: none. Use a"):
        forecast.train(make_series(values), "dense", SMALL)


def test_of_several_series_the_one_that_is_too_short_is_named():
    several = {name: pd.Series(random_walk(rows)) for name, rows in (("long", 150), ("brief", 12))}
    with pytest.raises(SeriesTooShort, match="brief: lookback=.* Or leave this series out"):
        forecast.train(several, "linear")


def test_forecasts_of_different_horizons_stand_under_their_steps(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    several = [make_series(random_walk(rows), name) for name, rows in (("brief", 12), ("long", 150))]
    print_outlook(forecast.predict(several))
    header, _, brief, long = capsys.readouterr().out.splitlines()[1:5]
    assert brief.rstrip().endswith("USD")
    assert brief.index("USD") == long.index("USD") == header.index("unit")


def test_a_panel_may_hold_a_series_without_a_window():
    several = [make_series(random_walk(rows), f"s{rows}") for rows in (20, 150)]
    trained = forecast.train(several, "linear", ExperimentConfig(horizon=2, lookback=3))
    assert len(trained.trained_on) == 2


def months(rows: int, seed: int = 0) -> pd.Series:
    """A year's season and noise, month by month."""
    noise = np.random.default_rng(seed).normal(size=rows)
    return pd.Series(season_of(np.arange(rows)) + noise, pd.date_range("2015", periods=rows, freq="MS"))


def season_of(month: np.ndarray) -> np.ndarray:
    return 50 + 10 * np.sin(2 * np.pi * month / 12)


@pytest.mark.parametrize(("rows", "tested"), [(24, 2), (36, 3), (45, 3), (60, 12)])
def test_a_year_ahead_of_two_years_of_months(rows, tested):
    """It is tested as far as the rows suffice; where the whole year is tested, the forecast is that of the test."""
    found = answer(forecast.load(months(rows)), ExperimentConfig(horizon=12))
    assert (len(found.forecast), found.tested_steps, found.record()["steps"]) == (12, tested, tested)
    assert np.abs(found.forecast.median - season_of(np.arange(rows, rows + 12))).mean() < 1.2
    reach = f"The test reaches {tested} steps ahead, the forecast 12: the rows do not suffice to test more."
    assert found.sentence().endswith(reach) == (tested < 12)
    assert (np.diff(found.forecast.quantiles, axis=1) >= 0).all()


def test_intervals_beyond_the_tested_steps_hold_what_they_say():
    """Of random walks of three years, twelve months ahead, of which three are tested."""
    walks = [pd.Series(random_walk(48, seed), months(48).index, name=f"walk{seed}") for seed in range(40)]
    found = forecast.predict([walk[:36] for walk in walks], horizon=12)
    came = np.array([walk[36:] for walk in walks])
    low, high = (np.array([one.quantiles[:, side] for one in found]) for side in (0, -1))
    assert 0.84 < ((low <= came) & (came <= high)).mean() < 0.97
    np.testing.assert_array_equal(forecast.predict(walks[3][:36], horizon=12).quantiles, found[3].quantiles)


def test_the_command_says_how_far_its_test_reaches(tmp_path):
    months(24).rename("Sales").rename_axis("Date").to_csv(tmp_path / "sales.csv")
    done = run_command("predict", "sales.csv", "--horizon", "12", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (len(found["forecast"]), found["test"]["steps"]) == (12, 2)


@pytest.mark.parametrize("rows", [20, 24, 30, 40])
def test_a_season_that_leaves_no_room_for_the_horizon_is_none(rows):
    """Of 30 days 14 remain for training beside a test and validation of 8: a week and 8 more are too many."""
    days = pd.Series(
        random_walk(rows) + 5 * np.sin(np.arange(rows) * 2 * np.pi / 7), pd.date_range("2020", periods=rows)
    )
    horizon = 8 if rows >= 30 else 5
    assert len(forecast.predict(days, horizon=horizon)) == horizon
    found = forecast.run(days, models=["linear"], horizon=horizon)
    assert {"naive", "drift", "seasonal_naive"} <= found.forecasts.keys()


def test_the_training_rows_may_hold_just_a_season_and_the_horizon():
    """Of four years of months two are left for training: the first origin is the last month of the first year."""
    found = forecast.run(months(48), models=["ets", "pretrained"], horizon=12)
    assert found.config.season == 12
    scores = {row.model: row.mae_vs_naive for row in found.scores}
    assert max(scores[name] for name in ("seasonal_naive", "ets", "pretrained")) < 0.4
