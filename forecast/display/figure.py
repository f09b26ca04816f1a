"""The frame of every plot: a figure of panels, title and labels, a legend, and the file."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from forecast.display.style import styled
from forecast.errors import ConfigError
from forecast.runtime.atomic import atomic_file
from forecast.runtime.names import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 120


@styled
def panels(count: int, width: float, height: float, *, columns: int = 1) -> "tuple[Figure, list[Axes]]":
    """Make a figure of `count` Axes, row by row, each `width` by `height` inches."""
    from matplotlib.figure import Figure

    rows = -(-count // columns)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained", facecolor="white")
    return figure, list(figure.subplots(rows, columns, squeeze=False).ravel())


@styled
def save(figure: "Figure", path: str | Path) -> None:
    """Save a figure in the format of the file's suffix, such as PNG, SVG or PDF.

    Raises:
        ConfigError: Matplotlib writes no format with this suffix.
    """
    path, formats = Path(path), figure.canvas.get_supported_filetypes()
    if path.suffix.lower().lstrip(".") not in formats:
        raise ConfigError(f"a picture must end in one of {', '.join(sorted(formats))}. Received: {path.name}.")
    with atomic_file(path) as work, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a name in letters that the font lacks
        figure.savefig(work, dpi=DPI)


def save_panels(
    plots: "Sequence[Callable[[Axes], None]]", path: Path, *, width: float, height: float, columns: int = 1
) -> None:
    """Save one picture with a panel of `width` by `height` inches for each plot.

    Raises:
        ConfigError: Matplotlib writes no format with the file's suffix.
    """
    figure, axes = panels(len(plots), width, height, columns=columns)
    for plot, ax in zip(plots, axes, strict=True):
        plot(ax)
    save(figure, path)


@styled
def finish(ax: "Axes", title: str, y_label: str) -> None:
    """Add title, label, grid and frame; title and label hold names that others gave, and are no formulas."""
    ax.set_title(visible(title), loc="left", parse_math=False)
    ax.set_ylabel(visible(y_label), parse_math=False)
    ax.grid(visible=True, color="#E5E5E5", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def place_of(date: pd.Timestamp | int) -> float:
    """Where a date, or a count, is on the axis."""
    from matplotlib.dates import date2num

    return float(date2num(date)) if isinstance(date, pd.Timestamp) else date


@styled
def legend(ax: "Axes", **place: Any) -> None:
    """Add the legend; its names are no formulas."""
    for text in ax.legend(**{"loc": "best", **place}).get_texts():
        text.set_parse_math(False)


def legend_beside(ax: "Axes") -> None:
    """Add the legend to the right of the Axes."""
    legend(ax, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, frameon=False)
