"""The page of a run or a comparison."""

from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.json_output import print_json
from forecast.cli.options import shared


@shared()
def report(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run or a comparison.")],
) -> None:
    """Make report.html of a run or a comparison.

    One self-contained page, from the tables in the folder.

    Example: forecast report runs/sp500
    """
    from forecast.report.html import make_page

    page = make_page(folder)
    if ctx.params["as_json"]:
        print_json({"report": str(page)})
        return
    print(f"The report is {page}")
