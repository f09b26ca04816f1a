"""What was understood of a source."""

from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.commands.inputs import SeriesArgument
from forecast.cli.json_output import print_json
from forecast.cli.options import SOURCE, shared

# Options of `SOURCE` that an inspection takes.
SEEN = {name: SOURCE[name] for name in ("target", "date_order", "exchange", "every", "how", "fill", "offline", "wait")}


@shared(SEEN)
def inspect(
    ctx: typer.Context,
    series: SeriesArgument,
    plot: Annotated[Path | None, typer.Option(help="Picture of the series, as PNG, SVG or PDF.")] = None,
) -> None:
    """Show what was understood of a file or ticker.

    And what looks wrong with it.

    Example: forecast inspect data/sea_temperature.csv
    """
    from forecast.data import sources

    found = sources.inspect(series, **{name: ctx.params[name] for name in SEEN})
    if plot is not None:
        from forecast.report.plots.series import save_inspection

        save_inspection(found, plot)
    if ctx.params["as_json"]:
        print_json(found.record())
        return
    from forecast.cli.tables import sources as tables

    tables.print_inspection(found)
