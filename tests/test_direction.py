"""Down, flat and up: classes, loss, trust, scores, verdicts and files."""

import csv
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import SMALL, make_inputs, make_problem, make_series, random_walk
from keras.ops import convert_to_numpy

import forecast
from forecast.config import RECIPES, ExperimentConfig, override
from forecast.data.windows import make_blocks, past_moves
from forecast.errors import ConfigError, ModelError, SeriesError, SeriesTooShort
from forecast.evaluation.direction import complete, judge, reliability, score
from forecast.evaluation.holdout import test as score_model
from forecast.inference import direction
from forecast.inference.direction import baselines
from forecast.inference.forecasts import ClassProbabilities
from forecast.metrics import metrics
from forecast.models import MODELS, NETWORKS
from forecast.models import direction_classes as classes
from forecast.models.neural import architecture, network, training_loop
from forecast.training.train import train

CONFIG = replace(SMALL, task="direction")
EVERY = override(CONFIG, {"layers": "lstm:4,rnn:3"})
QUICK = {"lookback": 12, "horizon": 3, "units": 8, "max_steps": 60, "labels": 32, "learning_rate": 0.02}


def sine(rows: int = 700) -> np.ndarray:
    """A wave whose next moves are known from its past, but for the noise."""
    noise = np.random.default_rng(3).normal(size=rows)
    return 50 + 5 * np.sin(2 * np.pi * np.arange(rows) / 16) + 0.5 * noise


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs") / "sine"


@pytest.fixture(scope="module")
def result(folder):
    config = override(ExperimentConfig(task="direction"), QUICK)
    return forecast.run(make_series(sine(), "sine"), models=["dense"], config=config, out=folder)


def test_band_and_classes_by_hand():
    """|u| of 0 to 9: a third of them lies at or below 3."""
    moves = np.array([0, -1, 2, 3, -4, 5, -6, 7, -8, 9.0])
    learned = classes.learn_classes(moves)
    assert learned[classes.BAND] == pytest.approx(3)
    found = classes.classes_of(np.array([-3.1, -3.0, 0.0, 3.0, 3.1, np.nan]), 3.0)
    np.testing.assert_array_equal(found, [0, 1, 1, 1, 2, np.nan])
    np.testing.assert_allclose(learned[classes.RATES], np.array([3 + 1, 4 + 1, 3 + 1]) / 13)


def test_moves_that_are_not_known_teach_no_classes():
    moves = np.array([0, -1, 2, 3, -4, 5, -6, 7, -8, 9.0])
    learned, holed = (classes.learn_classes(part) for part in (moves, np.insert(moves, [2, 5], np.nan)))
    assert {name: found.tolist() for name, found in learned.items()} == {
        name: found.tolist() for name, found in holed.items()
    }
    with pytest.raises(SeriesTooShort, match="directions need two known values"):
        classes.learn_classes(np.full(3, np.nan))


def test_directions_of_a_series_with_missing_rows(walk):
    """A third of the moves is flat, as without holes; where the last move is not known it persists in none."""
    values = np.array(walk.y)
    values[np.random.default_rng(0).integers(5, len(values) - 5, 40)] = np.nan
    found = forecast.run(make_series(values), models=["dense"], config=CONFIG)
    assert found.models["dense"].weights[classes.RATES][1] == pytest.approx(1 / 3, abs=0.02)
    for made in found.backtests.values():
        np.testing.assert_allclose(made.probabilities.sum(axis=1), 1)


def test_the_class_is_that_of_the_move_from_the_origin_to_step_h():
    values = np.array([0, 1, 0, 1, 0, 1, 5, 2.0, 1, 0])
    blocks = make_blocks(make_inputs(values), np.array([4, 5, 8]), lookback=4, horizon=2)
    np.testing.assert_allclose(blocks.y[:2, 0, -1], np.array([5 - 0, 2 - 1]) / np.sqrt(2))
    found = network.labels_of(blocks.y, {classes.BAND: np.array(1.0)})
    np.testing.assert_array_equal(found[:, 0, 0], [2, 1, np.nan])


