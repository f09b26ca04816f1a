"""Pictures of an experiment: each one a function of a result and a Matplotlib Axes, usable in a notebook.

`save_plots` draws the set that a run keeps. All are in the style of `style.py`; Matplotlib's global state stays as it
was. A model has one colour and one kind of line in every picture: networks are drawn solid, other learned models
dashed, the classics dash-dotted, baselines dotted.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecast.config import MEDIAN
from forecast.data.calendar.frequency import count_steps
from forecast.data.series import TimeSeries
from forecast.data.sources.inspection import Inspection
from forecast.errors import ConfigError
from forecast.evaluation.holdout import Experiment
from forecast.inference.forecasts import Forecast
from forecast.inference.trained_model import TrainedModel
from forecast.models import BASELINES, NETWORKS
from forecast.report.plots.style import styled
from forecast.runtime.atomic import atomic_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, which the colour-blind can tell apart; within a kind of line no colour stands twice.
TRUTH, GREY = "#000000", "#767676"
BLUE, GREEN, RED, PINK, ORANGE, SKY = "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#E69F00", "#56B4E9"
SOLID, DASHED, MIXED, DOTTED = "-", "--", "-.", ":"
LINES = {
    "lstm": (BLUE, SOLID),
    "gru": (GREEN, SOLID),
    "rnn": (RED, SOLID),
    "dense": (PINK, SOLID),
    "sru": (ORANGE, SOLID),
    "stack": (SKY, SOLID),
    "linear": (ORANGE, DASHED),
    "esn": (BLUE, DASHED),
    "forest": (GREEN, DASHED),
    "boosting": (RED, DASHED),
    "ets": (BLUE, MIXED),
    "theta": (RED, MIXED),
    "arima": (GREEN, MIXED),
    "naive": (GREY, DOTTED),
    "drift": (RED, DOTTED),
    "seasonal_naive": (BLUE, DOTTED),
}
PARTS = {"training rows": "#0072B2", "validation rows": "#E69F00", "test rows": "#D55E00"}
FINDING_COLOURS = ("#D55E00", "#0072B2", "#CC79A7", "#009E73", "#E69F00", "#56B4E9")
CLOSE_UP = 120
MOST_SERIES = 8
DPI = 120


def colour_of(model: str) -> str:
    """The colour of a model, the same in every picture."""
    return LINES.get(model, (TRUTH, SOLID))[0]


def line_of(model: str) -> dict[str, Any]:
    """Colour and kind of line of a model, as Matplotlib's `plot` takes them."""
    colour, line = LINES.get(model, (TRUTH, SOLID))
    return {"color": colour, "linestyle": line}


@styled
def plot_history(experiment: Experiment, ax: "Axes") -> None:
    """The whole series with the three parts of the split."""
    from matplotlib.dates import date2num

    series, split = experiment.series, experiment.split
    edges = (0, split.validation, split.test, split.rows)
    for (part, colour), first, stop in zip(PARTS.items(), edges[:-1], edges[1:], strict=True):
        rows = slice(max(first - 1, 0), stop)
        ax.plot(series.index[rows], series.y[rows], color=colour, linewidth=1.1, label=part)
    for edge in edges[1:-1]:
        ax.axvline(date2num(series.index[edge]), color=GREY, linewidth=0.8, linestyle=":")
    finish(ax, f"{series.name}: {series.target}", _unit(experiment))
    legend_beside(ax)


@styled
def plot_series(series: TimeSeries, ax: "Axes") -> None:
    """A series as it was read, with the dates of its findings."""
    from matplotlib.dates import date2num

    ax.plot(series.index, series.y, color=TRUTH, linewidth=1.0)
    dated = [finding for finding in series.findings if finding.dates]
    for finding, colour in zip(dated, FINDING_COLOURS * len(dated), strict=False):
        for number, date in enumerate(finding.dates):
            label = f"{finding.kind} {finding.count}" if number == 0 else None
            ax.axvline(date2num(pd.Timestamp(date)), color=colour, linewidth=1.0, linestyle=":", label=label)
    finish(ax, f"{series.name}: {series.target}", series.unit)
    if dated:
        legend_beside(ax)


@styled
def save_inspection(inspection: Inspection, path: Path) -> None:
    """Draws the series of an inspection, one below the other, at most `MOST_SERIES`.

    Raises:
        ConfigError: the file's ending is no kind of picture.
    """
    from matplotlib.figure import Figure

    kind = kind_of_picture(path)
    series = [sighting.series for sighting in inspection.series if sighting.series][:MOST_SERIES]
    figure = Figure(figsize=(10, 3.2 * len(series)), dpi=DPI, layout="constrained")
    for one, ax in zip(series, np.atleast_1d(figure.subplots(len(series))), strict=True):
        plot_series(one, ax)
    with atomic_file(path) as work:
        figure.savefig(work, format=kind)


