"""Plots of a series: as it was loaded, and with its training, validation and test rows."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.data.series import TimeSeries
from forecast.data.sources.inspection import Inspection
from forecast.display.draw import draw
from forecast.display.figure import finish, legend_beside, place_of, save_panels
from forecast.display.style import BLUE, GREY, ORANGE, RED, styled
from forecast.evaluation.holdout import Experiment

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SPLIT_COLOURS = {"training rows": BLUE, "validation rows": ORANGE, "test rows": RED}
# Most series in one picture of an inspection.
MOST_SERIES = 8


def plot_series(series: TimeSeries, ax: "Axes") -> None:
    """Plot a series as it was loaded, with a dotted line at each date with a data issue."""
    draw(series.chart(), ax)


@styled
def plot_history(experiment: Experiment, ax: "Axes") -> None:
    """Plot the whole series, with training, validation and test rows in colours of their own."""
    series, split = experiment.series, experiment.split
    edges = (0, split.validation, split.test, split.rows)
    for (part, colour), first, stop in zip(SPLIT_COLOURS.items(), edges[:-1], edges[1:], strict=True):
        rows = slice(max(first - 1, 0), stop)
        ax.plot(series.index[rows], series.y[rows], color=colour, linewidth=1.1, label=part)
    for edge in edges[1:-1]:
        ax.axvline(place_of(series.index[edge]), color=GREY, linewidth=0.8, linestyle=":")
    finish(ax, f"{series.name}: {series.target}", f"{series.target} [{series.unit}]")
    legend_beside(ax)


def save_inspection(inspection: Inspection, path: Path) -> None:
    """Save one picture of the series of an inspection, one below the other, at most `MOST_SERIES`.

    Raises:
        ConfigError: Matplotlib writes no format with the file's suffix.
    """
    shown = [one.series for one in inspection.series if one.series][:MOST_SERIES]
    save_panels([partial(plot_series, one) for one in shown], path, width=10, height=3.2)
