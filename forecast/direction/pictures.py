"""Pictures of an experiment on directions."""

from pathlib import Path
from typing import TYPE_CHECKING

from forecast.direction.experiment import DirectionExperiment
from forecast.report.plots.figure import finish, legend_beside, panels, save
from forecast.report.plots.style import GREY, TRUTH, colour_of
from forecast.report.plots.training import plot_losses

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Area of a point, in square points of the printer, for all that was forecast together.
AREA = 400


def plot_reliability(experiment: DirectionExperiment, model: str, ax: "Axes") -> None:
    """How often came what was given which probability: on the diagonal where the probabilities are right."""
    bins = experiment.calibration[model]
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="as often as said")
    area = AREA * bins.count / bins.count.sum()
    ax.plot(bins.probability, bins.observed, color=colour_of(model), linewidth=1.3)
    ax.scatter(bins.probability, bins.observed, s=area, color=colour_of(model), label="observed", zorder=3)
    ax.vlines(bins.probability, bins.probability, bins.observed, color=TRUTH, linewidth=0.8, label="difference")
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="probability that was given")
    finish(ax, f"{model}: calibration error {100 * bins.error:.1f} %", "share that came")
    legend_beside(ax)


def save_plots(experiment: DirectionExperiment, folder: Path) -> None:
    """The pictures that a run keeps, as PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = panels(len(experiment.models), 7, 4.6)
    for model, ax in zip(experiment.models, axes, strict=True):
        plot_reliability(experiment, model, ax)
    save(figure, folder / "calibration.png")
    figure, axes = panels(len(experiment.models), 7, 2.9)
    for trained, ax in zip(experiment.models.values(), axes, strict=True):
        plot_losses(trained, ax)
    save(figure, folder / "losses.png")
