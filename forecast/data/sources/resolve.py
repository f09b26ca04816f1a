"""Resolve the name of a source to its table: a file or a part of it, a partition, a ticker, a pandas object.

In: what a user typed, or a pandas object. Out: a `SourceTable`, which is a table and what its source tells of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from numbers import Number
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.data.calendar.exchanges import exchange_of_ticker
from forecast.data.sources.formats.files import SUFFIXES, read_file, read_frame
from forecast.data.sources.formats.table import Table
from forecast.data.sources.parquet import is_parquet, is_partition, partition_value, read_dataset, read_parts
from forecast.data.sources.schema.schema import Schema, infer_schema
from forecast.errors import SourceError
from forecast.runtime.names import whole_characters
from forecast.typing import Array

# The calendars of Yahoo's instrument types, for tickers that do not tell.
KINDS = {"CRYPTOCURRENCY": "24/7", "CURRENCY": "24/5"}


@dataclass(frozen=True, eq=False)
class SourceTable:
    """The table of a source, and what the source tells of it.

    Attributes:
        label: The name of its only series, unless the table names it.
        part: The series or column that the user asks for; empty for the whole table.
        unit: The unit of a ticker.
        exchange: The exchange of a ticker; else empty.
        choices: The column of each series, if only some columns of a Parquet file were read.
    """

    table: Table
    label: str
    part: str = ""
    unit: str | None = None
    exchange: str = ""
    notes: tuple[str, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)


def resolve(
    source: Any,
    offline: bool,
    *,
    wait: bool = False,
    target_only: bool = False,
) -> SourceTable:
    """Read the table that a source names.

    Args:
        target_only: Of `FILE:NAME`, only the dates and the target are needed.
    """
    if not isinstance(source, str | Path):
        frame, name = as_frame(source)
        return SourceTable(read_frame(frame, "the table"), name or "series")
    _check_local(str(source))
    if is_partition(Path(source)):
        return SourceTable(read_dataset(Path(source)), partition_value(Path(source)))
    path, part = split_part(str(source))
    if path is None:
        return _resolve_ticker(str(source), offline=offline, wait=wait)
    found = resolve_parts(path, (part,), target_only=target_only)
    return found or SourceTable(read_file(path, part or None), name_of_file(path), part)


def _check_local(source: str) -> None:
    """Raise SourceError for an address and for standard input, which are not read."""
    if source == "-":
        raise SourceError(
            "a series is a file or a ticker; standard input is not read. Save it first: ... > prices.csv."
        )
    if "://" in source:
        raise SourceError(
            f"a series is a file or a ticker; addresses are not read. Received: {source}. Download it first, as in "
            f"`curl --remote-name {source}`."
        )


def as_frame(source: Any) -> tuple[pd.DataFrame, str]:
    """A table of pandas, Polars, Arrow or another library, a mapping, or numbers as a pandas frame; and its name.

    Raises:
        SourceError: it is none of these, or a single column without numbers or with infinite ones.
    """
    import narwhals as nw

    if isinstance(source, Mapping):
        source = _frame_of(source)
    known = nw.from_native(source, allow_series=True, pass_through=True)
    if isinstance(known, nw.LazyFrame):
        known = known.collect()
    if isinstance(known, nw.DataFrame):
        return known.to_pandas(), ""
    column = known.to_pandas() if isinstance(known, nw.Series) else _series_of(source)
    name = "" if column.name is None else str(column.name)
    _check_numbers(column, name or "a series")
    if not isinstance(source, pd.Series) and isinstance(column.index, pd.RangeIndex):
        column = column.set_axis(pd.RangeIndex(1, len(column) + 1))
    return column.to_frame(name=name or "value"), name


def _check_numbers(column: "pd.Series[Any]", name: str) -> None:
    """Refuse a column that is to be a series but holds no number, or one that is infinite."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    if len(values) and np.isnan(values).all():
        raise SourceError(f"{name} must hold numbers. Received: none in {len(values)} rows.")
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0])
        raise SourceError(
            f"{name} must hold finite numbers, or NaN where a value is missing. Received: {values[row]} in row "
            f"{row + 1} of {len(values)}."
        )


