"""The result of a comparison over all series: `Comparison`, the ranking and the table of models."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from forecast.display import Chart, Line, Panel, Rule, Shown
from forecast.display.shown import check_table
from forecast.display.style import colour_of
from forecast.evaluation.bottom_line import line_over_series
from forecast.evaluation.walk_forward.folds import WalkForward
from forecast.evaluation.walk_forward.series_result import SeriesResult, SeriesSummary
from forecast.metrics.significance import Ranking, discoveries, rank
from forecast.typing import Array

# Up to so many series each is kept in memory, printed and drawn.
FEW = 20
OUTCOMES = ("better", "not distinguishable", "worse")
# Columns of `scores` that the result over all series needs.
COLUMNS = ("series", "model", "mae_vs_naive", "coverage90", "gain", "p_value", "p_skill", "outcome", "best_p")
# Levels in percent of the quantiles of MAE / naive over the series; the median has a column of its own.
PERCENT = (5, 25, 75, 95)


Table = Literal["models", "scores", "by_fold", "by_step"]
# The columns of the table of models in a notebook, with their headers.
SHOWN_COLUMNS = {
    "series": "series",
    "mae_vs_naive": "mean MAE / naive",
    "median_mae_vs_naive": "median",
    "worst_mae_vs_naive": "worst",
    "coverage90": "in 90 % interval",
    "found_better": "better",
    "found_worse": "worse than naive",
    "mean_rank": "mean rank",
}


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Shown):
    """The result of a walk-forward comparison.

    Attributes:
        models: In the order in which they were asked for, the baselines last.
        results: By series; one without a single forecast is missing. Of more than a few series each is read from its
            files when it is asked for.
        summaries: Tables and record of each series, in the same order; of more than a few read from their files.
        scores: One row a series and model, with the columns that the result over all series needs.
        errors: Why there is no forecast, by series and model; model "" for a series that could not be tested at all.
        ranking: The models by MAE / naive, over the series that all of them forecast; None for a single series.
    """

    plan: WalkForward
    models: tuple[str, ...]
    results: Mapping[str, SeriesResult]
    summaries: Iterable[SeriesSummary]
    scores: pd.DataFrame
    errors: dict[tuple[str, str], str]
    ranking: Ranking | None

    @property
    def bottom_line(self) -> str:
        """What to use, in one sentence."""
        if len(self.results) == 1:
            return next(iter(self.results.values())).bottom_line
        return line_over_series(models_table(self).to_dict("records"))

    def to_frame(self, table: Table = "models") -> pd.DataFrame:
        """The result as a table.

        Args:
            table: `models`, one row a model over all series; `scores`, one a series and model; `by_fold` and `by_step`,
                one a series, model and fold or step of the horizon.
        Raises:
            ConfigError: there is no such table.
        """
        check_table(table, get_args(Table))
        return models_table(self).set_index("model") if table == "models" else table_of(self, table)

    def chart(self) -> Chart:
        """MAE / MAE of naive as one point a series and one column a model, with the median."""
        models = [model for model in self.models if model != "naive"]
        columns = [self.scores.loc[self.scores["model"] == model, "mae_vs_naive"] for model in models]
        layers = [
            layer
            for place, (model, ratios) in enumerate(zip(models, columns, strict=True))
            for layer in _column(place, model, np.sort(ratios.to_numpy(dtype=float)))
        ]
        count = len(self.results)
        several = f"{count} series: error over that of naive, and the median"
        title = several if count > 1 else f"{next(iter(self.results))}: error over that of naive"
        rule = Rule(1, width=1, level=True)
        return Chart(title, "MAE / MAE of naive", [*layers, rule], names=tuple(models))

    def _headline(self) -> str:
        count = len(self.results)
        series = next(iter(self.results)) if count == 1 else f"{count:,} series"
        return f"{series}, {self.plan.folds} folds, {', '.join(self.models)}: {self.bottom_line}"

    def _panels(self) -> tuple[Panel, ...]:
        table = self.to_frame()[list(SHOWN_COLUMNS)].rename(columns=SHOWN_COLUMNS).dropna(axis=1, how="all")
        errors = [f"{series}{f', {model}' if model else ''}: {why}" for (series, model), why in self.errors.items()]
        few = list(self.results.values()) if len(self.results) == 1 else []
        verdicts = [verdict.sentence for one in few for verdict in one.verdicts]
        return (Panel(table.round(3), (*errors, *verdicts), self.chart()),)


def _column(place: int, model: str, ratios: Array) -> list[Line]:
    """The points of one model, side by side, and their median; of one point no more than that."""
    if len(ratios) < 2:
        return [Line(np.full(len(ratios), place), ratios, "", colour_of(model), "", marker="o", size=8)]
    spread = 0.3 * np.sin(np.arange(len(ratios)) * 2.4)
    size, median = (4 if len(ratios) <= FEW else 2), np.repeat(np.median(ratios), 2)
    points = Line(place + spread, ratios, "", colour_of(model), "", marker="o", size=size, alpha=0.7)
    return [points, Line(np.array([place - 0.4, place + 0.4]), median, width=2)]


def scores_of(summaries: Iterable[SeriesSummary]) -> pd.DataFrame:
    """One row a series and model, with the columns that the result over all series needs."""
    return pd.concat([summary.table("scores")[list(COLUMNS)] for summary in summaries], ignore_index=True)


def rank_models(scores: pd.DataFrame, models: tuple[str, ...]) -> Ranking | None:
    """Rank the models over the series that all of them forecast; None for fewer than two series."""
    wide = scores.pivot_table(index="series", columns="model", values="mae_vs_naive", sort=False)
    ratios = wide.reindex(columns=list(models)).dropna()
    if len(ratios) < 2:
        return None
    return rank({model: ratios[model].to_list() for model in models})


def table_of(comparison: Comparison, name: str) -> pd.DataFrame:
    """The table `scores`, `by_fold` or `by_step` of all series."""
    return pd.concat([summary.table(name) for summary in comparison.summaries], ignore_index=True)


def models_table(comparison: Comparison) -> pd.DataFrame:
    """One row a model, over all series."""
    return models_over_series(comparison.scores, comparison.models, comparison.ranking)


def models_over_series(scores: pd.DataFrame, models: tuple[str, ...], ranking: Ranking | None = None) -> pd.DataFrame:
    """One row a model, over all series.

    `better`, `not_distinguishable` and `worse` count verdicts of single series; `found_better` and `found_worse` count
    those that remain at a false discovery rate of 5 %.

    Args:
        scores: One row a series and model, with the columns `COLUMNS`.
    """
    tables = {model: scores[scores["model"] == model] for model in models}
    ranks = ranking.ranks if ranking else {}
    return pd.DataFrame(
        [_model_row(model, own, ranks.get(model, np.nan)) for model, own in tables.items() if not own.empty]
    )


def _model_row(model: str, scores: pd.DataFrame, mean_rank: float) -> dict[str, object]:
    """The row of one model.

    Args:
        scores: One row a series.
    """
    ratio, coverage, gain = scores["mae_vs_naive"], scores["coverage90"], scores["gain"]
    better = discoveries(scores["p_skill"].to_numpy(dtype=float)) & (gain > 0)
    worse = discoveries(scores["p_value"].to_numpy(dtype=float)) & (gain < 0)
    return {
        "model": model,
        "series": len(scores),
        "mae_vs_naive": ratio.mean(),
        "median_mae_vs_naive": ratio.median(),
        "worst_mae_vs_naive": ratio.max(),
        **{f"q{level:02d}_mae_vs_naive": ratio.quantile(level / 100) for level in PERCENT},
        "coverage90": coverage.mean(),
        "worst_coverage90": coverage.get((coverage - 0.9).abs().idxmax()) if coverage.notna().any() else np.nan,
        **{outcome.replace(" ", "_"): int((scores["outcome"] == outcome).sum()) for outcome in OUTCOMES},
        "found_better": int(better.sum()),
        "found_worse": int(worse.sum()),
        "among_best": int((scores["best_p"] >= 0.1).sum()),
        "mean_rank": mean_rank,
    }
