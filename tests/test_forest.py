"""Trees as arrays against scikit-learn's own, and what a forest finds and does not find."""

import sys

import numpy as np
import pytest

from forecast.config import MEDIAN, ExperimentConfig, TrainingConfig
from forecast.data.inputs import Inputs
from forecast.data.panel import Panel
from forecast.data.split import Split
from forecast.models import Callbacks, Problem, find_model
from forecast.models.forest import SHARES, _best_share, _inputs, _without_overlap
from forecast.models.tree_arrays import forest_arrays, grow_forest, join_trees, leaf_values

FOREST = find_model("forest")


def setup(
    values: np.ndarray, *, ahead: np.ndarray | None = None, seed: int = 0, horizon: int = 3
) -> tuple[Inputs, Panel, Problem]:
    """A series split at 70 and 80 %, lookback 16."""
    past = np.asarray(values, float).reshape(len(values), -1)
    known = np.zeros((len(past), 0)) if ahead is None else ahead.reshape(len(past), -1)
    inputs = Inputs(past, known)
    config = ExperimentConfig(lookback=16, horizon=horizon, training=TrainingConfig(seed=seed))
    split = Split(int(0.7 * len(past)), int(0.8 * len(past)), len(past))
    return inputs, Panel.of([inputs], [split]), Problem(config, past.shape[1], known.shape[1], 5, 16)


def relative_error(inputs: Inputs, panel: Panel, problem: Problem) -> float:
    """The mean absolute error on the test rows over the naive forecast's."""
    weights = FOREST.fit(panel, problem, Callbacks()).weights
    blocks = FOREST.blocks(inputs, np.arange(panel.splits[0].test - 1, len(inputs.past) - problem.horizon), problem)
    moves = FOREST.predict(weights, blocks, problem)[:, :, MEDIAN]
    return float(np.abs(blocks.y[:, 0] - moves).sum() / np.abs(blocks.y[:, 0]).sum())


def sine(rows: int = 600, noise: float = 0.05) -> np.ndarray:
    return 0.5 + 0.4 * np.sin(np.arange(rows) / 2) + np.random.default_rng(3).normal(size=rows) * noise


def walk(rows: int = 800, seed: int = 1) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).normal(size=rows)) / 30


