"""Results on directions as tables on standard output, with units in their headers."""

from collections.abc import Mapping, Sequence
from math import isnan

from rich.markup import escape

from forecast.cli.tables.results import middle_left_out, rest, titled, wide_console
from forecast.data.calendar.frequency import count_steps
from forecast.direction.experiment import DirectionExperiment
from forecast.evaluation.direction import DirectionScores
from forecast.inference.direction import BASE_RATE, DirectionForecast
from forecast.models.direction_classes import CLASSES

HEADERS = (
    "log loss [nats]",
    "Brier score",
    "accuracy [%]",
    "skill, log loss [%]",
    "skill, Brier [%]",
    "calibration error [%]",
    "believed [%]",
    "fit [s]",
)


def print_scores(experiment: DirectionExperiment) -> None:
    """The scores of each model on the test rows, and the verdicts."""
    series, split = experiment.series, experiment.split
    dates, steps = series.index[[split.test, -1]], count_steps(experiment.config.horizon, series.frequency)
    title = f"{series.name}: down, flat or up {steps} ahead, test on {dates[0]:%Y-%m-%d} to {dates[1]:%Y-%m-%d}"
    print_panel({row.model: row for row in experiment.scores}, title=title, header="model")
    console = wide_console()
    for verdict in experiment.verdicts:
        console.print(verdict.sentence, soft_wrap=True, highlight=False)


def print_panel(scores: Mapping[str, DirectionScores], *, title: str = "", header: str = "series") -> None:
    """A table of scores, one row a name."""
    table = titled(title)
    table.add_column(header)
    for column in HEADERS:
        table.add_column(escape(column), justify="right")
    for name, row in scores.items():
        table.add_row(escape(name), *_cells(row), style="bold" if name == BASE_RATE else None)
    wide_console().print(table)


def _cells(row: DirectionScores) -> tuple[str, ...]:
    return (
        f"{row.log_loss:.4f}",
        f"{row.brier:.4f}",
        f"{100 * row.accuracy:.1f}",
        f"{row.log_loss_skill:.1f}",
        f"{row.brier_skill:.1f}",
        f"{100 * row.calibration_error:.1f}",
        "" if isnan(row.mixture_weight) else f"{100 * row.mixture_weight:.0f}",
        f"{row.fit_seconds:.1f}",
    )


def print_forecast(forecast: DirectionForecast) -> None:
    """The probabilities of one model."""
    print_forecasts([forecast])


def print_forecasts(forecasts: Sequence[DirectionForecast]) -> None:
    """The probabilities from the last row to step H, one row a model."""
    first = forecasts[0]
    table = titled(f"{first.series}: chances from {first.origin} to {first.date}")
    table.add_column("model")
    for name in CLASSES:
        table.add_column(escape(f"{name} [%]"), justify="right")
    for forecast in forecasts:
        table.add_row(forecast.model, *(f"{100 * share:.1f}" for share in forecast.probabilities))
    console = wide_console()
    console.print(table)
    console.print(f"Flat is a move of at most {first.flat_within:.4g} {first.unit}.", highlight=False, markup=False)


def print_outlook(forecasts: Sequence[DirectionForecast]) -> None:
    """The probabilities of many series, one row each; the middle of very many is left out."""
    table = titled(f"{forecasts[0].model}: chances of {len(forecasts):,} series")
    for header in ("series", "from", "to"):
        table.add_column(header)
    for name in CLASSES:
        table.add_column(escape(f"{name} [%]"), justify="right")
    for one in middle_left_out(forecasts):
        cells = (f"{100 * share:.1f}" for share in one.probabilities) if one else ()
        table.add_row(*((escape(one.series), one.origin, one.date, *cells) if one else rest(forecasts)))
    wide_console().print(table)
