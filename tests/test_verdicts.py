import numpy as np
import pytest
from conftest import make_series, random_walk
from test_evaluation import predictions

from forecast.evaluation.scores import complete, score_all
from forecast.evaluation.verdicts import judge

SERIES = make_series(random_walk(400))
TARGET = np.concatenate([SERIES.y, np.zeros(3)])


def verdict(median, *, first=160, model="lstm", others=()):
    backtests = {model: complete(predictions(median, SERIES, first=first, model=model))}
    backtests |= {
        f"other {n}": complete(predictions(other, SERIES, model=f"other {n}")) for n, other in enumerate(others)
    }
    scores = score_all(backtests, y_train=SERIES.y[:140])
    return judge(backtests, scores, y=SERIES.y, unit="USD")[0]


def test_naive_is_the_baseline():
    found = verdict(lambda row, step: SERIES.y[row], model="naive")
    assert found.outcome == "baseline"
    assert np.isnan(found.p_value)


def test_a_forecast_that_knows_half_of_what_comes_is_better():
    found = verdict(lambda row, step: (TARGET[row + step] + TARGET[row]) / 2)
    assert found.outcome == "better"
    assert found.mae_vs_naive == pytest.approx(0.5)
    assert "lstm is better than naive beyond luck: its error is 50.0% (" in found.sentence
    assert found.p_value < 0.001
    assert found.p_skill < 0.001
    assert not found.lag.copies


def test_a_forecast_that_errs_is_worse():
    found = verdict(lambda row, step: SERIES.y[row] + 2)
    assert found.outcome == "worse"
    assert found.gain < 0
    times = verdict(lambda row, step: SERIES.y[row] + 20)
    assert "times as large" in times.sentence


def test_a_copy_of_the_naive_forecast_is_called_so():
    found = verdict(lambda row, step: SERIES.y[row])
    assert found.outcome == "not distinguishable"
    assert "lstm equals the naive forecast" in found.sentence


def test_a_late_copy_is_called_a_copy_of_yesterday():
    found = verdict(lambda row, step: SERIES.y[row - 1] + 0.5)
    assert found.outcome == "worse"
    assert found.lag.lag == 4  # one row behind the last known value, three steps ahead
    assert found.lag.copied == pytest.approx(1)
    assert "Its forecasts follow the last value (100%) and say almost nothing about the next one" in found.sentence


@pytest.mark.parametrize("skill", [0.0, 0.01, 0.02, 0.04, 0.08])
def test_the_p_value_that_is_said_is_the_one_that_decided(skill):
    noise = np.random.default_rng(1).normal(size=(500, 4)) / 20
    found = verdict(lambda row, step: TARGET[row] + skill * (TARGET[row + step] - TARGET[row]) + noise[row, step])
    said = found.sentence.split(" p ")[1].removeprefix("= ").removeprefix("< ").split(" ")[0].rstrip(".")
    assert ("may be luck" in found.sentence) == (float(said) >= 0.05)
    assert float(said) == pytest.approx(found.p_skill if found.gain > 0 else found.p_value, abs=0.005)


def test_noise_is_not_called_better():
    noise = np.random.default_rng(0).normal(size=(500, 4)) / 5
    assert verdict(lambda row, step: SERIES.y[row] + noise[row, step]).outcome != "better"


def test_trying_many_models_raises_the_bar():
    def knows_a_little(row, step):
        return SERIES.y[row] + 0.04 * (TARGET[row + step] - SERIES.y[row]) + (row * 7919 % 101 - 50) / 60

    alone = verdict(knows_a_little)
    among = verdict(knows_a_little, others=[lambda row, step: SERIES.y[row] + 0.1] * 4)
    assert among.p_skill == pytest.approx(min(1, 5 * alone.p_skill))


def test_a_short_test_says_so():
    found = verdict(lambda row, step: SERIES.y[row] + 0.1, first=389)
    assert np.isnan(found.p_value)
    assert found.outcome == "not distinguishable"
    assert "too short" in found.sentence
