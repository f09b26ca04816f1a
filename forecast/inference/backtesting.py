"""Backtests of several series: only what they show is kept of the forecasts, which long spans make part by part."""

from collections.abc import Sequence

import numpy as np

from forecast.config import QUANTILES
from forecast.data.windows import outcomes
from forecast.inference.fitted import Fitted
from forecast.inference.forecasts import Backtest, index_of
from forecast.inference.rolling_origin import forecast_at, is_long, next_part
from forecast.inference.trajectory import Checkpoint, Span, Trajectory
from forecast.typing import Array, Rows


def backtest_all(model: Fitted, name: str, spans: Sequence[Span]) -> list[tuple[Backtest, Checkpoint | None]]:
    """The backtest of each span, and the state after it."""
    made, rest = [_unfilled(model, name, span) for span in spans], []
    for backtest, span in zip(made, spans, strict=True):
        while is_long(model, span):
            found, span = next_part(model, span)
            _fill(backtest, found)
        rest.append(span)
    ends = [found.after(span.first) for found, span in zip(forecast_at(model, rest), rest, strict=True)]
    for backtest, found in zip(made, ends, strict=True):
        _fill(backtest, found)
    return [(backtest, found.checkpoint()) for backtest, found in zip(made, ends, strict=True)]


def _unfilled(model: Fitted, name: str, span: Span) -> Backtest:
    """The backtest of the origins of a span from the first one that is wanted, whose values are to be filled in."""
    series, horizon = span.dataset.series, model.problem.horizon
    origin = span.origin[np.searchsorted(span.origin, span.first) :]
    return Backtest(
        model=name,
        origin=origin,
        last_value=series.known_y[origin],
        actual=np.empty((len(origin), horizon)),
        quantiles=np.empty((len(origin), horizon, len(QUANTILES))),
        network_share=np.empty(len(origin)) if model.estimator.is_network else None,
        index=index_of(series, horizon),
        unit=series.unit,
        stride=span.stride,
    )


def _fill(backtest: Backtest, found: Trajectory) -> None:
    """Fill in the origins that were forecast."""
    origin = found.blocks.origin
    if not len(origin):
        return
    first = int(np.searchsorted(backtest.origin, origin[0]))
    rows = slice(first, first + len(origin))
    backtest.actual[rows] = _actual(found.dataset.series.known_y, origin, backtest.actual.shape[1])
    backtest.quantiles[rows] = found.levels
    if backtest.network_share is not None:
        backtest.network_share[rows] = found.network_share


def _actual(y: Array, origin: Rows, horizon: int) -> Array:
    """What came after each origin, shape (N, H); NaN where it is missing, and where the origin is."""
    came = outcomes(y, origin, horizon=horizon)
    came[np.isnan(y[origin])] = np.nan
    return came
