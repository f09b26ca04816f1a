"""The linear highway as a model of its own: ridge regression on the last differences."""

from dataclasses import dataclass

import numpy as np

from forecast.config import QUANTILES
from forecast.data.panel import Panel
from forecast.data.windows import Blocks
from forecast.models.estimator import (
    Callbacks,
    Estimator,
    Fit,
    Problem,
    Shapes,
    Weights,
    residual_quantiles,
)
from forecast.models.highway import HIGHWAY, apply_highway, fit_with_residuals
from forecast.typing import Array


@dataclass(frozen=True)
class Linear(Estimator):
    """Ridge regression on the last differences; the naive forecast where nothing linear helps."""

    def shapes(self, problem: Problem) -> Shapes:
        kernel, future = HIGHWAY
        return {
            kernel: (problem.lookback, problem.past_columns, problem.horizon),
            future: (problem.horizon, problem.future_columns),
            "residual_quantiles": (problem.horizon, len(QUANTILES)),
        }

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:  # noqa: ARG002
        """Fit the highway, and measure its residuals on rows that each fit has not seen."""
        weights, residuals = fit_with_residuals(panel, problem)
        return Fit({**weights, "residual_quantiles": residual_quantiles(residuals)})

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:  # noqa: ARG002
        return np.asarray(apply_highway(weights, blocks)[:, 0, :, None] + weights["residual_quantiles"])
