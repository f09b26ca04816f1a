"""How tables and sentences stand on standard output: whatever the width, no cell is cut.

Where a table is wider than the terminal, its columns follow in parts below one another, each with the first column.
Where standard output is no terminal, a table is as wide as it needs to be, or as the variable COLUMNS says.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from forecast.runtime.names import visible

# Columns of a standard output that is no terminal.
WIDE = 400
# Columns that a cell of prose takes at least, and those between two cells.
PROSE, GAP = 24, 3
# Series that a table of many shows.
MOST_ROWS = 20
Row = TypeVar("Row")


class PlainTextConsole(Console):
    """A console on which names that others gave are text: no control characters, no emoji by their names."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options)


def open_console() -> Console:
    """Standard output."""
    console = PlainTextConsole(emoji=False, highlight=False)
    is_free = not console.is_terminal and not os.environ.get("COLUMNS")
    return PlainTextConsole(emoji=False, highlight=False, width=WIDE) if is_free else console


def new_table(title: str = "") -> Table:
    """An empty table; its title is printed above it."""
    return Table(title=title, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)


def add_columns(table: Table, *headers: str, text: Iterable[str] = (), prose: Iterable[str] = ()) -> None:
    """Add columns of numbers, or of `text`, whose cells stay on one line; cells of `prose` are wrapped.

    The unit of a header stands below it.
    """
    for header in headers:
        left = header in (*text, *prose)
        shown = Text("\n[".join(visible(part) for part in header.split(" [")))
        table.add_column(shown, justify="left" if left else "right", no_wrap=header not in prose)


def print_table(table: Table) -> None:
    """Print a table under its title, in parts where it is too wide."""
    console = open_console()
    title, table.title = table.title, None
    if title:
        print_sentences([str(title)], style="bold")
    widths = [_width(column, console) for column in table.columns]
    console.width = max(console.width, widths[0] + GAP + max(widths[1:] or widths))
    for number, part in enumerate(_parts(table, widths, console.width)):
        if number:
            console.print()
        console.print(part)


def print_sentences(sentences: Iterable[str], *, style: str | None = None) -> None:
    """Print each sentence on a line; at a terminal, lines break between words."""
    console = open_console()
    for sentence in sentences:
        console.print(sentence, soft_wrap=not console.is_terminal, markup=False, style=style)


def print_paragraph(sentences: Iterable[str]) -> None:
    """Print sentences behind an empty line, if there are any."""
    shown = list(sentences)
    if shown:
        print_sentences(["", *shown])


def middle_left_out(rows: Sequence[Row]) -> list[Row | None]:
    """All rows, or of very many the first and last with None between."""
    return list(rows) if len(rows) <= MOST_ROWS else [*rows[: MOST_ROWS // 2], None, *rows[-MOST_ROWS // 2 :]]


def rest(rows: Sequence[object]) -> tuple[str]:
    """The cell that stands for those that are left out."""
    return (f"... {len(rows) - MOST_ROWS:,} more",)


def _parts(table: Table, widths: Sequence[int], room: int) -> list[Table]:
    """The table, or tables of so many of its columns, of given widths, as there is room for."""
    first, *others = table.columns
    parts, left = [[first]], room - widths[0]
    for column, width in zip(others, widths[1:], strict=True):
        if width + GAP > left and len(parts[-1]) > 1:
            parts.append([first])
            left = room - widths[0]
        parts[-1].append(column)
        left -= width + GAP
    return [_part(table, columns) for columns in parts]


def _part(table: Table, columns: list[Column]) -> Table:
    """A table of some of the columns, whose headers end on the same line."""
    part = new_table()
    part.show_header = table.show_header
    lines = max(str(column.header).count("\n") for column in columns)
    for place, column in enumerate(columns):
        above = "\n" * (lines - str(column.header).count("\n"))
        part.columns.append(replace(column, _index=place, header=Text(f"{above}{column.header}")))
    part.rows = table.rows
    return part


def _width(column: Column, console: Console) -> int:
    """The columns of the terminal that a column of the table needs."""
    whole = max(console.measure(cell).maximum for cell in (column.header, *column.cells))
    return whole if column.no_wrap else min(whole, PROSE)
