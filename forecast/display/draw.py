"""Draw a chart with Matplotlib: on an Axes, or as SVG in the colours of the page around it."""

import re
import warnings
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecast.display.chart import Band, Chart, Line, Rule
from forecast.display.figure import finish, legend, legend_beside, place_of
from forecast.display.style import TRUTH, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Size of a chart that makes its own figure, and of one in a notebook's text, in inches.
WIDTH, HEIGHT = 10, 3.6
INLINE = (7.4, 2.5)
LETTERS = 9
# Most points of a line in SVG, which is text.
MOST_POINTS = 1000
# A colour that nobody uses, in place of which SVG has that of the text around it.
INK = "#010203"
# The frame of an SVG file, and a style that would hold for the whole page.
FRAME = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<style.*?</style>", re.S)


@styled
def draw(chart: Chart, ax: "Axes") -> None:
    """Draw a chart on an Axes; dates are equally spaced rows."""
    chart = chart.on_rows()
    for layer in chart.layers:
        if isinstance(layer, Band):
            ax.fill_between(
                layer.x, layer.low, layer.high, color=layer.colour, alpha=layer.alpha, linewidth=0, label=layer.label
            )
        elif isinstance(layer, Rule):
            _rule(layer, ax)
        else:
            _line(layer, ax)
    if chart.dates is not None:
        _name_dates(chart.dates, ax)
    if chart.names:
        ax.set_xticks(range(len(chart.names)), chart.names, rotation=20)
    finish(ax, chart.title, chart.y_label)
    if chart.x_label:
        ax.set_xlabel(chart.x_label)
    if chart.has_labels:
        legend(ax) if chart.inside else legend_beside(ax)


def _line(line: Line, ax: "Axes") -> None:
    ax.plot(
        line.x,
        line.y,
        color=line.colour,
        linestyle=line.style or "none",
        linewidth=line.width,
        marker=line.marker,
        markersize=line.size,
        alpha=line.alpha,
        label=line.label or None,
        fillstyle="none" if line.hollow else None,
        markeredgewidth=None if line.style or line.hollow else 0,
    )


def _rule(rule: Rule, ax: "Axes") -> None:
    across = ax.axhline if rule.level else ax.axvline
    place = rule.at if rule.level else place_of(rule.at)
    across(place, color=rule.colour, linewidth=rule.width, linestyle=rule.style, label=rule.label or None)


def _name_dates(dates: pd.DatetimeIndex, ax: "Axes") -> None:
    """Name the rows at which a year, a month, a day begins, by Matplotlib's choice for these dates."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num, num2date

    locator = AutoDateLocator()
    first, last = date2num(dates[[0, -1]])
    begins = [tick for tick in locator.tick_values(dates[0], dates[-1]) if first <= tick <= last]
    rows = dates.searchsorted([pd.Timestamp(num2date(tick)).tz_localize(None) for tick in begins])
    chosen = dict(zip(rows.tolist(), begins, strict=True))
    names = ConciseDateFormatter(locator)
    ax.set_xticks(list(chosen), names.format_ticks(list(chosen.values())))
    ax.set_xlabel(names.get_offset(), loc="right")


@styled
def new_axes() -> "Axes":
    """Make an Axes in a figure of pyplot, which notebooks show and `plt.show()` opens."""
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=(WIDTH, HEIGHT), layout="constrained")[1]


def svg(chart: Chart) -> str:
    """Draw a chart as SVG for a page of any colour: text, axes and what is black have the colour of its text."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(figsize=INLINE, layout="constrained", facecolor="none")
    ax = figure.subplots()
    chart = chart.on_rows()
    draw(replace(chart, layers=[_inline(layer) for layer in chart.layers]), ax)
    _ink(ax)
    text = StringIO()
    # names of shapes by what they are, not by chance: the same chart is the same text, and a notebook does not change
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "forecast"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the browser has one
        figure.savefig(text, format="svg", metadata={"Date": None})
    bare = FRAME.sub("", text.getvalue()).replace(INK, "currentColor")
    style = "max-width:100%;height:auto;stroke-linejoin:round;stroke-linecap:butt"
    return bare.replace("<svg ", f'<svg style="{style}" role="img" ', 1).strip()


def _ink(ax: "Axes") -> None:
    """Give background, frame and letters the colours of the text around a chart."""
    from matplotlib.text import Text

    ax.set_facecolor("none")
    ax.tick_params(colors=INK, labelsize=LETTERS)
    ax.spines[:].set_color(INK)
    ax.grid(visible=True, color=INK, alpha=0.12, linewidth=0.8)
    ax.xaxis.get_offset_text().set(color=INK, fontsize=LETTERS)
    for text in ax.figure.findobj(Text):
        text.set(color=INK, fontsize=LETTERS)


def _inline(layer: Line | Band | Rule) -> Line | Band | Rule:
    """A layer with few points, and in the colour of the text if it is black."""
    colour = INK if layer.colour == TRUTH else layer.colour
    if not isinstance(layer, Line) or len(layer.y) <= MOST_POINTS:
        return replace(layer, colour=colour)
    rows = thinned(np.asarray(layer.y))
    return replace(layer, colour=colour, x=pd.Index(layer.x)[rows], y=np.asarray(layer.y)[rows])


def thinned(y: np.ndarray) -> np.ndarray:
    """The rows of a line (T,) that show its course: the lowest and the highest of many parts, and those missing."""
    parts = np.array_split(np.arange(len(y)), MOST_POINTS // 2)
    ends = [part[[int(np.argmin(shown)), int(np.argmax(shown))]] for part in parts for shown in [_filled(y[part])]]
    return np.unique(np.concatenate([[0, len(y) - 1], *ends]))


def _filled(y: np.ndarray) -> np.ndarray:
    """Values with a number in place of those missing."""
    known = np.isfinite(y)
    return np.where(known, y, y[known].mean() if known.any() else 0.0)
