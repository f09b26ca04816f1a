"""Results as tables on standard output, with units in their headers."""

from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from forecast.data.calendar.frequency import count_steps
from forecast.data.sources.inspection import Inspection, SeriesInspection
from forecast.evaluation.holdout import Experiment
from forecast.evaluation.leakage import Audit
from forecast.evaluation.scores import Scores
from forecast.evaluation.trading_rule import NO_ADVICE, Earnings
from forecast.inference.forecasts import Forecast
from forecast.models import Model
from forecast.typing import Array

if TYPE_CHECKING:
    from forecast.data.sources.yahoo.tickers import FetchResult
    from forecast.training.tuning.tune import Tuning

# Where standard output is no terminal, a table is not cut to 80 columns.
WIDE = 160
BARS = "▁▂▃▄▅▆▇█"
# Series that a table of many shows, and trials.
MOST_ROWS, MOST_TRIALS = 20, 10
Row = TypeVar("Row")
SPAN = ("rows", "first", "last", "first value", "last value")


def print_scores(experiment: Experiment) -> None:
    """The scores of each model on the test rows, and the verdicts."""
    series, split = experiment.series, experiment.split
    dates = series.index[[split.test, -1]]
    steps = count_steps(experiment.config.horizon, series.frequency)
    title = f"{series.name}: test on {dates[0]:%Y-%m-%d} to {dates[1]:%Y-%m-%d}, up to {steps} ahead"
    console = wide_console()
    console.print(scores_of(experiment.scores, title, unit=series.unit))
    for name, ratios in experiment.seeds.items():
        console.print(
            f"{name}: {len(ratios)} networks by themselves have MAE / naive {np.mean(ratios):.3f} "
            f"with a spread of {np.std(ratios, ddof=1):.3f}.",
            highlight=False,
        )
    for verdict in experiment.verdicts:
        console.print(verdict.sentence, soft_wrap=True, highlight=False)


def scores_of(rows: Sequence[Scores], title: str, *, unit: str) -> Table:
    """One row a model; seconds only where there are any."""
    timed = not all(isnan(row.fit_seconds) for row in rows)
    table = titled(title)
    table.add_column("model")
    errors = f"MAE [{unit}]", f"RMSE [{unit}]", "MAPE [%]", "sMAPE [%]", "MASE", f"CRPS [{unit}]"
    for header in (*errors, "direction [%]", "in 90 % interval [%]", "MAE / naive", *(["fit [s]"] if timed else [])):
        table.add_column(escape(header), justify="right")
    for row in rows:
        table.add_row(
            row.model,
            f"{row.mae:.4g}",
            f"{row.rmse:.4g}",
            f"{row.mape:.2f}",
            f"{row.smape:.2f}",
            f"{row.mase:.3f}",
            f"{row.crps:.4g}",
            _direction(row),
            f"{100 * row.coverage90:.1f}",
            _ratio(row),
            *([f"{row.fit_seconds:.1f}"] if timed else []),
            style="bold" if row.model == "naive" else None,
        )
    return table


def _direction(scores: Scores) -> str:
    """Percent, with the 95 % interval."""
    if isnan(scores.direction):
        return ""
    return f"{100 * scores.direction:.1f} ({100 * scores.direction_low:.0f} to {100 * scores.direction_high:.0f})"


def print_earnings(earned: Sequence[Earnings]) -> None:
    """What a plain rule would have earned, a sentence a model, and that it is no advice."""
    console = wide_console()
    for one in earned:
        console.print(one.sentence, soft_wrap=True, highlight=False)
    console.print(NO_ADVICE, soft_wrap=True, highlight=False)


