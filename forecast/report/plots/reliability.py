"""Pictures of the probabilities of down, flat and up: how often came what was given which probability."""

from pathlib import Path
from typing import TYPE_CHECKING

from forecast.evaluation.direction import Reliability, reliability
from forecast.evaluation.holdout import Experiment
from forecast.report.plots.plots import GREY, TRUTH, colour_of, finish, legend_beside, panels, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Area of all points together, in square points of the printer.
AREA = 400


def plot_reliability(model: str, bins: Reliability, ax: "Axes") -> None:
    """Observed shares over given probabilities: on the diagonal where the probabilities are right."""
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="as often as said")
    area = AREA * bins.count / bins.count.sum()
    ax.plot(bins.probability, bins.observed, color=colour_of(model), linewidth=1.3)
    ax.scatter(bins.probability, bins.observed, s=area, color=colour_of(model), label="observed", zorder=3)
    ax.vlines(bins.probability, bins.probability, bins.observed, color=TRUTH, linewidth=0.8, label="difference")
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="probability that was given")
    finish(ax, f"{model}: calibration error {100 * bins.error:.1f} %", "share that came")
    legend_beside(ax)


def save_reliability(experiment: Experiment, folder: Path) -> None:
    """Save the reliability of each network as calibration.png."""
    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = panels(len(experiment.models), 7, 4.6)
    for model, ax in zip(experiment.models, axes, strict=True):
        plot_reliability(model, reliability(experiment.backtests[model]), ax)
    save(figure, folder / "calibration.png")