def _frame_of(columns: Mapping[str, Any]) -> pd.DataFrame:
    try:
        return pd.DataFrame(columns)
    except ValueError as error:
        raise SourceError(f"a mapping must hold columns of one length, by name. {error}.") from error


def _not_numbers(values: Any) -> SourceError:
    """What is wrong with something that is to be a series; of a list, what it holds in place of numbers."""
    received, several = type(values).__name__, ""
    if isinstance(values, list | tuple):
        received += f" with {next((type(one).__name__ for one in values if not isinstance(one, Number)), 'numbers')}"
        several = " Several series are taken by `predict`, `train` and `compare`, and by `predict_all` of a model."
    return SourceError(
        "a series is a file, a ticker, a table, or an array or a list, which must hold numbers. "
        f"Received: {received}.{several}"
    )


def _series_of(values: Array | Sequence[float]) -> "pd.Series[float]":
    """An array or list as a column.

    Raises:
        SourceError: it holds more than one column, or something else than numbers.
    """
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise _not_numbers(values) from error
    if values is None or array.ndim == 0:
        raise SourceError(
            "a series is a file, a ticker, a table, or an array or a list of numbers. Received: "
            f"{'nothing' if values is None else repr(values)}."
        )
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise SourceError(
            f"an array must have one dimension, the rows of one series. Received: shape {array.shape}. Give columns as "
            "a pandas frame with their names."
        )
    return pd.Series(array)


def resolve_parts(path: Path, parts: Sequence[str], *, target_only: bool) -> SourceTable | None:
    """Read only the rows or columns of some series in a Parquet file; None if those are unknown."""
    if not all(parts) or not is_parquet(path) or (found := read_parts(path, parts, columns=target_only)) is None:
        return None
    table, choices = found
    return SourceTable(table, name_of_file(path), parts[0] if len(parts) == 1 else "", choices=choices)


def name_of_file(path: Path) -> str:
    """The name of a file without its suffixes, in whole characters."""
    stem = Path(path.stem).stem if path.suffix.lower() in (".gz", ".bz2", ".xz", ".zip") else path.stem
    return whole_characters(stem)


def infer_file_schema(path: Path, target: str | None, order: str | None) -> Schema:
    """Infer the schema of a file; the last one is cached for the next series in it.

    Raises:
        SourceError: the file cannot be read, or holds no series.
    """
    about = path.stat()
    return _infer_file_schema(path.absolute(), about.st_mtime_ns, about.st_size, target, order)


@lru_cache(maxsize=1)
def _infer_file_schema(path: Path, _changed: int, _size: int, target: str | None, order: str | None) -> Schema:
    return infer_schema(read_file(path), target=target, order=order)


def _resolve_ticker(source: str, *, offline: bool, wait: bool) -> SourceTable:
    from forecast.data.sources.yahoo.tickers import read_ticker

    ticker = source.upper()
    download = read_ticker(ticker, offline=offline, wait=wait)
    exchange = exchange_of_ticker(ticker) or KINDS.get(download.kind, "")
    return SourceTable(read_frame(download.bars, ticker), ticker, "", download.currency, exchange, download.notes)


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name that no file can have, as too long a one, is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """The same of a folder."""
    try:
        return path.is_dir()
    except OSError:
        return False


def split_part(source: str) -> tuple[Path | None, str]:
    """Split `FILE:NAME` into the file and the part; the file is None if `source` is a ticker.

    Raises:
        SourceError: there is no such file, or it is a folder.
    """
    path = Path(source)
    if is_file(path):
        return path, ""
    colons = [position for position, letter in enumerate(source) if letter == ":"]
    for position in colons:
        if is_file(Path(source[:position])):
            return Path(source[:position]), source[position + 1 :]
    file = source[: colons[-1]] if colons else source
    if is_folder(path) and not is_ticker(source):
        raise SourceError(f"{source} is a folder: it holds many series, and one is needed here. Name a file in it.")
    if Path(file).suffix.lower() in SUFFIXES or "/" in source or "\\" in source:
        raise SourceError(f"a series is a file that exists or a ticker. There is no file {file}.")
    return None, ""


def is_ticker(source: str) -> bool:
    """Whether a name can be a ticker even if a folder has it too: upper case, without a slash."""
    return source == source.upper() != source.lower() and not {"/", "\\"} & set(source)
