"""The whole job."""

import json
from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.commands.inputs import (
    SeriesArgument,
    callbacks_of,
    config_of,
    load_keras,
    load_one,
    say_interrupted,
)
from forecast.cli.options import CONFIG, JSON, SOURCE, TASK, TENSORBOARD, VERBOSE, names_in, shared
from forecast.cli.progress import TrainingBar, say


@shared(SOURCE, CONFIG, TASK, TENSORBOARD, JSON, VERBOSE)
def run(
    ctx: typer.Context,
    series: SeriesArgument,
    models: Annotated[
        str | None,
        typer.Option(help="Models to train, separated by commas [lstm,gru,rnn,dense,linear; prices: garch,har]."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results [runs/SERIES-DATE].")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace --out even if models of another run in it are lost.")
    ] = False,
) -> None:
    """The whole job: load, train, test on rows never seen, compare, plot, forecast, save.

    Ctrl-C ends the training, keeps the best weights so far and goes on to the test; a second Ctrl-C stops.
    """
    from forecast import pipeline
    from forecast.cli.tables import forecasts, results
    from forecast.evaluation.run_plan import plan_run, usual_models
    from forecast.evaluation.tasks import task_of
    from forecast.report import writer

    config = config_of(ctx.params)
    chosen = names_in(models) if models else None
    task_of(config).names(chosen or usual_models(config), config)  # an unknown name is an error at once
    loaded = load_one(series, ctx.params, config)
    folder = out or writer.default_folder(loaded.name)
    writer.check_folder(folder)
    plan = plan_run(loaded, chosen, config)
    writer.check_kept(folder, loaded, plan.models, overwrite=overwrite)
    for caution in plan.cautions:
        say(caution)
    writer.get_ready()
    load_keras(list(plan.models))
    with TrainingBar() as bar:
        callbacks = callbacks_of(bar, ctx.params, checkpoint=None)
        result = pipeline.run(plan, out=folder, overwrite=overwrite, callbacks=callbacks)
    for caution in result.cautions[len(plan.cautions) :]:
        say(caution)
    say_interrupted([model for model in result.models.values() if model.interrupted], result.skipped)
    if ctx.params["as_json"]:
        print(json.dumps(writer.run_record(result)))
        return
    results.print_scores(result)
    results.print_risks(result)
    forecasts.print_forecasts(list(result.forecasts.values()))
    print(f"Tables, plots, models and report.html are in {folder}")
    print(result.bottom_line)
