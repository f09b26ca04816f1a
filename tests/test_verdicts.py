from dataclasses import replace

import numpy as np
import pytest
from conftest import make_series, random_walk
from test_evaluation import predictions

from forecast.evaluation.bottom_line import bottom_line
from forecast.evaluation.scores import complete, score_all
from forecast.evaluation.verdicts import judge
from forecast.inference.forecasts import Backtest
from forecast.metrics.significance import diebold_mariano, longest_horizon, rows_needed

SERIES = make_series(random_walk(400))
TARGET = np.concatenate([SERIES.y, np.zeros(3)])


def verdict(median, *, first=160, model="lstm", others=(), half=None, naive=False, own=None):
    """The verdict on a model that forecasts `median` of (origin, step), with an interval of `half` on each side."""
    one = predictions(median, SERIES, first=first, model=model)
    if half is not None:
        one = replace(one, quantiles=one.quantiles[..., [3]] + half * np.linspace(-1, 1, 7))
    if own is not None:
        one = replace(one, network_share=np.full(len(one.origin), own))
    backtests = {model: complete(one)}
    if naive:
        backtests["naive"] = complete(predictions(lambda row, step: SERIES.y[row], SERIES, model="naive"))
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
    assert found.repeats
    assert "follow" not in found.sentence  # said once for all models, by `bottom_line.remarks`


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
    assert "the test is too short to rule out luck: 14 test rows would do." in found.sentence
    longer = verdict(lambda row, step: SERIES.y[row] + 0.1, first=386)
    assert longer.enough == "--horizon 2 would do"
    assert verdict(lambda row, step: SERIES.y[row] + 0.1, first=385).enough == ""


@pytest.mark.parametrize("rows", range(5, 80, 3))
def test_the_horizon_that_is_said_to_suffice_does_and_a_longer_one_does_not(rows):
    noise = np.random.default_rng(0).normal(size=rows)
    fits = [steps for steps in range(1, rows) if np.isfinite(diebold_mariano(noise[steps - 1 :], horizon=steps))]
    assert longest_horizon(rows) == max(fits, default=0)
    assert min(n for n in range(3, 99) if np.isfinite(diebold_mariano(np.arange(n - 2.0), horizon=3))) == rows_needed(3)


INTERVALS = [
    (1e-3, "Its 90 % interval held 0.0% of the truths: it is too narrow"),
    (0.0, "Its 90 % interval held 0.0% of the truths and has no width"),
    (
        50.0,
        "100.0% of the truths: it is too wide, and its quantiles are worse than naive's: CRPS is 9.3 times as large",
    ),
]


@pytest.mark.parametrize(("half", "said"), INTERVALS)
def test_broken_intervals_are_said_beside_the_error(half, said):
    """The median is the same in all three, and better than naive."""
    found = verdict(lambda row, step: (TARGET[row + step] + TARGET[row]) / 2 + 1e-2, half=half, naive=True)
    assert found.outcome == "better"
    assert said in found.intervals
    assert found.sentence.endswith(found.intervals)


def test_intervals_that_hold_are_not_said():
    found = verdict(lambda row, step: (TARGET[row + step] + TARGET[row]) / 2, half=1.1, naive=True)
    assert found.intervals == ""


@pytest.mark.parametrize(("own", "adds"), [(0.0, False), (0.04, False), (0.06, True), (None, True)])
def test_a_network_that_adds_nothing_to_its_highway_is_named(own, adds):
    found = verdict(lambda row, step: (TARGET[row + step] + TARGET[row]) / 2, own=own)
    assert found.adds == adds
    assert ("adds nothing to its linear highway" in found.sentence) == (not adds)
    assert adds or f"{own:.0%} of the moves are its own" in found.sentence


@pytest.mark.parametrize(("knows", "own", "adds"), [(0.4, 0.3, False), (0.5, 0.3, True), (0.4, 1.0, True)])
def test_a_network_no_better_than_linear_alone_adds_nothing(knows, own, adds):
    """`linear` knows 0.4 of what comes; a network whose moves are all its own has no highway to add to."""
    made = {}
    for model, share in (("lstm", knows), ("linear", 0.4)):
        made[model] = complete(
            predictions(lambda row, step, share=share: TARGET[row] + share * (TARGET[row + step] - TARGET[row]), SERIES)
        )
        made[model] = replace(made[model], model=model)
    made["lstm"] = replace(made["lstm"], network_share=np.full(len(made["lstm"].origin), own))
    found, linear = judge(made, score_all(made, y_train=SERIES.y[:140]), y=SERIES.y, unit="USD")
    assert found.adds == adds
    assert adds or "adds nothing to its linear highway: linear, the highway alone, errs no more." in found.sentence
    assert linear.adds


def test_better_intervals_are_said_where_the_median_is_naive_s():
    """Moves of changing size that are known ahead: the median is yesterday's, the spread is forecast."""
    random, rows = np.random.default_rng(0), 600
    size = np.where(np.arange(rows) // 100 % 2, 3.0, 0.5)
    last, moves = np.full(rows, 100.0), size * random.normal(size=rows)
    levels = np.array([-1.645, -1.282, -0.674, 0, 0.674, 1.282, 1.645])
    usual = np.quantile(moves, [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
    origin, actual = np.arange(rows), (last + moves)[:, None]
    known = Backtest("known", origin, last, actual, 100 + size[:, None, None] * levels)
    naive = Backtest("naive", origin, last, actual, np.broadcast_to(100 + usual - usual[3], (rows, 1, 7)))
    backtests = {"known": known, "naive": naive}
    rows_of_scores = score_all(backtests, y_train=np.arange(50.0))
    first, second = judge(backtests, rows_of_scores, y=np.append(last, 100), unit="USD")
    assert first.outcome == "not distinguishable"
    assert first.has_better_intervals
    assert not second.has_better_intervals
    assert first.crps_vs_naive == pytest.approx(rows_of_scores[0].crps / rows_of_scores[1].crps)
    assert "better than naive's beyond luck (CRPS, p < 0.001)" in first.sentence
    line = bottom_line((first, second), rows_of_scores)
    assert line.startswith("Nothing here beats naive's median; use the intervals of known: their CRPS is ")
