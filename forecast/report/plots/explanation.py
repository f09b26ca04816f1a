"""Pictures of an explanation: each one a function of it and a Matplotlib Axes."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from forecast.errors import ModelError
from forecast.inference.explain.explain import Explanation
from forecast.report.plots.plots import DPI, GREY, TRUTH, colour_of, finish, kind_of_picture
from forecast.report.plots.style import styled
from forecast.runtime.atomic import atomic_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Perceptually even, and the same to the colour-blind: one for gates from 0 to 1, one for states around 0.
GATES, STATES = "cividis", "PuOr"
SIGNED = ("candidate", "cell", "hidden")
HIGHWAY, PALE = "#E69F00", "#BBBBBB"


@styled
def plot_window(explanation: Explanation, ax: "Axes") -> None:
    """The last rows of the series, as many as the model saw."""
    rows = np.arange(1 - len(explanation.window), 1)
    ax.plot(rows, explanation.window, color=TRUTH)
    ax.set_xlim(rows[1] - 0.5, 0.5)
    finish(ax, f"{explanation.series.name} up to {explanation.origin}", explanation.series.unit)


@styled
def plot_gate(explanation: Explanation, layer: str, part: str, ax: "Axes") -> None:
    """One gate or state of each unit of a layer over the window, as a heat map: gates from 0 to 1, states around 0."""
    values = explanation.layers[layer][part].T
    signed = part in SIGNED
    most = float(np.abs(values).max()) or 1.0
    low, high = (-most, most) if signed else (0.0, 1.0)
    edges = (0.5 - values.shape[1], 0.5, -0.5, len(values) - 0.5)
    shown = ax.imshow(values, cmap=STATES if signed else GATES, vmin=low, vmax=high, extent=edges, origin="lower")
    ax.set(aspect="auto")
    finish(ax, f"{layer}: {part}{'' if signed else ' gate'}", "unit")
    ax.grid(visible=False)
    figure = ax.get_figure()
    if figure is not None:
        figure.colorbar(shown, ax=ax, fraction=0.03, pad=0.01, ticks=[low, (low + high) / 2, high], format="%.2g")


@styled
def plot_lags(explanation: Explanation, ax: "Axes") -> None:
    """How far the forecast moves when a row is hidden, and how far highway and model would if they were not shrunk.

    Raises:
        ModelError: the model does not look at single rows.
    """
    lags = explanation.lags
    if lags is None:
        raise ModelError(f"lags are drawn of models that look at single rows. Received: {explanation.model}.")
    rows = -np.arange(len(lags.forecast))
    ax.bar(rows, lags.forecast, color=PALE, width=0.9, label="forecast")
    ax.plot(rows, lags.own, color=colour_of(explanation.model), label=f"{explanation.model}, unshrunk")
    if explanation.has_highway:
        ax.plot(rows, lags.linear, color=HIGHWAY, linestyle="--", label="highway, unshrunk")
    ax.set(xlim=(rows[-1] - 0.5, 0.5), xlabel="rows before the forecast")
    finish(ax, "how far it moves when a row is hidden", f"mean [{explanation.series.unit}]")
    ax.legend(loc="upper left")


@styled
def plot_parts(explanation: Explanation, ax: "Axes") -> None:
    """What highway and model add to the last value at each coming step, as far as they are believed."""
    steps = np.arange(1, len(explanation.steps) + 1)
    last, linear, own, forecast = explanation.steps.T
    (believed_linear, believed_own), model = explanation.believed, explanation.model
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.plot(steps, forecast - last, color=PALE, linewidth=6, label="forecast")
    ax.plot(steps, own, color=colour_of(model), label=f"{model}, {believed_own:.0%} believed")
    if explanation.has_highway:
        ax.plot(steps, linear, color=HIGHWAY, linestyle="--", label=f"highway, {believed_linear:.0%} believed")
    ax.set_xlabel("step")
    finish(ax, f"added to the value of {explanation.origin}", explanation.series.unit)
    ax.legend(loc="best")


@styled
def plot_believed(explanation: Explanation, ax: "Axes") -> None:
    """How much of the highway's and of the model's moves was believed over the test rows."""
    moves = explanation.moves
    dates = explanation.series.index[moves.blocks.origin]
    ax.plot(dates, moves.believed[:, 1], color=colour_of(explanation.model), label=explanation.model)
    if explanation.has_highway:
        ax.plot(dates, moves.believed[:, 0], color=HIGHWAY, linestyle="--", label="highway")
    ax.set_ylim(-0.03, 1.03)
    finish(ax, "how much of each move was believed", "share")
    ax.legend(loc="best")


@styled
def save_explanation(explanation: Explanation, path: Path) -> None:
    """One picture of all: the window, the gates below it, the lags, and the parts of the forecast.

    Raises:
        ConfigError: the file's ending is no kind of picture.
    """
    from matplotlib.figure import Figure

    kind = kind_of_picture(path)
    gates = [(layer, part) for layer, parts in explanation.layers.items() for part in parts]
    heights = [2.6, *(1.25 for _ in gates), *([2.8] if explanation.lags else []), 2.8, 2.2]
    figure = Figure(figsize=(10, sum(heights)), dpi=DPI, layout="constrained", facecolor="white")
    axes = list(figure.subplots(len(heights), 1, height_ratios=heights))
    plot_window(explanation, axes.pop(0))
    for layer, part in gates:
        plot_gate(explanation, layer, part, axes.pop(0))
    if explanation.lags:
        plot_lags(explanation, axes.pop(0))
    plot_parts(explanation, axes[0])
    plot_believed(explanation, axes[1])
    with atomic_file(path) as work:
        figure.savefig(work, format=kind)
