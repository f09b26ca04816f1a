"""The interactive charts of a page, in Bokeh: zoom, values under the pointer, lines that a click hides.

In: the tables of a run. Out: a Bokeh figure. What needs no zoom is shown as the picture in the folder `plots/`.
"""

from typing import TYPE_CHECKING

import pandas as pd

from forecast.report.html.content import Content
from forecast.report.plots.forecast import CLOSE_UP
from forecast.report.plots.style import TRUTH, colour_of, line_of

if TYPE_CHECKING:
    from bokeh.plotting import figure as Figure  # noqa: N812

# Matplotlib's names of line styles, and Bokeh's.
DASHES = {"-": "solid", "--": "dashed", ":": "dotted", "-.": "dashdot"}
HEIGHT = 340
# Labels below a chart, few enough for the width of a phone.
TICKS = 5


def chart_forecast(content: Content) -> "Figure":
    """Chart the last rows and the medians of the coming steps, with the intervals of the best model."""
    chart = _figure(content)
    for quantiles in (("q05", "q95"), ("q10", "q90"), ("q25", "q75")):
        _add_band(chart, content.forecast_of(content.best), quantiles, content.best, label="intervals")
    _add_actual(chart, content.actual().tail(CLOSE_UP))
    for model in content.charted:
        _add_median(chart, content.forecast_of(model), model)
    return _finished(chart, content)


def chart_backtest(content: Content) -> "Figure":
    """Chart actual values and what was forecast for them a whole horizon earlier, with the best model's interval."""
    chart, best = _figure(content), content.backtest_of(content.best)
    _add_band(chart, best, ("q05", "q95"), content.best, label="90 % interval")
    for model in content.charted:
        _add_median(chart, content.backtest_of(model), model, visible=model == content.best)
    _add_actual(chart, best)
    return _finished(chart, content)


def _figure(content: Content) -> "Figure":
    from bokeh.models import BasicTickFormatter, ContinuousTicker
    from bokeh.plotting import figure

    chart = figure(
        height=HEIGHT,
        sizing_mode="stretch_width",
        x_axis_type="linear" if content.is_counted else "datetime",
        y_axis_label=content.unit,
        tools="xpan,xwheel_zoom,box_zoom,reset,save",
        active_scroll=None,
    )
    chart.toolbar.logo = None
    chart.xgrid.grid_line_color = chart.ygrid.grid_line_color = "#E5E5E5"
    chart.yaxis.formatter = BasicTickFormatter(use_scientific=False)
    if isinstance(ticker := chart.xaxis[0].ticker, ContinuousTicker):
        ticker.desired_num_ticks = TICKS
    return chart


def _add_band(chart: "Figure", rows: pd.DataFrame, quantiles: tuple[str, str], model: str, *, label: str) -> None:
    """Fill between two quantiles."""
    dates, lower, upper = (rows[name].to_numpy() for name in ("date", *quantiles))
    chart.varea(dates, lower, upper, color=colour_of(model), alpha=0.17, legend_label=label)


def _add_actual(chart: "Figure", rows: pd.DataFrame) -> None:
    dates, values = rows["date"].to_numpy(), rows["actual"].to_numpy()
    chart.line(dates, values, color=TRUTH, line_width=1.5, legend_label="actual", name="actual")


def _add_median(chart: "Figure", rows: pd.DataFrame, model: str, *, visible: bool = True) -> None:
    dates, values, style = rows["date"].to_numpy(), rows["q50"].to_numpy(), line_of(model)
    line = chart.line(dates, values, color=style["color"], line_width=2, legend_label=model, name=model)
    line.glyph.line_dash = DASHES[style["linestyle"]]
    line.visible = visible


def _finished(chart: "Figure", content: Content) -> "Figure":
    """Add values under the pointer, and a legend that shows and hides lines."""
    from bokeh.models import HoverTool
    from bokeh.models.renderers import GlyphRenderer

    chart.add_tools(
        HoverTool(
            renderers=[one for one in chart.renderers if isinstance(one, GlyphRenderer) and one.name],
            tooltips=[
                ("", "$name"),
                ("step", "@x{0}") if content.is_counted else ("date", "@x{%F}"),
                ("value", "@y{0,0.[000]}"),
            ],
            formatters={} if content.is_counted else {"@x": "datetime"},
        )
    )
    chart.legend.click_policy = "hide"
    chart.legend.background_fill_alpha = 0.6
    chart.legend.location = "top_left"
    chart.legend.spacing = 0
    chart.legend.label_height = chart.legend.glyph_height = 16
    return chart
