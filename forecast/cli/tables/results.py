"""Results as tables on standard output, with units in their headers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from forecast.config import Task
from forecast.data.calendar.frequency import count_steps, day
from forecast.data.fill import fill
from forecast.data.seasons import find_seasons
from forecast.data.series import TimeSeries
from forecast.data.sources.inspection import Inspection, SeriesInspection
from forecast.evaluation.columns import COLUMNS, RISK, TERMINAL, columns_for
from forecast.evaluation.holdout import Experiment
from forecast.evaluation.leakage import Audit
from forecast.models import Estimator
from forecast.runtime.names import visible
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
# What stands in bold: naive, and the base rates of directions.
REFERENCES = ("naive", "base_rate")
# The columns of one model on many series, which are sorted by the last.
PANEL = {
    "forecast": ("mase", "coverage90", "mae_vs_naive"),
    "direction": ("log_loss_skill", "calibration_error", "log_loss"),
}
SPAN = ("rows", "first", "last", "first value", "last value")


def print_scores(experiment: Experiment) -> None:
    """The scores of each model on the test rows, and the verdicts."""
    series, split, task = experiment.series, experiment.split, experiment.config.task
    dates, steps = series.index[[split.test, -1]], count_steps(experiment.config.resolved_horizon, series.frequency)
    span = f"{day(dates[0])} to {day(dates[1])}"
    what = (
        f"down, flat or up {steps} ahead, test on {span}"
        if task == "direction"
        else f"test on {span}, up to {steps} ahead"
    )
    console = wide_console()
    console.print(scores_of(experiment.scores, f"{series.name}: {what}", unit=series.unit, task=task))
    for name, ratios in experiment.seeds.items():
        console.print(
            f"{name}: {len(ratios)} networks by themselves have MAE / naive {np.mean(ratios):.3f} "
            f"with a spread of {np.std(ratios, ddof=1):.3f}.",
            highlight=False,
        )
    print_sentences([verdict.sentence for verdict in experiment.verdicts])
    print_sentences(experiment.remarks)


def print_risks(experiment: Experiment) -> None:
    """The risk of holding a price, by the model with the best distribution; nothing where the series is no price."""
    if not experiment.risks:
        return
    best = min(experiment.scores, key=lambda row: row.crps).model
    table = titled(f"Risk of holding {experiment.series.name} by {best}, the smallest CRPS; p-values of its tests")
    for column in RISK:
        table.add_column(escape(column.header), justify="right")
    for risk in experiment.risks:
        if risk.model == best:
            table.add_row(*(column.text(asdict(risk)) for column in RISK))
    wide_console().print(table)


def print_sentences(sentences: Iterable[str]) -> None:
    """One sentence a line, whatever the width."""
    console = wide_console()
    for sentence in sentences:
        console.print(sentence, soft_wrap=True, highlight=False, markup=False)


def scores_of(rows: Sequence[Any], title: str, *, unit: str, task: Task = "forecast") -> Table:
    """One row a model, that of the reference in bold; seconds only where there are any."""
    columns = columns_for([asdict(row) for row in rows], TERMINAL[task], task)
    table = titled(title)
    table.add_column("model")
    for column in columns:
        table.add_column(escape(column.header.format(unit=unit)), justify="right")
    for row in rows:
        cells = (column.text(asdict(row)) for column in columns)
        table.add_row(row.model, *cells, style="bold" if row.model in REFERENCES else None)
    return table


def print_panel(scores: Mapping[str, Any], *, task: Task) -> None:
    """The scores of one model on the test rows of several series, best first; the middle of many is left out."""
    columns = [COLUMNS[task][name] for name in PANEL[task]]
    rows = sorted(scores.items(), key=lambda row: getattr(row[1], columns[-1].name))
    table = Table("series")
    for column in columns:
        table.add_column(escape(column.header), justify="right")
    for row in middle_left_out(rows):
        if row is None:
            table.add_row(*rest(rows))
        else:
            table.add_row(escape(row[0]), *(column.text(asdict(row[1])) for column in columns))
    if len(rows) > 1:
        means = {column.name: np.mean([getattr(row, column.name) for _, row in rows]) for column in columns}
        table.add_row("mean", *(column.text(means) for column in columns), style="bold")
    wide_console().print(table)


def middle_left_out(rows: Sequence[Row]) -> list[Row | None]:
    """All rows, or of very many the first and last with None between."""
    return list(rows) if len(rows) <= MOST_ROWS else [*rows[: MOST_ROWS // 2], None, *rows[-MOST_ROWS // 2 :]]


def rest(rows: Sequence[object]) -> tuple[str]:
    """The cell that stands for those that are left out."""
    return (f"... {len(rows) - MOST_ROWS:,} more",)


def print_models(models: Iterable[Estimator]) -> None:
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
    """Print the best trials of a search, and how many trials ended in which state."""
    objective, shown = tuning.objective, tuning.ranking[:MOST_TRIALS]
    name = objective.series[0].name if len(objective.series) == 1 else f"{len(objective.series)} series"
    table = titled(f"{name}: hyperparameters of {objective.model} on validation rows")
    for header in ("trial", *objective.ranges, "MAE / naive", "time [s]"):
        table.add_column(escape(header), justify="right")
    for trial in shown:
        hyperparameters = (f"{trial.hyperparameters[name]:.3g}" for name in objective.ranges)
        table.add_row(str(trial.number), *hyperparameters, f"{trial.value:.4f}", f"{trial.seconds:.1f}")
    console = wide_console()
    console.print(table)
    counts = ", ".join(f"{count} {state}" for state, count in tuning.counts.items())
    console.print(f"Trials: {counts}. The first has the hyperparameters to begin with.", highlight=False)


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
    shown = [sighting.series for sighting in inspection.series if sighting.series]
    for line in dict.fromkeys(_grid_line(series, seasons=len(shown) <= MOST_ROWS) for series in shown):
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


def _grid_line(series: TimeSeries, *, seasons: bool) -> str:
    """When rows are due, and the seasons that the values show; or that rows are irregular, and the cure."""
    if not series.grid.is_regular and series.grid.is_counted:
        return "Rows come at irregular counts: number them one by one, which a forecast needs."
    if not series.grid.is_regular:
        return (
            f"Rows are {series.grid}: --every {series.grid.frequency} brings them onto a grid, which a forecast needs."
        )
    if not seasons:
        return f"Time grid: {series.grid}."
    found = " and ".join(map(str, find_seasons(series.y, series.grid)))
    return f"Time grid: {series.grid}; {f'seasons of {found} rows' if found else 'no season found'}."


def _sighting_cells(sighting: SeriesInspection) -> tuple[str, ...]:
    series = sighting.series
    if series is None:
        return sighting.name, "", "0", "", "", "", "", "", "", ""
    values = f"{series.y[0]:.6g}", f"{series.y[-1]:.6g}"
    first, last = sighting.span
    span = f"{int(series.known.sum()):,}", first, last, *values
    return sighting.name, series.target, *span, series.frequency, series.trading_calendar, _sparkline(series.y)


def _sparkline(values: Array) -> str:
    """The course of a series in 24 characters: means of equal parts between its lowest and highest."""
    means = np.array([part.mean() for part in np.array_split(fill(values, "linear"), min(24, len(values)))])
    reach = float(np.ptp(means)) or 1.0
    return "".join(BARS[int(7 * (mean - means.min()) / reach)] for mean in means)


def titled(title: str) -> Table:
    """An empty table under a title."""
    return Table(title=escape(title), title_justify="left")


class PlainTextConsole(Console):
    """A console on which names that others gave are text: no control characters, no emoji by their names."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options)


def wide_console() -> Console:
    """Standard output, wide where it is no terminal."""
    console = PlainTextConsole(emoji=False)
    return console if console.is_terminal else PlainTextConsole(emoji=False, width=WIDE)
