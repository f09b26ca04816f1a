"""One model over one series or many."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.commands.inputs import (
    ManySeriesArguments,
    callbacks_of,
    config_of,
    expanded,
    load_keras,
    load_readable,
    say_interrupted,
)
from forecast.cli.options import SETTINGS, SOURCE, VERBOSE, shared
from forecast.cli.progress import TrainingBar, counted


@shared(SOURCE, SETTINGS, VERBOSE)
def train(
    ctx: typer.Context,
    series: ManySeriesArguments,
    save: Annotated[Path, typer.Option(help="Folder for the bundle.")],
    model: Annotated[str | None, typer.Option(help="What to train; see `forecast models` [lstm].")] = None,
    start: Annotated[Path | None, typer.Option("--from", help="Saved network to go on from.")] = None,
    freeze: Annotated[bool, typer.Option("--freeze", help="With --from: train the head alone.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was killed.")] = False,
    workers: Annotated[
        int | None, typer.Option(help="Processes that train one network together, each on a part of the series.", min=1)
    ] = None,
) -> None:
    """One model on the first four fifths of one series or many, saved as a bundle for `forecast predict`.

    Says how well it does on the rest of each. A series that cannot be read is named and left out. With --workers, each
    process reads its part of the series; where the variable TF_CONFIG names workers, this is one of them.
    """
    to_start = _workers_to_start(workers)
    from forecast.data.covariates import names_of
    from forecast.inference import bundle
    from forecast.training import train as training

    parent = bundle.open_model(start) if start else None
    config = config_of(ctx.params, parent.config if parent else None)
    _check_start(parent, model, freeze=freeze)
    bundle.check_folder(save)
    references = expanded(series, ctx.params)
    bundle.check_size(len(references), columns=sum(map(len, names_of(config.inputs, ""))))
    name = parent.model if parent else model or ("stack" if config.network.layers else "lstm")
    checkpoint = save.with_name(f"{save.name}.checkpoint")
    with _group(to_start, name, config, {"--from": start, "--resume": resume}, references) as group:
        several, unread = load_readable(group.share(references), ctx.params, config, group)
        load_keras([name])
        _clear(checkpoint, keep=resume or group.rank > 0)
        with TrainingBar() as bar:
            callbacks = callbacks_of(bar, ctx.params, checkpoint=checkpoint if group.size == 1 else None)
            callbacks = callbacks if group.rank == 0 else None
            trained = training.train(
                several, name, config, callbacks=callbacks, start=parent, freeze=freeze, group=group
            )
        say_interrupted([trained] if trained.interrupted else [], ())
        scores, trained = _tested(trained, several, group)
        (left_out,) = group.sum([unread])
        if group.rank == 0:
            bundle.save_model(trained, save)
            _clear(checkpoint, keep=False)
            _print(name, trained, scores, save)
    if left_out and group.rank == 0:
        raise typer.Exit(1)


def _workers_to_start(workers: int | None) -> int:
    """How many processes this one starts beside itself and divides the cores with, if it is not one of some already."""
    from forecast.errors import ConfigError
    from forecast.runtime.distributed import launch as machine

    named = len(machine.named()[1])
    if named > 1 and workers not in (None, named):
        raise ConfigError(f"--workers must be as many as {machine.VARIABLE} names, {named}. Received: {workers}.")
    if named > 1 or not workers or workers == 1:
        return 1
    machine.divide_cores(workers)
    return workers


@contextmanager
def _group(count: int, name: str, config: Any, others: Mapping[str, Any], references: list[str]) -> Iterator[Any]:
    """The processes that train together, from their start to their end; mostly this one by itself."""
    from forecast.errors import ConfigError
    from forecast.runtime import devices
    from forecast.runtime.distributed import launch as workers
    from forecast.runtime.distributed import process_group as group
    from forecast.training import train as training

    size = max(count, len(workers.named()[1]))
    if size == 1:
        yield group.SINGLE_PROCESS
        return
    if given := [option for option, value in others.items() if value]:
        raise ConfigError(f"workers train a new network from its start, without {given[0]}. Leave one of them out.")
    training.check_group(name, config)
    if len(references) < size:
        raise ConfigError(f"each worker needs a series of its own. Received: {size} workers, {len(references)} series.")
    with ExitStack() as stack:
        if count > 1:
            command = [sys.executable, "-m", "forecast", *sys.argv[1:]]
            stack.enter_context(workers.started(count, command))
        devices.load_keras()
        together = group.join()
        _check_alike(together, references)
        yield together
        together.part()


def _check_alike(group: Any, references: list[str]) -> None:
    """Refuses workers that would train on other series than worker 0."""
    import hashlib

    from forecast.errors import ConfigError

    seen = group.collect([hashlib.sha256("\n".join(references).encode()).hexdigest()])
    if len(set(seen)) > 1:
        raise ConfigError(
            f"all workers must find the same series. Worker {group.rank} found {len(references)}, others found "
            "different ones. Give them the same files under the same paths."
        )


def _tested(trained: Any, several: list[Any], group: Any) -> tuple[dict[str, Any], Any]:
    """The scores of the series of all processes by name, and the model with what a bundle says of them."""
    from forecast.evaluation import holdout as experiment
    from forecast.report import writer as report

    scores = {one.name: experiment.test(trained, one) for one in counted(several, "tests", len(several))}
    tested = group.collect([report.tested_on(one, scores[one.name], trained.config) for one in several])
    if group.size > 1:
        from forecast.evaluation.scores import Scores

        found = group.collect([(name, asdict(one)) for name, one in scores.items()])
        scores = {name: Scores(**one) for name, one in found}
    return scores, replace(trained, tested=tuple(tested))


def _print(name: str, trained: Any, scores: dict[str, Any], save: Path) -> None:
    from forecast.cli.tables.results import print_panel

    print_panel(scores, task=trained.config.task)
    rows = sum(known.rows for known in trained.trained_on)
    series = len(trained.trained_on)
    print(f"{name} was trained on {rows:,} rows of {series} series in {trained.seconds:.1f} s and is in {save}")


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
