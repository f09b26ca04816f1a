"""Results as tables on standard output, with units in their headers."""

from collections.abc import Iterable, Sequence
from math import isnan

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from forecast.calendars import count_steps
from forecast.experiment import Experiment
from forecast.models import Model
from forecast.training import Forecast

# Where standard output is no terminal, a table is not cut to 80 columns.
WIDE = 160


def print_scores(experiment: Experiment) -> None:
    """The scores of each model on the test rows, and the verdicts."""
    series, split = experiment.series, experiment.split
    unit, dates = series.unit, series.index[[split.test, -1]]
    steps = count_steps(experiment.config.horizon, series.frequency)
    table = _table(f"{series.name}: test on {dates[0]:%Y-%m-%d} to {dates[1]:%Y-%m-%d}, up to {steps} ahead")
    table.add_column("model")
    headers = (
        f"MAE [{unit}]",
        f"RMSE [{unit}]",
        "MAPE [%]",
        "sMAPE [%]",
        "MASE",
        "direction [%]",
        "in 90 % interval [%]",
    )
    for header in (*headers, "MAE / naive", "fit [s]"):
        table.add_column(escape(header), justify="right")
    for row in experiment.scores:
        table.add_row(
            row.model,
            f"{row.mae:.4g}",
            f"{row.rmse:.4g}",
            f"{row.mape:.2f}",
            f"{row.smape:.2f}",
            f"{row.mase:.3f}",
            "" if isnan(row.direction) else f"{100 * row.direction:.1f}",
            f"{100 * row.coverage90:.1f}",
            f"{row.mae_vs_naive:.3f}",
            f"{row.fit_seconds:.1f}",
            style="bold" if row.model == "naive" else None,
        )
    console = _console()
    console.print(table)
    for verdict in experiment.verdicts:
        console.print(verdict.sentence, soft_wrap=True, highlight=False)


def print_forecasts(forecasts: Sequence[Forecast]) -> None:
    """The first and last coming steps of each model, median and 90 % interval."""
    first = forecasts[0]
    shown = sorted({0, min(4, len(first.dates) - 1), len(first.dates) - 1})
    table = _table(f"{first.series}: median and 90 % interval [{first.unit}]")
    table.add_column("model")
    for step in shown:
        table.add_column(f"{first.dates[step]} (step {step + 1})", justify="right")
    for forecast in forecasts:
        cells = [_interval(forecast, step) for step in shown]
        table.add_row(forecast.model, *cells)
    _console().print(table)


def print_forecast(forecast: Forecast) -> None:
    """Every coming step of one model, all quantiles."""
    table = _table(f"{forecast.series}: {forecast.model} from {forecast.origin} [{forecast.unit}]")
    for header in ("step", "date", *(f"{100 * level:.0f} %" for level in forecast.levels)):
        table.add_column(header, justify="right")
    for step, (date, quantiles) in enumerate(zip(forecast.dates, forecast.quantiles, strict=True), start=1):
        table.add_row(str(step), date, *(f"{value:.6g}" for value in quantiles))
    _console().print(table)


def print_models(models: Iterable[Model]) -> None:
    """The registry."""
    table = Table("model", "what it is")
    for model in models:
        table.add_row(model.name, model.summary)
    _console().print(table)


def _table(title: str) -> Table:
    return Table(title=escape(title), title_justify="left")


def _interval(forecast: Forecast, step: int) -> str:
    low, middle, high = forecast.quantiles[step, 0], forecast.median[step], forecast.quantiles[step, -1]
    return f"{middle:.6g} ({low:.6g} to {high:.6g})"


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=WIDE)
