"""Tables written as text: which character parts the cells, and fast columns out of the rows.

In: the text of a file in UTF-8. Out: a `Table`.
"""

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from forecast.data.sources.formats.table_bounds import (
    Place,
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

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
MARKUP = re.compile(
    rb"\s*(?:<(?:!doctype|\?xml|html|head|body|table|svg|div)\b|(?P<json>[{\[]\s*[\"{\[\d]))", re.IGNORECASE
)
# Stands for two blanks or more.
WIDE_BLANKS = "  "
# Bytes and lines at the start of a file by which the table is found, and bytes at its end that may be a footer.
HEAD, LINES, TAIL = 1 << 18, 250, 1 << 13
# Bytes that are parsed at once. Only more of them are worth threads, which abort a process now and then that ends soon
# after they began.
BLOCK = 1 << 22


def read_text(text: bytes, where: str, form: tuple[tuple[str, str], ...] = ()) -> Table:
    """The table in a text.

    Args:
        text: In UTF-8.
    Raises:
        SourceError: there is none, or its rows cannot be told apart.
    """
    if markup := MARKUP.match(text):
        kind = "JSON" if markup["json"] else "a web page or XML"
        raise SourceError(f"{where}: a series needs a table as text, Excel or Parquet. This file is {kind}.")
    if b"\n" not in text[:HEAD]:
        text = text.replace(b"\r", b"\n")
    delimiter, place = _delimiter(_head(text), where)
    name = DELIMITERS.get(delimiter, "blanks")
    if name == "blanks":
        to_tabs = _blanks_to_tabs if delimiter == " " else _wide_blanks_to_tabs
        text, delimiter = to_tabs(text.decode()).encode(), "\t"
    return _read(text, delimiter, place, where, (*form, ("delimiter", name)))


def _blanks_to_tabs(text: str) -> str:
    return re.sub(r"(?<=\S)[ \t]+(?=\S)", "\t", re.sub(r"(?m)^[ \t]+|[ \t]+$", "", text))


def _wide_blanks_to_tabs(text: str) -> str:
    """Of aligned columns, in which single blanks belong to the cells, as in `Jan 02, 2023`."""
    return re.sub(r" {2,}", "\t", re.sub(r"(?m)^ +| +$", "", text))


def _head(text: bytes) -> str:
    """The first lines, whole."""
    head = text[:HEAD]
    cut = head.rfind(b"\n") + 1 if len(text) > HEAD else 0
    return "\n".join(head[: cut or None].decode(errors="replace").split("\n")[:LINES])


def _delimiter(head: str, where: str) -> tuple[str, Place]:
    """The delimiter under which a text is a table, with the place of that table."""
    found = [(delimiter, find_table(_rows(head, delimiter))) for delimiter in DELIMITERS]
    places = [(delimiter, place) for delimiter, place in found if place]
    if re.search(r"\S {2,}\S", head) and not any(place.dates >= 0 and place.header for _, place in places):
        place = find_table(_rows(_wide_blanks_to_tabs(head), "\t"))
        if place and place.dates >= 0 and place.header:
            return WIDE_BLANKS, place
    if not any(place.dates >= 0 for _, place in places):
        place = find_table(_rows(_blanks_to_tabs(head), "\t"))
        places += [(" ", place)] if place and (place.dates >= 0 or not places) else []
    if not places:
        raise refuse(where, max((_rows(head, delimiter) for delimiter in DELIMITERS), key=lambda rows: len(rows[0])))
    return max(places, key=lambda entry: (entry[1].score - _holds_others(head, *entry), entry[1].width))


def _holds_others(head: str, delimiter: str, place: Place) -> float:
    """Evidence against the comma: rows that all hold tabs, semicolons or pipes, as `Jan 03, 2000;1,5` does."""
    body = [line for line in head.split("\n")[place.start :] if line.strip()]
    return 0.5 if delimiter == "," and any(all(other in line for line in body[:50]) for other in "\t;|") else 0.0


def _rows(text: str, delimiter: str) -> list[list[str]]:
    """The rows of a text, one a line, blank lines too."""
    try:
        return [next(csv.reader([line], delimiter=delimiter), []) for line in text.rstrip("\n").split("\n")]
    except csv.Error as error:
        raise SourceError(f"a row of the table cannot be read: {error}.") from error


def _read(text: bytes, delimiter: str, place: Place, where: str, form: tuple[tuple[str, str], ...]) -> Table:
    """Header and footer from the ends of the text, the body at once."""
    start = 0
    for _ in range(place.start):
        start = text.index(b"\n", start) + 1
    head = _rows(text[:start].decode(), delimiter) if start else []
    check_header(head, place, where)
    stop, behind = _find_footer(text, start, delimiter, place.dates)
    columns = _columns(text, start, stop, delimiter, place.width, where)
    check_around([*head[: place.header[0] if place.header else None], *behind], place, len(columns[0]), where)
    return Table(
        where,
        header_names(head, place),
        columns,
        dates=place.dates,
        line=place.start + 1,
        form=form,
        preamble=count_lines(head, place.header, place.start),
        footer=count_lines(behind, (), len(behind)),
    )


def _find_footer(text: bytes, start: int, delimiter: str, dates: int) -> tuple[int, list[list[str]]]:
    """Where the line with the last date ends, and the rows behind it."""
    begin = max(start, text.rfind(b"\n", 0, max(start, len(text) - TAIL)) + 1)
    lines, rows = text[begin:].split(b"\n"), _rows(text[begin:].decode(), delimiter)
    last = last_dated(rows, dates)
    return begin + sum(len(line) + 1 for line in lines[: last + 1]), rows[last + 1 :]


def _columns(text: bytes, start: int, stop: int, delimiter: str, width: int, where: str) -> tuple[pa.Array, ...]:
    """The columns of the body; rows of another length are filled up with empty cells."""
    body = memoryview(text)[start:stop]
    if text.count(b'"', start, stop) % 2:
        return _ragged(body, delimiter, width, where)
    names = [str(column) for column in range(width)]
    odd: list[str] = []

    def note(row: Any) -> str:
        odd.append(row.text)
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(pa.py_buffer(body)),
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=BLOCK, use_threads=len(body) > BLOCK),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, invalid_row_handler=note),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
            ),
        )
    except pa.ArrowInvalid:
        return _ragged(body, delimiter, width, where)
    if odd:
        return _ragged(body, delimiter, width, where)
    return tuple(table[name].combine_chunks() for name in names)


def _ragged(body: memoryview, delimiter: str, width: int, where: str) -> tuple[pa.Array, ...]:
    """The slow way, for tables with rows of several lengths."""
    try:
        rows = [
            row
            for row in csv.reader(io.StringIO(str(body, "utf-8"), newline=""), delimiter=delimiter, strict=True)
            if any(row)
        ]
    except csv.Error as error:
        raise SourceError(f"{where}: a row of the table cannot be read: {error}.") from error
    return columns_of(rows, width, where)


def columns_of(rows: Sequence[Sequence[str]], width: int, where: str) -> tuple[pa.Array, ...]:
    """The first `width` columns of rows of any length.

    Raises:
        SourceError: a row has more cells than the table has columns.
    """
    for number, row in enumerate(rows, 1):
        if any(cell.strip() for cell in row[width:]):
            raise SourceError(
                f"{where}, row {number} of the table: a row must not have more cells than there are columns ({width}). "
                f"Received: {len(row)} cells. Quote those that hold the delimiter."
            )
    return tuple(pa.array([_cell(row, column) or None for row in rows], pa.string()) for column in range(width))


def _cell(row: Sequence[str], column: int) -> str:
    return row[column] if len(row) > column else ""