def test_past_moves_are_in_the_units_of_the_labels():
    values = np.cumsum(np.random.default_rng(0).normal(size=40))
    blocks = make_blocks(make_inputs(values), np.array([4, 8, 20]), lookback=4, horizon=6)
    scale = [np.abs(np.diff(values[t - 4 : t + 1])).mean() * np.sqrt(6) for t in (8, 20)]
    found = past_moves(blocks)
    assert np.isnan(found[0])  # row -2 is not there
    np.testing.assert_allclose(found[1:], [(values[8] - values[2]) / scale[0], (values[20] - values[14]) / scale[1]])


def test_the_loss_that_keras_minimises_is_the_one_that_numpy_reports():
    import keras

    def identity(kind, problem, length):
        inputs = keras.Input((length, 1, 3))
        return keras.Model(inputs, keras.layers.Identity()(inputs), name=kind)

    random = np.random.default_rng(0)
    outputs = random.dirichlet([1, 1, 1], size=(4, 2, 1)).astype(np.float32)
    y = random.integers(3, size=(4, 2, 1)).astype(np.float32)
    outputs[0, 0, 0] = np.eye(3)[(int(y[0, 0, 0]) + 1) % 3]  # what came was called impossible
    y[1, 1, 0] = np.nan
    network = training_loop._compile(training_loop.Program("identity", make_problem(CONFIG), identity, 2))
    found = network.evaluate(outputs, y, batch_size=4, verbose=0)
    assert found == pytest.approx(training_loop.loss_of(outputs, y, "entropy"), rel=1e-5)
    known = np.isfinite(y)
    assert found == pytest.approx(metrics.log_loss(y[known], outputs[known]), rel=1e-5)


def test_scores_by_hand():
    came, given = np.array([0.0, 2.0]), np.array([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]])
    assert metrics.log_loss(came, given) == pytest.approx((np.log(2) + np.log(4)) / 2)
    assert metrics.brier(came, given) == pytest.approx((0.25 + 2 / 16 + 0.25 + 1 / 16 + 9 / 16) / 2)
    assert metrics.accuracy(came, given) == 0.5
    assert metrics.calibration_error(np.array([0.2, 0.6]), np.array([0.3, 0.6]), np.array([3, 1])) == pytest.approx(
        0.075
    )


