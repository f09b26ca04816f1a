"""Check a forecast whose dates have come."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecast.cli.commands.inputs import SeriesArgument
from forecast.cli.json_output import print_json
from forecast.cli.options import SOURCE, complete_models, shared

if TYPE_CHECKING:
    from forecast.evaluation.follow_up import FollowUp

# Exit statuses of what is to be done, for a cron line; of several series the highest.
STATUS = {"wait": 0, "nothing": 0, "forecast": 0, "update": 3, "train": 4}


@shared(SOURCE)
def check(
    ctx: typer.Context,
    forecasts: Annotated[
        Path,
        typer.Argument(metavar="FORECASTS", help="Folder of a run, or a file of `forecast predict --csv` or --out."),
    ],
    series: SeriesArgument,
    model: Annotated[
        str | None,
        typer.Option(help="Model to check [of a run the best in its test]", autocompletion=complete_models),
    ] = None,
) -> None:
    """Check how a forecast did, now that its dates have come.

    Was the truth inside the interval, was the forecast as good as promised, and what is to be done: nothing (exit
    status 0), update the model (3), or train anew (4).

    Example: forecast check runs/sp500 NEWER.csv
    """
    from forecast import pipeline

    found = pipeline.check(forecasts, series, model=model, **{name: ctx.params[name] for name in SOURCE})
    advice = max((one.advice for one in found), key=lambda one: (STATUS[one], one))
    if ctx.params["as_json"]:
        print_json({"advice": advice, "forecasts": [one.record() for one in found]})
    else:
        _print(found, forecasts, series)
    if STATUS[advice]:
        raise typer.Exit(STATUS[advice])


def _print(found: "tuple[FollowUp, ...]", forecasts: Path, series: str) -> None:
    from forecast.cli.tables.judgement import print_follow_up
    from forecast.cli.tables.layout import print_paragraph

    print_follow_up(found)
    worst: Any = max(found, key=lambda one: STATUS[one.advice])
    saved = forecasts / "models" / worst.model if forecasts.is_dir() else "MODEL"
    print_paragraph(
        [
            {
                "wait": "Nothing to do.",
                "nothing": f"Nothing to do: {worst.steps - worst.come} dates are still to come.",
                "forecast": f"All dates have come. Forecast anew: forecast predict {series} --model {saved}",
                "update": f"Update the model: forecast update {saved} {series}",
                "train": f"Train anew: forecast run {series}",
            }[worst.advice]
        ]
    )
