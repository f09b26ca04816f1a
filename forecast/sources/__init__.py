"""The only door to file formats and the network.

In: whatever a user names a series by. Out: one checked `TimeSeries`, or an `Inspection` of all that is there.

    file ──── files ── encoding, text ── layout ─┐   names, when, ohlc    findings
    frame ───────────────────────────────────────┼── meaning ──────────── cleaning ── TimeSeries
    ticker ── yahoo ─────────────────────────────┘   dates, numbers       inspection
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from forecast.errors import ForecastError, SeriesError, SourceError
from forecast.exchanges import check_exchange, exchange_of_ticker, recognise
from forecast.series import TimeSeries
from forecast.sources.cleaning import NOTHING, Carried, clean
from forecast.sources.dates import check_order
from forecast.sources.files import SUFFIXES, read_file, read_frame
from forecast.sources.inspection import Inspection, Sighting
from forecast.sources.layout import Table
from forecast.sources.meaning import Reading, understand

Source = str | Path | pd.DataFrame | pd.Series | TimeSeries

# What Yahoo's kinds of tickers say of their sessions, where the ticker itself does not.
KINDS = {"CRYPTOCURRENCY": "24/7", "CURRENCY": "24/5"}
# Names of series that an error lists.
LISTED = 12
# What stands behind a file to name all of its series.
EVERY = ":*"


@dataclass(frozen=True, eq=False)
class Found:
    """The table behind a source, and what is known of it beforehand.

    Attributes:
        label: What its only series is called where the table does not say.
        part: The series or column of it that is asked for; empty where none is.
    """

    table: Table
    label: str
    part: str = ""
    unit: str | None = None
    exchange: str = ""
    notes: tuple[str, ...] = ()


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
            ticker of Yahoo Finance, or a pandas object whose index, or a column with dates, says when.
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
    found = _find(source, offline)
    reading, names = _select(found, target, check_order(date_order))
    if len(names) > 1:
        listed = ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")
        raise SourceError(
            f"{found.table.where}: say which series, with FILE:NAME or --target, or FILE:* for all. There are {listed}."
        )
    carried = Carried(tuple(columns), tuple(future_columns), prices)
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
    carried = Carried(tuple(columns), tuple(future_columns), prices)
    file = str(source).removesuffix(EVERY)
    if isinstance(source, TimeSeries | pd.DataFrame | pd.Series) or file == str(source):
        given = {"target": target, "columns": columns, "future_columns": future_columns, "prices": prices, "unit": unit}
        given |= {"date_order": date_order, "exchange": exchange, "strict": strict, "offline": offline}
        return [load(source, **given)]  # type: ignore[arg-type]
    exchange = check_exchange(exchange) if exchange else ""
    found = _find(file, offline)
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
    found = _find(source, offline)
    reading, names = _select(found, target, check_order(date_order))
    form = {**dict(found.table.form), "dates": reading.dates.form, "decimal mark": reading.mark[0]}
    sightings = [_sight(found, reading, name, exchange) for name in names]
    if len(sightings) == 1 and sightings[0].series is None:
        raise SourceError(sightings[0].why)
    return Inspection(found.table.where, form, tuple(sightings))


def _find(source: "str | Path | pd.DataFrame | pd.Series[float]", offline: bool) -> Found:
    """The table that a source names."""
    if isinstance(source, pd.Series):
        source = source.to_frame(name=str(source.name) if source.name is not None else "value")
    if isinstance(source, pd.DataFrame):
        return Found(read_frame(source, "the table"), "series")
    path, part = _split_part(str(source))
    if path is None:
        return _find_ticker(str(source), offline)
    label = Path(path.stem).stem if path.suffix.lower() in (".gz", ".bz2", ".xz", ".zip") else path.stem
    return Found(read_file(path, part or None), label, part)


def _find_ticker(source: str, offline: bool) -> Found:
    from forecast.sources.yahoo import read_ticker

    ticker = source.upper()
    download = read_ticker(ticker, offline=offline)
    exchange = exchange_of_ticker(ticker) or KINDS.get(download.kind, "")
    return Found(read_frame(download.bars, ticker), ticker, "", download.currency, exchange, download.notes)


def _split_part(source: str) -> tuple[Path | None, str]:
    """A file and the series or column in it that is asked for; no file where `source` reads as a ticker."""
    path = Path(source)
    if path.is_file():
        return path, ""
    file, colon, part = source.rpartition(":")
    if colon and Path(file).is_file():
        return Path(file), part
    if Path(file if colon else source).suffix.lower() in SUFFIXES or "/" in source or "\\" in source:
        raise SourceError(f"a series is a file that exists or a ticker. There is no file {file if colon else source}.")
    return None, ""


def _select(found: Found, target: str | None, order: str | None) -> tuple[Reading, Sequence[str]]:
    """The table, understood, and the names of the series in it that are asked for."""
    reading = understand(found.table, target=target, order=order)
    part = found.part.casefold()
    if not part or found.table.where.casefold().endswith(f":{part}"):
        return reading, reading.series
    if part in (names := {name.casefold(): name for name in reversed(reading.series)}):
        return reading, [names[part]]
    if reading.rows is None and part in {name.strip().casefold() for name in reading.cells}:
        return understand(found.table, target=found.part, order=order), ("",)
    there = ", ".join((reading.series if len(reading.series) > 1 else reading.numeric)[:LISTED])
    raise SourceError(f"{found.table.where}: NAME in FILE:NAME must be one of {there}. Received: {found.part}.")


def _make(
    found: Found,
    reading: Reading,
    part: str,
    name: str | None,
    unit: str | None,
    exchange: str,
    carried: Carried = NOTHING,
) -> TimeSeries:
    column = f"{found.label}:{found.part}" if found.part and not part else ""
    series = clean(
        reading,
        part,
        name=name or part or column or reading.name or found.label,
        unit=unit or found.unit,
        exchange=exchange or found.exchange,
        carried=carried,
    )
    return replace(series, notes=(*found.notes, *series.notes))


def _sight(found: Found, reading: Reading, part: str, exchange: str) -> Sighting:
    """One series as an inspection shows it."""
    choice = reading.choices.get(part) or reading.choices[""]
    columns = tuple(reading.cells) if "" in reading.choices else (choice.target,)
    try:
        series = _make(found, reading, part, None, None, exchange)
    except ForecastError as error:
        return Sighting(part or found.label, None, str(error), columns)
    return Sighting(series.name, series, choice.why, columns, series.exchange or recognise(series.index))


__all__ = ["inspect", "load", "load_all"]
