"""The command line: parse, one library call, print.

Results go to standard output, progress and messages to standard error. Exit status: 0 done, 1 the input or the network
was at fault (one line says what, where and what to do), 2 wrong usage, 130 stopped by Ctrl-C.
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.errors import ForecastError
from forecast.terminal import TrainingBar, native_noise_off, say

# Typer's exit status for Ctrl-C, which it reports without a word.
STOPPED = 130
# Options that say how a series is read.
SOURCE = ("target", "unit", "date_order", "exchange", "strict", "offline")

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
Target = Annotated[str | None, typer.Option(help="Column to forecast [adjusted close, close, or the only one].")]
DateOrder = Annotated[str | None, typer.Option(help="dmy, mdy or ymd [from the whole column].")]
Exchange = Annotated[
    str | None, typer.Option(help="Whose sessions come next, as in XNYS, crypto or fx [from the dates].")
]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse rows that would be left out or merged.")]
Offline = Annotated[bool, typer.Option("--offline", help="Tickers from their copies on disk alone.")]
Unit = Annotated[str | None, typer.Option(help="What one unit of the target is, as in USD.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Tracebacks and the libraries' own messages.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output and nothing else.")]
Recipe = Annotated[str, typer.Option(help="blocks, or textbook: the tutorials' way, for comparison.")]
Horizon = Annotated[int | None, typer.Option(help="Steps to forecast [30].")]
Lookback = Annotated[int | None, typer.Option(help="Rows that a network sees before an origin [64].")]
Season = Annotated[int | None, typer.Option(help="Rows in a season for seasonal_naive [from the frequency].")]
Units = Annotated[int | None, typer.Option(help="Cells in a layer [32].")]
Depth = Annotated[int | None, typer.Option(help="Layers of cells [2].")]
Activation = Annotated[str | None, typer.Option(help="tanh, relu, sigmoid or linear [tanh].")]
Dropout = Annotated[float | None, typer.Option(help="Share of a layer's outputs dropped in training [0].")]
L2 = Annotated[float | None, typer.Option("--l2", help="Penalty on the squared weights of the inputs [0].")]
LearningRate = Annotated[float | None, typer.Option(help="Highest learning rate [0.004].")]
ClipNorm = Annotated[float | None, typer.Option(help="Largest norm of a gradient [1].")]
Batch = Annotated[int | None, typer.Option(help="Blocks in a training step [16].")]
Labels = Annotated[int | None, typer.Option(help="Labels in a block [64].")]
Steps = Annotated[int | None, typer.Option(help="Training steps [150].")]
Seed = Annotated[int | None, typer.Option(help="Seed of all random numbers [0].")]


@app.command()
def run(
    ctx: typer.Context,
    series: SeriesArgument,
    models: Annotated[str, typer.Option(help="Networks to train, separated by commas.")] = "lstm,gru,rnn,dense",
    out: Annotated[Path | None, typer.Option(help="Folder for the results [runs/SERIES-DATE].")] = None,
    target: Target = None,
    unit: Unit = None,
    date_order: DateOrder = None,
    exchange: Exchange = None,
    strict: Strict = False,
    offline: Offline = False,
    recipe: Recipe = "blocks",
    horizon: Horizon = None,
    lookback: Lookback = None,
    season: Season = None,
    units: Units = None,
    depth: Depth = None,
    activation: Activation = None,
    dropout: Dropout = None,
    l2: L2 = None,
    learning_rate: LearningRate = None,
    clip_norm: ClipNorm = None,
    batch: Batch = None,
    labels: Labels = None,
    steps: Steps = None,
    seed: Seed = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """The whole job: load, train, test on rows never seen, compare, plot, forecast, save.

    Ctrl-C ends the training, keeps the best weights so far and goes on to the test; a second Ctrl-C stops.
    """
    from forecast import experiment, report

    config = _config(ctx.params)
    loaded = _load(series, ctx.params)
    folder = out or report.default_folder(loaded.name)
    with TrainingBar() as bar:
        result = experiment.run(loaded, models=_names(models), config=config, out=folder, progress=bar.advance)
    _say_interrupted([model for model in result.models.values() if model.interrupted], result.skipped)
    if as_json:
        print(json.dumps(report.run_record(result)))
        return
    from forecast import tables

    tables.print_scores(result)
    tables.print_forecasts(list(result.forecasts.values()))
    print(f"Tables, plots and models are in {folder}")


@app.command()
def train(
    ctx: typer.Context,
    series: SeriesArgument,
    save: Annotated[Path, typer.Option(help="Folder for the bundle.")],
    model: Annotated[str, typer.Option(help="What to train; see `forecast models`.")] = "lstm",
    target: Target = None,
    unit: Unit = None,
    date_order: DateOrder = None,
    exchange: Exchange = None,
    strict: Strict = False,
    offline: Offline = False,
    recipe: Recipe = "blocks",
    horizon: Horizon = None,
    lookback: Lookback = None,
    season: Season = None,
    units: Units = None,
    depth: Depth = None,
    activation: Activation = None,
    dropout: Dropout = None,
    l2: L2 = None,
    learning_rate: LearningRate = None,
    clip_norm: ClipNorm = None,
    batch: Batch = None,
    labels: Labels = None,
    steps: Steps = None,
    seed: Seed = None,
    verbose: Verbose = False,
) -> None:
    """One model on the first four fifths of a series, saved as a bundle for `forecast predict`."""
    from forecast import bundle, training

    config = _config(ctx.params)
    bundle.check_folder(save)
    loaded = _load(series, ctx.params)
    with TrainingBar() as bar:
        trained = training.train(loaded, model, config, progress=bar.advance)
    _say_interrupted([trained] if trained.interrupted else [], ())
    bundle.save_model(trained, save)
    print(f"{model} was trained on {trained.trained_on.rows} rows in {trained.seconds:.1f} s and is in {save}")


@app.command()
def predict(
    ctx: typer.Context,
    series: SeriesArgument,
    model: Annotated[Path, typer.Option(help="Folder of a saved model.")],
    target: Target = None,
    unit: Unit = None,
    date_order: DateOrder = None,
    exchange: Exchange = None,
    strict: Strict = False,
    offline: Offline = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """The coming steps of any series from a saved model, without training and without TensorFlow."""
    from forecast import bundle, report

    trained = bundle.open_model(model)
    forecast = trained.forecast(_load(series, ctx.params))
    if as_json:
        print(json.dumps(report.forecast_record(forecast)))
        return
    from forecast import tables

    tables.print_forecast(forecast)


@app.command()
def fetch(
    tickers: Annotated[list[str], typer.Argument(metavar="TICKER...", help="As on Yahoo: AAPL ^GSPC BTC-USD.")],
    start: Annotated[str | None, typer.Option(help="First date, as in 2020-01-31 [the first there is].")] = None,
    end: Annotated[str | None, typer.Option(help="First date that is not wanted any more [none].")] = None,
    interval: Annotated[str, typer.Option(help="1m, 2m, 5m, 15m, 30m, 60m, 90m, 1h, 1d, 1wk, 1mo or 3mo.")] = "1d",
    offline: Offline = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Download prices from Yahoo Finance into the copies on disk that all commands use."""
    from forecast.sources import yahoo

    results = []
    for result in yahoo.fetch(tickers, start=start, end=end, interval=interval, offline=offline):
        results.append(result)
        for line in (f"{result.ticker}: {note}." for note in result.notes):
            say(line)
        if result.error:
            say(f"forecast: {result.error}")
    if as_json:
        print(json.dumps([asdict(result) for result in results]))
    else:
        from forecast import tables

        tables.print_fetched(results)
    if any(result.error for result in results):
        raise typer.Exit(1)


