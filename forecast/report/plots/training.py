"""Plot of a training: losses over the steps."""

from typing import TYPE_CHECKING

import numpy as np

from forecast.inference.trained_model import TrainedModel
from forecast.report.plots.figure import finish, legend_beside
from forecast.report.plots.style import GREY, colour_of, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

UNITS = {"pinball": "pinball loss [scales]", "mse": "squared error [scaled²]", "entropy": "log loss [nats]"}


@styled
def plot_losses(model: TrainedModel, ax: "Axes") -> None:
    """Plot training and validation loss over the steps, and mark the step whose weights were kept."""
    steps = [row.step for row in model.history]
    training = [np.nan if row.loss is None else row.loss for row in model.history]
    validation = [row.validation_loss for row in model.history]
    best, colour = int(np.argmin(validation)), colour_of(model.model)
    ax.plot(steps, training, color=GREY, linewidth=1.3, label="training")
    ax.plot(steps, validation, color=colour, linewidth=1.3, marker="o", markersize=3, label="validation")
    ax.plot(steps[best], validation[best], "o", color=colour, markersize=9, fillstyle="none", label="weights kept")
    finish(ax, model.model, UNITS[model.config.loss])
    ax.set_xlabel("training step")
    legend_beside(ax)