def save_forecasts(forecasts: Sequence[Any], several: Sequence[TimeSeries], path: Path) -> None:
    """Draws the last rows of each series and its coming steps, one below the other, at most `MOST_SERIES`.

    Raises:
        ConfigError: the file's ending is no kind of picture, or the forecasts are of directions.
    """
    kind = kind_of_picture(path)
    if not all(isinstance(one, Forecast) for one in forecasts):
        raise ConfigError("--plot draws values, and these are chances of directions. Use --json or --csv.")
    shown = list(zip(forecasts, several, strict=True))[:MOST_SERIES]
    figure, axes = panels(len(shown), 10, 3.8)
    for (forecast, series), ax in zip(shown, axes, strict=True):
        plot_coming(series, {forecast.model: forecast}, ax)
        finish(ax, f"{series.name}: the next {count_steps(len(forecast.dates), series.frequency)}", series.unit)
    with atomic_file(path) as work:
        figure.savefig(work, dpi=DPI, format=kind)


def kind_of_picture(path: Path) -> str:
    """What Matplotlib calls the kind of picture that a file's ending asks for.

    Raises:
        ConfigError: the ending is no kind of picture.
    """
    from matplotlib.figure import Figure

    kinds = Figure().canvas.get_supported_filetypes()
    kind = path.suffix.lower().lstrip(".")
    if kind not in kinds:
        raise ConfigError(f"a picture must end in one of {', '.join(sorted(kinds))}. Received: {path.name}.")
    return kind


@styled
def plot_backtest(experiment: Experiment, model: str, ax: "Axes", *, step: int | None = None) -> None:
    """What came on the test rows, and what `model` had forecast for it `step` rows before, with its 90 % interval."""
    backtest = experiment.backtests[model]
    step = step or backtest.actual.shape[1]
    dates = experiment.series.index[backtest.origin + step]
    quantiles, colour = backtest.quantiles[:, step - 1], colour_of(model)
    ax.fill_between(
        dates, quantiles[:, 0], quantiles[:, -1], color=colour, alpha=0.2, linewidth=0, label="90 % interval"
    )
    ax.plot(dates, backtest.actual[:, step - 1], color=TRUTH, linewidth=1.1, label="actual")
    ax.plot(dates, quantiles[:, MEDIAN], color=colour, linewidth=1.1, label="forecast")
    steps = count_steps(step, experiment.series.frequency)
    finish(ax, f"{model}: what it had forecast {steps} before", _unit(experiment))
    legend_beside(ax)


@styled
def plot_forecast(experiment: Experiment, models: Sequence[str], ax: "Axes") -> None:
    """The last rows of the series and the fan of the coming steps; the intervals are those of the first model."""
    series = experiment.series
    plot_coming(series, {model: experiment.forecasts[model] for model in models}, ax)
    steps = count_steps(experiment.config.horizon, series.frequency)
    finish(ax, f"{series.name}: the next {steps}, with the fan of {models[0]}", _unit(experiment))


@styled
def plot_coming(series: TimeSeries, forecasts: Mapping[str, Forecast], ax: "Axes") -> None:
    """The last rows of a series and the medians of what comes, with the fan of the first forecast."""
    from matplotlib.dates import date2num

    rows = slice(max(len(series) - CLOSE_UP, 0), len(series))
    ax.plot(series.index[rows], series.y[rows], color=TRUTH, linewidth=1.3, label="actual")
    for number, (model, forecast) in enumerate(forecasts.items()):
        dates = pd.DatetimeIndex([series.index[-1], *pd.DatetimeIndex(forecast.dates)])
        quantiles = np.vstack([np.full(forecast.quantiles.shape[1], series.y[-1]), forecast.quantiles])
        colour = colour_of(model)
        if number == 0:
            _fan(ax, dates, quantiles, colour)
        ax.plot(dates, quantiles[:, MEDIAN], **line_of(model), linewidth=1.6, label=model)
    ax.axvline(date2num(series.index[-1]), color=GREY, linewidth=0.8, linestyle=":")
    legend_beside(ax)


