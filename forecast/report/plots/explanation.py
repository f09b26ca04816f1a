"""Plots of an explanation: window, gates, lags, components and shrinkage; each takes a Matplotlib Axes."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from forecast.display.draw import draw
from forecast.display.figure import finish, save
from forecast.display.style import PALE, TRUTH, colour_of, styled
from forecast.errors import ModelError
from forecast.inference.charts import HIGHWAY
from forecast.inference.explain.explain import Explanation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colour maps that the colour-blind can read: sequential for gates in [0, 1], diverging for states around 0.
GATES, STATES = "cividis", "PuOr"
SIGNED = ("candidate", "cell", "hidden")


@styled
def plot_window(explanation: Explanation, ax: "Axes") -> None:
    """Plot the last rows of the series, as many as the model saw."""
    rows = np.arange(1 - len(explanation.window), 1)
    ax.plot(rows, explanation.window, color=TRUTH)
    ax.set_xlim(rows[1] - 0.5, 0.5)
    finish(ax, f"{explanation.series.name} up to {explanation.origin}", explanation.series.unit)


@styled
def plot_gate(explanation: Explanation, layer: str, part: str, ax: "Axes") -> None:
    """Plot one gate or state of a layer as a heat map, one row a unit, over the window."""
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
    """Plot how far the forecast moves when a row is hidden, and how far each component moves before shrinkage.

    Raises:
        ModelError: The model does not look at single rows.
    """
    lags = explanation.lags
    if lags is None:
        raise ModelError(f"lags are drawn of models that look at single rows. Received: {explanation.model}.")
    rows = -np.arange(len(lags.forecast))
    ax.bar(rows, lags.forecast, color=PALE, width=0.9, label="forecast")
    ax.plot(rows, lags.network, color=colour_of(explanation.model), label=f"{explanation.model}, unshrunk")
    if explanation.has_highway:
        ax.plot(rows, lags.linear, color=HIGHWAY, linestyle="--", label="highway, unshrunk")
    ax.set(xlim=(rows[-1] - 0.5, 0.5), xlabel="rows before the forecast")
    finish(ax, "how far it moves when a row is hidden", f"mean [{explanation.series.unit}]")
    ax.legend(loc="upper left")


def plot_components(explanation: Explanation, ax: "Axes") -> None:
    """Plot what highway and model add to the last value at each coming step, after shrinkage."""
    draw(explanation.chart(), ax)


@styled
def plot_shrinkage(explanation: Explanation, ax: "Axes") -> None:
    """Plot the shrinkage factors of both components over the test rows: 0 is the naive forecast, 1 no shrinkage."""
    moves = explanation.moves
    dates = explanation.series.index[moves.blocks.origin]
    ax.plot(dates, moves.shrinkage[:, 1], color=colour_of(explanation.model), label=explanation.model)
    if explanation.has_highway:
        ax.plot(dates, moves.shrinkage[:, 0], color=HIGHWAY, linestyle="--", label="highway")
    ax.set_ylim(-0.03, 1.03)
    finish(ax, "shrinkage factors: what is left of each component", "share")
    ax.legend(loc="best")


@styled
def save_explanation(explanation: Explanation, path: Path) -> None:
    """Save one picture of all: window, gates, lags, components and shrinkage.

    Raises:
        ConfigError: Matplotlib writes no format with the file's suffix.
    """
    from matplotlib.figure import Figure

    gates = [(layer, part) for layer, parts in explanation.layers.items() for part in parts]
    heights = [2.6, *(1.25 for _ in gates), *([2.8] if explanation.lags else []), 2.8, 2.2]
    figure = Figure(figsize=(10, sum(heights)), layout="constrained", facecolor="white")
    axes = list(figure.subplots(len(heights), 1, height_ratios=heights))
    plot_window(explanation, axes.pop(0))
    for layer, part in gates:
        plot_gate(explanation, layer, part, axes.pop(0))
    if explanation.lags:
        plot_lags(explanation, axes.pop(0))
    plot_components(explanation, axes[0])
    plot_shrinkage(explanation, axes[1])
    save(figure, path)
