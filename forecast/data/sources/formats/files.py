"""Read tables from files: text, Excel and Parquet, plain or compressed; and from pandas.

In: a path or a frame. Out: a `Table`.
"""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from forecast.data.sources.formats.delimited import columns_of, read_text
from forecast.data.sources.formats.encoding import to_utf8
from forecast.data.sources.formats.table import Table, build_table, check_header, no_table_error
from forecast.data.sources.formats.table_bounds import TableBounds, find_table, last_dated
from forecast.errors import SourceError

COMPRESSED = {
    b"\x1f\x8b": ("gzip", gzip.decompress),
    b"BZh": ("bzip2", bz2.decompress),
    b"\xfd7zXZ": ("xz", lzma.decompress),
}
PARQUET = b"PAR1"
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
    for mark, (kind, unpack) in COMPRESSED.items():
        if raw.startswith(mark):
            return _read_bytes(_unpack(unpack, raw, where, kind), where, member, (*form, ("packed", kind)))
    if raw.startswith(PARQUET):
        return read_frame(_read_parquet(raw, where), where, (*form, ("form", "Parquet")))
    if raw.startswith(b"PK"):
        return _read_zip(raw, where, member, form)
    if raw.startswith(EXCEL):
        return _read_workbook(raw, where, member, form)
    text, encoding = to_utf8(raw, where)
    return read_text(text, where, (*form, ("form", "text"), ("encoding", encoding)))


def _unpack(unpack: Any, raw: bytes, where: str, kind: str) -> bytes:
    try:
        return bytes(unpack(raw))
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise SourceError(f"{where}: the {kind} file is damaged. {error}. Copy it again.") from error


def _read_zip(raw: bytes, where: str, member: str | None, form: tuple[tuple[str, str], ...]) -> Table:
    """Read a zip archive: a workbook, or the file `member`, or the only file."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
            if {"[Content_Types].xml", "mimetype"} & set(names):
                return _read_workbook(raw, where, member, form)
            if member not in names and len(names) != 1:
                inside = ", ".join(names) or "nothing"
                raise SourceError(f"{where}: say which file of the archive, as in {where}:NAME. It holds {inside}.")
            name = member if member in names else names[0]
            return _read_bytes(archive.read(name), f"{where}:{name}", None, (*form, ("packed", "zip")))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError) as error:
        raise SourceError(f"{where}: the zip file cannot be unpacked. {error}.") from error


def _read_workbook(raw: bytes, where: str, member: str | None, form: tuple[tuple[str, str], ...]) -> Table:
    """Read the sheet `member`, or the one with the longest table; name the other sheets with a table."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        cells = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except CalamineError as error:
        raise SourceError(f"{where}: the workbook cannot be read. {error}.") from error
    sheets = {name: [[_as_text(cell) for cell in row] for row in rows] for name, rows in cells.items()}
    tables = {name: bounds for name, rows in sheets.items() if rows and (bounds := find_table(rows)) is not None}
    if not tables:
        raise no_table_error(where, next((rows for rows in sheets.values() if rows), []))
    longest = max(tables, key=lambda name: (tables[name].dates >= 0, len(sheets[name]) - tables[name].start))
    name, where = (member, f"{where}:{member}") if member in tables else (longest, where)
    others = ", ".join(other for other in tables if other != name)
    chosen = (("form", "Excel"), ("sheet", name), *((("other sheets", others),) if others else ()))
    return _read_rows(sheets[name], tables[name], where, (*form, *chosen))


def _as_text(cell: Any) -> str:
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return "" if cell is None else cell.isoformat() if hasattr(cell, "isoformat") else str(cell)


def _read_rows(rows: list[list[str]], bounds: TableBounds, where: str, form: tuple[tuple[str, str], ...]) -> Table:
    above, rest = rows[: bounds.start], rows[bounds.start :]
    check_header(above, bounds, where)
    stop = last_dated(rest, bounds.dates) + 1
    return build_table(above, columns_of(rest[:stop], bounds.width, where), rest[stop:], bounds, where, form)


def _read_parquet(raw: bytes, where: str) -> pd.DataFrame:
    try:
        return pd.read_parquet(io.BytesIO(raw))
    except DAMAGED_PARQUET as error:
        raise damaged_parquet_error(where, error) from error


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
    levels = [
        tuple(map(str, level))
        for level in zip(*(c if isinstance(c, tuple) else (c,) for c in frame.columns), strict=True)
    ]
    columns = tuple(_to_arrow(frame.iloc[:, column]) for column in range(frame.shape[1]))
    return Table(where, tuple(levels), columns, line=1, form=form)


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
