import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as oracle

from forecast import metrics

NUMBERS = st.floats(-1e4, 1e4, allow_subnormal=False)
PAIRS = hnp.arrays(np.float64, (2, 12), elements=NUMBERS)


@given(PAIRS)
def test_mae_and_rmse_agree_with_scikit_learn(pair):
    y_true, y_pred = pair
    assert metrics.mae(y_true, y_pred) == pytest.approx(oracle.mean_absolute_error(y_true, y_pred), rel=1e-9)
    assert metrics.rmse(y_true, y_pred) == pytest.approx(oracle.root_mean_squared_error(y_true, y_pred), rel=1e-9)


@given(hnp.arrays(np.float64, (2, 12), elements=st.floats(0.1, 1e4)))
def test_mape_agrees_with_scikit_learn_away_from_zero(pair):
    expected = 100 * oracle.mean_absolute_percentage_error(*pair)
    assert metrics.mape(*pair) == pytest.approx(expected, rel=1e-9)


def test_mape_leaves_zeros_out():
    assert metrics.mape(np.array([0.0, 2.0]), np.array([5.0, 1.0])) == 50
    assert np.isnan(metrics.mape(np.zeros(2), np.ones(2)))


@given(PAIRS)
def test_smape_lies_between_0_and_200_and_is_symmetric(pair):
    found = metrics.smape(*pair)
    assert 0 <= found <= 200 + 1e-9
    assert found == pytest.approx(metrics.smape(pair[1], pair[0]))


def test_smape_by_hand():
    assert metrics.smape(np.array([1.0, 0.0]), np.array([3.0, 0.0])) == 50


def test_mase_of_the_naive_forecast_on_its_own_rows_is_one():
    y = np.array([1.0, 4.0, 2.0, 7.0])
    assert metrics.mase(y[1:], y[:-1], y_train=y) == 1
    assert np.isnan(metrics.mase(y, y, y_train=np.ones(4)))


def test_direction_counts_only_what_moves():
    y_last = np.zeros(5)
    y_true, y_pred = np.array([1.0, -1, 1, 0, 1]), np.array([2.0, -1, -1, 1, 0])
    assert metrics.direction(y_true, y_pred, y_last=y_last) == pytest.approx(2 / 3)
    assert np.isnan(metrics.direction(y_true, y_last, y_last=y_last))


def test_coverage_includes_the_ends():
    assert metrics.coverage(np.array([1.0, 2, 3, 4]), np.array([1.0, 0, 4, 0]), np.array([5.0, 2, 5, 3])) == 0.5
