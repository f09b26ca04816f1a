"""A saved network for other runtimes."""

from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.commands.inputs import load_keras
from forecast.cli.json_output import print_json
from forecast.cli.options import shared


@shared()
def export(
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(metavar="DIR", help="Folder or zip file of a saved network.")],
    kind: Annotated[str, typer.Option("--format", help="saved_model, onnx or litert.")],
    out: Annotated[Path | None, typer.Option(help="Folder or file to write [MODEL.onnx and so on].")] = None,
) -> None:
    """Write a network for TensorFlow Serving, ONNX Runtime or LiteRT.

    It is checked there on random inputs.

    Example: forecast export models/sp500 --format onnx
    """
    from forecast.inference import bundle
    from forecast.inference.bundle import exporting

    trained = bundle.open_model(model)
    exporting.check_format(kind)
    load_keras([trained.model])
    path = out or Path(f"{model.stem}{exporting.ENDINGS[kind]}")
    difference = exporting.export(trained, kind, path)
    if ctx.params["as_json"]:
        print_json({"model": trained.model, "format": kind, "out": str(path), "difference": float(difference)})
        return
    print(f"{trained.model} is in {path}; on random inputs it differs from Keras by {difference:.1e} of the outputs.")
    print(exporting.usage(trained))
