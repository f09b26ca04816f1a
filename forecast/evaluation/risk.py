"""Value at risk and expected shortfall of prices, and whether they hold on the test rows.

In: backtests of a series of prices. Out: one `Risk` a model, step and level. Losses are falls of the logarithm of the
price, in percent. The 95 % value at risk is the 5 % quantile that is forecast; the 99 % one and the expected shortfalls
lie beyond it by the tail of past moves, each over the size expected of it (`models/volatility/tails.py`); for
baselines, which know no volatility, by that of all past moves. Only what was known at an origin counts.

Tests take forecasts that do not overlap: every tenth one of those over ten steps. Sources: Kupiec (1995);
Christoffersen (1998); Acerbi and Szekely (2014), their second test; Basel Committee (1996).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from forecast.config import MEDIAN
from forecast.data.dataset import Dataset
from forecast.data.inputs import Inputs
from forecast.inference.forecasts import Backtest
from forecast.models import BASELINES
from forecast.models.volatility import TAILS, losses_beyond, past_moves, past_tails, with_volatility
from forecast.typing import Array, Flags

STEPS = (1, 5, 10)
# No tests on fewer forecasts that do not overlap.
FEWEST = 30
# The rows that the traffic light counts, and the probabilities of no more exceptions where yellow and red begin.
WATCHED, YELLOW, RED = 250, 0.95, 0.9999
# Draws of the test of expected shortfall.
DRAWS, SEED = 4000, 0
SMALLEST = 1e-6


@dataclass(frozen=True)
class Risk:
    """The risk of holding a price over some steps, and how well it was forecast on the test rows.

    Attributes:
        level: Of confidence: 0.95 or 0.99.
        value_at_risk: Of the coming steps: the loss that is exceeded with probability 1 - level, in percent.
        expected_shortfall: Of the coming steps: the mean of the losses that exceed it, in percent.
        beyond: Share of test outcomes that exceeded it; 1 - level is right.
        forecasts: Forecasts in the test that do not overlap; the tests below take these.
        exceptions: How many of them were exceeded.
        kupiec: P-value of the right share of exceptions.
        christoffersen: P-value of the right share, and of exceptions that do not follow one another.
        acerbi_szekely: P-value of losses beyond that are no larger than the expected shortfall says.
        zone: Basel's traffic light for the last 250 of these forecasts: green, yellow or red.
    """

    model: str
    step: int
    level: float
    value_at_risk: float
    expected_shortfall: float
    beyond: float
    forecasts: int
    exceptions: int
    kupiec: float
    christoffersen: float
    acerbi_szekely: float
    zone: str


def assess(backtests: Mapping[str, Backtest], dataset: Dataset) -> tuple[Risk, ...]:
    """The risks of a series by each model; none for a series that is no price, and so does not walk.

    Args:
        backtests: With the forecast from the last row, which is that of the coming steps.
    """
    inputs = with_volatility(dataset, dataset.scaler)
    origin = next(iter(backtests.values())).origin
    if not np.isfinite(inputs.log_scale[origin, 0]).all() or not np.isfinite(inputs.level[origin]).all():
        return ()
    steps = [step for step in STEPS if step <= dataset.config.resolved_horizon]
    tails = {expected: past_tails(inputs, origin, steps=steps, expected=expected) for expected in (True, False)}
    nulls = {expected: _losses_beyond(inputs, int(origin[0]), steps, expected=expected) for expected in (True, False)}
    found = []
    for name, backtest in backtests.items():
        expected = name not in BASELINES
        moves = np.log(np.maximum(backtest.quantiles / backtest.last_value[:, None, None], SMALLEST))
        losses = -100 * np.log(np.maximum(backtest.actual / backtest.last_value[:, None], SMALLEST))
        for place, step in enumerate(steps):
            at_risk, shortfall = tail_losses(moves[:, step - 1], tails[expected][:, place])
            for number, probability in enumerate(TAILS):
                parts = losses[:, step - 1], at_risk[:, number], shortfall[:, number]
                found.append(_risk(name, step, probability, *parts, nulls[expected][step, probability]))
    return tuple(found)


def tail_losses(moves: Array, tails: Array) -> tuple[Array, Array]:
    """Value at risk and expected shortfall of both levels in percent, each of shape (N, 2).

    Args:
        moves: Quantiles of logarithmic moves, shape (N, Q).
        tails: Distances from the median in that of the outer quantile, shape (N, 3) (`past_tails`).
    """
    median, outer = moves[:, [MEDIAN]], moves[:, [0]]
    losses = -100 * (median - (median - outer) * np.concatenate([np.ones((len(moves), 1)), tails], axis=1))
    return losses[:, :2], losses[:, 2:]


def _risk(
    model: str, step: int, probability: float, losses: Array, at_risk: Array, shortfall: Array, null: Array
) -> Risk:
    """The risk of the coming steps, and the tests on what is known.

    Args:
        losses: In percent, shape (N,); NaN where not known yet.
        at_risk: Value at risk at the same origins, as `shortfall` in percent.
        null: Losses beyond over the expected shortfall, as they are where it is right.
    """
    known = np.flatnonzero(np.isfinite(losses))
    apart = known[::-1][::step][::-1]
    hits = losses[apart] > at_risk[apart]
    relative = np.where(hits, losses[apart] / np.maximum(shortfall[apart], SMALLEST), 0.0)
    tested = len(apart) >= FEWEST
    return Risk(
        model=model,
        step=step,
        level=1 - probability,
        value_at_risk=float(at_risk[-1]),
        expected_shortfall=float(shortfall[-1]),
        beyond=float(np.mean(losses[known] > at_risk[known])) if len(known) else float("nan"),
        forecasts=len(apart),
        exceptions=int(hits.sum()),
        kupiec=kupiec(hits, probability) if tested else float("nan"),
        christoffersen=christoffersen(hits, probability) if tested else float("nan"),
        acerbi_szekely=acerbi_szekely(relative, probability, null) if tested else float("nan"),
        zone=traffic_light(hits[-WATCHED:], probability) if tested else "",
    )


def kupiec(hits: Flags, probability: float) -> float:
    """The p-value of so many exceptions (n,) at a probability: likelihood ratio, one degree of freedom."""
    from scipy.special import chdtrc  # the tail of a chi-squared distribution; scipy.stats takes half a second to load

    return float(chdtrc(1, _coverage_ratio(hits, probability)))


def christoffersen(hits: Flags, probability: float) -> float:
    """The p-value of exceptions (n,) that have this probability whether or not one came just before.

    Conditional coverage: the likelihood ratios of coverage and of independence, two degrees of freedom.
    """
    from scipy.special import chdtrc

    return float(chdtrc(2, _coverage_ratio(hits, probability) + _independence_ratio(hits)))


def acerbi_szekely(losses: Array, probability: float, null: Array) -> float:
    """The p-value, one-sided, of losses that are no larger than the expected shortfall says.

        Z = 1 - sum(losses) / (n probability)

    Its distribution is simulated: exceptions as they should be, with losses drawn from `null`.

    Args:
        losses: Losses beyond the value at risk over the expected shortfall, 0 for the others, shape (n,).
        null: What such losses are where the expected shortfall is right, shape (m,).
    """
    random, rows = np.random.default_rng(SEED), len(losses)
    counts = random.binomial(rows, probability, DRAWS)
    drawn = np.concatenate([[0.0], np.cumsum(random.choice(null, int(counts.sum())))])
    ends = np.cumsum(counts)
    sums = drawn[ends] - drawn[ends - counts]
    return float((1 + np.sum(sums >= losses.sum())) / (1 + DRAWS))


def traffic_light(hits: Flags, probability: float) -> str:
    """Green, yellow or red, by the probability of no more exceptions than these (n,).

    Of 250 days at 99 %: green up to 4, red from 10.
    """
    from scipy.special import bdtr  # the binomial distribution

    no_more = bdtr(hits.sum(), len(hits), probability)
    return "green" if no_more < YELLOW else "yellow" if no_more < RED else "red"


def _coverage_ratio(hits: Flags, probability: float) -> float:
    """The likelihood ratio of the observed share of exceptions over the right one."""
    count, rows = int(hits.sum()), len(hits)
    return _likelihood_ratio(np.array([count, rows - count]), np.array([rows * probability, rows * (1 - probability)]))


def _independence_ratio(hits: Flags) -> float:
    """The likelihood ratio of a first-order Markov chain over independence; 0 where there is nothing to tell."""
    table = np.histogram2d(hits[:-1], hits[1:], bins=2, range=[[0, 1], [0, 1]])[0]
    before, after = table.sum(axis=1), table.sum(axis=0)
    if not (before.all() and after.all()):
        return 0.0
    return _likelihood_ratio(table, np.outer(before, after) / table.sum())


def _likelihood_ratio(observed: Array, expected: Array) -> float:
    """Twice the logarithm of the likelihood ratio of counts over those expected (the G-test)."""
    from scipy.special import rel_entr

    return float(2 * rel_entr(observed, expected).sum())


def _losses_beyond(inputs: Inputs, row: int, steps: Sequence[int], *, expected: bool) -> dict[tuple[int, float], Array]:
    """The losses beyond each value at risk over their mean, by step and probability, of moves known at a row."""
    known = past_moves(inputs, steps, row, expected=expected)
    return {
        (step, probability): losses_beyond(moves, probability) if len(moves) >= FEWEST else np.ones(1)
        for step, (_, moves) in zip(steps, known, strict=True)
        for probability in TAILS
    }
