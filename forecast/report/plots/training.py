"""Plot of a training: losses over the steps."""

from typing import TYPE_CHECKING

from forecast.display.draw import draw
from forecast.inference.trained_model import TrainedModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_losses(model: TrainedModel, ax: "Axes") -> None:
    """Plot training and validation loss over the steps, and mark the step whose weights were kept."""
    draw(model.chart(), ax)
