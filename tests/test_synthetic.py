"""Simulated series have the properties that their names promise."""

import numpy as np
import pytest
from scipy.signal import lfilter

from forecast.data.synthetic import GENERATORS, draw
from forecast.data.synthetic.counts import counts, intermittent
from forecast.data.synthetic.events import with_events, with_hole
from forecast.data.synthetic.prices import garch, intraday, regimes, stochastic_volatility
from forecast.data.synthetic.processes import gaussian_process, kernel, sample
from forecast.data.synthetic.seasons import changing, differing, holidays, season_of, work_and_rest
from forecast.data.synthetic.trends import bent, growth, smoothing
from forecast.data.synthetic.walks import arima, autoregression, mean_reverting, noise, random_walk, recursion


def correlation(values, lag):
    """Autocorrelation of each series (N, T), shape (N,)."""
    centred = values - values.mean(axis=1, keepdims=True)
    return (centred[:, lag:] * centred[:, :-lag]).mean(axis=1) / (centred**2).mean(axis=1)


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("seasons", [(), (7,), (24, 168)])
def test_every_generator_gives_finite_series_that_the_seed_decides(name, seasons):
    make = GENERATORS[name][0]
    made, again = (make(np.random.default_rng(4), 6, 200, seasons) for _ in range(2))
    assert made.shape == (6, 200)
    assert np.isfinite(made).all()
    np.testing.assert_array_equal(made, again)
    assert (np.ptp(made, axis=1) > 0).sum() >= 5


@pytest.mark.parametrize("make", [garch, stochastic_volatility, regimes])
def test_prices_are_positive_unpredictable_and_have_clustered_volatility(make):
    prices = make(np.random.default_rng(0), 200, 1500, ())
    moves = np.diff(np.log(prices), axis=1)
    size = np.abs(moves - np.median(moves, axis=1, keepdims=True))
    assert (prices > 0).all()
    assert abs(np.median(correlation(moves, 1))) < 0.02
    assert np.median(correlation(size, 1)) > 0.05
    assert np.median(correlation(size, 20)) > 0.02
    fourth = ((moves - moves.mean(axis=1, keepdims=True)) ** 4).mean(axis=1) / moves.var(axis=1) ** 2
    assert np.median(fourth) > 4


def test_falls_raise_volatility_where_it_has_leverage():
    moves = np.diff(np.log(stochastic_volatility(np.random.default_rng(1), 300, 1500, ())), axis=1)
    moves = moves / moves.std(axis=1, keepdims=True)
    later = np.abs(moves[:, 1:])
    assert later[moves[:, :-1] < -1].mean() > 1.05 * later[moves[:, :-1] > 1].mean()


def test_the_variance_of_a_walk_grows_with_its_length():
    walks = random_walk(np.random.default_rng(2), 4000, 101, ())
    moved = walks[:, 1:] - walks[:, :1]
    drift = 100**2 * 0.1**2 / 3  # a third of the walks drift by 0.1 a row
    assert moved[:, 99].var() == pytest.approx(100 + drift, rel=0.08)
    assert moved[:, 24].var() == pytest.approx(25 + drift / 16, rel=0.08)


def test_noise_has_variance_one():
    assert noise(np.random.default_rng(3), 400, 500).var() == pytest.approx(1, rel=0.03)


def test_a_recursion_is_the_filter_of_scipy():
    random = np.random.default_rng(5)
    shocks, partial = random.standard_normal((3, 80)), random.uniform(-0.9, 0.9, (3, 3))
    coefficients = autoregression(partial)
    for row in range(3):
        expected = lfilter([1], np.concatenate([[1], -coefficients[row]]), shocks[row])
        np.testing.assert_allclose(recursion(coefficients, shocks)[row], expected, atol=1e-10)


def test_autoregressions_are_stationary_and_have_their_partial_autocorrelations():
    partial = np.random.default_rng(6).uniform(-0.95, 0.95, (50, 3))
    coefficients = autoregression(partial)
    np.testing.assert_array_equal(coefficients[:, -1], partial[:, -1])
    for one in coefficients:
        assert (np.abs(np.roots(np.concatenate([[1], -one]))) < 1).all()


def test_mean_reversion_forgets_at_one_rate():
    """The autocorrelation of an AR(1) falls as a power of the lag."""
    made = mean_reverting(np.random.default_rng(7), 200, 4000, ())
    first = correlation(made, 1)
    slow = first > 0.3
    np.testing.assert_allclose(correlation(made, 3)[slow], first[slow] ** 3, atol=0.12)
    assert np.ptp(first) > 0.5


def test_a_season_comes_again_and_has_size_one():
    pattern = season_of(np.random.default_rng(8), 20, 240, 24)
    np.testing.assert_allclose(pattern[:, 24:], pattern[:, :-24], atol=1e-9)
    np.testing.assert_allclose(pattern.std(axis=1), 1, rtol=1e-6)


def test_the_size_of_a_season_changes_slowly():
    size = changing(np.random.default_rng(9), 200, 300)
    assert (size > 0).all()
    assert np.abs(np.diff(np.log(size), axis=1)).max() < 0.25
    assert np.median(np.ptp(size, axis=1)) > 0.1


