"""Ridge regressions on earlier rows, fitted to each window itself: step by step, or directly for each step ahead.

    regression_of_moves       moves of the rows without seasons on earlier moves, step by step
    regression_of_levels      those rows around their mean on earlier ones, step by step
    regression_with_seasons   moves on earlier moves, those one season ago among them, step by step
    regression_of_seasons     differences over a season on earlier ones, step by step
    direct_of_levels          those rows around their mean, each step ahead by a regression of its own
    direct_of_moves           their moves from the last row likewise

Step by step errors add up where the model is wrong, directly each step has fewer rows: which is better differs from
series to series (Marcellino, Stock and Watson 2006). Ridge regression: Hoerl and Kennard (1970).

Shapes: N windows of n rows, H steps, P lags.
"""

from functools import cache

import numpy as np

from forecast.typing import Array

NAMES = (
    *("regression_of_moves", "regression_of_levels", "regression_with_seasons", "regression_of_seasons"),
    *("direct_of_levels", "direct_of_moves"),
)
# Rows that are fitted at most; lags and penalty of regressions step by step, lags of direct ones.
FIT_ROWS = 512
LAGS, RIDGE = 6, 0.02
DIRECT_LAGS = (1, 2, 3, 4, 5, 6, 8, 12, 16, 24)
# Steps of which each has a direct regression; between them lines are drawn.
STEPS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 32, 40, 48, 64)
# A direct regression looks no further ahead than this share of the rows.
AHEAD = 4


def forecasts(x: Array, both: Array, coming: Array, seasons: tuple[int, ...], horizon: int) -> Array:
    """The forecasts in the order of `NAMES`, shape (N, H, 6).

    Args:
        both: The rows without seasons, shape (N, n).
        coming: What the seasons add to the coming rows, shape (N, H).
    """
    near, last = tuple(range(1, LAGS + 1)), both[:, [-1]]
    mean = both[:, -FIT_ROWS:].mean(axis=1, keepdims=True)
    lags = sorted({1, 2, 3, *(lag for season in seasons for lag in (season - 1, season, season + 1) if lag > 0)})
    with_seasons = x[:, [-1]] + np.cumsum(_iterate(np.diff(x, axis=1), tuple(lags), horizon), axis=1)
    moves = np.cumsum(_iterate(np.diff(both, axis=1), near, horizon), axis=1)
    return np.stack(
        [
            last + moves + coming,
            mean + _iterate(both - mean, near, horizon) + coming,
            with_seasons,
            _of_seasons(x, seasons, horizon) if seasons else with_seasons,
            mean + _direct(both - mean, horizon, moves=False) + coming,
            last + _direct(both, horizon, moves=True) + coming,
        ],
        axis=2,
    )


def _of_seasons(x: Array, seasons: tuple[int, ...], horizon: int) -> Array:
    """The values one season ago, and what differences over a season add, shape (N, H)."""
    season = seasons[-1] if 3 * seasons[-1] <= x.shape[1] else seasons[0]
    if 2 * season > x.shape[1]:
        return np.repeat(x[:, [-1]], horizon, axis=1)
    lags = tuple(sorted({1, 2, 3, *seasons}))
    found = np.concatenate([x[:, -season:], np.zeros((len(x), horizon))], axis=1)
    added = _iterate(x[:, season:] - x[:, :-season], lags, horizon)
    for step in range(horizon):
        found[:, season + step] = found[:, step] + added[:, step]
    return found[:, season:]


def _direct(z: Array, horizon: int, *, moves: bool) -> Array:
    """Each step ahead by a ridge regression of its own on the last rows (N, n), shape (N, H); 0 if rows are few.

    Args:
        moves: Regress moves from a row on moves up to it, not values on values.
    """
    z = z[:, -FIT_ROWS:]
    rows, ahead = z.shape[1], min(horizon, z.shape[1] // AHEAD)
    lags = np.array([lag for lag in DIRECT_LAGS if lag <= rows // AHEAD])
    if len(lags) == 0 or rows < 3 * len(lags) + ahead:
        return np.zeros((len(z), horizon))
    first, stop, steps = int(lags[-1]), rows - ahead, np.array([step for step in STEPS if step <= ahead])
    before, now = lags if moves else lags - 1, z[:, first:stop]
    earlier = np.stack([z[:, first - lag : stop - lag] for lag in before], axis=1)  # (N, P, rows)
    coming = np.stack([z[:, first + step : stop + step] for step in steps], axis=2)  # (N, rows, S)
    last = z[:, rows - 1 - before]
    if moves:
        earlier, coming, last = now[:, None] - earlier, coming - now[:, :, None], z[:, [-1]] - last
    share = solve_ridge(earlier @ earlier.transpose(0, 2, 1), earlier @ coming, stop - first)
    found = np.clip((last[:, None] @ share)[:, 0], coming.min(axis=1), coming.max(axis=1))
    return np.asarray(found @ _between(tuple(steps.tolist()), horizon))


@cache
def _between(steps: tuple[int, ...], horizon: int) -> Array:
    """The matrix that draws straight lines between forecasts at some steps, shape (S, H)."""
    every = np.arange(1, horizon + 1)
    return np.array([np.interp(every, steps, row) for row in np.eye(len(steps))])


def solve_ridge(gram: Array, products: Array, rows: int) -> Array:
    """Coefficients (N, P, K) from products of lags with lags (N, P, P) and with what is regressed on them (N, P, K)."""
    lags = gram.shape[1]
    size = np.trace(gram, axis1=1, axis2=2) / lags
    penalty = (RIDGE + 1 / np.sqrt(rows)) * size + 1e-300 + 1e-12 * (size <= 0)
    return np.asarray(np.linalg.solve(gram + penalty[:, None, None] * np.eye(lags), products))


def _iterate(z: Array, lags: tuple[int, ...], horizon: int) -> Array:
    """Forecasts of a ridge regression of rows (N, n) on earlier ones, step by step, shape (N, H); 0 if rows are few."""
    z = z[:, -FIT_ROWS:]
    rows = z.shape[1]
    lags = tuple(lag for lag in lags if lag <= rows // 2)
    if rows - max(lags, default=rows) < 2 * len(lags) + 2:
        return np.zeros((len(z), horizon))
    most = max(lags)
    earlier = np.stack([z[:, most - lag : rows - lag] for lag in lags], axis=1)  # (N, P, rows)
    share = solve_ridge(earlier @ earlier.transpose(0, 2, 1), earlier @ z[:, most:, None], rows)[:, :, 0]
    path = np.concatenate([z[:, -most:], np.zeros((len(z), horizon))], axis=1)
    limit = np.abs(z).max(axis=1)
    places = most - np.array(lags)
    for step in range(horizon):
        next_one = np.einsum("np,np->n", path[:, places + step], share)
        path[:, most + step] = np.minimum(np.maximum(next_one, -limit), limit)
    return path[:, most:]
