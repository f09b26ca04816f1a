"""Sources with the keywords that people type beside them: options of `load`, and fields of the configuration.

In: anything that `load` takes, a list of such, and keywords. Out: `TimeSeries`, and an `ExperimentConfig`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from numbers import Real
from typing import Any

from forecast.config import ExperimentConfig, InputConfig, check_known, field_names, override
from forecast.data.series import TimeSeries
from forecast.data.sources.load import LoadOptions, Source, load, load_all

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
    """The arguments of `load` for the columns that models see beside the target."""
    return {
        "columns": inputs.features,
        "prices": bool(inputs.indicators),
        "future_columns": inputs.future_columns,
    }


def load_for(source: Source, config: ExperimentConfig, **options: Any) -> TimeSeries:
    """Load one series with the columns that a configuration asks for; options as for `load`."""
    if isinstance(source, TimeSeries) and not options:
        return source
    return load(source, **reading_of(config.inputs), **options)


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
            found += load_all(one, **reading_of(config.inputs), **options)
    return found


def as_list(sources: Source | Sequence[Source]) -> list[Any]:
    """The sources in a list or tuple; numbers in one are the rows of a single series."""
    if not isinstance(sources, list | tuple):
        return [sources]
    found: list[Any] = list(sources)
    numbers = len(found) > 0 and all(one is None or isinstance(one, Real) for one in found)
    return [sources] if numbers else found
