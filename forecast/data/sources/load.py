"""From what a user names a series by to the series: a file, one of several series in it, a ticker, a pandas object.

In: a source. Out: a `TimeSeries`, all those of a file, or an `Inspection`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.data.calendar.exchanges import check_exchange
from forecast.data.calendar.infer_exchange import infer_exchange
from forecast.data.series import TimeSeries
from forecast.data.sources.clean import NOTHING, Covariates, clean
from forecast.data.sources.inspection import Inspection, SeriesInspection
from forecast.data.sources.parsing.dates import check_order
from forecast.data.sources.resolve import Found, find, find_part, infer_file_schema, label_of
from forecast.data.sources.schema.schema import Choice, Schema, infer_schema
from forecast.errors import ForecastError, SeriesError, SourceError

Source = str | Path | pd.DataFrame | pd.Series | TimeSeries

# Names of series that an error lists.
LISTED = 12
# What stands behind a file to name all of its series.
EVERY = ":*"


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
    strict: bool = False,
    offline: bool = False,
) -> TimeSeries:
    """Reads one series.

    Args:
        source: A file (text, Excel or Parquet, plain or packed), `FILE:NAME` for one of several series or columns, a
            partition of a Parquet dataset (`DIR/ticker=AAPL`), a ticker of Yahoo Finance, or a pandas object whose
            index, or a column with dates, says when.
        target: The column to forecast; by default the adjusted close if there is one, else the close, else the only
            column of values.
        columns: Other columns that the series carries beside the target.
        future_columns: Columns that it carries and that are known ahead: rows after the last one with a target hold
            what is to come.
        prices: Carry the open, high, low and volume as well, where there are any.
        name: What to call the series; by default its name in the file, the file's or the ticker's.
        unit: What one unit of the target is, as in `USD`.
        date_order: Order of day, month and year, `dmy`, `mdy` or `ymd`; by default the whole column decides.
        exchange: The exchange whose sessions the rows follow, as in `XNYS`.
        strict: Refuse a series of which rows would be left out or merged.
        offline: Take tickers from their copies on disk alone.
    Raises:
        SourceError: the file, the column or the ticker cannot be read, or there are several series.
        SeriesError: the rows break a rule, or `strict` refuses them.
    """
    exchange = check_exchange(exchange) if exchange else ""
    if isinstance(source, TimeSeries):
        given = {"target": target, "name": name, "unit": unit, "exchange": exchange}
        return replace(source, **{field: value for field, value in given.items() if value})  # type: ignore[arg-type]
    carried = Covariates(tuple(columns), tuple(future_columns), prices)
    found = find(source, offline, alone=not (target or carried != NOTHING))
    reading, names = _select(found, target, check_order(date_order))
    if len(names) > 1:
        listed = ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")
        raise SourceError(
            f"{found.table.where}: say which series, with FILE:NAME or --target, or FILE:* for all. There are {listed}."
        )
    return _check_strict(_make(found, reading, names[0], name, unit, exchange, carried), strict)


def load_all(
    source: Source,
    *,
    target: str | None = None,
    columns: Sequence[str] = (),
    future_columns: Sequence[str] = (),
    prices: bool = False,
    unit: str | None = None,
    date_order: str | None = None,
    exchange: str | None = None,
    strict: bool = False,
    offline: bool = False,
) -> list[TimeSeries]:
    """Reads `FILE:*`, all series of a file; of any other source its only one. Arguments as for `load`."""
    carried = Covariates(tuple(columns), tuple(future_columns), prices)
    file = str(source).removesuffix(EVERY)
    if isinstance(source, TimeSeries | pd.DataFrame | pd.Series) or file == str(source):
        given = {"target": target, "columns": columns, "future_columns": future_columns, "prices": prices, "unit": unit}
        given |= {"date_order": date_order, "exchange": exchange, "strict": strict, "offline": offline}
        return [load(source, **given)]  # type: ignore[arg-type]
    exchange = check_exchange(exchange) if exchange else ""
    found = find(file, offline)
    reading, names = _select(found, target, check_order(date_order))
    return [_check_strict(_make(found, reading, name, None, unit, exchange, carried), strict) for name in names]


def _check_strict(series: TimeSeries, strict: bool) -> TimeSeries:
    if strict and (repairs := [str(finding) for finding in series.findings if finding.repaired]):
        raise SeriesError(f"{series.name}: with --strict no row may be left out or merged. {'; '.join(repairs)}.")
    return series


def inspect(
    source: str | Path | pd.DataFrame,
    *,
    target: str | None = None,
    date_order: str | None = None,
    exchange: str | None = None,
    offline: bool = False,
) -> Inspection:
    """What there is in a source: its form, its series, and what looks wrong with each. Arguments as for `load`.

    Raises:
        SourceError: nothing in it can be read as a series.
    """
    exchange = check_exchange(exchange) if exchange else ""
    found = find(source, offline)
    reading, names = _select(found, target, check_order(date_order))
    form = {**dict(found.table.form), "dates": reading.dates.form, "decimal mark": reading.mark[0]}
    sightings = [_inspect_series(found, reading, name, exchange) for name in names]
    if len(sightings) == 1 and sightings[0].series is None:
        raise SourceError(sightings[0].why)
    return Inspection(found.table.where, form, tuple(sightings))


def load_parts(
    path: Path,
    parts: Sequence[str],
    *,
    target: str | None = None,
    columns: Sequence[str] = (),
    future_columns: Sequence[str] = (),
    prices: bool = False,
    unit: str | None = None,
    date_order: str | None = None,
    exchange: str | None = None,
    strict: bool = False,
    **_: Any,
) -> Iterator[TimeSeries | ForecastError]:
    """Several series of a file, which is read once; in place of one that cannot be read, the error that says why.

    Args:
        parts: Names of series in the file. The rest as for `load`.
    Raises:
        ForecastError: the file itself cannot be read.
    """
    exchange = check_exchange(exchange) if exchange else ""
    carried = Covariates(tuple(columns), tuple(future_columns), prices)
    found = find_part(path, parts, alone=not (target or carried != NOTHING))
    if found is None:
        reading = infer_file_schema(path, target, check_order(date_order))
        found = Found(reading.table, label_of(path))
    else:
        reading = _understand(found, target, check_order(date_order))
    there = set(reading.series)
    for part in parts:
        one = replace(found, part=part)
        try:
            name = part if part in there else _names(one, reading)[0]
            yield _check_strict(_make(one, reading, name, None, unit, exchange, carried), strict)
        except ForecastError as error:
            yield error


def _select(found: Found, target: str | None, order: str | None) -> tuple[Schema, Sequence[str]]:
    """The table, understood, and the names of the series in it that are asked for."""
    reading = _understand(found, target, order)
    if not found.part or found.table.where.casefold().endswith(f":{found.part.casefold()}"):
        return reading, reading.series
    part = found.part.casefold()
    series, cells = ({name.strip().casefold() for name in names} for names in (reading.series, reading.cells))
    if reading.rows is None and part not in series and part in cells:
        return infer_schema(found.table, target=found.part, order=order), ("",)
    return reading, _names(found, reading)


def _understand(found: Found, target: str | None, order: str | None) -> Schema:
    """What the columns mean; those of a table that was cut are known."""
    if not found.choices:
        return infer_schema(found.table, target=target, order=order)
    reading = infer_schema(found.table, target=next(iter(found.choices.values())), order=order)
    chosen = {name: Choice(column, "a column of values") for name, column in found.choices.items()}
    return replace(reading, choices=chosen)


def _names(found: Found, reading: Schema) -> Sequence[str]:
    """The series that a source asks for by name, in any case.

    Raises:
        SourceError: there is none of that name.
    """
    if found.part in reading.series:
        return [found.part]
    names = {name.casefold(): name for name in reversed(reading.series)}
    if (part := found.part.casefold()) in names:
        return [names[part]]
    if reading.rows is None and reading.name.casefold() == part:
        return [""]
    there = ", ".join((reading.series if len(reading.series) > 1 else reading.numeric)[:LISTED])
    raise SourceError(f"{found.table.where}: NAME in FILE:NAME must be one of {there}. Received: {found.part}.")


def _make(
    found: Found,
    reading: Schema,
    part: str,
    name: str | None,
    unit: str | None,
    exchange: str,
    carried: Covariates = NOTHING,
) -> TimeSeries:
    alone = found.part and not part and found.part.casefold() != reading.name.casefold()
    column = f"{found.label}:{found.part}" if alone else ""
    return clean(
        reading,
        part,
        name=name or part or column or reading.name or found.label,
        unit=unit or found.unit,
        exchange=exchange or found.exchange,
        carried=carried,
        notes=found.notes,
    )


def _inspect_series(found: Found, reading: Schema, part: str, exchange: str) -> SeriesInspection:
    """One series as an inspection shows it."""
    choice = reading.choices.get(part) or reading.choices[""]
    columns = tuple(reading.cells) if "" in reading.choices else (choice.target,)
    try:
        series = _make(found, reading, part, None, None, exchange)
    except ForecastError as error:
        return SeriesInspection(part or found.label, None, str(error), columns)
    return SeriesInspection(series.name, series, choice.why, columns, series.exchange or infer_exchange(series.index))
