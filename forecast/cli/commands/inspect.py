"""What was understood of a source."""

import json
from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.commands.inputs import SeriesArgument
from forecast.cli.options import JSON, SOURCE, VERBOSE, shared

# Options of `SOURCE` that an inspection takes.
SEEN = {name: SOURCE[name] for name in ("target", "date_order", "exchange", "every", "how", "fill", "offline", "wait")}


@shared(SEEN, JSON, VERBOSE)
def inspect(
    ctx: typer.Context,
    series: SeriesArgument,
    plot: Annotated[Path | None, typer.Option(help="Picture of the series, as PNG, SVG or PDF.")] = None,
) -> None:
    """What was understood of a file or ticker, and what looks wrong with it."""
    from forecast.data import sources

    found = sources.inspect(series, **{name: ctx.params[name] for name in SEEN})
    if plot is not None:
        from forecast.report.plots.series import save_inspection

        save_inspection(found, plot)
    if ctx.params["as_json"]:
        print(json.dumps(found.record()))
        return
    from forecast.cli.tables import results as tables

    tables.print_inspection(found)
