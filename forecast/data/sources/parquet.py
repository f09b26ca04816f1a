"""Parquet at scale: of a file with many series only the rows or columns of some, and datasets in folders.

In: a path, and names of series. Out: a `Table` with what these need.

    wide    Date | AAPL | MSFT | ...     a column a series: the dates and some columns are read
    long    Date | ticker | Close | ...  rows of many tickers: the row groups that hold some tickers are read
    DIR/ticker=AAPL/*.parquet            a folder a ticker ("hive"): its files are read

How the series stand in a file is found once a process, from its dates, its columns of text and a few of its rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecast.data.sources.formats.files import read_frame
from forecast.data.sources.formats.table_bounds import Table
from forecast.data import vocabulary as words
from forecast.data.sources.parsing.dates import read_dates, repeated
from forecast.data.sources.schema.schema import infer_schema
from forecast.data.sources.schema.series_id import REPEATED, find_keys
from forecast.errors import SourceError

MARK = b"PAR1"
# Rows that show what the columns of a wide file hold.
SAMPLE = 400
# What Arrow and pandas raise over a damaged file.
DAMAGED = (pa.ArrowException, ValueError, OSError)


@dataclass(frozen=True, eq=False)
class Form:
    """How the series of a file stand in it.

    Attributes:
        dates: The column of dates.
        columns: The column of each series of a wide file, by the name of the series.
        key: The column that names the series of a long file; empty in a wide one.
        keys: The names in it, in the order in which they first appear.
    """

    dates: str
    columns: Mapping[str, str]
    key: str = ""
    keys: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The names of all series."""
        return self.keys if self.key else tuple(self.columns)


@dataclass(frozen=True, eq=False)
class Cut:
    """A part of a file; `choices` are the series in it and their columns, where it was cut by columns."""

    table: Table
    choices: Mapping[str, str]


def is_parquet(path: Path) -> bool:
    """Whether a file begins as Parquet does."""
    try:
        with path.open("rb") as file:
            return file.read(len(MARK)) == MARK
    except OSError:
        return False


def series_in(path: Path) -> tuple[str, ...]:
    """The names of the series in a Parquet file, from its dates and few others of its cells; none where that is hard.

    Raises:
        SourceError: it is damaged.
    """
    form = _form(path)
    return form.series if form else ()


def read_parts(path: Path, parts: Sequence[str], *, columns: bool) -> Cut | None:
    """What some series of a file need, all of which it must hold under just these names; else None.

    Args:
        columns: Whether a wide file may be cut to the columns of the series.
    Raises:
        SourceError: the file is damaged.
    """
    from pyarrow import parquet

    form = _form(path)
    if form is None or not set(parts) <= set(form.series):
        return None
    form_of = (("form", "Parquet"),)
    try:
        if form.key:
            rows = parquet.read_table(path, filters=pc.field(form.key).isin(list(parts)))
            return Cut(read_frame(rows.to_pandas(), path.name, form_of), {}) if len(rows) else None
        if not columns:
            return None
        choices = {part: form.columns[part] for part in parts}
        with parquet.ParquetFile(path) as file:
            frame = file.read([form.dates, *dict.fromkeys(choices.values())]).to_pandas()
        return Cut(read_frame(frame, path.name, form_of), choices)
    except DAMAGED as error:
        raise _damaged(path, error) from error


def read_dataset(folder: Path) -> Table:
    """All rows of the Parquet files in a folder and those below it.

    Raises:
        SourceError: one of them is damaged, or they have nothing in common.
    """
    from pyarrow import parquet

    parts = []
    for path in parquet_files(folder):
        try:
            with parquet.ParquetFile(path) as file:
                parts.append(file.read())
        except DAMAGED as error:
            raise _damaged(path, error) from error
    try:
        rows = parts[0] if len(parts) == 1 else pa.concat_tables(parts, promote_options="permissive")
        return read_frame(rows.to_pandas(), folder.name, (("form", "Parquet"),))
    except DAMAGED as error:
        raise _damaged(folder, error) from error


def parquet_files(folder: Path) -> list[Path]:
    """The Parquet files in a folder and those below it, by name; hidden ones and notes such as `_SUCCESS` left out."""
    return sorted(path for path in folder.rglob("*.parquet") if not path.name.startswith((".", "_")))


def is_partition(path: Path) -> bool:
    """Whether a path is the folder of one value, as in `ticker=AAPL`."""
    return "=" in path.name and path.is_dir()


def partition_value(folder: Path) -> str:
    """The value of a partition, `AAPL` in `ticker=AAPL`."""
    return unquote(folder.name.partition("=")[2])


def _damaged(path: Path, error: Exception) -> SourceError:
    reason = " ".join(str(error).split())
    return SourceError(f"{path}: this is no Parquet file that can be read. {reason}")


def _form(path: Path) -> Form | None:
    """How the series stand in a file; None where that takes all of it, or where there is one series."""
    about = path.stat()
    return _find_form(path.absolute(), about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=4)
def _find_form(path: Path, _changed: int, _size: int) -> Form | None:
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            dates = [field.name for field in schema if pa.types.is_temporal(field.type)]
            texts = [field.name for field in schema if _is_text(field.type)]
            if len(dates) != 1 or len(set(schema.names)) < len(schema) or not file.metadata.num_rows:
                return None
            found = read_dates(file.read(dates)[dates[0]].combine_chunks())
            if found is None:
                return None
            return _long(file, dates[0], found.stamps, texts) if texts else _wide(file, dates[0], found.stamps, path)
    except DAMAGED as error:
        raise _damaged(path, error) from error


def _is_text(kind: Any) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _long(file: Any, dates: str, stamps: Any, texts: list[str]) -> Form | None:
    """The column of text that tells the rows of a date apart."""
    for name in sorted(texts, key=lambda name: not words.is_security(name)):
        cells = file.read([name])[name].combine_chunks()
        cells = cells.dictionary_decode() if pa.types.is_dictionary(cells.type) else cells
        if (keys := find_keys({name: cells}, [], stamps)) is not None:
            return Form(dates, {}, name, tuple(keys.rows()))
    return None


def _wide(file: Any, dates: str, stamps: Any, path: Path) -> Form | None:
    """The columns of a file without repeated dates, by their names and a few rows."""
    if repeated(stamps[~np.isnat(stamps)]) > REPEATED:
        return None
    sample = next(file.iter_batches(batch_size=SAMPLE))
    if any(column.null_count == len(column) for column in sample.columns):
        sample = file.read()  # a series that begins later
    frame: pd.DataFrame = sample.to_pandas()
    if not isinstance(sample, pa.Table):
        frame = pa.Table.from_batches([sample], schema=file.schema_arrow).to_pandas()
    choices = infer_schema(read_frame(frame, path.name)).choices
    return None if "" in choices else Form(dates, {name: choice.target for name, choice in choices.items()})
