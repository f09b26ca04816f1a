"""The charts of forecasts, as data: coming steps, a backtest, the losses of a training, the components of a forecast.

In: arrays, and the names of models, whose colours they have. Out: a `Chart`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from forecast.config import MEDIAN
from forecast.data.calendar.frequency import Index
from forecast.display.chart import Band, Chart, Line, Rule
from forecast.display.style import GREY, ORANGE, PALE, colour_of, line_of
from forecast.models import Validation
from forecast.typing import Array

# Last rows of the series beside a forecast.
CLOSE_UP = 120
# Intervals of the fan, from the widest: label and opacity.
FAN = (("90 %", 0.14), ("80 %", 0.2), ("50 %", 0.3))
LOSS_UNITS = {"pinball": "pinball loss [scales]", "mse": "squared error [scaled²]", "entropy": "log loss [nats]"}
HIGHWAY = ORANGE


def chart_coming(
    title: str, y_label: str, past: tuple[Index, Array], forecasts: Mapping[str, tuple[Index, Array]]
) -> Chart:
    """The last rows of a series and the medians of forecasts from there, with the intervals of the first.

    Args:
        past: Dates (T,) and values (T,); none are drawn if T is 0.
        forecasts: Dates (H,) and quantiles (H, Q), by model.
    """
    index, values = past[0][-CLOSE_UP:], past[1][-CLOSE_UP:]
    layers: list[Line | Band | Rule] = [Line(index, values, "actual")] if len(index) else []
    for number, (model, (dates, quantiles)) in enumerate(forecasts.items()):
        if len(index):
            dates = index[-1:].append(dates)
            quantiles = np.vstack([np.full(quantiles.shape[1], values[-1]), quantiles])
        if number == 0:
            layers += [
                Band(dates, quantiles[:, place], quantiles[:, -1 - place], label, colour_of(model), alpha)
                for place, (label, alpha) in enumerate(FAN)
            ]
        layers.append(median_line(model, dates, quantiles[:, MEDIAN]))
    last = [Rule(index[-1], colour=GREY)] if len(index) else []
    return Chart(title, y_label, [*layers, *last])


def median_line(model: str, dates: Index, values: Array, *, hidden: bool = False) -> Line:
    """A line in the colour and kind of a model."""
    style = line_of(model)
    return Line(dates, values, model, style["color"], style["linestyle"], 1.6, hidden=hidden)


def chart_tested(title: str, y_label: str, model: str, dates: Index, actual: Array, quantiles: Array) -> Chart:
    """Actual values (N,), and the median and 90 % interval that were forecast for them, quantiles (N, Q)."""
    colour = colour_of(model)
    return Chart(
        title,
        y_label,
        [
            Band(dates, quantiles[:, 0], quantiles[:, -1], "90 % interval", colour),
            Line(dates, actual, "actual", width=1.1),
            Line(dates, quantiles[:, MEDIAN], "forecast", colour, width=1.1),
        ],
    )


def chart_losses(model: str, history: Sequence[Validation], loss: str) -> Chart:
    """Training and validation loss over the steps, and the step whose weights were kept."""
    steps = np.array([row.step for row in history])
    training = np.array([np.nan if row.loss is None else row.loss for row in history])
    validation = np.array([row.validation_loss for row in history])
    best, colour = int(np.argmin(validation)), colour_of(model)
    return Chart(
        model,
        LOSS_UNITS[loss],
        [
            Line(steps, training, "training", GREY),
            Line(steps, validation, "validation", colour, marker="o", size=3),
            Line(steps[[best]], validation[[best]], "weights kept", colour, "", marker="o", size=9, hollow=True),
        ],
        x_label="training step",
    )


def chart_components(
    title: str, y_label: str, model: str, steps: Array, shrinkage: tuple[float, float], *, has_highway: bool
) -> Chart:
    """What highway and model add to the last value at each coming step, after shrinkage.

    Args:
        steps: Last value, past moves, linear and network component, and the forecast, shape (H, 5).
        shrinkage: Factors of the linear and the network component.
    """
    last, usual, linear, network, forecast = steps.T
    (factor_linear, factor_network), x = shrinkage, np.arange(1, len(steps) + 1)
    layers: list[Line | Band | Rule] = [
        Rule(0, colour=GREY, style="-", level=True),
        Line(x, forecast - last, "forecast", PALE, width=6),
        Line(x, network, f"{model}, shrunk to {factor_network:.0%}", colour_of(model), width=1.4),
    ]
    if usual.any():
        layers.append(Line(x, usual, "past moves", GREY, ":", 1.4))
    if has_highway:
        layers.append(Line(x, linear, f"highway, shrunk to {factor_linear:.0%}", HIGHWAY, "--", 1.4))
    return Chart(title, y_label, layers, x_label="step", inside=True)
