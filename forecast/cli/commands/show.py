"""What a saved model is."""

from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.json_output import print_json
from forecast.cli.options import shared


@shared()
def show(
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(metavar="DIR", help="Folder or zip file of a saved model.")],
) -> None:
    """Show the card of a saved model.

    What it is, what it was trained on and how, and how good it was.

    Example: forecast show models/sp500
    """
    from forecast.inference import bundle

    if ctx.params["as_json"]:
        print_json(bundle.read_description(model))
        return
    from forecast.inference.bundle.card import card

    print("\n".join(card(model)))
