"""Whether moves of a target above 0 are measured by its logarithm: by whose intervals were better so far.

A price moves by a share of itself; sales that come near 0 do not, and intervals by logarithms would reach from a large
value far beyond all that was ever seen. Both are tried on the moves over one row that are known, each by the quantiles
of those before it (prequential, Dawid 1984). Values are taken where the pinball loss by logarithms is larger by a
tenth, and from the first value on that is not above 0. It is decided anew whenever the series has grown by a tenth.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from forecast.config import QUANTILES
from forecast.data.inputs import Inputs
from forecast.data.moves import absolute, path_moves
from forecast.data.windows import Blocks
from forecast.models.volatility.growing import quantiles_until
from forecast.models.volatility.simulation import estimation_rows
from forecast.typing import Array, Flags, Rows

# Moves that must be known; before that a target above 0 is measured by its logarithm.
FEWEST = 10
# How much larger the loss by logarithms may be: less says little, and prices are usually measured by them.
LARGER = 1.1


def in_own_units(blocks: Blocks, predict: Callable[[Blocks], Array]) -> Array:
    """Forecasts of blocks, each from a past whose moves are all in the units of its own: logarithms, or values."""
    logarithms = by_logarithms(blocks.inputs, blocks.origin)
    if logarithms.all() or not np.isfinite(blocks.inputs.level).any():
        return predict(blocks)
    by_values = predict(replace(blocks.part(~logarithms), inputs=blocks.inputs.in_values()))
    found = np.empty((len(logarithms), *by_values.shape[1:]))
    found[~logarithms] = by_values
    if logarithms.any():
        found[logarithms] = predict(blocks.part(logarithms))
    return found


def in_last_units(inputs: Inputs) -> Inputs:
    """All rows with moves in the units of the last one."""
    return inputs if by_logarithms(inputs, np.array([len(inputs.past) - 1]))[0] else inputs.in_values()


def by_logarithms(inputs: Inputs, origin: Rows) -> Flags:
    """Whether moves are measured by the logarithm at each origin, by what is known there, shape (N,)."""
    above = np.isfinite(inputs.level[origin])
    last = int(origin[above].max(initial=0))
    if last < FEWEST:
        return above
    stops = np.unique(estimation_rows(np.arange(FEWEST, last + 1), fewest=FEWEST + 1)) - 1
    worse = _losses(inputs, stops) > LARGER * _losses(inputs.in_values(), stops)
    place = np.searchsorted(stops, origin, side="right") - 1
    return np.asarray(above & ~((place >= 0) & worse[place]))


def _losses(inputs: Inputs, stops: Rows) -> Array:
    """The pinball loss of all moves over one row that are known at each stop, which they were summed up to, (R,)."""
    origin = np.arange(stops[-1])
    came = inputs.labels[origin + 1] - inputs.labels[origin]
    origin, came = origin[np.isfinite(came)], came[np.isfinite(came)]
    moves = path_moves(came, inputs.level[origin])
    (quantiles,) = quantiles_until(stops, [(origin + 1, moves)])[0].transpose(1, 0, 2)
    place = np.searchsorted(stops, origin, side="right") - 1
    error = came[:, None] - absolute(quantiles[place], inputs.level[origin, None])
    level = np.array(QUANTILES)
    loss = np.where(place >= 0, np.maximum(level * error, (level - 1) * error).mean(axis=1), 0.0)
    return np.append(0.0, np.cumsum(loss))[np.searchsorted(origin + 1, stops, side="right")]
