"""What can be trained."""

import typer

from forecast.cli.json_output import print_json
from forecast.cli.options import shared


@shared()
def models(ctx: typer.Context) -> None:
    """List the models.

    Example: forecast models
    """
    from forecast.models import MODELS

    if ctx.params["as_json"]:
        print_json({name: model.summary for name, model in MODELS.items()})
        return
    from forecast.cli.tables import results as tables

    tables.print_models(MODELS.values())
