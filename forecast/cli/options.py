"""Options that several commands share, each written once.

`shared` adds them to a command, which finds their values in its context's `params`.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

Options = Mapping[str, tuple[Any, Any]]


def _option(kind: Any, text: str, *names: str, default: Any = None) -> tuple[Any, Any]:
    """An annotated type and its default, as Typer takes them."""
    return Annotated[kind, typer.Option(*names, help=text)], default


def _number(kind: type, text: str) -> tuple[Any, Any]:
    return _option(kind | None, text)


# How a series is read.
SOURCE: Options = {
    "target": _option(str | None, "Column to forecast [adjusted close, close, or the only one]."),
    "unit": _option(str | None, "What one unit of the target is, as in USD."),
    "date_order": _option(str | None, "dmy, mdy or ymd [from the whole column]."),
    "exchange": _option(str | None, "Whose sessions come next, as in XNYS, crypto or fx [from the dates]."),
    "strict": _option(bool, "Refuse rows that would be left out or merged.", "--strict", default=False),
    "offline": _option(bool, "Tickers from their copies on disk alone.", "--offline", default=False),
}
VERBOSE: Options = {
    "verbose": _option(bool, "Tracebacks and the libraries' own messages.", "--verbose", "-v", default=False),
}
JSON: Options = {
    "as_json": _option(bool, "One JSON document on standard output and nothing else.", "--json", default=False),
}
# Where the work is done.
ENGINE: Options = {
    "jobs": _option(int | None, "Processes side by side [all cores]."),
    "engine": _option(
        str, "local, ray, or the address of a Ray cluster: HOST:PORT or ray://HOST:PORT.", default="local"
    ),
}
# What a model sees beside the target.
INPUTS: Options = {
    "features": _option(list[str] | None, "Column to see beside the target; may be repeated.", "--feature"),
    "future_columns": _option(
        list[str] | None, "Column that is known for the coming rows; may be repeated.", "--future-column"
    ),
    "calendar": _option(str | None, "Terms of the date: hour, weekday, month, year [none]."),
    "indicators": _option(str | None, "Technical indicators of TA-Lib, as in RSI,ATR [none]."),
}
# How networks are built and trained.
NETWORK: Options = {
    "layers": _option(str | None, "Layers of the model stack, as in lstm:64,rnn:32."),
    "units": _number(int, "Cells in a layer [32]."),
    "depth": _number(int, "Layers of cells [2]."),
    "activation": _option(str | None, "tanh, relu, sigmoid or linear [tanh]."),
    "dropout": _number(float, "Share of a layer's outputs dropped in training [0]."),
    "recurrent_dropout": _number(float, "Share of the states dropped between steps in training [0]."),
    "l2": _option(float | None, "Penalty on the squared weights of the inputs [0].", "--l2"),
    "layer_norm": _option(bool | None, "Normalise each layer's outputs [no].", "--layer-norm/--no-layer-norm"),
    "residual": _option(bool | None, "Add each layer's inputs to its outputs [no].", "--residual/--no-residual"),
    "highway": _option(bool | None, "Linear part where it earns its place [yes].", "--highway/--no-highway"),
    "learning_rate": _number(float, "Highest learning rate [0.004]."),
    "clip_norm": _number(float, "Largest norm of a gradient [1]."),
    "jitter": _number(float, "Noise on the inputs in training, in a window's scale [0]."),
    "stretch": _number(float, "Spread of a random factor on inputs and labels in training [0]."),
    "batch": _number(int, "Blocks in a training step [16]."),
    "labels": _number(int, "Labels in a block [64]."),
    "max_steps": _option(int | None, "Training steps [100, more for many series].", "--steps"),
    "patience": _number(int, "Validations without a better one that end a training; 0 lets it run [0]."),
    "seed": _number(int, "Seed of all random numbers [0]."),
    "seeds": _number(int, "Networks that are trained, from --seed on, and averaged [1]."),
}
# One experiment.
SETTINGS: Options = {
    "recipe": _option(str | None, "blocks, or textbook: the tutorials' way, for comparison [blocks]."),
    "config_file": _option(Path | None, "File with settings, as forecast tune writes it.", "--config"),
    "task": _option(str | None, "forecast, or direction: the chances of down, flat and up at the horizon [forecast]."),
    "horizon": _number(int, "Steps to forecast [30]."),
    "lookback": _number(int, "Rows that a network sees before an origin [from the frequency]."),
    "season": _number(int, "Rows in a season for seasonal_naive [from the frequency]."),
    "train_share": _number(float, "Share of the rows for training [0.7]."),
    "validation_share": _number(float, "Share of the rows for validation [0.1]; the rest is the test."),
    **INPUTS,
    **NETWORK,
    "tensorboard": _option(Path | None, "Folder for TensorBoard's logs."),
}
LISTS = ("calendar", "indicators")


def shared(*groups: Options) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command the options of `groups`, behind its own."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command)
        added = {name: option for group in groups for name, option in group.items()}

        @wraps(command)
        def call(**options: Any) -> None:
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


def settings_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings among a command's options that were given; lists split at their commas."""
    names = SETTINGS.keys() - {"recipe", "config_file", "tensorboard"}
    given = {name: value for name, value in options.items() if name in names and value not in (None, [])}
    for name in LISTS:
        if name in given:
            given[name] = tuple(names_in(given[name]))
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def names_in(text: str) -> list[str]:
    """The names in a list separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
