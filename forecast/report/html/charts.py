"""The interactive charts of a page: what they show, as data, and their figures in Bokeh.

In: the tables of a run. Out: a Bokeh figure. What needs no zoom is shown as the picture in the folder `plots/`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from forecast.config import LEVELS
from forecast.data.calendar.frequency import Index
from forecast.display.chart import Band, Chart, Line, Rule
from forecast.display.interactive import bokeh_figure
from forecast.display.style import colour_of, darker
from forecast.inference.charts import chart_coming, median_line
from forecast.report.html.content import Content

if TYPE_CHECKING:
    from bokeh.plotting import figure as Figure  # noqa: N812


def chart_forecast(content: Content) -> "Figure":
    """Chart the last rows and the medians of the coming steps, with the intervals of the best model."""
    actual = content.actual()
    coming = {
        model: (_dates(rows), rows[list(LEVELS)].to_numpy())
        for model in content.charted
        for rows in [content.forecast_of(model)]
    }
    chart = chart_coming("", content.unit, (_dates(actual), actual["actual"].to_numpy()), coming)
    return bokeh_figure(replace(chart, layers=_with_dark_line(chart.layers, content.best)))


def chart_backtest(content: Content) -> "Figure":
    """Chart actual values and what was forecast for them a whole horizon earlier, with the best model's interval."""
    best = content.backtest_of(content.best)
    dates, (low, high, actual) = _dates(best), (best[name].to_numpy() for name in ("q05", "q95", "actual"))
    band = Band(dates, low, high, "90 % interval", colour_of(content.best), 0.17)
    medians = [
        median_line(model, _dates(rows), rows["q50"].to_numpy(), hidden=model != content.best)
        for model in content.charted
        for rows in [content.backtest_of(model)]
    ]
    layers: list[Line | Band | Rule] = [band, *medians, Line(dates, actual, "actual")]
    return bokeh_figure(Chart("", content.unit, _with_dark_line(layers, content.best)))


def _with_dark_line(layers: Sequence[Line | Band | Rule], model: str) -> list[Line | Band | Rule]:
    """Layers whose line of a model stands out from its intervals, which have the same hue."""
    return [
        replace(layer, colour=darker(layer.colour)) if isinstance(layer, Line) and layer.label == model else layer
        for layer in layers
    ]


def _dates(rows: pd.DataFrame) -> Index:
    dates: Index = pd.Index(rows["date"])
    return dates