def print_panel(scores: Mapping[str, Scores]) -> None:
    """The scores of one model on the test rows of several series, best first; the middle of many is left out."""
    rows = sorted(scores.items(), key=lambda row: row[1].mae_vs_naive)
    table = Table("series", "MASE", "in 90 % interval [%]", "MAE / naive")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in middle_left_out(rows):
        if row is None:
            table.add_row(*rest(rows), "", "", "")
        else:
            table.add_row(escape(row[0]), f"{row[1].mase:.3f}", f"{100 * row[1].coverage90:.1f}", _ratio(row[1]))
    if len(rows) > 1:
        ratios, held = [row.mae_vs_naive for _, row in rows], [row.coverage90 for _, row in rows]
        table.add_row("mean", "", f"{100 * np.mean(held):.1f}", f"{np.mean(ratios):.3f}", style="bold")
    wide_console().print(table)


def _ratio(scores: Scores) -> str:
    return f"{scores.mae_vs_naive:.3f}"


def print_forecasts(forecasts: Sequence[Forecast]) -> None:
    """The first and last coming steps of each model, median and 90 % interval."""
    first = forecasts[0]
    shown = sorted({0, min(4, len(first.dates) - 1), len(first.dates) - 1})
    table = titled(f"{first.series}: median and 90 % interval [{first.unit}]")
    table.add_column("model")
    for step in shown:
        table.add_column(f"{first.dates[step]} (step {step + 1})", justify="right")
    for forecast in forecasts:
        cells = [_interval(forecast, step) for step in shown]
        table.add_row(forecast.model, *cells)
    wide_console().print(table)


def print_forecast(forecast: Forecast) -> None:
    """Every coming step of one model, all quantiles."""
    table = titled(f"{forecast.series}: {forecast.model} from {forecast.origin} [{forecast.unit}]")
    for header in ("step", "date", *(f"{100 * level:.0f} %" for level in forecast.levels)):
        table.add_column(header, justify="right")
    for step, (date, quantiles) in enumerate(zip(forecast.dates, forecast.quantiles, strict=True), start=1):
        table.add_row(str(step), date, *(f"{value:.6g}" for value in quantiles))
    wide_console().print(table)


def print_outlook(forecasts: Sequence[Forecast]) -> None:
    """The first and last coming steps of many series, one row each; the middle of very many is left out."""
    steps = len(forecasts[0].dates)
    shown = sorted({0, min(4, steps - 1), steps - 1})
    table = titled(f"{forecasts[0].model}: {len(forecasts):,} series, median and 90 % interval")
    for header in ("series", "from", *(f"step {step + 1}" for step in shown), "unit"):
        table.add_column(header)
    for one in middle_left_out(forecasts):
        cells = (_interval(one, step) for step in shown) if one else ()
        table.add_row(*((escape(one.series), one.origin, *cells, escape(one.unit)) if one else rest(forecasts)))
    wide_console().print(table)


