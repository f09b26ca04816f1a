import numpy as np
import pytest
from conftest import random_walk

from forecast.evaluation.lag_detector import explained, find_lag
from forecast.inference.forecasts import Backtest

Y = random_walk(400)


def backtest(forecast, step=3):
    origin = np.arange(200, 390)
    actual = np.stack([Y[origin + h] for h in range(1, step + 1)], axis=1)
    median = np.array([[forecast(row, h) for h in range(1, step + 1)] for row in origin])
    return Backtest("lstm", origin, Y[origin], actual, np.repeat(median[:, :, None], 7, axis=2))


@pytest.mark.parametrize("late", [0, 1, 4])
def test_a_copy_is_as_late_as_it_is(late):
    found = find_lag(backtest(lambda row, step: Y[row - late]), Y, step=3)
    assert found.lag == 3 + late
    assert found.by_lag[found.lag] == pytest.approx(1)
    assert found.copied == pytest.approx(1)
    assert found.foreseen < 0.1
    assert found.copies


def test_a_forecast_that_knows_is_no_copy():
    found = find_lag(backtest(lambda row, step: Y[row + step]), Y, step=3)
    assert (found.lag, found.copies) == (0, False)
    assert found.moves == pytest.approx(1)
    assert found.foreseen == pytest.approx(1)


def test_a_smoothed_copy_is_a_copy():
    """The mean of the last five values: no lag stands out, and the past explains it all."""
    found = find_lag(backtest(lambda row, step: Y[row - 4 : row + 1].mean()), Y, step=3)
    assert max(found.by_lag) < 0.7
    assert found.copied > 0.95
    assert found.copies


def test_noise_is_no_copy_and_a_constant_has_no_lag():
    noise = np.random.default_rng(0).normal(size=(400, 4))
    assert not find_lag(backtest(lambda row, step: noise[row, step]), Y, step=3).copies
    constant = find_lag(backtest(lambda row, step: 5.0), Y, step=3)
    assert np.isnan(constant.copied)
    assert not constant.copies


def test_only_neighbouring_origins_are_compared():
    """A gap between two folds: the change across it is not one of neighbours."""
    whole = backtest(lambda row, step: Y[row])
    gap = (whole.origin < 250) | (whole.origin > 300)
    parts = Backtest("lstm", *(getattr(whole, name)[gap] for name in ("origin", "last_value", "actual", "quantiles")))
    assert find_lag(parts, Y, step=3).by_lag[3] == pytest.approx(1)


def test_explained_agrees_with_scikit_learn():
    from sklearn.linear_model import LinearRegression

    random = np.random.default_rng(1)
    columns, noise = random.normal(size=(80, 3)), random.normal(size=80)
    y = columns @ [1.0, 0.5, 0.0] + noise
    share = LinearRegression().fit(columns, y).score(columns, y)
    assert explained(y, columns) == pytest.approx(1 - (1 - share) * 79 / 76)
    assert np.isnan(explained(y[:8], columns[:8]))
