"""Read tables from files: text, workbooks and Parquet, plain or packed; and from pandas.

In: a path or a frame. Out: a `Table`.
"""

import io
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from forecast.data.sources.formats.delimited import read_text
from forecast.data.sources.formats.encoding import to_utf8
from forecast.data.sources.formats.table import Table
from forecast.data.sources.formats.workbook import read_workbook
from forecast.errors import SourceError
from forecast.runtime.unpacking import DAMAGED, check_size, unpack

PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}
# How often a file may be packed, as in a zip archive of files in gzip.
MOST_PACKED = 2
PARQUET = b"PAR1"
# Bytes of a cell of a column of numbers; how many times its size a Parquet file may hold; files that an error lists.
CELL, RATIO, MOST_LISTED = 8, 40, 20
# Errors of Arrow and pandas for a damaged Parquet file.
DAMAGED_PARQUET = (pa.ArrowException, ValueError, OSError)
EXCEL = (b"\xd0\xcf\x11\xe0",)
SUFFIXES = {
    *(".csv", ".tsv", ".txt", ".dat", ".prn", ".asc", ".parquet", ".pq", ".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"),
    *(".gz", ".zip", ".bz2", ".xz", ".json"),
}


def read_file(path: Path, member: str | None = None) -> Table:
    """Read the table in a file.

    Args:
        member: The file to read in a zip archive, or the sheet in a workbook.
    Raises:
        SourceError: the file is empty, damaged, or holds no table.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: the file cannot be read. {error.strerror}.") from error
    return _read_bytes(raw, path.name, member, ())


def _read_bytes(raw: bytes, where: str, member: str | None, form: tuple[tuple[str, str], ...]) -> Table:
    """Choose the reader by the first bytes; names of files can be wrong."""
    if raw[:64].isspace() or not raw:
        raise SourceError(f"{where}: the file is empty. It needs a header and a row for each date.")
    if sum(name == "packed" for name, _ in form) > MOST_PACKED:
        raise SourceError(
            f"{where}: a file may be packed {MOST_PACKED} times, one in the other. Unpack this one first."
        )
    for mark, kind in PACKED.items():
        if raw.startswith(mark):
            return _read_bytes(unpack(raw, kind, where), where, member, (*form, ("packed", kind)))
    if raw.startswith(PARQUET):
        return read_frame(_read_parquet(raw, where), where, (*form, ("form", "Parquet")))
    if raw.startswith(b"PK"):
        return _read_zip(raw, where, member, form)
    if raw.startswith(EXCEL):
        return read_workbook(raw, where, member, form)
    text, encoding = to_utf8(raw, where)
    return read_text(text, where, (*form, ("form", "text"), ("encoding", encoding)))


def _read_zip(raw: bytes, where: str, member: str | None, form: tuple[tuple[str, str], ...]) -> Table:
    """Read a zip archive: a workbook, or the file `member`, or the only file."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
            if {"[Content_Types].xml", "mimetype"} & set(names):
                return read_workbook(raw, where, member, form)
            if member not in names and len(names) != 1:
                held = ", ".join(names[:MOST_LISTED]) or "nothing"
                raise SourceError(f"{where}: say which file of the archive, as in {where}:NAME. It holds {held}.")
            name = member if member in names else names[0]
            info, inside = archive.getinfo(name), f"{where}:{name}"
            check_size(info.file_size, len(raw), inside)
            with archive.open(info) as file:
                content = file.read(info.file_size)
    except DAMAGED as error:
        raise SourceError(f"{where}: the zip file cannot be unpacked. {error}.") from error
    return _read_bytes(content, inside, None, (*form, ("packed", "zip")))


def _read_parquet(raw: bytes, where: str) -> pd.DataFrame:
    from pyarrow import parquet

    try:
        check_parquet(parquet.ParquetFile(io.BytesIO(raw)), len(raw), where)
        return pd.read_parquet(io.BytesIO(raw))
    except DAMAGED_PARQUET as error:
        raise damaged_parquet_error(where, error) from error


def check_parquet(file: Any, size: int, where: str) -> None:
    """Check the rows and columns that a Parquet file declares, and what its pages unpack to, before any are read.

    Raises:
        SourceError: it declares more than a file of its size may.
    """
    about = file.metadata
    pages = sum(max(0, about.row_group(number).total_byte_size) for number in range(about.num_row_groups))
    check_size(max(pages, CELL * about.num_rows * max(1, about.num_columns)), size, where, ratio=RATIO)


def damaged_parquet_error(where: str | Path, error: Exception) -> SourceError:
    """The error for a Parquet file that cannot be read."""
    reason = " ".join(str(error).split())
    return SourceError(f"{where}: this Parquet file cannot be read. {reason}")


def read_frame(frame: pd.DataFrame, where: str, form: tuple[tuple[str, str], ...] = ()) -> Table:
    """Convert a pandas frame; an index with dates or names becomes the first columns.

    Raises:
        SourceError: the frame has no rows.
    """
    if not len(frame):
        raise SourceError(f"{where}: a series must have rows. Received: none.")
    plain_index = isinstance(frame.index, pd.RangeIndex) or (frame.index.nlevels == 1 and frame.index.name is None)
    if isinstance(frame.index, pd.PeriodIndex):
        frame = frame.set_axis(frame.index.to_timestamp())
    if isinstance(frame.index, pd.DatetimeIndex) or not plain_index:
        frame = frame.rename_axis(frame.index.names if frame.index.names != [None] else ["Date"]).reset_index()
    counts = None
    if plain_index and pd.api.types.is_integer_dtype(frame.index.dtype):
        counts = pa.array(frame.index.to_numpy(), pa.int64())
    elif plain_index and pd.api.types.is_string_dtype(frame.index.dtype):
        frame = frame.rename_axis("index").reset_index()
    levels = [
        tuple(map(str, level))
        for level in zip(*(c if isinstance(c, tuple) else (c,) for c in frame.columns), strict=True)
    ]
    columns = tuple(_to_arrow(column) for _, column in frame.items())
    return Table(where, tuple(levels), columns, line=1, form=form, counts=counts)


def _to_arrow(column: "pd.Series[Any]") -> pa.Array:
    """Convert a column to Arrow; mixed types become text."""
    try:
        cells = pa.Array.from_pandas(column)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        cells = pa.Array.from_pandas(column.astype(str).where(column.notna()))
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    return cells.cast(pa.string()) if pa.types.is_large_string(cells.type) else cells
