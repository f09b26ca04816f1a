"""Ridge regressions on earlier rows, fitted to each window itself: step by step, or directly for each step ahead.

    regression_of_moves       moves of the rows without seasons on earlier moves, step by step
    regression_of_levels      those rows around their mean on earlier ones, step by step
    regression_with_seasons   moves on earlier moves, those one season ago among them, step by step
    regression_of_seasons     differences over a season on earlier ones, step by step
    direct_of_levels          those rows around their mean, each step ahead by a regression of its own
    direct_of_moves           their moves from the last row likewise

Step by step errors add up where the model is wrong, directly each step has fewer rows: which is better differs from
series to series (Marcellino, Stock and Watson 2006). Ridge regression: Hoerl and Kennard (1970).

Only sums of products of rows some lags apart are needed: both direct regressions share them, for the product of two
moves is made of four products of rows. A forecast is `last' (X'X)^-1 X'Y`, of which the first two are solved for first:
one system of equations a window, whatever the number of steps.

Shapes: N windows of n rows, H steps, P lags, R regressions.
"""

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from forecast.typing import Array, Rows

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
# Windows whose lagged rows are multiplied together: they stay in the processor's cache.
TOGETHER = 16


def forecasts(x: Array, both: Array, coming: Array, seasons: tuple[int, ...], horizon: int) -> Array:
    """The forecasts in the order of `NAMES`, shape (N, H, 6).

    Args:
        both: The rows without seasons, shape (N, n).
        coming: What the seasons add to the coming rows, shape (N, H).
    """
    near, last = tuple(range(1, LAGS + 1)), both[:, [-1]]
    mean = both[:, -FIT_ROWS:].mean(axis=1, keepdims=True)
    lags = sorted({1, 2, 3, *(lag for season in seasons for lag in (season - 1, season, season + 1) if lag > 0)})
    season = _season_of_differences(x.shape[1], seasons)
    chosen = [(np.diff(both, axis=1), near), (both - mean, near), (np.diff(x, axis=1), tuple(lags))]
    if season:
        chosen.append((x[:, season:] - x[:, :-season], tuple(sorted({1, 2, 3, *seasons}))))
    moves, values, with_seasons, *of_seasons = _iterate(chosen, horizon)
    with_seasons = x[:, [-1]] + np.cumsum(with_seasons, axis=1)
    differences = _over_seasons(x, of_seasons[0], season) if season else with_seasons
    if seasons and not season:
        differences = np.repeat(x[:, [-1]], horizon, axis=1)
    direct = _direct(both - mean, horizon)
    return np.stack(
        [
            last + np.cumsum(moves, axis=1) + coming,
            mean + values + coming,
            with_seasons,
            differences,
            mean + direct[0] + coming,
            last + direct[1] + coming,
        ],
        axis=1,
    ).transpose(0, 2, 1)


def _season_of_differences(rows: int, seasons: tuple[int, ...]) -> int:
    """The season over which differences are taken; 0 where the rows hold less than two of it."""
    season = next((season for season in seasons[::-1] if 3 * season <= rows), seasons[0] if seasons else 0)
    return season if 2 * season <= rows else 0


def _over_seasons(x: Array, added: Array, season: int) -> Array:
    """The values one season ago, and what differences over a season add (N, H), shape (N, H)."""
    found = np.concatenate([x[:, -season:], added], axis=1)
    for step in range(season, found.shape[1]):
        found[:, step] += found[:, step - season]
    return found[:, season:]


