"""The whole job."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.commands.inputs import (
    SeriesArgument,
    callbacks_of,
    config_of,
    load_keras,
    load_one,
    say_interrupted,
)
from forecast.cli.json_output import print_json
from forecast.cli.options import CONFIG, SOURCE, TASK, TENSORBOARD, WIDE, complete_models, names_in, shared
from forecast.cli.progress import TrainingBar, note

if TYPE_CHECKING:
    from forecast.evaluation.run_plan import RunPlan


@shared(SOURCE, CONFIG, TASK, TENSORBOARD, WIDE)
def run(
    ctx: typer.Context,
    series: SeriesArgument,
    models: Annotated[
        str | None,
        typer.Option(
            help="Models to train, separated by commas [pretrained,lstm,gru,rnn,dense,linear; prices: garch,har].",
            autocompletion=complete_models,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results [runs/SERIES-DATE].")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace --out even if models of another run in it are lost.")
    ] = False,
) -> None:
    """Train and test models on a series, and forecast what comes.

    The whole job: load, train, test on rows never seen, compare, plot, forecast, save.

    Ctrl-C ends the training, keeps the best weights so far and goes on to the test; a second Ctrl-C stops.

    Example: forecast run data/sp500.csv --unit points --models lstm,linear
    """
    from forecast import pipeline
    from forecast.cli.tables import forecasts, results
    from forecast.cli.tables.layout import print_paragraph, print_sentences
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
        note(caution)
    writer.get_ready()
    load_keras(list(plan.models))
    with TrainingBar(_trainings(plan)) as bar:
        callbacks = callbacks_of(bar, ctx.params, checkpoint=None)
        result = pipeline.run(plan, out=folder, overwrite=overwrite, callbacks=callbacks)
    for caution in result.cautions[len(plan.cautions) :]:
        note(caution)
    say_interrupted([model for model in result.models.values() if model.interrupted], result.skipped)
    if ctx.params["as_json"]:
        print_json(writer.run_record(result))
        return
    results.print_scores(result, wide=ctx.params["wide"])
    results.print_risks(result)
    print_sentences([""])
    forecasts.print_forecasts(results.by_score(list(result.forecasts.values()), result.scores, config.task))
    print_paragraph([f"Tables, plots, models and report.html are in {folder}", result.bottom_line])


def _trainings(plan: "RunPlan") -> int:
    """How many networks are trained."""
    from forecast.models import find_model

    networks = sum(find_model(name).is_network for name in plan.models)
    return networks * plan.dataset.config.training.seeds