def regression(outputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs with many equal values, so that some lie on thresholds, and labels."""
    random = np.random.default_rng(0)
    inputs = np.concatenate([random.normal(size=(500, 4)), random.integers(0, 4, (500, 3))], axis=1)
    labels = np.sin(2 * inputs[:, [0]]) + inputs[:, [4]] + random.normal(size=(500, outputs)) * 0.1
    return inputs.astype(np.float32), labels


def test_a_forest_of_arrays_is_scikit_learns():
    inputs, labels = regression(outputs=3)
    grown = grow_forest(inputs, labels, seed=0)
    trees = forest_arrays(grown)
    np.testing.assert_allclose(leaf_values(trees, inputs).mean(axis=1), grown.predict(inputs), atol=1e-5)
    new = np.random.default_rng(1).normal(size=(300, 7)).astype(np.float32)
    np.testing.assert_allclose(leaf_values(trees, new).mean(axis=1), grown.predict(new), atol=1e-5)


def test_inputs_on_a_threshold_go_the_same_way():
    inputs, labels = regression(outputs=1)
    grown = grow_forest(inputs, labels, seed=0)
    trees = forest_arrays(grown)
    inner = np.flatnonzero(trees["children_left"] != np.arange(len(trees["children_left"])))[:200]
    edge = np.repeat(inputs[:1], len(inner), axis=0)
    for row, node in enumerate(inner):
        edge[row, trees["feature"][node]] = trees["threshold"][node]
    for near in (edge, np.nextafter(edge, np.float32(9)), np.nextafter(edge, np.float32(-9))):
        np.testing.assert_allclose(leaf_values(trees, near).mean(axis=1)[:, 0], grown.predict(near), atol=1e-5)


def test_joined_trees_walk_as_they_did_alone():
    inputs, labels = regression(outputs=2)
    parts = [forest_arrays(grow_forest(inputs, labels, seed=seed)) for seed in (0, 1)]
    alone = np.concatenate([leaf_values(part, inputs) for part in parts], axis=1)
    np.testing.assert_array_equal(leaf_values(join_trees(parts), inputs), alone)


@pytest.mark.parametrize(("horizon", "steps"), [(7, 7), (101, 1)])
def test_a_forest_sees_the_coming_levels_and_of_very_many_the_next_alone(horizon, steps):
    random = np.random.default_rng(0)
    inputs, _, problem = setup(random.random(300), ahead=random.random((300, 2)), horizon=horizon)
    origin = np.arange(20, 80)
    seen = _inputs(FOREST.blocks(inputs, origin, problem), problem)
    coming = np.stack([inputs.future[o + 1 : o + 1 + steps] for o in origin]) - 0.5
    np.testing.assert_allclose(seen[:, 16:], coming.reshape(len(origin), -1), atol=1e-6)


def test_training_windows_share_no_label_row_with_the_rows_they_are_tested_on():
    origin, held = np.setdiff1d(np.arange(100), np.arange(40, 60)), np.arange(40, 60)
    kept = _without_overlap(origin, held, 5)
    assert set(kept) == set(range(36)) | set(range(64, 100))


def test_the_share_of_the_moves_is_the_one_that_helps():
    truth = np.random.default_rng(0).normal(size=(6, 50, 2))
    assert _best_share(list(truth), list(truth)) == 1
    assert _best_share(list(2 * truth), list(truth)) == SHARES[4]
    assert _best_share(list(-truth), list(truth)) == 0
    assert _best_share(list(truth[:1]), list(truth[:1])) == 0  # one part alone cannot tell skill from luck


def test_a_noisy_sine_is_found():
    assert relative_error(*setup(sine())) < 0.6


@pytest.mark.parametrize("seed", [1, 2])
def test_a_random_walk_is_left_to_the_naive_forecast(seed):
    assert relative_error(*setup(walk(seed=seed))) <= 1.02


def test_a_column_that_is_known_ahead_helps():
    event = (np.random.default_rng(2).random(500) < 0.3).astype(float)
    values = 0.1 + 0.7 * event + 0.02 * np.random.default_rng(4).normal(size=500)
    assert relative_error(*setup(values, ahead=event)) < 0.6 * relative_error(*setup(values))


def test_rows_after_the_split_and_after_an_origin_are_not_seen():
    values = sine(400)
    garbled = values.copy()
    garbled[320:] = 1e3
    (clean, panel, problem), (spoilt, other, _) = setup(values), setup(garbled)
    one, two = (FOREST.fit(part, problem, Callbacks()).weights for part in (panel, other))
    for weight in one:
        np.testing.assert_array_equal(one[weight], two[weight])
    first = [FOREST.predict(one, FOREST.blocks(part, np.array([319]), problem), problem) for part in (clean, spoilt)]
    np.testing.assert_array_equal(*first)


def test_equal_seeds_give_equal_weights():
    _, panel, problem = setup(sine(400))
    one, same = (FOREST.fit(panel, problem, Callbacks()).weights for _ in range(2))
    for weight in one:
        np.testing.assert_array_equal(one[weight], same[weight])


def test_another_seed_grows_another_forest():
    one, other = (FOREST.fit(*setup(sine(400), seed=seed)[1:], Callbacks()).weights for seed in (0, 1))
    assert not np.array_equal(one["feature"], other["feature"])


def test_a_forecast_needs_no_scikit_learn_and_weights_have_the_promised_shapes(monkeypatch):
    inputs, panel, problem = setup(np.column_stack([sine(400), walk(400)]), ahead=np.arange(400) % 7 / 6)
    weights = FOREST.fit(panel, problem, Callbacks()).weights
    promised = FOREST.shapes(problem)
    assert weights.keys() == promised.keys()
    for weight, values in weights.items():
        assert values.dtype in (np.float32, np.int32)
        assert all(size in (None, real) for size, real in zip(promised[weight], values.shape, strict=True))
    for module in [module for module in sys.modules if module.split(".")[0] == "sklearn"]:
        monkeypatch.setitem(sys.modules, module, None)
    quantiles = FOREST.predict(weights, FOREST.blocks(inputs, np.arange(100, 400), problem), problem)
    assert quantiles.shape == (300, 3, 7)
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=2) >= 0).all()


def test_half_of_the_moves_is_forecast_where_the_share_is_one_half(monkeypatch):
    (inputs, panel, problem), found = setup(sine(400)), {}
    for share in (0.5, 1.0):
        monkeypatch.setattr("forecast.models.forest._best_share", lambda *_, share=share: share)
        weights = FOREST.fit(panel, problem, Callbacks()).weights
        blocks = FOREST.blocks(inputs, np.arange(100, 300), problem)
        found[share] = FOREST.predict(weights, blocks, problem)[:, :, MEDIAN]
    assert np.abs(found[1.0]).mean() > 0.5
    np.testing.assert_allclose(found[0.5], found[1.0] / 2, atol=1e-5)


def test_one_step_alone_can_be_forecast():
    assert relative_error(*setup(sine(), horizon=1)) < 0.7


@pytest.mark.parametrize("rows", [40, 200])
def test_a_constant_series_is_forecast_as_itself(rows):
    inputs, panel, problem = setup(np.zeros(rows))
    weights = FOREST.fit(panel, problem, Callbacks()).weights
    blocks = FOREST.blocks(inputs, np.arange(20, rows), problem)
    np.testing.assert_allclose(FOREST.predict(weights, blocks, problem) * blocks.scale[:, 0, :, None], 0, atol=1e-9)
