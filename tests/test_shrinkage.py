import numpy as np
import pytest

from forecast import shrinkage
from forecast.config import MEDIAN, QUANTILES


def moves(size, rows=400, horizon=2):
    """Quantiles whose median says `size` and whose spread is one on each side."""
    spread = np.linspace(-1, 1, len(QUANTILES))
    return np.broadcast_to(size + spread, (rows, horizon, len(QUANTILES))).copy()


def factor(shrunk, size):
    return shrunk[..., MEDIAN] / size


def test_without_evidence_the_forecast_is_naive():
    shrunk, _ = shrinkage.shrink(moves(0.5, rows=1), np.full((1, 2), np.nan), shrinkage.start())
    assert (shrunk[..., MEDIAN] == 0).all()


def test_moves_that_come_true_are_believed_more_and_more():
    y = np.full((400, 2), 0.5)
    shrunk, _ = shrinkage.shrink(moves(0.5), y, shrinkage.start())
    believed = factor(shrunk, 0.5)[:, 0]
    assert believed[0] == 0
    assert believed[-1] > 0.99
    assert (np.diff(believed) >= 0).all()


def test_moves_that_do_not_come_are_not_believed():
    y = np.random.default_rng(0).normal(size=(400, 2))
    shrunk, _ = shrinkage.shrink(moves(0.5), y, shrinkage.start())
    assert (shrunk[..., MEDIAN] == 0).all()


def test_the_spread_stays():
    shrunk, _ = shrinkage.shrink(moves(0.5), np.full((400, 2), 0.5), shrinkage.start())
    np.testing.assert_allclose(np.diff(shrunk, axis=-1), np.diff(moves(0.5), axis=-1))


def test_one_step_by_hand():
    """One outcome of 1 for a move of 1: factor k/10 has lost -k/10, so its weight is exp((0.3 - 10) k / 10)."""
    _, credit = shrinkage.shrink(moves(1.0, rows=2, horizon=1), np.array([[1.0], [np.nan]]), shrinkage.start())
    np.testing.assert_allclose(credit, -np.arange(11) / 10)


def test_the_state_carries_on_where_it_stopped():
    random = np.random.default_rng(1)
    quantiles, y = moves(0.4, rows=60, horizon=1), 0.4 + random.normal(size=(60, 1)) / 10
    whole, credit = shrinkage.shrink(quantiles, y, shrinkage.start())
    _, middle = shrinkage.shrink(quantiles[:31], y[:31], shrinkage.start())
    rest, end = shrinkage.shrink(quantiles[30:], y[30:], middle)
    np.testing.assert_allclose(rest, whole[30:])
    np.testing.assert_allclose(end, credit)


@pytest.mark.parametrize("cut", [5, 50, 99])
def test_nothing_looks_past_the_origin(cut):
    random = np.random.default_rng(2)
    quantiles = np.sort(random.normal(size=(100, 3, 7)), axis=-1)
    y = random.normal(size=(100, 3))
    garbled = y.copy()
    for step in range(3):  # the outcome of step h+1 from row n is known at row n+h+1
        garbled[max(cut - step, 0) :, step] = 1e9
    one, _ = shrinkage.shrink(quantiles, y, shrinkage.start())
    other, _ = shrinkage.shrink(quantiles, garbled, shrinkage.start())
    np.testing.assert_array_equal(one[: cut + 1], other[: cut + 1])
