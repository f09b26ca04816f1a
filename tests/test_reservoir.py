"""The echo state network: its equations against a plain loop, and what its readout finds and does not find."""

import numpy as np
import pytest

from forecast.config import MEDIAN, ExperimentConfig, TrainingConfig
from forecast.data.inputs import Inputs
from forecast.data.panel import Panel
from forecast.data.split import Split
from forecast.models import Callbacks, Problem, find_model
from forecast.models.highway import PENALTIES
from forecast.models.reservoir import CONNECTIONS, UNITS, draw_reservoir, read, states

ESN = find_model("esn")


def setup(values: np.ndarray, *, ahead: np.ndarray | None = None, seed: int = 0) -> tuple[Inputs, Panel, Problem]:
    """A series split at 70 and 80 %, lookback 16, horizon 4."""
    past = np.asarray(values, float).reshape(len(values), -1)
    known = np.zeros((len(past), 0)) if ahead is None else ahead.reshape(len(past), -1)
    inputs = Inputs(past, known)
    config = ExperimentConfig(lookback=16, horizon=4, training=TrainingConfig(seed=seed))
    split = Split(int(0.7 * len(past)), int(0.8 * len(past)), len(past))
    return inputs, Panel.of([inputs], [split]), Problem(config, past.shape[1], known.shape[1], 5, 16)


def relative_error(inputs: Inputs, panel: Panel, problem: Problem) -> float:
    """The mean absolute error on the test rows over the naive forecast's."""
    weights = ESN.fit(panel, problem, Callbacks()).weights
    blocks = ESN.blocks(inputs, np.arange(panel.splits[0].test - 1, len(inputs.past) - problem.horizon), problem)
    moves = ESN.predict(weights, blocks, problem)[:, :, MEDIAN]
    return float(np.abs(blocks.y[:, 0] - moves).sum() / np.abs(blocks.y[:, 0]).sum())


def sine(rows: int = 600, noise: float = 0.05) -> np.ndarray:
    return 0.5 + 0.4 * np.sin(np.arange(rows) / 4) + np.random.default_rng(3).normal(size=rows) * noise


def walk(rows: int = 800, seed: int = 1) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).normal(size=rows)) / 30


def test_states_are_those_of_the_equation():
    weights = draw_reservoir(2, seed=5)
    x = np.random.default_rng(0).normal(size=(3, 7, 2)).astype(np.float32)
    found = states(weights, x)
    w_in, w, leak = (weights[name].astype(float) for name in ("w_in", "w", "leak_rate"))
    for window, state in zip(x, found, strict=True):
        expected = np.zeros(UNITS)
        for u in window:
            before = expected.copy()
            for unit in range(UNITS):
                z = w_in[unit, 0] + w_in[unit, 1:] @ u + w[unit] @ before
                expected[unit] = (1 - leak[unit]) * before[unit] + leak[unit] * np.tanh(z)
        np.testing.assert_allclose(state, expected, atol=1e-5)


def test_a_reservoir_is_sparse_and_forgets():
    weights = draw_reservoir(1, seed=0)
    w, leak = weights["w"], weights["leak_rate"]
    assert ((w != 0).sum(axis=1) == CONNECTIONS).all()
    assert np.abs(np.linalg.eigvals(w)).max() < 1
    assert np.abs(np.linalg.eigvals(np.diag(1 - leak) + leak[:, None] * w)).max() < 1
    random = np.random.default_rng(1)
    end = random.normal(size=(1, 400, 1))
    starts = [np.concatenate([random.normal(size=(1, 20, 1)), end], axis=1).astype(np.float32) for _ in range(2)]
    one, other = (states(weights, x) for x in starts)
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_the_readout_is_the_ridge_regression_on_all_training_windows():
    _, panel, problem = setup(sine(300))
    weights = ESN.fit(panel, problem, Callbacks()).weights
    blocks = ESN.blocks(panel.inputs, np.arange(16, 210 - 4), problem)  # labels end before row 210
    x, y = read(weights, blocks.x).astype(float), blocks.y[:, 0]
    solutions = [np.linalg.solve(x.T @ x + penalty * len(x) * np.eye(x.shape[1]), x.T @ y) for penalty in PENALTIES]
    assert min(np.abs(solution - weights["readout"]).max() for solution in solutions) < 1e-4


