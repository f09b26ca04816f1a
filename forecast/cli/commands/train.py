"""One model over one series or many."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast.cli.commands.inputs import (
    ManySeriesArguments,
    callbacks_of,
    config_of,
    expanded,
    load_keras,
    load_readable,
    model_of,
    say_interrupted,
)
from forecast.cli.commands.workers import check_same_work, process_group, workers_to_start
from forecast.cli.json_output import print_json
from forecast.cli.options import CONFIG, SOURCE, TASK, TENSORBOARD, complete_models, shared
from forecast.cli.progress import TrainingBar, counted

if TYPE_CHECKING:
    from forecast.data.series import TimeSeries
    from forecast.evaluation.scores import Scores
    from forecast.inference.trained_model import TrainedModel


@shared(SOURCE, CONFIG, TASK, TENSORBOARD)
def train(
    ctx: typer.Context,
    series: ManySeriesArguments,
    save: Annotated[Path, typer.Option(help="Folder for the bundle.")],
    model: Annotated[
        str | None, typer.Option(help="What to train; see `forecast models` [lstm].", autocompletion=complete_models)
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", help="Saved network to go on from; scratch for random weights, of finetuned as well."),
    ] = None,
    freeze: Annotated[bool, typer.Option("--freeze", help="With --from: train the head alone.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was killed.")] = False,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that train one network together, each on a share of every batch.", min=1),
    ] = None,
) -> None:
    """Train one model on one series or many, and save it.

    It learns from the first four fifths of each series, for `forecast predict`.

    Says how well it does on the rest of each. A series that cannot be read is named and left out. With --workers, each
    process reads all series; where the variable TF_CONFIG names workers, this is one of them.

    Example: forecast train data/sp500.csv --model dense --save models/sp500
    """
    to_start = workers_to_start(workers)
    from forecast.data.covariates import names_of
    from forecast.inference import bundle
    from forecast.training import train as training

    parent = bundle.open_model(start) if start and start != training.SCRATCH else None
    begun = parent or (training.SCRATCH if start else None)
    config = config_of(ctx.params, parent.config if parent else None)
    _check_start(parent, model, freeze=freeze)
    bundle.check_folder(save)
    references = expanded(series, ctx.params)
    bundle.check_size(len(references), columns=sum(map(len, names_of(config.inputs, ""))))
    name = parent.model if parent else model_of(model, config)
    checkpoint = save.with_name(f"{save.name}.checkpoint")
    with process_group(to_start, name, config, resume=resume) as group:
        several, unread = load_readable(references, ctx.params, config)
        load_keras([name])
        check_same_work(group, several, config)
        _clear(checkpoint, keep=resume or group.rank > 0)
        with TrainingBar(config.training.seeds) as bar:
            told = callbacks_of(bar, ctx.params, checkpoint=checkpoint if group.size == 1 else None)
            callbacks = told if group.rank == 0 else None
            trained = training.train(several, name, config, callbacks=callbacks, start=begun, freeze=freeze)
    if group.rank > 0:
        return
    say_interrupted([trained] if trained.interrupted else [], ())
    scores, trained = _tested(trained, several)
    bundle.save_model(trained, save)
    _clear(checkpoint, keep=False)
    if ctx.params["as_json"]:
        print_json(_record(trained, save) | {"tested": list(trained.tested)})
    else:
        _print(trained, scores, save)
    if unread:
        raise typer.Exit(1)


def _tested(trained: "TrainedModel", several: "list[TimeSeries]") -> "tuple[dict[str, Scores], TrainedModel]":
    """The scores of each series by name, and the model with what a bundle says of them."""
    from forecast.evaluation import holdout
    from forecast.report import writer as report

    scores = {}
    for one in counted(several, "tests", len(several)):
        scores[one.name], trained = holdout.test(trained, one)
    tested = tuple(report.tested_on(one, scores[one.name], trained.config) for one in several)
    return scores, replace(trained, tested=tested)


def _record(trained: "TrainedModel", save: Path) -> dict[str, Any]:
    """What was trained on how much, and where it is, as plain JSON values."""
    rows = sum(known.rows for known in trained.trained_on)
    what = {"model": trained.model, "save": str(save), "rows": rows, "series": len(trained.trained_on)}
    return what | {"seconds": trained.seconds, "interrupted": trained.interrupted}


def _print(trained: "TrainedModel", scores: "dict[str, Scores]", save: Path) -> None:
    from forecast.cli.tables.layout import print_paragraph
    from forecast.cli.tables.results import print_panel

    print_panel(scores, task=trained.config.task)
    what = _record(trained, save)
    print_paragraph(
        [
            f"{what['model']} was trained on {what['rows']:,} rows of {what['series']} series in "
            f"{trained.seconds:.1f} s and is in {save}"
        ]
    )


def _check_start(parent: "TrainedModel | None", model: str | None, *, freeze: bool) -> None:
    """Refuses options that contradict the network that a training goes on from."""
    from forecast.errors import ConfigError

    if freeze and parent is None:
        raise ConfigError("--freeze needs --from, the network whose layers stay as they are.")
    if parent is not None and model is not None and model.casefold() != parent.model:
        raise ConfigError(f"--from goes on with the model of the bundle, {parent.model}. Received: --model {model}.")


def _clear(folder: Path, *, keep: bool) -> None:
    """Removes the checkpoints of a training that came to its end, or that is begun anew."""
    from forecast.models.neural.checkpoints import FILE
    from forecast.runtime.atomic import remove_files

    if not keep:
        remove_files(folder, FILE)
