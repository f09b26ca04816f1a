"""GJR-GARCH(1, 1): the variance of the next move from the last one, and more after a fall; by the package arch.

    v[t+1] = omega + (alpha + gamma (r[t] < 0)) r[t]^2 + beta v[t]

The parameters are estimated on the rows before the test, with Student's t, for each series; those of many series are
their medians, with omega in shares of a series' own variance, so that weights are four numbers, and a forecast needs
no arch. Quantiles come from paths whose shocks are drawn from the series' own past standardised moves.

Sources: Bollerslev (1986); Glosten, Jagannathan and Runkle (1993); filtered historical simulation, Barone-Adesi,
Giannopoulos and Vosper (1999).
"""

import warnings
from dataclasses import dataclass
from functools import cache, partial
from typing import ClassVar

import numpy as np

from forecast.config import QUANTILES
from forecast.data.inputs import Inputs
from forecast.data.moves import moves_of
from forecast.data.panel import Panel
from forecast.data.windows import Blocks
from forecast.models.estimator import Callbacks, Estimator, Fit, Problem, Shapes, Step, Weights
from forecast.models.volatility.growing import quantiles_of_sorted
from forecast.models.volatility.simulation import estimation_rows, quantiles_of
from forecast.models.volatility.units import in_last_units, in_own_units
from forecast.typing import Array, Rows

# Omega as a share of the variance, alpha, gamma, beta: what they are where they cannot be estimated.
USUAL = np.array([0.02, 0.04, 0.06, 0.91])
# Series of a panel that parameters are estimated on; rows of each, at least.
SERIES, FEWEST = 20, 250
# Paths, and rows before the first estimation.
PATHS, BEGIN = 500, 30
# Origins whose paths are in memory together.
TOGETHER = 32
# Standardised moves at the start that are not drawn: the variance is not known there.
BURN = 20
TINY = 1e-24


@dataclass(frozen=True)
class Garch(Estimator):
    """Four parameters, and the past moves of the series that is forecast."""

    learned: ClassVar[bool] = False
    uses_lookback: ClassVar[bool] = False

    def shapes(self, problem: Problem) -> Shapes:  # noqa: ARG002
        return {"parameters": (len(USUAL),)}

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:  # noqa: ARG002
        """Estimate the parameters of each series by maximum likelihood, and take their medians."""
        found, series = [], list(panel)[:: -(-len(panel.splits) // SERIES)]
        for number, inputs in enumerate((in_last_units(one) for one, _ in series), start=1):
            found.append(_estimate(moves_of(inputs.target, inputs.level)[1:]))
            if callbacks.progress:
                callbacks.progress(Step(self.name, number, len(series), 0.0))
        return Fit({"parameters": np.median(found, axis=0)})

    def is_valid(self, weights: Weights, problem: Problem) -> bool:  # noqa: ARG002
        """No parameter below 0 but gamma, and a variance that does not grow for ever."""
        omega, alpha, gamma, beta = weights["parameters"]
        return bool(min(omega, alpha, alpha + gamma, beta) >= 0 and alpha + gamma / 2 + beta < 1 + 1e-6)

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        return in_own_units(blocks, partial(self._predict, weights, horizon=problem.horizon))

    def _predict(self, weights: Weights, blocks: Blocks, *, horizon: int) -> Array:
        inputs, parameters = blocks.inputs, np.asarray(weights["parameters"], np.float64)
        rows = estimation_rows(blocks.origin, fewest=BEGIN)
        path = np.empty((len(rows), horizon, len(QUANTILES)))
        for known in np.unique(rows):
            chosen = rows == known
            path[chosen] = _simulated(inputs, blocks.origin[chosen], int(known), parameters, horizon)
        return quantiles_of(blocks, path)


def _estimate(moves: Array) -> Array:
    """Omega over the variance, alpha, gamma and beta; the usual ones for a series too short or without variance."""
    from arch import arch_model

    size = moves.std()
    if len(moves) < FEWEST or not size > 0:
        return USUAL
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a search that does not end: what it found is tested below
        model = arch_model(moves / size, mean="Zero", p=1, o=1, q=1, dist="t", rescale=False)
        found = model.fit(disp="off").params
    omega, alpha, gamma, beta = (float(found[name]) for name in ("omega", "alpha[1]", "gamma[1]", "beta[1]"))
    sound = np.isfinite([omega, alpha, gamma, beta]).all() and min(omega, alpha, alpha + gamma, beta) >= 0
    return np.array([omega, alpha, gamma, beta]) if sound and alpha + gamma / 2 + beta <= 1 else USUAL


def _simulated(inputs: Inputs, origin: Rows, known: int, parameters: Array, horizon: int) -> Array:
    """Quantiles of simulated path moves, shape (N, H, Q), with variance and shocks of the first `known` rows."""
    from scipy.signal import lfilter

    omega, alpha, gamma, beta = parameters
    moves = moves_of(inputs.target[: origin.max() + 1], inputs.level[: origin.max() + 1])
    usual = max(float(moves[1:known].var()), TINY)
    added = omega * usual + (alpha + gamma * (moves < 0)) * moves**2
    variance = lfilter([1.0], [1.0, -beta], added, zi=[beta * usual])[0]  # of the move after each row
    shocks = (moves[1:known] / np.sqrt(np.maximum(variance[: known - 1], TINY)))[min(BURN, known // 4) :]
    drawn = shocks[(_draws(horizon) * len(shocks)).astype(int)]
    found = np.empty((len(origin), horizon, len(QUANTILES)))
    for first in range(0, len(origin), TOGETHER):
        part = slice(first, first + TOGETHER)
        paths = _paths(np.maximum(variance[origin[part]], TINY), drawn, omega * usual, parameters[1:])
        found[part] = quantiles_of_sorted(np.sort(paths, axis=-1), QUANTILES).transpose(1, 0, 2)
    return found


def _paths(variance: Array, drawn: Array, omega: float, parameters: Array) -> Array:
    """The moves of paths from variances (N,) with drawn shocks (H, P), shape (H, N, P)."""
    alpha, gamma, beta = parameters
    now, moved = np.repeat(variance[:, None], drawn.shape[1], axis=1), 0.0
    found = np.empty((len(drawn), *now.shape))
    for step, standardised in enumerate(drawn):
        shock = np.sqrt(now) * standardised
        moved = found[step] = moved + shock
        now = omega + (alpha + gamma * (standardised < 0)) * shock**2 + beta * now
    return found


@cache
def _draws(horizon: int) -> Array:
    """Where each path draws its shock at each step, as shares of the shocks, shape (H, PATHS): the same for all."""
    return np.random.default_rng(0).random((horizon, PATHS))
