"""The linear highway as a model of its own: ridge regression on the last differences."""

from dataclasses import dataclass

import numpy as np

from forecast.config import QUANTILES
from forecast.data.windows import Blocks, Panel
from forecast.models.estimator import (
    Callbacks,
    Estimator,
    Fit,
    Problem,
    Shapes,
    Weights,
    residual_quantiles,
    training_origins,
    window_blocks,
)
from forecast.models.highway import HIGHWAY, MOST, apply_highway, fit_highway
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
        """Fit the highway, and measure its residuals on the training rows."""
        weights = fit_highway(panel, problem)
        blocks = window_blocks(panel.inputs, training_origins(panel, problem, most=MOST), problem)
        residuals = (blocks.y - apply_highway(weights, blocks))[:, 0]
        return Fit({**weights, "residual_quantiles": residual_quantiles(residuals)})

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:  # noqa: ARG002
        return np.asarray(apply_highway(weights, blocks)[:, 0, :, None] + weights["residual_quantiles"])
