"""Sources with the keywords that people type beside them: options of `load`, and fields of the configuration.

In: anything that `load` takes, a list of such, and keywords. Out: `TimeSeries`, and an `ExperimentConfig`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from numbers import Real
from typing import Any

from forecast.config import ExperimentConfig, InputConfig, check_known, field_names, override
from forecast.data.calendar.frequency import iso
from forecast.data.series import TimeSeries
from forecast.data.sources.load import LoadOptions, Source, load, load_all
from forecast.errors import ConfigError, SeriesError

# Options of `load` that follow from the inputs of a configuration.
FROM_INPUTS = ("columns", "future_columns", "prices")
LOAD_OPTIONS = tuple(one.name for one in fields(LoadOptions) if one.name not in FROM_INPUTS)


def split_keywords(
    config: ExperimentConfig, given: Mapping[str, Any], *, others: Iterable[str] = ()
) -> tuple[ExperimentConfig, dict[str, Any], dict[str, Any]]:
    """The configuration with the fields that are given, the options of `load`, and those of `others`.

    Raises:
        ConfigError: a keyword is none of them; names the nearest one.
    """
    check_known(given, [*field_names(), *LOAD_OPTIONS, *others])
    loading = {name: value for name, value in given.items() if name in LOAD_OPTIONS}
    rest = {name: value for name, value in given.items() if name in others}
    values = {name: value for name, value in given.items() if name not in {*loading, *rest}}
    return override(config, values), loading, rest


def reading_of(inputs: InputConfig) -> dict[str, Any]:
    """The arguments of `load` for the columns that models see; with the target of a joint forecast."""
    return {
        **({"target": inputs.joint[0]} if inputs.joint else {}),
        "columns": (*inputs.joint, *inputs.features),
        "prices": bool(inputs.indicators),
        "future_columns": inputs.future_columns,
    }


def load_for(source: Source, config: ExperimentConfig, **options: Any) -> TimeSeries:
    """Load one series with the columns that a configuration asks for; options as for `load`."""
    if isinstance(source, TimeSeries) and not options:
        return source
    return load(source, **{**reading_of(config.inputs), **options})


def joint_inputs(inputs: InputConfig, targets: Sequence[str]) -> list[InputConfig]:
    """The inputs of a model of each target, when these are forecast together."""
    orders = ((target, *(name for name in targets if name != target)) for target in targets)
    return [replace(inputs, joint=order) for order in orders]


def load_together(source: Source, targets: Sequence[str], config: ExperimentConfig, **options: Any) -> list[TimeSeries]:
    """Load one source with each of several columns as the target, and the others beside it.

    Raises:
        ConfigError: a column is named twice.
        SeriesError: their first or last rows differ.
    """
    if len({name.casefold() for name in targets}) < len(targets):
        raise ConfigError(f"each target must be another column. Received: {', '.join(targets)}.")
    configs = [replace(config, inputs=inputs) for inputs in joint_inputs(config.inputs, targets)]
    found = [load_for(source, one, **options) for one in configs]
    for one in found[1:]:
        if not one.index.equals(found[0].index):
            spans = "; ".join(f"{one.target} {iso(one.index[0])} to {iso(one.index[-1])}" for one in (found[0], one))
            raise SeriesError(
                f"{one.name}: targets that are forecast together must have values in the first row and in the last. "
                f"Received: {spans}. Leave out the rows before and after."
            )
    return found


def load_several(sources: Source | Sequence[Source], config: ExperimentConfig, **options: Any) -> list[TimeSeries]:
    """Load all series of one source or many, in the same way.

    Raises:
        SeveralSeries: a file holds several, and its name has no `:*` behind it.
    """
    found = []
    for one in as_list(sources):
        if isinstance(one, TimeSeries) and not options:
            found.append(one)
        else:
            found += load_all(one, **{**reading_of(config.inputs), **options})
    return found


def as_list(sources: Source | Sequence[Source]) -> list[Any]:
    """The sources in a list or tuple; numbers in one are the rows of a single series."""
    if not isinstance(sources, list | tuple):
        return [sources]
    found: list[Any] = list(sources)
    numbers = len(found) > 0 and all(one is None or isinstance(one, Real) for one in found)
    return [sources] if numbers else found
