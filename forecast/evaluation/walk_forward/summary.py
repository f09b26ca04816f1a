"""What a comparison found over all series."""

import numpy as np
import pandas as pd

from forecast.evaluation.walk_forward.compare import Comparison
from forecast.metrics.significance import discoveries

OUTCOMES = ("better", "not distinguishable", "worse")
# Of the distribution of MAE / naive over the series, in percent.
SHARES = (5, 25, 75, 95)


def table_of(comparison: Comparison, name: str) -> pd.DataFrame:
    """The table `scores`, `by_fold` or `by_step` of all series."""
    return pd.concat([part.table(name) for part in comparison.parts], ignore_index=True)


def models_table(comparison: Comparison) -> pd.DataFrame:
    """One row a model, over all series.

    `better`, `not_distinguishable` and `worse` count verdicts of single series; `found_better` and `found_worse` those
    that remain when at most one in twenty of what is found may be false.
    """
    scores, ranking = comparison.scores, comparison.ranking
    rows = []
    for model in comparison.models:
        own = scores[scores["model"] == model]
        if own.empty:
            continue
        better = discoveries(own["p_skill"].to_numpy(dtype=float)) & (own["gain"] > 0)
        worse = discoveries(own["p_value"].to_numpy(dtype=float)) & (own["gain"] < 0)
        counts = {name.replace(" ", "_"): int((own["outcome"] == name).sum()) for name in OUTCOMES}
        rows.append(
            {
                "model": model,
                "series": len(own),
                "mae_vs_naive": own["mae_vs_naive"].mean(),
                "median_mae_vs_naive": own["mae_vs_naive"].median(),
                "worst_mae_vs_naive": own["mae_vs_naive"].max(),
                **{f"q{share:02d}_mae_vs_naive": own["mae_vs_naive"].quantile(share / 100) for share in SHARES},
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
