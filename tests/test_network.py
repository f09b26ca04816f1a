from dataclasses import replace

import numpy as np
import pytest
from conftest import EVERY, SMALL, make_problem, make_series, random_walk, scaled_inputs
from keras.ops import convert_to_numpy

from forecast.config import ExperimentConfig, override
from forecast.errors import ConfigError
from forecast.models import MODELS, NETWORKS
from forecast.models.neural import architecture, network
from forecast.training.train import train


@pytest.mark.parametrize("kind", NETWORKS)
def test_an_untrained_network_says_no_move(kind):
    network = architecture.build(kind, make_problem(EVERY, past_columns=2))
    x = np.random.default_rng(0).normal(size=(2, 10, 2)).astype(np.float32)
    assert convert_to_numpy(network(x)).shape == (2, 3, 3, 7)
    assert (convert_to_numpy(network(x)) == 0).all()


def test_dropout_and_l2_are_in_the_network():
    network = architecture.build(
        "gru", make_problem(override(SMALL, {"dropout": 0.3, "recurrent_dropout": 0.2, "l2": 0.01}))
    )
    assert [layer.rate for layer in network.layers if layer.name.startswith("dropout")] == [0.3, 0.3]
    assert [layer.recurrent_dropout for layer in network.layers if layer.name.startswith("gru")] == [0.2, 0.2]
    assert len(network.losses) == 2


def test_cells_of_several_kinds_stand_in_one_network():
    config = override(SMALL, {"layers": "lstm:6,sru:5,rnn:4", "layer_norm": True})
    names = [layer.name for layer in architecture.build("stack", make_problem(config)).layers]
    assert [name for name in names if name[0] in "lsr" and name[-1].isdigit()] == ["lstm_1", "sru_2", "rnn_3"]
    assert [name for name in names if name.startswith("norm")] == ["norm_1", "norm_2", "norm_3"]
    with pytest.raises(ConfigError, match="stack needs `layers`"):
        architecture.build("stack", make_problem())


@pytest.mark.parametrize("kind", ["lstm", "dense", "stack"])
@pytest.mark.parametrize("settings", [{}, {"seeds": 2}, {"features": ("Open",), "calendar": ("weekday",)}])
def test_the_keras_network_of_a_trained_model_gives_the_same_outputs(kind, settings):
    """A wave, so that the highway is in use."""
    rows = np.arange(300)
    values = np.column_stack([10 + np.sin(rows / 2), np.cos(rows / 3)])
    series = replace(make_series(values[:, 0]), values=values, columns=("Close", "Open"))
    model = train(series, kind, override(EVERY, settings))
    assert model.weights["highway/kernel"].any()
    blocks = MODELS[kind].blocks(scaled_inputs(model, series), np.arange(100, 120), model.problem)
    network = architecture.with_weights(kind, model.problem, model.weights)
    inputs = [blocks.x, blocks.future.astype(np.float32)] if model.problem.future_columns else blocks.x
    expected = np.sort(convert_to_numpy(network(inputs))[:, 0], axis=-1)
    found = MODELS[kind].predict(model.weights, blocks, model.problem)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_an_ensemble_is_the_mean_of_its_members(walk):
    several = train(walk, "dense", override(SMALL, {"seeds": 3, "seed": 4}))
    blocks = MODELS["dense"].blocks(scaled_inputs(several, walk), np.arange(100, 120), several.problem)
    alone = []
    for number in range(3):
        one = train(walk, "dense", override(SMALL, {"seed": 4 + number}))
        alone.append(MODELS["dense"].predict(one.weights, blocks, one.problem))
        np.testing.assert_array_equal(one.weights["dense_1/kernel"], several.member(number).weights["dense_1/kernel"])
    found = MODELS["dense"].predict(several.weights, blocks, several.problem)
    np.testing.assert_allclose(found, np.mean(alone, axis=0), rtol=1e-6)


