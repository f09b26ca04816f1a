"""The command line: parse, one library call, print.

Results go to standard output, progress and messages to standard error. Exit status: 0 done, 1 the input or the network
was at fault (one line says what, where and what to do), 2 wrong usage, 130 stopped by Ctrl-C.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.errors import ForecastError
from forecast.options import JSON, SETTINGS, SOURCE, VERBOSE, names_in, settings_of, shared
from forecast.terminal import SearchBar, TrainingBar, native_noise_off, say

# Typer's exit status for Ctrl-C, which it reports without a word.
STOPPED = 130

# Options of `SOURCE` that an inspection takes.
SEEN = {name: SOURCE[name] for name in ("target", "date_order", "exchange", "offline")}

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # it would eat the defaults in square brackets
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Honest time-series forecasts with Keras: networks that are always measured against the naive forecast. "
    "No investment advice.",
)

SeriesArgument = Annotated[
    str,
    typer.Argument(metavar="SERIES", help="File (text, Excel, Parquet), FILE:NAME for one of several, or a ticker."),
]
SeriesArguments = Annotated[
    list[str],
    typer.Argument(metavar="SERIES...", help="Files, FILE:NAME for one of several, FILE:* for all, or tickers."),
]


@app.command()
@shared(SOURCE, SETTINGS, JSON, VERBOSE)
def run(
    ctx: typer.Context,
    series: SeriesArgument,
    models: Annotated[
        str | None, typer.Option(help="Models to train, separated by commas [lstm,gru,rnn,dense].")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results [runs/SERIES-DATE].")] = None,
) -> None:
    """The whole job: load, train, test on rows never seen, compare, plot, forecast, save.

    Ctrl-C ends the training, keeps the best weights so far and goes on to the test; a second Ctrl-C stops.
    """
    config = _config(ctx.params)
    experiment, report, tables = _rooms(config)
    chosen = names_in(models) if models else [*experiment.USUAL, *(["stack"] if config.network.layers else [])]
    loaded = _load(series, ctx.params, config)
    folder = out or report.default_folder(loaded.name)
    _load_keras(chosen)
    with TrainingBar() as bar:
        result = experiment.run(
            loaded, models=chosen, config=config, out=folder, watch=_watch(bar, ctx.params, checkpoint=None)
        )
    _say_interrupted([model for model in result.models.values() if model.interrupted], result.skipped)
    if ctx.params["as_json"]:
        print(json.dumps(report.run_record(result)))
        return
    tables.print_scores(result)
    tables.print_forecasts(list(result.forecasts.values()))
    print(f"Tables, plots and models are in {folder}")


@app.command()
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

    config = _config(ctx.params)
    experiment, _, tables = _rooms(config)
    bundle.check_folder(save)
    several = _load_all(series, ctx.params, config)
    checkpoint = save.with_name(f"{save.name}.checkpoint")
    _clear(checkpoint, keep=resume)
    name = model or ("stack" if config.network.layers else "lstm")
    _load_keras([name])
    with TrainingBar() as bar:
        trained = training.train(several, name, config, watch=_watch(bar, ctx.params, checkpoint=checkpoint))
    _say_interrupted([trained] if trained.interrupted else [], ())
    bundle.save_model(trained, save)
    _clear(checkpoint, keep=False)
    tables.print_panel(experiment.test(trained, several))
    rows = sum(known.rows for known in trained.trained_on)
    print(f"{name} was trained on {rows:,} rows of {len(several)} series in {trained.seconds:.1f} s and is in {save}")


@app.command()
@shared(SOURCE, SETTINGS, JSON, VERBOSE)
def tune(
    ctx: typer.Context,
    series: SeriesArguments,
    trials: Annotated[int, typer.Option(help="Trials in all, those of an earlier search among them.", min=1)] = 20,
    model: Annotated[str | None, typer.Option(help="Whose settings; see `forecast models` [lstm].")] = None,
    out: Annotated[Path | None, typer.Option(help="File for the best settings [runs/SERIES-MODEL.json].")] = None,
    study: Annotated[Path | None, typer.Option(help="File that keeps the trials [beside --out].")] = None,
) -> None:
    """Search lookback, units, depth, dropout and learning rate on validation rows; the test rows are not looked at.

    Those that are given hold. Ctrl-C ends the search and keeps what it found; the same command goes on with it.
    """
    from forecast import studies, tables, tuning

    config = _config(ctx.params)
    if not ctx.params["verbose"]:
        studies.silence()
    several = _load_all(series, ctx.params, config)
    name = model or ("stack" if config.network.layers else "lstm")
    file = out or tuning.default_file(several, name)
    tuning.check_file(file)
    _load_keras([name])
    with SearchBar(trials) as bar:
        found = tuning.tune(
            several,
            name,
            config,
            trials=trials,
            held=settings_of(ctx.params),
            study=study or file.with_suffix(".study.db"),
            watch=_watch(bar, ctx.params, checkpoint=None),
            tell=bar.tell,
        )
    tuning.write_settings(found, file)
    if len(found.trials) < trials:
        say(f"The search was stopped after {len(found.trials)} of {trials} trials; the same command goes on with it.")
    if ctx.params["as_json"]:
        print(json.dumps(found.record() | {"file": str(file)}))
        return
    tables.print_tuning(found)
    print(f"The best settings are in {file}. Next: {_next(series, name, file, ctx.params)}")


@app.command()
@shared(SOURCE, JSON, VERBOSE)
def predict(
    ctx: typer.Context,
    series: SeriesArgument,
    model: Annotated[Path, typer.Option(help="Folder of a saved model.")],
) -> None:
    """The coming steps of any series from a saved model, without training and without TensorFlow."""
    from forecast import bundle

    trained = bundle.open_model(model)
    experiment, report, tables = _rooms(trained.config)
    forecast = experiment.forecast(trained, _load(series, ctx.params, trained.config))
    if ctx.params["as_json"]:
        print(json.dumps(report.forecast_record(forecast)))
        return
    tables.print_forecast(forecast)


@app.command()
@shared({"offline": SOURCE["offline"]}, JSON, VERBOSE)
def fetch(
    ctx: typer.Context,
    tickers: Annotated[list[str], typer.Argument(metavar="TICKER...", help="As on Yahoo: AAPL ^GSPC BTC-USD.")],
    start: Annotated[str | None, typer.Option(help="First date, as in 2020-01-31 [the first there is].")] = None,
    end: Annotated[str | None, typer.Option(help="First date that is not wanted any more [none].")] = None,
    interval: Annotated[str, typer.Option(help="1m, 2m, 5m, 15m, 30m, 60m, 90m, 1h, 1d, 1wk, 1mo or 3mo.")] = "1d",
) -> None:
    """Download prices from Yahoo Finance into the copies on disk that all commands use."""
    from forecast.sources import yahoo

    results = []
    for result in yahoo.fetch(tickers, start=start, end=end, interval=interval, offline=ctx.params["offline"]):
        results.append(result)
        for line in (f"{result.ticker}: {note}." for note in result.notes):
            say(line)
        if result.error:
            say(f"forecast: {result.error}")
    if ctx.params["as_json"]:
        print(json.dumps([asdict(result) for result in results]))
    else:
        from forecast import tables

        tables.print_fetched(results)
    if any(result.error for result in results):
        raise typer.Exit(1)


@app.command()
@shared(SEEN, JSON, VERBOSE)
def inspect(
    ctx: typer.Context,
    series: SeriesArgument,
    plot: Annotated[Path | None, typer.Option(help="Picture of the series, as PNG, SVG or PDF.")] = None,
) -> None:
    """What was understood of a file or ticker, and what looks wrong with it."""
    from forecast import sources

    found = sources.inspect(series, **{name: ctx.params[name] for name in SEEN})
    if plot is not None:
        from forecast import plots

        plots.save_inspection(found, plot)
    if ctx.params["as_json"]:
        print(json.dumps(found.record(), ensure_ascii=False))
        return
    from forecast import tables

    tables.print_inspection(found)


@app.command()
@shared(JSON, VERBOSE)
def models(ctx: typer.Context) -> None:
    """What can be trained and tested."""
    from forecast.models import MODELS

    if ctx.params["as_json"]:
        print(json.dumps({name: model.summary for name, model in MODELS.items()}))
        return
    from forecast import tables

    tables.print_models(MODELS.values())


def _config(options: dict[str, Any]) -> Any:
    """The configuration of a recipe or a file, with those options that were given."""
    from forecast.config import RECIPES, override, read_config
    from forecast.errors import ConfigError

    recipe = options["recipe"] or "blocks"
    if recipe not in RECIPES:
        raise ConfigError(f"`recipe` must be one of {', '.join(RECIPES)}. Received: {recipe}.")
    if options["recipe"] and options["config_file"]:
        raise ConfigError("settings come from --recipe or from --config. Received: both.")
    config = read_config(options["config_file"]) if options["config_file"] else RECIPES[recipe]
    return override(config, settings_of(options))


def _rooms(config: Any) -> tuple[Any, Any, Any]:
    """Where the experiments, results and tables of a task are; they have the same names in each."""
    if config.task == "direction":
        from forecast.direction import experiment as on_directions
        from forecast.direction import printing, results

        return on_directions, results, printing
    from forecast import experiment, report, tables

    return experiment, report, tables


def _watch(bar: TrainingBar | SearchBar, options: dict[str, Any], *, checkpoint: Path | None) -> Any:
    from forecast.models import Watch

    return Watch(bar.advance, checkpoint, options["tensorboard"])


def _next(series: list[str], model: str, file: Path, options: dict[str, Any]) -> str:
    """The command that uses settings that were found, for the series as it was read."""
    import shlex

    source = [f"--{name.replace('_', '-')}={options[name]}" for name in SOURCE if isinstance(options[name], str)]
    many = len(series) > 1 or series[0].endswith(":*")
    command = ["train", *series, "--model", model, "--save", model] if many else ["run", *series, "--models", model]
    return shlex.join(["forecast", *command, "--config", str(file), *source])


def _load_keras(names: list[str]) -> None:
    """Loads Keras the quick way, if one of the models is a network."""
    from forecast.models import devices, find_model

    gradient = [find_model(name).gradient for name in names]  # an unknown name is an error at once
    if any(gradient):
        devices.load_keras()


def _clear(folder: Path, *, keep: bool) -> None:
    """Removes the checkpoints of a training that came to its end, or that is begun anew."""
    if keep or not folder.exists():
        return
    import shutil

    shutil.rmtree(folder)


def _load(source: str, options: dict[str, Any], config: Any) -> Any:
    """The one series of a source."""
    from forecast.sources import load

    return _read(load, source, options, config)[0]


def _read(reader: Callable[..., Any], source: str, options: dict[str, Any], config: Any) -> list[Any]:
    """What a reader makes of a source, with the columns that `config` asks for; says what was assumed and found."""
    found = reader(
        source,
        columns=config.inputs.features,
        prices=bool(config.inputs.indicators),
        future_columns=config.inputs.future_columns,
        **{name: options[name] for name in SOURCE},
    )
    several = found if isinstance(found, list) else [found]
    for series in several:
        for line in (*series.notes, *series.findings):
            say(f"{series.name}: {line}.")
    return several


def _load_all(sources: list[str], options: dict[str, Any], config: Any) -> list[Any]:
    """The series of all sources, each with a name of its own."""
    from collections import Counter
    from dataclasses import replace

    from forecast.sources import load_all

    loaded = [(source, one) for source in sources for one in _read(load_all, source, options, config)]
    count = Counter(one.name for _, one in loaded)
    return [one if count[one.name] == 1 else replace(one, name=source) for source, one in loaded]


def _say_interrupted(interrupted: list[Any], skipped: tuple[str, ...]) -> None:
    for model in interrupted:
        say(f"Training of {model.model} was stopped; its best weights so far are kept.")
    if skipped:
        say(f"Not trained: {', '.join(skipped)}.")


def main() -> None:
    """Runs the command line and ends the process with its exit status."""
    verbose = bool({"-v", "--verbose"} & set(sys.argv[1:]))
    if not verbose:
        native_noise_off()
    try:
        app(prog_name="forecast")
    except ForecastError as error:
        if verbose:
            raise
        say(f"forecast: {error}")
        sys.exit(1)
    except SystemExit as end:
        if end.code == STOPPED:
            say("forecast: stopped; nothing was written.")
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
