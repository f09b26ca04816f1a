"""The pictures that a run keeps in its folder `plots/`."""

from functools import partial
from pathlib import Path

from forecast.evaluation.holdout import Experiment
from forecast.models import BASELINES, NETWORKS
from forecast.report.plots.backtest import plot_backtest, plot_comparison
from forecast.report.plots.figure import save_panels
from forecast.report.plots.forecast import plot_forecast
from forecast.report.plots.series import plot_history
from forecast.report.plots.training import plot_losses


def save_plots(experiment: Experiment, folder: Path) -> None:
    """Save the pictures of an experiment as PNG files."""
    learned = [name for name in experiment.models if name not in BASELINES]
    networks = [name for name in learned if name in NETWORKS]
    save_panels([partial(plot_history, experiment)], folder / "history.png", width=10, height=4.2)
    backtests = [partial(plot_backtest, experiment, model) for model in learned or ["naive"]]
    save_panels(backtests, folder / "backtest.png", width=10, height=3.4)
    coming = partial(plot_forecast, experiment, [*learned, "naive"])
    save_panels([coming], folder / "forecast.png", width=10, height=4.8)
    height = 0.6 + 0.5 * len(experiment.scores)
    save_panels([partial(plot_comparison, experiment)], folder / "comparison.png", width=10, height=height)
    if networks:
        losses = [partial(plot_losses, experiment.models[name]) for name in networks]
        save_panels(losses, folder / "losses.png", width=7, height=2.9)
