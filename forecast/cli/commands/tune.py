"""Tune hyperparameters."""

from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.commands.inputs import SeriesArguments, config_of, load_many, model_of
from forecast.cli.json_output import print_json
from forecast.cli.options import CONFIG, ENGINE, SOURCE, TASK, TENSORBOARD, complete_models, given_fields, shared
from forecast.cli.progress import TrialsBar, note


@shared(SOURCE, CONFIG, TASK, TENSORBOARD, ENGINE)
def tune(
    ctx: typer.Context,
    series: SeriesArguments,
    trials: Annotated[int, typer.Option(help="Trials in all, those of an earlier search among them.", min=1)] = 20,
    model: Annotated[
        str | None, typer.Option(help="Model to tune; see `forecast models` [lstm].", autocompletion=complete_models)
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File for the best configuration [runs/SERIES-MODEL.json].")] = None,
    study: Annotated[Path | None, typer.Option(help="File that keeps the trials [beside --out].")] = None,
) -> None:
    """Search good hyperparameters for a series.

    Lookback, units, depth, dropout and learning rate, judged on validation rows; the test rows are not used.

    Options that are given are fixed. Ctrl-C ends the search and keeps what it found; the same command continues it.
    Neither --jobs nor --engine changes the result.

    Example: forecast tune data/shop_sales.csv:Sales --model dense --trials 30
    """
    from forecast.cli.tables import results as tables
    from forecast.cli.tables.layout import print_paragraph
    from forecast.training.tuning import tune as tuning

    config = config_of(ctx.params)
    several = load_many(series, ctx.params, config)
    name = model_of(model, config)
    file = out or tuning.default_file(several, name)
    tuning.check_file(file)
    with TrialsBar(trials) as bar:
        found = tuning.tune(
            several,
            name,
            config,
            trials=trials,
            fixed=given_fields(ctx.params),
            study=study or file.with_suffix(".study.log"),
            logs=ctx.params["tensorboard"],
            jobs=ctx.params["jobs"],
            engine=ctx.params["engine"],
            on_progress=bar.show,
        )
    tuning.write_config(found, file)
    if len(found.trials) < trials:
        note(f"The search was stopped after {len(found.trials)} of {trials} trials; the same command continues it.")
    if ctx.params["as_json"]:
        print_json(found.record() | {"file": str(file)})
        return
    tables.print_tuning(found)
    print_paragraph([f"The best configuration is in {file}. Next: {_next(series, name, file, ctx.params)}"])


def _next(series: list[str], model: str, file: Path, options: dict[str, Any]) -> str:
    """The command that uses the best configuration, for the series as it was read."""
    import shlex

    source = [f"--{name.replace('_', '-')}={options[name]}" for name in SOURCE if isinstance(options[name], str)]
    many = len(series) > 1 or series[0].endswith(":*")
    command = ["train", *series, "--model", model, "--save", model] if many else ["run", *series, "--models", model]
    return shlex.join(["forecast", *command, "--config", str(file), *source])
