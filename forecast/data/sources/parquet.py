"""Read from Parquet only what some series need: columns, row groups, or folders of a dataset.

In: a path, and names of series. Out: a `Table`.

    wide    Date | AAPL | MSFT | ...     one column a series: reads the dates and some columns
    long    Date | ticker | Close | ...  one row a date and series: reads the row groups of some series
    DIR/ticker=AAPL/*.parquet            one folder a series (Hive partitioning): reads its files

The layout of a file is inferred once a process, from its dates, its text columns and a few rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.data import vocabulary
from forecast.data.sources.formats.files import (
    DAMAGED_PARQUET,
    PARQUET,
    check_parquet,
    damaged_parquet_error,
    read_frame,
)
from forecast.data.sources.formats.table import Table
from forecast.data.sources.parsing.date_formats import Stamps
from forecast.data.sources.parsing.dates import read_dates, share_repeated
from forecast.data.sources.schema.schema import infer_schema
from forecast.data.sources.schema.series_id import MAX_REPEATED, find_series_ids

FORM = (("form", "Parquet"),)
# Rows that show what the columns of a wide file hold.
SAMPLE = 400


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the series are in a file.

    Attributes:
        dates: The column of dates.
        columns: The column of each series of a wide file, by the name of the series.
        id_column: The column that identifies the series of a long file; empty in a wide one.
        ids: The names in that column, in the order in which they first appear.
    """

    dates: str
    columns: Mapping[str, str]
    id_column: str = ""
    ids: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The names of all series."""
        return self.ids if self.id_column else tuple(self.columns)


def is_parquet(path: Path) -> bool:
    """Whether a file begins as Parquet does."""
    try:
        with path.open("rb") as file:
            return file.read(len(PARQUET)) == PARQUET
    except OSError:
        return False


def list_series(path: Path) -> tuple[str, ...]:
    """List the series in a Parquet file without reading all of it; empty if that is not possible.

    Raises:
        SourceError: the file is damaged.
    """
    layout = _layout(path)
    return layout.series if layout else ()


def read_parts(path: Path, parts: Sequence[str], *, columns: bool) -> tuple[Table, Mapping[str, str]] | None:
    """Read only the rows or columns of some series.

    Args:
        columns: Whether to read a part of the columns of a wide file.
    Returns:
        The table, and if only some columns were read, the column of each series; None if the file does not hold all of
        the series by these names.
    Raises:
        SourceError: the file is damaged.
    """
    from pyarrow import parquet

    layout = _layout(path)
    if layout is None or not set(parts) <= set(layout.series):
        return None
    try:
        if layout.id_column:
            rows = parquet.read_table(path, filters=pc.field(layout.id_column).isin(list(parts)))
            return (read_frame(rows.to_pandas(), path.name, FORM), {}) if len(rows) else None
        if not columns:
            return None
        choices = {part: layout.columns[part] for part in parts}
        with parquet.ParquetFile(path) as file:
            frame = file.read([layout.dates, *dict.fromkeys(choices.values())]).to_pandas()
        return read_frame(frame, path.name, FORM), choices
    except DAMAGED_PARQUET as error:
        raise damaged_parquet_error(path, error) from error


def read_dataset(folder: Path) -> Table:
    """Read all Parquet files in a folder and its subfolders as one table.

    Raises:
        SourceError: a file is damaged, or their columns do not match.
    """
    from pyarrow import parquet

    parts = []
    for path in parquet_files(folder):
        try:
            with parquet.ParquetFile(path) as file:
                check_parquet(file, path.stat().st_size, str(path))
                parts.append(file.read())
        except DAMAGED_PARQUET as error:
            raise damaged_parquet_error(path, error) from error
    try:
        rows = parts[0] if len(parts) == 1 else pa.concat_tables(parts, promote_options="permissive")
        return read_frame(rows.to_pandas(), folder.name, FORM)
    except DAMAGED_PARQUET as error:
        raise damaged_parquet_error(folder, error) from error


def parquet_files(folder: Path) -> list[Path]:
    """The Parquet files in a folder and its subfolders, sorted by name, without hidden files and `_` files."""
    return sorted(path for path in folder.rglob("*.parquet") if not path.name.startswith((".", "_")))


def is_partition(path: Path) -> bool:
    """Whether a path is a partition, such as the folder `ticker=AAPL`."""
    try:
        return "=" in path.name and path.is_dir()
    except OSError:  # a name that no folder can have
        return False


def partition_value(folder: Path) -> str:
    """The value of a partition, `AAPL` in `ticker=AAPL`."""
    return unquote(folder.name.partition("=")[2])


def _layout(path: Path) -> Layout | None:
    """The layout of a file; None if it takes the whole file to infer it, or if there is one series."""
    about = path.stat()
    return _infer_layout(path.absolute(), about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=4)
def _infer_layout(path: Path, _changed: int, _size: int) -> Layout | None:
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            check_parquet(file, path.stat().st_size, str(path))
            schema = file.schema_arrow
            dates = [field.name for field in schema if pa.types.is_temporal(field.type)]
            texts = [field.name for field in schema if _is_text(field.type)]
            if len(dates) != 1 or len(set(schema.names)) < len(schema) or not file.metadata.num_rows:
                return None
            found = read_dates(file.read(dates)[dates[0]].combine_chunks())
            if found is None:
                return None
            if texts:
                return _long_layout(file, dates[0], found.stamps, texts)
            return _wide_layout(file, dates[0], found.stamps, path)
    except DAMAGED_PARQUET as error:
        raise damaged_parquet_error(path, error) from error


def _is_text(kind: Any) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _long_layout(file: Any, dates: str, stamps: Stamps, texts: list[str]) -> Layout | None:
    """The layout by the first text column that identifies series."""
    for name in sorted(texts, key=lambda name: not vocabulary.is_security(name)):
        cells = file.read([name])[name].combine_chunks()
        cells = cells.dictionary_decode() if pa.types.is_dictionary(cells.type) else cells
        if (ids := find_series_ids({name: cells}, [], stamps)) is not None:
            return Layout(dates, {}, name, tuple(ids.rows()))
    return None


def _wide_layout(file: Any, dates: str, stamps: Stamps, path: Path) -> Layout | None:
    """The layout of a file without repeated dates, by its names and a few rows."""
    if share_repeated(stamps[~np.isnat(stamps)]) > MAX_REPEATED:
        return None
    rows = pa.Table.from_batches([next(file.iter_batches(batch_size=SAMPLE))], schema=file.schema_arrow)
    if any(column.null_count == len(column) for column in rows.columns):
        rows = file.read()  # a series begins later
    choices = infer_schema(read_frame(rows.to_pandas(), path.name)).choices
    return None if "" in choices else Layout(dates, {name: choice.target for name, choice in choices.items()})
