"""The interactive charts of a page, in Bokeh: zoom, values under the pointer, lines that a click hides.

In: the tables of a run. Out: a Bokeh figure. Rows are equally spaced, so that nights and weekends take no room. What
needs no zoom is shown as the picture in the folder `plots/`.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecast.report.html.content import Content, texts_of
from forecast.report.plots.forecast import CLOSE_UP
from forecast.report.plots.style import TRUTH, colour_of, line_of

if TYPE_CHECKING:
    from bokeh.plotting import figure as Figure  # noqa: N812

# Matplotlib's names of line styles, and Bokeh's.
DASHES = {"-": "solid", "--": "dashed", ":": "dotted", "-.": "dashdot"}
HEIGHT = 340
# Labels below a chart, and names in a row of its legend: few enough for the width of a phone.
TICKS, NAMES = 4, 4


def chart_forecast(content: Content) -> "Figure":
    """Chart the last rows and the medians of the coming steps, with the intervals of the best model."""
    actual, coming = content.actual().tail(CLOSE_UP), content.forecast_of(content.best)
    chart, places = _figure(content, pd.concat([actual["date"], coming["date"]]))
    for quantiles in (("q05", "q95"), ("q10", "q90"), ("q25", "q75")):
        _add_band(chart, places, coming, quantiles, content.best, label="intervals")
    _add_line(chart, places, actual, "actual", "actual", color=TRUTH, width=1.5)
    for model in content.charted:
        _add_median(chart, places, content.forecast_of(model), model)
    return _finished(chart)


def chart_backtest(content: Content) -> "Figure":
    """Chart actual values and what was forecast for them a whole horizon earlier, with the best model's interval."""
    best = content.backtest_of(content.best)
    chart, places = _figure(content, best["date"])
    _add_band(chart, places, best, ("q05", "q95"), content.best, label="90 % interval")
    for model in content.charted:
        _add_median(chart, places, content.backtest_of(model), model, visible=model == content.best)
    _add_line(chart, places, best, "actual", "actual", color=TRUTH, width=1.5)
    return _finished(chart)


def _figure(content: Content, dates: pd.Series) -> "tuple[Figure, pd.Index]":
    """An empty chart of rows with these dates, and its rows: each is drawn at its place among them."""
    from bokeh.models import AdaptiveTicker, BasicTickFormatter
    from bokeh.plotting import figure

    places = pd.Index(dates.unique())
    chart = figure(
        height=HEIGHT,
        sizing_mode="stretch_width",
        y_axis_label=content.unit,
        tools="xpan,xwheel_zoom,box_zoom,reset,save",
        active_scroll=None,
    )
    chart.toolbar.logo = None
    chart.xgrid.grid_line_color = chart.ygrid.grid_line_color = "#E5E5E5"
    chart.yaxis.formatter = BasicTickFormatter(use_scientific=False)
    chart.xaxis.ticker = AdaptiveTicker(min_interval=1, desired_num_ticks=TICKS)
    chart.xaxis.minor_tick_line_color = chart.yaxis.minor_tick_line_color = None
    labels: dict[float | str, Any] = dict.fromkeys(range(-len(places), 2 * len(places)), "")
    chart.xaxis.major_label_overrides = labels | dict(enumerate(texts_of(places)))
    return chart, places


def _add_band(
    chart: "Figure", places: pd.Index, rows: pd.DataFrame, quantiles: tuple[str, str], model: str, *, label: str
) -> None:
    """Fill between two quantiles."""
    lower, upper = (rows[name].to_numpy() for name in quantiles)
    chart.varea(_at(places, rows), lower, upper, color=colour_of(model), alpha=0.17, legend_label=label)


def _add_median(chart: "Figure", places: pd.Index, rows: pd.DataFrame, model: str, *, visible: bool = True) -> None:
    style = line_of(model)
    dash = DASHES[style["linestyle"]]
    _add_line(chart, places, rows, "q50", model, color=style["color"], width=2, dash=dash, visible=visible)


def _add_line(
    chart: "Figure", places: pd.Index, rows: pd.DataFrame, column: str, name: str, *, width: float, **style: Any
) -> None:
    from bokeh.models import ColumnDataSource

    place = _at(places, rows)
    known: dict[str, Any] = {"place": place, "value": rows[column].to_numpy(), "when": texts_of(places[place])}
    visible = style.pop("visible", True)
    line = chart.line(
        "place", "value", source=ColumnDataSource(known), line_width=width, legend_label=name, name=name,
        line_color=style["color"], line_dash=style.get("dash", "solid"),
    )  # fmt: skip
    line.visible = visible


def _at(places: pd.Index, rows: pd.DataFrame) -> np.ndarray:
    return places.get_indexer(pd.Index(rows["date"]))


def _finished(chart: "Figure") -> "Figure":
    """Add values under the pointer, and a legend below that shows and hides lines."""
    from bokeh.models import HoverTool
    from bokeh.models.renderers import GlyphRenderer

    lines: list[Any] = [one for one in chart.renderers if isinstance(one, GlyphRenderer) and one.name]
    chart.add_tools(HoverTool(renderers=lines, tooltips=[("", "$name"), ("", "@when"), ("", "@value{0,0.[000]}")]))
    legend: Any = chart.legend[0]
    legend.click_policy, legend.orientation, legend.ncols = "hide", "horizontal", NAMES
    legend.spacing, legend.padding, legend.border_line_color = 4, 0, None
    legend.label_height = legend.glyph_height = 16
    legend.location = "center"
    chart.add_layout(legend, "below")
    return chart
