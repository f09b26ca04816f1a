import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as oracle

from forecast.metrics import metrics

NUMBERS = st.floats(-1e4, 1e4, allow_subnormal=False)
PAIRS = hnp.arrays(np.float64, (2, 12), elements=NUMBERS)


@given(PAIRS)
def test_mae_and_rmse_agree_with_scikit_learn(pair):
    y_true, y_pred = pair
    assert metrics.mae(y_true, y_pred) == pytest.approx(oracle.mean_absolute_error(y_true, y_pred), rel=1e-9)
    assert metrics.mse(y_true, y_pred) == pytest.approx(oracle.mean_squared_error(y_true, y_pred), rel=1e-9)
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


@pytest.mark.parametrize("y_train", [[1.0], [1, np.nan, 3, np.nan, 2], [np.nan] * 3])
def test_scaled_errors_without_two_known_rows_in_a_row_are_undefined(y_train):
    for scaled in (metrics.mase, metrics.rmsse):
        assert np.isnan(scaled(np.ones(2), np.zeros(2), y_train=np.array(y_train)))


def test_direction_counts_only_what_moves():
    y_last = np.zeros(5)
    y_true, y_pred = np.array([1.0, -1, 1, 0, 1]), np.array([2.0, -1, -1, 1, 0])
    assert metrics.direction(y_true, y_pred, y_last=y_last) == pytest.approx(2 / 3)
    assert np.isnan(metrics.direction(y_true, y_last, y_last=y_last))


def test_coverage_includes_the_ends():
    assert metrics.coverage(np.array([1.0, 2, 3, 4]), np.array([1.0, 0, 4, 0]), np.array([5.0, 2, 5, 3])) == 0.5


QUANTILE_CASES = hnp.arrays(np.float64, (12, 8), elements=NUMBERS)
LEVELS = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)


@given(QUANTILE_CASES)
def test_scores_of_quantiles_agree_with_scoringrules(case):
    import scoringrules

    y_true, quantiles = case[:, 0], np.sort(case[:, 1:], axis=1)
    size = max(1.0, np.abs(case).max())
    crps = scoringrules.crps_quantile(y_true, quantiles, np.array(LEVELS)).mean()
    assert metrics.crps(y_true, quantiles, levels=LEVELS) / size == pytest.approx(crps / size, rel=1e-9, abs=1e-12)
    assert metrics.pinball(y_true, quantiles, levels=LEVELS) == pytest.approx(crps / 2, rel=1e-9, abs=1e-9 * size)
    winkler = scoringrules.interval_score(y_true, quantiles[:, 0], quantiles[:, -1], 0.1).mean()
    ours = metrics.winkler(y_true, quantiles[:, 0], quantiles[:, -1], level=0.9)
    assert ours / size == pytest.approx(winkler / size, rel=1e-9, abs=1e-12)


@given(QUANTILE_CASES)
def test_pinball_agrees_with_scikit_learn(case):
    expected = [
        oracle.mean_pinball_loss(case[:, 0], case[:, 1 + place], alpha=level) for place, level in enumerate(LEVELS)
    ]
    ours = metrics.pinball(case[:, 0], case[:, 1:], levels=LEVELS)
    assert ours == pytest.approx(np.mean(expected), rel=1e-9, abs=1e-9)


def test_rmsse_by_hand():
    """Errors 1 and 3, changes of 1 and 2 in training: the root of 5 over 2.5."""
    found = metrics.rmsse(np.array([2.0, 5.0]), np.array([1.0, 2.0]), y_train=np.array([0.0, 1.0, 3.0]))
    assert found == pytest.approx(np.sqrt(5 / 2.5))
    assert np.isnan(metrics.rmsse(np.ones(2), np.ones(2), y_train=np.ones(3)))


def test_bias_width_and_skill_by_hand():
    assert metrics.bias(np.array([1.0, 2.0]), np.array([2.0, 4.0])) == 1.5
    assert metrics.width(np.array([1.0, 2.0]), np.array([2.0, 5.0])) == 2
    assert metrics.skill(3.0, 4.0) == 0.25
    assert np.isnan(metrics.skill(1.0, 0.0))


@pytest.mark.parametrize(("hits", "count"), [(0, 10), (7, 10), (120, 200), (10, 10)])
def test_the_interval_of_a_share_agrees_with_scipy(hits, count):
    from scipy.stats import binomtest

    expected = binomtest(hits, count).proportion_ci(0.95, method="wilson")
    assert metrics.share_interval(hits / count, count) == pytest.approx(
        (expected.low, expected.high), rel=1e-9, abs=1e-12
    )
    assert np.isnan(metrics.share_interval(0.5, 0)).all()
