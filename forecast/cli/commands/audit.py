"""Audit a model for leakage."""

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
    model: Annotated[str | None, typer.Option(help="Model to audit; see `forecast models` [lstm].")] = None,
) -> None:
    """Garble, shift, permute and mirror later rows: does any forecast made before them change?

    Exit status 1 if one does. To audit a forecaster of your own, use `forecast.audit` in Python.
    """
    from forecast.cli.tables.results import print_audit
    from forecast.evaluation.leakage import audit_model

    config = config_of(ctx.params)
    name = model or ("stack" if config.network.layers else "lstm")
    loaded = load_one(series, ctx.params, config)
    load_keras([name])
    found = audit_model(loaded, name, config)
    if ctx.params["as_json"]:
        print(json.dumps({"model": name, **asdict(found), "sentence": found.sentence}))
    else:
        print_audit(found)
    if found.leak:
        raise typer.Exit(1)