def test_noise_and_stretching_change_what_a_network_sees_and_not_what_it_is_asked():
    x, y = np.ones((50, 9, 2), np.float32), np.ones((50, 2, 3))
    problem = make_problem(override(SMALL, {"jitter": 0.1, "stretch": 0.2}), past_columns=1, future_columns=1)
    noisy, stretched = network.augment(x, y, np.random.default_rng(0), problem)
    assert (noisy[:, :, 1] == 1).all()  # what is known ahead is left alone
    factor = stretched[:, 0, 0]
    np.testing.assert_allclose(stretched, factor[:, None, None] * y)
    np.testing.assert_allclose(noisy[:, :, 0].mean(axis=1), factor, atol=0.2)
    assert np.std(np.log(factor)) == pytest.approx(0.2, abs=0.05)
    assert (noisy[:, :, 0] / factor[:, None]).std() == pytest.approx(0.1, abs=0.02)
    assert (x == 1).all()


def test_a_shrunken_head_moves_less_and_spreads_as_before(trained, walk):
    model = train(walk, "rnn", override(SMALL, {"max_steps": 30, "learning_rate": 0.02, "highway": False}))
    blocks = MODELS["rnn"].blocks(scaled_inputs(model, walk), np.arange(100, 140), model.problem)
    before = MODELS["rnn"].predict(model.weights, blocks, model.problem)
    after = MODELS["rnn"].predict(network.shrink_head(model.weights, 0.25, model.problem), blocks, model.problem)
    np.testing.assert_allclose(after[..., 3], 0.25 * before[..., 3], atol=1e-5)
    np.testing.assert_allclose(after - after[..., [3]], before - before[..., [3]], atol=1e-5)


def test_training_starts_as_the_naive_forecast_with_its_usual_spread():
    """With a rate too small to move anything, the median is the last value and 90 % of moves are inside."""
    series = make_series(random_walk(800))
    config = override(SMALL, {"max_steps": 1, "learning_rate": 1e-12})
    model = train(series, "rnn", config)
    blocks = MODELS["rnn"].blocks(scaled_inputs(model, series), np.arange(8, 556), model.problem)
    quantiles = MODELS["rnn"].predict(model.weights, blocks, model.problem)
    np.testing.assert_allclose(quantiles[:, :, 3], 0, atol=1e-6)
    held = ((quantiles[..., 0] <= blocks.y[:, 0]) & (blocks.y[:, 0] <= quantiles[..., -1])).mean()
    assert held == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_rule_that_can_be_learned_is_learned(kind):
    """A wave of period 12 is known from its past; naive cannot follow it."""
    series = make_series(10 + np.sin(2 * np.pi * np.arange(600) / 12))
    settings = {
        "lookback": 12,
        "horizon": 3,
        "units": 8,
        "max_steps": 80,
        "labels": 12,
        "highway": False,
        "learning_rate": 0.02,
    }
    config = override(ExperimentConfig(), {**settings, "layers": "lstm:8,rnn:8"})
    model = train(series, kind, config)
    predictions = model.backtest(series, first=480)
    known = np.isfinite(predictions.actual)
    error = np.abs(predictions.quantiles[..., 3] - predictions.actual)[known].mean()
    naive = np.abs(predictions.last_value[:, None] - predictions.actual)[known].mean()
    assert error < 0.35 * naive


def test_the_textbook_recipe_learns_levels():
    """Inside the range of the training rows, the tutorials' way is far better than a constant."""
    series = make_series(10 + np.sin(2 * np.pi * np.arange(600) / 25))
    config = override(
        SMALL, {"normalisation": "level", "loss": "mse", "labels": 1, "max_steps": 200, "learning_rate": 1e-2}
    )
    model = train(series, "rnn", config)
    predictions = model.backtest(series, first=480)
    known = np.isfinite(predictions.actual)
    error = np.abs(predictions.quantiles[..., 3] - predictions.actual)[known].mean()
    assert error < 0.5 * np.abs(predictions.actual - 10)[known].mean()