def _fan(ax: "Axes", dates: pd.DatetimeIndex, quantiles: np.ndarray, colour: str) -> None:
    for level, (label, alpha) in enumerate((("90 %", 0.14), ("80 %", 0.2), ("50 %", 0.3))):
        ax.fill_between(
            dates, quantiles[:, level], quantiles[:, -1 - level], color=colour, alpha=alpha, linewidth=0, label=label
        )


@styled
def plot_losses(model: TrainedModel, ax: "Axes") -> None:
    """Loss on training batches and on validation rows over the steps, and the step whose weights were kept."""
    steps = [row.step for row in model.history]
    validation = [row.validation_loss for row in model.history]
    colour = colour_of(model.model)
    ax.plot(
        steps,
        [np.nan if row.loss is None else row.loss for row in model.history],
        color=GREY,
        linewidth=1.3,
        label="training",
    )
    ax.plot(steps, validation, color=colour, linewidth=1.3, marker="o", markersize=3, label="validation")
    best = int(np.argmin(validation))
    ax.plot(steps[best], validation[best], "o", color=colour, markersize=9, fillstyle="none", label="weights kept")
    losses = {"pinball": "pinball loss [scales]", "mse": "squared error [scaled²]", "entropy": "log loss [nats]"}
    finish(ax, model.model, losses[model.config.loss])
    ax.set_xlabel("training step")
    legend_beside(ax)


@styled
def plot_comparison(experiment: Experiment, ax: "Axes") -> None:
    """The error of each model over that of the naive forecast; below 1 is better than naive."""
    rows = sorted(experiment.scores, key=lambda row: row.mae_vs_naive, reverse=True)
    ratios = [row.mae_vs_naive for row in rows]
    bars = ax.barh([row.model for row in rows], ratios, color=[colour_of(row.model) for row in rows])
    ax.bar_label(bars, fmt="%.3f", padding=4)
    ax.margins(x=0.1)
    ax.axvline(1, color=TRUTH, linewidth=1)
    finish(ax, f"{experiment.series.name}: error on the test rows over that of naive", "")
    ax.set_xlabel("MAE / MAE of naive (below 1 is better than naive)")
    ax.grid(visible=False, axis="y")


@styled
def save_plots(experiment: Experiment, folder: Path) -> None:
    """The pictures that a run keeps, as PNG files."""
    learned = [name for name in experiment.models if name not in BASELINES]
    shown = learned or ["naive"]
    networks = [name for name in learned if name in NETWORKS]
    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = panels(1, 10, 4.2)
    plot_history(experiment, axes[0])
    save(figure, folder / "history.png")
    figure, axes = panels(len(shown), 10, 3.4)
    for model, ax in zip(shown, axes, strict=True):
        plot_backtest(experiment, model, ax)
    save(figure, folder / "backtest.png")
    figure, axes = panels(1, 10, 4.8)
    plot_forecast(experiment, [*shown, *(name for name in ("naive",) if name not in shown)], axes[0])
    save(figure, folder / "forecast.png")
    figure, axes = panels(1, 10, 0.6 + 0.5 * len(experiment.scores))
    plot_comparison(experiment, axes[0])
    save(figure, folder / "comparison.png")
    if networks:
        save_losses(experiment, folder)


@styled
def save_losses(experiment: Experiment, folder: Path) -> None:
    """The losses of each network in the course of training, as losses.png."""
    folder.mkdir(parents=True, exist_ok=True)
    networks = [model for model in experiment.models.values() if model.model in NETWORKS]
    figure, axes = panels(len(networks), 7, 2.9)
    for model, ax in zip(networks, axes, strict=True):
        plot_losses(model, ax)
    save(figure, folder / "losses.png")


@styled
def panels(count: int, width: float, height: float, *, columns: int = 1) -> "tuple[Figure, list[Axes]]":
    """A figure of `count` Axes, row by row, each of that size in inches."""
    from matplotlib.figure import Figure

    rows = -(-count // columns)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained", facecolor="white")
    return figure, list(figure.subplots(rows, columns, squeeze=False).ravel())


@styled
def save(figure: "Figure", path: Path) -> None:
    """Writes a PNG."""
    figure.savefig(path, dpi=DPI)


@styled
def finish(ax: "Axes", title: str, y_label: str) -> None:
    """Title, label, grid and frame in the style of all pictures."""
    ax.set_title(title, loc="left")
    ax.set_ylabel(y_label)
    ax.grid(visible=True, color="#E5E5E5", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


@styled
def legend_beside(ax: "Axes") -> None:
    """The legend to the right of the Axes."""
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, frameon=False)


def _unit(experiment: Experiment) -> str:
    return f"{experiment.series.target} [{experiment.series.unit}]"
