"""Walk-forward comparison of models."""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.commands.inputs import ManySeriesArguments, config_of, references_of
from forecast.cli.options import ENGINE, JSON, SETTINGS, SOURCE, VERBOSE, names_in, shared
from forecast.cli.progress import JobsBar
from forecast.errors import ConfigError, Stopped


@shared(
    SOURCE,
    {name: option for name, option in SETTINGS.items() if name not in ("task", "tensorboard")},
    ENGINE,
    JSON,
    VERBOSE,
)
def compare(
    ctx: typer.Context,
    series: ManySeriesArguments,
    models: Annotated[str | None, typer.Option(help="Models, separated by commas [lstm,gru,rnn,dense].")] = None,
    folds: Annotated[int, typer.Option(help="Folds at the end of each series.")] = 5,
    step: Annotated[int | None, typer.Option(help="Rows in a fold [the last fifth of the rows, shared out].")] = None,
    train: Annotated[
        str, typer.Option(help="expanding: learn from all rows before; rolling: from as many.")
    ] = "expanding",
    refit: Annotated[str, typer.Option(help="every, never, or a number: train at every so many cutoffs.")] = "every",
    trials: Annotated[int, typer.Option(help="Trials of a search for settings at each cutoff.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for the results [runs/compare-SERIES].")] = None,
) -> None:
    """Walk-forward test: models learn anew at each cutoff from the past alone and forecast what follows.

    Finished folds are kept: after Ctrl-C or a kill the same command goes on. Neither --jobs nor --engine
    changes the result.
    """
    from forecast.cli.tables import comparison as printing
    from forecast.evaluation import walk_forward as comparison
    from forecast.pipeline import USUAL
    from forecast.report import comparison_writer as results

    config = config_of({**ctx.params, "tensorboard": None, "task": None})
    plan = comparison.WalkForward(folds=folds, stride=step, train=train, refit=_refit(refit))  # type: ignore[arg-type]
    several, reading = references_of(series, ctx.params, config)
    folder = out or _default_folder(several)
    chosen = names_in(models) if models else [*USUAL, *(["stack"] if config.network.layers else [])]
    try:
        with JobsBar() as bar:
            found = comparison.compare(
                several,
                models=chosen,
                config=config,
                plan=plan,
                trials=trials,
                out=folder,
                jobs=ctx.params["jobs"],
                engine=ctx.params["engine"],
                tell=bar.show,
                reading=reading,
            )
    except KeyboardInterrupt:
        raise Stopped(folder) from None
    if ctx.params["as_json"]:
        print(json.dumps(results.record(found)))
        return
    printing.print_comparison(found)
    print(f"Tables, plots and folds are in {folder}")


def _refit(text: str) -> int:
    """Cutoffs from one training to the next; 0 is never."""
    number = {"every": "1", "never": "0"}.get(text, text)
    if not number.isdigit() or text == "0":
        raise ConfigError(f"`refit` must be every, never or a number of folds. Received: {text}.")
    return int(number)


def _default_folder(several: list[Any]) -> Path:
    """The same for the same series, so that a comparison is found again."""
    first = several[0] if isinstance(several[0], str) else several[0].name
    name = re.sub(r"[^A-Za-z0-9._^=-]+", "-", first).strip("-")
    return Path("runs") / (f"compare-{name}" + (f"-and-{len(several) - 1}-more" if len(several) > 1 else ""))
