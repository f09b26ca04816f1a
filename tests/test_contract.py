"""Every registered model against every rule of the contract."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import EVERY, make_series, random_walk

from forecast.config import override
from forecast.errors import SeriesTooShort
from forecast.inference.bundle import open_model, save_model
from forecast.models import MODELS
from forecast.training.train import train

# ARIMA searches its orders anew in each of them.
SLOW = {"arima": [pytest.mark.slow]}
pytestmark = pytest.mark.parametrize("name", [pytest.param(name, marks=SLOW.get(name, [])) for name in MODELS])


def test_quantiles_are_finite_ordered_and_of_the_right_shape(name, trained, walk):
    predictions = trained(name).backtest(walk)
    assert predictions.quantiles.shape == (len(walk) - 159, 3, 7)
    assert predictions.origin[0] == 159
    assert np.isfinite(predictions.quantiles).all()
    assert (np.diff(predictions.quantiles, axis=-1) >= 0).all()


def test_a_forecast_does_not_depend_on_the_rows_after_its_origin(name, trained, walk):
    whole = trained(name).backtest(walk, first=159)
    cut = trained(name).backtest(make_series(walk.y[:181]), first=159)
    np.testing.assert_allclose(cut.quantiles, whole.quantiles[:22], rtol=1e-6)


def test_the_forecast_shown_is_the_one_tested(name, trained, walk):
    """At the last origin, and at a tested origin where the series is cut, known or not: single precision decides."""
    for series in (walk, replace(walk, name="another")):
        backtest = trained(name).backtest(series)
        np.testing.assert_allclose(trained(name).predict(series).quantiles, backtest.quantiles[-1], rtol=1e-9)
        for place in (0, len(backtest.origin) // 2):
            cut = series[: int(backtest.origin[place]) + 1]
            np.testing.assert_allclose(trained(name).predict(cut).quantiles, backtest.quantiles[place], rtol=1e-6)


def test_weights_are_valid_and_have_the_promised_shapes(name, trained):
    model, problem = trained(name), trained(name).problem
    promised = MODELS[name].shapes(problem)
    assert model.weights.keys() == promised.keys()
    for weight, array in model.weights.items():
        assert len(array.shape) == len(promised[weight])
        assert all(size in (None, real) for size, real in zip(promised[weight], array.shape, strict=True))
    assert MODELS[name].is_valid(model.weights, problem)


def test_a_tested_model_goes_on_from_its_checkpoint(name, trained, walk, tmp_path):
    """After the test rows, the same forecasts as without it, also from later rows; not where rows have changed."""
    model, part = trained(name), walk[:190]
    backtest, tested = model.test(part)
    assert tested.trained_on[0].checkpoint.rows == 190
    np.testing.assert_allclose(tested.predict(part).quantiles, backtest.quantiles[-1], rtol=1e-6)
    reopened = open_model(save_model(tested, tmp_path / name))
    revised = replace(walk, values=np.where(np.arange(200)[:, None] < 189, walk.values, 1.01 * walk.values))
    for series in (part, walk, walk[:191], walk[:185], revised):
        expected = model.predict(series).quantiles
        for again in (tested, reopened):
            np.testing.assert_allclose(again.predict(series).quantiles, expected, rtol=1e-6)
    np.testing.assert_allclose(tested.backtest(walk).quantiles, model.backtest(walk).quantiles, rtol=1e-6)


def test_saved_is_loaded(name, trained, walk, tmp_path):
    folder = save_model(trained(name), tmp_path / name)
    np.testing.assert_array_equal(open_model(folder).predict(walk).quantiles, trained(name).predict(walk).quantiles)


def test_a_constant_series_is_forecast_as_itself(name):
    series = make_series(np.full(120, 7.0))
    forecast = train(series, name, override(EVERY, {"max_steps": 2})).predict(series)
    np.testing.assert_allclose(forecast.quantiles, 7, atol=1e-6)


def test_a_series_with_a_long_flat_run_stays_finite(name):
    values = random_walk(160)
    values[60:110] = values[60]
    series = make_series(values)
    model = train(series, name, override(EVERY, {"max_steps": 4}))
    assert np.isfinite(model.backtest(series, first=20).quantiles).all()


def test_too_short_a_series_is_refused(name):
    with pytest.raises(SeriesTooShort, match="lookback=8 and horizon=3"):
        train(make_series(random_walk(20)), name, EVERY)


def test_the_series_is_left_as_it_was(name, trained, walk):
    before = walk.fingerprint()
    trained(name).backtest(walk)
    assert walk.fingerprint() == before


def test_flat_stretches_do_not_blow_up_intervals(name, walk):
    """A policy rate that stays for months: the line of drift still moves there, in windows whose scale is 0."""
    values = walk.y.copy()
    values[20:60] = values[20]
    forecast = train(make_series(values), name, EVERY).predict(make_series(values))
    assert np.ptp(forecast.quantiles) < 10 * np.ptp(values)


def test_missing_rows_keep_their_place_and_are_masked(name, walk):
    """No forecast starts from them; what is forecast elsewhere is the same where the series is cut there."""
    missing = np.random.default_rng(3).random(200) < 0.2
    missing[[0, -1]] = False
    series = make_series(np.where(missing, np.nan, walk.y))
    model = train(series, name, EVERY)
    backtest = model.backtest(series)
    gone = missing[backtest.origin]
    assert np.isnan(backtest.quantiles[gone]).all()
    assert np.isnan(backtest.actual[gone]).all()
    assert np.isfinite(backtest.quantiles[~gone]).all()
    np.testing.assert_array_equal(backtest.quantiles[-1], model.predict(series).quantiles)
    for origin in backtest.origin[~gone][[0, 9]]:
        cut = model.predict(series[: int(origin) + 1]).quantiles
        np.testing.assert_allclose(cut, backtest.quantiles[origin - backtest.origin[0]], rtol=1e-6)


def test_what_stands_in_a_missing_row_does_not_matter(name, walk):
    """A filled value is neither a label nor an origin: with other ones far from the windows, nothing changes."""
    missing = np.arange(200) % 11 == 5
    filled = replace(make_series(walk.y), filled=missing)
    model = train(filled, name, EVERY)
    backtest = model.backtest(filled)
    np.testing.assert_array_equal(
        np.isnan(backtest.actual[:, 0]), ~(filled.known & np.append(filled.known[1:], False))[159:]
    )
