"""The command line: its commands, and how they end.

Results go to standard output, progress and messages to standard error. docs/command-line.md lists the exit statuses.
"""

import atexit
import errno
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import Annotated, NoReturn

import typer

from forecast.cli.commands.audit import audit
from forecast.cli.commands.check import check
from forecast.cli.commands.compare import compare
from forecast.cli.commands.explain import explain
from forecast.cli.commands.export import export
from forecast.cli.commands.fetch import fetch
from forecast.cli.commands.inspect import inspect
from forecast.cli.commands.judge import judge
from forecast.cli.commands.models import models
from forecast.cli.commands.predict import predict
from forecast.cli.commands.report import report
from forecast.cli.commands.run import run
from forecast.cli.commands.serve import serve
from forecast.cli.commands.show import show
from forecast.cli.commands.train import train
from forecast.cli.commands.tune import tune
from forecast.cli.commands.update import update
from forecast.cli.help import GroupedCommand, GroupedProgram
from forecast.cli.progress import native_noise_off, say
from forecast.errors import ForecastError, Stopped
from forecast.runtime.garbage import collect_seldom
from forecast.runtime.lifeline import end_with_parent, listen, received
from forecast.runtime.versions import versions_here

# What libraries read when they are loaded: Pydantic, which Typer uses, would search all packages for its plugins, and
# Arrow would set aside memory of which a table needs little.
SETTINGS = {"PYDANTIC_DISABLE_PLUGINS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
# Typer's exit status for Ctrl-C, which it reports without a word; with another signal it is 128 and its number.
STOPPED, SIGNAL = 130, 128
# What a system says that has no memory left for a library or a thread.
NO_MEMORY = (
    "failed to map segment",
    "cannot allocate memory",
    "can't start new thread",
    "cannot enable executable",
    "error return without exception set",
)

TOO_LITTLE = "forecast: there is too little free memory for this command. End other programs, or use less data."
# Bytes of addresses below which numpy's library ends the process without a word.
LEAST = 128 << 20

app = typer.Typer(
    cls=GroupedProgram,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # `help` writes the groups
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Honest time-series forecasts with Keras: networks that are always measured against the naive forecast. "
    "No investment advice.",
    epilog="Example: forecast run data/sp500.csv",
)
COMMANDS = {
    "Test models": (run, compare, judge, audit, report),
    "Train and use a model": (train, tune, predict, check, update, explain, show, export, models, serve),
    "Data": (fetch, inspect),
}
for title, commands in COMMANDS.items():
    for command in commands:
        app.command(cls=GroupedCommand, rich_help_panel=title)(command)


def _say_version(asked: bool) -> None:
    if asked:
        found = versions_here()
        beside = ", ".join(f"{name} {version}" for name, version in found.items() if name != "forecast")
        typer.echo(f"forecast {found['forecast']} ({beside})")
        raise typer.Exit


@app.callback()
def program(
    _: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def main() -> None:
    """Runs the command line and ends the process with its exit status."""
    status = 1  # of a defect, which Python prints
    atexit.register(lambda: _leave(status))  # what is registered first is called last
    status = _run()
    if status == STOPPED and "ray" in sys.modules:
        _leave(status)  # a Ray that the same Ctrl-C ended may end this process, with a status of its own
    sys.exit(status)


def _leave(status: int) -> NoReturn:
    """Ends the process at once.

    To clear up memory takes a tenth of a second, and Arrow aborts now and then when its threads end with the process
    (apache/arrow#34314): a command that had done its work would have another exit status.
    """
    try:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
    finally:
        os._exit(status)


def _run() -> int:
    """Runs the command line, says what went wrong, and gives the exit status."""
    collect_seldom()
    _speak_utf8()
    if not _open_streams():
        say("forecast: standard output is closed, and a command prints there. Send it somewhere, as in > results.txt.")
        return 1
    if _is_cramped():
        say(TOO_LITTLE)
        return 1
    end_with_parent()
    listen()
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    verbose = bool({"-v", "--verbose"} & set(sys.argv[1:]))
    if not verbose:
        native_noise_off()
    try:
        return _status_of_app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ForecastError as error:
        if verbose:
            raise
        say(f"forecast: {error}")
        return 1
    except (OSError, MemoryError, ImportError, RuntimeError, SystemError) as error:
        if not verbose and _lacks_memory(error):
            say(TOO_LITTLE)
            _leave(1)  # what Python does in the end needs memory as well
        if verbose or not isinstance(error, OSError):
            raise
        say(f"forecast: {_refusal(error)}")
        return 1
    except Stopped as stop:
        say(f"forecast: {stop}")
        return _stopped()


def _speak_utf8() -> None:
    """Begin again in UTF-8 where the locale has fewer characters: names of files and units may hold any."""
    if sys.getfilesystemencoding() == "utf-8" or sys.flags.utf8_mode or os.name == "nt":
        return
    os.environ.setdefault("PYTHONIOENCODING", f"{getattr(sys.stdout, 'encoding', 'utf-8')}:backslashreplace")
    os.execv(sys.executable, [sys.executable, "-X", "utf8", "-m", "forecast", *sys.argv[1:]])  # noqa: S606


def _open_streams() -> bool:
    """Give standard streams that were closed a place that no file of a command can take; whether output has one."""
    is_open = sys.stdout is not None
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", encoding="utf-8"))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return is_open


def _is_cramped() -> bool:
    """Whether the system lets this process have less memory than the libraries take."""
    try:
        import resource
    except ImportError:
        return False
    return 0 <= resource.getrlimit(resource.RLIMIT_AS)[0] < LEAST


def _lacks_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or any(words in str(error).casefold() for words in NO_MEMORY)


def _stopped() -> int:
    """The exit status of a command that a signal ended."""
    return SIGNAL + received() if received() else STOPPED


def _status_of_app() -> int:
    """Runs a command: its exit status, when its results have left this process."""
    try:
        app(prog_name="forecast")
    except SystemExit as end:
        sys.stdout.flush()
        if end.code == STOPPED:
            say("forecast: stopped; nothing was written.")
            return _stopped()
        return int(end.code or 0)
    return _stopped() if received() else 0


def _refusal(error: OSError) -> str:
    """What the system refuses, in its own words; of standard output it does not say that it is meant."""
    if error.errno == errno.ENOENT and not error.filename and not _has_folder():
        return "the working folder is gone. Change to one that exists."
    return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror or error}."


def _has_folder() -> bool:
    try:
        return bool(os.getcwd())  # noqa: PTH109  the question is whether it fails
    except OSError:
        return False
