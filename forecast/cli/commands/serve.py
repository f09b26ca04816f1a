"""The page and the interface for programs."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.json_output import print_json
from forecast.cli.options import shared
from forecast.cli.progress import say


@shared()
def serve(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Option(help="Folder for series, models, runs and jobs.", file_okay=False)] = Path(
        "workspace"
    ),
    host: Annotated[str, typer.Option(help="Address to listen on; beyond this machine with a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 for any that is free.")] = 8000,
    name: Annotated[
        list[str] | None, typer.Option(help="Further name that the server is asked by; may be repeated.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that answer.")] = 1,
    jobs: Annotated[int, typer.Option(help="Trainings side by side; others wait.")] = 1,
    offline: Annotated[bool, typer.Option("--offline", help="Read tickers from copies on disk only.")] = False,
    log_format: Annotated[str, typer.Option(help="text, or json: each request as a line of JSON.")] = "text",
) -> None:
    """Serve a page and an interface for programs on this machine.

    A box for a file or a ticker, its forecast at once, trainings in the background, saved models and runs. Beyond this
    machine (--host) requests need a token: the one in FORECAST_TOKEN, or a new one, which is printed once.

    Example: forecast serve
    """
    from forecast.serve.security import new_token
    from forecast.serve.server import serve as run_server
    from forecast.serve.settings import ServerSettings, is_loopback

    given = os.environ.pop("FORECAST_TOKEN", "")
    token = given or ("" if is_loopback(host) else new_token())
    settings = ServerSettings(
        folder=str(folder),
        host=host,
        port=port,
        token=token,
        names=tuple(one.casefold() for one in name or ()),
        workers=workers,
        jobs=jobs,
        offline=offline,
        log_format=log_format,  # type: ignore[arg-type]
    )

    def tell(address: str) -> None:
        if ctx.params["as_json"]:
            print_json({"address": address, "folder": str(settings.place)})
            sys.stdout.flush()
        say(f"forecast serves {settings.place} at {address}; Ctrl-C ends it.")
        if token and not given:
            say(f"The token, shown once: {token}. In a browser: {address}/?token={token}")

    run_server(settings, tell=tell)
