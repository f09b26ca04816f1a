"""The highway by itself: what a linear map of the last differences forecasts, and the spread of its errors."""

from dataclasses import dataclass

import numpy as np

from forecast.config import QUANTILES
from forecast.data.windows import Blocks, Inputs, Panel
from forecast.models.estimator import (
    Callbacks,
    Fit,
    Problem,
    Weights,
    residual_quantiles,
    training_blocks,
    window_blocks,
)
from forecast.models.highway import MOST, apply_highway, fit_highway
from forecast.typing import Array, Rows


@dataclass(frozen=True)
class Linear:
    """Ridge regression on the last differences; the naive forecast where there is nothing linear to be found."""

    name: str
    summary: str
    learned: bool = True
    is_network: bool = False

    def shapes(self, problem: Problem) -> dict[str, tuple[int | None, ...]]:
        return {
            "highway/kernel": (problem.lookback, problem.features, problem.horizon),
            "highway/ahead": (problem.horizon, problem.ahead),
            "residuals": (problem.horizon, len(QUANTILES)),
        }

    def blocks(self, inputs: Inputs, origin: Rows, problem: Problem) -> Blocks:
        return window_blocks(inputs, origin, problem)

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:  # noqa: ARG002
        weights = fit_highway(panel, problem)
        blocks = training_blocks(panel, problem, most=MOST)
        return Fit({**weights, "residuals": residual_quantiles((blocks.y - apply_highway(weights, blocks))[:, 0])})

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:  # noqa: ARG002
        return np.asarray(apply_highway(weights, blocks)[:, 0, :, None] + weights["residuals"])
