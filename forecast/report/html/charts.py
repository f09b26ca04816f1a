"""The charts of a page, in Bokeh: they can be zoomed, and tell numbers under the pointer. Each a function of a run."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecast.report.html.content import Content
from forecast.report.plots.forecast import CLOSE_UP
from forecast.report.plots.style import GREY, TRUTH, line_of

if TYPE_CHECKING:
    from bokeh.model import Model
    from bokeh.plotting import figure as Figure  # noqa: N812

# Matplotlib's names of lines, and Bokeh's.
DASHES = {"-": "solid", "--": "dashed", ":": "dotted", "-.": "dashdot"}
HEIGHT = 340
# Labels below a chart that is as narrow as a phone.
TICKS = 5
BINS, PARTS = 40, 60


def charts(content: Content) -> "dict[str, Model]":
    """All charts by their names in the template."""
    found: dict[str, Model] = {
        "coming": chart_coming(content),
        "backtest": chart_backtest(content),
        "steps": chart_steps(content),
        "time": chart_time(content),
        "residuals": chart_residuals(content),
    }
    return found | ({"losses": chart_losses(content)} if content.losses else {})


def chart_coming(content: Content) -> "Figure":
    """The last rows, the coming steps of each model, and the fan of the best."""
    actual, best = content.actual().tail(CLOSE_UP), content.learned[0]
    chart = _figure(content.unit, dates=True)
    own = content.coming[content.coming["model"] == best]
    for level in ("05", "10", "25"):
        upper = f"q{100 - int(level):02d}"
        chart.varea(
            x=own["date"].to_numpy(),
            y1=own[f"q{level}"].to_numpy(),
            y2=own[upper].to_numpy(),
            alpha=0.16,
            color=_colour(best),
        )
    _truth(chart, actual)
    for model in [*content.learned, *(["naive"] if best != "naive" else [])]:
        rows = content.coming[content.coming["model"] == model]
        _line(chart, rows["date"], rows["q50"], model)
    return _finished(chart)


def chart_backtest(content: Content) -> "Figure":
    """What came, and what each model had forecast for it a whole horizon before; the interval is that of the best."""
    chart, step = _figure(content.unit, dates=True), content.horizon
    best = content.at_step(content.learned[0], step)
    chart.varea(
        x=best["date"].to_numpy(),
        y1=best["q05"].to_numpy(),
        y2=best["q95"].to_numpy(),
        alpha=0.18,
        color=_colour(content.learned[0]),
        legend_label="90 % interval",
    )
    for place, model in enumerate([*content.learned, *(["naive"] if "naive" not in content.learned else [])]):
        rows = content.at_step(model, step)
        _line(chart, rows["date"], rows["q50"], model, shown=place == 0)
    _truth(chart, best)
    return _finished(chart)


def chart_steps(content: Content) -> "Figure":
    """The error of each model by step, over that of naive."""
    chart = _figure("MAE / MAE of naive", label="step of the horizon")
    errors = _errors(content).pivot_table("error", "step", "model", sort=False)
    for model in errors.columns.drop("naive"):
        ratio = errors[model] / errors["naive"].where(errors["naive"] > 0)
        _line(chart, ratio.index, ratio, model)
    chart.hspan(y=[1.0], line_color=GREY, line_dash="dotted")
    return _finished(chart)


def chart_time(content: Content) -> "Figure":
    """The error of each model over the test rows."""
    chart = _figure(f"MAE [{content.unit}]", dates=True)
    errors = _errors(content).pivot_table("error", "origin", "model", sort=False)
    parts = np.arange(len(errors)) * min(PARTS, len(errors)) // len(errors)
    means = errors.groupby(parts).mean()
    dates = pd.Series(errors.index).groupby(parts).median()
    for model in means.columns:
        _line(chart, dates, means[model], model, shown=model in {"naive", content.learned[0]})
    return _finished(chart)


def chart_residuals(content: Content) -> "Figure":
    """How often an error had which size, for the best model at the last step."""
    rows = content.at_step(content.learned[0], content.horizon)
    counts, edges = np.histogram(rows["actual"] - rows["q50"], bins=BINS)
    chart = _figure("forecasts", label=f"truth minus forecast [{content.unit}]")
    chart.quad(
        top=counts,
        bottom=0,
        left=edges[:-1],
        right=edges[1:],
        color=_colour(content.learned[0]),
        alpha=0.75,
        line_color="white",
    )
    chart.line([0, 0], [0, int(counts.max())], color=TRUTH, line_dash="dotted")
    return chart


def chart_losses(content: Content) -> "Figure":
    """Validation losses in the course of training."""
    chart = _figure("validation loss", label="training step")
    for model, rows in content.losses.items():
        _line(chart, pd.Series([row[0] for row in rows]), pd.Series([row[2] for row in rows]), model)
    return _finished(chart)


def _errors(content: Content) -> pd.DataFrame:
    rows = content.backtest
    return rows[["model", "origin", "step"]].assign(error=(rows["actual"] - rows["q50"]).abs())


def _figure(y_label: str, *, label: str = "", dates: bool = False) -> "Figure":
    from bokeh.models import BasicTickFormatter, ContinuousTicker
    from bokeh.plotting import figure

    chart = figure(
        height=HEIGHT,
        sizing_mode="stretch_width",
        x_axis_type="datetime" if dates else "linear",
        x_axis_label=label or None,
        y_axis_label=y_label,
        tools="xpan,xwheel_zoom,box_zoom,reset,save",
        active_scroll=None,
    )
    chart.toolbar.logo = None
    chart.xgrid.grid_line_color = chart.ygrid.grid_line_color = "#E5E5E5"
    chart.yaxis.formatter = BasicTickFormatter(use_scientific=False)
    if isinstance(ticker := chart.xaxis[0].ticker, ContinuousTicker):
        ticker.desired_num_ticks = TICKS
    return chart


def _line(chart: "Figure", x: Any, y: Any, model: str, *, shown: bool = True) -> None:
    style = line_of(model)
    drawn = chart.line(
        np.asarray(x),
        np.asarray(y, float),
        color=style["color"],
        line_dash=DASHES.get(str(style["linestyle"]), "dashed"),
        line_width=2,
        legend_label=model,
        name=model,
    )
    drawn.visible = shown


def _truth(chart: "Figure", rows: pd.DataFrame) -> None:
    """What came."""
    dates, values = rows["date"].to_numpy(), rows["actual"].to_numpy()
    chart.line(dates, values, color=TRUTH, line_width=1.5, legend_label="actual", name="actual")


def _finished(chart: "Figure") -> "Figure":
    """Numbers under the pointer, and a legend whose entries show and hide lines."""
    from bokeh.models import DatetimeAxis, HoverTool
    from bokeh.models.renderers import GlyphRenderer

    dates = isinstance(chart.xaxis[0], DatetimeAxis)
    chart.add_tools(
        HoverTool(
            renderers=[one for one in chart.renderers if isinstance(one, GlyphRenderer) and one.name],
            tooltips=[("", "$name"), ("date", "@x{%F}") if dates else ("at", "@x"), ("value", "@y{0,0.[000]}")],
            formatters={"@x": "datetime"} if dates else {},
        )
    )
    chart.legend.click_policy = "hide"
    chart.legend.background_fill_alpha = 0.6
    chart.legend.location = "top_left"
    return chart


def _colour(model: str) -> str:
    return str(line_of(model)["color"])
