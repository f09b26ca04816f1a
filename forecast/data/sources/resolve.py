"""From the name of a source to the table behind it: a file or a part of it, a partition, a ticker, a pandas object.

In: what a user typed. Out: `Found`, a table and what is known of it beforehand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pandas as pd

from forecast.data.calendar.exchanges import exchange_of_ticker
from forecast.data.sources.formats.files import SUFFIXES, read_file, read_frame
from forecast.data.sources.formats.table_bounds import Table
from forecast.data.sources.parquet import is_parquet, is_partition, partition_value, read_dataset, read_parts
from forecast.data.sources.schema.schema import Schema, infer_schema
from forecast.errors import SourceError

# What Yahoo's kinds of tickers say of their sessions, where the ticker itself does not.
KINDS = {"CRYPTOCURRENCY": "24/7", "CURRENCY": "24/5"}


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


def find(source: "str | Path | pd.DataFrame | pd.Series[float]", offline: bool, *, alone: bool = False) -> Found:
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
    return find_part(path, (part,), alone=alone) or Found(read_file(path, part or None), label_of(path), part)


def find_part(path: Path, parts: Sequence[str], *, alone: bool) -> Found | None:
    """Of a Parquet file the rows or columns of some series, where it is known which they are."""
    if not all(parts) or not is_parquet(path) or (cut := read_parts(path, parts, columns=alone)) is None:
        return None
    return Found(cut.table, label_of(path), parts[0] if len(parts) == 1 else "", choices=cut.choices)


def label_of(path: Path) -> str:
    """What the only series of a file is called."""
    return Path(path.stem).stem if path.suffix.lower() in (".gz", ".bz2", ".xz", ".zip") else path.stem


def infer_file_schema(path: Path, target: str | None, order: str | None) -> Schema:
    """What the columns of a file mean; the last one is kept for whoever asks for its series next.

    Raises:
        SourceError: the file cannot be read, or holds no series.
    """
    about = path.stat()
    return _infer_file_schema(path.absolute(), about.st_mtime_ns, about.st_size, target, order)


@lru_cache(maxsize=1)
def _infer_file_schema(path: Path, _changed: int, _size: int, target: str | None, order: str | None) -> Schema:
    return infer_schema(read_file(path), target=target, order=order)


def _find_ticker(source: str, offline: bool) -> Found:
    from forecast.data.sources.yahoo.tickers import read_ticker

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
