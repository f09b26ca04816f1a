"""Forecasts from a saved model."""

import json
from pathlib import Path
from typing import Annotated

import typer

from forecast.commands.setup import SeriesArgument, load_one, rooms_of
from forecast.options import JSON, SOURCE, VERBOSE, shared


@shared(SOURCE, JSON, VERBOSE)
def predict(
    ctx: typer.Context,
    series: SeriesArgument,
    model: Annotated[Path, typer.Option(help="Folder of a saved model.")],
) -> None:
    """The coming steps of any series from a saved model, without training and without TensorFlow."""
    from forecast import bundle

    trained = bundle.open_model(model)
    experiment, report, tables = rooms_of(trained.config)
    forecast = experiment.forecast(trained, load_one(series, ctx.params, trained.config))
    if ctx.params["as_json"]:
        print(json.dumps(report.forecast_record(forecast)))
        return
    tables.print_forecast(forecast)
