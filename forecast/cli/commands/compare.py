"""Compare models over folds and series."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.commands.inputs import ManySeriesArguments, config_of, references_of
from forecast.cli.json_output import print_json
from forecast.cli.options import CONFIG, ENGINE, SOURCE, WIDE, complete_models, names_in, shared
from forecast.cli.progress import JobsBar
from forecast.errors import ConfigError, Stopped
from forecast.runtime.names import slug

if TYPE_CHECKING:
    from forecast.data.series import TimeSeries


@shared(SOURCE, CONFIG, ENGINE, WIDE)
def compare(
    ctx: typer.Context,
    series: ManySeriesArguments,
    models: Annotated[
        str | None,
        typer.Option(help="Models, separated by commas [as of run].", autocompletion=complete_models),
    ] = None,
    folds: Annotated[int, typer.Option(help="Folds at the end of each series.")] = 5,
    step: Annotated[int | None, typer.Option(help="Rows in a fold [the last fifth of the rows, shared out].")] = None,
    train: Annotated[str, typer.Option(help="expanding: train on all rows before; rolling: on as many.")] = "expanding",
    refit: Annotated[str, typer.Option(help="every, never, or a number: train at every so many cutoffs.")] = "every",
    trials: Annotated[int, typer.Option(help="Tuning trials at each cutoff.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for the results [runs/compare-SERIES].")] = None,
) -> None:
    """Test models at several cutoffs, over one series or many.

    Walk-forward test: models are trained anew at each cutoff, on the past alone, and forecast what follows.

    Finished trainings are kept: after Ctrl-C or a kill the same command continues. Neither --jobs nor --engine
    changes the result.

    Example: forecast compare "data/stock_price.csv:*" --models linear --folds 3
    """
    from forecast import pipeline
    from forecast.cli.tables.comparison import print_comparison
    from forecast.cli.tables.layout import print_paragraph
    from forecast.evaluation.walk_forward import WalkForward
    from forecast.report.comparison_writer import record

    config = config_of(ctx.params)
    plan = WalkForward(folds=folds, stride=step, train=train, refit=_refit(refit))  # type: ignore[arg-type]
    several, load_options = references_of(series, ctx.params, config)
    folder = out or _default_folder(several)
    chosen = names_in(models) if models else None
    try:
        with JobsBar() as bar:
            comparison = pipeline.compare(
                several,
                models=chosen,
                config=config,
                plan=plan,
                trials=trials,
                out=folder,
                jobs=ctx.params["jobs"],
                engine=ctx.params["engine"],
                on_progress=bar.show,
                load_options=load_options,
            )
    except KeyboardInterrupt:
        raise Stopped(folder) from None
    if ctx.params["as_json"]:
        print_json(record(comparison))
        return
    print_comparison(comparison, wide=ctx.params["wide"])
    print_paragraph([f"Tables, plots and folds are in {folder}", comparison.bottom_line])


def _refit(text: str) -> int:
    """The number of cutoffs from one training to the next; 0 for never."""
    number = {"every": "1", "never": "0"}.get(text, text)
    if not number.isdigit() or text == "0":
        raise ConfigError(f"`refit` must be every, never or a number of folds. Received: {text}.")
    return int(number)


def _default_folder(several: "list[TimeSeries] | list[str]") -> Path:
    """The folder of a comparison of these series, where the same command finds it again."""
    first = several[0] if isinstance(several[0], str) else several[0].name
    name = slug(first).strip("-")
    return Path("runs") / (f"compare-{name}" + (f"-and-{len(several) - 1}-more" if len(several) > 1 else ""))
