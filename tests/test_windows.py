import numpy as np
import pytest
from conftest import SMALL
from hypothesis import given
from hypothesis import strategies as st

from forecast.config import ExperimentConfig, override
from forecast.errors import SeriesTooShort
from forecast.windows import FLAT, make_blocks, origins, outcomes, split_rows


def loop(values, origin, column, lookback, horizon, labels):
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
                    (values[t + k + h, column] - values[t + k, column]) / spread[column] / h**0.5
                    if t + k + h < len(values)
                    else np.nan
                    for h in range(1, horizon + 1)
                ]
                for k in range(labels)
            ]
        )
        anchor.append([[values[t + k, column]] for k in range(labels)])
        scale.append([[spread[column] * h**0.5 for h in range(1, horizon + 1)]])
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
    settings = {"column": features - 1, "lookback": lookback, "horizon": horizon, "labels": labels}
    blocks = make_blocks(values, origin, **settings)
    expected = loop(values, origin, **settings)
    for found, wanted in zip((blocks.x, blocks.y, blocks.anchor, blocks.scale), expected, strict=True):
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_level_blocks_hold_the_levels_themselves():
    values = np.arange(10.0)[:, None] ** 2
    blocks = make_blocks(values, np.array([3, 4]), column=0, lookback=3, horizon=2, normalisation="level")
    assert blocks.x[:, :, 0].tolist() == [[1, 4, 9], [4, 9, 16]]
    assert blocks.y[:, 0].tolist() == [[16, 25], [25, 36]]
    assert not blocks.moves


@given(shift=st.floats(-1e3, 1e3), factor=st.floats(0.01, 100), seed=st.integers(0, 20))
def test_blocks_do_not_depend_on_level_or_scale(shift, factor, seed):
    values = np.cumsum(np.random.default_rng(seed).normal(size=(30, 1)), axis=0)
    settings = {"column": 0, "lookback": 5, "horizon": 3, "labels": 4}
    one = make_blocks(values, np.array([5, 11, 20]), **settings)
    other = make_blocks(values * factor + shift, np.array([5, 11, 20]), **settings)
    np.testing.assert_allclose(one.x, other.x, atol=1e-4)
    np.testing.assert_allclose(one.y, other.y, atol=1e-4)


def test_flat_windows_stay_finite():
    values = np.r_[np.full(10, 5.0), 6.0, np.full(5, 6.0)][:, None]
    blocks = make_blocks(values, np.array([8]), column=0, lookback=4, horizon=2, labels=4)
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
    assert split_rows(1000, ExperimentConfig()).test == 800


def test_too_few_rows_names_what_is_needed_and_what_there_is():
    with pytest.raises(SeriesTooShort) as caught:
        split_rows(144, ExperimentConfig())
    assert "lookback=64 and horizon=30 need about 301 rows, 30 of them for validation. Received: 144 rows, 15" in str(
        caught.value
    )
    assert split_rows(301, ExperimentConfig())
    assert split_rows(144, override(ExperimentConfig(), {"lookback": 24, "horizon": 12}))


def test_outcomes_past_the_end_are_nan():
    found = outcomes(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 2]), horizon=2)
    np.testing.assert_array_equal(found, [[2, 3], [3, np.nan], [np.nan, np.nan]])
