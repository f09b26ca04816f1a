"""What a comparison found, as tables: by series, by fold, by step of the horizon, and all series together."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from forecast.calendars import iso
from forecast.comparison.experiment import Comparison, Tested
from forecast.comparison.jobs import within
from forecast.evaluation import score_all, score_steps
from forecast.significance import discoveries


def scores_table(comparison: Comparison) -> pd.DataFrame:
    """One row a series and model: scores over all folds, and the verdict."""
    rows = []
    for name, one in comparison.tested.items():
        for scores, verdict in zip(one.scores, one.verdicts, strict=True):
            judged = {name: getattr(verdict, name) for name in ("gain", "p_value", "p_skill", "finding")}
            late = {name: getattr(verdict.lag, name) for name in ("moves", "lag", "copied", "foreseen")}
            rows.append({"series": name, **_plain(asdict(scores)), **judged, **late, "best_p": one.best[scores.model]})
    return pd.DataFrame(rows)


def folds_table(comparison: Comparison) -> pd.DataFrame:
    """One row a series, fold and model."""
    rows = []
    for name, one in comparison.tested.items():
        for fold in one.folds:
            dates = {"first": iso(one.series.index[fold.cutoff]), "last": iso(one.series.index[fold.stop - 1])}
            inside = {model: within(backtest, fold) for model, backtest in one.backtests.items()}
            scores = score_all(inside, y_train=one.y_train)
            rows += [{"series": name, "fold": fold.number, **dates, **_plain(asdict(row))} for row in scores]
    return pd.DataFrame(rows)


def steps_table(comparison: Comparison) -> pd.DataFrame:
    """One row a series, step of the horizon and model."""
    rows = [
        {"series": name, "step": step, **_plain(asdict(scores))}
        for name, one in comparison.tested.items()
        for step, scores in score_steps(one.backtests, y_train=one.y_train)
    ]
    return pd.DataFrame(rows)


def models_table(comparison: Comparison) -> pd.DataFrame:
    """One row a model, over all series.

    `better`, `not_distinguishable` and `worse` count verdicts of single series; `found_better` and `found_worse` those
    that remain when at most one in twenty of what is found may be false.
    """
    scores, ranking = scores_table(comparison), comparison.ranking
    rows = []
    for model in comparison.models:
        own = scores[scores["model"] == model]
        if own.empty:
            continue
        better = discoveries(own["p_skill"].to_numpy(dtype=float)) & (own["gain"] > 0)
        worse = discoveries(own["p_value"].to_numpy(dtype=float)) & (own["gain"] < 0)
        counts = {name.replace(" ", "_"): int((own["finding"] == name).sum()) for name in FINDINGS}
        rows.append(
            {
                "model": model,
                "series": len(own),
                "mae_vs_naive": own["mae_vs_naive"].mean(),
                "median_mae_vs_naive": own["mae_vs_naive"].median(),
                "worst_mae_vs_naive": own["mae_vs_naive"].max(),
                "coverage90": own["coverage90"].mean(),
                "worst_coverage90": own["coverage90"].iloc[int((own["coverage90"] - 0.9).abs().argmax())],
                **counts,
                "found_better": int(better.sum()),
                "found_worse": int(worse.sum()),
                "among_best": int((own["best_p"] >= 0.1).sum()),
                "mean_rank": ranking.ranks[model] if ranking else np.nan,
            }
        )
    return pd.DataFrame(rows)


FINDINGS = ("better", "not distinguishable", "worse")


def fold_ratios(tested: Tested) -> pd.DataFrame:
    """MAE / naive, one row a model and one column a fold."""
    columns = {}
    for fold in tested.folds:
        inside = {model: within(backtest, fold) for model, backtest in tested.backtests.items()}
        scores = score_all(inside, y_train=tested.y_train)
        columns[iso(tested.series.index[fold.cutoff])] = [row.mae_vs_naive for row in scores]
    return pd.DataFrame(columns, index=list(tested.backtests))


def _plain(row: dict[str, object]) -> dict[str, object]:
    """Scores without the seconds, which differ from run to run."""
    return {name: value for name, value in row.items() if name != "fit_seconds"}
