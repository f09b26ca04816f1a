"""Value at risk and expected shortfall: tests by hand, tails of known distributions, true models pass, others fail."""

import json

import numpy as np
import pytest
from conftest import make_series, random_walk
from scipy.stats import norm
from test_volatility import garch, inputs_of

import forecast
from forecast.cli.tables.results import print_risks
from forecast.config import QUANTILES, ExperimentConfig
from forecast.data.dataset import prepare
from forecast.data.windows import outcomes
from forecast.evaluation.risk import acerbi_szekely, assess, christoffersen, kupiec, tail_losses, traffic_light
from forecast.inference.forecasts import Backtest
from forecast.models.volatility import losses_beyond, past_tails
from forecast.models.volatility.tails import distances

NORMAL = norm.ppf((np.arange(100_000) + 0.5) / 100_000)


def exceptions(count, rows):
    return np.arange(rows) % (rows // max(count, 1)) == 0 if count else np.zeros(rows, bool)


def test_kupiec_by_hand():
    """Five exceptions in 250 days at 99 %: 2 [5 ln(0.02/0.01) + 245 ln(0.98/0.99)] = 1.957, p = 0.162."""
    assert kupiec(exceptions(5, 250), 0.01) == pytest.approx(0.1619, abs=1e-4)
    assert kupiec(exceptions(0, 250), 0.01) == pytest.approx(0.0249, abs=1e-4)  # 2 * 250 ln(1 / 0.99) = 5.025
    assert kupiec(exceptions(5, 100), 0.05) == pytest.approx(1)


def test_christoffersen_by_hand():
    """Ten exceptions in 200 days at 5 %, all in one row: 9 of 10 follow another, 1 of 189 does not."""
    hits = np.arange(200) // 10 == 5
    together = 9 * np.log(0.9 / (10 / 199)) + np.log(0.1 / (189 / 199))
    alone = np.log(1 / 189 / (10 / 199)) + 188 * np.log(188 / 189 / (189 / 199))
    assert christoffersen(hits, 0.05) == pytest.approx(np.exp(-(together + alone)), rel=1e-6)  # chi2.sf(2 x, 2)
    assert christoffersen(exceptions(10, 200), 0.05) > 0.5 > 0.001 > christoffersen(hits, 0.05)
    assert christoffersen(exceptions(0, 100), 0.01) > 0.3  # nothing to tell of independence


def test_the_traffic_light_is_basels():
    """Of 250 days at 99 %: green up to 4 exceptions, yellow from 5 to 9, red from 10."""
    zones = [traffic_light(np.arange(250) < count, 0.01) for count in range(12)]
    assert zones == ["green"] * 5 + ["yellow"] * 5 + ["red"] * 2


def test_acerbi_and_szekely_let_the_truth_pass_and_catch_a_shortfall_that_is_too_small():
    random, tail = np.random.default_rng(0), losses_beyond(NORMAL, 0.05)
    moves = random.standard_normal((200, 500))

    def p_values(size):
        at_risk, shortfall = 1.6449 * size, 2.0627 * size
        return np.array([acerbi_szekely(np.where(-m > at_risk, -m / shortfall, 0), 0.05, tail) for m in moves])

    assert 0.01 <= (p_values(1.0) < 0.05).mean() <= 0.09
    assert (p_values(0.8) < 0.05).mean() > 0.8
    assert (p_values(1.2) > 0.5).mean() > 0.9


def test_the_tail_of_the_normal_distribution():
    """1 % quantile 2.326, mean of the worst 5 % 2.063 and of the worst 1 % 2.665, over the 5 % quantile 1.645."""
    found = distances(NORMAL)
    np.testing.assert_allclose(found, np.array([2.3263, 2.0627, 2.6652]) / 1.6449, rtol=1e-3)
    np.testing.assert_allclose(distances(7 + 3 * NORMAL), found)
    at_risk, shortfall = tail_losses(0.01 * norm.ppf(QUANTILES)[None] + 0.002, found[None])
    np.testing.assert_allclose(at_risk[0], [1.4449, 2.1263], atol=0.002)
    np.testing.assert_allclose(shortfall[0], [1.8627, 2.4652], atol=0.003)


def test_tails_know_nothing_of_later_rows():
    prices, _ = garch(900)
    whole, origin = inputs_of(prices), np.arange(580, 600)
    for expected in (True, False):
        found = past_tails(whole, origin, steps=(1, 5), expected=expected)
        np.testing.assert_array_equal(found, past_tails(whole.part(0, 600), origin, steps=(1, 5), expected=expected))
        assert (found[..., 2] > found[..., 0]).all() and (found > 1).all()


def test_the_true_model_of_a_garch_path_passes_and_a_constant_spread_is_caught():
    prices, sizes = garch(6000, seed=2, alpha=0.15, beta=0.82)
    dataset = prepare(make_series(prices), ExperimentConfig(horizon=1, lookback=64, season=5))
    origin = np.arange(2000, 6000)

    def by(name, size):
        quantiles = prices[origin, None, None] * np.exp(size[:, None, None] * norm.ppf(QUANTILES))
        return Backtest(name, origin, prices[origin], outcomes(prices, origin, horizon=1), quantiles)

    constant = np.full(len(origin), np.diff(np.log(prices[:2000])).std())
    risks = assess({"true": by("true", sizes[origin]), "naive": by("naive", constant)}, dataset)
    true, naive = ([risk for risk in risks if risk.model == name] for name in ("true", "naive"))
    assert all(min(risk.kupiec, risk.christoffersen, risk.acerbi_szekely) > 0.01 for risk in true)
    assert [risk.zone for risk in true] == ["green", "green"]
    assert max(risk.christoffersen for risk in naive) < 0.001
    assert true[0].value_at_risk == pytest.approx(164.49 * sizes[-1], rel=1e-3)
    assert true[1].expected_shortfall == pytest.approx(266.52 * sizes[-1], rel=0.1)


@pytest.mark.usefixtures("jobs_here")
def test_a_run_on_prices_tells_its_risks_and_a_run_on_others_does_not(tmp_path, capsys):
    config = ExperimentConfig(horizon=6, lookback=16, season=5)
    result = forecast.run(make_series(garch(700)[0]), models=["har"], config=config, out=tmp_path / "prices")
    assert {(risk.step, risk.level) for risk in result.risks} == {(1, 0.95), (1, 0.99), (5, 0.95), (5, 0.99)}
    har = [risk for risk in result.risks if risk.model == "har"]
    last = result.forecasts["har"].quantiles[0, 0] / result.series.y[-1]
    assert har[0].value_at_risk == pytest.approx(-100 * np.log(last))
    assert all(risk.expected_shortfall > risk.value_at_risk > 0 for risk in har)
    rows = (tmp_path / "prices" / "risk.csv").read_text().splitlines()
    assert rows[0].startswith("model,step,level,value_at_risk") and len(rows) == 1 + len(result.risks)
    assert json.loads((tmp_path / "prices" / "run.json").read_text())["risk"][0]["step"] == 1
    assert '<table class="sortable" id="risk">' in (tmp_path / "prices" / "report.html").read_text()
    print_risks(result)
    assert "traffic light" in capsys.readouterr().out
    season = 50 + 10 * np.sin(np.arange(400) * 2 * np.pi / 5) + random_walk(400) / 100
    result = forecast.run(make_series(season), models=[], config=config)
    assert result.risks == ()
