import numpy as np
import pytest

from forecast.config import MEDIAN, QUANTILES
from forecast.evaluation.scores import at_step, complete, reached, score, score_all, score_steps
from forecast.inference.forecasts import Backtest


def predictions(median, series, first=160, model="lstm"):
    """Forecasts with the given function of (origin, step), and an interval of one on each side."""
    origin = np.arange(first, len(series))
    target = np.concatenate([series.y, np.full(3, np.nan)])
    steps = np.arange(1, 4)
    actual = target[origin[:, None] + steps]
    middle = np.array([[median(row, step) for step in steps] for row in origin])
    return Backtest(model, origin, series.y[origin], actual, middle[:, :, None] + np.linspace(-1, 1, 7))


def test_only_origins_whose_every_step_is_known_are_tested(walk):
    backtest = complete(predictions(lambda row, step: walk.y[row], walk))
    assert backtest.origin.tolist() == list(range(160, 197))
    assert backtest.actual[0].tolist() == walk.y[161:164].tolist()
    assert np.isfinite(backtest.actual).all()


def test_naive_scores_exactly_one_against_itself(walk):
    backtest = complete(predictions(lambda row, step: walk.y[row], walk, model="naive"))
    scores = score(backtest, y_train=walk.y[:140], fit_seconds=0.5)
    assert scores.mae_vs_naive == 1
    assert scores.skill_naive == 0
    assert np.isnan(scores.direction)
    assert np.isnan(scores.skill_drift)  # drift is not there
    assert scores.fit_seconds == 0.5


def test_scores_by_a_plain_loop(walk):
    backtest = complete(predictions(lambda row, step: walk.y[row] + 0.1 * step, walk))
    drift = complete(predictions(lambda row, step: walk.y[row] + 0.2, walk, model="drift"))
    scores = score_all({"lstm": backtest, "drift": drift}, y_train=walk.y[:140])[0]
    errors, naive, inside, drifts, signed, up = [], [], [], [], [], []
    for row in range(160, 197):
        for step in (1, 2, 3):
            true = walk.y[row + step]
            errors.append(abs(true - walk.y[row] - 0.1 * step))
            signed.append(walk.y[row] + 0.1 * step - true)
            naive.append(abs(true - walk.y[row]))
            drifts.append(abs(true - walk.y[row] - 0.2))
            inside.append(errors[-1] <= 1)
            up.append(true > walk.y[row])
    change = np.mean([abs(walk.y[row + 1] - walk.y[row]) for row in range(139)])
    assert scores.mae == pytest.approx(np.mean(errors))
    assert scores.mase == pytest.approx(np.mean(errors) / change)
    assert scores.bias == pytest.approx(np.mean(signed))
    assert scores.mae_vs_naive == pytest.approx(np.mean(errors) / np.mean(naive))
    assert scores.skill_drift == pytest.approx(1 - np.mean(errors) / np.mean(drifts))
    assert scores.coverage90 == pytest.approx(np.mean(inside))
    assert scores.width90 == pytest.approx(2)
    assert scores.direction == pytest.approx(np.mean(up))
    assert scores.direction_low < scores.direction < scores.direction_high


def test_forecasts_that_overlap_count_once_in_the_interval_of_the_direction(walk):
    backtest = complete(predictions(lambda row, step: walk.y[row] + 0.1, walk))
    wide, narrow = (score(backtest, y_train=walk.y[:140], overlap=rows) for rows in (3, 1))
    assert wide.direction == narrow.direction
    assert wide.direction_high - wide.direction_low > narrow.direction_high - narrow.direction_low


def test_steps_make_up_the_whole(walk):
    backtests = {"lstm": complete(predictions(lambda row, step: walk.y[row] + 0.1 * step, walk))}
    whole = score_all(backtests, y_train=walk.y[:140])[0]
    steps = score_steps(backtests, y_train=walk.y[:140])
    assert [step for step, _ in steps] == [1, 2, 3]
    assert np.mean([row.mae for _, row in steps]) == pytest.approx(whole.mae)
    assert np.mean([row.crps for _, row in steps]) == pytest.approx(whole.crps)
    assert at_step(backtests["lstm"], 2).actual[0].tolist() == [walk.y[162]]


def test_calibrated_quantiles_are_reached_as_often_as_they_say():
    random = np.random.default_rng(0)
    actual = random.uniform(size=(20_000, 2))
    quantiles = np.broadcast_to(np.array(QUANTILES), (20_000, 2, 7))
    backtest = Backtest("lstm", np.arange(20_000), np.zeros(20_000), actual, quantiles)
    np.testing.assert_allclose(reached(backtest), np.tile(QUANTILES, (2, 1)), atol=0.01)
    assert reached(backtest)[0, MEDIAN] == (actual[:, 0] <= 0.5).mean()
