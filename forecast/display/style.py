"""One style for all plots: Matplotlib settings, and one colour and kind of line a model.

Networks are solid, other learned models dashed, classical methods dash-dotted, baselines dotted. A function under
`styled` draws with the settings in `forecast.mplstyle` and leaves Matplotlib's own untouched; in a notebook,
`plt.style.use(plots.SHEET)` applies them to other plots too.
"""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

SHEET = Path(__file__).parent / "forecast.mplstyle"

# Okabe and Ito's palette, which the colour-blind can tell apart; no colour occurs twice with the same kind of line.
TRUTH, GREY, PALE = "#000000", "#767676", "#BBBBBB"
BLUE, GREEN, RED, PINK, ORANGE, SKY = "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#E69F00", "#56B4E9"
SOLID, DASHED, MIXED, DOTTED = "-", "--", "-.", ":"
LINES = {
    "lstm": (BLUE, SOLID),
    "gru": (GREEN, SOLID),
    "rnn": (RED, SOLID),
    "dense": (PINK, SOLID),
    "sru": (ORANGE, SOLID),
    "stack": (SKY, SOLID),
    "pretrained": (SKY, DASHED),
    "finetuned": (RED, DASHED),
    "linear": (ORANGE, DASHED),
    "esn": (BLUE, DASHED),
    "forest": (GREEN, DASHED),
    "ets": (BLUE, MIXED),
    "theta": (RED, MIXED),
    "arima": (GREEN, MIXED),
    "croston": (PINK, MIXED),
    "garch": (ORANGE, MIXED),
    "har": (SKY, MIXED),
    "naive": (GREY, DOTTED),
    "drift": (RED, DOTTED),
    "seasonal_naive": (BLUE, DOTTED),
}


def colour_of(model: str) -> str:
    """Return the colour of a model."""
    return LINES.get(model, (TRUTH, SOLID))[0]


def darker(colour: str) -> str:
    """The same hue, dark enough to stand out from a band in it."""
    return "#" + "".join(f"{round(0.55 * int(colour[at : at + 2], 16)):02x}" for at in (1, 3, 5))


def line_of(model: str) -> dict[str, Any]:
    """Return colour and line style of a model, as Matplotlib's `plot` takes them."""
    colour, line = LINES.get(model, (TRUTH, SOLID))
    return {"color": colour, "linestyle": line}


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Run a function under the settings of `SHEET`."""

    @wraps(draw)
    def in_style(*args: P.args, **kwargs: P.kwargs) -> R:
        from matplotlib import rc_context

        with rc_context(fname=SHEET):
            return draw(*args, **kwargs)

    return in_style
