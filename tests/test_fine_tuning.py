"""Fine-tuning of the network that comes with the package: its gradient, its way back, its place among the models."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest import make_series, random_walk

import forecast
from forecast.config import ExperimentConfig, TrainingConfig
from forecast.inference.bundle.card import card
from forecast.models.pretrained import fine_tuning
from forecast.models.pretrained.candidates import NAMES
from forecast.models.pretrained.estimator import shipped_weights
from forecast.models.pretrained.features import look
from forecast.models.pretrained.fine_tuning import TRAINED, Windows, fine_tune, gradient_of, losses_of
from forecast.models.pretrained.mixing import SHAPES, STEP, head, random_weights
from forecast.training.train import train

START = {name: array.astype(float) for name, array in shipped_weights().items()}
BRIEF = TrainingConfig(max_steps=40)


def windows(count=30, horizon=6, seed=0):
    random, candidates = np.random.default_rng(seed), len(NAMES)
    return Windows(
        np.maximum(random.standard_normal((count, horizon, STEP)), 0),
        np.abs(random.standard_normal((count, candidates))),
        2 * random.standard_normal((count, horizon, candidates)),
        2 * random.standard_normal((count, horizon)),
        random.uniform(0.5, 1, count),
    )


def following(one, seed=0):
    """The same windows, where the first candidate always comes true."""
    return replace(one, y=one.mixed[:, :, 0] + 0.01 * np.random.default_rng(seed).standard_normal(one.y.shape))


def tuned(training, validation, **options):
    return fine_tune(START, training, validation, BRIEF, **{"rows": 5000, "overlap": 1, "on_step": None, **options})


def test_the_gradient_is_that_of_finite_differences():
    seen, random = windows(5), np.random.default_rng(1)
    seen.y[0, 2] = np.nan
    _, gradient = gradient_of(START, seen)
    for name in TRAINED:
        for _ in range(5):
            place = tuple(random.integers(size) for size in START[name].shape)
            change = np.zeros_like(START[name])
            change[place] = 1e-5
            above, below = (gradient_of({**START, name: START[name] + sign * change}, seen)[0] for sign in (1, -1))
            assert gradient[name][place] == pytest.approx((above - below) / 2e-5, rel=1e-4, abs=1e-9)


def test_the_loss_is_the_weighted_pinball_loss_of_what_is_known():
    seen = windows(4)
    seen.y[1, 3] = np.nan
    error = seen.y[..., None] - head(START, seen.step, seen.errors, seen.mixed)
    levels = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
    pinball = np.maximum(levels * error, (levels - 1) * error).mean(axis=2)
    assert gradient_of(START, seen)[0] == pytest.approx(np.nansum(pinball * seen.weight[:, None]) / 23)
    np.testing.assert_allclose(losses_of(START, seen), np.nanmean(pinball, axis=1) + fine_tuning.SMALLEST)


def test_what_comes_true_in_training_and_validation_is_learned():
    training, validation = following(windows(200)), following(windows(40, seed=2))
    fit = tuned(training, validation)
    assert fit.history[0].step == 0
    assert fit.history[-1].step == BRIEF.max_steps
    assert losses_of(fit.weights, validation).mean() < 0.9 * losses_of(START, validation).mean()
    assert set(fit.weights) == set(START)


def test_a_season_that_is_large_beside_its_noise_is_no_outlier():
    """Moves of a hundred errors are learned as they are; what is far from all candidates is cut."""
    random, steps, season = np.random.default_rng(0), np.arange(24), 24
    y = 100 * np.sin(np.arange(400 + len(steps)) * 2 * np.pi / season) + random.normal(0, 0.5, 400 + len(steps))
    seen = look(y[None, :400], (season,), len(steps), positive=False)
    moves = (y[None, 400:] - y[399]) / seen.unit[:, None]
    over = np.exp(-seen.spread)[:, None]
    assert np.abs(moves * over).max() > 50
    np.testing.assert_allclose(Windows.of(START, seen, moves).y, moves * over)
    cut = Windows.of(START, seen, np.full_like(moves, 1e6)).y
    assert np.all(cut < 100 * np.abs(moves * over).max())


def test_what_the_validation_rows_do_not_confirm_is_forgotten():
    """Trained where the first candidate comes true, judged where what it says beforehand does: no step is kept."""
    training, validation = following(windows(200)), windows(60, seed=3)
    said = head(START, validation.step, validation.errors, validation.mixed)
    drawn = np.random.default_rng(5).integers(said.shape[2], size=validation.y.shape)
    came = np.take_along_axis(said, drawn[..., None], axis=2)[..., 0]
    fit = tuned(training, replace(validation, y=came))
    assert min(fit.history, key=lambda one: one.validation_loss).step == 0
    for name in TRAINED:
        np.testing.assert_array_equal(fit.weights[name], START[name].astype(np.float32))


def test_a_gain_that_may_be_luck_counts_by_the_rows():
    training, validation = following(windows(200)), following(windows(3, seed=2))
    few, many = (tuned(training, validation, rows=rows).weights["head/bias"] for rows in (100, 100_000))
    moved = np.abs(many - START["head/bias"])
    np.testing.assert_allclose(few - START["head/bias"], (many - START["head/bias"]) / 11, atol=1e-3 * moved.max())


def test_without_windows_it_stays_as_it_is():
    none = windows(0)
    fit = tuned(none, none)
    np.testing.assert_array_equal(fit.weights["head/bias"], START["head/bias"].astype(np.float32))


def sales(rows=600):
    """A week, and noise on one side of it, which the network that comes with the package does not expect."""
    random = np.random.default_rng(4)
    week = np.tile(random.standard_normal(7) * 5, rows // 7 + 1)[:rows]
    return make_series(60 + week + random.exponential(3, rows), "sales")


def test_it_is_saved_opened_and_goes_on_like_a_network(tmp_path):
    series, config = sales(), ExperimentConfig(horizon=7, season=7, training=BRIEF)
    early = make_series(series.y[:500], "sales")
    model = train(early, "finetuned", config)
    assert any((model.weights[name] != shipped_weights()[name]).any() for name in TRAINED)
    for name in set(START) - set(TRAINED):
        np.testing.assert_array_equal(model.weights[name], shipped_weights()[name])
    forecast.save_model(model, tmp_path / "bundle")
    opened = forecast.open_model(tmp_path / "bundle")
    np.testing.assert_array_equal(opened.predict(early).quantiles, model.predict(early).quantiles)
    assert "the rows of Close up to the last one" in "".join(card(tmp_path / "bundle"))
    gone_on = forecast.update(opened, series)
    assert gone_on.trained_on[0].rows == 480
    assert gone_on.ancestry[0]["model"] == "finetuned"
    again = train(series, "finetuned", config, start=opened)
    assert again.weights["head/kernel"].shape == model.weights["head/kernel"].shape
    with pytest.raises(forecast.ForecastError, match="a training goes on, or begins"):
        train(series, "linear", config, start=train(early, "linear", config))


def test_it_begins_with_the_forecast_of_the_network_and_needs_no_tensorflow():
    code = (
        "import sys, forecast; "
        "one, other = (forecast.train('data/sea_temperature.csv', name, horizon=3, max_steps=1) "
        "for name in ('pretrained', 'finetuned')); "
        "print(*(name for name in ('tensorflow', 'keras') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_random_weights_rank_the_candidates_by_their_earlier_errors():
    drawn, seen = random_weights(3), windows(20)
    assert {name: array.shape for name, array in drawn.items()} == SHAPES
    recurrent = drawn["gru/recurrent_kernel"][:, :64]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(64), atol=1e-5)
    shares = np.exp(-4 * seen.errors)
    expected = (seen.mixed * (shares / shares.sum(axis=1, keepdims=True))[:, None]).sum(axis=2)
    made = head({**drawn, "head/kernel": 0 * drawn["head/kernel"]}, seen.step, seen.errors, seen.mixed)
    np.testing.assert_allclose(made[..., 3], expected, atol=1e-5)


def test_a_training_from_scratch_takes_nothing_from_the_weights_that_come_with_the_package():
    series = make_series(10 * np.sin(np.arange(300) * np.pi / 6) + random_walk(300))
    made, again, other = (
        train(series, "finetuned", horizon=6, season=12, start="scratch", seed=seed, max_steps=10) for seed in (1, 1, 2)
    )
    cells = "gru/kernel"
    np.testing.assert_array_equal(made.weights[cells], random_weights(1)[cells])
    for name in SHAPES:
        np.testing.assert_array_equal(made.weights[name], again.weights[name])
    assert not np.array_equal(made.weights[cells], other.weights[cells])


@pytest.mark.parametrize(
    ("model", "start", "message"),
    [
        ("pretrained", "scratch", "begins with random weights, for .*finetuned"),
        ("finetuned", "models/a", "is a TrainedModel"),
    ],
)
def test_what_nothing_can_begin_with_is_refused(model, start, message):
    with pytest.raises(forecast.ForecastError, match=message):
        train(make_series(random_walk(300)), model, horizon=6, start=start)
