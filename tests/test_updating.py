"""Training on from a saved network, and whether that helped."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import SMALL, make_series, random_walk

from forecast.config import override
from forecast.errors import ConfigError
from forecast.evaluation.update import UpdateScore, compare
from forecast.inference.bundle import open_model, save_model
from forecast.training.fine_tune import update
from forecast.training.train import train

LONG = make_series(np.sin(np.arange(400) / 3) * 5 + random_walk(400, seed=3) / 10, "waves")
SHORT = make_series(LONG.y[:250], "waves")


@pytest.fixture(scope="module")
def before():
    return train(SHORT, "lstm", SMALL)


@pytest.fixture(scope="module")
def after(before):
    return update(before, [LONG], steps=20, learning_rate=0.01)


def test_scaler_windows_and_settings_stay(before, after):
    assert after.config == before.config
    np.testing.assert_array_equal(after.trained_on[0].scaler.minimum, before.trained_on[0].scaler.minimum)
    np.testing.assert_array_equal(after.weights["highway/kernel"], before.weights["highway/kernel"])
    assert (before.trained_on[0].rows, after.trained_on[0].rows) == (200, 320)
    assert after.ancestry[0]["created"] == before.created


def test_the_comparison_uses_rows_that_neither_saw_and_mean_errors(before, after):
    """Against the errors worked out origin by origin."""
    worth = compare(before, after, [LONG])[0]
    assert worth.first == f"{LONG.index[320]:%Y-%m-%d}"
    assert worth.origins == 400 - 320 - SMALL.horizon + 1
    for model, begin, found in ((before, 199, worth.before), (after, 319, worth.after)):
        predicted = model.backtest(LONG, first=begin)
        errors = [np.abs(LONG.y[t + 1 : t + 4] - predicted.quantiles[t - begin, :, 3]).mean() for t in range(319, 397)]
        assert found == pytest.approx(np.mean(errors))


def test_new_rows_are_half_of_what_is_seen(before):
    """The panel holds the series, and once more its part that is new."""
    from forecast.data.panel import Panel
    from forecast.training.train import _with_news

    long = before.prepare(LONG)
    inputs = long.scaled(before.trained_on[0].scaler)
    panel = _with_news(Panel.of([inputs], [long.split]), [long], [before.known(LONG)], before.problem)
    rows = [len(part.past) for part, _ in panel]
    assert rows == [320, 320 - 175]  # training rows went to 175 = 0.7 * 250
    origin, _ = panel.draw(np.random.default_rng(0), 4000, lookback=8, horizon=3, labels=6)
    assert 0.45 < np.mean(origin >= 320) < 0.55


def test_an_update_that_finds_nothing_better_keeps_the_weights(before):
    same = update(before, [LONG], steps=1, learning_rate=1e-12)
    np.testing.assert_allclose(same.weights["lstm_1/kernel"], before.weights["lstm_1/kernel"], atol=1e-9)


def test_frozen_layers_do_not_move(before):
    made = train(LONG, "lstm", before.config, start=before, freeze=True)
    np.testing.assert_array_equal(made.weights["lstm_1/kernel"], before.weights["lstm_1/kernel"])
    np.testing.assert_array_equal(made.weights["lstm_2/bias"], before.weights["lstm_2/bias"])


def test_a_series_without_news_is_refused(before):
    with pytest.raises(ConfigError, match="250 rows of waves, of which it has none yet") as refused:
        update(before, [SHORT])
    enough = int(re.search(r"(\d+) in all are enough", str(refused.value))[1])
    with pytest.raises(ConfigError, match=f"{enough} in all are enough"):
        update(before, [make_series(LONG.y[: enough - 1], "waves")])
    update(before, [make_series(LONG.y[:enough], "waves")], steps=1)


def test_only_networks_can_go_on(trained, walk):
    with pytest.raises(ConfigError, match="goes on with the training of a network"):
        update(trained("forest"), [walk])


def test_another_shape_is_refused(before):
    wider = override(before.config, {"units": 5})
    with pytest.raises(ConfigError, match="the lookback, horizon, columns and layers"):
        train(LONG, "lstm", wider, start=before)


def test_directions_are_compared_by_their_log_loss():
    config = replace(SMALL, task="direction")
    old = train(SHORT, "gru", config)
    worth = compare(old, update(old, [LONG], steps=4), [LONG])[0]
    assert worth.unit == "nats"
    assert 0 < worth.before < 2


@pytest.mark.parametrize(
    ("after", "p_value", "said"),
    [
        (0.9, 0.01, "a: the update helped: the error is 10.0% smaller (0.9 instead of 1 USD) on"),
        (1.1, 0.01, "a: the update harmed: the error is 10.0% larger"),
        (0.9, 0.4, "which may be luck, p = 0.40."),
        (0.9, float("nan"), "too few rows to rule out luck: 14 new rows would do."),
        (1.0, float("nan"), "a: the update changed nothing"),
        (1.0004, 0.001, "a: the update changed the error by less than 0.1%"),
    ],
)
def test_the_sentence_says_what_the_numbers_say(after, p_value, said):
    found = UpdateScore("a", "USD", 9, 3, "2020-01-01", "2020-02-01", 1.0, after, p_value)
    assert said in found.sentence
    assert found.harmed == ("harmed" in said or after == 1.1)


@pytest.fixture
def saved(before, tmp_path, monkeypatch):
    """A bundle and a file with news, and an update whose worth is made up: the error is 1 before, `after` after it."""
    from forecast.cli.main import app

    save_model(before, tmp_path / "model")
    pd.DataFrame({"Date": LONG.index, "Close": LONG.y}).to_csv(tmp_path / "waves.csv", index=False)

    def call(after, *options):
        score = UpdateScore("waves", "USD", 60, 3, "2020-01-01", "2020-02-01", 1.0, after, 0.01)
        monkeypatch.setattr("forecast.evaluation.update.compare", lambda *_: [score])
        arguments = ["update", str(tmp_path / "model"), str(tmp_path / "waves.csv"), "--steps", "1", *options]
        return app(arguments, standalone_mode=False)

    return call


def test_an_update_that_harmed_keeps_the_old_bundle_and_asks(saved, before, tmp_path, capsys):
    kept = (tmp_path / "model" / "bundle.json").read_bytes()
    assert saved(1.1) == 1
    assert (tmp_path / "model" / "bundle.json").read_bytes() == kept
    told = capsys.readouterr()
    assert "the update harmed: the error is 10.0% larger" in told.out
    assert "is as it was, because the update harmed. Give --save DIR" in told.err
    saved(1.1, "--save", str(tmp_path / "beside"))
    assert (tmp_path / "beside" / "bundle.json").exists()
    saved(1.0004)  # nothing that shows
    assert open_model(tmp_path / "model").ancestry[0]["created"] == before.created


def test_an_update_that_harmed_replaces_where_that_is_asked_for(saved, before, tmp_path):
    saved(1.1, "--keep-anyway")
    assert open_model(tmp_path / "model").ancestry[0]["created"] == before.created
