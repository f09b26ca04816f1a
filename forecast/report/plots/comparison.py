"""Plots of a comparison over many series: mean ranks, and the error of each model on each series."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.display.draw import draw
from forecast.display.figure import finish, save_panels
from forecast.display.style import GREY, colour_of, styled
from forecast.evaluation.walk_forward.summary import FEW, Comparison
from forecast.metrics.significance import Ranking
from forecast.models import BASELINES
from forecast.report.plots.diagnostics import save_diagnostics
from forecast.runtime.names import unique_slug

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Most series with pictures of their own.
MOST_DRAWN = 12


@styled
def plot_ranks(ranking: Ranking, ax: "Axes") -> None:
    """Plot the mean rank of each model, with half the critical difference to each side.

    Models whose intervals do not overlap differ significantly; the band marks the interval of the best.
    """
    models = sorted(ranking.ranks, key=lambda model: ranking.ranks[model], reverse=True)
    half = ranking.critical_difference / 2
    best = ranking.ranks[models[-1]]
    ax.axvspan(best - half, best + half, color=GREY, alpha=0.15, linewidth=0)
    for place, model in enumerate(models):
        ax.errorbar(
            ranking.ranks[model],
            place,
            xerr=half,
            fmt="o",
            color=colour_of(model),
            markersize=7,
            capsize=3,
            linewidth=2,
        )
    ax.set_yticks(range(len(models)), models)
    finish(ax, f"Mean rank over {ranking.series} series, with the critical difference", "")
    ax.set_xlabel("mean rank (1 is the best)")


def plot_skill(comparison: Comparison, ax: "Axes") -> None:
    """Plot MAE / MAE of naive as one point a series and one column a model, with the median."""
    draw(comparison.chart(), ax)


def save_comparison(comparison: Comparison, folder: Path) -> None:
    """Save ranks and skill over all series as PNG files; with few series, errors and calibration of the first too."""
    if comparison.ranking:
        height = 1.4 + 0.4 * len(comparison.models)
        save_panels([partial(plot_ranks, comparison.ranking)], folder / "ranks.png", width=9, height=height)
        save_panels([partial(plot_skill, comparison)], folder / "skill.png", width=9, height=4.4)
    if len(comparison.results) > FEW:
        return
    for name, one in list(comparison.results.items())[:MOST_DRAWN]:
        part = folder if len(comparison.results) == 1 else folder / unique_slug(name)
        shown = [model for model in one.backtests if model not in BASELINES] or ["naive"]
        lags = {row.model: row.lag for row in one.verdicts}
        save_diagnostics(one.backtests, one.series.index, shown, part, lags=lags)
