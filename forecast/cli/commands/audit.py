"""The leak audit of a model."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from forecast.cli.commands.inputs import SeriesArgument, config_of, load_keras, load_one
from forecast.cli.options import CONFIG, JSON, SOURCE, VERBOSE, shared


@shared(SOURCE, CONFIG, JSON, VERBOSE)
def audit(
    ctx: typer.Context,
    series: SeriesArgument,
    model: Annotated[str | None, typer.Option(help="What to audit; see `forecast models` [lstm].")] = None,
) -> None:
    """Garble, shift, permute and mirror later rows: does any forecast made before them change?

    Exit status 1 if one does. For a forecaster of your own there is `forecast.audit` in Python.
    """
    from forecast.cli.tables import results as tables
    from forecast.evaluation import leakage as leaks

    config = config_of(ctx.params)
    name = model or ("stack" if config.network.layers else "lstm")
    loaded = load_one(series, ctx.params, config)
    load_keras([name])
    found = leaks.audit_model(loaded, name, config)
    if ctx.params["as_json"]:
        print(json.dumps({"model": name, **asdict(found), "sentence": found.sentence}))
    else:
        tables.print_audit(found)
    if found.leak:
        raise typer.Exit(1)
