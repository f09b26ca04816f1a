"""Statistical models of one series by itself: exponential smoothing, Theta, ARIMA and Croston's, by statsforecast.

    ETS      y(t) = l(t-1) + phi b(t-1) + s(t-m) + e(t)    l, b and s corrected by alpha, beta, gamma times e(t)
    Theta    the series without its season, as the mean of its line and of twice its distance from it, smoothed
    ARIMA    phi(B) (1-B)^d (1-B^m)^D (y(t) - drift t) = theta(B) e(t), as states of a Kalman filter
    Croston  the smoothed size of demands over the smoothed time between them, for series with many zeros

These models are local: nothing is learned from one series for another. So their parameters are estimated when a
forecast is asked for, on the last ROWS rows, and anew whenever the series has grown by a tenth; in between,
statsforecast's `forward` updates the states and keeps the parameters. `fit` keeps only the quantiles of residuals on
validation rows, in each window's own scale. A forecast needs statsforecast, also from a bundle.

All three are additive, because the smallest training row is scaled to 0 and nothing may be divided by it. A series that
is too short or constant, or that statsforecast cannot fit, is forecast by its last value.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from forecast.config import QUANTILES
from forecast.data.inputs import Inputs
from forecast.data.panel import Panel
from forecast.data.split import Split
from forecast.data.windows import Blocks, origins, thinned
from forecast.errors import ConfigError
from forecast.models.estimator import (
    Callbacks,
    Estimator,
    Fit,
    Problem,
    Shapes,
    Step,
    Weights,
    clip_labels,
    residual_quantiles,
    validation_quantiles,
    window_blocks,
    without_flat,
)
from forecast.typing import Array, Rows

# Rows that parameters are estimated on, at most and at least.
ROWS, FEWEST = 500, 20
# Parameters are estimated anew whenever a series has grown by this factor.
GROWTH = 1.1
# Series of a panel, and training origins of each, that residuals are measured on.
SERIES, ORIGINS = 20, 200


class Forwards(Protocol):
    """A fitted model of statsforecast."""

    def forward(self, y: Array, h: int) -> dict[str, Any]:
        """Forecast `h` steps after the rows `y` with the estimated parameters, as `mean`."""
        ...


# A fitted model, and the pattern of a season, shape (m,), which begins at the row after the last known one.
Fitted = tuple[Forwards, Array]
Estimate = Callable[[Array, int], Fitted]


@dataclass(frozen=True)
class Statistical(Estimator):
    """A model of one series by itself.

    Attributes:
        estimate: Fits the model to rows (T,) with a season of so many rows.
        longest_season: A longer season than this is subtracted as a pattern before the fit.
    """

    estimate: Estimate
    longest_season: int = 10**9
    uses_lookback: ClassVar[bool] = False
    is_local: ClassVar[bool] = True
    trust: ClassVar[float] = 1.0  # its form has proved itself on other series

    def shapes(self, problem: Problem) -> Shapes:
        return {"residual_quantiles": (problem.horizon, len(QUANTILES))}

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:
        """Measure residuals on the validation rows; where those are few, on training rows too."""
        _require(self.name)
        series = list(panel)[:: -(-len(panel.splits) // SERIES)]
        validation, training = [], []
        for number, (inputs, split) in enumerate(series, start=1):
            fresh = origins(split.validation - 1, split.test, horizon=problem.horizon)
            fresh = fresh[inputs.known[fresh]]
            validation.append(self._residuals(inputs, fresh, problem))
            training.append(self._training_residuals(inputs, split, problem))
            if callbacks.progress:
                callbacks.progress(Step(self.name, number, len(series), 0.0))
        return Fit({"residual_quantiles": self._quantiles_of(np.concatenate(validation), training)})

    def _quantiles_of(self, validation: Array, training: Sequence[Array]) -> NDArray[np.float32]:
        return validation_quantiles(validation, training)

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        _require(self.name)
        return np.asarray(self._moves(blocks, problem)[:, :, None] + weights["residual_quantiles"])

    def _training_residuals(self, inputs: Inputs, split: Split, problem: Problem) -> Array:
        """Residuals on the second half of the training rows, shape (n, H)."""
        usable = origins(problem.lookback, split.validation, horizon=problem.horizon)
        usable = usable[inputs.known[usable]]
        later = usable[len(usable) // 2 :]
        return self._residuals(inputs, thinned(later, ORIGINS), problem)

    def _residuals(self, inputs: Inputs, origin: Rows, problem: Problem) -> Array:
        blocks = window_blocks(inputs, origin, problem)
        moving = without_flat(blocks)
        residuals = blocks.y[:, 0] - self._moves(blocks, problem)
        return clip_labels(residuals[np.isin(origin, moving.origin)])

    def _moves(self, blocks: Blocks, problem: Problem) -> Array:
        """Normalised moves, shape (N, H), clipped as labels are."""
        if not len(blocks.origin):
            return np.zeros((0, problem.horizon))
        anchor = blocks.anchor[:, 0]
        points = self._points(blocks.target, blocks.origin, problem)
        points = np.where(np.isfinite(points), points, anchor)
        return clip_labels(blocks.normalise(points))

    def _points(self, target: Array, origin: Rows, problem: Problem) -> Array:
        """Scaled point forecasts, shape (N, H); a series too short for parameters is forecast by its last value."""
        points = np.repeat(target[origin, None], problem.horizon, axis=1)
        rows = estimation_rows(origin)
        for first in np.unique(rows[rows > 0]):
            points[rows == first] = self._points_from(target, int(first), origin[rows == first], problem)
        return points

    def _points_from(self, target: Array, first: int, origin: Rows, problem: Problem) -> Array:
        """The same with parameters of the rows before `first`; the last value where they cannot be estimated."""
        start = max(0, first - ROWS)
        known = np.ascontiguousarray(target[start:first], dtype=np.float64)
        season = problem.season if len(known) >= 2 * problem.season else 1
        fitted = _estimated(self.estimate, known.tobytes(), season, self.longest_season) if np.ptp(known) else None
        if fitted is None:
            return np.repeat(target[origin, None], problem.horizon, axis=1)
        model, pattern = fitted
        rows = target[start : int(origin.max()) + 1]
        rows = rows - pattern[np.arange(start - first, len(rows) + start - first) % len(pattern)]
        coming = (origin[:, None] - first + np.arange(1, problem.horizon + 1)) % len(pattern)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            points = [model.forward(rows[: last - start + 1], problem.horizon)["mean"] for last in origin]
        return np.asarray(np.array(points) + pattern[coming])


def estimation_rows(origin: Rows) -> Rows:
    """The number of rows when parameters for each origin were last estimated, shape (N,); 0 before the first time.

    It depends on the origin alone, so that a forecast is the same whichever others are asked for with it.
    """
    rows = origin + 1
    times = np.floor(np.log(rows / FEWEST) / np.log(GROWTH) + 1e-9)
    return np.where(rows >= FEWEST, np.ceil(FEWEST * GROWTH**times - 1e-9), 0).astype(int)


@lru_cache(maxsize=64)
def _estimated(estimate: Estimate, known: bytes, season: int, longest_season: int) -> Fitted | None:
    """Fit a model to known rows; None if that fails. Cached, because the same rows are asked for more than once."""
    rows = np.frombuffer(known)
    pattern = np.zeros(1)
    if season > longest_season:
        pattern = _seasonal_pattern(rows, season)
        rows, season = rows - pattern[np.arange(-len(rows), 0) % season], 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a search that goes on with other orders
        try:
            model, own_pattern = estimate(rows, season)
        except Exception:  # statsforecast raises plain exceptions where no model of its family fits
            return None
    return model, own_pattern if len(pattern) == 1 else pattern


def _seasonal_pattern(rows: Array, season: int) -> Array:
    """The mean of each phase around the centred moving average, shape (season,), as in classical decomposition."""
    weights = np.ones(season + 1 - season % 2)
    weights[[0, -1]] = 0.5 if season % 2 == 0 else 1
    trend = np.convolve(rows, weights / season, mode="valid")
    lost = len(weights) // 2
    detrended = rows[lost : lost + len(trend)] - trend
    phase = np.arange(lost - len(rows), lost - len(rows) + len(trend)) % season
    means = np.bincount(phase, detrended, season) / np.maximum(np.bincount(phase, minlength=season), 1)
    return np.asarray(means - means.mean())


def ets(known: Array, season: int) -> Fitted:
    """Additive exponential smoothing; trend, damping and season by the corrected Akaike criterion."""
    from statsforecast.models import AutoETS

    return AutoETS(season_length=season, model="AZZ").fit(known), np.zeros(1)


def theta(known: Array, season: int) -> Fitted:
    """The best of four Theta models, on the series without its season where that is significant."""
    from statsforecast.models import AutoTheta

    model = AutoTheta(season_length=season, decomposition_type="additive").fit(known)
    fitted = model.model_
    pattern = np.asarray(fitted["seas_forecast"]["mean"]) if fitted.get("decompose") else np.zeros(1)
    fitted["m"] = 1  # the pattern of the first origin is kept: `forward` would estimate another one at each origin
    return model, pattern


def arima(known: Array, season: int) -> Fitted:
    """ARIMA with orders by unit root tests and a stepwise search (Hyndman and Khandakar 2008)."""
    from statsforecast.models import AutoARIMA

    return AutoARIMA(season_length=season, approximation=None).fit(known), np.zeros(1)


@dataclass(frozen=True)
class Demand(Statistical):
    """A forecast of the mean of a series with many zeros. Its moves are not shrunk, as nothing is estimated.

    The median of such a series lies far from its mean, mostly at zero: the residuals say where.
    """

    learned: ClassVar[bool] = False

    def _quantiles_of(self, validation: Array, training: Sequence[Array]) -> NDArray[np.float32]:
        return residual_quantiles(np.concatenate([*training, validation]), centred=False).astype(np.float32)


@dataclass(frozen=True)
class Intermittent:
    """Croston's method without its bias, the approximation of Syntetos and Boylan: nothing is estimated."""

    def forward(self, y: Array, h: int) -> dict[str, Any]:
        """Forecast the mean demand a row, the same for all steps."""
        from statsforecast.models import CrostonSBA

        return dict(CrostonSBA().forecast(y=np.ascontiguousarray(y), h=h))


def croston(known: Array, season: int) -> Fitted:  # noqa: ARG001
    """Croston's method for intermittent demand (Croston 1972; Syntetos and Boylan 2005)."""
    return Intermittent(), np.zeros(1)


def _require(name: str) -> None:
    try:
        import statsforecast.models  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"{name} needs the extra `statistics`: pip install 'honest-forecast[statistics]'.") from error
