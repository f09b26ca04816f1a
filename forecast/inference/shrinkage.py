"""Shrinkage: how much of a model's distribution counts, decided by what such distributions have saved so far.

    quantiles = base + factor_linear * linear component + factor_network * network component

The base is what is forecast without the model: quantiles of past moves over their expected size (`models/volatility`),
or, where none is given, the naive forecast with its own past errors, so that a model that is shrunk to nothing is the
naive forecast, interval and all. The linear component is the highway's move, the network component what the model's own
quantiles add to both. Around the naive forecast the spread of the quantiles comes with the highway where there is one:
the errors of the last value are not those of a season. Each pair of factors on a grid from 0 to 1 is an expert.
An expert's loss is its CRPS minus that of the base, over the earlier origins whose outcome is known; its weight falls
with its loss, and the factors are the weighted means over the experts. The network component starts near 0, so that a
model has to prove itself on validation rows, unless it is trusted and the series is no walk (`trust_in`): a network
that learned from thousands of other series starts near 1, a statistical model not far from it. The linear component was
tested before it was let in (`highway.py`) and starts in the middle, or further up the more it saves on the training
rows. A component that stops helping loses its weight again. Nothing looks past the origin.

Source: exponentially weighted averaging over experts, Vovk (1990); Cesa-Bianchi and Lugosi (2006), chapter 2. The
regret against the naive forecast is bounded, whatever the series does.
"""

from dataclasses import dataclass

import numpy as np

from forecast.config import MEDIAN, QUANTILES
from forecast.data.windows import Blocks
from forecast.models import Estimator, Problem
from forecast.models.baselines import NAIVE
from forecast.models.volatility import smooth
from forecast.typing import Array, Flags

# The experts: pairs of a factor of the linear component and one of the network component.
FACTORS = (np.linspace(0, 1, 5), np.linspace(0, 1, 6))
EXPERTS = np.array([(linear, network) for linear in FACTORS[0] for network in FACTORS[1]])
# Weight lost for each unit of loss, in scales of a window, and the head start of experts without a network component.
# It grows with the horizon: outcomes of neighbouring origins overlap and say the same thing several times.
LEARNING_RATE = 0.45
PRIOR = 3.0
# Origins whose losses are computed together, and their numbers at once, which stay in the processor's cache.
ORIGINS, CELLS = 256, 1 << 16
# Origins that the share of naive's error that the linear component saves in training counts for.
HEAD_START = 40.0
# An outcome so many scales away counts as much as one that is this far: a window before it may not have moved at all.
FARTHEST = 20.0
# A factor below this is 0: so small a move is noise.
SMALLEST = 0.1


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of normalised forecasts at N origins that follow one another.

    Attributes:
        base: The distribution without any component, shape (N, H, Q).
        linear: The linear component, shape (N, H, Q), or (N, H, 1) where it has no spread.
        network: The network component, shape (N, H, Q): what the model's own distribution adds to both.
    """

    base: Array
    linear: Array
    network: Array


@dataclass(frozen=True, eq=False)
class Base:
    """What is forecast without a model at N origins.

    Attributes:
        quantiles: Normalised, shape (N, H, Q); NaN at origins where it is the model's own spread around no move.
        measured: Whether these are quantiles of past moves over their expected size, shape (N,).
    """

    quantiles: Array
    measured: Flags


def base_of(model: Estimator, blocks: Blocks, past: Array, problem: Problem) -> Base:
    """Quantiles of past moves, or those of the naive forecast where these are not given.

    What learned from other series has proved itself there, and keeps its own spread around no move.

    Args:
        past: Quantiles of past moves over their expected size, shape (N, H, Q); NaN at origins without.
    """
    measured = np.asarray(np.isfinite(past).all(axis=(1, 2)))
    if measured.all() or model.is_pretrained or not (model.learned and blocks.moves):
        return Base(past, measured)
    return Base(np.where(measured[:, None, None], past, NAIVE.by_known_errors(blocks, problem)), measured)


def parts_of(raw: Array, linear: Array, base: Base, highway: Flags) -> Parts:
    """The parts of raw quantiles (N, H, Q).

    Args:
        linear: The linear component of their medians, shape (N, H).
        base: Where past moves are measured and apart, and so smooth over the steps, the model's own are smoothed too.
        highway: Which steps the linear component moves (`highway.steps_of_highway`).
    """
    spread, found = raw - raw[..., [MEDIAN]], base.measured[:, None, None]
    quantiles = np.where(np.isfinite(base.quantiles), base.quantiles, spread)
    moves = linear[..., None]
    if highway.any() and not found.all():
        moves = moves + np.where(found | ~highway[:, None], 0.0, spread - quantiles)
    even = found & (np.diff(quantiles[:, :1], axis=-1) > 0).all(axis=2, keepdims=True)
    own = np.where(even, smooth(raw), raw) if even.any() else raw
    return Parts(quantiles, moves, own - quantiles - moves)


def initial_losses() -> Array:
    """The expert losses before any outcome is known, shape (E,)."""
    return np.zeros(len(EXPERTS))


def head_start(share: float) -> Array:
    """The expert losses before any outcome is known where the linear component saves a share of naive's error, (E,)."""
    return np.asarray(-HEAD_START * share * EXPERTS[:, 0])


def follow_losses(parts: Parts, y: Array, losses: Array, *, seen: int = 0, stride: int = 1) -> Array:
    """The expert losses at N origins that follow one another, shape (N, E).

    Args:
        y: The true moves, normalised, shape (N, H); NaN where they are missing or not known yet.
        losses: Before the first origin, shape (E,), or at the last of those that count already.
        seen: Origins that count already.
        stride: Rows from one origin to the next.
    """
    new = new_losses(parts, y, stride=stride)
    new[:seen] = 0
    return np.asarray(losses + np.cumsum(new, axis=0))


