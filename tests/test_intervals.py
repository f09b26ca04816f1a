import numpy as np
import pytest

from forecast.config import QUANTILES
from forecast.inference import conformal

NORMAL = np.array([-1.6449, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.6449])


def held(quantiles, y):
    return ((quantiles[..., 0] <= y) & (y <= quantiles[..., -1])).mean()


def followed(quantiles, y, log_scale):
    return conformal.stretch(quantiles, conformal.follow(quantiles, y, log_scale))


@pytest.mark.parametrize("wrong", [0.6, 1.0, 1.7])
def test_intervals_of_a_wrong_width_end_up_holding_90_percent(wrong):
    y = np.random.default_rng(0).normal(size=(3000, 2))
    quantiles = np.broadcast_to(wrong * NORMAL, (3000, 2, 7))
    begin = conformal.calibrate(quantiles[:1000], y[:1000])
    widened = followed(quantiles[1000:], y[1000:], begin)
    assert held(widened, y[1000:]) == pytest.approx(0.9, abs=0.015)


def test_intervals_grow_with_a_storm_that_validation_rows_had_not_seen():
    y = np.random.default_rng(0).normal(size=(3000, 2)) * np.where(np.arange(3000) < 1000, 1, 2)[:, None]
    quantiles = np.broadcast_to(NORMAL, (3000, 2, 7))
    begin = conformal.calibrate(quantiles[:1000], y[:1000])
    widened = followed(quantiles[1000:], y[1000:], begin)
    assert held(quantiles[1500:], y[1500:]) < 0.65
    assert held(widened[500:], y[1500:]) == pytest.approx(0.9, abs=0.015)


def test_the_median_stays_and_quantiles_stay_in_order():
    random = np.random.default_rng(1)
    quantiles = np.sort(random.normal(size=(200, 3, 7)), axis=-1)
    widened = followed(quantiles, random.normal(size=(200, 3)), conformal.initial_scale(3))
    np.testing.assert_array_equal(widened[..., 3], quantiles[..., 3])
    assert (np.diff(widened, axis=-1) >= 0).all()


def test_two_rows_by_hand():
    """A miss above at row 0 changes the logarithm above by rate times 0.95 and that below by rate times -0.05, half of
    which both share: rates times 0.7 and 0.2. A hit lowers both by 0.05 times the rate.
    """
    quantiles = np.broadcast_to(NORMAL, (2, 1, 7))
    y = np.array([[9.0], [np.nan]])
    log_scale = conformal.follow(quantiles, y, conformal.initial_scale(1))[-1]
    missed = followed(quantiles, y, conformal.initial_scale(1))
    assert log_scale[0] == pytest.approx([0.2 * conformal.RATE, 0.7 * conformal.RATE])
    assert missed[1, 0, -1] == pytest.approx(1.6449 * np.exp(0.7 * conformal.RATE))
    assert missed[1, 0, 0] == pytest.approx(-1.6449 * np.exp(0.2 * conformal.RATE))
    assert missed[0, 0, -1] == pytest.approx(1.6449)
    log_scale = conformal.follow(quantiles, np.array([[0.1], [np.nan]]), conformal.initial_scale(1))[-1]
    assert log_scale[0] == pytest.approx([-0.05 * conformal.RATE] * 2)


def plainly(quantiles, y, log_scale, past, stride):
    """The rule as it is written: one row, one step and one side after the other."""
    (rows, horizon), share = y.shape, conformal.SHARED
    distance = conformal.scores_of(quantiles, y)
    lowest = np.maximum(log_scale - conformal.FALL, -conformal.WIDEST)
    found = [] if past is None else list(past)
    for row in range(len(found), rows):
        state, change = (found[-1] if found else log_scale).copy(), np.zeros((horizon, 2))
        known = [step for step in range(horizon) if step < row * stride]
        for step in known:
            rate = conformal.RATE * (step + 1) ** -conformal.DECAY * min(step + 1, stride)
            origin = row - 1 - step // stride
            missed = distance[origin, step] > np.exp(found[origin][step])
            own = np.where(np.isnan(distance[origin, step]), 0, rate * (missed - conformal.MISSES))
            change[step] = share * own.mean() + (1 - share) * own
        if len(known) == horizon:
            change = share * change.mean(axis=0) + (1 - share) * change
        found.append(np.clip(state + change, lowest, conformal.WIDEST))
    return np.array(found)


@pytest.mark.parametrize(("horizon", "stride"), [(1, 1), (5, 1), (6, 3), (7, 3), (3, 8)])
@pytest.mark.parametrize("rows", [4, 150])
def test_the_log_scale_is_that_of_the_plain_rule(rows, horizon, stride):
    random = np.random.default_rng(rows + horizon)
    quantiles = np.sort(random.normal(size=(rows, horizon, 7)), axis=-1)
    y = random.normal(size=(rows, horizon))
    y[random.random(y.shape) < 0.05] = np.nan
    start = random.normal(size=(horizon, 2))
    for past in [None, *([random.normal(size=(horizon + 2, horizon, 2)) / 3] if rows > horizon + 2 else [])]:
        found = conformal.follow(quantiles, y, start, past=past, stride=stride)
        np.testing.assert_allclose(found, plainly(quantiles, y, start, past, stride), rtol=0, atol=1e-13)