def test_an_untrained_network_says_the_base_rates(walk):
    """With a rate too small to move anything."""
    model = train(walk, "rnn", override(CONFIG, {"max_steps": 1, "learning_rate": 1e-12}))
    rates = model.weights[classes.RATES]
    assert rates[1] == pytest.approx(1 / 3, abs=0.02)
    np.testing.assert_allclose(direction.backtest(model, walk).probabilities - rates, 0, atol=1e-6)


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_equations_agree_with_the_softmax_of_keras(kind, walk):
    problem = make_problem(EVERY)
    network = architecture.build(kind, problem)
    head = network.get_layer("head")
    head.set_weights([np.random.default_rng(0).normal(size=weight.shape) for weight in head.weights])
    weights = {
        **architecture.named_weights(network),
        classes.RATES: np.full(3, 1 / 3),
        classes.MIXTURE_WEIGHT: np.array(1.0),
    }
    blocks = MODELS[kind].blocks(make_inputs(walk.y), np.arange(20, 60), problem)
    found = MODELS[kind].predict_proba(weights, blocks, problem)
    np.testing.assert_allclose(found, convert_to_numpy(network(blocks.x))[:, 0, 0], atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    assert np.ptp(found, axis=0).min() > 0.01
    assert {*weights, classes.BAND} == set(MODELS[kind].shapes(problem))


def test_an_ensemble_is_the_mean_of_its_members(walk):
    several = train(walk, "dense", override(CONFIG, {"seeds": 2}))
    full = replace(several, weights={**several.weights, classes.MIXTURE_WEIGHT: np.array(1.0)})
    alone = [direction.backtest(full.member(number), walk).probabilities for number in range(2)]
    np.testing.assert_allclose(direction.backtest(full, walk).probabilities, np.mean(alone, axis=0))


def test_equal_seeds_give_equal_numbers(walk):
    first, second, other = (
        train(walk, "dense", override(CONFIG, {"seed": seed, "dropout": 0.2})) for seed in (1, 1, 2)
    )
    for name in first.weights:
        np.testing.assert_array_equal(first.weights[name], second.weights[name])
    assert (first.weights["dense_1/kernel"] != other.weights["dense_1/kernel"]).any()


def test_trust_grows_with_evidence_and_is_nothing_without():
    random = np.random.default_rng(0)
    came = random.integers(3, size=300).astype(float)
    rates = np.full(3, 1 / 3)
    good = 0.2 + 0.4 * np.eye(3)[came.astype(int)]
    assert classes.fit_mixture_weight(good, came, rates, horizon=1) > 0.95
    assert 0.1 < classes.fit_mixture_weight(good[:40], came[:40], rates, horizon=6) < 0.9
    assert classes.fit_mixture_weight(good, came, rates, horizon=1000) == 0
    assert classes.fit_mixture_weight(good[random.permutation(300)], came, rates, horizon=1) == 0
    assert classes.fit_mixture_weight(np.zeros((0, 3)), np.zeros(0), rates, horizon=1) == 0


def test_nothing_after_the_split_reaches_the_model():
    values = sine(500)
    garbled = values.copy()
    garbled[400:] = np.random.default_rng(9).normal(1e6, 1e5, size=100)
    clean, spoilt = make_series(values), make_series(garbled)
    config = override(ExperimentConfig(task="direction"), QUICK)
    one, other = (train(series, "dense", config) for series in (clean, spoilt))
    for name in one.weights:
        np.testing.assert_array_equal(one.weights[name], other.weights[name])
    assert one.weights[classes.MIXTURE_WEIGHT] > 0  # so that the probabilities below are the network's
    first, spoilt_first = direction.backtest(one, clean), direction.backtest(other, spoilt)
    assert first.origin[0] == 399
    np.testing.assert_array_equal(first.probabilities[0], spoilt_first.probabilities[0])
    given, spoilt_given = baselines(one, clean, first), baselines(other, spoilt, spoilt_first)
    for name in given:
        np.testing.assert_array_equal(given[name].probabilities[0], spoilt_given[name].probabilities[0])


def test_no_probability_looks_past_its_origin(result):
    """The series is cut after some test origins, and the model sees no more of it."""
    model, whole = result.models["dense"], direction.backtest(result.models["dense"], result.series)
    for rows in (580, 641):
        cut = make_series(result.series.y[:rows], "sine")
        place = int(np.flatnonzero(whole.origin == rows - 1)[0])
        found = direction.backtest(model, cut, first=rows - 1)
        np.testing.assert_allclose(found.probabilities[0], whole.probabilities[place], rtol=1e-5)
        assert np.isnan(found.actual[0])


def test_persistence_gives_the_shares_after_such_a_move():
    """A wave of period 4 turns after two rows: after down comes up."""
    series = make_series(10 + np.tile([0.0, 1.0, 2.0, 1.0], 60))
    model = train(series, "dense", override(CONFIG, {"horizon": 2}))
    tested = complete(direction.backtest(model, series))
    found = baselines(model, series, tested)["persistence"]
    assert metrics.accuracy(found.actual, found.probabilities) == 1


def test_a_predictable_direction_is_better_than_the_base_rate(result):
    verdict = {row.model: row for row in result.verdicts}["dense"]
    assert verdict.outcome == "better"
    assert verdict.log_loss_skill > 20
    assert "is better than the base rate beyond luck: its log loss is" in verdict.sentence
    row = {row.model: row for row in result.scores}["dense"]
    assert row.mixture_weight > 0.8
    assert row.accuracy > 0.6
    assert row.calibration_error < 0.1


def test_a_random_walk_is_no_better_than_the_base_rate():
    found = forecast.run(
        make_series(random_walk(700)), models=["dense"], config=override(ExperimentConfig(task="direction"), QUICK)
    )
    assert {row.outcome for row in found.verdicts} == {"not distinguishable", "baseline"}
    assert found.scores[0].mixture_weight == 0
    assert found.scores[0].log_loss_skill == 0
    assert "dense equals the base rate: its probabilities were no better" in found.verdicts[0].sentence


def given_by(model, came, probabilities):
    return ClassProbabilities(model, np.arange(len(came)), came, probabilities, 2)


def test_worse_than_the_base_rate_is_called_so():
    random = np.random.default_rng(0)
    came = random.integers(3, size=400).astype(float)
    base = given_by("base_rate", came, np.full((400, 3), 1 / 3))
    wrong = given_by("lstm", came, np.full((400, 3), 0.45) - 0.35 * np.eye(3)[came.astype(int)])
    backtests = {"base_rate": base, "lstm": wrong}
    rows = [score(one, base, mixture_weight=0.5, fit_seconds=0.0) for one in backtests.values()]
    verdicts = judge(backtests, rows, horizon=2)
    assert [verdict.outcome for verdict in verdicts] == ["baseline", "worse"]
    assert "lstm is worse than the base rate: its log loss is" in verdicts[1].sentence
    short = judge({name: given_by(name, one.actual[:9], one.probabilities[:9]) for name, one in backtests.items()},
                  rows, horizon=2)  # fmt: skip
    assert "the test is too short to rule out luck" in short[1].sentence


def test_bins_hold_equal_counts_and_equal_probabilities_stay_together():
    random = np.random.default_rng(0)
    given = random.dirichlet([2, 2, 2], size=1000)
    came = (random.random(1000)[:, None] > given.cumsum(axis=1)).sum(axis=1).clip(max=2).astype(float)
    bins = reliability(given_by("lstm", came, given))
    assert len(bins.count) == 10
    assert np.ptp(bins.count) <= 1
    assert bins.error < 0.04
    same = reliability(given_by("base_rate", came, np.tile([0.2, 0.3, 0.5], (1000, 1))))
    np.testing.assert_allclose(same.probability, [0.2, 0.3, 0.5])
    np.testing.assert_allclose(same.observed, [(came == place).mean() for place in range(3)])


def header(path):
    with path.open() as file:
        return next(csv.reader(file))


def test_probabilities_sum_to_one(result):
    assert list(result.backtests) == list(result.forecasts) == ["dense", "base_rate", "persistence"]
    for name, backtest in result.backtests.items():
        for given in (backtest.probabilities, np.array([result.forecasts[name].probabilities])):
            np.testing.assert_allclose(given.sum(axis=1), 1, rtol=1e-12)
            assert (given > 0).all()


def test_files_have_their_columns_and_rows(result, folder):
    shares = ["p_down", "p_flat", "p_up"]
    scores = ["log_loss", "brier", "accuracy", "log_loss_skill", "brier_skill", "calibration_error", "mixture_weight"]
    assert header(folder / "scores.csv") == ["model", *scores, "fit_seconds"]
    assert header(folder / "backtest.csv") == ["model", "origin", "date", "actual", *shares]
    assert header(folder / "forecast.csv") == ["model", "date", *shares]
    for name in ("scores", "backtest", "forecast"):
        table = pd.read_csv(folder / f"{name}.csv")
        assert table["model"].unique().tolist() == ["dense", "base_rate", "persistence"]
    record = json.loads((folder / "run.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert sum(record["base_rates"].values()) == pytest.approx(1)
    assert set(record["calibration"]["dense"]) == {"error", "probability", "observed", "count"}
    assert ExperimentConfig.from_dict(record["config"]).task == "direction"
    assert {path.name for path in (folder / "plots").iterdir()} == {"calibration.png", "losses.png"}


def test_scores_can_be_worked_out_again_from_the_backtest(result, folder):
    rows = pd.read_csv(folder / "backtest.csv", parse_dates=["origin", "date"]).query("model == 'dense'")
    scores = pd.read_csv(folder / "scores.csv").set_index("model")
    given = rows[["p_down", "p_flat", "p_up"]].to_numpy()
    came = rows["actual"].map({"down": 0, "flat": 1, "up": 2}).to_numpy()
    assert scores.loc["dense", "log_loss"] == pytest.approx(-np.log(given[np.arange(len(came)), came]).mean())
    assert scores.loc["dense", "accuracy"] == pytest.approx((given.argmax(axis=1) == came).mean())
    assert len(rows) == 140 - 3 + 1
    assert rows["date"].min() == result.series.index[562]  # step H of the origin before the first test row
    assert rows["date"].max() == result.series.index[-1]


def test_a_saved_model_gives_the_forecast_of_the_run(result, folder):
    opened = forecast.open_model(folder / "models" / "dense")
    again, told = direction.predict(opened, result.series), result.forecasts["dense"]
    assert again.date == told.date
    np.testing.assert_allclose(again.probabilities, told.probabilities, rtol=1e-5)
    with pytest.raises(ModelError, match="trained on directions"):
        opened.predict(result.series)


def test_a_model_of_values_gives_no_directions(trained, walk):
    with pytest.raises(ModelError, match="forecasts values, not directions"):
        direction.backtest(trained("dense"), walk)


def test_many_series_are_learned_together():
    several = [make_series(sine(300), "one"), make_series(sine(240) * 7, "two")]
    model = train(several, "dense", CONFIG)
    assert all(np.isfinite(score_model(model, one)[0].log_loss) for one in several)


def test_a_constant_series_is_refused_before_the_training(tmp_path):
    with pytest.raises(SeriesError, match="a target must change"):
        forecast.run(make_series(np.full(300, 5.0)), models=["dense"], config=CONFIG, out=tmp_path / "run")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: override(ExperimentConfig(), {"task": "sideways"}), "`task` must be one of forecast, direction"),
        (lambda: override(RECIPES["textbook"], {"task": "direction"}), "`task` must be forecast for the recipe textb"),
        (lambda: forecast.run("x", models=["naive"], config=CONFIG), "the task direction is for networks: lstm, gru"),
        (lambda: forecast.run("x", models=[], config=CONFIG), "needs a network or more"),
    ],
)
def test_what_cannot_be_asked_is_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


