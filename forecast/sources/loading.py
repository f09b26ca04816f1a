"""From what a user names a series by to the series: a file, one of several series in it, a ticker, a pandas object.

In: a source. Out: a `TimeSeries`, all those of a file, or an `Inspection`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.errors import ForecastError, SeriesError, SourceError
from forecast.exchanges import check_exchange, exchange_of_ticker, recognise
from forecast.series import TimeSeries
from forecast.sources.cleaning import NOTHING, Carried, clean
from forecast.sources.dates import check_order
from forecast.sources.files import SUFFIXES, read_file, read_frame
from forecast.sources.inspection import Inspection, Sighting
from forecast.sources.layout import Table
from forecast.sources.meaning import Choice, Reading, understand
from forecast.sources.parquet import is_parquet, is_partition, partition_value, read_dataset, read_parts

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
        choices: The series of a table that was cut to some of its columns, and the column of each.
    """

    table: Table
    label: str
    part: str = ""
    unit: str | None = None
    exchange: str = ""
    notes: tuple[str, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)


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
    carried = Carried(tuple(columns), tuple(future_columns), prices)
    found = _find(source, offline, alone=not (target or carried != NOTHING))
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
    carried = Carried(tuple(columns), tuple(future_columns), prices)
    found = _find_part(path, parts, alone=not (target or carried != NOTHING))
    if found is None:
        reading = understand_file(path, target, check_order(date_order))
        found = Found(reading.table, _label(path))
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


def _find(source: "str | Path | pd.DataFrame | pd.Series[float]", offline: bool, *, alone: bool = False) -> Found:
    """The table that a source names.

    Args:
        alone: Of `FILE:NAME` nothing but the dates and the target is needed.
    """
    if isinstance(source, pd.Series):
        source = source.to_frame(name=str(source.name) if source.name is not None else "value")
    if isinstance(source, pd.DataFrame):
        return Found(read_frame(source, "the table"), "series")
    if is_partition(Path(source)):
        return Found(read_dataset(Path(source)), partition_value(Path(source)))
    path, part = split_part(str(source))
    if path is None:
        return _find_ticker(str(source), offline)
    return _find_file(path, part, alone=alone)


def _find_file(path: Path, part: str, *, alone: bool) -> Found:
    """The table in a file; of Parquet only what the series `part` needs, if that is known."""
    return _find_part(path, (part,), alone=alone) or Found(read_file(path, part or None), _label(path), part)


def _find_part(path: Path, parts: Sequence[str], *, alone: bool) -> Found | None:
    """Of a Parquet file the rows or columns of some series, where it is known which they are."""
    if not all(parts) or not is_parquet(path) or (cut := read_parts(path, parts, columns=alone)) is None:
        return None
    return Found(cut.table, _label(path), parts[0] if len(parts) == 1 else "", choices=cut.choices)


def _label(path: Path) -> str:
    """What the only series of a file is called."""
    return Path(path.stem).stem if path.suffix.lower() in (".gz", ".bz2", ".xz", ".zip") else path.stem


def understand_file(path: Path, target: str | None, order: str | None) -> Reading:
    """What the columns of a file mean; the last one is kept for whoever asks for its series next.

    Raises:
        SourceError: the file cannot be read, or holds no series.
    """
    about = path.stat()
    return _understand_file(path.absolute(), about.st_mtime_ns, about.st_size, target, order)


@lru_cache(maxsize=1)
def _understand_file(path: Path, _changed: int, _size: int, target: str | None, order: str | None) -> Reading:
    return understand(read_file(path), target=target, order=order)


def _find_ticker(source: str, offline: bool) -> Found:
    from forecast.sources.yahoo import read_ticker

    ticker = source.upper()
    download = read_ticker(ticker, offline=offline)
    exchange = exchange_of_ticker(ticker) or KINDS.get(download.kind, "")
    return Found(read_frame(download.bars, ticker), ticker, "", download.currency, exchange, download.notes)


def split_part(source: str) -> tuple[Path | None, str]:
    """A file and the series or column in it that is asked for; no file where `source` reads as a ticker.

    Raises:
        SourceError: it reads as a file, and there is none.
    """
    path = Path(source)
    if path.is_file():
        return path, ""
    colons = [place for place, letter in enumerate(source) if letter == ":"]
    for place in colons:
        if Path(source[:place]).is_file():
            return Path(source[:place]), source[place + 1 :]
    file = source[: colons[-1]] if colons else source
    if path.is_dir() and not is_ticker(source):
        raise SourceError(f"{source} is a folder: it holds many series, and one is needed here. Name a file in it.")
    if Path(file).suffix.lower() in SUFFIXES or "/" in source or "\\" in source:
        raise SourceError(f"a series is a file that exists or a ticker. There is no file {file}.")
    return None, ""


def is_ticker(source: str) -> bool:
    """Whether a name is a ticker though a folder has it as well: in capitals, and without a slash."""
    return source == source.upper() != source.lower() and not {"/", "\\"} & set(source)


def _select(found: Found, target: str | None, order: str | None) -> tuple[Reading, Sequence[str]]:
    """The table, understood, and the names of the series in it that are asked for."""
    reading = _understand(found, target, order)
    if not found.part or found.table.where.casefold().endswith(f":{found.part.casefold()}"):
        return reading, reading.series
    part = found.part.casefold()
    series, cells = ({name.strip().casefold() for name in names} for names in (reading.series, reading.cells))
    if reading.rows is None and part not in series and part in cells:
        return understand(found.table, target=found.part, order=order), ("",)
    return reading, _names(found, reading)


def _understand(found: Found, target: str | None, order: str | None) -> Reading:
    """What the columns mean; those of a table that was cut are known."""
    if not found.choices:
        return understand(found.table, target=target, order=order)
    reading = understand(found.table, target=next(iter(found.choices.values())), order=order)
    chosen = {name: Choice(column, "a column of values") for name, column in found.choices.items()}
    return replace(reading, choices=chosen)


def _names(found: Found, reading: Reading) -> Sequence[str]:
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
    reading: Reading,
    part: str,
    name: str | None,
    unit: str | None,
    exchange: str,
    carried: Carried = NOTHING,
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


def _sight(found: Found, reading: Reading, part: str, exchange: str) -> Sighting:
    """One series as an inspection shows it."""
    choice = reading.choices.get(part) or reading.choices[""]
    columns = tuple(reading.cells) if "" in reading.choices else (choice.target,)
    try:
        series = _make(found, reading, part, None, None, exchange)
    except ForecastError as error:
        return Sighting(part or found.label, None, str(error), columns)
    return Sighting(series.name, series, choice.why, columns, series.exchange or recognise(series.index))
