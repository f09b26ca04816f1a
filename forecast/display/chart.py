"""A chart as data: what is drawn, in which colours, before anybody has chosen a library to draw it with.

`draw.py` draws a chart with Matplotlib and as SVG, `interactive.py` with Bokeh.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.display.style import SOLID, TRUTH

# Dates, or numbers, shape (N,).
Places: TypeAlias = "pd.Index[Any] | NDArray[Any]"


@dataclass(frozen=True, eq=False)
class Line:
    """Values (N,) over places (N,), as a line, as points (`marker`), or as both.

    Attributes:
        label: In the legend; empty for a line that has no entry there.
        style: Matplotlib's kind of line; empty for points alone.
        width: In points, as `size` of a marker; a `hollow` marker is a ring.
        hidden: Whether an interactive chart shows the line only after a click on its label.
    """

    x: Places
    y: NDArray[Any]
    label: str = ""
    colour: str = TRUTH
    style: str = SOLID
    width: float = 1.3
    marker: str = ""
    size: float = 4
    hollow: bool = False
    alpha: float = 1.0
    hidden: bool = False


@dataclass(frozen=True, eq=False)
class Band:
    """The area between two lines (N,)."""

    x: Places
    low: NDArray[Any]
    high: NDArray[Any]
    label: str = ""
    colour: str = TRUTH
    alpha: float = 0.2


@dataclass(frozen=True)
class Rule:
    """A line across the whole chart: upright at a date or number, or level at a value."""

    at: Any
    label: str = ""
    colour: str = TRUTH
    style: str = ":"
    width: float = 0.8
    level: bool = False


@dataclass(frozen=True, eq=False)
class Chart:
    """What is drawn on one pair of axes; later layers lie above earlier ones.

    Attributes:
        names: Names below the places 0, 1, ... where x has no numbers of its own.
        dates: Dates of the places 0, 1, ... of a chart that `on_rows` made.
        inside: Whether the legend has room within the axes.
    """

    title: str
    y_label: str
    layers: Sequence[Line | Band | Rule]
    x_label: str = ""
    names: tuple[str, ...] = ()
    dates: "pd.DatetimeIndex | None" = None
    inside: bool = False

    @property
    def is_dated(self) -> bool:
        """Whether x has dates."""
        places = (layer.x for layer in self.layers if not isinstance(layer, Rule))
        return any(np.issubdtype(np.asarray(x).dtype, np.datetime64) for x in places)

    def on_rows(self) -> "Chart":
        """The same chart with rows in place of dates: equally spaced, so that nights and weekends take no room."""
        if not self.is_dated:
            return self
        places = [_moments(layer.x) for layer in self.layers if not isinstance(layer, Rule)]
        dates = pd.DatetimeIndex(np.unique(np.concatenate([one.to_numpy() for one in places])))
        return replace(self, layers=[_on_rows(layer, dates) for layer in self.layers], dates=dates)

    @property
    def has_labels(self) -> bool:
        """Whether there is something for a legend to name."""
        return any(layer.label for layer in self.layers)


def _on_rows(layer: Line | Band | Rule, dates: pd.DatetimeIndex) -> Line | Band | Rule:
    if isinstance(layer, Rule):
        return layer if layer.level else replace(layer, at=int(dates.searchsorted(pd.Timestamp(layer.at))))
    return replace(layer, x=dates.get_indexer(_moments(layer.x)))


def _moments(x: Places) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(x).as_unit("ns")
