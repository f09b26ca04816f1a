"""Results as plots, all in one style.

Each plot is a function of a result and a Matplotlib Axes. The modules::

    series         a series as it was loaded, and its training, validation and test rows
    forecast       the coming steps with their intervals
    backtest       forecasts beside actual values on the test rows, and the error of each model
    training       losses over the training steps
    diagnostics    calibration, errors by step, over time and by size, and the lag detector
    comparison     ranks and errors over many series
    explanation    window, gates, lags, components and shrinkage of one forecast
    reliability    probabilities of classes against how often the classes came
    experiment     the pictures that a run keeps
"""

from forecast.display.figure import finish, legend_beside, panels, save
from forecast.display.style import SHEET, styled
from forecast.report.plots.backtest import plot_backtest, plot_comparison
from forecast.report.plots.comparison import plot_ranks, plot_skill
from forecast.report.plots.diagnostics import (
    plot_calibration,
    plot_error_by_step,
    plot_error_over_time,
    plot_lag_correlations,
    plot_pit,
    plot_residuals,
)
from forecast.report.plots.explanation import (
    plot_components,
    plot_gate,
    plot_lags,
    plot_shrinkage,
    plot_window,
)
from forecast.report.plots.forecast import plot_forecast, plot_forecasts
from forecast.report.plots.reliability import plot_reliability
from forecast.report.plots.series import plot_history, plot_series
from forecast.report.plots.training import plot_losses

__all__ = [
    "SHEET",
    "finish",
    "legend_beside",
    "panels",
    "plot_backtest",
    "plot_calibration",
    "plot_comparison",
    "plot_components",
    "plot_error_by_step",
    "plot_error_over_time",
    "plot_forecast",
    "plot_forecasts",
    "plot_gate",
    "plot_history",
    "plot_lag_correlations",
    "plot_lags",
    "plot_losses",
    "plot_pit",
    "plot_ranks",
    "plot_reliability",
    "plot_residuals",
    "plot_series",
    "plot_shrinkage",
    "plot_skill",
    "plot_window",
    "save",
    "styled",
]
