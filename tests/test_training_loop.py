import numpy as np
import pytest
from conftest import SMALL, make_problem, make_series, random_walk, scaled_inputs

from forecast.config import QUANTILES, TrainingConfig, override
from forecast.errors import ConfigError, ModelError
from forecast.models import MODELS, Callbacks
from forecast.models.neural import architecture, network, training_loop
from forecast.runtime.distributed import process_group
from forecast.training.train import train


@pytest.mark.parametrize("loss", ["pinball", "mse"])
@pytest.mark.parametrize("horizon", [1, 3])
def test_the_loss_that_keras_minimises_is_the_loss_that_numpy_reports(loss, horizon):
    import keras

    def identity(kind, problem, length):
        inputs = keras.Input((length, horizon, quantiles))
        return keras.Model(inputs, keras.layers.Identity()(inputs), name=kind)

    random = np.random.default_rng(0)
    quantiles = 7 if loss == "pinball" else 1
    outputs = random.normal(size=(4, 2, horizon, quantiles)).astype(np.float32)
    y = random.normal(size=(4, 2, horizon)).astype(np.float32)
    y[1, 1, 0] = np.nan  # not known, and not scored
    program = training_loop.Program(
        "identity", make_problem(override(SMALL, {"loss": loss})), identity, outputs.shape[1]
    )
    network = training_loop._compile(program)
    found = network.evaluate(outputs, y, batch_size=4, verbose=0)
    assert found == pytest.approx(training_loop.loss_of(outputs, y, loss), rel=1e-5)


def test_pinball_by_hand():
    """A truth 2 above every quantile costs 2 times the level, averaged over the levels."""
    assert training_loop.loss_of(np.zeros((1, 1, 7)), np.full((1, 1), 2.0), "pinball") == pytest.approx(
        2 * np.mean(QUANTILES)
    )


def test_ctrl_c_keeps_the_best_weights_so_far(walk):
    def stop(step):
        if step.step == 5:
            raise KeyboardInterrupt

    model = train(walk, "dense", SMALL, callbacks=Callbacks(stop))
    assert model.interrupted
    assert [row.step for row in model.history] == [0, 4]
    assert np.isfinite(model.predict(walk).quantiles).all()


def test_ctrl_c_is_not_lost_while_a_loss_is_waited_for(walk, monkeypatch):
    """Keras keeps there whatever is raised to itself (keras-team/keras#22485)."""
    import keras

    told = []

    def convert(value):
        if told[-1:] == [5]:
            raise KeyboardInterrupt
        return np.asarray(value)

    monkeypatch.setattr(keras.src.backend, "convert_to_numpy", convert)
    model = train(walk, "dense", SMALL, callbacks=Callbacks(lambda step: told.append(step.step)))
    assert model.interrupted
    assert told[-1] == 5


@pytest.mark.parametrize("learning_rate", [0.02, 5.0])
def test_weights_of_the_lowest_validation_loss_are_kept(walk, learning_rate, monkeypatch):
    """Worked out again from the weights that came back; a rate that ruins the network gives back the untrained one."""
    monkeypatch.setattr(network, "PRIOR_ROWS", 0)
    settings = {"learning_rate": learning_rate, "labels": 1, "max_steps": 60, "validations": 6, "highway": False}
    config = override(SMALL, settings)
    model = train(walk, "dense", config)
    blocks = MODELS["dense"].blocks(scaled_inputs(model, make_series(walk.y[:160])), np.arange(139, 157), model.problem)
    found = training_loop.loss_of(
        MODELS["dense"].predict(model.weights, blocks, model.problem), blocks.y[:, 0], "pinball"
    )
    losses = [row.validation_loss for row in model.history]
    assert found == pytest.approx(min(losses), rel=1e-4)
    assert max(losses) > min(losses)
    assert (model.weights["head/kernel"] == 0).all() == (losses[0] == min(losses))
    if learning_rate == 5.0:
        assert losses[0] == min(losses)


