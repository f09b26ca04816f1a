"""The steady trend that the pretrained network does not have to learn: when it is found, taken out and put back."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import forecast
from forecast.models.pretrained.trend import Trend, trend_of

ROWS, STEPS = 60, 12


def noisy(trend, *, size, seed=0, number=1):
    """Rows around a trend, and the coming ones, shape (number, ROWS + STEPS)."""
    return trend + size * np.random.default_rng(seed).standard_normal((number, ROWS + STEPS))


LINE = 100 + 3.0 * np.arange(ROWS + STEPS)
WEEK = 8 * np.sin(2 * np.pi * np.arange(ROWS + STEPS) / 7)
STEADY = {
    "a line": LINE,
    "with a season": LINE + WEEK,
    "falling": LINE[::-1],
    "below 0": LINE - 500,
    "by factors": 100 * 1.04 ** np.arange(ROWS + STEPS),
}


@pytest.mark.parametrize("name", STEADY)
def test_a_steady_trend_goes_on_and_the_intervals_hold_it(name):
    held, errors, dates = [], [], pd.date_range("2020-01-01", periods=ROWS, freq="D")
    for seed in range(8):
        (y,) = noisy(STEADY[name], size=0.3, seed=seed)
        found = forecast.predict(pd.Series(y[:ROWS], dates, name="y"), horizon=STEPS).quantiles
        errors.append(np.abs(found[:, 3] - y[ROWS:]).mean())
        held.append((found[:, 0] <= y[ROWS:]) & (y[ROWS:] <= found[:, -1]))
    assert np.mean(errors) < 0.6  # the mean absolute deviation of the noise is 0.24; naive's error is 20
    assert np.mean(held) > 0.8


@pytest.mark.parametrize("rows", [24, 120, 1024])
@pytest.mark.parametrize("seasons", [(), (7,)])
def test_the_drift_of_a_walk_is_no_steady_trend(rows, seasons):
    moves = 0.05 + np.random.default_rng(1).standard_normal((2000, rows))
    x = 1000 + np.cumsum(moves, axis=1)
    found = trend_of(x, seasons, 30, positive=True)
    assert np.mean((found.by_row == 0) & (found.by_factor == 0)) > 0.999


def test_a_line_is_taken_out_whole_and_its_season_stays():
    x = (LINE + WEEK)[None, :56]
    found = trend_of(x, (7,), STEPS, positive=True)
    assert_allclose(found.by_row, [3.0])
    assert_allclose(found.remove(x), (WEEK[:56] + LINE[55])[None])
    assert_array_equal(found.by_factor, [0.0])


def test_growth_is_taken_out_by_factors():
    x = 1.02 ** np.arange(80.0)[None] * (10 + np.sin(2 * np.pi * np.arange(80) / 4))
    found = trend_of(x, (4,), STEPS, positive=True)
    assert_allclose(found.by_factor, [np.log(1.02)])
    assert_array_equal(found.by_row, [0.0])
    (level,) = found.remove(x)
    assert_allclose(level[4:], level[:-4])


def test_values_above_0_stay_so_whatever_their_trend():
    x = np.linspace(50, 5, 40)[None]
    found = trend_of(x, (), 30, positive=True)
    assert_array_equal(found.by_row, [0.0])
    assert (x[:, -1] + found.add(np.zeros((1, 30, 1)))).min() > 0
    assert trend_of(x, (), 30, positive=False).by_row[0] < 0


def test_what_is_added_is_what_was_subtracted():
    moves = np.random.default_rng(2).standard_normal((3, STEPS))
    found = Trend(np.full(3, 8.0), np.array([5.0, 6, 7]), np.array([0.0, 2, 0]), np.array([0.0, 0, 0.1]))
    assert_allclose(found.subtract(found.add(moves[..., None])[..., 0]), moves)
    assert_array_equal(found.add(moves[..., None])[0, :, 0], moves[0])  # without a trend not a bit is changed
    grown = found.add(np.zeros((3, STEPS, 1)))[..., 0]
    assert_allclose(grown[:, 2], [0, 6, 7 * np.expm1(0.3)])
    assert_array_equal(grown[:, 8:], np.repeat(grown[:, [7]], 4, axis=1))  # no longer than it was seen


def test_forecasts_do_not_depend_on_those_made_with_them():
    x, other = noisy(LINE, size=0.3)[:, :ROWS], np.cumsum(noisy(0, size=1.0, seed=3)[:, :ROWS], axis=1)
    together = trend_of(np.concatenate([x, other]), (), STEPS, positive=False)
    joined = Trend.joined([trend_of(part, (), STEPS, positive=False) for part in (x, other)])
    for name, values in vars(together).items():
        assert_array_equal(values, getattr(joined, name))
    assert_array_equal(together.remove(np.concatenate([x, other]))[1], other[0])
