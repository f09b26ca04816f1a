"""Files of any kind: text, Excel and Parquet, plain or packed.

In: a path. Out: a `Table` as it stands in the file.
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
from forecast.data.sources.formats.table_bounds import (
    Table,
    check_around,
    check_header,
    count_lines,
    find_table,
    header_names,
    last_dated,
    refuse,
)
from forecast.errors import SourceError

PACKED = {
    b"\x1f\x8b": ("gzip", gzip.decompress),
    b"BZh": ("bzip2", bz2.decompress),
    b"\xfd7zXZ": ("xz", lzma.decompress),
}
EXCEL = (b"\xd0\xcf\x11\xe0",)
SUFFIXES = {
    *(".csv", ".tsv", ".txt", ".dat", ".prn", ".asc", ".parquet", ".pq", ".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"),
    *(".gz", ".zip", ".bz2", ".xz", ".json"),
}


def read_file(path: Path, member: str | None = None) -> Table:
    """The table in a file.

    Args:
        member: The file to take from a zip archive that holds several.
    Raises:
        SourceError: the file is empty, damaged, or holds no table.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: the file cannot be read. {error.strerror}.") from error
    return _read(raw, path.name, member, ())


def _read(raw: bytes, where: str, member: str | None, form: tuple[tuple[str, str], ...]) -> Table:
    """By the first bytes, which tell more than a file's name."""
    if raw[:64].isspace() or not raw:
        raise SourceError(f"{where}: the file is empty. It needs a header and a row for each date.")
    for mark, (kind, unpack) in PACKED.items():
        if raw.startswith(mark):
            return _read(_unpack(unpack, raw, where, kind), where, member, (*form, ("packed", kind)))
    if raw.startswith(b"PAR1"):
        return read_frame(_parquet(raw, where), where, (*form, ("form", "Parquet")))
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
    """A zip archive: a workbook, or the one file in it."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
            if {"[Content_Types].xml", "mimetype"} & set(names):
                return _read_workbook(raw, where, member, form)
            if member not in names and len(names) != 1:
                inside = ", ".join(names) or "nothing"
                raise SourceError(f"{where}: say which file of the archive, as in {where}:NAME. It holds {inside}.")
            name = member if member in names else names[0]
            return _read(archive.read(name), f"{where}:{name}", None, (*form, ("packed", "zip")))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError) as error:
        raise SourceError(f"{where}: the zip file cannot be unpacked. {error}.") from error


def _read_workbook(raw: bytes, where: str, member: str | None, form: tuple[tuple[str, str], ...]) -> Table:
    """The sheet of a workbook with the longest table; the others that hold one are named."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        cells = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except CalamineError as error:
        raise SourceError(f"{where}: the workbook cannot be read. {error}.") from error
    sheets = {name: [[_as_text(cell) for cell in row] for row in rows] for name, rows in cells.items()}
    places = {name: place for name, rows in sheets.items() if rows and (place := find_table(rows)) is not None}
    if not places:
        raise refuse(where, next((rows for rows in sheets.values() if rows), []))
    longest = max(places, key=lambda name: (places[name].dates >= 0, len(sheets[name]) - places[name].start))
    name, where = (member, f"{where}:{member}") if member in places else (longest, where)
    others = ", ".join(other for other in places if other != name)
    said = (("form", "Excel"), ("sheet", name), *((("other sheets", others),) if others else ()))
    return _table_of(sheets[name], places[name], where, (*form, *said))


def _as_text(cell: Any) -> str:
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return "" if cell is None else cell.isoformat() if hasattr(cell, "isoformat") else str(cell)


def _table_of(rows: list[list[str]], place: Any, where: str, form: tuple[tuple[str, str], ...]) -> Table:
    check_header(rows, place, where)
    last = place.start + last_dated(rows[place.start :], place.dates)
    body, behind = rows[place.start : last + 1], rows[last + 1 :]
    check_around([*rows[: place.header[0] if place.header else place.start], *behind], place, len(body), where)
    return Table(
        where,
        header_names(rows, place),
        columns_of(body, place.width, where),
        dates=place.dates,
        line=place.start + 1,
        form=form,
        preamble=count_lines(rows, place.header, place.start),
        footer=count_lines(behind, (), len(behind)),
    )


def _parquet(raw: bytes, where: str) -> pd.DataFrame:
    try:
        return pd.read_parquet(io.BytesIO(raw))
    except (pa.ArrowException, ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"{where}: this is no Parquet file that can be read. {reason}") from error


def read_frame(frame: pd.DataFrame, where: str, form: tuple[tuple[str, str], ...] = ()) -> Table:
    """A pandas frame as a table; an index with dates or names comes first.

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
    columns = tuple(_cells(frame.iloc[:, column]) for column in range(frame.shape[1]))
    return Table(where, tuple(levels), columns, line=1, form=form)


def _cells(column: "pd.Series[Any]") -> pa.Array:
    """A column as Arrow holds it; mixed ones as text."""
    try:
        cells = pa.Array.from_pandas(column)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        cells = pa.Array.from_pandas(column.astype(str).where(column.notna()))
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    return cells.cast(pa.string()) if pa.types.is_large_string(cells.type) else cells
