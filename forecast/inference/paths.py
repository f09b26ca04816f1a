"""Joint sample paths whose steps have the quantiles of a forecast.

In: the quantiles of the coming steps. Out: paths, for questions about several steps at once: to touch a level, the
worst fall on the way, the sum of all steps. The steps are tied by a Gaussian copula with the correlation of a random
walk, sqrt(i / j) between steps i < j, or, where it is smaller, the ratio of the widths there: that of a walk whose
moves grow, from calm into usual weeks. Beyond the outer quantiles the distribution goes on with the slope of the last
two in a normal quantile plot, of logarithms where all quantiles are above 0. Sources: Nelsen (2006), An introduction
to copulas; Schefzik, Thorarinsdottir and Gneiting (2013), Uncertainty quantification in complex simulation models
using ensemble copula coupling.
"""

from collections.abc import Sequence

import numpy as np

from forecast.errors import ConfigError
from forecast.typing import Array


def sample_paths(quantiles: Array, levels: Sequence[float], *, count: int, seed: int = 0) -> Array:
    """Draw paths, shape (count, H), whose steps have the given quantiles (H, Q).

    Raises:
        ConfigError: `count` is below 1.
    """
    if count < 1:
        raise ConfigError(f"the number of paths must be at least 1. Received: {count}.")
    root = np.linalg.cholesky(_correlation(quantiles) + 1e-12 * np.eye(len(quantiles)))
    normal = np.random.default_rng(seed).standard_normal((count, len(quantiles))) @ root.T
    return _marginals(normal, quantiles, levels)


def quantiles_at(quantiles: Array, levels: Sequence[float], wanted: Sequence[float]) -> Array:
    """Other quantiles (H, W) of a distribution whose quantiles (H, Q) at some levels are known."""
    from scipy.special import ndtri

    return _marginals(np.tile(ndtri(wanted)[:, None], len(quantiles)), quantiles, levels).T


def _marginals(normal: Array, quantiles: Array, levels: Sequence[float]) -> Array:
    """Standard normal numbers (N, H) as numbers with the quantiles (H, Q) of their steps."""
    positive = bool((quantiles > 0).all())
    known = np.log(quantiles) if positive else quantiles
    found = np.stack([_marginal(column, row, levels) for column, row in zip(normal.T, known, strict=True)], axis=1)
    return np.exp(found) if positive else found


def _correlation(quantiles: Array) -> Array:
    """The correlation of the steps with quantiles (H, Q), shape (H, H): a Markov chain, so positive definite."""
    low, high = quantiles[:, 0], quantiles[:, -1]
    width = np.log(high / low) if (quantiles > 0).all() else high - low
    ratio = width[1:] / np.where(width[:-1] > 0, width[:-1], np.inf)
    apart = np.maximum(np.log(np.maximum(ratio, 1.0)), 0.5 * np.diff(np.log(np.arange(1, len(width) + 1))))
    place = np.concatenate([[0.0], np.cumsum(apart)])
    return np.asarray(np.exp(-np.abs(np.subtract.outer(place, place))))


def _marginal(normal: Array, quantiles: Array, levels: Sequence[float]) -> Array:
    """Standard normal numbers as numbers with these quantiles: linear between them in a normal quantile plot."""
    from scipy.special import ndtri

    knots = ndtri(levels)
    found = np.interp(normal, knots, quantiles)
    low, high = (np.diff(quantiles[two]) / np.diff(knots[two]) for two in (slice(0, 2), slice(-2, None)))
    found += np.minimum(normal - knots[0], 0) * low + np.maximum(normal - knots[-1], 0) * high
    return np.asarray(found)


def share_above(paths: Array, level: float) -> Array:
    """The share of the paths (n, H) above a level at each step, shape (H,)."""
    return np.asarray((paths > level).mean(axis=0))


def share_touching(paths: Array, level: float, last: float) -> Array:
    """The share of the paths (n, H) that have reached a level by each step, from the last value on, shape (H,)."""
    beyond = paths >= level if level >= last else paths <= level
    return np.asarray(np.maximum.accumulate(beyond, axis=1).mean(axis=0))


def drawdowns(paths: Array, last: float) -> Array:
    """The largest fall of each path (n, H) from a value before it, the last known one among these, shape (n,)."""
    whole = np.concatenate([np.full((len(paths), 1), last), paths], axis=1)
    return np.asarray((np.maximum.accumulate(whole, axis=1) - whole).max(axis=1))


def describe(
    paths: Array, last: float, *, above: float | None = None, below: float | None = None, touch: float | None = None
) -> dict[str, float]:
    """Shares of the paths (n, H) that end above or below a level or touch one on the way, and the median worst fall."""
    found = {"paths": float(len(paths)), "median_drawdown": float(np.median(drawdowns(paths, last)))}
    if above is not None:
        found["above"] = float(share_above(paths, above)[-1])
    if below is not None:
        found["below"] = 1 - float(share_above(paths, below)[-1])
    if touch is not None:
        found["touch"] = float(share_touching(paths, touch, last)[-1])
    return found
