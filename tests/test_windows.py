import numpy as np
import pytest
from conftest import SMALL, make_inputs
from hypothesis import given
from hypothesis import strategies as st

from forecast.config import ExperimentConfig, override
from forecast.data.panel import Panel
from forecast.data.split import Split, split_rows
from forecast.data.windows import FLAT, make_blocks, origins, outcomes
from forecast.errors import SeriesTooShort


def loop(values, origin, lookback, horizon, labels):
    """The slow obvious twin of `make_blocks`."""
    x, y, anchor, scale = [], [], [], []
    for t in origin:
        differences = [values[row] - values[row - 1] for row in range(t - lookback + 1, t + labels)]
        spread = np.mean(np.abs(differences[:lookback]), axis=0)
        spread = np.where(spread > 0, spread, FLAT)
        x.append([np.clip(difference / spread, -lookback, lookback) for difference in differences])
        y.append(
            [
                [
                    (values[t + k + h, 0] - values[t + k, 0]) / spread[0] / h**0.5
                    if t + k + h < len(values)
                    else np.nan
                    for h in range(1, horizon + 1)
                ]
                for k in range(labels)
            ]
        )
        anchor.append([[values[t + k, 0]] for k in range(labels)])
        scale.append([[spread[0] * h**0.5 for h in range(1, horizon + 1)]] * labels)
    return np.array(x), np.array(y), np.array(anchor), np.array(scale)


@given(
    lookback=st.integers(2, 6),
    horizon=st.integers(1, 4),
    labels=st.integers(1, 4),
    features=st.integers(1, 2),
    seed=st.integers(0, 99),
)
def test_blocks_agree_with_the_plain_loop(lookback, horizon, labels, features, seed):
    values = np.cumsum(np.random.default_rng(seed).normal(size=(20, features)), axis=0)
    origin = np.arange(lookback, 20 - labels + 1)
    settings = {"lookback": lookback, "horizon": horizon, "labels": labels}
    blocks = make_blocks(make_inputs(values), origin, **settings)
    expected = loop(values, origin, **settings)
    for found, wanted in zip((blocks.x, blocks.y, blocks.anchor, blocks.scale), expected, strict=True):
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_level_blocks_hold_the_levels_themselves():
    values = np.arange(10.0)[:, None] ** 2
    blocks = make_blocks(make_inputs(values), np.array([3, 4]), lookback=3, horizon=2, normalisation="level")
    assert blocks.x[:, :, 0].tolist() == [[1, 4, 9], [4, 9, 16]]
    assert blocks.y[:, 0].tolist() == [[16, 25], [25, 36]]
    assert not blocks.moves


@given(shift=st.floats(-1e3, 1e3), factor=st.floats(0.01, 100), seed=st.integers(0, 20))
def test_blocks_do_not_depend_on_level_or_scale(shift, factor, seed):
    values = np.cumsum(np.random.default_rng(seed).normal(size=(30, 1)), axis=0)
    settings = {"lookback": 5, "horizon": 3, "labels": 4}
    one = make_blocks(make_inputs(values), np.array([5, 11, 20]), **settings)
    other = make_blocks(make_inputs(values * factor + shift), np.array([5, 11, 20]), **settings)
    np.testing.assert_allclose(one.x, other.x, atol=1e-4)
    np.testing.assert_allclose(one.y, other.y, atol=1e-4)


def test_flat_windows_stay_finite():
    values = np.r_[np.full(10, 5.0), 6.0, np.full(5, 6.0)][:, None]
    blocks = make_blocks(make_inputs(values), np.array([8]), lookback=4, horizon=2, labels=4)
    assert np.isfinite(blocks.x).all()
    assert np.abs(blocks.x).max() <= 4


@pytest.mark.parametrize("rows", [60, 61, 77, 100, 500, 5031])
def test_split_is_chronological_and_labels_stay_inside_their_part(rows):
    split = split_rows(rows, SMALL)
    assert 0 < split.validation < split.test < rows
    train = origins(SMALL.lookback, split.validation, horizon=SMALL.horizon, labels=6)
    assert train[-1] + (6 - 1) + SMALL.horizon == split.validation - 1
    validation = origins(split.validation - 1, split.test, horizon=SMALL.horizon)
    assert validation[0] + 1 == split.validation
    assert validation[-1] + SMALL.horizon == split.test - 1


