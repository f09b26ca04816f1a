"""Forecasts at origins that follow one another, each from the rows up to it alone: the one computation of forecasts.

On a series that the model was trained on, shrinkage and calibration go on from where training left them, origin by
origin, with the outcomes that were known at each. On any other series its own recent outcomes decide on the shrinkage,
and the calibration is the mean of those of the training series.

    span_of       what is to be forecast of a series, and the state that this starts from
    forecast_at   several spans, which go through a network together
    next_part     the first origins of a long span, so that memory does not grow with its length
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecast.config import QUANTILES
from forecast.data.dataset import Dataset
from forecast.data.inputs import Inputs
from forecast.data.windows import Blocks
from forecast.inference import shrinkage
from forecast.inference.adaptation import adapt
from forecast.inference.fitted import Fitted, scaled, shrinks, trained_to
from forecast.inference.trajectory import Checkpoint, Span, TrainedOn, Trajectory
from forecast.models import Problem
from forecast.models.highway import apply_highway, steps_of_highway
from forecast.models.volatility import past_quantiles
from forecast.typing import Array, Rows

# Rows whose outcomes decide on the shrinkage of a series that the model was not trained on: of origins this part of the
# horizon apart, for neighbours have nearly the same outcomes.
RECENT, APART = 128, 8
# Values of forecasts, or of windows, that are in memory at once where a span is forecast part by part.
CELLS = 2**19
# Horizons that a part has at least: each part but the first forecasts the last one of the part before again.
HORIZONS = 4
# Losses are rounded to multiples of one over this, whose sums are exact, from whichever row on they are taken.
EXACT = 2.0**24


def span_of(model: Fitted, dataset: Dataset, first: int, *, stride: int = 1) -> Span:
    """The origins to forecast to have those from `first` to the last row, and the state that they start from."""
    known = model.known(dataset)
    checkpoint = _checkpoint(dataset, known, first)
    begin = first
    if checkpoint:
        begin = checkpoint.rows - len(checkpoint.factors)
    elif known and model.estimator.learned:
        begin = min(first, trained_to(model, dataset, known))
    inputs, scaler = scaled(model, dataset, begin)
    return Span(dataset, inputs, scaler, known, checkpoint, begin, first, len(dataset), stride)


def _checkpoint(dataset: Dataset, known: TrainedOn | None, first: int) -> Checkpoint | None:
    """The checkpoint of a series, if its rows are the same and no origin from `first` on lies before it."""
    found = known.checkpoint if known else None
    if found is None or first < found.rows - 1 or len(dataset) < found.rows:
        return None
    return found if dataset.series.fingerprint(found.rows) == found.sha256 else None


def forecast_at(model: Fitted, spans: Sequence[Span]) -> list[Trajectory]:
    """Forecast every origin of several spans, from `begin` on; networks take them in one pass."""
    seen = [model.estimator.blocks(span.inputs, span.origin, model.problem) for span in spans]
    raw = model.estimator.predict_each(model.weights, seen, model.problem)
    found = []
    for span, blocks, own, recent in zip(spans, seen, raw, _recent(model, spans), strict=True):
        earlier = recent.blocks.origin if recent else span.origin[:0]
        past = _past(model, span.inputs, np.concatenate([earlier, span.origin]))
        losses = recent.losses(model, past[: len(earlier)], span.origin) if recent else None
        base = shrinkage.base_of(model.estimator, blocks, past[len(earlier) :], model.problem)
        found.append(adapt(model, span, blocks, own[:, 0], base, losses))
    return found


def is_long(model: Fitted, span: Span) -> bool:
    """Whether a span is forecast part by part."""
    return span.stride == 1 and span.stop - span.begin > 2 * _part_length(model.problem)


def _part_length(problem: Problem) -> int:
    width = max(problem.horizon * len(QUANTILES), problem.lookback * problem.past_columns)
    return max(HORIZONS * problem.horizon, CELLS // width)


def next_part(model: Fitted, span: Span) -> tuple[Trajectory, Span]:
    """The forecasts at the first origins of a long span, and what is left of it.

    What is left begins one horizon before, where a known series has outcomes still to come, and goes on from its state.
    """
    stop = span.begin + _part_length(model.problem)
    (found,) = forecast_at(model, [replace(span, stop=stop)])
    left = replace(span, first=max(span.first, stop), begin=stop)
    if span.known:
        left = replace(left, begin=stop - model.problem.horizon, checkpoint=found.state())
    return found.after(span.first), left


def last_part(model: Fitted, span: Span) -> Span:
    """What is left of a span once all of its parts but the last are forecast."""
    while is_long(model, span):
        _, span = next_part(model, span)
    return span


def _past(model: Fitted, inputs: Inputs, origin: Rows) -> Array:
    """Quantiles of past moves at each origin, (N, H, Q); NaN if none is shrunk."""
    horizon = model.problem.horizon
    if not shrinks(model):
        return np.full((len(origin), horizon, len(QUANTILES)), np.nan)
    return past_quantiles(inputs, origin, horizon=horizon)


@dataclass(frozen=True)
class Recent:
    """What a model forecast at N past origins of a series that it was not trained on, and what came.

    Attributes:
        blocks: The origins, `stride` rows apart, and what came, one block of one label each, without `x`.
        quantiles: Its forecasts, normalised, shape (N, H, Q).
        linear: Of them the part of the highway, shape (N, H).
    """

    blocks: Blocks
    quantiles: Array
    linear: Array
    stride: int

    def losses(self, model: Fitted, past: Array, origin: Rows) -> Array:
        """The expert losses over the RECENT rows up to each of M origins, shape (M, E).

        Args:
            past: Quantiles of past moves at the rows, shape (N, H, Q).
        """
        base = shrinkage.base_of(model.estimator, self.blocks, past, model.problem)
        parts = shrinkage.parts_of(self.quantiles, self.linear, base, steps_of_highway(model.weights))
        new = np.rint(shrinkage.new_losses(parts, self.blocks.y[:, 0], stride=self.stride) * EXACT) / EXACT
        total = np.cumsum(np.concatenate([shrinkage.initial_losses()[None], new]), axis=0)
        last = np.searchsorted(self.blocks.origin, origin, side="right")
        return np.asarray(total[last] - total[np.maximum(last - RECENT // self.stride, 0)])


def _recent(model: Fitted, spans: Sequence[Span]) -> list[Recent | None]:
    """What decides on the shrinkage of each span; None where that is known, and for forecasts that are not shrunk."""
    trails = [None if span.known or not shrinks(model) else _trail(model, span) for span in spans]
    asked = [trail for trail in trails if trail is not None]
    every = iter(model.estimator.predict_each(model.weights, asked, model.problem) if asked else [])
    return [
        None if trail is None else _recent_of(model, span, trail, next(every))
        for span, trail in zip(spans, trails, strict=True)
    ]


def _trail(model: Fitted, span: Span) -> Blocks:
    """Blocks over the past origins whose outcomes are needed for the losses of recent rows from the first one on."""
    stride = _trail_stride(model.problem)
    begin = max(model.problem.lookback, span.begin - RECENT - model.problem.horizon - stride)
    return model.estimator.trail(span.inputs, begin, span.stop, model.problem, stride=stride)


def _trail_stride(problem: Problem) -> int:
    return max(1, problem.horizon // APART)


def _recent_of(model: Fitted, span: Span, trail: Blocks, quantiles: Array) -> Recent:
    """The rows of a trail that are multiples of the stride, with the forecasts (N, S, H, Q) at all of them."""
    stride = _trail_stride(model.problem)
    row = (trail.origin[:, None] + np.arange(quantiles.shape[1])).ravel()
    chosen = np.flatnonzero((row % stride == 0) & (row < span.stop))
    own, linear = (
        part.reshape(-1, *part.shape[2:])[chosen] for part in (quantiles, apply_highway(model.weights, trail))
    )
    return Recent(trail.labels_apart(row).part(chosen), own, linear, stride)
