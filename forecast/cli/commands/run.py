"""The whole job."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.commands.inputs import (
    SeriesArgument,
    callbacks_of,
    config_of,
    load_keras,
    load_targets,
    say_interrupted,
)
from forecast.cli.json_output import print_json
from forecast.cli.options import CONFIG, SOURCE, TASK, TENSORBOARD, WIDE, complete_models, names_in, shared
from forecast.cli.progress import TrainingBar, note

if TYPE_CHECKING:
    from forecast.evaluation.holdout import Experiment
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

    Of several columns, as in --target Open,High,Low,Close, each network forecasts all at once.

    Ctrl-C ends the training, keeps the best weights so far and goes on to the test; a second Ctrl-C stops.

    Example: forecast run data/sp500.csv --unit points --models lstm,linear
    """
    from forecast import pipeline
    from forecast.evaluation.joint import plan_together
    from forecast.evaluation.run_plan import plan_run, usual_models
    from forecast.evaluation.tasks import task_of
    from forecast.report import joint_writer, writer

    config = config_of(ctx.params)
    chosen = names_in(models) if models else None
    task_of(config).names(chosen or usual_models(config), config)  # an unknown name is an error at once
    loaded = load_targets(series, ctx.params, config)
    folder, first = out or writer.default_folder(loaded[0].name), loaded[0]
    if len(loaded) > 1:
        plans = plan_together(loaded, chosen, config)
        joint_writer.check_folder(folder, plans, overwrite=overwrite)
    else:
        writer.check_folder(folder)
        plans = (plan_run(first, chosen, config),)
        writer.check_kept(folder, first, plans[0].models, overwrite=overwrite)
    cautions = dict.fromkeys(caution for plan in plans for caution in plan.cautions)
    for caution in cautions:
        note(caution)
    writer.get_ready()
    load_keras(list(plans[0].models))
    with TrainingBar(_trainings(plans[0])) as bar:
        callbacks = callbacks_of(bar, ctx.params, checkpoint=None)
        if len(plans) > 1:
            together = pipeline.run_together(plans, out=folder, overwrite=overwrite, callbacks=callbacks)
            results = list(together.targets.values())
        else:
            results = [pipeline.run(plans[0], out=folder, overwrite=overwrite, callbacks=callbacks)]
    for caution in dict.fromkeys(caution for result in results for caution in result.cautions):
        if caution not in cautions:
            note(caution)
    interrupted = [model for model in results[0].models.values() if model.interrupted]
    say_interrupted(interrupted, results[0].skipped)
    if ctx.params["as_json"]:
        records = {one.series.target: writer.run_record(one) for one in results}
        print_json({"targets": records} if len(results) > 1 else records[first.target])
    elif len(results) > 1:
        _print_together(results, folder, wide=ctx.params["wide"])
    else:
        _print(results[0], folder, wide=ctx.params["wide"])


def _print(result: "Experiment", folder: Path, *, wide: bool) -> None:
    from forecast.cli.tables import forecasts, results
    from forecast.cli.tables.layout import print_paragraph, print_sentences

    results.print_scores(result, wide=wide)
    results.print_risks(result)
    print_sentences([""])
    ordered = results.by_score(list(result.forecasts.values()), result.scores, result.config.task)
    forecasts.print_forecasts(ordered)
    print_paragraph([f"Tables, plots, models and report.html are in {folder}", result.bottom_line])


def _print_together(found: "list[Experiment]", folder: Path, *, wide: bool) -> None:
    """Scores and verdicts of each target, and the coming steps of its best model."""
    from forecast.cli.tables import forecasts, results
    from forecast.cli.tables.layout import print_paragraph, print_sentences

    for result in found:
        results.print_scores(result, wide=wide, target=result.series.target)
        print_sentences([""])
    best = [results.by_score(list(one.forecasts.values()), one.scores)[0] for one in found]
    forecasts.print_targets(dict(zip((one.series.target for one in found), best, strict=True)))
    lines = [f"{one.series.target}: {one.bottom_line}" for one in found]
    print_paragraph([f"Tables, plots, models and report.html of each target are in {folder}", *lines])


def _trainings(plan: "RunPlan") -> int:
    """How many networks are trained."""
    from forecast.models import find_model

    networks = sum(find_model(name).is_network for name in plan.models)
    return networks * plan.dataset.config.training.seeds