def test_shares_that_floats_cannot_hold_still_give_whole_parts():
    assert split_rows(1000, ExperimentConfig(lookback=64)).test == 800


def test_too_few_rows_names_what_is_needed_and_what_there_is():
    with pytest.raises(SeriesTooShort) as caught:
        split_rows(144, ExperimentConfig(lookback=64, horizon=30))
    assert "lookback=64 and horizon=30 need about 301 rows, 30 of them for validation. Received: 144 rows, 15" in str(
        caught.value
    )
    assert split_rows(301, ExperimentConfig(lookback=64, horizon=30))
    assert split_rows(144, override(ExperimentConfig(), {"lookback": 24, "horizon": 12}))


def test_outcomes_past_the_end_are_nan():
    found = outcomes(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 2]), horizon=2)
    np.testing.assert_array_equal(found, [[2, 3], [3, np.nan], [np.nan, np.nan]])


def test_columns_known_ahead_stand_beside_the_rows_before_them():
    """At the origin 3, x ends with the level of row 4, and the move of step 2 is that of row 5."""
    ahead = np.arange(10.0)[:, None] / 10
    inputs = make_inputs(np.arange(10.0) ** 2, ahead)
    blocks = make_blocks(inputs, np.array([3]), lookback=3, horizon=2)
    np.testing.assert_allclose(blocks.x[0, :, 1], np.array([0.2, 0.3, 0.4]) - 0.5)
    np.testing.assert_allclose(blocks.future[0, 0, :, 0] * blocks.scale[0, 0], [0.1, 0.2])


def make_panel(lengths, test=10):
    """Series of rows that count on from 1000 times their number."""
    series = [make_inputs(1000 * number + np.arange(rows)) for number, rows in enumerate(lengths)]
    return Panel.of(series, [Split(rows - 2 * test, rows - test, rows) for rows in lengths])


def test_a_panel_keeps_each_series_apart_and_without_its_test_rows():
    panel = make_panel([60, 40])
    assert [part.target[[0, -1]].tolist() for part, _ in panel] == [[0, 49], [1000, 1029]]


@given(seed=st.integers(0, 50), labels=st.integers(1, 60))
def test_training_blocks_never_leave_the_training_rows_of_their_series(seed, labels):
    panel = make_panel([90, 45, 400])
    random = np.random.default_rng(seed)
    origin, stop = panel.draw(random, 20, lookback=5, horizon=3, labels=labels)
    blocks = make_blocks(panel.inputs, origin, lookback=5, horizon=3, labels=labels, stop=stop)
    levels = blocks.anchor + blocks.y * blocks.scale
    first = panel.inputs.target[origin - 5]
    known = np.isfinite(levels)
    assert known[:, 0].all()
    last = np.array([69, 1024, 2379])[(first // 1000).astype(int)]
    assert (np.nanmax(levels, axis=(1, 2)) <= last + 1e-6).all()
    assert (np.nanmin(levels, axis=(1, 2)) > first).all()


def test_a_long_series_does_not_drown_a_short_one():
    panel = make_panel([60, 5000])
    origin, _ = panel.draw(np.random.default_rng(0), 4000, lookback=5, horizon=3, labels=4)
    assert 0.45 < np.mean(origin < 50) < 0.55


@given(rows=st.lists(st.integers(40, 300), min_size=1, max_size=5), labels=st.integers(1, 30))
def test_validation_blocks_cover_every_validation_row_once(rows, labels):
    panel = make_panel(rows)
    origin, stop = panel.validation_origins(horizon=3, labels=labels, most=10_000)
    blocks = make_blocks(panel.inputs, origin, lookback=5, horizon=3, labels=labels, stop=stop)
    found = (blocks.anchor[:, :, 0] + blocks.y[:, :, 0] * blocks.scale[:, :, 0]).ravel()
    wanted = [1000 * n + row for n, length in enumerate(rows) for row in range(length - 20, length - 12)]
    full = np.isfinite(blocks.y).all(axis=2).ravel()
    np.testing.assert_allclose(np.sort(found[full]), wanted)


def test_validation_looks_at_no_more_blocks_than_asked_for():
    origin, _ = make_panel([100] * 50).validation_origins(horizon=3, labels=1, most=60)
    assert 30 < len(origin) <= 80
