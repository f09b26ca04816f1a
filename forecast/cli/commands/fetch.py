"""Prices from Yahoo Finance."""

from dataclasses import asdict
from typing import Annotated

import typer

from forecast.cli.json_output import print_json
from forecast.cli.options import SOURCE, shared
from forecast.cli.progress import note, say


@shared({name: SOURCE[name] for name in ("offline", "wait")})
def fetch(
    ctx: typer.Context,
    tickers: Annotated[list[str], typer.Argument(metavar="TICKER...", help="As on Yahoo: AAPL ^GSPC BTC-USD.")],
    start: Annotated[str | None, typer.Option(help="First date, as in 2020-01-31 [the first there is].")] = None,
    end: Annotated[str | None, typer.Option(help="First date that is not wanted any more [none].")] = None,
    interval: Annotated[str, typer.Option(help="1m, 2m, 5m, 15m, 30m, 60m, 90m, 1h, 1d, 1wk, 1mo or 3mo.")] = "1d",
) -> None:
    """Download prices from Yahoo Finance.

    They go into the copies on disk that all commands use.

    Example: forecast fetch AAPL MSFT ^GSPC
    """
    from forecast.data.sources.yahoo import tickers as yahoo

    results = []
    how = {name: ctx.params[name] for name in ("offline", "wait")}
    for result in yahoo.fetch(tickers, start=start, end=end, interval=interval, **how):
        results.append(result)
        for line in (f"{result.ticker}: {one}." for one in result.notes):
            note(line)
        if result.error:
            say(f"forecast: {result.error}")
    if ctx.params["as_json"]:
        print_json([asdict(result) for result in results])
    else:
        from forecast.cli.tables import sources as tables

        tables.print_fetched(results)
    if any(result.error for result in results):
        raise typer.Exit(1)
