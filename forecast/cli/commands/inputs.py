"""What commands do before their work: configuration, series, Keras."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast.cli.options import SOURCE, given_fields, names_in
from forecast.cli.progress import TrainingBar, counted, note, say

if TYPE_CHECKING:
    from forecast.config import ExperimentConfig
    from forecast.data.series import TimeSeries
    from forecast.inference.trained_model import TrainedModel
    from forecast.models import Callbacks

# Series that one line names.
LISTED = 4
SeriesArgument = Annotated[
    str,
    typer.Argument(metavar="SERIES", help="File (text, Excel, Parquet), FILE:NAME for one of several, or a ticker."),
]
SeriesArguments = Annotated[
    list[str],
    typer.Argument(metavar="SERIES...", help="Files, FILE:NAME for one of several, FILE:* for all, or tickers."),
]
ManySeriesArguments = Annotated[
    list[str],
    typer.Argument(
        metavar="SERIES...",
        help="Files, FILE:NAME for one of several, FILE:* for all, folders, patterns in quotes, @LIST, or tickers.",
    ),
]


def config_of(options: dict[str, Any], start: "ExperimentConfig | None" = None) -> "ExperimentConfig":
    """The configuration of a recipe, a file, or the model to go on from, with those options that were given."""
    from forecast.config import RECIPES, override, read_config
    from forecast.errors import ConfigError

    recipe = options["recipe"] or "blocks"
    if recipe not in RECIPES:
        raise ConfigError(f"`recipe` must be one of {', '.join(RECIPES)}. Received: {recipe}.")
    if options["recipe"] and options["config_file"]:
        raise ConfigError("the configuration comes from --recipe or from --config. Received: both.")
    if start is not None and (options["recipe"] or options["config_file"]):
        raise ConfigError("--from takes the configuration of the bundle. Received: --recipe or --config as well.")
    config = start or (read_config(Path(options["config_file"])) if options["config_file"] else RECIPES[recipe])
    return override(config, given_fields(options))


def model_of(name: str | None, config: "ExperimentConfig") -> str:
    """The registered name of the model that is asked for, in any case; without one that of the layers, or lstm."""
    from forecast.models import find_model

    return find_model(name or ("stack" if config.network.layers else "lstm")).name


def callbacks_of(bar: TrainingBar, options: dict[str, Any], *, checkpoint: Path | None) -> "Callbacks":
    """Who looks on while a command trains."""
    from forecast.models import Callbacks

    logs = options["tensorboard"]
    return Callbacks(bar.advance, checkpoint, Path(logs) if logs else None)


def load_keras(names: list[str]) -> None:
    """Loads Keras the quick way, if one of the models is a network."""
    from forecast.models import find_model
    from forecast.runtime import devices

    networks = [find_model(name).is_network for name in names]  # an unknown name is an error at once
    if any(networks):
        devices.load_keras()


def load_one(source: str, options: dict[str, Any], config: "ExperimentConfig") -> "TimeSeries":
    """The one series of a source."""
    from forecast.data.sources import load

    return _read(load, source, options, config)[0]


def load_targets(source: str, options: dict[str, Any], config: "ExperimentConfig") -> "list[TimeSeries]":
    """The series of a source with each column that `--target` names, separated by commas, as its target."""
    from forecast.data.sources import load_together
    from forecast.errors import SourceError

    targets = names_in(options["target"] or "")
    if len(targets) < 2:
        return [load_one(source, options, config)]
    try:
        found = load_together(source, targets, config, **{name: options[name] for name in SOURCE if name != "target"})
    except SourceError as error:
        try:
            return [load_one(source, options, config)]  # a column whose name has a comma
        except SourceError:
            raise error from None
    _say_lines(found)
    return found


def _read(
    reader: Callable[..., Any], source: str, options: dict[str, Any], config: "ExperimentConfig"
) -> "list[TimeSeries]":
    """What a reader makes of a source, with the columns that `config` asks for; says what was assumed and found."""
    found = reader(source, **reading_of(options, config))
    several = found if isinstance(found, list) else [found]
    _say_lines(several)
    return several


def reading_of(options: dict[str, Any], config: "ExperimentConfig") -> dict[str, Any]:
    """How series are read: with the columns that `config` asks for."""
    joint = config.inputs.joint
    target = options["target"] or (joint[0] if joint else None)
    return {
        "columns": (*joint, *config.inputs.features),
        "prices": bool(config.inputs.indicators),
        "future_columns": config.inputs.future_columns,
        **{name: options[name] for name in SOURCE},
        "target": target,
    }


def _say_lines(several: "list[TimeSeries]") -> None:
    """What was assumed and found, once for all series that it holds for."""
    lines: dict[str, list[str]] = {}
    for series in several:
        for line in (*series.notes, *series.findings):
            lines.setdefault(str(line), []).append(series.name)
    for line, every in lines.items():
        names = list(dict.fromkeys(every))
        rest = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
        note(f"{', '.join(names[:LISTED])}{rest}: {line}.")


def load_many(sources: list[str], options: dict[str, Any], config: "ExperimentConfig") -> "list[TimeSeries]":
    """The series of all sources, each with a name of its own."""
    from collections import Counter
    from dataclasses import replace

    from forecast.data.sources import load_all

    loaded = [(source, one) for source in sources for one in _read(load_all, source, options, config)]
    count = Counter(one.name for _, one in loaded)
    return [one if count[one.name] == 1 else replace(one, name=source) for source, one in loaded]


def references_of(
    sources: list[str], options: dict[str, Any], config: "ExperimentConfig"
) -> "tuple[list[TimeSeries] | list[str], dict[str, Any]]":
    """The series that sources stand for, and the arguments that `load` takes for them.

    A few are read here, so that what was assumed and found is said; of many the references go to where the work is.
    """
    from forecast.evaluation.walk_forward.summary import FEW

    found = expanded(sources, options)
    if len(found) <= FEW:
        return load_readable(found, options, config)[0], {}
    return found, reading_of(options, config)


def expanded(sources: list[str], options: dict[str, Any]) -> list[str]:
    """The series that sources stand for, as references."""
    from forecast.data.sources import expand

    how = {name: options[name] for name in ("target", "date_order")}
    return list(dict.fromkeys(one for source in sources for one in expand(source, **how)))


def load_readable(
    references: list[str], options: dict[str, Any], config: "ExperimentConfig"
) -> "tuple[list[TimeSeries], int]":
    """The series that can be read, each with a name of its own; and how many cannot, each with a line that says why.

    Raises:
        ForecastError: none can.
    """
    from collections import Counter
    from dataclasses import replace

    from forecast.data.sources import load_each
    from forecast.errors import ForecastError

    read = list(counted(load_each(references, **reading_of(options, config)), "series", len(references)))
    loaded = [(reference, one) for reference, one in read if not isinstance(one, ForecastError)]
    errors = [one for _, one in read if isinstance(one, ForecastError)]
    if not loaded and errors:
        raise errors[0]
    _say_lines([one for _, one in loaded])
    for error in errors:
        say(f"forecast: {error}")
    count = Counter(one.name for _, one in loaded)
    return [one if count[one.name] == 1 else replace(one, name=source) for source, one in loaded], len(errors)


def say_interrupted(interrupted: "list[TrainedModel]", skipped: tuple[str, ...]) -> None:
    """Names the trainings that Ctrl-C ended, and those that it left out."""
    for model in interrupted:
        note(f"Training of {model.model} was stopped; its best weights so far are kept.")
    if skipped:
        note(f"Not trained: {', '.join(skipped)}.")
