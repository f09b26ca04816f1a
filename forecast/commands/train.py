"""One model over one series or many."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.commands.setup import (
    SeriesArguments,
    config_of,
    load_keras,
    load_many,
    rooms_of,
    say_interrupted,
    watch_of,
)
from forecast.options import SETTINGS, SOURCE, VERBOSE, shared
from forecast.terminal import TrainingBar


@shared(SOURCE, SETTINGS, VERBOSE)
def train(
    ctx: typer.Context,
    series: SeriesArguments,
    save: Annotated[Path, typer.Option(help="Folder for the bundle.")],
    model: Annotated[str | None, typer.Option(help="What to train; see `forecast models` [lstm].")] = None,
    start: Annotated[Path | None, typer.Option("--from", help="Saved network to go on from.")] = None,
    freeze: Annotated[bool, typer.Option("--freeze", help="With --from: train the head alone.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was killed.")] = False,
) -> None:
    """One model on the first four fifths of one series or many, saved as a bundle for `forecast predict`.

    Says how well it does on the rest of each.
    """
    from forecast import bundle, report, training

    parent = bundle.open_model(start) if start else None
    config = config_of(ctx.params, parent.config if parent else None)
    _check_start(parent, model, freeze=freeze)
    experiment, _, tables = rooms_of(config)
    bundle.check_folder(save)
    several = load_many(series, ctx.params, config)
    checkpoint = save.with_name(f"{save.name}.checkpoint")
    _clear(checkpoint, keep=resume)
    name = parent.model if parent else model or ("stack" if config.network.layers else "lstm")
    load_keras([name])
    with TrainingBar() as bar:
        watch = watch_of(bar, ctx.params, checkpoint=checkpoint)
        trained = training.train(several, name, config, watch=watch, start=parent, freeze=freeze)
    say_interrupted([trained] if trained.interrupted else [], ())
    scores = experiment.test(trained, several)
    tested = tuple(report.tested_on(one, scores[one.name], trained.config) for one in several)
    bundle.save_model(replace(trained, tested=tested), save)
    _clear(checkpoint, keep=False)
    tables.print_panel(scores)
    rows = sum(known.rows for known in trained.trained_on)
    print(f"{name} was trained on {rows:,} rows of {len(several)} series in {trained.seconds:.1f} s and is in {save}")


def _check_start(parent: Any, model: str | None, *, freeze: bool) -> None:
    """Refuses options that contradict the network that a training goes on from."""
    from forecast.errors import ConfigError

    if freeze and parent is None:
        raise ConfigError("--freeze needs --from, the network whose layers stay as they are.")
    if parent is not None and model not in (None, parent.model):
        raise ConfigError(f"--from goes on with the model of the bundle, {parent.model}. Received: --model {model}.")


def _clear(folder: Path, *, keep: bool) -> None:
    """Removes the checkpoints of a training that came to its end, or that is begun anew."""
    if keep or not folder.exists():
        return
    import shutil

    shutil.rmtree(folder)
