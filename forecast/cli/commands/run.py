"""The whole job."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.commands.inputs import (
    SeriesArgument,
    callbacks_of,
    config_of,
    load_keras,
    load_one,
    rooms_of,
    say_interrupted,
)
from forecast.cli.options import JSON, SETTINGS, SOURCE, VERBOSE, names_in, shared
from forecast.cli.progress import TrainingBar


@shared(SOURCE, SETTINGS, JSON, VERBOSE)
def run(
    ctx: typer.Context,
    series: SeriesArgument,
    models: Annotated[
        str | None, typer.Option(help="Models to train, separated by commas [lstm,gru,rnn,dense].")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results [runs/SERIES-DATE].")] = None,
) -> None:
    """The whole job: load, train, test on rows never seen, compare, plot, forecast, save.

    Ctrl-C ends the training, keeps the best weights so far and goes on to the test; a second Ctrl-C stops.
    """
    config = config_of(ctx.params)
    experiment, report, tables = rooms_of(config)
    chosen = names_in(models) if models else [*experiment.USUAL, *(["stack"] if config.network.layers else [])]
    loaded = load_one(series, ctx.params, config)
    folder = out or report.default_folder(loaded.name)
    _check(loaded, chosen, config, folder)
    report.get_ready()
    load_keras(chosen)
    with TrainingBar() as bar:
        result = experiment.run(
            loaded, models=chosen, config=config, out=folder, callbacks=callbacks_of(bar, ctx.params, checkpoint=None)
        )
    say_interrupted([model for model in result.models.values() if model.interrupted], result.skipped)
    if ctx.params["as_json"]:
        print(json.dumps(report.run_record(result)))
        return
    tables.print_scores(result)
    tables.print_forecasts(list(result.forecasts.values()))
    print(f"Tables, plots, models and report.html are in {folder}")


def _check(series: Any, names: list[str], config: Any, folder: Path) -> None:
    """Refuses before anything is loaded, which takes seconds, what would be refused after it."""
    from forecast.data.windows import split_rows
    from forecast.models import find_model
    from forecast.report.writer import check_folder
    from forecast.training.train import resolve_defaults

    for name in names:
        find_model(name)
    check_folder(folder)
    split_rows(len(series), resolve_defaults(config, [series]))
