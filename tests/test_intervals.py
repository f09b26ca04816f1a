import numpy as np
import pytest

from forecast import intervals
from forecast.config import QUANTILES

NORMAL = np.array([-1.6449, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.6449])


def held(quantiles, y):
    return ((quantiles[..., 0] <= y) & (y <= quantiles[..., -1])).mean()


@pytest.mark.parametrize("wrong", [0.6, 1.0, 1.7])
def test_intervals_of_a_wrong_width_end_up_holding_90_percent(wrong):
    y = np.random.default_rng(0).normal(size=(3000, 2))
    quantiles = np.broadcast_to(wrong * NORMAL, (3000, 2, 7))
    widened, _ = intervals.follow(quantiles, y, intervals.start(2))
    assert held(widened[1000:], y[1000:]) == pytest.approx(0.9, abs=0.015)


def test_the_median_stays_and_quantiles_stay_in_order():
    random = np.random.default_rng(1)
    quantiles = np.sort(random.normal(size=(200, 3, 7)), axis=-1)
    widened, _ = intervals.follow(quantiles, random.normal(size=(200, 3)), intervals.start(3))
    np.testing.assert_array_equal(widened[..., 3], quantiles[..., 3])
    assert (np.diff(widened, axis=-1) >= 0).all()


def test_two_rows_by_hand():
    """A miss at row 0 raises the logarithm of the width at row 1 by the rate times 0.9; a hit lowers it by 0.1."""
    quantiles = np.broadcast_to(NORMAL, (2, 1, 7))
    missed, log_width = intervals.follow(quantiles, np.array([[9.0], [np.nan]]), intervals.start(1))
    assert log_width[0] == pytest.approx(0.9 * intervals.RATE)
    assert missed[1, 0, -1] == pytest.approx(1.6449 * np.exp(0.9 * intervals.RATE))
    assert missed[0, 0, -1] == pytest.approx(1.6449)
    _, log_width = intervals.follow(quantiles, np.array([[0.1], [np.nan]]), intervals.start(1))
    assert log_width[0] == pytest.approx(-0.1 * intervals.RATE)


def test_a_width_changes_at_most_twofold():
    quantiles = np.broadcast_to(NORMAL, (5000, 1, 7))
    _, widest = intervals.follow(quantiles, np.full((5000, 1), 1e9), intervals.start(1))
    _, narrowest = intervals.follow(quantiles, np.zeros((5000, 1)), intervals.start(1))
    assert (np.exp(widest[0]), np.exp(narrowest[0])) == (pytest.approx(2), pytest.approx(0.5))


def test_an_interval_without_width_is_held_only_by_its_own_value():
    _, after = intervals.follow(np.zeros((2, 1, 7)), np.array([[0.0], [np.nan]]), intervals.start(1))
    assert after[0] < 0
    _, after = intervals.follow(np.zeros((2, 1, 7)), np.array([[0.1], [np.nan]]), intervals.start(1))
    assert after[0] > 0


@pytest.mark.parametrize("cut", [5, 50, 99])
def test_nothing_looks_past_the_origin(cut):
    random = np.random.default_rng(2)
    quantiles = np.sort(random.normal(size=(100, 3, len(QUANTILES))), axis=-1)
    y = random.normal(size=(100, 3))
    garbled = y.copy()
    for step in range(3):
        garbled[max(cut - step, 0) :, step] = 1e9
    one, _ = intervals.follow(quantiles, y, intervals.start(3))
    other, _ = intervals.follow(quantiles, garbled, intervals.start(3))
    np.testing.assert_array_equal(one[: cut + 1], other[: cut + 1])
