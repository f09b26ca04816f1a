"""What a plain rule on the forecasts would have earned: for those who ask anyway. It is no investment advice.

The rule holds the series over the next row if its forecast for that row is above the last value, else it holds nothing;
each change of mind costs a share of the holding. It stands beside holding all the time.
"""

from dataclasses import dataclass

import numpy as np

from forecast.config import MEDIAN
from forecast.errors import ConfigError
from forecast.inference.forecasts import Backtest
from forecast.typing import Array

# Draws of the bootstrap, and the mean length of its blocks in rows.
DRAWS, BLOCK = 2000, 20
COST = 0.001
NO_ADVICE = "This is arithmetic on past prices and no investment advice."


@dataclass(frozen=True)
class Earnings:
    """Gains as shares of the start: 0.5 is half as much again.

    Attributes:
        rule: What the rule would have earned, costs taken off.
        holding: What holding all the time would have earned.
        low: The 95 % interval, by bootstrap, of the rule's wealth over that of holding, minus one; with `high`.
        trades: Changes of mind, each of which costs `cost`.
        invested: Share of the rows over which the rule held.
    """

    model: str
    rule: float
    holding: float
    low: float
    high: float
    trades: int
    invested: float
    cost: float

    @property
    def sentence(self) -> str:
        """The result in words."""
        better = (1 + self.rule) / (1 + self.holding) - 1
        against = "more" if better > 0 else "less"
        luck = "may be luck" if self.low <= 0 <= self.high else "is more than luck"
        return (
            f"{self.model}: {self.rule:+.1%} with {self.trades} trades at {self.cost:.2%} each, {self.holding:+.1%} by "
            f"holding. That is {abs(better):.1%} {against} ({self.low:+.1%} to {self.high:+.1%}), which {luck}."
        )


def earn(backtest: Backtest, *, cost: float = COST, seed: int = 0) -> Earnings:
    """What the rule would have earned on the tested origins, which follow one another.

    Args:
        cost: Share of the holding that a trade costs.
    Raises:
        ConfigError: the series is not one of prices, or the cost is below 0.
    Source: Politis and Romano (1994), The stationary bootstrap.
    """
    if cost < 0:
        raise ConfigError(f"`cost` must be at least 0. Received: cost={cost}.")
    if (backtest.last_value <= 0).any() or (backtest.actual[:, 0] <= 0).any():
        raise ConfigError("earnings are worked out for prices, which are above 0. This series has others.")
    holds = (backtest.quantiles[:, 0, MEDIAN] > backtest.last_value).astype(float)
    trades = np.abs(np.diff(holds, prepend=0.0))
    moves = np.log(backtest.actual[:, 0] / backtest.last_value)
    earned = holds * moves + trades * np.log1p(-cost)
    low, high = _interval(earned - moves, seed)
    return Earnings(
        model=backtest.model,
        rule=float(np.expm1(earned.sum())),
        holding=float(np.expm1(moves.sum())),
        low=low,
        high=high,
        trades=int(trades.sum()),
        invested=float(holds.mean()),
        cost=cost,
    )


def _interval(difference: Array, seed: int) -> tuple[float, float]:
    """The 95 % interval of the sum of daily differences, as a share of wealth."""
    from arch.bootstrap import StationaryBootstrap

    bootstrap = StationaryBootstrap(min(BLOCK, len(difference)), difference, seed=seed)
    sums = bootstrap.apply(lambda drawn: drawn.sum(), DRAWS)[:, 0]
    low, high = np.expm1(np.quantile(sums, (0.025, 0.975)))
    return float(low), float(high)
