"""A comparison as tables on standard output."""

from rich.markup import escape

from forecast.cli.tables.results import MOST_ROWS, scores_of, titled, wide_console
from forecast.data.calendar.frequency import count_steps
from forecast.evaluation.walk_forward.series_result import SeriesResult, fold_ratios
from forecast.evaluation.walk_forward.summary import FEW, SHARES, Comparison, models_table
from forecast.metrics.significance import CONFIDENCE, Ranking


def print_comparison(comparison: Comparison) -> None:
    """One series with its folds and verdicts; of several, what each model is worth over all of them."""
    console = wide_console()
    if len(comparison.results) == 1:
        _print_series(next(iter(comparison.results.values())))
    else:
        _print_models(comparison)
        if len(comparison.results) <= FEW:
            _print_each(comparison)
        else:
            _print_market(comparison)
    if comparison.ranking:
        console.print(_on_ranks(comparison.ranking), soft_wrap=True, highlight=False)
    if comparison.errors:
        _print_errors(comparison)


def _print_series(result: SeriesResult) -> None:
    series, folds = result.series, result.folds
    first, last = series.index[folds[0].cutoff], series.index[folds[-1].stop - 1]
    steps = count_steps(result.config.horizon, series.frequency)
    title = f"{series.name}: {len(folds)} folds from {first:%Y-%m-%d} to {last:%Y-%m-%d}, up to {steps} ahead"
    console = wide_console()
    console.print(scores_of(result.scores, title, unit=series.unit))
    ratios = fold_ratios(result)
    table = titled("MAE / naive by fold, with the first day of each")
    for header in ("model", *ratios.columns):
        table.add_column(header, justify="left" if header == "model" else "right")
    for model, row in zip(ratios.index, ratios.to_numpy(), strict=True):
        table.add_row(str(model), *(f"{value:.3f}" for value in row))
    console.print(table)
    for verdict in result.verdicts:
        console.print(verdict.sentence, soft_wrap=True, highlight=False)
    best = ", ".join(model for model, p_value in result.best.items() if p_value >= 1 - CONFIDENCE)
    console.print(f"Among the best, with {CONFIDENCE:.0%} confidence: {best}.", soft_wrap=True, highlight=False)


def _print_models(comparison: Comparison) -> None:
    rows = models_table(comparison).to_dict("records")
    plan = comparison.plan
    table = titled(f"{len(comparison.results)} series, {plan.folds} folds each")
    table.add_column("model")
    headers = (
        "series",
        "MAE / naive",
        "median",
        "worst",
        "in 90 % [%]",
        "better",
        "unclear",
        "worse",
        "better*",
        "worse*",
        "best",
        "mean rank",
    )
    for header in headers:
        table.add_column(header, justify="right")
    for row in rows:
        numbers = (f"{row[name]:.3f}" for name in ("mae_vs_naive", "median_mae_vs_naive", "worst_mae_vs_naive"))
        counts = ("better", "not_distinguishable", "worse", "found_better", "found_worse", "among_best")
        table.add_row(
            str(row["model"]),
            str(row["series"]),
            *numbers,
            f"{100 * row['coverage90']:.1f}",
            *(str(row[name]) for name in counts),
            f"{row['mean_rank']:.2f}" if row["mean_rank"] == row["mean_rank"] else "",
            style="bold" if row["model"] == "naive" else None,
        )
    console = wide_console()
    console.print(table)
    console.print(
        "better, unclear, worse: verdicts against naive, a series each. With *: those that remain when at most one in "
        f"twenty may be false. best: series where the model is among the best with {CONFIDENCE:.0%} confidence.",
        soft_wrap=True,
        highlight=False,
    )


def _print_market(comparison: Comparison) -> None:
    """Of many series: on which share each model beats naive beyond luck, and how its errors are spread over them."""
    table = titled("Share of the series, and MAE / naive over them")
    headers = ("better* [%]", "worse* [%]", *(f"{share} %" for share in (*SHARES[:2], 50, *SHARES[2:])))
    for header in ("model", *headers):
        table.add_column(header, justify="left" if header == "model" else "right")
    for row in models_table(comparison).to_dict("records"):
        shares = (f"{100 * row[name] / row['series']:.1f}" for name in ("found_better", "found_worse"))
        names = [f"q{share:02d}_mae_vs_naive" for share in SHARES]
        spread = (f"{row[name]:.3f}" for name in (*names[:2], "median_mae_vs_naive", *names[2:]))
        table.add_row(str(row["model"]), *shares, *spread)
    wide_console().print(table)


def _print_each(comparison: Comparison) -> None:
    """MAE / naive of each series and model."""
    table = titled("MAE / naive by series")
    for header in ("series", *comparison.models):
        table.add_column(escape(header), justify="left" if header == "series" else "right")
    for name, one in comparison.results.items():
        ratios = {row.model: row.mae_vs_naive for row in one.scores}
        best = min(ratios.values())
        cells = (ratios.get(model) for model in comparison.models)
        table.add_row(escape(name), *("" if value is None else _marked(value, best) for value in cells))
    wide_console().print(table)


def _marked(value: float, best: float) -> str:
    return f"[bold]{value:.3f}[/bold]" if value == best else f"{value:.3f}"


def _on_ranks(ranking: Ranking) -> str:
    alike = "p < 0.001" if ranking.p_value < 0.001 else f"p = {ranking.p_value:.3f}"
    return (
        f"Over {ranking.series} series the models' ranks would differ so much by luck with {alike}; "
        f"mean ranks that are closer than {ranking.critical_difference:.2f} are not distinguishable."
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
