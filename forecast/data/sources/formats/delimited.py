"""Read tables from text: find the delimiter and the bounds of the table, then parse the body in Arrow.

In: the text of a file in UTF-8. Out: a `Table`.
"""

import csv
import io
import re
from collections.abc import Sequence
from itertools import islice
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from forecast.data.sources.formats.table import Table, build_table, check_header, no_table_error
from forecast.data.sources.formats.table_bounds import TableBounds, find_table, last_dated
from forecast.errors import SourceError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
MARKUP = re.compile(
    rb"\s*(?:<(?:!doctype|\?xml|html|head|body|table|svg|div)\b|(?P<json>[{\[]\s*[\"{\[\d]))", re.IGNORECASE
)
# The delimiter of aligned columns: two blanks or more.
WIDE_BLANKS = "  "
# Bytes and lines at the start of a file that show the table, and bytes at its end that may hold a footer.
HEAD, LINES, TAIL = 1 << 18, 250, 1 << 13
# Bytes parsed at once. Only larger files use threads: Arrow's can abort a process that ends soon after they start.
BLOCK = 1 << 22
# Rows of different lengths that are lists at once; as such they take tens of times the memory.
TOGETHER = 1 << 16


def read_text(text: bytes, where: str, form: tuple[tuple[str, str], ...] = ()) -> Table:
    """Read the table in a text.

    Args:
        text: In UTF-8.
        form: What is known of the format; the delimiter is added.
    Raises:
        SourceError: there is none, or its rows cannot be parsed.
    """
    if markup := MARKUP.match(text):
        kind = "JSON" if markup["json"] else "a web page or XML"
        raise SourceError(f"{where}: a series needs a table as text, Excel or Parquet. This file is {kind}.")
    if b"\n" not in text[:HEAD]:
        text = text.replace(b"\r", b"\n")
    delimiter, bounds = _find_delimiter(_first_lines(text), where)
    name = DELIMITERS.get(delimiter, "blanks")
    if name == "blanks":
        to_tabs = _blanks_to_tabs if delimiter == " " else _wide_blanks_to_tabs
        text, delimiter = to_tabs(text.decode()).encode(), "\t"
    return _read_table(text, delimiter, bounds, where, (*form, ("delimiter", name)))


def _blanks_to_tabs(text: str) -> str:
    return re.sub(r"(?<=\S)[ \t]+(?=\S)", "\t", re.sub(r"(?m)^[ \t]+|[ \t]+$", "", text))


def _wide_blanks_to_tabs(text: str) -> str:
    """Convert aligned columns, whose cells may hold single blanks, as in `Jan 02, 2023`."""
    return re.sub(r" {2,}", "\t", re.sub(r"(?m)^ +| +$", "", text))


def _first_lines(text: bytes) -> str:
    """The first lines, none of them cut."""
    head = text[:HEAD]
    cut = head.rfind(b"\n") + 1 if len(text) > HEAD else 0
    return "\n".join(head[: cut or None].decode(errors="replace").split("\n")[:LINES])


def _find_delimiter(head: str, where: str) -> tuple[str, TableBounds]:
    """Find the delimiter with which a text is a table, and the bounds of that table."""
    found = [(delimiter, find_table(_rows(head, delimiter, where))) for delimiter in DELIMITERS]
    tables = [(delimiter, bounds) for delimiter, bounds in found if bounds]
    if re.search(r"\S {2,}\S", head) and not any(bounds.dates >= 0 and bounds.header for _, bounds in tables):
        bounds = find_table(_rows(_wide_blanks_to_tabs(head), "\t", where))
        if bounds and bounds.dates >= 0 and bounds.header:
            return WIDE_BLANKS, bounds
    if not any(bounds.dates >= 0 for _, bounds in tables):
        bounds = find_table(_rows(_blanks_to_tabs(head), "\t", where))
        tables += [(" ", bounds)] if bounds and (bounds.dates >= 0 or not tables) else []
    if not tables:
        widest = max((_rows(head, delimiter, where) for delimiter in DELIMITERS), key=lambda rows: len(rows[0]))
        raise no_table_error(where, widest)
    return max(tables, key=lambda entry: (entry[1].score - _comma_penalty(head, *entry), entry[1].width))