def middle_left_out(rows: Sequence[Row]) -> list[Row | None]:
    """All rows, or of very many the first and last with None between."""
    return list(rows) if len(rows) <= MOST_ROWS else [*rows[: MOST_ROWS // 2], None, *rows[-MOST_ROWS // 2 :]]


def rest(rows: Sequence[object]) -> tuple[str]:
    """The cell that stands for those that are left out."""
    return (f"... {len(rows) - MOST_ROWS:,} more",)


def print_models(models: Iterable[Model]) -> None:
    """The registry."""
    table = Table("model", "what it is")
    for model in models:
        table.add_row(model.name, model.summary)
    wide_console().print(table)


def print_audit(audit: Audit) -> None:
    """How many forecasts changed with each treatment of the rows after them, and what that means."""
    table = titled("Later rows changed, forecasts made before them")
    for header in ("later rows", "changed", "of"):
        table.add_column(header, justify="left" if header == "later rows" else "right")
    for treatment, changed in audit.changed.items():
        table.add_row(treatment, str(changed), str(audit.forecasts))
    console = wide_console()
    console.print(table)
    console.print(audit.sentence, soft_wrap=True, highlight=False)


def print_tuning(tuning: "Tuning") -> None:
    """The best trials of a search, how many came to which end, and what the first was worth."""
    search, shown = tuning.search, tuning.ranking[:MOST_TRIALS]
    name = search.series[0].name if len(search.series) == 1 else f"{len(search.series)} series"
    table = titled(f"{name}: settings of {search.model} on validation rows")
    for header in ("trial", *search.ranges, "MAE / naive", "time [s]"):
        table.add_column(escape(header), justify="right")
    for trial in shown:
        settings = (f"{trial.settings[name]:.3g}" for name in search.ranges)
        table.add_row(str(trial.number), *settings, f"{trial.value:.4f}", f"{trial.seconds:.1f}")
    console = wide_console()
    console.print(table)
    counts = ", ".join(f"{count} {state}" for state, count in tuning.counts.items())
    console.print(f"Trials: {counts}. The first has the settings to begin with.", highlight=False)


def print_fetched(results: "Iterable[FetchResult]") -> None:
    """What there is of each ticker; of one that failed, the kind of the failure."""
    table = Table("ticker", "interval", *SPAN[:3], "currency", "kind", "fetched", "what happened")
    for result in results:
        happened = result.error_kind or "; ".join(result.notes) or "done"
        span = f"{result.rows:,}", result.first, result.last
        cells = result.ticker, result.interval, *span, result.currency, result.kind, result.fetched[:16], happened
        table.add_row(*map(escape, cells))
    wide_console().print(table)


def print_inspection(inspection: Inspection) -> None:
    """The form of a source, its series, and the findings and the course of each."""
    console = wide_console()
    console.print(
        f"{inspection.source}: " + ", ".join(f"{what} {how}" for what, how in inspection.form.items()), highlight=False
    )
    table = Table("series", "target", *SPAN, "frequency", "exchange", "course")
    for sighting in inspection.series:
        table.add_row(*map(escape, _sighting_cells(sighting)))
    console.print(table)
    for line in dict.fromkeys(map(_choice_line, inspection.series)):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    for sighting in inspection.series:
        for finding in sighting.series.findings if sighting.series else ():
            console.print(f"{sighting.name}: {finding}", soft_wrap=True, highlight=False, markup=False)
    well = [sighting.name for sighting in inspection.series if sighting.series and not sighting.series.findings]
    if well:
        console.print(f"Nothing looks wrong with {', '.join(well)}.", soft_wrap=True, highlight=False, markup=False)


def _choice_line(sighting: SeriesInspection) -> str:
    """Why the target is the target, the same for most series of a source; or why there is none."""
    if sighting.series is None:
        return f"{sighting.name} cannot be used. {sighting.why}"
    if len(sighting.columns) == 1:
        return f"The target is {sighting.why}."
    return f"The target is {sighting.series.target}: {sighting.why}. Columns: {', '.join(sighting.columns)}."


def _sighting_cells(sighting: SeriesInspection) -> tuple[str, ...]:
    series = sighting.series
    if series is None:
        return sighting.name, "", "0", "", "", "", "", "", "", ""
    values = f"{series.y[0]:.6g}", f"{series.y[-1]:.6g}"
    first, last = sighting.span
    span = f"{len(series):,}", first, last, *values
    return sighting.name, series.target, *span, series.frequency, series.trading_calendar, _sparkline(series.y)


def _sparkline(values: Array) -> str:
    """The course of a series in 24 characters: means of equal parts between its lowest and highest."""
    means = np.array([part.mean() for part in np.array_split(values, min(24, len(values)))])
    reach = float(np.ptp(means)) or 1.0
    return "".join(BARS[int(7 * (mean - means.min()) / reach)] for mean in means)


def titled(title: str) -> Table:
    """An empty table under a title."""
    return Table(title=escape(title), title_justify="left")


def _interval(forecast: Forecast, step: int) -> str:
    low, middle, high = forecast.quantiles[step, 0], forecast.median[step], forecast.quantiles[step, -1]
    return f"{middle:.6g} ({low:.6g} to {high:.6g})"


def wide_console() -> Console:
    """Standard output, wide where it is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDE)
