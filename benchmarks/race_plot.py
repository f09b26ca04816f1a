"""The picture of a race: the time to an answer against its loss, one panel a task, both axes logarithmic."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from forecast.display.figure import finish, legend_beside, save_panels
from forecast.display.style import BLUE, TRUTH

# A contender: its name, seconds, and loss.
Point = tuple[str, float, float]
WIDTH, HEIGHT = 5.4, 3.6
# Markers in turn; ours are filled, so that no information lies in colour alone.
MARKERS, OURS = "osD^vPX", "forecast"


def draw_race(tasks: Mapping[str, Sequence[Point]], path: Path) -> None:
    """Write the picture of contenders by the title of their task."""
    last = list(tasks)[-1]
    plots = [
        lambda ax, title=title, points=points: _draw(ax, title, points, named=title == last)
        for title, points in tasks.items()
    ]
    save_panels(plots, path, width=WIDTH, height=HEIGHT, columns=len(plots))


def _draw(ax: Any, title: str, points: Sequence[Point], *, named: bool) -> None:
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

    ax.set(xscale="log", yscale="log", xlabel="seconds, whole process")
    for (name, seconds, loss), marker in zip(points, MARKERS, strict=False):
        ours = name.startswith(OURS)
        style = {"color": BLUE if ours else TRUTH, "fillstyle": "full" if ours else "none", "markersize": 9}
        ax.plot(seconds, loss, marker, label=name, clip_on=False, **style)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FormatStrFormatter("%g"))
        axis.set_minor_formatter(NullFormatter())
    finish(ax, title, "CRPS")
    if named:
        legend_beside(ax)
