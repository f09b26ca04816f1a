"""What a saved model does with a series."""

from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.commands.inputs import SeriesArgument, load_one
from forecast.cli.json_output import print_json
from forecast.cli.options import SOURCE, shared


@shared(SOURCE)
def explain(
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a saved model.")],
    series: SeriesArgument,
    plot: Annotated[Path | None, typer.Option(help="Picture of all of it, as PNG, SVG or PDF.")] = None,
) -> None:
    """Show what the forecast of a saved model depends on.

    Its gates over time, the rows that count, what each part adds.

    Without TensorFlow; each of the last rows is hidden in turn, which takes some seconds where the model sees many.

    Example: forecast explain models/sp500 data/sp500.csv --plot why.png
    """
    from forecast.inference import bundle
    from forecast.inference import explain as explanation

    trained = bundle.open_model(model)
    found = explanation.explain(trained, load_one(series, ctx.params, trained.config))
    if plot is not None:
        from forecast.report.plots.explanation import save_explanation

        save_explanation(found, plot)
    from forecast.cli.tables import explanation as printing

    if ctx.params["as_json"]:
        print_json(printing.explanation_record(found))
        return
    printing.print_explanation(found)