def test_a_day_of_work_and_rest_comes_again_in_a_week():
    made = work_and_rest(np.random.default_rng(10), 60, 168 * 8, (24, 168))
    moves = np.diff(made, axis=1)
    assert np.median(correlation(moves, 168)) > np.median(correlation(moves, 24)) > 0.2


def test_on_holidays_the_pattern_of_a_day_is_another_one():
    """Most days are as those a week before; those that are not differ as whole days."""
    made = holidays(np.random.default_rng(2), 300, 24 * 70, (24, 168))
    days = made.reshape(300, 70, 24)
    apart = np.abs(days[:, 7:] - days[:, :-7]).mean(axis=2)
    apart /= np.median(apart, axis=1, keepdims=True)
    assert 0.01 < (apart > 3).mean() < 0.25
    assert np.median(correlation(made, 168)) > 0.5


def test_intraday_volatility_has_the_pattern_of_a_day():
    moves = np.abs(np.diff(np.log(intraday(np.random.default_rng(3), 200, 24 * 60, (24,))), axis=1))
    assert np.median(correlation(np.log(moves + 1e-6), 24)) > np.median(correlation(np.log(moves + 1e-6), 12)) + 0.02


def test_paths_of_a_gaussian_process_have_its_covariance():
    covariance = np.exp(-np.arange(400) / 6.0)
    paths = sample(np.random.default_rng(11), covariance, 20_000, 40)
    np.testing.assert_allclose(np.cov(paths.T)[0], covariance[:40], atol=0.04)


def test_composed_kernels_are_covariances():
    for seed in range(20):
        found = kernel(np.random.default_rng(seed), 300, (12,))
        assert found[0] >= np.abs(found).max() - 1e-9
    assert gaussian_process(np.random.default_rng(0), 19, 50, ()).shape == (19, 50)


def test_demand_is_a_count_with_many_zeros():
    made = intermittent(np.random.default_rng(12), 100, 400, ())
    np.testing.assert_array_equal(made, np.rint(made))
    assert made.min() == 0
    assert 0.4 < (made == 0).mean() < 0.9


def test_counts_are_spread_at_least_as_poisson():
    made = counts(np.random.default_rng(13), 100, 400, (7,))
    np.testing.assert_array_equal(made, np.rint(made))
    busy = made.mean(axis=1) > 1
    assert np.median((made.var(axis=1) / np.maximum(made.mean(axis=1), 1e-9))[busy]) > 1


def test_trends_bend_and_growth_stays_above_zero():
    assert (growth(np.random.default_rng(14), 50, 200, ()) > 0).all()
    assert np.median(correlation(bent(np.random.default_rng(14), 50, 200, ()), 5)) > 0.5


def test_smoothing_with_a_season_repeats_it():
    made = smoothing(np.random.default_rng(15), 200, 600, (12,))
    moves = np.diff(made, axis=1)
    assert np.median(correlation(moves, 12)) > 0.2 + np.median(np.abs(correlation(moves, 7)))


def test_arima_sums_a_part_of_the_series():
    made = arima(np.random.default_rng(16), 200, 400, ())
    assert 0.3 < (correlation(made, 1) > 0.95).mean() < 0.9


def test_events_leave_counts_and_most_series_as_they_are():
    values = np.random.default_rng(17).poisson(3, (200, 100)).astype(float)
    changed = with_events(np.random.default_rng(0), values)
    assert changed.min() >= 0
    assert 0.5 < (changed == values).all(axis=1).mean() < 0.95
    holed = with_hole(np.random.default_rng(1), np.random.default_rng(2).standard_normal(100))
    assert (np.abs(np.diff(holed, 2)) < 1e-12).sum() >= 2


def test_the_mixture_is_drawn_by_its_weights():
    made, names = draw(np.random.default_rng(18), 600, 60, (12,))
    again, _ = draw(np.random.default_rng(18), 600, 60, (12,))
    np.testing.assert_array_equal(made, again)
    assert made.shape == (600, 60)
    total = sum(one for _, one, _ in GENERATORS.values())
    assert names.count("seasonal") == pytest.approx(600 * GENERATORS["seasonal"][1] / total, rel=0.25)
    assert "seasonal" not in draw(np.random.default_rng(18), 100, 60, (12,), without=("seasonal",))[1]


def test_a_pattern_is_larger_in_some_seasons_than_in_others_and_goes_on_where_the_last_one_ended():
    random = np.random.default_rng(8)
    pattern = np.tile(np.sin(2 * np.pi * np.arange(24) / 24), (200, 30))
    made = differing(random, pattern, 24)
    changed = ~np.isclose(made, pattern).all(axis=1)
    assert 0.25 < changed.mean() < 0.55
    days = np.ptp(made[:, 24:].reshape(200, -1, 24), axis=2)
    assert np.median(days[changed].std(axis=1)) > 0.2
    assert (
        np.abs(np.diff(made[:, 24:], axis=1)).max() < 8 * np.abs(np.diff(pattern, axis=1)).max()
    )  # no jump between days
