"""How a forecast did, now that its dates have come: what it promised by hand, and exit statuses of real processes."""

import json

import numpy as np
import pandas as pd
import pytest
from commands import run_command
from conftest import make_series, random_walk
from scipy.stats import norm

import forecast
from forecast.config import LEVELS, QUANTILES
from forecast.data.series import TimeSeries
from forecast.errors import ConfigError, SeriesError
from forecast.evaluation.follow_up import follow_up
from forecast.evaluation.given_forecasts import read_forecasts


def forecast_of(series, first, steps, spread=1.0, model="lstm", off=0.0):
    """Normal quantiles around the last value before row `first`, wider with the square root of the step."""
    ahead = np.arange(1, steps + 1)[:, None]
    quantiles = series.y[first - 1] + off + spread * np.sqrt(ahead) * norm.ppf(QUANTILES)
    future = pd.bdate_range(series.index[0], periods=first + steps)[first:]
    table = pd.DataFrame(quantiles, columns=LEVELS).assign(date=future, model=model, series=series.name)
    return read_forecasts(table, baselines=True)


def test_what_is_promised_is_what_the_quantiles_say(walk):
    """Of one step: a mean absolute error of sigma times the root of 2 / pi, and the two tails of the normal."""
    table = forecast_of(walk, 150, 1, spread=2.0)
    (found,) = follow_up(table, {"made": walk})
    assert found.promised == pytest.approx(2 * np.sqrt(2 / np.pi), rel=0.03)
    error = abs(walk.y[150] - walk.y[149])
    assert found.mae == found.naive_mae == pytest.approx(error)
    assert found.p_value == pytest.approx(2 * norm.sf(error / 2), abs=0.02)
    assert (found.come, found.steps, found.inside, found.advice) == (1, 1, 1, "forecast")
    assert found.origin == walk.index[149].strftime("%Y-%m-%d")


@pytest.mark.parametrize(("steps", "advice"), [(30, "forecast"), (70, "nothing")])
def test_a_forecast_that_held_needs_nothing_until_its_dates_are_over(walk, steps, advice):
    (found,) = follow_up(forecast_of(walk, 150, steps), {"made": walk})
    assert found.advice == advice
    assert found.come == min(steps, 50)
    assert "kept what it promised" in found.sentence


@pytest.mark.parametrize(
    ("model", "off", "advice"), [("lstm", 2.35, "update"), ("linear", 2.35, "train"), ("lstm", 9, "train")]
)
def test_a_forecast_that_erred_is_updated_or_trained_anew(walk, model, off, advice):
    steps, level = 1, walk.y[150] - walk.y[149]
    (found,) = follow_up(forecast_of(walk, 150, steps, model=model, off=off + level), {"made": walk})
    assert found.advice == advice
    assert found.inside == 0
    assert "erred more than it promised" in found.sentence


def test_dates_that_have_not_come_are_waited_for(walk):
    (found,) = follow_up(forecast_of(walk, 200, 5), {"made": walk})
    assert (found.come, found.advice) == (0, "wait")
    assert "none of its 5 dates has come" in found.sentence
    assert found.record()["mae"] is None


@pytest.mark.slow
def test_of_forecasts_that_are_right_one_in_twenty_is_called_wrong():
    found = [
        follow_up(forecast_of(one, 150, 10), {"made": one})[0].p_value < 0.05
        for one in (make_series(random_walk(seed=seed)) for seed in range(300))
    ]
    assert 0.02 < np.mean(found) < 0.09


def test_p_values_are_corrected_for_the_number_of_series():
    several = {f"s{seed}": make_series(random_walk(seed=seed), f"s{seed}") for seed in range(4)}
    tables = [forecast_of(one, 150, 1, off=2.35 + one.y[150] - one.y[149]) for one in several.values()]
    assert follow_up(tables[0], several)[0].advice == "update"
    assert [one.advice for one in follow_up(pd.concat(tables), several)] == ["forecast"] * 4


def test_what_cannot_be_checked_is_refused(walk, tmp_path):
    later = TimeSeries("made", walk.index[150:], walk.values[150:], walk.columns, walk.target)
    points = pd.DataFrame({"ds": walk.index[150:155], "a": 1.0})
    points.to_csv(tmp_path / "points.csv", index=False)
    with pytest.raises(SeriesError, match="a has none"):
        forecast.check(tmp_path / "points.csv", [walk])
    with pytest.raises(ConfigError, match=r"`model` must be one of a. Received: b."):
        forecast.check(tmp_path / "points.csv", [walk], model="b")
    with pytest.raises(ConfigError, match=r"run\.json must be what a run wrote"):
        forecast.check(tmp_path, [walk])
    with pytest.raises(SeriesError, match="must begin before the forecast"):
        follow_up(forecast_of(walk, 150, 3), {"made": later})


def call(folder, *arguments):
    return run_command(*arguments, folder=folder)


@pytest.mark.slow
def test_a_run_is_followed_up_at_the_terminal_with_a_status_for_cron(walk, tmp_path):
    whole = pd.DataFrame({"Date": walk.index, "Close": walk.y})
    whole[:150].to_csv(tmp_path / "old.csv", index=False)
    whole.to_csv(tmp_path / "new.csv", index=False)
    whole.assign(Close=np.where(whole.index < 150, whole.Close, whole.Close * 3)).to_csv(
        tmp_path / "broken.csv", index=False
    )
    quick = ["--lookback", "8", "--horizon", "3"]
    assert (
        call(tmp_path, "run", "old.csv", "--models", "linear", "--unit", "USD", "--out", "run", *quick).returncode == 0
    )
    early, good, bad = (
        call(tmp_path, "check", "run", file, "--model", "LINEAR") for file in ("old.csv", "new.csv", "broken.csv")
    )
    assert [early.returncode, good.returncode, bad.returncode] == [0, 0, 4], bad.stderr
    assert early.stdout.splitlines()[-1] == "Nothing to do."
    assert "new: the forecast of linear from 2001-07-27 kept what it promised" in good.stdout
    assert good.stdout.splitlines()[-1].startswith("All dates have come. Forecast anew: forecast predict new.csv")
    assert bad.stdout.splitlines()[-1] == "Train anew: forecast run broken.csv"
    record = json.loads(call(tmp_path, "check", "run", "broken.csv", "--json").stdout)
    assert (record["advice"], record["forecasts"][0]["inside"]) == ("train", 0)
