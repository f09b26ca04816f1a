"""Pictures of a test: calibration, errors by step and over time. Each a function of backtests and a Matplotlib Axes.

Backtests are forecasts of several models from the same origins, by model.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecast.config import MEDIAN, QUANTILES
from forecast.evaluation.holdout import Experiment
from forecast.evaluation.lag_detector import Lag
from forecast.evaluation.scores import reached
from forecast.inference.forecasts import Backtest
from forecast.models import BASELINES
from forecast.report.plots.plots import GREY, TRUTH, colour_of, finish, legend_beside, line_of, panels, save
from forecast.report.plots.style import styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Backtests = Mapping[str, Backtest]

# Steps of the horizon that a calibration picture shows beside all of them: first, middle, last.
SHARES_OF_HORIZON = (0.0, 0.5, 1.0)
# Parts of the test rows that errors over time are averaged over.
PARTS = 60


@styled
def plot_calibration(backtest: Backtest, ax: "Axes") -> None:
    """Nominal levels against the share of truths that lay below them, for all steps and for three of them."""
    shares, horizon = reached(backtest), backtest.actual.shape[1]
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="perfect")
    for place, style in zip(sorted({round(share * (horizon - 1)) for share in SHARES_OF_HORIZON}), "-:.", strict=False):
        line = {"-": "--", ":": "-.", ".": ":"}[style]
        ax.plot(QUANTILES, shares[place], color=TRUTH, linewidth=1, linestyle=line, label=f"step {place + 1}")
    colour = colour_of(backtest.model)
    ax.plot(QUANTILES, shares.mean(axis=0), color=colour, linewidth=2, marker="o", markersize=4, label="all steps")
    finish(ax, f"{backtest.model}: how often the truth lay below a quantile", "observed")
    ax.set_xlabel("nominal")
    ax.set_aspect("equal")
    legend_beside(ax)


@styled
def plot_pit(backtest: Backtest, ax: "Axes") -> None:
    """Where truths fell among the quantiles, over where they should fall: flat at 1 if all is calibrated.

    A hill is an interval too wide, a valley one too narrow, a slope a bias. Source: Dawid (1984), Prequential
    analysis; Gneiting, Balabdaoui and Raftery (2007), Probabilistic forecasts, calibration and sharpness.
    """
    edges = np.array([0.0, *QUANTILES, 1.0])
    below = np.array([0.0, *reached(backtest).mean(axis=0), 1.0])
    ax.bar(
        edges[:-1],
        np.diff(below) / np.diff(edges),
        np.diff(edges),
        align="edge",
        color=colour_of(backtest.model),
        ec="w",
    )
    ax.axhline(1, color=TRUTH, linewidth=1)
    finish(ax, f"{backtest.model}: where the truth fell among the quantiles", "observed over expected")
    ax.set_xlabel("quantile")


@styled
def plot_steps(backtests: Backtests, ax: "Axes") -> None:
    """The error of each model by step of the horizon, over that of the naive forecast."""
    for model, backtest in backtests.items():
        error, naive = _errors(backtest)
        ratio = error.mean(axis=0) / np.where(naive.mean(axis=0) > 0, naive.mean(axis=0), np.nan)
        steps = np.arange(1, len(ratio) + 1)
        ax.plot(steps, ratio, **line_of(model), linewidth=1.6, label=model, marker="." if len(ratio) < 8 else "")
    finish(ax, "Error by step of the horizon", "MAE / MAE of naive")
    ax.ticklabel_format(axis="y", useOffset=False)
    ax.set_xlabel("step")
    legend_beside(ax)


@styled
def plot_over_time(backtests: Backtests, index: pd.DatetimeIndex, ax: "Axes") -> None:
    """The error of each model over the test rows, over the mean error of the naive forecast.

    Args:
        index: Of the whole series that the origins are rows of.
    """
    first = next(iter(backtests.values()))
    parts = np.array_split(np.arange(len(first.origin)), min(PARTS, len(first.origin)))
    dates = index[[first.origin[part[len(part) // 2]] for part in parts]]
    usual = _errors(first)[1].mean() or np.nan
    for model, backtest in backtests.items():
        error = _errors(backtest)[0].mean(axis=1)
        means = [error[part].mean() / usual for part in parts]
        ax.plot(dates, means, **line_of(model), linewidth=1.3, label=model)
    finish(ax, "Error over time", "MAE / mean MAE of naive")
    legend_beside(ax)


@styled
def plot_lags(lags: Mapping[str, Lag], ax: "Axes") -> None:
    """How the changes of forecasts go with those of the series, by lag: at 0 they know, at their step they copy."""
    for model, lag in lags.items():
        ax.plot(lag.by_lag, **line_of(model), linewidth=1.4, label=model)
    step = next(iter(lags.values())).step
    ax.axvline(step, color=GREY, linewidth=1, linestyle=":", label="the last known value")
    finish(ax, f"Forecasts of step {step} and the series so many rows before", "correlation of changes")
    ax.set_xlabel("lag [rows]")
    legend_beside(ax)


def save_diagnostics(experiment: Experiment, folder: Path) -> None:
    """The pictures of the test of a run, as PNG files."""
    shown = [name for name in experiment.models if name not in BASELINES] or ["naive"]
    lags = {row.model: row.lag for row in experiment.verdicts}
    draw_diagnostics(experiment.backtests, experiment.series.index, shown, folder, lags=lags)


def draw_diagnostics(
    backtests: Backtests, index: pd.DatetimeIndex, shown: Sequence[str], folder: Path, *, lags: Mapping[str, Lag]
) -> None:
    """Errors of all models, and the calibration of those in `shown`, as PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = panels(3, 9, 3.4)
    plot_steps(backtests, axes[0])
    plot_over_time(backtests, index, axes[1])
    plot_lags(lags, axes[2])
    save(figure, folder / "errors.png")
    figure, axes = panels(2 * len(shown), 5.4, 3.6, columns=2)
    for number, model in enumerate(shown):
        plot_calibration(backtests[model], axes[2 * number])
        plot_pit(backtests[model], axes[2 * number + 1])
    save(figure, folder / "calibration.png")


def _errors(backtest: Backtest) -> tuple[np.ndarray, np.ndarray]:
    """Absolute errors of the median and of the naive forecast, shape (N, H)."""
    naive = np.abs(backtest.actual - backtest.last_value[:, None])
    return np.abs(backtest.actual - backtest.quantiles[..., MEDIAN]), naive
