"""Load series from a source: a file, one of several series in it, a ticker, a pandas object.

In: a source and `LoadOptions`. Out: a `TimeSeries`, all series of a file, or an `Inspection`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from forecast.data.calendar.exchanges import check_exchange
from forecast.data.fill import Filling, fill_series
from forecast.data.resample import How, resample_series
from forecast.data.series import TimeSeries
from forecast.data.sources.clean import NO_COVARIATES, Covariates, clean
from forecast.data.sources.inspection import Inspection, SeriesInspection
from forecast.data.sources.parsing.dates import check_order
from forecast.data.sources.resolve import SourceTable, infer_file_schema, name_of_file, resolve, resolve_parts
from forecast.data.sources.schema.schema import Schema, infer_schema
from forecast.data.sources.schema.targets import Choice
from forecast.data.vocabulary import find_name
from forecast.errors import ConfigError, ForecastError, SeriesError, SeveralSeries, SourceError
from forecast.runtime.names import whole_characters
from forecast.typing import Array

# Tables of other libraries and mappings of columns are sources as well.
Source = str | Path | pd.DataFrame | pd.Series | Array | Sequence[float] | Mapping[str, Any] | TimeSeries | Any

# Series that an error message lists.
MAX_LISTED = 12
# The suffix of a file that stands for all of its series.
EVERY = ":*"


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """The arguments of `load` beside the source, checked; `exchange` becomes the name of a calendar."""

    target: str | None = None
    columns: Sequence[str] = ()
    future_columns: Sequence[str] = ()
    prices: bool = False
    name: str | None = None
    unit: str | None = None
    date_order: str | None = None
    exchange: str | None = None
    every: str | None = None
    how: How | None = None
    fill: Filling | None = None
    strict: bool = False
    offline: bool = False
    wait: bool = False

    def __post_init__(self) -> None:
        check_order(self.date_order)
        if self.target is not None and not isinstance(self.target, str):
            raise ConfigError(
                f"`target` must be the name of one column; forecast.run takes several. Received: {self.target}."
            )
        for field in ("name", "unit"):
            if text := getattr(self, field):
                object.__setattr__(self, field, whole_characters(text))
        for option, choices in (("how", How), ("fill", Filling)):
            if (value := getattr(self, option)) not in (None, *get_args(choices)):
                raise ConfigError(f"`{option}` must be one of {', '.join(get_args(choices))}. Received: {value}.")
        if self.how and not self.every:
            raise ConfigError("`how` says how the rows of a step become one: give --every as well, as in --every 1h.")
        object.__setattr__(self, "exchange", check_exchange(self.exchange) if self.exchange else "")

    @property
    def covariates(self) -> Covariates:
        """The columns to load beside the target."""
        return Covariates(tuple(self.columns), tuple(self.future_columns), self.prices)

    @property
    def target_only(self) -> bool:
        """Whether a series needs no column but the dates and its own target."""
        return not (self.target or self.covariates != NO_COVARIATES)


def load(
    source: Source,
    *,
    target: str | None = None,
    columns: Sequence[str] = (),
    future_columns: Sequence[str] = (),
    prices: bool = False,
    name: str | None = None,
    unit: str | None = None,
    date_order: str | None = None,
    exchange: str | None = None,
    every: str | None = None,
    how: How | None = None,
    fill: Filling | None = None,
    strict: bool = False,
    offline: bool = False,
    wait: bool = False,
) -> TimeSeries:
    """Load one series.

    Args:
        source: A file (text, Excel or Parquet, plain or compressed), `FILE:NAME` for one of several series or columns,
            a partition of a Parquet dataset (`DIR/ticker=AAPL`), a ticker of Yahoo Finance, a table or column of
            pandas, Polars, Arrow or another library that narwhals knows, a mapping of columns, or an array or list of
            numbers. Dates are a column or the index; rows without any are counted.
        target: The column to forecast; by default the adjusted close, else the close, else the only column of values.
        columns: Past covariates: other columns to load.
        future_columns: Future covariates: columns to load that are known ahead. Rows after the last one with a target
            hold their coming values.
        prices: Load open, high, low and volume as well, if there are any.
        name: The name of the series; by default its name in the file, or that of the file, the ticker or the column.
        unit: The unit of the target, such as `USD`.
        date_order: Order of day, month and year, `dmy`, `mdy` or `ymd`; by default the whole column decides.
        exchange: The exchange whose sessions the rows follow, such as `XNYS`; by default inferred from the dates.
        every: Bring the rows onto a grid of such steps, as in `1h`, `15min`, `D`, `W`, `MS`.
        how: How the rows of a step become one: `last`, `mean` or `sum`; by default the target's name decides.
        fill: Fill missing values: `forward`, `linear` or `seasonal`; by default they stay missing.
        strict: Refuse a series of which rows would be left out or merged.
        offline: Read tickers from their copies on disk only.
        wait: Try for minutes to download a ticker; without it a failure is an error after ten seconds.
    Raises:
        SourceError: the file, the column or the ticker cannot be read, or there are several series.
        SeriesError: the rows break a rule, or `strict` refuses them.
        ConfigError: there is no such exchange or order of dates.
    """
    options = LoadOptions(
        target=target,
        columns=columns,
        future_columns=future_columns,
        prices=prices,
        name=name,
        unit=unit,
        date_order=date_order,
        exchange=exchange,
        every=every,
        how=how,
        fill=fill,
        strict=strict,
        offline=offline,
        wait=wait,
    )
    if isinstance(source, TimeSeries):
        given = {"target": target, "name": name, "unit": unit}
        named = replace(source, **{field: value for field, value in given.items() if value})  # type: ignore[arg-type]
        if named.target != source.target:
            named = replace(named, ranges=source.ranges[:0])  # they belong to the close
        return _regularise(named.with_exchange(options.exchange) if options.exchange else named, options)
    found = resolve(source, offline, wait=wait, target_only=options.target_only)
    schema, names = _select(found, options)
    if len(names) > 1:
        listed = ", ".join(names[:MAX_LISTED]) + (", ..." if len(names) > MAX_LISTED else "")
        column = "with target= for a column of its own, or take load_all for all"
        which = "with FILE:NAME or --target" if isinstance(source, str | Path) else column
        raise SeveralSeries(f"{found.table.where}: say which series, {which}. There are {listed}.")
    return _build(found, schema, names[0], options)


def load_all(source: Source, **options: Any) -> list[TimeSeries]:
    """Load all series of `FILE:*` or of a table in memory, or the only series of a file; options as for `load`."""
    if isinstance(source, TimeSeries):
        return [load(source, **options)]
    file = str(source).removesuffix(EVERY) if isinstance(source, str | Path) else source
    if isinstance(source, str | Path) and file == str(source):
        try:
            return [load(source, **options)]
        except SeveralSeries as error:
            raise error.or_all(str(file)) from None
    checked = LoadOptions(**options)
    found = resolve(file, checked.offline, wait=checked.wait)
    schema, names = _select(found, checked)
    return [_build(found, schema, name, checked) for name in names]


def load_parts(path: Path, parts: Sequence[str], **options: Any) -> Iterator[TimeSeries | ForecastError]:
    """Load several series of a file, which is read once; yield the error in place of a series that cannot be read.

    Args:
        parts: Names of series in the file.
        options: As for `load`.
    Raises:
        ForecastError: the file itself cannot be read.
    """
    checked = LoadOptions(**options)
    found = resolve_parts(path, parts, target_only=checked.target_only)
    if found is None:
        schema = infer_file_schema(path, checked.target, checked.date_order)
        found = SourceTable(schema.table, name_of_file(path))
    else:
        schema = _infer(found, checked)
    known = set(schema.series)
    for part in parts:
        one = replace(found, part=part)
        try:
            yield _build(one, schema, part if part in known else _find_series(one, schema)[0], checked)
        except ForecastError as error:
            yield error


def inspect(
    source: Source,
    *,
    target: str | None = None,
    date_order: str | None = None,
    exchange: str | None = None,
    every: str | None = None,
    how: How | None = None,
    fill: Filling | None = None,
    offline: bool = False,
    wait: bool = False,
) -> Inspection:
    """Describe a source: its format, its series, and what looks wrong with each. Arguments as for `load`.

    Raises:
        SourceError: nothing in it can be read as a series.
    """
    options = LoadOptions(
        target=target,
        date_order=date_order,
        exchange=exchange,
        every=every,
        how=how,
        fill=fill,
        offline=offline,
        wait=wait,
    )
    found = resolve(source, options.offline, wait=options.wait)
    schema, names = _select(found, options)
    form = {**dict(found.table.form), "dates": schema.dates.format, "decimal mark": schema.decimal}
    inspections = tuple(_inspect_series(found, schema, name, options) for name in names)
    if len(inspections) == 1 and inspections[0].series is None:
        raise SourceError(inspections[0].why)
    return Inspection(found.table.where, form, inspections)


def _inspect_series(found: SourceTable, schema: Schema, part: str, options: LoadOptions) -> SeriesInspection:
    choice = schema.choices.get(part) or schema.choices[""]
    columns = tuple(schema.cells) if "" in schema.choices else (choice.target,)
    try:
        series = _build(found, schema, part, options)
    except ForecastError as error:
        return SeriesInspection(part or found.label, None, str(error), columns)
    return SeriesInspection(series.name, series, choice.why, columns)


def _select(found: SourceTable, options: LoadOptions) -> tuple[Schema, Sequence[str]]:
    """Infer the schema of a table, and select the names of the series that the source asks for."""
    schema = _infer(found, options)
    if not found.part or found.table.where.casefold().endswith(f":{found.part.casefold()}"):
        return schema, schema.series
    is_series, is_column = (find_name(found.part, names) is not None for names in (schema.series, schema.cells))
    if schema.rows is None and is_column and not is_series:
        return infer_schema(found.table, target=found.part, order=options.date_order), ("",)
    return schema, _find_series(found, schema)


def _infer(found: SourceTable, options: LoadOptions) -> Schema:
    """Infer the schema of a table; if only some columns were read, their series are known."""
    target = next(iter(found.choices.values()), options.target)
    schema = infer_schema(found.table, target=target, order=options.date_order)
    choices = {name: Choice(column, "a column of values") for name, column in found.choices.items()}
    return replace(schema, choices=choices or _without_covariates(schema, options.covariates))


def _without_covariates(schema: Schema, covariates: Covariates) -> Mapping[str, Choice]:
    """The targets; columns that are to be seen beside one are none if one other is left."""
    seen = {name.strip().casefold() for name in (*covariates.past, *covariates.future)}
    left = [one for one in schema.choices.values() if one.target.strip().casefold() not in seen]
    alone = len(schema.choices) > 1 and len(left) == 1
    return {"": Choice(left[0].target, "the only column of values beside the covariates")} if alone else schema.choices


def _find_series(found: SourceTable, schema: Schema) -> Sequence[str]:
    """Find the series that the source asks for by name, in any case.

    Raises:
        SourceError: there is no series of that name.
    """
    if (name := find_name(found.part, schema.series)) is not None:
        return [name]
    if schema.rows is None and schema.name.casefold() == found.part.casefold():
        return [""]
    known = ", ".join((schema.series if len(schema.series) > 1 else schema.numeric)[:MAX_LISTED])
    raise SourceError(f"{found.table.where}: NAME in FILE:NAME must be one of {known}. Received: {found.part}.")


def _build(found: SourceTable, schema: Schema, part: str, options: LoadOptions) -> TimeSeries:
    """Clean one series, and refuse repaired rows if `strict`."""
    is_column = found.part and not part and found.part.casefold() != schema.name.casefold()
    column = f"{found.label}:{found.part}" if is_column else ""
    series = clean(
        schema,
        part,
        name=options.name or part or column or schema.name or found.label,
        unit=options.unit or found.unit,
        exchange=options.exchange or found.exchange,
        covariates=options.covariates,
        notes=found.notes,
    )
    if options.strict and (repairs := [str(issue) for issue in series.findings if issue.repaired]):
        raise SeriesError(f"{series.name}: with --strict no row may be left out or merged. {'; '.join(repairs)}.")
    return _regularise(series, options)


def _regularise(series: TimeSeries, options: LoadOptions) -> TimeSeries:
    """Bring rows onto another grid and fill holes, where that is asked for."""
    if options.every:
        series = resample_series(series, options.every, options.how)
    return fill_series(series, options.fill) if options.fill else series