@app.command()
def inspect(
    series: SeriesArgument,
    plot: Annotated[Path | None, typer.Option(help="Picture of the series, as PNG, SVG or PDF.")] = None,
    target: Target = None,
    date_order: DateOrder = None,
    exchange: Exchange = None,
    offline: Offline = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """What was understood of a file or ticker, and what looks wrong with it."""
    from forecast import sources

    found = sources.inspect(series, target=target, date_order=date_order, exchange=exchange, offline=offline)
    if plot is not None:
        from forecast import plots

        plots.save_inspection(found, plot)
    if as_json:
        print(json.dumps(found.record(), ensure_ascii=False))
        return
    from forecast import tables

    tables.print_inspection(found)


@app.command()
def models(as_json: Json = False, verbose: Verbose = False) -> None:
    """What can be trained and tested."""
    from forecast.models import MODELS

    if as_json:
        print(json.dumps({name: model.summary for name, model in MODELS.items()}))
        return
    from forecast import tables

    tables.print_models(MODELS.values())


def _config(options: dict[str, Any]) -> Any:
    """The recipe's configuration with those options that were given."""
    from forecast.config import RECIPES, override
    from forecast.errors import ConfigError

    if options["recipe"] not in RECIPES:
        raise ConfigError(f"`recipe` must be one of {', '.join(RECIPES)}. Received: {options['recipe']}.")
    others = {"series", "models", "model", "out", "save", "recipe", "as_json", "verbose", *SOURCE}
    given = {name: value for name, value in options.items() if name not in others and value is not None}
    return override(RECIPES[options["recipe"]], given)


def _load(source: str, options: dict[str, Any]) -> Any:
    from forecast.sources import load

    series = load(source, **{name: options[name] for name in SOURCE})
    for line in (*series.notes, *series.findings):
        say(f"{series.name}: {line}.")
    return series


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


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
