"""The pictures that a run keeps in its folder `plots/`.

`save_plots` draws in a process beside the one that writes tables; that one draws the rest with `save_test_plots`.
"""

from functools import partial
from pathlib import Path

from forecast.display.figure import save_panels
from forecast.evaluation.direction import reliability
from forecast.evaluation.holdout import Experiment
from forecast.models import NETWORKS
from forecast.report.plots.backtest import plot_backtest, plot_comparison
from forecast.report.plots.diagnostics import save_diagnostics
from forecast.report.plots.forecast import plot_forecast
from forecast.report.plots.reliability import plot_reliability
from forecast.report.plots.series import plot_history
from forecast.report.plots.training import plot_losses


def save_plots(experiment: Experiment, folder: Path) -> None:
    """Save the pictures of series, forecasts and training as PNG files."""
    if experiment.config.task == "forecast":
        _save_forecasts(experiment, folder)
    if networks := [model for name, model in experiment.models.items() if name in NETWORKS]:
        losses = [partial(plot_losses, model) for model in networks]
        save_panels(losses, folder / "losses.png", width=7, height=2.9)


def _save_forecasts(experiment: Experiment, folder: Path) -> None:
    save_panels([partial(plot_history, experiment)], folder / "history.png", width=10, height=4.2)
    backtests = [partial(plot_backtest, experiment, model) for model in experiment.learned]
    save_panels(backtests, folder / "backtest.png", width=10, height=3.4)
    coming = partial(plot_forecast, experiment, list(dict.fromkeys([*experiment.learned, "naive"])))
    save_panels([coming], folder / "forecast.png", width=10, height=4.8)
    height = 0.6 + 0.5 * len(experiment.scores)
    save_panels([partial(plot_comparison, experiment)], folder / "comparison.png", width=10, height=height)


def save_test_plots(experiment: Experiment, folder: Path) -> None:
    """Save the pictures of the test: errors and calibration, or the reliability of probabilities."""
    if experiment.config.task == "direction":
        bins = {name: reliability(experiment.backtests[name]) for name in experiment.models}
        plots = [partial(plot_reliability, name, one) for name, one in bins.items()]
        save_panels(plots, folder / "calibration.png", width=7, height=4.6)
        return
    lags = {row.model: row.lag for row in experiment.verdicts}
    save_diagnostics(experiment.backtests, experiment.series.index, experiment.learned, folder, lags=lags)
