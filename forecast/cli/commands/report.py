"""The page of a run or a comparison."""

from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.options import VERBOSE, shared


@shared(VERBOSE)
def report(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run or a comparison.")],
) -> None:
    """Make report.html: one self-contained page, from the tables in the folder of a run or a comparison."""
    from forecast.report.html import make_page

    print(f"The report is {make_page(folder)}")
