import numpy as np
import pytest
from conftest import SMALL, make_series, random_walk

from forecast.config import QUANTILES, override
from forecast.errors import ModelError
from forecast.models import MODELS, descent
from forecast.training import train


@pytest.mark.parametrize("loss", ["pinball", "mse"])
@pytest.mark.parametrize("horizon", [1, 3])
def test_the_loss_that_keras_minimises_is_the_loss_that_numpy_reports(loss, horizon):
    import keras

    random = np.random.default_rng(0)
    quantiles = 7 if loss == "pinball" else 1
    outputs = random.normal(size=(4, 2, horizon, quantiles)).astype(np.float32)
    y = random.normal(size=(4, 2, horizon)).astype(np.float32)
    inputs = keras.Input(outputs.shape[1:])
    network = keras.Model(inputs, keras.layers.Identity()(inputs))
    descent._compile(network, override(SMALL, {"loss": loss}).training)
    found = network.evaluate(outputs, y, batch_size=4, verbose=0)
    assert found == pytest.approx(descent.loss_of(outputs, y, loss), rel=1e-5)


def test_pinball_by_hand():
    """A truth 2 above every quantile costs 2 times the level, averaged over the levels."""
    assert descent.loss_of(np.zeros((1, 1, 7)), np.full((1, 1), 2.0), "pinball") == pytest.approx(
        2 * np.mean(QUANTILES)
    )


def test_ctrl_c_keeps_the_best_weights_so_far(walk):
    def stop(step):
        if step.step == 5:
            raise KeyboardInterrupt

    model = train(walk, "dense", SMALL, progress=stop)
    assert model.interrupted
    assert [row.step for row in model.history] == [0, 4]
    assert np.isfinite(model.forecast(walk).quantiles).all()


@pytest.mark.parametrize("learning_rate", [0.02, 5.0])
def test_weights_of_the_lowest_validation_loss_are_kept(walk, learning_rate):
    """Worked out again from the weights that came back; a rate that ruins the network gives back the untrained one."""
    config = override(SMALL, {"learning_rate": learning_rate, "labels": 1, "steps": 60, "validations": 6})
    model = train(walk, "dense", config)
    blocks = MODELS["dense"].blocks(model.scaler.transform(walk.values[:160]), np.arange(139, 157), model.problem)
    found = descent.loss_of(MODELS["dense"].predict(model.weights, blocks, model.problem), blocks.y[:, 0], "pinball")
    losses = [row.validation_loss for row in model.history]
    assert found == pytest.approx(min(losses), rel=1e-4)
    assert max(losses) > min(losses)
    assert (model.weights["head/kernel"] == 0).all() == (losses[0] == min(losses))
    if learning_rate == 5.0:
        assert losses[0] == min(losses)


def test_divergence_names_the_cure():
    series = make_series(random_walk())
    config = override(SMALL, {"learning_rate": 1e38, "clip_norm": 1e30, "activation": "linear"})
    with pytest.raises(ModelError, match="smaller --learning-rate than 1e\\+38"), np.errstate(all="ignore"):
        train(series, "dense", config)


def test_progress_reports_every_step(walk):
    steps = []
    train(walk, "dense", SMALL, progress=steps.append)
    assert [step.step for step in steps] == list(range(1, 9))
    assert {step.model for step in steps} == {"dense"}
