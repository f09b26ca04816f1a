"""The command line: its commands, and how they end.

Results go to standard output, progress and messages to standard error. Exit status: 0 done, 1 the input or the network
was at fault (one line says what, where and what to do), 2 wrong usage, 130 stopped by Ctrl-C.
"""

import gc
import os
import sys

import typer

from forecast.commands.audit import audit
from forecast.commands.compare import compare
from forecast.commands.explain import explain
from forecast.commands.export import export
from forecast.commands.fetch import fetch
from forecast.commands.inspect import inspect
from forecast.commands.models import models
from forecast.commands.predict import predict
from forecast.commands.report import report
from forecast.commands.run import run
from forecast.commands.show import show
from forecast.commands.train import train
from forecast.commands.tune import tune
from forecast.commands.update import update
from forecast.errors import ForecastError, Stopped
from forecast.terminal import native_noise_off, say

# What libraries read when they are loaded: Pydantic, which Typer uses, would search all packages for its plugins, and
# Arrow would set aside memory of which a table needs little.
SETTINGS = {"PYDANTIC_DISABLE_PLUGINS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
# New objects after which Python looks for garbage: loading the libraries makes many, and none of them is garbage.
GARBAGE = 50_000
# Typer's exit status for Ctrl-C, which it reports without a word.
STOPPED = 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # it would eat the defaults in square brackets
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Honest time-series forecasts with Keras: networks that are always measured against the naive forecast. "
    "No investment advice.",
)
for command in (
    run,
    compare,
    report,
    audit,
    train,
    tune,
    predict,
    update,
    explain,
    show,
    export,
    fetch,
    inspect,
    models,
):
    app.command()(command)


def main() -> None:
    """Runs the command line and ends the process with its exit status."""
    gc.set_threshold(GARBAGE)
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
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
    except Stopped as stop:
        say(f"forecast: {stop}")
        sys.exit(STOPPED)
    except SystemExit as end:
        if end.code == STOPPED:
            say("forecast: stopped; nothing was written.")
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    finally:
        gc.freeze()  # what is left is the system's to clear away, which spares a tenth of a second
