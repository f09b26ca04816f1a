"""Judge forecasts that others made."""

from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.json_output import print_json
from forecast.cli.options import SOURCE, WIDE, shared
from forecast.cli.progress import note


@shared(SOURCE, WIDE)
def judge(
    ctx: typer.Context,
    forecasts: Annotated[
        Path, typer.Argument(metavar="FORECASTS", help="CSV or Parquet file: a row a date, a column a model.")
    ],
    actuals: Annotated[
        str, typer.Argument(metavar="ACTUALS", help="The series with its past: a file, FILE:NAME, FILE:*, or a ticker.")
    ],
    step: Annotated[
        int | None,
        typer.Option(help="Rows ahead that each forecast was made, in a table without cutoffs [all at once].", min=1),
    ] = None,
    name: Annotated[str, typer.Option(help="The model's name, where the table has none.")] = "model",
) -> None:
    """Score the forecasts of any program beside naive.

    Scores, a verdict on each model, whether it repeats the last value, and calibration where there are quantiles. The
    columns are those of statsforecast, neuralforecast, Prophet, Chronos, or of this program: a date (ds), maybe
    unique_id and cutoff, and a column a model with its intervals (lstm, lstm-lo-90, lstm-hi-90).

    Example: forecast judge forecasts.csv data/sp500.csv
    """
    from forecast.cli.tables.judgement import print_judgement
    from forecast.evaluation.score_forecasts import score

    found = score(actuals, forecasts, step=step, name=name, **{name: ctx.params[name] for name in SOURCE})
    for sentence in found.notes:
        note(f"{forecasts}: {sentence}.")
    if ctx.params["as_json"]:
        print_json(found.record())
    else:
        print_judgement(found, wide=ctx.params["wide"])
    if found.errors:
        raise typer.Exit(1)
