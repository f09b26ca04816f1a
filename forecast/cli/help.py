"""`--help` in groups, as plain text: it takes a tenth of a second, and no word of it is cut.

Typer groups options and commands (`rich_help_panel`) in boxes of Rich alone, which leave half of 80 columns to the
text and cut what is longer.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from typer.core import TyperCommand, TyperGroup


class GroupedCommand(TyperCommand):
    """A command whose help has a section for each group of options, in their order."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        _write_sections(formatter, [(_title_of(one), one.get_help_record(ctx)) for one in self.get_params(ctx)])


class GroupedProgram(TyperGroup):
    """The program, whose help has a section for each group of commands."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write commands, and options behind them."""
        width = formatter.width - 14
        commands = [self.commands[name] for name in self.list_commands(ctx)]
        rows = [
            (str(getattr(one, "rich_help_panel", "")), (one.name, one.get_short_help_str(width))) for one in commands
        ]
        options = [(_title_of(one), one.get_help_record(ctx)) for one in self.get_params(ctx)]
        _write_sections(formatter, [*rows, *options])


def _title_of(param: Any) -> str:
    kind = "Arguments" if param.param_type_name == "argument" else "Options"
    return param.rich_help_panel or ("Output" if param.name == "help" else kind)


def _write_sections(formatter: Any, rows: Iterable[tuple[str, Any]]) -> None:
    """Write rows under their titles; titles in the order of their first rows."""
    shown = [(title, row) for title, row in rows if row is not None]
    order = {title: place for place, title in reversed(list(enumerate(title for title, _ in shown)))}
    for title, part in groupby(sorted(shown, key=lambda row: order[row[0]]), key=lambda row: row[0]):
        with formatter.section(title):
            formatter.write_dl([row for _, row in part])
