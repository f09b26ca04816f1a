"""Series of a few rows, of which some are missing: each model forecasts them, or says what is lacking."""

import numpy as np
import pandas as pd
import pytest
from conftest import SMALL, make_series, random_walk

import forecast
from forecast.cli.tables.forecasts import print_outlook
from forecast.config import ExperimentConfig
from forecast.errors import SeriesTooShort

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