def _comma_penalty(head: str, delimiter: str, bounds: TableBounds) -> float:
    """Penalty for the comma if all rows hold tabs, semicolons or pipes, as in `Jan 03, 2000;1,5`."""
    body = [line for line in head.split("\n")[bounds.start :] if line.strip()]
    return 0.5 if delimiter == "," and any(all(other in line for line in body[:50]) for other in "\t;|") else 0.0


def _rows(text: str, delimiter: str, where: str) -> list[list[str]]:
    """Split a text into rows, one for each line, blank lines included."""
    try:
        return [next(csv.reader([line], delimiter=delimiter), []) for line in text.rstrip("\n").split("\n")]
    except csv.Error as error:
        raise _row_error(where, error) from error


def _row_error(where: str, error: csv.Error) -> SourceError:
    cure = (
        " Quote cells that hold the delimiter."
        if "limit" not in str(error)
        else " Cells are shorter in a table of numbers."
    )
    return SourceError(f"{where}: a row of the table cannot be read: {error}.{cure}")


def _read_table(
    text: bytes, delimiter: str, bounds: TableBounds, where: str, form: tuple[tuple[str, str], ...]
) -> Table:
    """Read header and footer from the ends of the text, and the body in Arrow."""
    start = 0
    for _ in range(bounds.start):
        start = text.index(b"\n", start) + 1
    above = _rows(text[:start].decode(), delimiter, where) if start else []
    check_header(above, bounds, where)
    stop, below = _find_footer(text, start, delimiter, bounds.dates, where)
    columns = _read_columns(text, start, stop, delimiter, bounds.width, where)
    return build_table(above, columns, below, bounds, where, form)


def _find_footer(text: bytes, start: int, delimiter: str, dates: int, where: str) -> tuple[int, list[list[str]]]:
    """Find the end of the line with the last date, and the rows after it."""
    begin = max(start, text.rfind(b"\n", 0, max(start, len(text) - TAIL)) + 1)
    lines, rows = text[begin:].split(b"\n"), _rows(text[begin:].decode(), delimiter, where)
    last = last_dated(rows, dates)
    return begin + sum(len(line) + 1 for line in lines[: last + 1]), rows[last + 1 :]


def _read_columns(text: bytes, start: int, stop: int, delimiter: str, width: int, where: str) -> tuple[pa.Array, ...]:
    """Parse the columns of the body; short rows get empty cells."""
    body = memoryview(text)[start:stop]
    if text.count(b'"', start, stop) % 2:
        return _read_ragged(body, delimiter, width, where)
    names = [str(column) for column in range(width)]
    uneven: list[str] = []

    def note(row: Any) -> str:
        uneven.append(row.text)
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(pa.py_buffer(body)),
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=BLOCK, use_threads=len(body) > BLOCK),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, invalid_row_handler=note, ignore_empty_lines=width > 1
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowCapacityError):
        return _read_ragged(body, delimiter, width, where)
    if uneven:
        return _read_ragged(body, delimiter, width, where)
    return tuple(table[name].combine_chunks() for name in names)


def _read_ragged(body: memoryview, delimiter: str, width: int, where: str) -> tuple[pa.Array, ...]:
    """Parse rows of different lengths, more slowly than Arrow does."""
    lines = csv.reader(io.StringIO(str(body, "utf-8"), newline=""), delimiter=delimiter, strict=True)
    filled, parts, number = (row for row in lines if any(row)), [], 1
    try:
        while rows := list(islice(filled, TOGETHER)):
            parts.append(columns_of(rows, width, where, number))
            number += len(rows)
    except csv.Error as error:
        raise _row_error(where, error) from error
    return tuple(pa.concat_arrays(column) for column in zip(*parts, strict=True)) or columns_of([], width, where)


def columns_of(rows: Sequence[Sequence[str]], width: int, where: str, first: int = 1) -> tuple[pa.Array, ...]:
    """Turn rows into `width` columns; short rows get empty cells.

    Args:
        first: The number of the first row, for the error.
    Raises:
        SourceError: a row has more cells than the table has columns.
    """
    for number, row in enumerate(rows, first):
        if any(cell.strip() for cell in row[width:]):
            raise SourceError(
                f"{where}, row {number} of the table: a row must not have more cells than there are columns ({width}). "
                f"Received: {len(row)} cells. Quote those that hold the delimiter."
            )
    return tuple(
        pa.array([(row[column] if len(row) > column else "") or None for row in rows], pa.string())
        for column in range(width)
    )
