"""Never negative, whole numbers: what is shown stays within what the rows show, and is what was tested."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import SMALL, make_series

from forecast.config import QUANTILES
from forecast.inference.bounds import counts_so_far, keep_in_bounds, to_whole
from forecast.inference.explain import explain
from forecast.pipeline import run
from forecast.training.train import train

RNG = np.random.default_rng(5)
# Demand: seven of ten rows are zero.
DEMAND = make_series(np.where(RNG.uniform(size=300) < 0.7, 0, RNG.integers(1, 5, 300)), "demand")
POSITIVE = make_series(np.exp(RNG.normal(size=300)), "positive")


def test_the_bounds_of_an_origin_come_from_the_rows_up_to_it():
    y = np.array([2.0, 0.0, np.nan, 0.5, -1.0])
    assert counts_so_far(y).tolist() == [True, True, True, False, False]
    quantiles = np.tile(np.linspace(-1.6, 1.6, 7), (5, 2, 1))
    found = keep_in_bounds(quantiles, y, np.arange(5))
    assert found[:3].tolist() == [[[0, 0, 0, 0, 1, 1, 2]] * 2] * 3
    np.testing.assert_array_equal(found[3], np.maximum(quantiles[3], 0))
    np.testing.assert_array_equal(found[4], quantiles[4])


def test_quantiles_are_rounded_to_the_nearest_whole_number():
    assert to_whole(np.array([1.4, 1.9, 2.0, 3.2, 4.0, 6.2, 7.6])).tolist() == [1, 2, 2, 3, 4, 6, 8]
    assert not np.signbit(to_whole(np.full(7, -0.2))).any()


def test_counts_are_forecast_better_by_whole_numbers():
    """Quantiles of a rate's gamma distribution, spread as a count is: the loss is that of the true quantiles nearly."""
    truth, levels = RNG.negative_binomial(2, 0.6, size=(4000, 1)), np.array(QUANTILES)
    whole = np.quantile(RNG.negative_binomial(2, 0.6, size=200_000), levels)
    spread = np.quantile(RNG.negative_binomial(2, 0.6, size=200_000) + RNG.uniform(-0.5, 0.5, 200_000), levels)
    loss = {}
    for name, quantiles in {"true": whole, "as they are": spread, "whole": to_whole(spread)}.items():
        error = truth - quantiles
        loss[name] = np.maximum(levels * error, (levels - 1) * error).mean()
    assert loss["whole"] < loss["as they are"]
    assert loss["whole"] == pytest.approx(loss["true"], rel=0.02)


@pytest.mark.parametrize("model", ["linear", "dense", "forest", "naive", "seasonal_naive"])
def test_values_that_are_never_negative_have_no_negative_forecasts(model):
    trained = train(POSITIVE, model, SMALL)
    backtest = trained.backtest(POSITIVE)
    assert (backtest.quantiles >= 0).all()
    if model in ("naive", "seasonal_naive"):
        return
    assert (backtest.quantiles[..., 0] == 0).any()  # it would have been negative
    below = make_series(POSITIVE.y - 2, "positive")
    assert (train(below, model, SMALL).backtest(below).quantiles < -2).any()


def test_a_run_on_counts_shows_whole_numbers_and_scores_them(tmp_path):
    found = run(DEMAND, models=["linear"], config=SMALL, out=tmp_path / "run")
    for name in ("forecast", "backtest"):
        table = pd.read_csv(tmp_path / "run" / f"{name}.csv").filter(like="q").to_numpy()
        assert (table == np.rint(table)).all()
        assert (table >= 0).all()
    rows = pd.read_csv(tmp_path / "run" / "backtest.csv").query("model == 'linear'")
    assert found.scores[0].mae == pytest.approx((rows["actual"] - rows["q50"]).abs().mean())
    assert found.scores[0].coverage90 == pytest.approx(rows["actual"].between(rows["q05"], rows["q95"]).mean())


def test_the_explanation_shows_the_same_number_and_says_why():
    model = train(DEMAND, "drift", SMALL)
    found = explain(model, DEMAND)
    np.testing.assert_array_equal(found.steps[:, -1], model.predict(DEMAND).median)
    assert "The forecast is kept at 0 or whole, as all values of the series are." in found.notes
    cut = replace(DEMAND, values=DEMAND.values[:280], index=DEMAND.index[:280])
    np.testing.assert_array_equal(model.predict(cut).quantiles, model.backtest(DEMAND, first=279).quantiles[0])
