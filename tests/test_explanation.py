"""What a model does with a series: its parts add up to its forecast, and hidden rows matter where they must."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import EVERY, make_series, random_walk

from forecast.cli.tables import explanation as printing
from forecast.config import MEDIAN, override
from forecast.errors import ModelError, SeriesTooShort
from forecast.inference.explain import explain
from forecast.models import BASELINES, MODELS
from forecast.report.plots.explanation import plot_lags, save_explanation
from forecast.training.train import train

WITHOUT_PACKAGE = {"ets", "theta", "arima", "croston"}
HERE = [name for name in MODELS if name not in WITHOUT_PACKAGE]


@pytest.fixture(scope="module")
def wave():
    """A wave of twelve rows with a little noise, for which the highway is let in."""
    rows = np.arange(400)
    return make_series(10 + np.sin(2 * np.pi * rows / 12) + 0.01 * np.random.default_rng(0).normal(size=400), "wave")


def added(moves):
    """The last value, past moves and both components after shrinkage, shape (N, H)."""
    return (
        moves.last_value[:, None]
        + moves.usual
        + sum(moves.shrinkage[:, [place]] * part for place, part in enumerate((moves.linear, moves.network)))
    )


@pytest.mark.parametrize("name", HERE)
def test_the_components_add_up_to_the_forecast(trained, walk, name):
    model = trained(name)
    moves, predictions = model.moves(walk), model.backtest(walk)
    np.testing.assert_allclose(added(moves), predictions.quantiles[..., MEDIAN], rtol=1e-9)
    np.testing.assert_array_equal(moves.median, predictions.quantiles[..., MEDIAN])
    found = explain(model, walk)
    np.testing.assert_allclose(found.steps[:, :4].sum(axis=1), model.predict(walk).median, rtol=1e-9)
    np.testing.assert_allclose(found.steps[:, 4], model.predict(walk).median, rtol=1e-9)
    assert found.dates == model.predict(walk).dates


@pytest.mark.parametrize("name", ["lstm", "linear"])
def test_the_components_add_up_on_a_series_never_seen_and_with_the_highway(wave, name):
    model = train(wave, name, override(EVERY, {"lookback": 24}))
    other = replace(wave, name="other", values=3 * wave.values - 7)
    for series in (wave, other):
        moves = model.moves(series)
        np.testing.assert_allclose(added(moves), model.backtest(series).quantiles[..., MEDIAN], rtol=1e-9)
        assert np.abs(moves.linear).mean() > 10 * np.abs(moves.network).mean()
        assert moves.shrinkage[-1, 0] > 0.8


def test_the_textbook_s_level_is_not_shrunk(walk):
    config = override(EVERY, {"normalisation": "level", "loss": "mse", "labels": 1, "max_steps": 20})
    model = train(walk, "rnn", config)
    moves = model.moves(walk)
    np.testing.assert_allclose(added(moves), model.backtest(walk).quantiles[..., MEDIAN], rtol=1e-6)
    assert (moves.shrinkage == 1).all()
    assert "It forecasts levels, not moves" in explain(model, walk).notes[-1]


def test_a_forecast_depends_on_the_rows_that_its_weights_name(trained, walk):
    """A ridge regression that looks at the fourth last row alone: hiding any other changes nothing."""
    model = trained("linear")
    kernel = np.zeros_like(model.weights["highway/kernel"])
    kernel[-4, 0] = 0.5
    found = explain(replace(model, weights={**model.weights, "highway/kernel": kernel}), walk)
    assert np.flatnonzero(found.lags.linear).tolist() == [3]
    assert found.lags.network.max() < 1e-12
    moved = found.moves.shrinkage[:, [0]] * found.moves.linear
    assert found.lags.forecast[3] == pytest.approx(np.abs(moved).mean(), rel=1e-6)


def test_gates_are_those_of_the_last_window(trained, walk):
    walk = walk[:120]  # too short for an expected size of moves, to which all rows would add
    found = explain(trained("lstm"), walk)
    assert list(found.layers) == ["lstm_1", "lstm_2"]
    assert set(found.layers["lstm_1"]) == {"input", "forget", "output", "candidate", "cell", "hidden"}
    assert found.layers["lstm_2"]["cell"].shape == (8, 4)
    np.testing.assert_array_equal(found.window, walk.y[-9:])
    garbled = replace(walk, values=np.concatenate([walk.values[:-9] + 50, walk.values[-9:]]))
    again = explain(trained("lstm"), garbled)
    np.testing.assert_allclose(again.layers["lstm_2"]["forget"], found.layers["lstm_2"]["forget"], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rnn", "no gates: its hidden state is all"),
        ("dense", "dense has no gates: it sees the whole window at once"),
        ("forest", "no recurrent network and has no gates"),
        ("naive", "no row of a window can be hidden from it"),
    ],
)
def test_what_a_model_does_not_have_is_said(trained, walk, name, words):
    found = explain(trained(name), walk)
    assert words in " ".join(found.notes)
    assert (found.lags is None) == (name in BASELINES)
    assert bool(found.layers) == (name == "rnn")


def test_the_gates_of_several_seeds_are_those_of_the_first(walk):
    model = train(walk, "gru", override(EVERY, {"seeds": 2}))
    found, first = explain(model, walk), explain(model.member(0), walk)
    np.testing.assert_array_equal(found.layers["gru_1"]["update"], first.layers["gru_1"]["update"])
    assert "the first of 2 networks" in found.notes[-1]


def test_a_baseline_is_taken_as_it_is(trained, walk, capsys):
    printing.print_explanation(explain(trained("drift"), walk))
    assert "No shrinkage: the forecast keeps all that drift adds." in capsys.readouterr().out


def test_a_model_that_is_its_highway_adds_nothing_of_its_own(wave, capsys):
    """`linear` has no column beside that of the highway, and no share of its own is kept."""
    printing.print_explanation(explain(train(wave, "linear", EVERY), wave))
    printed = capsys.readouterr().out
    assert "past moves   highway   forecast" in printed
    assert "linear, unshrunk" not in printed
    assert re.search(r"Shrinkage: the forecast keeps \d+% of what the highway adds, as far", printed)


def test_tables_and_record_say_the_same(trained, walk, capsys):
    found = explain(trained("lstm"), walk)
    printing.print_explanation(found)
    printed = capsys.readouterr().out
    record = json.loads(json.dumps(printing.explanation_record(found)))
    assert [step["step"] for step in record["steps"]] == [1, 2, 3]
    assert f"{record['steps'][2]['forecast']:.6g}" in printed
    assert f"{np.mean(record['gates']['lstm_2']['cell']):.3f}" in printed
    assert len(record["lags"]["forecast"]) == 8
    assert "[USD]" in printed


@pytest.mark.parametrize("name", ["lstm", "dense", "naive"])
def test_one_picture_of_all_of_it(trained, walk, tmp_path, name):
    save_explanation(explain(trained(name), walk), tmp_path / "all.png")
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_explained_is_refused(trained, walk):
    with pytest.raises(SeriesTooShort, match="needs at least 9 rows"):
        explain(trained("lstm"), make_series(random_walk(8)))
    with pytest.raises(ModelError, match="trained on directions"):
        explain(train(walk, "dense", override(EVERY, {"task": "direction"})), walk)
    with pytest.raises(ModelError, match="lags are drawn of models that look at single rows"):
        plot_lags(explain(trained("naive"), walk), None)
