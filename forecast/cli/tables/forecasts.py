"""Forecasts as tables on standard output: of one model, of the models of a run, of many series."""

from collections.abc import Mapping, Sequence
from math import floor, log10

import numpy as np
from rich.markup import escape

from forecast.cli.tables.layout import add_columns, middle_left_out, new_table, print_sentences, print_table, rest
from forecast.inference.forecasts import DirectionForecast, Forecast
from forecast.models.direction_classes import CLASSES
from forecast.typing import Array

# Digits of an interval's width that its ends show, and decimals beyond which numbers have an exponent.
DIGITS, MOST_DECIMALS = 2, 9
# Series whose tests are told one by one.
LISTED = 4
Forecasts = Sequence[Forecast | DirectionForecast]


def print_forecasts(forecasts: Forecasts) -> None:
    """The forecasts of one series by several models: the first and last steps, or the probabilities of the classes."""
    first = forecasts[0]
    if isinstance(first, DirectionForecast):
        title = f"{first.series}: probabilities from {first.origin} to {first.date}"
    else:
        title = f"{first.series}: median and 90 % interval [{first.unit}]"
    table, headers = new_table(title), _headers(first, dated=True)
    add_columns(table, "model", *headers, text=["model"])
    for forecast in forecasts:
        table.add_row(forecast.model, *_cells(forecast))
    print_table(table)
    if isinstance(first, DirectionForecast):
        print_sentences([f"Flat is a move of at most {first.flat_within:.4g} {first.unit}."])


def print_targets(forecasts: Mapping[str, Forecast]) -> None:
    """The coming steps of several targets of one series, each by one model."""
    first = next(iter(forecasts.values()))
    table = new_table(f"{first.series}: median and 90 % interval by the best model of each target")
    add_columns(table, "target", "model", *_headers(first, dated=True), text=["target", "model"])
    for target, forecast in forecasts.items():
        table.add_row(escape(target), forecast.model, *_cells(forecast))
    print_table(table)


def line_of(forecast: Forecast) -> str:
    """The first and last steps of a forecast, each with its 90 % interval, in one line."""
    steps = [f"{_interval(forecast, step)} on {forecast.dates[step]}" for step in _shown(forecast)]
    return f"{', '.join(steps)}{f' [{forecast.unit}]' if forecast.unit else ''}"


def print_forecast(forecast: Forecast | DirectionForecast) -> None:
    """One forecast: every coming step with all quantiles, or the probabilities of the classes."""
    if isinstance(forecast, DirectionForecast):
        print_forecasts([forecast])
        return
    decimals = decimals_of(forecast.quantiles)
    table = new_table(
        f"{forecast.series}: {forecast.model} from {forecast.origin} [{forecast.unit}], 50 % is the median"
    )
    add_columns(table, "step", "date", *(f"{100 * level:.0f} %" for level in forecast.levels))
    for step, (date, quantiles) in enumerate(zip(forecast.dates, forecast.quantiles, strict=True), start=1):
        table.add_row(str(step), date, *(shown(value, decimals) for value in quantiles))
    print_table(table)


def print_outlook(forecasts: Forecasts) -> None:
    """The forecasts of many series by one model, one row each; the middle of very many is left out."""
    first, count = forecasts[0], f"{len(forecasts):,}"
    longest = max(forecasts, key=lambda one: 0 if isinstance(one, DirectionForecast) else len(one.dates))
    is_direction = isinstance(first, DirectionForecast)
    what = f"probabilities of {count} series" if is_direction else f"{count} series, median and 90 % interval"
    table, last = new_table(f"{first.model}: {what}"), "to" if is_direction else "unit"
    add_columns(table, "series", "from", *_headers(longest, dated=False), last, text=["series", "from", last])
    for one in middle_left_out(forecasts):
        if one is None:
            table.add_row(*rest(forecasts))
        else:
            end = one.date if isinstance(one, DirectionForecast) else one.unit
            table.add_row(escape(one.series), one.origin, *_cells(one, longest), escape(end))
    print_table(table)


def print_tests(tests: Sequence[tuple[Mapping[str, float], str]]) -> None:
    """What the tests of a few series say, in numbers and words, one by one; of many, together."""
    if len(tests) <= LISTED:
        print_sentences(sentence for _, sentence in tests)
        return
    ratios = sorted(test["mae_vs_naive"] for test, _ in tests)
    print_sentences(
        [
            f"{len(tests):,} series: forecast by the network that comes with the package. On their last rows its mean "
            f"absolute errors were from {ratios[0]:.3f} to {ratios[-1]:.3f} of naive's, "
            f"{ratios[len(ratios) // 2]:.3f} in the middle; --json has each."
        ]
    )


def print_chances(forecasts: Forecasts, chances: Sequence[Mapping[str, float]], levels: Mapping[str, float]) -> None:
    """How many of the paths of each forecast meet the levels; nothing where none are asked for."""
    words = {"above": "are above {} on {}", "below": "are below {} on {}", "touch": "touch {} up to {}"}
    for one, shares in zip(forecasts, chances, strict=False):
        last = one.date if isinstance(one, DirectionForecast) else one.dates[-1]
        parts = [f"{shares[name]:.0%} {words[name].format(f'{level:g}', last)}" for name, level in levels.items()]
        print_sentences([f"{one.series}: of {shares['paths']:,.0f} paths, {', '.join(parts)}."])


def _headers(forecast: Forecast | DirectionForecast, *, dated: bool) -> list[str]:
    if isinstance(forecast, DirectionForecast):
        return [f"{name} [%]" for name in CLASSES]
    dates = forecast.dates
    return [f"step {step + 1} [{dates[step]}]" if dated else f"step {step + 1}" for step in _shown(forecast)]


def _cells(forecast: Forecast | DirectionForecast, beside: Forecast | DirectionForecast | None = None) -> list[str]:
    """The cells of a forecast under the headers of another one, of more steps; by default under its own."""
    if isinstance(forecast, DirectionForecast):
        return [f"{100 * share:.1f}" for share in forecast.probabilities]
    shown = _shown(beside if isinstance(beside, Forecast) else forecast)
    return [_interval(forecast, step) if step < len(forecast.dates) else "" for step in shown]


def _shown(forecast: Forecast) -> list[int]:
    """The first, fifth and last step."""
    steps = len(forecast.dates)
    return sorted({0, min(4, steps - 1), steps - 1})


def _interval(forecast: Forecast, step: int) -> str:
    row = forecast.quantiles[[step]]
    low, middle, high = (shown(value, decimals_of(row)) for value in row[0, [0, forecast.levels.index(0.5), -1]])
    return f"{middle} ({low} to {high})"


def decimals_of(quantiles: Array) -> int | None:
    """Decimals that quantiles (H, Q) deserve: two digits of the width of the narrowest interval; None without a width.

    Whole numbers have none.
    """
    if np.array_equal(quantiles, np.rint(quantiles)):
        return 0
    widths = quantiles[:, -1] - quantiles[:, 0]
    widths = widths[np.isfinite(widths) & (widths > 0)]
    return max(0, DIGITS - 1 - floor(log10(widths.min()))) if len(widths) else None


def shown(value: float, decimals: int | None) -> str:
    """A number with so many decimals, or with six digits."""
    return f"{value:.6g}" if decimals is None or decimals > MOST_DECIMALS else f"{value:.{decimals}f}"
