"""A saved network for other runtimes."""

from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.commands.inputs import load_keras
from forecast.cli.options import VERBOSE, shared


@shared(VERBOSE)
def export(
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(metavar="DIR", help="Folder or zip file of a saved network.")],
    kind: Annotated[str, typer.Option("--format", help="saved_model, onnx or litert.")],
    out: Annotated[Path | None, typer.Option(help="Folder or file to write [MODEL.onnx and so on].")] = None,
) -> None:
    """The network of a saved model for TensorFlow Serving, ONNX Runtime or LiteRT, checked there on random inputs."""
    from forecast.inference import bundle
    from forecast.inference.bundle import exporting

    trained = bundle.open_model(model)
    exporting.check_format(kind)
    load_keras([trained.model])
    path = out or Path(f"{model.stem}{exporting.ENDINGS[kind]}")
    difference = exporting.export(trained, kind, path)
    print(f"{trained.model} is in {path}; on random inputs it differs from Keras by {difference:.1e} of the outputs.")
    print(exporting.usage(trained))