@pytest.mark.usefixtures("jobs_here")
def test_the_command_line_runs_and_predicts(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from forecast.cli.main import app

    monkeypatch.chdir(tmp_path)
    rows = pd.DataFrame({"Date": pd.bdate_range("2001-01-01", periods=300), "Close": sine(300)})
    rows.to_csv("wave.csv", index=False)
    quick = ["--lookback", "8", "--horizon", "3", "--units", "4", "--steps", "8", "--labels", "6", "--batch", "4"]
    told = CliRunner().invoke(
        app, ["run", "wave.csv", "--task", "direction", "--models", "dense", "--out", "r", *quick]
    )
    assert told.exit_code == 0, told.output
    for words in ("log loss", "[nats]", "down", "base_rate is the reference", "are in r"):
        assert words in told.stdout
    again = CliRunner().invoke(app, ["run", "wave.csv", "--task", "direction", "--models", "dense", "--json", *quick])
    assert json.loads(again.stdout)["models"] == ["dense"]
    assert len(list((tmp_path / "runs").iterdir())) == 1
    opened = CliRunner().invoke(app, ["predict", "wave.csv", "--model", "r/models/dense", "--json"])
    record = json.loads(opened.stdout)
    assert record["p_down"] + record["p_flat"] + record["p_up"] == pytest.approx(1)
    assert "probabilities" not in record
    trained = ["train", "wave.csv", "--task", "direction", "--model", "dense", "--save", "s", *quick]
    assert "[nats]" in CliRunner().invoke(app, trained).stdout
