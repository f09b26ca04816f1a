"""Print a comparison as tables."""

import pandas as pd
from rich.markup import escape

from forecast.cli.tables.layout import MOST_ROWS, add_columns, new_table, print_paragraph, print_sentences, print_table
from forecast.cli.tables.results import LEGEND, by_score, scores_of
from forecast.data.calendar.frequency import count_steps, day
from forecast.evaluation.bottom_line import remarks, say_once
from forecast.evaluation.walk_forward.series_result import SeriesResult, fold_ratios
from forecast.evaluation.walk_forward.summary import FEW, Comparison, models_table
from forecast.metrics.significance import CONFIDENCE, Ranking

# The table of models over all series: header and format of each column; those behind `worse*` with --wide alone.
MODELS = {
    "model": "{model}",
    "MAE / naive": "{mae_vs_naive:.3f}",
    "worst": "{worst_mae_vs_naive:.3f}",
    "in 90 % interval [%]": "{coverage90:.1%}",
    "better*": "{found_better}",
    "worse*": "{found_worse}",
}
REST = {
    "series": "{series}",
    "median": "{median_mae_vs_naive:.3f}",
    "better": "{better}",
    "unclear": "{not_distinguishable}",
    "worse": "{worse}",
    "best": "{among_best}",
    "mean rank": "{mean_rank:.2f}",
}
OVER_SERIES = (
    "MAE / naive is the mean over the series, worst the largest. better*, worse*: series on which the model beats "
    "naive, or naive the model, if at most one in twenty of them may be luck."
)
MARKET = {
    "model": "{model}",
    "better* [%]": "{share_better:.1%}",
    "worse* [%]": "{share_worse:.1%}",
    "5 %": "{q05_mae_vs_naive:.3f}",
    "25 %": "{q25_mae_vs_naive:.3f}",
    "50 %": "{median_mae_vs_naive:.3f}",
    "75 %": "{q75_mae_vs_naive:.3f}",
    "95 %": "{q95_mae_vs_naive:.3f}",
}


def print_comparison(comparison: Comparison, *, wide: bool = False) -> None:
    """Print folds and verdicts of a single series; of several, what each model is worth over all of them."""
    if len(comparison.results) == 1:
        _print_series(next(iter(comparison.results.values())), wide=wide)
    else:
        _print_models(comparison, wide=wide)
        if len(comparison.results) <= FEW:
            _print_each(comparison)
        else:
            print_models_over_series("Share of the series, and MAE / naive over them", MARKET, models_table(comparison))
    if comparison.ranking:
        print_paragraph([_on_ranks(comparison.ranking)])
    if comparison.errors:
        _print_errors(comparison)


def _print_series(result: SeriesResult, *, wide: bool) -> None:
    series, folds = result.series, result.folds
    first, last = series.index[folds[0].cutoff], series.index[folds[-1].stop - 1]
    steps = count_steps(result.config.resolved_horizon, series.frequency)
    title = f"{series.name}: {len(folds)} folds from {day(first)} to {day(last)}, up to {steps} ahead"
    print_table(scores_of(result.scores, title, unit=series.unit, wide=wide))
    print_sentences([LEGEND["forecast"], ""])
    ratios = fold_ratios(result)
    table = new_table("MAE / naive by fold, with the first day of each")
    add_columns(table, "model", *map(str, ratios.columns), text=["model"])
    for model, row in zip(ratios.index, ratios.to_numpy(), strict=True):
        table.add_row(str(model), *(f"{value:.3f}" for value in row))
    print_table(table)
    judged = by_score(result.verdicts, result.scores)
    print_paragraph(say_once({verdict.model: verdict.sentence for verdict in judged}))
    print_sentences(remarks(result.verdicts))
    best = ", ".join(model for model, p_value in result.best.items() if p_value >= 1 - CONFIDENCE)
    print_sentences([f"Among the best, with {CONFIDENCE:.0%} confidence: {best}."])


def _print_models(comparison: Comparison, *, wide: bool) -> None:
    """What each model is worth over all series."""
    columns = MODELS | REST if wide else MODELS
    print_models_over_series(
        f"{len(comparison.results)} series, {comparison.plan.folds} folds each", columns, models_table(comparison)
    )
    sentences = [OVER_SERIES]
    if wide:
        sentences.append(
            "better, unclear, worse: verdicts, a series each. best: series where the model is among the best with "
            f"{CONFIDENCE:.0%} confidence."
        )
    print_sentences([*sentences, ""])


def print_models_over_series(title: str, columns: dict[str, str], models: pd.DataFrame) -> None:
    """A table of models, the best first; a number that is not defined leaves its cell empty."""
    table = new_table(title)
    add_columns(table, *columns, text=["model"])
    for row in models.sort_values("mae_vs_naive", kind="stable").to_dict("records"):
        values = {str(name): value for name, value in row.items()}
        values |= {f"share_{name}": row[f"found_{name}"] / row["series"] for name in ("better", "worse")}
        table.add_row(*(form.format(**values).replace("%", "").replace("nan", "") for form in columns.values()))
    print_table(table)


def _print_each(comparison: Comparison) -> None:
    """MAE / naive of each series and model, the best of each series marked."""
    table = new_table("MAE / naive by series, the best marked")
    add_columns(table, "series", *comparison.models, text=["series"])
    for name, one in comparison.results.items():
        ratios = {row.model: f"{row.mae_vs_naive:.3f}" for row in one.scores}
        best = min(ratios.values(), key=float)
        cells = {model: f"[bold]* {value}[/bold]" if value == best else value for model, value in ratios.items()}
        table.add_row(escape(name), *(cells.get(model, "") for model in comparison.models))
    print_table(table)


def _on_ranks(ranking: Ranking) -> str:
    alike = "p < 0.001" if ranking.p_value < 0.001 else f"p = {ranking.p_value:.3f}"
    return (
        f"Over {ranking.series} series the models' ranks would differ so much by luck with {alike}; "
        f"mean ranks closer than {ranking.critical_difference:.2f} are not distinguishable."
    )


def _print_errors(comparison: Comparison) -> None:
    table = new_table("Not tested")
    add_columns(table, "series", "model", "why", text=["series", "model"], prose=["why"])
    for (series, model), why in list(comparison.errors.items())[:MOST_ROWS]:
        table.add_row(escape(series), model, escape(why))
    if len(comparison.errors) > MOST_ROWS:
        table.add_row(f"... {len(comparison.errors) - MOST_ROWS} more", "", "")
    print_sentences([""])
    print_table(table)