def test_divergence_names_the_cure_and_leaves_its_losses(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    series = make_series(random_walk())
    config = override(SMALL, {"learning_rate": 1e38, "clip_norm": 1e30, "activation": "linear"})
    with pytest.raises(ModelError, match="smaller --learning-rate than 1e\\+38"), np.errstate(all="ignore"):
        train(series, "dense", config, callbacks=Callbacks(logs=tmp_path))
    events = EventAccumulator(str(tmp_path / "dense-0"))
    events.Reload()
    assert [event.step for event in events.Tensors("loss")] == [1, 2, 3, 4]


def test_progress_reports_every_step(walk):
    steps = []
    train(walk, "dense", SMALL, callbacks=Callbacks(steps.append))
    assert [step.step for step in steps if step.validation_loss is None] == list(range(1, 9))
    assert [step.step for step in steps if step.validation_loss is not None] == [0, 4, 8]
    assert {step.model for step in steps} == {"dense"}


def test_a_killed_training_goes_on_where_it_was(walk, tmp_path):
    """The same weights, to the last digit, as a training that was not disturbed."""

    def die(step):
        if step.step == 7:
            raise RuntimeError("killed")

    config = override(SMALL, {"max_steps": 12, "validations": 3, "dropout": 0.2})
    whole = train(walk, "lstm", config)
    with pytest.raises(RuntimeError):
        train(walk, "lstm", config, callbacks=Callbacks(die, checkpoint=tmp_path))
    steps = []
    resumed = train(
        walk, "lstm", config, callbacks=Callbacks(lambda step: steps.append(step.step), checkpoint=tmp_path)
    )
    assert steps[0] == 5  # the last look at the validation rows was after step 4
    assert resumed.history == whole.history
    for name, array in whole.weights.items():
        np.testing.assert_array_equal(resumed.weights[name], array)


def test_a_checkpoint_of_other_data_is_not_taken_up(walk, tmp_path):
    train(walk, "dense", SMALL, callbacks=Callbacks(checkpoint=tmp_path))
    other = make_series(random_walk(seed=7))
    found = train(other, "dense", SMALL, callbacks=Callbacks(checkpoint=tmp_path))
    assert found.history == train(other, "dense", SMALL).history


def test_patience_ends_a_training_that_gets_no_better(walk):
    config = override(
        SMALL, {"learning_rate": 5.0, "max_steps": 40, "validations": 20, "patience": 2, "highway": False}
    )
    history = train(walk, "dense", config).history
    assert len(history) == 1 + 2 + 1  # the untrained one was the best, and three were not


def test_tensorboard_gets_every_loss(walk, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    model = train(walk, "dense", SMALL, callbacks=Callbacks(logs=tmp_path))
    events = EventAccumulator(str(tmp_path / "dense-0"), size_guidance={"tensors": 0})
    events.Reload()
    looks = [(event.step, float(event.tensor_proto.float_val[0])) for event in events.Tensors("validation loss")]
    assert [step for step, _ in looks] == [row.step for row in model.history]
    assert [loss for _, loss in looks] == pytest.approx([row.validation_loss for row in model.history])
    assert len(events.Tensors("loss")) == 8


@pytest.mark.parametrize("steps", [1, 8, 100])
def test_the_learning_rate_is_that_of_keras_schedule(steps):
    from keras.optimizers.schedules import CosineDecay

    schedule = CosineDecay(0.002, decay_steps=steps, warmup_target=0.02, warmup_steps=max(1, steps // 10))
    expected = [float(schedule(step)) for step in range(steps)]
    training = TrainingConfig(max_steps=steps, learning_rate=0.02)
    found = [training_loop.learning_rate_at(step, training) for step in range(1, steps + 1)]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_nothing_is_compiled_twice_for_other_lengths_seeds_and_rates(walk):
    training_loop._compile.cache_clear()
    for rows, seed, steps in ((200, 0, 8), (150, 1, 4), (90, 2, 2)):
        settings = {"seed": seed, "max_steps": steps, "learning_rate": 0.01 * steps, "season": steps}
        train(make_series(random_walk(rows)), "dense", override(SMALL, settings))
    assert training_loop._compile.cache_info().misses == 1


def test_what_is_compiled_is_not_prepared_anew(walk, monkeypatch):
    """TensorFlow forgets all that it prepared whenever its own seed is set, of which Keras draws nothing."""
    tensorflow = pytest.importorskip("tensorflow")
    monkeypatch.setattr(tensorflow.random, "set_seed", lambda number: pytest.fail("prepared anew"))
    dropout = override(SMALL, {"dropout": 0.2, "seeds": 2})
    one, again = (train(walk, "dense", dropout) for _ in range(2))
    np.testing.assert_equal(one.weights, again.weights)


def test_each_training_has_the_rates_of_its_own(walk):
    """A network that was compiled for another training learns as one that was compiled for this."""
    config = override(SMALL, {"learning_rate": 0.05, "max_steps": 6})
    train(walk, "dense", SMALL)
    after = train(walk, "dense", config)
    training_loop._compile.cache_clear()
    first = train(walk, "dense", config)
    assert after.history == first.history
    assert after.history != train(walk, "dense", override(config, {"learning_rate": 0.01})).history


@pytest.mark.parametrize("clip_norm", [TrainingConfig().clip_norm, 0.02, 1e9])
def test_the_norm_of_the_whole_gradient_is_clipped(clip_norm):
    """The first step of gradient descent is as long as the gradient times the rate: that of all weights together."""
    config = override(SMALL, {"optimizer": "sgd", "clip_norm": clip_norm})
    program = training_loop.Program("dense", make_problem(config), architecture.build, 13)
    made = training_loop._initialise(program, config.training, {})
    random = np.random.default_rng(0)
    head = made.get_layer("head")
    head.set_weights([random.normal(size=one.shape) for one in head.get_weights()])
    before = made.get_weights()
    batch = random.normal(size=(4, 13, 1)).astype(np.float32), random.normal(size=(4, 6, 3))
    training_loop._train_step(made, batch, 0.5, process_group.SINGLE_PROCESS)
    steps = [(new - old) / 0.5 for new, old in zip(made.get_weights(), before, strict=True)]
    norm = np.sqrt(sum(float(np.square(one).sum()) for one in steps))
    if clip_norm < 1:
        assert norm == pytest.approx(clip_norm, rel=1e-3)
        assert max(np.linalg.norm(one) for one in steps) < 0.99 * clip_norm  # none of the arrays has it by itself
    else:
        assert norm > TrainingConfig().clip_norm  # so the default bites here


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", "adamw"])
def test_each_optimiser_learns(optimizer):
    wave = make_series(50 + 10 * np.sin(np.arange(300) / 3) + 0.1 * random_walk(300))
    rate = 0.5 if optimizer == "sgd" else 0.02
    settings = {"optimizer": optimizer, "learning_rate": rate, "max_steps": 20, "highway": False}
    losses = [row.validation_loss for row in train(wave, "dense", override(SMALL, settings)).history]
    assert losses[-1] < 0.95 * losses[0]


def test_an_unknown_optimiser_is_refused(walk):
    with pytest.raises(ConfigError, match="one of adam, sgd, rmsprop, adamw"):
        train(walk, "dense", SMALL, optimizer="lion")
