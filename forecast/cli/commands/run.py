"""The whole job."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from forecast.cli.commands.inputs import (
    SeriesArgument,
    callbacks_of,
    config_of,
    load_targets,
    say_interrupted,
)
from forecast.cli.json_output import print_json
from forecast.cli.options import CONFIG, SOURCE, TASK, TENSORBOARD, WIDE, complete_models, names_in, shared
from forecast.cli.progress import TrainingBar, note

if TYPE_CHECKING:
    from forecast.config import ExperimentConfig
    from forecast.evaluation.holdout import Experiment
    from forecast.evaluation.run_plan import RunPlan
    from forecast.runtime.parallel.standby import Standby

# Processes that train networks where nobody names models, of which four are networks.
MOST = 4


@shared(SOURCE, CONFIG, TASK, TENSORBOARD, WIDE)
def run(
    ctx: typer.Context,
    series: SeriesArgument,
    models: Annotated[
        str | None,
        typer.Option(
            help="Models to train, separated by commas [pretrained,lstm,gru,rnn,dense,linear; prices: garch,har; "
            "others: finetuned].",
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
    chosen, config = names_in(models) if models else None, config_of(ctx.params)
    with _trainers(chosen) as trainers:
        results, folder = _run(series, chosen, config, out, ctx.params, trainers, overwrite=overwrite)
    say_interrupted([model for model in results[0].models.values() if model.interrupted], results[0].skipped)
    _show(results, folder, ctx.params)


def _run(
    series: str,
    models: list[str] | None,
    config: "ExperimentConfig",
    out: Path | None,
    options: dict[str, Any],
    trainers: "Standby | None",
    *,
    overwrite: bool,
) -> "tuple[list[Experiment], Path]":
    """Do what the command does; the result of each target, and where they were written."""
    from forecast import pipeline
    from forecast.evaluation.joint import plan_together
    from forecast.evaluation.run_plan import plan_run, usual_models
    from forecast.evaluation.tasks import task_of
    from forecast.report import joint_writer, writer
    from forecast.runtime import devices

    task_of(config).names(models or usual_models(config), config)  # an unknown name is an error at once
    if trainers:
        trainers.load(devices.load_keras)
    loaded = load_targets(series, options, config)
    folder, first = out or writer.default_folder(loaded[0].name), loaded[0]
    if len(loaded) > 1:
        plans = plan_together(loaded, models, config)
        joint_writer.check_folder(folder, plans, overwrite=overwrite)
    else:
        writer.check_folder(folder)
        plans = (plan_run(first, models, config),)
        writer.check_kept(folder, first, plans[0].models, overwrite=overwrite)
    cautions = dict.fromkeys(caution for plan in plans for caution in plan.cautions)
    for caution in cautions:
        note(caution)
    if trainings := _trainings(plans[0]):
        plans = tuple(map(_answer_at_once, plans))
    with TrainingBar(trainings) as bar:
        keywords: dict[str, Any] = {"out": folder, "overwrite": overwrite, "trainers": trainers}
        keywords["callbacks"] = callbacks_of(bar, options, checkpoint=None)
        if len(plans) > 1:
            results = list(pipeline.run_together(plans, **keywords).targets.values())
        else:
            results = [pipeline.run(plans[0], **keywords)]
    for caution in dict.fromkeys(caution for result in results for caution in result.cautions):
        if caution not in cautions:
            note(caution)
    return results, folder


def _show(results: "list[Experiment]", folder: Path, options: dict[str, Any]) -> None:
    from forecast.report import writer

    if options["as_json"]:
        records = {one.series.target: writer.run_record(one) for one in results}
        print_json({"targets": records} if len(results) > 1 else writer.run_record(results[0]))
    elif len(results) > 1:
        _print_together(results, folder, wide=options["wide"])
    else:
        _print(results[0], folder, wide=options["wide"])


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


@contextmanager
def _trainers(models: list[str] | None) -> "Iterator[Standby | None]":
    """Processes for the networks among the models, one a core, which load their libraries from now on.

    One for all on a GPU; none in a process that is one of many itself.
    """
    from forecast.config import Cell
    from forecast.runtime.parallel import cores
    from forecast.runtime.parallel.jobs import MARK
    from forecast.runtime.parallel.standby import standby

    networks = MOST if models is None else sum(name.casefold() in (*get_args(Cell), "stack") for name in models)
    if not networks or MARK in os.environ:
        yield None
        return
    with standby(1 if any(Path("/dev").glob("nvidia[0-9]*")) else min(networks, cores())) as started:
        yield started


def _answer_at_once(plan: "RunPlan") -> "RunPlan":
    """Tell the forecast of the network that needs no training, while others are trained; the plan with its test."""
    from forecast.cli.tables.forecasts import line_of
    from forecast.evaluation.train_all import with_test
    from forecast.inference.forecasts import next_steps

    if "pretrained" not in plan.models:
        return plan
    plan, series = with_test(plan, "pretrained"), plan.dataset.series
    found = next_steps("pretrained", plan.tests["pretrained"][0].quantiles[-1], series)
    name = f"{series.name}, {series.target}" if plan.dataset.config.inputs.joint else series.name
    note(f"{name}, forecast without training: {line_of(found)}. Networks are trained and tested now.")
    return plan


def _trainings(plan: "RunPlan") -> int:
    """How many networks are trained."""
    from forecast.models import find_model

    networks = sum(find_model(name).is_network for name in plan.models)
    return networks * plan.dataset.config.training.seeds
