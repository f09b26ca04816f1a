import numpy as np
import pytest

from forecast.errors import ConfigError
from forecast.evaluation.trading_rule import NO_ADVICE, earn
from forecast.inference.forecasts import Backtest


def backtest(prices, forecasts):
    """One-step forecasts of all prices but the first."""
    prices, forecasts = np.asarray(prices, float), np.asarray(forecasts, float)
    quantiles = np.repeat(forecasts[:, None, None], 7, axis=2)
    return Backtest("lstm", np.arange(len(prices) - 1), prices[:-1], prices[1:, None], quantiles)


def test_five_days_by_hand():
    """In on day 1 (+10 %), out on day 2, in on days 3 and 4 (+20 %, -5 %); three trades at 1 %."""
    found = earn(backtest([100, 110, 99, 118.8, 112.86], [101, 100, 100, 120]), cost=0.01)
    assert found.trades == 3
    assert found.invested == 0.75
    assert found.rule == pytest.approx(1.1 * 1.2 * 0.95 * 0.99**3 - 1)
    assert found.holding == pytest.approx(0.1286)


def test_always_in_is_holding_less_one_trade():
    prices = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, 300)))
    found = earn(backtest(prices, prices[:-1] * 1.01), cost=0.001)
    assert (1 + found.rule) / (1 + found.holding) == pytest.approx(0.999)
    assert found.trades == 1
    assert found.low <= -0.001 <= found.high or found.low == pytest.approx(-0.001)


def test_who_knows_the_next_day_earns_beyond_luck_and_who_guesses_does_not():
    random = np.random.default_rng(1)
    prices = 100 * np.exp(np.cumsum(random.normal(0, 0.01, 500)))
    knows = earn(backtest(prices, prices[1:]))
    assert knows.low > 0
    assert "is more than luck" in knows.sentence
    guesses = earn(backtest(prices, prices[:-1] * np.exp(random.normal(0, 0.01, 499))), cost=0.0)
    assert guesses.low < 0 < guesses.high
    assert "may be luck" in guesses.sentence
    assert "no investment advice" in NO_ADVICE


def test_what_has_no_price_has_no_earnings():
    with pytest.raises(ConfigError, match="above 0"):
        earn(backtest([1, -1, 2], [1, 1]))
    with pytest.raises(ConfigError, match="`cost` must be at least 0"):
        earn(backtest([1, 2, 3], [1, 1]), cost=-0.1)
