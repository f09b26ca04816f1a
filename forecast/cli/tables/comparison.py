"""Print a comparison as tables."""

from rich.markup import escape

from forecast.cli.tables.results import MOST_ROWS, print_sentences, scores_of, titled, wide_console
from forecast.data.calendar.frequency import count_steps, day
from forecast.evaluation.bottom_line import remarks
from forecast.evaluation.walk_forward.series_result import SeriesResult, fold_ratios
from forecast.evaluation.walk_forward.summary import FEW, Comparison, models_table
from forecast.metrics.significance import CONFIDENCE, Ranking

# The tables of models over all series: header and format of each column.
MODELS = {
    "model": "{model}",
    "series": "{series}",
    "MAE / naive": "{mae_vs_naive:.3f}",
    "median": "{median_mae_vs_naive:.3f}",
    "worst": "{worst_mae_vs_naive:.3f}",
    "in 90 % [%]": "{coverage90:.1%}",
    "better": "{better}",
    "unclear": "{not_distinguishable}",
    "worse": "{worse}",
    "better*": "{found_better}",
    "worse*": "{found_worse}",
    "best": "{among_best}",
    "mean rank": "{mean_rank:.2f}",
}
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


def print_comparison(comparison: Comparison) -> None:
    """Print folds and verdicts of a single series; of several, what each model is worth over all of them."""
    console = wide_console()
    if len(comparison.results) == 1:
        _print_series(next(iter(comparison.results.values())))
    else:
        _print_models(comparison)
        if len(comparison.results) <= FEW:
            _print_each(comparison)
        else:
            _print_rows("Share of the series, and MAE / naive over them", MARKET, comparison)
    if comparison.ranking:
        console.print(_on_ranks(comparison.ranking), soft_wrap=True, highlight=False)
    if comparison.errors:
        _print_errors(comparison)


def _print_series(result: SeriesResult) -> None:
    series, folds = result.series, result.folds
    first, last = series.index[folds[0].cutoff], series.index[folds[-1].stop - 1]
    steps = count_steps(result.config.resolved_horizon, series.frequency)
    title = f"{series.name}: {len(folds)} folds from {day(first)} to {day(last)}, up to {steps} ahead"
    console = wide_console()
    console.print(scores_of(result.scores, title, unit=series.unit))
    ratios = fold_ratios(result)
    table = titled("MAE / naive by fold, with the first day of each")
    for header in ("model", *ratios.columns):
        table.add_column(header, justify="left" if header == "model" else "right")
    for model, row in zip(ratios.index, ratios.to_numpy(), strict=True):
        table.add_row(str(model), *(f"{value:.3f}" for value in row))
    console.print(table)
    print_sentences([verdict.sentence for verdict in result.verdicts])
    print_sentences(remarks(result.verdicts))
    best = ", ".join(model for model, p_value in result.best.items() if p_value >= 1 - CONFIDENCE)
    console.print(f"Among the best, with {CONFIDENCE:.0%} confidence: {best}.", soft_wrap=True, highlight=False)


def _print_models(comparison: Comparison) -> None:
    """What each model is worth over all series."""
    _print_rows(f"{len(comparison.results)} series, {comparison.plan.folds} folds each", MODELS, comparison)
    wide_console().print(
        "better, unclear, worse: verdicts against naive, a series each. With *: those that remain when at most one in "
        f"twenty may be false. best: series where the model is among the best with {CONFIDENCE:.0%} confidence.",
        soft_wrap=True,
        highlight=False,
    )


def _print_rows(title: str, columns: dict[str, str], comparison: Comparison) -> None:
    """A table of models; a number that is not defined leaves its cell empty."""
    table = titled(title)
    for header in columns:
        table.add_column(header, justify="left" if header == "model" else "right")
    for row in models_table(comparison).to_dict("records"):
        values = {str(name): value for name, value in row.items()}
        values |= {f"share_{name}": row[f"found_{name}"] / row["series"] for name in ("better", "worse")}
        cells = (form.format(**values).replace("%", "").replace("nan", "") for form in columns.values())
        table.add_row(*cells, style="bold" if row["model"] == "naive" else None)
    wide_console().print(table)


def _print_each(comparison: Comparison) -> None:
    """MAE / naive of each series and model, the best of each series in bold."""
    table = titled("MAE / naive by series")
    for header in ("series", *comparison.models):
        table.add_column(escape(header), justify="left" if header == "series" else "right")
    for name, one in comparison.results.items():
        ratios = {row.model: row.mae_vs_naive for row in one.scores}
        best = min(ratios.values())
        cells = {
            model: f"[bold]{value:.3f}[/bold]" if value == best else f"{value:.3f}" for model, value in ratios.items()
        }
        table.add_row(escape(name), *(cells.get(model, "") for model in comparison.models))
    wide_console().print(table)


def _on_ranks(ranking: Ranking) -> str:
    alike = "p < 0.001" if ranking.p_value < 0.001 else f"p = {ranking.p_value:.3f}"
    return (
        f"Over {ranking.series} series the models' ranks would differ so much by luck with {alike}; "
        f"mean ranks closer than {ranking.critical_difference:.2f} are not distinguishable."
    )


def _print_errors(comparison: Comparison) -> None:
    table = titled("Not tested")
    for header in ("series", "model", "why"):
        table.add_column(header)
    for (series, model), why in list(comparison.errors.items())[:MOST_ROWS]:
        table.add_row(escape(series), model, escape(why))
    if len(comparison.errors) > MOST_ROWS:
        table.add_row(f"... {len(comparison.errors) - MOST_ROWS} more", "", "")
    wide_console().print(table)
