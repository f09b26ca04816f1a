"""Plot of the probabilities of down, flat and up: how often the classes came that were given which probability."""

from typing import TYPE_CHECKING

from forecast.display.figure import finish, legend_beside
from forecast.display.style import GREY, TRUTH, colour_of, styled
from forecast.evaluation.direction import Reliability

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Area of all points together, in square points of the printer.
AREA = 400


@styled
def plot_reliability(model: str, bins: Reliability, ax: "Axes") -> None:
    """Plot observed shares over given probabilities: on the diagonal where the probabilities are right."""
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="as often as said")
    area = AREA * bins.count / bins.count.sum()
    ax.plot(bins.probability, bins.observed, color=colour_of(model), linewidth=1.3)
    ax.scatter(bins.probability, bins.observed, s=area, color=colour_of(model), label="observed", zorder=3)
    ax.vlines(bins.probability, bins.probability, bins.observed, color=TRUTH, linewidth=0.8, label="difference")
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="probability that was given")
    finish(ax, f"{model}: calibration error {100 * bins.error:.1f} %", "share that came")
    legend_beside(ax)
