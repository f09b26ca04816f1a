"""Read a workbook in a process of its own, which may run out of memory without harm; a script, not a module.

    python workbook_process.py CELLS MEMORY SECONDS PARENT < workbook > JSON: the rows of each sheet, as text, by name

CELLS, MEMORY (bytes) and SECONDS (of a processor) are bounds; the process ends with the process PARENT. Exit status 3:
the workbook is damaged; 4: it has more cells. The reason is on standard error.
"""

import io
import json
import os
import signal
import sys
from contextlib import suppress
from typing import Any

DAMAGED, TOO_LARGE = 3, 4
# What tells Linux to end a process when its parent ends, whatever native code is at work in it.
PARENT_DEATH_SIGNAL = 1


def main(cells: int, memory: int, seconds: int, parent: int) -> int:
    """Read standard input, and give the exit status."""
    from python_calamine import CalamineError, CalamineWorkbook

    _end_with(parent)
    _limit(memory, seconds)
    found, left = {}, cells
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            rows, columns = (1 + number for number in sheet.end or (-1, -1))
            left -= rows * columns
            if left < 0:
                sys.stderr.write(f"sheet {name} has {rows:,} rows and {columns:,} columns")
                return TOO_LARGE
            found[name] = [[_as_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    except (CalamineError, ValueError, OverflowError, OSError) as error:
        sys.stderr.write(" ".join(str(error).split())[:300])
        return DAMAGED
    json.dump(found, sys.stdout)
    return 0


def _end_with(parent: int) -> None:
    """End with the process `parent`; elsewhere than on Linux the limit of seconds ends what is left behind."""
    with suppress(ImportError, AttributeError, OSError, TypeError):
        import ctypes

        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.name != "nt" and os.getppid() != parent:
        sys.exit(1)


def _limit(memory: int, seconds: int) -> None:
    with suppress(ImportError, ValueError, OSError):  # not all systems have such limits
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _as_text(cell: Any) -> str:
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return "" if cell is None else cell.isoformat() if hasattr(cell, "isoformat") else str(cell)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
