"""Plots of the test of an experiment: forecasts beside actual values, and the error of each model."""

from typing import TYPE_CHECKING

from forecast.config import MEDIAN
from forecast.data.calendar.frequency import count_steps
from forecast.evaluation.holdout import Experiment
from forecast.report.plots.figure import finish, legend_beside
from forecast.report.plots.style import TRUTH, colour_of, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@styled
def plot_backtest(experiment: Experiment, model: str, ax: "Axes", *, step: int | None = None) -> None:
    """Plot actual values of the test rows, and the median and 90 % interval that were forecast `step` rows earlier.

    Args:
        step: Step of the horizon; the last one by default.
    """
    series, backtest = experiment.series, experiment.backtests[model]
    step = step or backtest.actual.shape[1]
    dates = series.index[backtest.origin + step]
    quantiles, colour = backtest.quantiles[:, step - 1], colour_of(model)
    ax.fill_between(
        dates, quantiles[:, 0], quantiles[:, -1], color=colour, alpha=0.2, linewidth=0, label="90 % interval"
    )
    ax.plot(dates, backtest.actual[:, step - 1], color=TRUTH, linewidth=1.1, label="actual")
    ax.plot(dates, quantiles[:, MEDIAN], color=colour, linewidth=1.1, label="forecast")
    title = f"{model}: what it had forecast {count_steps(step, series.frequency)} before"
    finish(ax, title, f"{series.target} [{series.unit}]")
    legend_beside(ax)


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
