"""The classics of one series by itself: exponential smoothing, the Theta method and ARIMA, as statsforecast fits them.

    ETS      y(t) = l(t-1) + phi b(t-1) + s(t-m) + e(t)    l, b and s corrected by alpha, beta, gamma times e(t)
    Theta    the series without its season, as the mean of its line and of twice its distance from it, smoothed
    ARIMA    phi(B) (1-B)^d (1-B^m)^D (y(t) - drift t) = theta(B) e(t), as states of a Kalman filter

They are local: there is nothing in one series that they learn for another. So their parameters are estimated when they
are asked for a forecast, on the last ROWS rows up to the first origin, and then carried from origin to origin by their
own recursions; no later row changes a parameter. What `fit` keeps is the spread of their errors in each window's scale,
so that the intervals follow the volatility as those of the other models do: on the validation rows, with parameters of
the training rows.

The target is scaled so that its smallest training row is 0, so all three are additive: nothing may be divided by a row.
Series that are too short or constant, and those that statsforecast cannot fit, are forecast by their last value.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from forecast.config import QUANTILES
from forecast.data.windows import Blocks, Inputs, Panel, Split, origins
from forecast.errors import ConfigError
from forecast.models.estimator import Callbacks, Fit, Problem, Step, Weights, lively, residual_quantiles, window_blocks
from forecast.models.highway import LARGEST
from forecast.models.forest import ENOUGH
from forecast.typing import Array, Rows

Fitted = Mapping[str, Any]
# Parameters and the pattern of a season, shape (m,), whose first value belongs to the row after the last known one.
Estimate = Callable[[Array, int], tuple[Fitted, Array]]
# Forecasts (N, H) at origins (N,) of rows (T,), from the parameters.
Carry = Callable[[Fitted, Array, Rows, int], Array]

# Rows that parameters are estimated on, at most and at least.
ROWS, FEWEST = 500, 20
# Series of a panel, and training origins of each, that the spread is measured on.
SERIES, ORIGINS = 20, 200


@dataclass(frozen=True)
class Method:
    """How parameters are estimated, and how they are carried from origin to origin."""

    estimate: Estimate
    carry: Carry


@dataclass(frozen=True)
class Local:
    """A model of one series by itself.

    `longest` is the longest season that it follows with states of its own; a longer one is taken off as a pattern.
    """

    name: str
    summary: str
    method: Method
    longest: int = 10**9
    learned: bool = True
    is_network: bool = False

    def shapes(self, problem: Problem) -> dict[str, tuple[int | None, ...]]:
        return {"residuals": (problem.horizon, len(QUANTILES))}

    def blocks(self, inputs: Inputs, origin: Rows, problem: Problem) -> Blocks:
        return window_blocks(inputs, origin, problem)

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:
        """Measures errors on the validation rows; with those of training rows where they are few."""
        _require(self.name)
        series = list(panel)[:: -(-len(panel.splits) // SERIES)]
        fresh, seen = [], []
        for number, (inputs, split) in enumerate(series, start=1):
            fresh.append(
                self._errors(inputs, origins(split.validation - 1, split.test, horizon=problem.horizon), problem)
            )
            seen.append(self._training_errors(inputs, split, problem))
            if callbacks.progress:
                callbacks.progress(Step(self.name, number, len(series), 0.0))
        errors = np.concatenate(fresh)
        residuals = residual_quantiles(errors if len(errors) >= ENOUGH else np.concatenate([errors, *seen]))
        return Fit({"residuals": residuals.astype(np.float32)})

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        _require(self.name)
        return np.asarray(self._moves(blocks, problem)[:, :, None] + weights["residuals"])

    def _training_errors(self, inputs: Inputs, split: Split, problem: Problem) -> Array:
        """Errors on the second half of the training rows, with parameters of the first, shape (n, H)."""
        usable = origins(problem.lookback, split.validation, horizon=problem.horizon)
        later = usable[len(usable) // 2 :]
        return self._errors(inputs, later[:: -(-len(later) // ORIGINS)], problem)

    def _errors(self, inputs: Inputs, origin: Rows, problem: Problem) -> Array:
        blocks = window_blocks(inputs, origin, problem)
        moving = lively(blocks)
        errors = blocks.y[:, 0] - self._moves(blocks, problem)
        return np.clip(errors[np.isin(origin, moving.origin)], -LARGEST, LARGEST)

    def _moves(self, blocks: Blocks, problem: Problem) -> Array:
        """Normalised moves, shape (N, H); cut like the labels that others learn from."""
        if not len(blocks.origin):
            return np.zeros((0, problem.horizon))
        anchor = blocks.anchor[:, 0]
        points = self._points(blocks.target, blocks.origin, problem)
        points = np.where(np.isfinite(points), points, anchor)
        return np.clip((points - anchor) / blocks.scale[:, 0], -LARGEST, LARGEST)

    def _points(self, target: Array, origin: Rows, problem: Problem) -> Array:
        first = int(origin.min()) + 1
        start = max(0, first - ROWS)
        naive = np.repeat(target[origin, None], problem.horizon, axis=1)
        known = np.ascontiguousarray(target[start:first], dtype=np.float64)
        if len(known) < FEWEST or not np.ptp(known):
            return naive
        season = problem.season if len(known) >= 2 * problem.season else 1
        found = _estimated(self.method.estimate, known.tobytes(), season, self.longest)
        if found is None:
            return naive
        fitted, pattern = found
        rows = target[start : int(origin.max()) + 1]
        phase = np.arange(start - first, len(rows) + start - first) % len(pattern)
        coming = (origin[:, None] - first + np.arange(1, problem.horizon + 1)) % len(pattern)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            points = self.method.carry(fitted, rows - pattern[phase], origin - start, problem.horizon)
        return np.asarray(points + pattern[coming])


@lru_cache(maxsize=64)
def _estimated(estimate: Estimate, known: bytes, season: int, longest: int) -> tuple[Fitted, Array] | None:
    """The parameters for known rows, kept: validation rows are asked for twice. None where there is no such fit."""
    rows = np.frombuffer(known)
    pattern = np.zeros(1)
    if season > longest:
        pattern = _pattern(rows, season)
        rows, season = rows - pattern[np.arange(-len(rows), 0) % season], 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a search that goes on with other orders
        try:
            fitted, own = estimate(rows, season)
        except Exception:  # statsforecast raises plain exceptions where no model of its family fits
            return None
    return fitted, own if len(pattern) == 1 else pattern


def _pattern(rows: Array, season: int) -> Array:
    """The mean of each phase about the centred mean of a season, shape (season,), as in classical decomposition."""
    half = np.ones(season + 1 - season % 2)
    half[[0, -1]] = 0.5 if season % 2 == 0 else 1
    trend = np.convolve(rows, half / season, mode="valid")
    lost = len(half) // 2
    apart, phase = rows[lost : lost + len(trend)] - trend, np.arange(lost - len(rows), lost - len(rows) + len(trend))
    means = np.bincount(phase % season, apart, season) / np.maximum(np.bincount(phase % season, minlength=season), 1)
    return np.asarray(means - means.mean())


def estimate_ets(known: Array, season: int) -> tuple[Fitted, Array]:
    """Additive exponential smoothing; trend, damping and season by the corrected Akaike criterion."""
    from statsforecast.models import AutoETS

    return AutoETS(season_length=season, model="AZZ").fit(known).model_, np.zeros(1)


def carry_ets(fitted: Fitted, rows: Array, origin: Rows, horizon: int) -> Array:
    """Forecasts from the states at each origin: level, then trend, then the last season, latest first."""
    from statsforecast.ets import forward_ets

    states = forward_ets(fitted, rows)["states"][origin + 1]
    _, trend, season, damped = fitted["components"]
    points = np.repeat(states[:, [0]], horizon, axis=1)
    if trend != "N":
        phi = fitted["par"][3] if damped == "D" else 1.0
        points += states[:, [1]] * np.cumsum(phi ** np.arange(1, horizon + 1))
    if season != "N":
        points += states[:, -1 - np.arange(horizon) % fitted["m"]]
    return np.asarray(points)


def estimate_theta(known: Array, season: int) -> tuple[Fitted, Array]:
    """The best of four Theta models, on the series without its season where that is significant."""
    from statsforecast.models import AutoTheta

    fitted = AutoTheta(season_length=season, decomposition_type="additive").fit(known).model_
    pattern = np.asarray(fitted["seas_forecast"]["mean"]) if fitted.get("decompose") else np.zeros(1)
    kept = {name: fitted[name] for name in ("modeltype", "par")}
    return {**kept, "m": 1}, pattern


def carry_theta(fitted: Fitted, rows: Array, origin: Rows, horizon: int) -> Array:
    """Forecasts of the model on the rows up to each origin: its line is that of all of them."""
    from statsforecast.theta import forecast_theta, forward_theta

    points = [forecast_theta(forward_theta(fitted, rows[: last + 1]), horizon)["mean"] for last in origin]
    return np.array(points)


def estimate_arima(known: Array, season: int) -> tuple[Fitted, Array]:
    """Orders by unit root tests and a stepwise search, as Hyndman and Khandakar (2008) do it."""
    from statsforecast.models import AutoARIMA

    fitted = AutoARIMA(season_length=season, approximation=None).fit(known).model_
    return {"coef": fitted["coef"], **{name: fitted["model"][name] for name in ("phi", "theta", "delta")}}, np.zeros(1)


def carry_arima(fitted: Fitted, rows: Array, origin: Rows, horizon: int) -> Array:
    """Forecasts of the state space form from the state at each origin; shocks to come are 0."""
    from statsforecast.arima import make_arima

    every = np.arange(1, len(rows) + horizon + 1)
    mean = fitted["coef"].get("intercept", 0.0) + fitted["coef"].get("drift", 0.0) * every
    space = make_arima(fitted["phi"], fitted["theta"], fitted["delta"])
    state = _filtered(space, rows - mean[: len(rows)])[origin]
    points = []
    for _ in range(horizon):
        state = state @ space["T"].T
        points.append(state @ space["Z"])
    return np.asarray(np.column_stack(points) + mean[origin[:, None] + np.arange(1, horizon + 1)])


def _filtered(space: Fitted, rows: Array) -> Array:
    """The state after each row, shape (T, states), by the Kalman filter.

    Source: Harvey (1989), Forecasting, structural time series models and the Kalman filter, section 3.2.
    """
    transition, shock, seen = space["T"], space["V"], space["Z"]
    state, before = np.zeros(len(seen)), space["Pn"]
    states = np.empty((len(rows), len(seen)))
    for t, row in enumerate(rows):
        state = transition @ state
        gain = before @ seen
        spread = seen @ gain
        state = state + gain * (row - seen @ state) / spread
        states[t] = state
        before = transition @ (before - np.outer(gain, gain) / spread) @ transition.T + shock
    return states


ets = Method(estimate_ets, carry_ets)
theta = Method(estimate_theta, carry_theta)
arima = Method(estimate_arima, carry_arima)


def _require(name: str) -> None:
    try:
        import statsforecast.models  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"{name} needs the extra `statistics`: pip install 'forecast[statistics]'.") from error