def _direct(z: Array, horizon: int) -> tuple[Array, Array]:
    """Each step ahead by ridge regressions of its own, of values (N, n) on earlier ones, and of moves on moves.

    Returns:
        Values and moves from the last row, shapes (N, H); 0 if rows are few.
    """
    z = z[:, -FIT_ROWS:]
    rows, ahead = z.shape[1], min(horizon, z.shape[1] // AHEAD)
    lags = np.array([lag for lag in DIRECT_LAGS if lag <= rows // AHEAD])
    if len(lags) == 0 or rows < 3 * len(lags) + ahead:
        return np.zeros((len(z), horizon)), np.zeros((len(z), horizon))
    steps, back = np.array([step for step in STEPS if step <= ahead]), np.unique([lags - 1, lags])
    first, stop = int(lags[-1]), rows - ahead
    products, bounds = _direct_products(z, back, steps, first, stop)
    between = _between(tuple(steps.tolist()), horizon)
    gram, coming = products[..., : len(back)], products[..., len(back) :]
    # values, then moves: (z[t] - z[t-l]) (z[t+s] - z[t]), multiplied out
    place, now = np.searchsorted(back, lags - 1), z[:, rows - lags]
    values = _forecast(gram[:, place][:, :, place], coming[:, place], now, stop - first)
    place, now = np.searchsorted(back, lags), z[:, [-1]] - z[:, rows - 1 - lags]
    own, across = gram[:, :1, :1], gram[:, place, :1]
    moved = gram[:, place][:, :, place] - across - across.transpose(0, 2, 1) + own
    moves = _forecast(moved, coming[:, :1] - own - coming[:, place] + across, now, stop - first)
    limits = np.moveaxis(bounds, 3, 0)
    # a product for each window, as everywhere: it does not depend on how many there are
    found = np.clip(np.stack([values, moves]), *limits)[:, :, None] @ between
    return found[0, :, 0], found[1, :, 0]


def _direct_products(z: Array, back: Rows, steps: Rows, first: int, stop: int) -> tuple[Array, Array]:
    """Sums over rows `first` to `stop` of products of rows some lags back with these and with those some steps ahead.

    Returns:
        Shape (N, P, P + S) for P lags and S steps; and the least and the largest value, and move, of each step, shape
        (2, N, S, 2).
    """
    products = np.empty((len(z), len(back), len(back) + len(steps)))
    moves = np.empty((len(z), len(steps), 2))
    for part, rows in _lagged(z, (*-back, *steps), first, stop):
        np.matmul(rows[:, : len(back)], rows.transpose(0, 2, 1), out=products[part])
        coming = rows[:, len(back) :]
        coming -= rows[:, [0]]
        coming.min(axis=2, out=moves[part, :, 0])
        coming.max(axis=2, out=moves[part, :, 1])
    return products, np.stack([_bounds(z, steps, first, stop), moves])


def _bounds(z: Array, steps: Rows, first: int, stop: int) -> Array:
    """The least and the largest of the rows `first` to `stop` some steps ahead, shape (N, S, 2).

    All of them share the rows in the middle, for a step is at most a quarter of the rows (AHEAD); from there those
    before and after are followed.
    """
    begin, end = first + int(steps[-1]), stop + int(steps[0])
    found = np.empty((len(z), len(steps), 2))
    for place, extreme in enumerate((np.minimum, np.maximum)):
        before = extreme.accumulate(z[:, begin : first + steps[0] - 1 : -1], axis=1)[:, steps[-1] - steps]
        after = extreme.accumulate(z[:, end - 1 : stop + steps[-1]], axis=1)[:, steps - steps[0]]
        middle = extreme.reduce(z[:, begin:end], axis=1, keepdims=True)
        extreme(extreme(before, after), middle, out=found[..., place])
    return found


def _lagged(z: Array, offsets: Sequence[int], first: int, stop: int) -> Iterator[tuple[slice, Array]]:
    """The rows `first` to `stop` of a few windows at a time, each offset of them in a row of its own, (n, K, rows)."""
    kept = np.empty((TOGETHER, len(offsets), stop - first))
    for start in range(0, len(z), TOGETHER):
        part = slice(start, min(start + TOGETHER, len(z)))
        found = kept[: part.stop - start]
        for place, offset in enumerate(offsets):
            found[:, place] = z[part, first + offset : stop + offset]
        yield part, found


@cache
def _between(steps: tuple[int, ...], horizon: int) -> Array:
    """The matrix that draws straight lines between forecasts at some steps, shape (S, H)."""
    every = np.arange(1, horizon + 1)
    return np.array([np.interp(every, steps, row) for row in np.eye(len(steps))])


def _forecast(gram: Array, products: Array, last: Array, rows: int) -> Array:
    """Forecasts (N, K) of ridge regressions on `last`, the values (N, P) of the lags there.

    Args:
        gram: Products of lags with lags, shape (N, P, P).
        products: Of lags with what is regressed on them, shape (N, P, K).
        rows: Rows that were multiplied.
    """
    return np.asarray((_solve_ridge(gram, last, rows)[:, None] @ products)[:, 0])


def _solve_ridge(gram: Array, right: Array, rows: int) -> Array:
    """Solve gram (N, P, P), with its penalty, for right sides (N, P), shape (N, P)."""
    gram = gram.copy()
    diagonal = np.einsum("npp->np", gram)
    size = diagonal.mean(axis=1)
    diagonal += ((RIDGE + 1 / np.sqrt(rows)) * size + 1e-300 + 1e-12 * (size <= 0))[:, None]
    return np.asarray(np.linalg.solve(gram, right[..., None])[..., 0])


def _iterate(chosen: Sequence[tuple[Array, tuple[int, ...]]], horizon: int) -> Array:
    """Forecasts of ridge regressions of rows (N, n) on earlier ones, step by step, all regressions at a time.

    Args:
        chosen: For each its rows and its lags.
    Returns:
        Shape (R, N, H); 0 where rows are few.
    """
    fitted = [_fit(z[:, -FIT_ROWS:], lags) for z, lags in chosen]
    count, most = max(len(share) for _, share in fitted), max(max(lags, default=1) for lags, _ in fitted)
    size = (len(chosen), len(chosen[0][0]))
    path, shares, places = np.zeros((most + horizon, *size)), np.zeros((count, *size)), np.zeros((count, *size), int)
    for number, ((z, _), (lags, share)) in enumerate(zip(chosen, fitted, strict=True)):
        known = min(most, z.shape[1])
        path[most - known : most, number] = z[:, z.shape[1] - known :].T
        shares[: len(lags), number] = share
        places[: len(lags), number] = most - np.array(lags, int)[:, None]
    limit = np.stack([np.abs(z[:, -FIT_ROWS:]).max(axis=1, initial=0.0) for z, _ in chosen])
    flat, places = path.reshape(-1), places * limit.size + np.arange(limit.size).reshape(size)
    lowest, earlier = -limit, np.empty(shares.shape)
    for row in path[most:]:
        flat.take(places, out=earlier, mode="clip")
        earlier *= shares
        earlier.sum(axis=0, out=row)
        np.maximum(row, lowest, out=row)
        np.minimum(row, limit, out=row)
        places += limit.size
    return np.asarray(path[most:].transpose(1, 2, 0))


def _fit(z: Array, lags: tuple[int, ...]) -> tuple[tuple[int, ...], Array]:
    """The lags that the rows (N, n) suffice for, and their coefficients (P, N); no lags if rows are few."""
    rows = z.shape[1]
    lags = tuple(lag for lag in lags if lag <= rows // 2)
    most = max(lags, default=rows)
    if rows - most < 2 * len(lags) + 2:
        return (), np.zeros((0, len(z)))
    products = np.empty((len(z), len(lags), len(lags) + 1))
    for part, found in _lagged(z, (*(-lag for lag in lags), 0), most, rows):
        np.matmul(found[:, :-1], found.transpose(0, 2, 1), out=products[part])
    return lags, _solve_ridge(products[..., :-1], products[..., -1], rows).T
