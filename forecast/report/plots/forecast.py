"""Plots of forecasts: the last rows of a series, and medians and intervals of the coming steps."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.data.calendar.frequency import count_steps
from forecast.data.series import TimeSeries
from forecast.display.draw import draw
from forecast.display.figure import save_panels
from forecast.errors import ConfigError
from forecast.evaluation.holdout import Experiment
from forecast.inference.charts import chart_coming
from forecast.inference.forecasts import Forecast

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Most series in one picture.
MOST_SERIES = 8


def plot_forecast(experiment: Experiment, models: Sequence[str], ax: "Axes") -> None:
    """Plot the coming steps of several models of an experiment, with the intervals of the first."""
    draw(experiment.chart_coming(models), ax)


def plot_forecasts(series: TimeSeries, forecasts: Mapping[str, Forecast], ax: "Axes") -> None:
    """Plot the last rows of a series and the median of each forecast, with the intervals of the first."""
    steps = count_steps(max(len(forecast) for forecast in forecasts.values()), series.frequency)
    coming = {model: (forecast.index, forecast.quantiles) for model, forecast in forecasts.items()}
    draw(chart_coming(f"{series.name}: the next {steps}", series.unit, (series.index, series.y), coming), ax)


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
