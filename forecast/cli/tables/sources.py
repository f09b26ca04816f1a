"""What there is to forecast from: fetched prices, and what was understood of a file or ticker."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.markup import escape

from forecast.cli.tables.layout import MOST_ROWS, add_columns, new_table, print_sentences, print_table
from forecast.data.fill import fill
from forecast.data.seasons import find_seasons
from forecast.data.series import TimeSeries
from forecast.data.sources.inspection import Inspection, SeriesInspection
from forecast.typing import Array

if TYPE_CHECKING:
    from forecast.data.sources.yahoo.tickers import FetchResult

BARS = "▁▂▃▄▅▆▇█"
# Series that one line names.
LISTED = 4
SPAN = ("rows", "first", "last", "first value", "last value")


def print_fetched(results: "Iterable[FetchResult]") -> None:
    """What there is of each ticker; of one that failed, the kind of the failure."""
    table, headers = new_table(), ("ticker", *SPAN[:3], "what happened", "interval", "currency", "kind", "fetched")
    add_columns(table, *headers, text=[header for header in headers if header != "rows"])
    for result in results:
        happened = result.error_kind or "; ".join(result.notes) or "done"
        span = f"{result.rows:,}", result.first, result.last
        cells = result.ticker, *span, happened, result.interval, result.currency, result.kind, result.fetched[:16]
        table.add_row(*map(escape, cells))
    print_table(table)


def print_inspection(inspection: Inspection) -> None:
    """The form of a source, its series, and the findings and the course of each."""
    form = ", ".join(f"{what} {how}" for what, how in inspection.form.items())
    print_sentences([f"{inspection.source}: {form}"])
    _print_series(inspection.series)
    several = len(inspection.series) > 1
    print_sentences(dict.fromkeys(_choice_line(one, several=several) for one in inspection.series))
    shown = [sighting.series for sighting in inspection.series if sighting.series]
    print_sentences(_named(shown, [_grid_line(series, seasons=len(shown) <= MOST_ROWS) for series in shown]))
    for sighting in inspection.series:
        print_sentences(
            f"{sighting.name}: {finding}" for finding in (sighting.series.findings if sighting.series else ())
        )
    well = [sighting.name for sighting in inspection.series if sighting.series and not sighting.series.findings]
    if well:
        print_sentences([f"Nothing looks wrong with {', '.join(well)}."])


def _named(several: Sequence[TimeSeries], lines: Sequence[str]) -> list[str]:
    """What holds for all series once; else each line behind the names of the series that it holds for."""
    names: dict[str, list[str]] = {}
    for series, line in zip(several, lines, strict=True):
        names.setdefault(line, []).append(series.name)
    return [f"{_listed(found)}: {line}" if len(names) > 1 else line for line, found in names.items()]


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {rest:,} more" if rest > 0 else "")


def _print_series(sightings: Sequence[SeriesInspection]) -> None:
    """A row a series; of one series a row a property."""
    headers = ("series", "target", *SPAN, "frequency", "exchange", "course")
    table = new_table()
    if len(sightings) == 1:
        add_columns(table, "what", "found", text=["what", "found"])
        for header, cell in zip(headers, _sighting_cells(sightings[0]), strict=True):
            table.add_row(header, escape(cell))
        table.show_header = False
    else:
        add_columns(table, *headers, text=[header for header in headers if header not in SPAN])
        for sighting in sightings:
            table.add_row(*map(escape, _sighting_cells(sighting)))
    print_table(table)


def _choice_line(sighting: SeriesInspection, *, several: bool) -> str:
    """Why the target is the target, the same for most series of a source; or why there is none."""
    if sighting.series is None:
        return f"{sighting.name} cannot be used. {sighting.why}"
    if len(sighting.columns) == 1:
        return (
            f"Each target is {sighting.why}." if several else f"The target is {sighting.series.target}, {sighting.why}."
        )
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