def test_a_width_has_bounds():
    quantiles = np.broadcast_to(NORMAL, (5000, 1, 7))
    widest = conformal.follow(quantiles, np.full((5000, 1), 1e9), conformal.initial_scale(1))[-1]
    narrowest = conformal.follow(quantiles, np.zeros((5000, 1)), conformal.initial_scale(1))[-1]
    assert widest[0, 1] == pytest.approx(conformal.WIDEST)
    assert narrowest[0] == pytest.approx([-conformal.FALL] * 2)


def test_an_interval_without_width_is_held_only_by_its_own_value():
    after = conformal.follow(np.zeros((2, 1, 7)), np.array([[0.0], [np.nan]]), conformal.initial_scale(1))[-1]
    assert (after[0] < 0).all()
    after = conformal.follow(np.zeros((2, 1, 7)), np.array([[0.1], [np.nan]]), conformal.initial_scale(1))[-1]
    assert (after[0] > 0).all()


@pytest.mark.parametrize("wrong", [0.7, 1.0, 1.5])
def test_calibration_finds_the_width_that_validation_rows_ask_for(wrong):
    """Outcomes that do not overlap; the prior and the bounds let it fall a little short."""
    y = np.random.default_rng(3).normal(size=(2000, 1))
    found = conformal.calibrate(np.broadcast_to(wrong * NORMAL, (2000, 1, 7)), y)
    assert found[0] == pytest.approx([-np.log(wrong)] * 2, abs=0.15)


def test_calibration_needs_outcomes_and_leaves_out_what_is_not_known():
    quantiles = np.broadcast_to(NORMAL, (100, 2, 7))
    assert (conformal.calibrate(quantiles[:1], np.full((1, 2), np.nan)) == 0).all()
    y = np.random.default_rng(4).normal(size=(100, 2))
    late = y.copy()
    late[-1, :], late[-2, 1] = np.nan, np.nan
    assert np.isfinite(conformal.calibrate(quantiles, late)).all()


@pytest.mark.parametrize("cut", [5, 50, 99])
def test_nothing_looks_past_the_origin(cut):
    random = np.random.default_rng(2)
    quantiles = np.sort(random.normal(size=(100, 3, len(QUANTILES))), axis=-1)
    y = random.normal(size=(100, 3))
    garbled = y.copy()
    for step in range(3):
        garbled[max(cut - step, 0) :, step] = 1e9
    one = followed(quantiles, y, conformal.initial_scale(3))
    other = followed(quantiles, garbled, conformal.initial_scale(3))
    np.testing.assert_array_equal(one[: cut + 1], other[: cut + 1])


def test_origins_two_rows_apart_by_hand():
    """Of three steps from row 0 all but the last are known at row 2, and that one at row 4, with two of row 2.

    Every outcome lies far above: the logarithm above rises by 0.7 of the rate, that below by 0.2. Steps 2 and 3 stand
    for the outcome between. At row 4 all steps are known: half of each change is shared by all of them.
    """
    quantiles, y = np.broadcast_to(NORMAL, (3, 3, 7)), np.full((3, 3), 9.0)
    found = conformal.follow(quantiles, y, conformal.initial_scale(3), stride=2)
    rate = conformal.RATE * np.arange(1, 4) ** -conformal.DECAY * np.array([1, 2, 2])
    np.testing.assert_allclose(found[1], np.outer(rate * [1, 1, 0], [0.2, 0.7]))
    second = 0.5 * rate + 0.5 * rate.mean()
    np.testing.assert_allclose(found[2] - found[1], np.outer(second, [0.2, 0.7]))


@pytest.mark.parametrize("wrong", [0.6, 1.0, 1.7])
def test_intervals_of_a_wrong_width_are_mended_from_origins_some_rows_apart(wrong):
    """Sums of moves, whose outcomes overlap: every fifth origin is followed."""
    path = np.random.default_rng(0).normal(size=20_000).cumsum()
    origin = np.arange(0, 19_980, 5)
    y = (path[origin[:, None] + np.arange(1, 11)] - path[origin, None]) / np.sqrt(np.arange(1, 11))
    quantiles = np.broadcast_to(wrong * NORMAL, (*y.shape, 7))
    begin = conformal.calibrate(quantiles[:1000], y[:1000], stride=5)
    log_scales = conformal.follow(quantiles[1000:], y[1000:], begin, stride=5)
    assert held(conformal.stretch(quantiles[1000:], log_scales), y[1000:]) == pytest.approx(0.9, abs=0.015)
