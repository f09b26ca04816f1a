"""How results show themselves: charts as data, drawn by Matplotlib, in Bokeh or as text of a notebook, and tables.

Nothing here knows what a forecast is. Results below the command line say what their charts and tables are.

shown          what every result has: a short repr, HTML, `plot`, `to_csv`, `to_parquet`
chart          a chart as data: lines, bands, points and rules
draw           a chart on a Matplotlib Axes, or as SVG
interactive    a chart in Bokeh: zoom, values under the pointer, lines that a click hides
figure         panels, title, legend, file
style          Matplotlib settings, colours and lines
"""

from forecast.display.chart import Band, Chart, Line, Rule
from forecast.display.shown import Panel, Shown

__all__ = ["Band", "Chart", "Line", "Panel", "Rule", "Shown"]
