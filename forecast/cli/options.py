"""Options that several commands share; those of the configuration are made from its fields.

`shared` adds them to a command, which finds their values in its context's `params`.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli import progress
from forecast.config import ExperimentConfig, InputConfig, NetworkConfig, TrainingConfig
from forecast.errors import ConfigError

Options = Mapping[str, tuple[Any, Any]]


def _option(kind: Any, text: str, *names: str, default: Any = None, **more: Any) -> tuple[Any, Any]:
    """An annotated type and its default, as Typer takes them."""
    return Annotated[kind, typer.Option(*names, help=text, **more)], default


def _titled(title: str, options: dict[str, tuple[Any, Any]]) -> dict[str, tuple[Any, Any]]:
    """Options that stand under a title of their own in the help."""
    for annotation, _ in options.values():
        annotation.__metadata__[0].rich_help_panel = title
    return options


# How a series is read.
SOURCE: Options = _titled(
    "How the series is read",
    {
        "target": _option(str | None, "Column to forecast [adjusted close, close, or the only one]."),
        "unit": _option(str | None, "What one unit of the target is, as in USD."),
        "date_order": _option(str | None, "dmy, mdy or ymd [from the whole column]."),
        "exchange": _option(str | None, "Whose sessions come next, as in XNYS, crypto or fx [from the dates]."),
        "every": _option(str | None, "Bring rows onto a grid of such steps, as in 1h, 15min, D, W, MS."),
        "how": _option(str | None, "How the rows of a step become one: last, mean or sum [from the target's name]."),
        "fill": _option(str | None, "Fill missing values: forward, linear or seasonal [they stay missing]."),
        "strict": _option(bool, "Refuse rows that would be left out or merged.", "--strict", default=False),
        "offline": _option(bool, "Tickers from their copies on disk alone.", "--offline", default=False),
        "wait": _option(bool, "Try for minutes to download a ticker, not for ten seconds.", "--wait", default=False),
    },
)
# What every command prints.
OUTPUT: Options = _titled(
    "Output",
    {
        "as_json": _option(bool, "One JSON document on standard output and nothing else.", "--json", default=False),
        "quiet": _option(
            bool, "No progress and no notes on standard error; errors stay.", "--quiet", "-q", default=False
        ),
        "verbose": _option(bool, "Tracebacks and the libraries' own messages.", "--verbose", "-v", default=False),
    },
)
WIDE: Options = _titled(
    "Output",
    {
        "wide": _option(bool, "All columns of the tables, also those beyond 80 characters.", "--wide", default=False),
    },
)
# Where the work is done.
ENGINE: Options = _titled(
    "Where it runs",
    {
        "jobs": _option(int | None, "Processes side by side [all cores]."),
        "engine": _option(
            str, "local, ray, or the address of a Ray cluster: HOST:PORT or ray://HOST:PORT.", default="local"
        ),
    },
)
# Fields that are lists: names separated by commas, or an option that is repeated.
COMMAS, REPEATED = ("calendar", "indicators"), {"features": "--feature", "future_columns": "--future-column"}
FLAGS = {"max_steps": "--steps", "l2": "--l2", **REPEATED}


def _from_field(one: Field[Any]) -> tuple[Any, Any]:
    """The option of a field of the configuration, None where it is not given; the help ends with the default."""
    flag, text, default = FLAGS.get(one.name, f"--{one.name.replace('_', '-')}"), one.metadata["help"], one.default
    if isinstance(default, bool):
        return _option(bool | None, f"{text} [{'yes' if default else 'no'}].", f"{flag}/--no-{flag[2:]}")
    kind: Any = list[str] if one.name in REPEATED else one.type if one.type in (int, float, int | None) else str
    shown = f" [{default:g}]" if isinstance(default, int | float) else f" [{default}]" if default else ""
    return _option(kind | None, f"{text}{shown}.", flag)


PARTS = {
    "What is forecast": ExperimentConfig,
    "What models see": InputConfig,
    "Networks": NetworkConfig,
    "Training": TrainingConfig,
}
FIELDS = {
    name: one
    for title, part in PARTS.items()
    for name, one in _titled(
        title, {one.name: _from_field(one) for one in fields(part) if one.metadata.get("help")}
    ).items()
}
TASK: Options = {"task": FIELDS.pop("task")}
# The configuration of one experiment.
CONFIG: Options = FIELDS | _titled(
    "Training",
    {
        "recipe": _option(str | None, "blocks, or textbook: the tutorials' way, for comparison [blocks]."),
        "config_file": _option(Path | None, "Configuration file, as forecast tune writes it.", "--config"),
    },
)
TENSORBOARD: Options = _titled("Training", {"tensorboard": _option(Path | None, "Folder for TensorBoard's logs.")})


def shared(*groups: Options) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options of `groups` and those of the output to a command, behind its own."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command)
        added = {name: option for group in (*groups, OUTPUT) for name, option in group.items()}

        @wraps(command)
        def call(**options: Any) -> None:
            progress.set_quiet(options["quiet"])
            _check_names(options)
            command(**{name: value for name, value in options.items() if name in signature.parameters})

        parameters = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for name, (annotation, default) in added.items()
        ]
        own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in signature.parameters.values()]
        call.__signature__ = signature.replace(parameters=[*own, *parameters])  # type: ignore[attr-defined]
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *parameters)}
        return call

    return decorate


def _check_names(options: Mapping[str, Any]) -> None:
    """Refuses `-` and options where a name is due, as in `--csv --json`, before a file of that name is written."""
    for name, value in options.items():
        if isinstance(value, Path) and str(value).startswith("-"):
            raise ConfigError(
                f"`{name}` must be a file or folder, and - stands for an option or a stream. "
                f"Received: {name}={value}. Give a name; --json prints on standard output."
            )


def given_fields(options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the configuration that a command's options give."""
    given = {name: options[name] for name in (*TASK, *FIELDS) if options.get(name) not in (None, (), [])}
    lists = {name: names_in(given[name]) for name in COMMAS if name in given}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in (given | lists).items()}


def names_in(text: str) -> list[str]:
    """The names in a list separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def complete_models(incomplete: str) -> list[str]:
    """The names of models that begin like the last of a list."""
    from forecast.models import MODELS

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in MODELS if name.startswith(last.casefold())]
