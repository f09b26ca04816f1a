"""What a saved model is."""

import json
from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.options import JSON, VERBOSE, shared


@shared(JSON, VERBOSE)
def show(
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(metavar="DIR", help="Folder or zip file of a saved model.")],
) -> None:
    """The card of a saved model: what it is, what it was trained on and how, and how good it was."""
    from forecast.inference import bundle

    if ctx.params["as_json"]:
        print(json.dumps(bundle.read_description(model)))
        return
    from forecast.inference.bundle.card import card

    print("\n".join(card(model)))
