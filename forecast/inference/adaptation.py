"""From a model's raw quantiles to those that are shown: shrunk and calibrated by the outcomes known at each origin.

In: a `Span` of origins, what the model saw and said there, and the losses of new series. Out: a `Trajectory`, in the
series' unit.
"""

import numpy as np

from forecast.data.scaling import Scaler
from forecast.data.series import TimeSeries
from forecast.data.windows import Blocks
from forecast.inference import conformal, shrinkage
from forecast.inference.bounds import keep_in_bounds
from forecast.inference.fitted import Fitted, shrinks
from forecast.inference.trajectory import Span, Trajectory
from forecast.models.highway import apply_highway, steps_of_highway
from forecast.models.neural.network import in_order
from forecast.typing import Array, Flags


def adapt(
    model: Fitted, span: Span, blocks: Blocks, raw: Array, base: shrinkage.Base, losses: Array | None
) -> Trajectory:
    """Shrink and calibrate raw forecasts at origins that follow one another.

    Args:
        raw: Normalised quantiles, shape (N, H, Q).
        base: What is forecast without the model.
        losses: The expert losses at each origin of a series that the model was not trained on, shape (N, E).
    """
    y, linear = blocks.y[:, 0], apply_highway(model.weights, blocks)[:, 0]
    parts = shrinkage.parts_of(raw, linear, base, steps_of_highway(model.weights))
    losses = _followed_losses(model, span, parts, y) if span.known else losses
    factors, quantiles = np.ones((len(raw), 2)), raw
    if shrinks(model):
        factors = _factors(model, span, np.asarray(losses), base.measured)
        quantiles = shrinkage.shrink(parts, factors)
    log_scales = _log_scales(model, span, quantiles, y, base.measured)
    levels = levels_of(in_order(conformal.stretch(quantiles, log_scales)), blocks, span.dataset.series, span.scaler)
    return Trajectory(
        dataset=span.dataset,
        blocks=blocks,
        scaler=span.scaler,
        raw=raw,
        linear=linear,
        base=parts.base,
        network=parts.network,
        expert_losses=np.zeros((len(raw), 0)) if losses is None else losses,
        factors=factors,
        log_scales=log_scales,
        levels=keep_in_bounds(levels, span.dataset.series.y, blocks.origin),
        stride=span.stride,
    )


def _followed_losses(model: Fitted, span: Span, parts: shrinkage.Parts, y: Array) -> Array:
    """The expert losses (N, E) of a series that the model was trained on, from where training or test left them."""
    state = span.checkpoint or span.known
    start = state.expert_losses if state else shrinkage.initial_losses()
    if not shrinks(model):
        return np.tile(start, (len(y), 1))
    seen = len(span.checkpoint.factors) if span.checkpoint else 0
    return shrinkage.follow_losses(parts, y, start, seen=seen, stride=span.stride)


def _factors(model: Fitted, span: Span, losses: Array, measured: Flags) -> Array:
    """The factors of the shrinkage (N, 2), the first ones as the checkpoint has them."""
    trust = shrinkage.trust_in(model.estimator, measured)
    factors = shrinkage.factors_of(losses, horizon=model.problem.horizon, trust=trust)
    if span.checkpoint:
        factors[: len(span.checkpoint.factors)] = span.checkpoint.factors
    return factors


def _log_scales(model: Fitted, span: Span, quantiles: Array, y: Array, measured: Flags) -> Array:
    """The calibration (N, H, 2); none where quantiles of past moves are part of the forecast already.

    That of a series that the model was not trained on is the mean of those that it was.

    Args:
        measured: Whether they are, shape (N,).
    """
    if not model.estimator.learned or measured.all():
        return np.zeros((*y.shape, 2))
    if span.known:
        past = span.checkpoint.log_scales if span.checkpoint else None
        found = conformal.follow(quantiles, y, span.known.log_scale, past=past, stride=span.stride)
    else:
        found = np.broadcast_to(np.mean([known.log_scale for known in model.trained_on], axis=0), (*y.shape, 2))
    return np.where(measured[:, None, None], 0.0, found)


def levels_of(quantiles: Array, blocks: Blocks, series: TimeSeries, scaler: Scaler) -> Array:
    """Normalised quantiles in the series' unit; a move of 0 gives the last value to the last digit.

    NaN at origins without a target, which are filled by what lies behind them: no forecast may start there.
    """
    levels = scaler.inverse(blocks.anchor[:, 0, 0], column=0)
    y = series.known_y[blocks.origin]
    anchor = y if blocks.moves else np.where(np.isnan(y), np.nan, levels)
    return np.asarray(anchor[:, None, None] + blocks.denormalise(quantiles) * scaler.span[0])
