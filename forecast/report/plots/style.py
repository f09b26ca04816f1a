"""The one style of all pictures, in `forecast.mplstyle`: sizes, colours and lines that are readable in print.

A function under `styled` draws in it and leaves Matplotlib's global settings as they were. In a notebook
`plt.style.use(forecast.style.SHEET)` gives the same to one's own pictures.
"""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

SHEET = Path(__file__).parent / "forecast.mplstyle"


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Has a function draw in the style of this package."""

    @wraps(draw)
    def in_style(*args: P.args, **kwargs: P.kwargs) -> R:
        from matplotlib import rc_context

        with rc_context(fname=SHEET):
            return draw(*args, **kwargs)

    return in_style
