"""Audit a model for leakage."""

from dataclasses import asdict
from typing import Annotated

import typer

from forecast.cli.commands.inputs import SeriesArgument, config_of, load_keras, load_one, model_of
from forecast.cli.json_output import print_json
from forecast.cli.options import CONFIG, SOURCE, complete_models, shared


@shared(SOURCE, CONFIG)
def audit(
    ctx: typer.Context,
    series: SeriesArgument,
    model: Annotated[
        str | None, typer.Option(help="Model to audit; see `forecast models` [lstm].", autocompletion=complete_models)
    ] = None,
) -> None:
    """Check whether forecasts change with rows that come after them.

    Later rows are garbled, shifted, permuted and mirrored: does any forecast made before them change?

    Exit status 1 if one does. To audit a forecaster of your own, use `forecast.audit` in Python.

    Example: forecast audit data/sp500.csv --model linear
    """
    from forecast.cli.tables.results import print_audit
    from forecast.evaluation.leakage import audit_model

    config = config_of(ctx.params)
    name = model_of(model, config)
    loaded = load_one(series, ctx.params, config)
    load_keras([name])
    found = audit_model(loaded, name, config)
    if ctx.params["as_json"]:
        print_json({"model": name, **asdict(found), "sentence": found.sentence})
    else:
        print_audit(found)
    if found.leak:
        raise typer.Exit(1)
