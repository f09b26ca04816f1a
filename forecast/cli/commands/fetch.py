"""Prices from Yahoo Finance."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from forecast.cli.options import JSON, SOURCE, VERBOSE, shared
from forecast.cli.progress import say


@shared({name: SOURCE[name] for name in ("offline", "wait")}, JSON, VERBOSE)
def fetch(
    ctx: typer.Context,
    tickers: Annotated[list[str], typer.Argument(metavar="TICKER...", help="As on Yahoo: AAPL ^GSPC BTC-USD.")],
    start: Annotated[str | None, typer.Option(help="First date, as in 2020-01-31 [the first there is].")] = None,
    end: Annotated[str | None, typer.Option(help="First date that is not wanted any more [none].")] = None,
    interval: Annotated[str, typer.Option(help="1m, 2m, 5m, 15m, 30m, 60m, 90m, 1h, 1d, 1wk, 1mo or 3mo.")] = "1d",
) -> None:
    """Download prices from Yahoo Finance into the copies on disk that all commands use."""
    from forecast.data.sources.yahoo import tickers as yahoo

    results = []
    how = {name: ctx.params[name] for name in ("offline", "wait")}
    for result in yahoo.fetch(tickers, start=start, end=end, interval=interval, **how):
        results.append(result)
        for line in (f"{result.ticker}: {note}." for note in result.notes):
            say(line)
        if result.error:
            say(f"forecast: {result.error}")
    if ctx.params["as_json"]:
        print(json.dumps([asdict(result) for result in results]))
    else:
        from forecast.cli.tables import results as tables

        tables.print_fetched(results)
    if any(result.error for result in results):
        raise typer.Exit(1)