def test_a_noisy_sine_is_found():
    assert relative_error(*setup(sine())) < 0.4


def test_a_rule_that_is_not_linear_is_found_better_than_by_ridge_regression():
    x = [0.3]
    for _ in range(599):
        x.append(3.8 * x[-1] * (1 - x[-1]))  # the logistic map: no linear relation between rows
    inputs, panel, problem = setup(np.array(x))
    linear = find_model("linear")
    weights = linear.fit(panel, problem, Callbacks()).weights
    blocks = linear.blocks(inputs, np.arange(479, 596), problem)
    ridge = np.abs(blocks.y[:, 0] - linear.predict(weights, blocks, problem)[:, :, MEDIAN])[:, 0].sum()
    weights = ESN.fit(panel, problem, Callbacks()).weights
    echo = np.abs(blocks.y[:, 0] - ESN.predict(weights, blocks, problem)[:, :, MEDIAN])[:, 0].sum()
    assert echo < 0.5 * ridge


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_random_walk_is_left_to_the_naive_forecast(seed):
    assert relative_error(*setup(walk(seed=seed))) <= 1.02


def test_a_column_that_is_known_ahead_helps():
    event = (np.random.default_rng(2).random(600) < 0.3).astype(float)
    values = 0.1 + 0.7 * event + 0.02 * np.random.default_rng(4).normal(size=600)
    assert relative_error(*setup(values, ahead=event)) < 0.5 * relative_error(*setup(values))


def test_columns_whose_coming_values_are_not_known_leave_the_forecast_finite():
    event = np.arange(600) % 7 / 6
    inputs, panel, problem = setup(event + sine(), ahead=event)
    weights = ESN.fit(panel, problem, Callbacks()).weights
    blocks = ESN.blocks(inputs, np.array([599]), problem)
    assert np.isnan(blocks.future).any()
    assert np.isfinite(ESN.predict(weights, blocks, problem)).all()


def test_rows_after_the_split_and_after_an_origin_are_not_seen():
    values = sine()
    garbled = values.copy()
    garbled[480:] = 1e3
    (clean, panel, problem), (spoilt, other, _) = setup(values), setup(garbled)
    one, two = (ESN.fit(part, problem, Callbacks()).weights for part in (panel, other))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])
    first = [ESN.predict(one, ESN.blocks(part, np.array([479]), problem), problem) for part in (clean, spoilt)]
    np.testing.assert_array_equal(*first)


def test_equal_seeds_give_equal_weights_and_others_do_not():
    one, same, other = (ESN.fit(*setup(sine(), seed=seed)[1:], Callbacks()).weights for seed in (0, 0, 1))
    for name in one:
        np.testing.assert_array_equal(one[name], same[name])
    assert not np.array_equal(one["w"], other["w"])
    assert not np.array_equal(one["readout"], other["readout"])


def test_weights_have_the_shapes_that_are_promised_and_quantiles_rise():
    inputs, panel, problem = setup(np.column_stack([sine(), walk(600)]), ahead=np.arange(600) % 7 / 6)
    weights = ESN.fit(panel, problem, Callbacks()).weights
    assert {name: weight.shape for name, weight in weights.items()} == ESN.shapes(problem)
    quantiles = ESN.predict(weights, ESN.blocks(inputs, np.arange(100, 590), problem), problem)
    assert quantiles.shape == (490, 4, 7)
    assert (np.diff(quantiles, axis=2) >= 0).all()


@pytest.mark.parametrize("rows", [40, 300])
def test_a_constant_series_is_forecast_as_itself(rows):
    inputs, panel, problem = setup(np.zeros(rows))
    weights = ESN.fit(panel, problem, Callbacks()).weights
    blocks = ESN.blocks(inputs, np.arange(20, rows), problem)
    np.testing.assert_allclose(ESN.predict(weights, blocks, problem) * blocks.scale[:, 0, :, None], 0, atol=1e-9)
