"""Plots of the test of an experiment: forecasts beside actual values, and the error of each model."""

from dataclasses import replace
from typing import TYPE_CHECKING

from forecast.data.calendar.frequency import count_steps
from forecast.display.draw import draw
from forecast.display.figure import finish
from forecast.display.style import TRUTH, colour_of, styled
from forecast.evaluation.holdout import Experiment

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_backtest(experiment: Experiment, model: str, ax: "Axes", *, step: int | None = None) -> None:
    """Plot actual values of the test rows, and the median and 90 % interval that were forecast `step` rows earlier.

    Args:
        step: Step of the horizon; the last one by default.
    """
    series, backtest = experiment.series, experiment.backtests[model]
    step = step or backtest.actual.shape[1]
    title = f"{model}: what it had forecast {count_steps(step, series.frequency)} before"
    draw(replace(backtest.chart_at(step), title=title, y_label=f"{series.target} [{series.unit}]"), ax)


@styled
def plot_comparison(experiment: Experiment, ax: "Axes") -> None:
    """Plot the error of each model divided by that of the naive forecast; below 1 is better than naive."""
    rows = sorted(experiment.scores, key=lambda row: row.mae_vs_naive, reverse=True)
    ratios = [row.mae_vs_naive for row in rows]
    bars = ax.barh([row.model for row in rows], ratios, color=[colour_of(row.model) for row in rows])
    ax.bar_label(bars, fmt="%.3f", padding=4)
    ax.margins(x=0.1)
    ax.axvline(1, color=TRUTH, linewidth=1)
    finish(ax, f"{experiment.series.name}: error on the test rows over that of naive", "")
    ax.set_xlabel("MAE / MAE of naive (below 1 is better than naive)")
    ax.grid(visible=False, axis="y")