def new_losses(parts: Parts, y: Array, *, stride: int = 1) -> Array:
    """The expert losses that become known at each of N origins, shape (N, E); arguments as in `follow_losses`.

    Those of missing outcomes are taken to be as the others that become known with them. An origin stands for as many
    rows as lie between it and the next.
    """
    rows, horizon = y.shape
    late = -(-horizon // stride)
    lost, known = np.zeros((*map(len, FACTORS), rows + late)), np.zeros((2, rows + late))
    for start in reversed(range(0, rows, ORIGINS)):  # the later first: the same order of sums, wherever the rows begin
        some = slice(start, start + ORIGINS)
        one = Parts(parts.base[some], parts.linear[some], parts.network[some])
        for total, values in zip((lost, known), _losses_by_step(one, y[some], stride), strict=True):
            _add_when_known(total[..., start:], values)
    due, came = known
    found = stride * lost / horizon * due / np.maximum(came, 1)
    return np.asarray(found[..., :rows].reshape(len(EXPERTS), rows).T)


def _losses_by_step(parts: Parts, y: Array, stride: int) -> tuple[Array, Array]:
    """The losses at N origins that become known 1 to K origins later, shape (L, F, K, N), of as many factors of both.

    And how many outcomes are due then, and how many came, shape (2, K, N). Of the linear component's factors there is
    one where they lose the same.
    """
    horizon, began = y.shape[1], np.arange(0, y.shape[1], stride)  # the first step that is known so many origins later
    # origins last, so that the sums over quantiles and experts go along them
    error, linear, network = (
        np.ascontiguousarray(part.transpose(2, 1, 0)).reshape(part.shape[2], -1)
        for part in (y[..., None] - parts.base, parts.linear, parts.network)
    )
    lost = _losses(error, linear, network).reshape(-1, len(FACTORS[1]), horizon, len(y))
    known = np.stack([np.ones(y.T.shape), np.isfinite(y.T)])
    if stride > 1:
        return np.add.reduceat(lost, began, axis=2), np.add.reduceat(known, began, axis=1)
    return lost, known


def _add_when_known(total: Array, values: Array) -> None:
    """Add values (..., K, N) that are known 1 to K origins later to the sums (..., N + K) of each origin, in place."""
    steps, origins = values.shape[-2:]
    for later in range(steps):
        total[..., later + 1 : later + 1 + origins] += values[..., later, :]


def _losses(error: Array, linear: Array, network: Array) -> Array:
    """The CRPS of each expert minus that of the base at n origins; 0 where the outcome is not known.

    Shape (E, n), or only those of the network's factors where there is no linear component: with it they lose the same.

    Args:
        error: Outcome minus the quantiles of the base, shape (Q, n).
        linear: Shape (Q, n) or (1, n).
        network: Shape (Q, n).
    """
    first = FACTORS[0] if linear.any() else FACTORS[0][:1]
    together = CELLS // (len(first) * len(FACTORS[1]) * len(QUANTILES))
    parts = (slice(start, start + together) for start in range(0, error.shape[1], together))
    every = [_losses_together(first, error[:, part], linear[:, part], network[:, part]) for part in parts]
    found, farthest = np.concatenate(every, 1), np.maximum(np.abs(error).max(axis=0), np.abs(network).max(axis=0))
    found *= FARTHEST / np.maximum(farthest, FARTHEST)
    unknown = ~np.isfinite(farthest)
    found[:, unknown] = np.nan_to_num(found[:, unknown])
    return found


def _losses_together(first: Array, error: Array, linear: Array, network: Array) -> Array:
    """The same for some factors of the linear component, without the bound for far outcomes.

    The pinball loss of a level is level * left + max(-left, 0), of which only the second part needs each quantile.
    """
    levels = np.array(QUANTILES)[:, None]
    right = (first[:, None, None] * linear - error)[:, None] + FACTORS[1][:, None, None] * network
    beyond = np.maximum(right, 0.0, out=right).sum(axis=2) - np.maximum(-error, 0.0).sum(axis=0)
    moved = first[:, None, None] * (levels * linear).sum(axis=0) + FACTORS[1][:, None] * (levels * network).sum(axis=0)
    return np.asarray(2 * (beyond - moved) / len(QUANTILES)).reshape(-1, error.shape[1])


def trust_in(model: Estimator, measured: Flags) -> Array:
    """The head start of experts with the whole of a model's own component at N origins, in units of PRIOR, shape (N,).

    That of the model; -1 where the series walks, on which nearly nothing can be learned.

    Args:
        measured: Where the expected size of moves is given, as on walks, shape (N,).
    """
    return np.where(measured, -1.0, model.trust)


def factors_of(losses: Array, *, horizon: int, trust: Array | float = -1.0) -> Array:
    """The factors of the linear and of the network component, shape (..., 2), for expert losses (..., E).

    Args:
        trust: As of `trust_in`, shape (...,).
    """
    start = np.asarray(trust)[..., None]
    preference = -LEARNING_RATE * losses + start * PRIOR * np.sqrt(1 + horizon / 3) * EXPERTS[:, 1]
    weight = np.exp(preference - preference.max(axis=-1, keepdims=True))
    factors = weight @ EXPERTS / weight.sum(axis=-1, keepdims=True)
    factors[factors < SMALLEST] = 0.0
    return np.asarray(factors)


def shrink(parts: Parts, factors: Array) -> Array:
    """Normalised quantiles (N, H, Q) with both components shrunk by factors (N, 2)."""
    linear, network = factors[:, 0, None, None], factors[:, 1, None, None]
    return np.asarray(parts.base + linear * parts.linear + network * parts.network)
