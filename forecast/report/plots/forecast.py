"""Plots of forecasts: the last rows of a series, and medians and intervals of the coming steps."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.config import MEDIAN
from forecast.data.calendar.frequency import Index, count_steps, iso, moments
from forecast.data.series import TimeSeries
from forecast.errors import ConfigError
from forecast.evaluation.holdout import Experiment
from forecast.inference.forecasts import Forecast
from forecast.report.plots.figure import finish, legend_beside, place_of, save_panels
from forecast.report.plots.style import GREY, TRUTH, colour_of, line_of, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Last rows of the series beside a forecast.
CLOSE_UP = 120
# Intervals of the fan, from the widest: label and opacity.
FAN = (("90 %", 0.14), ("80 %", 0.2), ("50 %", 0.3))
# Most series in one picture.
MOST_SERIES = 8


@styled
def plot_forecast(experiment: Experiment, models: Sequence[str], ax: "Axes") -> None:
    """Plot the coming steps of several models of an experiment, with the intervals of the first."""
    series = experiment.series
    plot_forecasts(series, {model: experiment.forecasts[model] for model in models}, ax)
    steps = count_steps(experiment.config.resolved_horizon, series.frequency)
    finish(ax, f"{series.name}: the next {steps}, with the fan of {models[0]}", f"{series.target} [{series.unit}]")


@styled
def plot_forecasts(series: TimeSeries, forecasts: Mapping[str, Forecast], ax: "Axes") -> None:
    """Plot the last rows of a series and the median of each forecast, with the intervals of the first."""
    rows = slice(max(len(series) - CLOSE_UP, 0), len(series))
    ax.plot(series.index[rows], series.y[rows], color=TRUTH, linewidth=1.3, label="actual")
    for number, (model, forecast) in enumerate(forecasts.items()):
        dates = moments([iso(series.index[-1]), *forecast.dates])
        quantiles = np.vstack([np.full(forecast.quantiles.shape[1], series.y[-1]), forecast.quantiles])
        if number == 0:
            _fan(ax, dates, quantiles, colour_of(model))
        ax.plot(dates, quantiles[:, MEDIAN], **line_of(model), linewidth=1.6, label=model)
    ax.axvline(place_of(series.index[-1]), color=GREY, linewidth=0.8, linestyle=":")
    steps = max(len(forecast.dates) for forecast in forecasts.values())
    finish(ax, f"{series.name}: the next {count_steps(steps, series.frequency)}", series.unit)
    legend_beside(ax)


def _fan(ax: "Axes", dates: Index, quantiles: np.ndarray, colour: str) -> None:
    for level, (label, alpha) in enumerate(FAN):
        ax.fill_between(
            dates, quantiles[:, level], quantiles[:, -1 - level], color=colour, alpha=alpha, linewidth=0, label=label
        )


def save_forecasts(forecasts: Sequence[Any], several: Sequence[TimeSeries], path: Path) -> None:
    """Save one picture of each series and its coming steps, one below the other, at most `MOST_SERIES`.

    Raises:
        ConfigError: The forecasts are of directions, or Matplotlib writes no format with the file's suffix.
    """
    if not all(isinstance(one, Forecast) for one in forecasts):
        raise ConfigError("--plot draws values, and these are chances of directions. Use --json or --csv.")
    pairs = list(zip(several, forecasts, strict=True))[:MOST_SERIES]
    plots = [partial(plot_forecasts, series, {forecast.model: forecast}) for series, forecast in pairs]
    save_panels(plots, path, width=10, height=3.8)
