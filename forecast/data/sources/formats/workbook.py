"""Read workbooks (Excel, OpenDocument): the sheet that the user names, or the one with the longest table.

In: the bytes of a workbook. Out: a `Table`. The native reader works in a process of its own (`workbook_process.py`):
a small file can make it ask for more memory than there is, which would end this process without a word.
"""

import io
import json
import os
import subprocess
import sys
import zipfile
from math import ceil

from forecast.data.sources.formats import workbook_process
from forecast.data.sources.formats.delimited import columns_of
from forecast.data.sources.formats.table import Table, build_table, check_header, no_table_error
from forecast.data.sources.formats.table_bounds import TableBounds, find_table, last_dated
from forecast.errors import SourceError
from forecast.runtime.unpacking import DAMAGED, MEGABYTE, SETTING, check_size, most_bytes

Form = tuple[tuple[str, str], ...]
Sheets = dict[str, list[list[str]]]
# How many times its size the text of a workbook may have: XML repeats itself.
RATIO = 100
# Bytes that a cell takes here, and bytes that the other process may use, and for each byte here.
CELL, MEMORY, MEMORY_BYTE = 50, 256 * MEGABYTE, 5
# Seconds that the other process may take, and for each megabyte of the workbook.
SECONDS, SECONDS_MB = 15, 1


def read_workbook(raw: bytes, where: str, member: str | None, form: Form) -> Table:
    """Read the sheet `member`, or the one with the longest table; name the other sheets with a table.

    Raises:
        SourceError: the workbook is damaged or too large, or holds no table.
    """
    if raw.startswith(b"PK"):
        _check_declared(raw, where)
    sheets = _read_sheets(raw, where)
    tables = {name: bounds for name, rows in sheets.items() if rows and (bounds := find_table(rows)) is not None}
    if not tables:
        raise no_table_error(where, next((rows for rows in sheets.values() if rows), []))
    longest = max(tables, key=lambda name: (tables[name].dates >= 0, len(sheets[name]) - tables[name].start))
    name, where = (member, f"{where}:{member}") if member in tables else (longest, where)
    others = ", ".join(other for other in tables if other != name)
    chosen = (("form", "Excel"), ("sheet", name), *((("other sheets", others),) if others else ()))
    return _read_rows(sheets[name], tables[name], where, (*form, *chosen))


def _check_declared(raw: bytes, where: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            declared = sum(info.file_size for info in archive.infolist())
    except DAMAGED as error:
        raise SourceError(f"{where}: the workbook cannot be read. {error}.") from error
    check_size(declared, len(raw), where, ratio=RATIO)


def _read_sheets(raw: bytes, where: str) -> Sheets:
    """The rows of each sheet, as the other process gives them."""
    most = most_bytes(len(raw))
    memory = MEMORY + MEMORY_BYTE * most
    seconds = SECONDS + SECONDS_MB * len(raw) / MEGABYTE
    bounds = (most // CELL, memory, ceil(seconds), os.getpid())
    command = [sys.executable, "-P", workbook_process.__file__, *map(str, bounds)]
    cure = f"Delete cells far from the table, or set the variable {SETTING} to more than {most // MEGABYTE:,}."
    try:
        done = subprocess.run(command, input=raw, capture_output=True, timeout=seconds, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"{where}: a workbook of this size takes at most {seconds:.0f} s to read. {cure}") from error
    reason = done.stderr.decode(errors="replace").strip()
    if done.returncode == workbook_process.TOO_LARGE:
        raise SourceError(f"{where}: a workbook may have {most // CELL:,} cells, and {reason}. {cure}")
    if done.returncode == workbook_process.DAMAGED:
        raise SourceError(f"{where}: the workbook cannot be read. {reason.rstrip('.')}.")
    if done.returncode:
        raise SourceError(f"{where}: reading this workbook needs more than {memory // MEGABYTE:,} MB. {cure}")
    sheets: Sheets = json.loads(done.stdout)
    return sheets


def _read_rows(rows: list[list[str]], bounds: TableBounds, where: str, form: Form) -> Table:
    above, rest = rows[: bounds.start], rows[bounds.start :]
    check_header(above, bounds, where)
    stop = last_dated(rest, bounds.dates) + 1
    return build_table(above, columns_of(rest[:stop], bounds.width, where), rest[stop:], bounds, where, form)
