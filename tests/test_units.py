"""Moves by the logarithm of the target or by its values, and the intervals of the baselines."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import make_inputs, make_problem, make_series, random_walk

import forecast
from forecast.config import QUANTILES, ExperimentConfig
from forecast.data.inputs import Inputs
from forecast.data.moves import absolute, path_moves
from forecast.models import BASELINES
from forecast.models.baselines import FEWEST as FEWEST_ERRORS
from forecast.models.estimator import LEAST_SCALE, window_blocks, without_flat
from forecast.models.volatility import units
from forecast.models.volatility.simulation import estimation_rows


def sales_of(rows: int, seed: int = 0) -> np.ndarray:
    """Counts of which many are 0, and one more, so that all are above 0."""
    random = np.random.default_rng(seed)
    return 0.01 + random.poisson(40, rows) * (random.uniform(size=rows) < 0.4)


def above_0(values: np.ndarray) -> Inputs:
    inputs = make_inputs(values)
    return replace(inputs, level=np.where(np.minimum.accumulate(values) > 0, values, np.nan))


@pytest.mark.parametrize("model", BASELINES)
def test_intervals_of_sales_near_0_stay_where_sales_have_been(model):
    sales = sales_of(600)
    found = forecast.run(make_series(sales), models=[], config=ExperimentConfig(horizon=7))
    for made in (found.forecasts[model], found.backtests[model]):
        assert made.quantiles.max() < 2.5 * sales.max()  # by logarithms it was thousands of times that


def test_a_price_that_grew_is_measured_by_its_logarithm():
    random = np.random.default_rng(3)
    prices = 10 * np.exp(np.cumsum(0.001 + 0.01 * random.standard_t(4, 3000)))
    assert units.by_logarithms(above_0(prices), np.arange(3000)).all()


def test_values_are_taken_from_the_first_one_on_that_is_not_above_0():
    prices = 10 * np.exp(np.cumsum(0.01 * np.random.default_rng(3).normal(size=500)))
    prices[400] = -1
    found = units.by_logarithms(above_0(prices), np.arange(500))
    assert found[:400].all()
    assert not found[400:].any()
    assert (units.in_last_units(above_0(prices)).level != prices).all()


def test_units_are_decided_by_what_is_known():
    values = np.concatenate([100 + random_walk(300) / 10, sales_of(300)])
    later = values.copy()
    later[450:] = 1000 + random_walk(150, seed=7)
    one, other = (units.by_logarithms(above_0(each), np.arange(450)) for each in (values, later))
    np.testing.assert_array_equal(one, other)
    assert one[:300].all()
    assert not one[-1]


def test_the_losses_that_decide_are_those_of_numpy():
    """Each move by the quantiles of the moves that were known when the series had last grown by a tenth."""
    values = sales_of(150) + 1
    for inputs in (above_0(values), make_inputs(values)):
        stops = np.unique(estimation_rows(np.arange(10, 149), fewest=11)) - 1
        path, loss = path_moves(np.diff(values), inputs.level[:-1]), np.zeros(149)
        for row in range(stops[0], 149):  # the move from this row to the next
            stop = stops[stops <= row][-1]
            moved = absolute(np.quantile(path[:stop], QUANTILES), inputs.level[row])
            error = values[row + 1] - values[row] - moved
            loss[row] = np.maximum(np.array(QUANTILES) * error, (np.array(QUANTILES) - 1) * error).mean()
        np.testing.assert_allclose(units._losses(inputs, stops), [loss[:stop].sum() for stop in stops], rtol=1e-9)


def test_moves_of_a_path_and_back():
    level = np.array([2.0, 5.0, np.nan])
    moves = np.array([1.0, -3.0, 4.0])
    np.testing.assert_allclose(path_moves(moves, level), [np.log(1.5), np.log(0.4), 4.0])
    np.testing.assert_allclose(absolute(path_moves(moves, level), level), moves)


def test_naive_of_a_short_series_has_the_quantiles_of_all_its_errors():
    values, config = random_walk(40) - 100, ExperimentConfig(horizon=3, lookback=5, season=5)
    found = forecast.run(make_series(values), models=[], config=config).forecasts["naive"]
    for step in range(1, 4):
        errors = (values[step:] - values[:-step])[5:]
        assert len(errors) >= FEWEST_ERRORS
        wanted = np.quantile(errors, QUANTILES)[[0, -1]]
        np.testing.assert_allclose(found.quantiles[step - 1, [0, -1]] - values[-1], wanted, rtol=1e-9)


def test_a_line_that_falls_to_0_has_no_logarithm():
    """Drift after three rows that fall: such an error would count as a thousandfold."""
    values = np.concatenate([[100, 75, 50], 50 * np.exp(np.cumsum(0.01 * np.random.default_rng(0).normal(size=37)))])
    config = ExperimentConfig(horizon=3, lookback=2, season=1)
    found = forecast.run(make_series(values), models=[], config=config).forecasts["drift"]
    assert found.quantiles.max() < 2 * values.max()


def test_flat_windows_are_dropped_though_most_are_flat():
    values = np.zeros(200)
    values[::40] = 1.0
    problem = make_problem()
    blocks = window_blocks(make_inputs(values), np.arange(problem.lookback, 190), problem)
    kept = without_flat(blocks)
    assert 0 < len(kept.origin) < len(blocks.origin) / 2
    assert kept.scale[:, 0, 0].min() > LEAST_SCALE * np.median(kept.scale[:, 0, 0])
