"""Charts in Bokeh: zoom, values under the pointer, lines that a click hides.

In: a `Chart`. Out: a Bokeh figure for a page, or an `InteractiveChart` that a notebook shows without a network.
"""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecast.display.chart import Band, Chart, Line, Rule
from forecast.runtime.atomic import atomic_file
from forecast.runtime.names import visible

if TYPE_CHECKING:
    from bokeh.plotting import figure as Figure  # noqa: N812

# Matplotlib's names of line styles, and Bokeh's.
DASHES = {"-": "solid", "--": "dashed", ":": "dotted", "-.": "dashdot"}
HEIGHT = 340
# What a notebook gives the chart beside its own height, in pixels.
MARGIN = 24
# Labels below a chart, and names in a row of its legend: few enough for the width of a phone.
TICKS, NAMES = 4, 4
# Lines of a chart for Matplotlib are thinner, in points.
THICKER = 1.25


@dataclass(frozen=True, eq=False, repr=False)
class InteractiveChart:
    """A Bokeh figure that a notebook shows by itself, library and all, and that can be saved as a page."""

    chart: Chart
    figure: "Figure"

    def page(self) -> str:
        """One HTML page that needs no network."""
        from bokeh.embed import file_html
        from bokeh.resources import Resources

        library = Resources(mode="inline")
        return file_html(self.figure, resources=library, title=visible(self.chart.title))

    def save(self, path: str | Path) -> Path:
        """Write the page."""
        with atomic_file(Path(path)) as work:
            work.write_text(self.page(), encoding="utf-8")
        return Path(path)

    def __repr__(self) -> str:
        return f"InteractiveChart({visible(self.chart.title)})"

    def _repr_html_(self) -> str:
        style = f"width:100%;height:{HEIGHT + MARGIN}px;border:0;background:white"
        return f'<iframe sandbox="allow-scripts" style="{style}" srcdoc="{escape(self.page())}"></iframe>'


def bokeh_figure(chart: Chart) -> "Figure":
    """Draw a chart in Bokeh; dates are equally spaced rows."""
    from bokeh.models import AdaptiveTicker, BasicTickFormatter
    from bokeh.plotting import figure

    chart = chart.on_rows()
    shown = figure(
        height=HEIGHT,
        sizing_mode="stretch_width",
        x_axis_label=visible(chart.x_label) or None,
        y_axis_label=visible(chart.y_label),
        tools="xpan,xwheel_zoom,box_zoom,reset,save",
        active_drag="box_zoom",
        active_scroll=None,
    )
    shown.toolbar.logo = None
    shown.xgrid.grid_line_color = shown.ygrid.grid_line_color = "#E5E5E5"
    shown.yaxis.formatter = BasicTickFormatter(use_scientific=False)
    shown.xaxis.minor_tick_line_color = shown.yaxis.minor_tick_line_color = None
    shown.xaxis.ticker = AdaptiveTicker(min_interval=1, desired_num_ticks=TICKS)
    if chart.dates is not None:
        nothing: dict[float | str, Any] = dict.fromkeys(range(-len(chart.dates), 2 * len(chart.dates)), "")
        shown.xaxis.major_label_overrides = nothing | dict(enumerate(date_texts(chart.dates)))
    if chart.names:
        shown.xaxis.ticker = list(range(len(chart.names)))
        shown.xaxis.major_label_overrides = dict(enumerate(map(visible, chart.names)))
    for layer in chart.layers:
        if isinstance(layer, Line):
            _add_line(shown, layer, chart.dates)
        elif isinstance(layer, Band):
            _add_band(shown, layer)
        else:
            _add_rule(shown, layer)
    _finish(shown, chart)
    return shown


def _add_band(shown: "Figure", band: Band) -> None:
    label: dict[str, Any] = {"legend_label": visible(band.label)} if band.label else {}
    shown.varea(np.asarray(band.x), band.low, band.high, color=band.colour, alpha=band.alpha, **label)


def _add_line(shown: "Figure", line: Line, dates: pd.DatetimeIndex | None) -> None:
    from bokeh.models import ColumnDataSource

    label = {"legend_label": visible(line.label), "name": visible(line.label)} if line.label else {}
    fixed: dict[str, Any] = {"color": line.colour, "alpha": line.alpha, "visible": not line.hidden, **label}
    x = np.asarray(line.x)
    known: dict[str, Any] = {"x": x, "y": np.asarray(line.y)}
    if dates is not None:
        known["when"] = date_texts(dates[x])
    source = ColumnDataSource(known)
    if line.style:
        shown.line("x", "y", source=source, line_width=line.width * THICKER, line_dash=DASHES[line.style], **fixed)
    if line.marker:
        shown.scatter("x", "y", source=source, size=line.size, **fixed, fill_alpha=0 if line.hollow else line.alpha)


def _add_rule(shown: "Figure", rule: Rule) -> None:
    style: dict[str, Any] = {"color": rule.colour, "line_dash": DASHES[rule.style], "line_width": rule.width}
    if rule.label:
        style["legend_label"] = visible(rule.label)
    if rule.level:
        shown.hspan(y=[rule.at], **style)
    else:
        shown.vspan(x=[rule.at], **style)


def _finish(shown: "Figure", chart: Chart) -> None:
    """Add values under the pointer, and a legend below that shows and hides lines."""
    from bokeh.models import HoverTool
    from bokeh.models.renderers import GlyphRenderer

    place = ("date", "@when") if chart.dates is not None else ("step", "@x{0}")
    lines: list[Any] = [one for one in shown.renderers if isinstance(one, GlyphRenderer) and one.name]
    tooltips = [("", "$name"), *(() if chart.names else (place,)), ("value", "@y{0,0.[000]}")]
    shown.add_tools(HoverTool(renderers=lines, tooltips=tooltips))
    if not chart.has_labels:
        return
    legend: Any = shown.legend[0]
    legend.click_policy, legend.orientation, legend.ncols = "hide", "horizontal", NAMES
    legend.spacing, legend.padding, legend.border_line_color = 4, 0, None
    legend.label_height = legend.glyph_height = 16
    legend.location = "center"
    shown.add_layout(legend, "below")


def date_texts(dates: pd.DatetimeIndex) -> list[str]:
    """Dates as text, with the time of day if any of them has one."""
    form = "%Y-%m-%d" if bool((dates == dates.normalize()).all()) else "%Y-%m-%d %H:%M"
    return list(dates.strftime(form))
