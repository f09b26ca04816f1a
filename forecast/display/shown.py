"""What every result has: a short repr, HTML for a notebook, `plot`, `to_frame`, `to_csv` and `to_parquet`."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import pandas as pd

from forecast.display.chart import Chart
from forecast.display.draw import draw, new_axes, svg
from forecast.display.interactive import InteractiveChart, bokeh_figure
from forecast.errors import ConfigError
from forecast.runtime.atomic import atomic_file
from forecast.runtime.names import csv_cell, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Rows of a table in a notebook; the middle of a longer one is left out.
MOST_ROWS = 10


@dataclass(frozen=True, eq=False)
class Panel:
    """A part of what a notebook shows of a result: a table, sentences below it, and a chart."""

    table: pd.DataFrame | None = None
    sentences: Sequence[str] = ()
    chart: Chart | None = None

    def html(self) -> str:
        """The panel in HTML, in the colours of the page around it; whatever comes from files is escaped."""
        parts = [] if self.table is None else [_table(self.table)]
        parts += [f'<p style="margin:.4em 0">{escape(sentence)}</p>' for sentence in self.sentences]
        return "".join([*parts, *([svg(self.chart)] if self.chart else [])])


def _table(table: pd.DataFrame) -> str:
    shown = table.to_html(
        border=0,
        escape=True,
        index_names=False,
        max_rows=MOST_ROWS,
        na_rep="",
        float_format="{:.6g}".format,
        show_dimensions=False,
    )
    return f'<div style="overflow-x:auto">{shown}</div>'


class Shown(ABC):
    """A result that shows itself: in a line, in a notebook, as a picture, as a table."""

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """The result as a table: dates are the index, columns have names."""

    @abstractmethod
    def _headline(self) -> str:
        """What the result is, in a line."""

    @abstractmethod
    def _panels(self) -> Sequence[Panel]:
        """What a notebook shows."""

    def chart(self) -> Chart:
        """What `plot` draws, as data.

        Raises:
            ConfigError: there is nothing to draw.
        """
        raise ConfigError(f"{self!r} has no chart: to_frame() gives it as a table.")

    @overload
    def plot(self, ax: "Axes | None" = None, *, interactive: Literal[False] = False) -> "Axes": ...
    @overload
    def plot(self, ax: None = None, *, interactive: Literal[True]) -> InteractiveChart: ...
    def plot(self, ax: "Axes | None" = None, *, interactive: bool = False) -> "Axes | InteractiveChart":
        """Draw the result.

        Args:
            ax: The Matplotlib Axes to draw on; by default a new one.
            interactive: Draw with Bokeh: zoom, values under the pointer, lines that a click hides.
        Returns:
            The Axes; or with `interactive` a chart that a notebook shows, with its Bokeh `figure`.
        Raises:
            ConfigError: there is nothing to draw.
        """
        return show_chart(self.chart(), ax, interactive=interactive)

    def to_csv(self, path: str | Path) -> Path:
        """Write `to_frame` as CSV; a text that a spreadsheet would run as a formula gets an apostrophe before it."""
        table = self.to_frame().rename(columns=lambda name: csv_cell(str(name)))
        texts = {str(name): table[name].map(_cell) for name in table.select_dtypes(exclude="number")}
        with atomic_file(Path(path)) as work:
            table.assign(**texts).rename(index=_cell).to_csv(work, lineterminator="\n", errors="backslashreplace")
        return Path(path)

    def to_parquet(self, path: str | Path) -> Path:
        """Write `to_frame` as Parquet."""
        with atomic_file(Path(path)) as work:
            self.to_frame().to_parquet(work)
        return Path(path)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The table for Polars, DuckDB and whoever else takes Arrow's streams."""
        import pyarrow as pa

        return pa.Table.from_pandas(self.to_frame()).__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({visible(self._headline())})"

    def _repr_html_(self) -> str:
        head = f"<b>{type(self).__name__}</b>: {escape(self._headline())}"
        text = "".join([f"<div>{head}", *(panel.html() for panel in self._panels()), "</div>"])
        return "\n".join(map(visible, text.split("\n")))


def check_table(name: str, tables: Sequence[str]) -> None:
    """Raise ConfigError for a table that a result does not have."""
    if name not in tables:
        raise ConfigError(f"`table` must be one of {', '.join(tables)}. Received: {name}.")


def _cell(value: Any) -> Any:
    return csv_cell(value) if isinstance(value, str) else value


def show_chart(chart: Chart, ax: "Axes | None", *, interactive: bool) -> "Axes | InteractiveChart":
    """Draw a chart on an Axes, a new one by default, or in Bokeh."""
    if interactive:
        if ax is not None:
            raise ConfigError("`ax` is an Axes of Matplotlib, and `interactive` draws with Bokeh. Received: both.")
        return InteractiveChart(chart, bokeh_figure(chart))
    ax = new_axes() if ax is None else ax
    draw(chart, ax)
    return ax
