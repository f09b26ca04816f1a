"""Long holes: the rows behind them are forecast as if time had stood still, but for the season."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_inputs

import forecast
from forecast.models.pretrained.holes import kept_rows, track_of
from forecast.models.volatility.expected import log_scale

NAN = float("nan")


def test_whole_seasons_of_a_hole_are_cut_out():
    known = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0], bool)
    assert kept_rows(known, 3).tolist() == [0, 1, 8, 9, 10, 11, 12, 13]  # six of seven; the last hole has no end
    assert kept_rows(known, 1).tolist() == [0, 1, 9, 11, 12, 13]
    assert kept_rows(known, 8).tolist() == list(range(14))


def test_a_series_without_holes_is_looked_at_as_it_is():
    inputs = make_inputs(np.arange(1.0, 9.0))
    track = track_of(inputs, np.array([3, 7]), (2,))
    assert track.windows(np.array([0]), 6, positive=False).tolist() == [[1, 1, 1, 2, 3, 4]]


def test_the_expected_size_behind_a_hole_is_that_before_it():
    """By hand: known rows alone, where a move over n rows counts as one over the root of n."""
    random = np.random.default_rng(0)
    steps, gaps = random.normal(size=299), np.ones(299, int)
    gaps[200] = 100
    path = 500 + np.cumsum(np.append(0.0, steps * np.sqrt(gaps)))
    asked = {"ranges": np.zeros(0), "lookback": 64, "season": 1}
    even = log_scale(500 + np.cumsum(np.append(0.0, steps)), **asked)
    found = log_scale(path, **asked, gaps=gaps)
    np.testing.assert_allclose(found[:201], even[:201])
    np.testing.assert_allclose(np.exp(found[201:, 0]), np.exp(even[201:, 0]), rtol=0.1)


@pytest.mark.parametrize("kind", ["walk", "season"])
@pytest.mark.parametrize("model", ["linear", "pretrained"])
def test_intervals_behind_a_hole_hold_what_they_promise(kind, model):
    held = []
    for seed in range(6):
        random, row = np.random.default_rng(seed), np.arange(600)
        noise = random.normal(size=600)
        values = 200 + np.cumsum(noise) if kind == "walk" else 50 + 8 * np.sin(row * 2 * np.pi / 7) + noise
        values[300:545] = NAN
        series = pd.Series(values, pd.date_range("2021-01-04", periods=600), name="y")
        backtest = forecast.train(series, model, horizon=4).backtest(series)
        first = (backtest.origin >= 545) & (backtest.origin < 575)
        inside = (backtest.quantiles[first, :, 0] <= backtest.actual[first]) & (
            backtest.actual[first] <= backtest.quantiles[first, :, -1]
        )
        held.append(inside[np.isfinite(backtest.actual[first])].mean())
    assert 0.8 < np.mean(held) < 0.98  # it was 0.6 to 0.7 where what bridges the hole counted
