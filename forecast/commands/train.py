"""One model over one series or many."""

from pathlib import Path
from typing import Annotated

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
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was killed.")] = False,
) -> None:
    """One model on the first four fifths of one series or many, saved as a bundle for `forecast predict`.

    Says how well it does on the rest of each.
    """
    from forecast import bundle, training

    config = config_of(ctx.params)
    experiment, _, tables = rooms_of(config)
    bundle.check_folder(save)
    several = load_many(series, ctx.params, config)
    checkpoint = save.with_name(f"{save.name}.checkpoint")
    _clear(checkpoint, keep=resume)
    name = model or ("stack" if config.network.layers else "lstm")
    load_keras([name])
    with TrainingBar() as bar:
        trained = training.train(several, name, config, watch=watch_of(bar, ctx.params, checkpoint=checkpoint))
    say_interrupted([trained] if trained.interrupted else [], ())
    bundle.save_model(trained, save)
    _clear(checkpoint, keep=False)
    tables.print_panel(experiment.test(trained, several))
    rows = sum(known.rows for known in trained.trained_on)
    print(f"{name} was trained on {rows:,} rows of {len(several)} series in {trained.seconds:.1f} s and is in {save}")


def _clear(folder: Path, *, keep: bool) -> None:
    """Removes the checkpoints of a training that came to its end, or that is begun anew."""
    if keep or not folder.exists():
        return
    import shutil

    shutil.rmtree(folder)
