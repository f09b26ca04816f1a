import numpy as np
import pytest
from conftest import SMALL, make_series, random_walk
from keras.ops import convert_to_numpy

from forecast.config import ExperimentConfig, override
from forecast.models import MODELS, NETWORKS, Problem, networks
from forecast.training import train


@pytest.mark.parametrize("kind", NETWORKS)
def test_an_untrained_network_says_no_move(kind):
    problem = Problem(SMALL, column=0, features=1, season=1)
    network = networks.build(kind, problem)
    x = np.random.default_rng(0).normal(size=(2, 10, 1)).astype(np.float32)
    assert convert_to_numpy(network(x)).shape == (2, 3, 3, 7)
    assert (convert_to_numpy(network(x)) == 0).all()


def test_dropout_and_l2_are_in_the_network():
    config = override(SMALL, {"dropout": 0.3, "l2": 0.01, "depth": 2})
    network = networks.build("gru", Problem(config, 0, 1, 1))
    assert [layer.rate for layer in network.layers if layer.name.startswith("dropout")] == [0.3, 0.3]
    assert len(network.losses) == 2


def test_the_keras_network_of_a_trained_model_gives_the_same_outputs(trained, walk):
    model = trained("lstm")
    blocks = MODELS["lstm"].blocks(model.scaler.transform(walk.values), np.arange(100, 120), model.problem)
    network = networks.with_weights("lstm", model.problem, model.weights)
    expected = np.sort(convert_to_numpy(network(blocks.x))[:, 0], axis=-1)
    np.testing.assert_allclose(MODELS["lstm"].predict(model.weights, blocks, model.problem), expected, atol=1e-5)


def test_training_starts_as_the_naive_forecast_with_its_usual_spread():
    """With a rate too small to move anything, the median is the last value and 90 % of moves are inside."""
    series = make_series(random_walk(800))
    config = override(SMALL, {"steps": 1, "learning_rate": 1e-12})
    model = train(series, "rnn", config)
    blocks = MODELS["rnn"].blocks(model.scaler.transform(series.values[:560]), np.arange(8, 556), model.problem)
    quantiles = MODELS["rnn"].predict(model.weights, blocks, model.problem)
    np.testing.assert_allclose(quantiles[:, :, 3], 0, atol=1e-6)
    held = ((quantiles[..., 0] <= blocks.y[:, 0]) & (blocks.y[:, 0] <= quantiles[..., -1])).mean()
    assert held == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_rule_that_can_be_learned_is_learned(kind):
    """A wave of period 12 is known from its past; naive cannot follow it."""
    series = make_series(10 + np.sin(2 * np.pi * np.arange(600) / 12))
    config = override(ExperimentConfig(), {"lookback": 24, "horizon": 3, "units": 8, "steps": 120, "labels": 24})
    model = train(series, kind, config)
    predictions = model.predict(series, first=480)
    known = np.isfinite(predictions.actual)
    error = np.abs(predictions.quantiles[..., 3] - predictions.actual)[known].mean()
    naive = np.abs(predictions.last_value[:, None] - predictions.actual)[known].mean()
    assert error < 0.35 * naive


def test_the_textbook_recipe_learns_levels():
    """Inside the range of the training rows, the tutorials' way is far better than a constant."""
    series = make_series(10 + np.sin(2 * np.pi * np.arange(600) / 25))
    config = override(
        SMALL, {"normalisation": "level", "loss": "mse", "labels": 1, "steps": 200, "learning_rate": 1e-2}
    )
    model = train(series, "rnn", config)
    predictions = model.predict(series, first=480)
    known = np.isfinite(predictions.actual)
    error = np.abs(predictions.quantiles[..., 3] - predictions.actual)[known].mean()
    assert error < 0.5 * np.abs(predictions.actual - 10)[known].mean()
