import numpy as np
import pytest
from conftest import SMALL, make_series, random_walk

from forecast.evaluation import complete, judge, score
from forecast.significance import holm, luck
from forecast.training import Predictions
from forecast.windows import split_rows


def predictions(median, series, first=160, model="lstm"):
    """Forecasts with the given function of (origin, step), and an interval of one on each side."""
    origin = np.arange(first, len(series))
    target = np.concatenate([series.y, np.full(3, np.nan)])
    steps = np.arange(1, 4)
    actual = target[origin[:, None] + steps]
    middle = np.array([[median(row, step) for step in steps] for row in origin])
    return Predictions(model, origin, series.y[origin], actual, middle[:, :, None] + np.linspace(-1, 1, 7))


def test_only_origins_whose_every_step_is_known_are_tested(walk):
    backtest = complete(predictions(lambda row, step: walk.y[row], walk))
    assert backtest.origin.tolist() == list(range(160, 197))
    assert backtest.actual[0].tolist() == walk.y[161:164].tolist()
    assert np.isfinite(backtest.actual).all()


def test_naive_scores_exactly_one_against_itself(walk):
    backtest = complete(predictions(lambda row, step: walk.y[row], walk, model="naive"))
    scores = score(backtest, walk, split_rows(len(walk), SMALL), fit_seconds=0.5)
    assert scores.mae_vs_naive == 1
    assert np.isnan(scores.direction)
    assert scores.fit_seconds == 0.5
    verdict = judge([backtest], [scores], unit="USD")[0]
    assert verdict.finding == "baseline"


def test_scores_by_a_plain_loop(walk):
    backtest = complete(predictions(lambda row, step: walk.y[row] + 0.1 * step, walk))
    scores = score(backtest, walk, split_rows(len(walk), SMALL), fit_seconds=0)
    errors, naive, inside = [], [], []
    for row in range(160, 197):
        for step in (1, 2, 3):
            errors.append(abs(walk.y[row + step] - walk.y[row] - 0.1 * step))
            naive.append(abs(walk.y[row + step] - walk.y[row]))
            inside.append(errors[-1] <= 1)
    assert scores.mae == pytest.approx(np.mean(errors))
    assert scores.mae_vs_naive == pytest.approx(np.mean(errors) / np.mean(naive))
    assert scores.coverage90 == pytest.approx(np.mean(inside))


def test_a_forecast_that_knows_is_better_and_one_that_errs_is_worse():
    series = make_series(random_walk(400))
    target = np.concatenate([series.y, np.zeros(3)])

    def verdict(median):
        backtest = complete(predictions(median, series))
        scores = score(backtest, series, split_rows(len(series), SMALL), fit_seconds=0)
        return judge([backtest], [scores], unit="USD")[0]

    knows = verdict(lambda row, step: (target[row + step] + target[row]) / 2)
    assert knows.finding == "better"
    assert "lstm is better than naive beyond luck: its error is 50.0% (" in knows.sentence
    errs = verdict(lambda row, step: series.y[row] + 2)
    assert errs.finding == "worse"
    copies = verdict(lambda row, step: series.y[row])
    assert copies.finding == "not distinguishable"
    assert "lstm is the naive forecast" in copies.sentence
    noise = np.random.default_rng(0).normal(size=(500, 4)) / 5
    assert verdict(lambda row, step: series.y[row] + noise[row, step]).finding != "better"


def test_a_short_test_says_so(walk):
    backtest = complete(predictions(lambda row, step: walk.y[row] + 0.1, walk, first=189))
    scores = score(backtest, walk, split_rows(len(walk), SMALL), fit_seconds=0)
    verdict = judge([backtest], [scores], unit="USD")[0]
    assert np.isnan(verdict.p_value)
    assert verdict.finding == "not distinguishable"
    assert "too short" in verdict.sentence


def test_luck_is_called_skill_about_as_rarely_as_it_says():
    """Gains without skill that overlap as 10-step forecasts do: at 5 %, at most some 5 % of 400 are called skill."""
    random = np.random.default_rng(0)
    called = 0
    for _ in range(400):
        noise = random.normal(size=600 + 9)
        called += luck(np.convolve(noise, np.ones(10), "valid"), horizon=10) < 0.05
    assert called / 400 < 0.085


def test_skill_is_seen():
    gain = 0.5 + np.random.default_rng(0).normal(size=600)
    assert luck(gain, horizon=5) < 0.001


def test_trying_many_models_raises_the_bar():
    """By hand: 0.01 of four counts fourfold, 0.02 threefold, 0.03 twofold, and none below the one before it."""
    found = holm([0.03, 0.01, float("nan"), 0.02, 0.9])
    assert found[:2] == pytest.approx([0.06, 0.04])
    assert np.isnan(found[2])
    assert found[3:] == pytest.approx([0.06, 0.9])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
