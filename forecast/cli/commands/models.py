"""What can be trained."""

import json

import typer

from forecast.cli.options import JSON, VERBOSE, shared


@shared(JSON, VERBOSE)
def models(ctx: typer.Context) -> None:
    """What can be trained and tested."""
    from forecast.models import MODELS

    if ctx.params["as_json"]:
        print(json.dumps({name: model.summary for name, model in MODELS.items()}))
        return
    from forecast.cli.tables import results as tables

    tables.print_models(MODELS.values())
