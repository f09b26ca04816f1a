"""Plots of backtests: calibration, errors by step, over time and by size, and the lag detector.

Backtests are forecasts of several models from the same origins, by model.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from forecast.config import MEDIAN, QUANTILES
from forecast.data.calendar.frequency import Index
from forecast.display.figure import finish, legend_beside, save_panels
from forecast.display.style import GREY, TRUTH, colour_of, line_of, styled
from forecast.evaluation.lag_detector import Lag
from forecast.evaluation.scores import reached
from forecast.inference.forecasts import Backtest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Backtests = Mapping[str, Backtest]

# Steps of the horizon that are calibrated by themselves: first, middle, last.
SHARES_OF_HORIZON = (0.0, 0.5, 1.0)
# Averages over the test rows, and bins of a histogram.
PARTS, BINS = 60, 40
# Seasonal naive is cut off above so many times the largest error of the others.
FAR = 1.15


@styled
def plot_calibration(backtest: Backtest, ax: "Axes") -> None:
    """Plot the observed share of actual values below each quantile, for all steps and for three of them."""
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
    """Plot the probability integral transform: the observed over the expected share of actual values in each bin.

    Bins are those between neighbouring quantiles. Flat at 1 is calibrated; a hill means intervals that are too wide, a
    valley too narrow, a slope a bias. Sources: Dawid (1984), Prequential analysis; Gneiting, Balabdaoui and Raftery
    (2007), Probabilistic forecasts, calibration and sharpness.
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
def plot_error_by_step(backtests: Backtests, ax: "Axes") -> None:
    """Plot the error of each model divided by that of the naive forecast, by step of the horizon."""
    ratios = {model: _by_step(backtest) for model, backtest in backtests.items()}
    for model, ratio in ratios.items():
        steps = np.arange(1, len(ratio) + 1)
        ax.plot(steps, ratio, **line_of(model), linewidth=1.6, label=model, marker="." if len(ratio) < 8 else "")
    _keep_flat(ax, ratios)
    finish(ax, "Error by step of the horizon", "MAE / MAE of naive")
    ax.ticklabel_format(axis="y", useOffset=False)
    ax.set_xlabel("step")
    legend_beside(ax)


@styled
def plot_error_over_time(backtests: Backtests, index: Index, ax: "Axes") -> None:
    """Plot the error of each model over the test rows, divided by the mean error of the naive forecast.

    Args:
        index: Dates of the whole series, of which the origins are rows.
    """
    first = next(iter(backtests.values()))
    parts = np.array_split(np.arange(len(first.origin)), min(PARTS, len(first.origin)))
    dates = index[[first.origin[part[len(part) // 2]] for part in parts]]
    usual = np.nanmean(_errors(first)[1]) or np.nan
    errors = {model: np.nanmean(_errors(backtest)[0], axis=1) for model, backtest in backtests.items()}
    means = {model: np.array([error[part].mean() / usual for part in parts]) for model, error in errors.items()}
    for model, mean in means.items():
        ax.plot(dates, mean, **line_of(model), linewidth=1.3, label=model)
    _keep_flat(ax, means)
    finish(ax, "Error over time", "MAE / mean MAE of naive")
    legend_beside(ax)


@styled
def plot_residuals(backtests: Backtests, models: Sequence[str], ax: "Axes") -> None:
    """Plot a histogram of the residuals at the last step of the horizon, one outline a model."""
    chosen = {model: backtests[model] for model in models}
    residuals = {model: one.actual[:, -1] - one.quantiles[:, -1, MEDIAN] for model, one in chosen.items()}
    residuals = {model: values[np.isfinite(values)] for model, values in residuals.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(residuals.values())), bins=BINS)
    for model, values in residuals.items():
        ax.stairs(np.histogram(values, bins=edges)[0], edges, **line_of(model), linewidth=1.4, label=model)
    ax.axvline(0, color=GREY, linewidth=1, linestyle=":")
    finish(ax, f"Residuals of step {chosen[models[0]].actual.shape[1]}", "forecasts")
    ax.set_xlabel("actual minus forecast")
    legend_beside(ax)


@styled
def plot_lag_correlations(lags: Mapping[str, Lag], ax: "Axes") -> None:
    """Plot how changes of the forecast correlate with changes of the series, by lag.

    A forecast that knows the future peaks at lag 0, a copy of the last value at its step.
    """
    for model, lag in lags.items():
        ax.plot(lag.by_lag, **line_of(model), linewidth=1.4, label=model)
    step = next(iter(lags.values())).step
    ax.axvline(step, color=GREY, linewidth=1, linestyle=":", label="the last known value")
    finish(ax, f"Forecasts of step {step} and the series so many rows before", "correlation of changes")
    ax.set_xlabel("lag [rows]")
    legend_beside(ax)


def _by_step(backtest: Backtest) -> np.ndarray:
    """Mean error over that of naive at each step, shape (H,)."""
    error, naive = (np.nanmean(one, axis=0) for one in _errors(backtest))
    return np.asarray(error / np.where(naive > 0, naive, np.nan))


def _keep_flat(ax: "Axes", shown: Mapping[str, np.ndarray]) -> None:
    """Let seasonal naive, far off where there is no season, leave the picture rather than flatten all others."""
    largest = {model: np.max(values, initial=0.0, where=np.isfinite(values)) for model, values in shown.items()}
    own = largest.pop("seasonal_naive", 0.0)
    top = FAR * max(largest.values(), default=np.inf)
    if own > top > 0:
        ax.set_ylim(top=top)
        ax.lines[list(shown).index("seasonal_naive")].set_label(f"seasonal_naive (up to {own:.3g})")


def save_diagnostics(
    backtests: Backtests, index: Index, shown: Sequence[str], folder: Path, *, lags: Mapping[str, Lag]
) -> None:
    """Save errors of all models, and residuals and calibration of those in `shown`, as PNG files.

    Args:
        index: Dates of the whole series, of which the origins are rows.
    """
    errors = [
        partial(plot_error_by_step, backtests),
        partial(plot_error_over_time, backtests, index),
        partial(plot_residuals, backtests, shown),
        partial(plot_lag_correlations, lags),
    ]
    save_panels(errors, folder / "errors.png", width=9, height=3.4)
    calibration = [partial(plot, backtests[model]) for model in shown for plot in (plot_calibration, plot_pit)]
    save_panels(calibration, folder / "calibration.png", width=5.4, height=3.6, columns=2)


def _errors(backtest: Backtest) -> tuple[np.ndarray, np.ndarray]:
    """Return absolute errors of the median and of the naive forecast, shape (N, H)."""
    naive = np.abs(backtest.actual - backtest.last_value[:, None])
    return np.abs(backtest.actual - backtest.quantiles[..., MEDIAN]), naive
