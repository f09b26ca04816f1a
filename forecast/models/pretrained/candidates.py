"""The forecasts in closed form that the network mixes, and how wrong each was at earlier origins of the same window.

    levels          last, drift, mean, smoothed, damped trends, Theta: linear in the rows, one matrix for all of them
    with seasons    levels of the rows without a season, to which it is added, or by which they are multiplied, again
    by logarithms   levels of the logarithms without both seasons, for rows above 0
    seasons ago     the value one short or one long season ago, and the mean of three
    medians         of the last rows, and of the same place in the last seasons: outliers do not move them
    regressions     ridge regressions on earlier rows, fitted to the window itself (`regressions.py`)

A season's pattern is the weighted mean of the last seasons without their line, each of its waves shrunk by what noise
would leave of it and of those beside it (James and Stein 1961; Cai 1999, by blocks), so that a season that is none does
no harm, and two years of days give a smooth one. Sources: Hyndman et al. (2002), exponential
smoothing; Assimakopoulos and Nikolopoulos (2000), Theta; Montero-Manso et al. (2020), FFORMA: mixing by features.

Shapes: N windows of n rows, H steps, C candidates.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from forecast.models.pretrained import regressions
from forecast.typing import Array, Rows

# Shares of a new row in a smoothed level; shares in level and slope, and the damping, of damped trends.
SMOOTHED = {"fast": 0.5, "smoothed": 0.2, "slow": 0.05}
DAMPED = {"damped": (0.4, 0.08, 0.97), "damped_fast": (0.7, 0.3, 0.9)}
THETA = 0.3
LEVELS = ("last", "drift", "mean", *SMOOTHED, *DAMPED, "theta")
# The levels that are taken of the rows without seasons: one season, both, the last ones of it, and by factors.
WITH_SEASON = ("last", "smoothed", "slow", "damped", "theta")
WITH_BOTH = ("fast", "slow", "damped")
WITH_RECENT = ("smoothed",)
WITH_FACTORS = ("smoothed", "slow", "damped", "theta")
BY_LOGARITHMS = ("fast", "slow", "damped")
NAMES = (
    *LEVELS,
    *(f"season_{name}" for name in WITH_SEASON),
    *(f"seasons_{name}" for name in WITH_BOTH),
    *(f"recent_{name}" for name in WITH_RECENT),
    *(f"factors_{name}" for name in WITH_FACTORS),
    *(f"logarithms_{name}" for name in BY_LOGARITHMS),
    *("season_ago", "long_season_ago", "seasons_ago"),
    *("median_short", "median_long", "median_of_seasons"),
    *regressions.NAMES,
)
# Rows that lines are fitted to at most; seasons that a pattern is the mean of.
LINE_ROWS, CYCLES = 256, 12
# A season's weight in the pattern, over that of the season after it.
USUAL, RECENT = 0.85, 0.4
# Waves on either side, together with which one is shrunk, and whose noise is the noise of one; what noise counts by.
BESIDE, NOISE_BESIDE, NOISE = 2, 8, 1.3
# Rows, and seasons, of which medians are taken.
FEW, MANY, MEDIAN_CYCLES = 9, 60, 7
# Weights of the earlier origins at which candidates are tested, over a part of the rows, and so many steps at most.
TESTS, TEST_PART, TEST_STEPS = (0.5, 0.3, 0.2), 8, 64
# A candidate is kept within the range of the window and so many ranges more.
BEYOND = 1.0


def candidates(x: Array, seasons: tuple[int, ...], horizon: int, *, positive: bool) -> Array:
    """The candidates from the end of each window, shape (N, H, C), in the order of `NAMES`; steps lie side by side.

    Args:
        x: Shape (N, n).
        seasons: Rows in up to two seasons, shortest first.
        positive: Whether all rows are above 0, so that seasons may grow with the level.
    """
    past, coming = np.arange(-x.shape[1], 0), np.arange(horizon)
    short, recent, long = _patterns(x, seasons)
    alone = x - _at(short, past) if seasons else x
    both, coming_short = alone - _at(long, past) if long.any() else alone, _at(short, coming)[:, :, None]
    coming_both = coming_short + _at(long, coming)[:, :, None]
    if seasons:
        made = [
            levels(x, horizon, LEVELS),
            levels(alone, horizon, WITH_SEASON) + coming_short,
            levels(both, horizon, WITH_BOTH) + coming_both,
            levels(x - _at(recent, past), horizon, WITH_RECENT) + _at(recent, coming)[:, :, None],
        ]
    else:
        made = [levels(x, horizon, (*LEVELS, *WITH_SEASON, *WITH_BOTH, *WITH_RECENT))]
    if positive and seasons:
        times = factors(x, seasons[0])
        made.append(levels(x / _at(times, past), horizon, WITH_FACTORS) * _at(times, coming)[:, :, None])
    else:
        made.append(levels(alone, horizon, WITH_FACTORS) + coming_short)
    made.append(_by_logarithms(x, seasons, horizon) if positive else levels(both, horizon, BY_LOGARITHMS) + coming_both)
    made += [_seasons_ago(x, seasons, horizon), _medians(x, seasons, horizon)]
    made.append(regressions.forecasts(x, both, coming_both[:, :, 0], seasons, horizon))
    low, high = x.min(axis=1)[:, None, None], x.max(axis=1)[:, None, None]
    room, found = BEYOND * (high - low), np.concatenate([part.transpose(0, 2, 1) for part in made], axis=1)
    return np.clip(found, low - room, high + room, out=found).transpose(0, 2, 1)


def earlier_errors(x: Array, seasons: tuple[int, ...], *, positive: bool) -> tuple[Array, Array]:
    """Mean absolute errors of the candidates at earlier origins of a window, over all steps and the first, (N, C)."""
    steps = int(np.clip(x.shape[1] // TEST_PART, 1, TEST_STEPS))
    whole, first = np.zeros((len(x), len(NAMES))), np.zeros((len(x), len(NAMES)))
    for number, weight in enumerate(TESTS, start=1):
        begin = x.shape[1] - number * steps
        error = candidates(x[:, :begin], seasons, steps, positive=positive)
        error -= x[:, begin : begin + steps, None]
        np.abs(error, out=error)
        whole += weight * error.mean(axis=1)
        first += weight * error[:, : max(1, steps // 4)].mean(axis=1)
    return whole, first


def levels(x: Array, horizon: int, chosen: tuple[str, ...]) -> Array:
    """Forecasts by level and slope, shape (N, H, K) for K of `LEVELS`; steps lie side by side in memory."""
    level_and_slope, growth = _chosen_maps(x.shape[1], horizon, chosen)
    # a product for each window: the forecast of one does not depend on how many there are
    found = (x[:, None] @ level_and_slope)[:, 0, :, None]
    made = found[:, len(chosen) :] * growth
    made += found[:, : len(chosen)]
    return made.transpose(0, 2, 1)


@lru_cache(maxsize=1024)
def _chosen_maps(rows: int, horizon: int, chosen: tuple[str, ...]) -> tuple[Array, Array]:
    """What each row adds to the chosen levels and then to their slopes, (n, 2 K), and their growth, (K, H)."""
    places = [LEVELS.index(name) for name in chosen]
    both = np.concatenate([part[:, places] for part in _maps(rows)], axis=1)
    return both, np.stack([_growth(name, horizon) for name in chosen])


@lru_cache(maxsize=256)
def _maps(rows: int) -> tuple[Array, Array]:
    """What each row adds to the level and to the slope of each of `LEVELS`, both (n, K)."""
    level, slope = np.zeros((rows, len(LEVELS))), np.zeros((rows, len(LEVELS)))
    last, line = np.eye(rows)[-1], _line(rows)
    level[:, 0], level[:, 1], level[:, 2] = last, last, 1 / rows
    slope[[0, -1], 1] = np.array([-1, 1]) / max(rows - 1, 1)
    for place, share in enumerate(SMOOTHED.values(), start=3):
        level[:, place] = _smoothing(rows, share)
    for place, shares in enumerate(DAMPED.values(), start=3 + len(SMOOTHED)):
        level[:, place], slope[:, place] = _damped(rows, *shares)
    level[:, -1], slope[:, -1] = _smoothing(rows, THETA), line / 2
    return level, slope


def _growth(name: str, horizon: int) -> Array:
    """By how many slopes a forecast lies above its level at each step, shape (H,)."""
    steps = np.arange(1, horizon + 1)
    damping = DAMPED[name][2] if name in DAMPED else 1.0
    return np.asarray(np.cumsum(damping**steps) if damping < 1 else steps, float)


def _smoothing(rows: int, share: float) -> Array:
    """The weight of each row in a smoothed level that begins with the mean of the first rows, shape (n,)."""
    found = share * (1 - share) ** np.arange(rows - 1, -1, -1.0)
    begin = min(rows, max(1, round(1 / share)))
    found[:begin] += (1 - found.sum()) / begin
    return found


def _damped(rows: int, share: float, slope_share: float, damping: float) -> tuple[Array, Array]:
    """The weight of each row in level and slope of a damped trend that begins with the mean of ten rows, both (n,)."""
    used = min(rows, LINE_ROWS)
    by_age, from_begin = _damped_by_age(share, slope_share, damping)
    found, begin = by_age[used - 1 :: -1].copy(), min(used, 10)
    found[:begin] += from_begin[used] / begin
    level, slope = np.pad(found, ((rows - used, 0), (0, 0))).T
    return level, slope


@lru_cache(maxsize=8)
def _damped_by_age(share: float, slope_share: float, damping: float) -> tuple[Array, Array]:
    """What a row adds to level and slope so many rows later, (K, 2), and what the first level does, (K + 1, 2).

    After a row x with the error e = x - l - damping s level and slope (l, s) are l + damping s + share e and
    damping s + share slope_share e.
    """
    added = np.array([share, share * slope_share])
    step = np.array([[1.0, damping], [0.0, damping]]) - np.outer(added, [1.0, damping])
    by_age, from_begin = [added], [np.array([1.0, 0.0])]
    for _ in range(LINE_ROWS):
        by_age.append(step @ by_age[-1])
        from_begin.append(step @ from_begin[-1])
    return np.array(by_age[:-1]), np.array(from_begin)


def _line(rows: int) -> Array:
    """The weight of each row in the slope of the least-squares line through the last rows, shape (n,)."""
    used = min(rows, LINE_ROWS)
    time = np.arange(used) - (used - 1) / 2
    return np.pad(time / max(float(time @ time), 1.0), (rows - used, 0))


def _patterns(x: Array, seasons: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """The pattern of the short season, of its last ones, and of the long season in what is left, each (N, m)."""
    none = np.zeros((len(x), 1))
    if not seasons:
        return none, none, none
    short, recent = patterns(x, seasons[0], (USUAL, RECENT))
    if len(seasons) < 2:
        return short, recent, none
    return short, recent, pattern(x - _at(short, np.arange(-x.shape[1], 0)), seasons[1], USUAL)


def pattern(x: Array, season: int, weight: float) -> Array:
    """The pattern of the m rows after the last one, shape (N, m): 0 where the window holds less than two seasons."""
    (found,) = patterns(x, season, (weight,))
    return found


def patterns(x: Array, season: int, weights: tuple[float, ...]) -> list[Array]:
    """The same for some weights of a season over that of the season after it."""
    cycles = min(x.shape[1] // season, CYCLES)
    if season < 2 or cycles < 2:
        return [np.zeros((len(x), 1)) for _ in weights]
    waves = np.fft.rfft(detrended(x, season, cycles), axis=2)[:, :, 1:]
    return [_pattern_of(waves, season, weight) for weight in weights]


def _pattern_of(waves: NDArray[np.complex128], season: int, weight: float) -> Array:
    """The pattern (N, m) of the waves of the last seasons, shape (N, K, m // 2)."""
    cycles = waves.shape[1]
    shares = weight ** np.arange(cycles - 1, -1, -1.0)
    shares /= shares.sum()
    mean = np.einsum("k,nkm->nm", shares, waves)
    noise = (np.abs(waves - mean[:, None]) ** 2).mean(axis=1) * cycles / (cycles - 1) * (shares**2).sum()
    total = np.maximum(_mean_beside(np.abs(mean) ** 2, BESIDE), 1e-300)
    shrunk = np.zeros((len(mean), mean.shape[1] + 1), mean.dtype)
    np.multiply(mean, np.maximum(0, 1 - NOISE * _mean_beside(noise, NOISE_BESIDE) / total), out=shrunk[:, 1:])
    return np.asarray(np.fft.irfft(shrunk, season, axis=1))


def _mean_beside(values: Array, width: int) -> Array:
    """The mean of each of some values (N, n) and of those on either side of it, again backwards behind the ends."""
    last = values.shape[1] - 1
    width = min(width, last // 2)
    # backwards behind the ends; `np.pad` would take longer than all that follows
    beside = values[:, last - np.abs(last - np.abs(np.arange(-width, last + width + 1)))]
    sums = np.zeros((len(values), beside.shape[1] + 1))
    np.cumsum(beside, axis=1, out=sums[:, 1:])
    return np.asarray((sums[:, 2 * width + 1 :] - sums[:, : -2 * width - 1]) / (2 * width + 1))


def detrended(x: Array, season: int, cycles: int) -> Array:
    """The last seasons, each without the line through it, shape (N, K, m)."""
    folded = x[:, -cycles * season :].reshape(len(x), cycles, season)
    return np.asarray(folded - _lines(folded))


def factors(x: Array, season: int) -> Array:
    """The pattern over the level, of mean 1, for rows above 0, shape (N, m)."""
    cycles = min(x.shape[1] // season, CYCLES)
    if season < 2 or cycles < 2:
        return np.ones((len(x), 1))
    folded = x[:, -cycles * season :].reshape(len(x), cycles, season)
    line = np.maximum(_lines(folded), 0.1 * folded.mean(axis=2, keepdims=True))
    ratios = (folded / line).reshape(len(x), -1)
    found = 1 + pattern(ratios, season, USUAL)
    return np.asarray(np.clip(found, 0.02, None))


def _lines(folded: Array) -> Array:
    """The mean of each season, and a line through it with the slope between the seasons beside it; (N, K, m)."""
    mean, season = folded.mean(axis=2), folded.shape[2]
    slope = np.gradient(mean, axis=1) / season
    return np.asarray(mean[:, :, None] + slope[:, :, None] * (np.arange(season) - (season - 1) / 2))


def _at(found: Array, rows: Rows) -> Array:
    """A pattern (N, m) at rows counted from the first coming one, shape (N, rows)."""
    return np.asarray(found[:, rows % found.shape[1]])


def _by_logarithms(x: Array, seasons: tuple[int, ...], horizon: int) -> Array:
    """Levels of the logarithms of rows above 0 without both seasons, as values, shape (N, H, K)."""
    logs, past, coming = np.log(x), np.arange(-x.shape[1], 0), np.arange(horizon)
    short, _, long = _patterns(logs, seasons)
    made = levels(logs - _at(short, past) - _at(long, past), horizon, BY_LOGARITHMS)
    made += (_at(short, coming) + _at(long, coming))[:, :, None]
    low, high = logs.min(axis=1)[:, None, None], logs.max(axis=1)[:, None, None]
    return np.asarray(np.exp(np.clip(made, low - (high - low), high + BEYOND * np.minimum(high - low, 1))))


def _medians(x: Array, seasons: tuple[int, ...], horizon: int) -> Array:
    """Medians of a few and of many last rows, and of the same place in the last short seasons, shape (N, H, 3)."""
    season = seasons[0] if seasons and 2 * seasons[0] <= x.shape[1] else 1
    cycles = min(x.shape[1] // season, MEDIAN_CYCLES)
    place = np.median(x[:, -cycles * season :].reshape(len(x), cycles, season), axis=1)
    one = [np.repeat(np.median(x[:, -rows:], axis=1)[:, None], horizon, axis=1) for rows in (FEW, MANY)]
    return np.stack([*one, _at(place, np.arange(horizon))], axis=1).transpose(0, 2, 1)


def _seasons_ago(x: Array, seasons: tuple[int, ...], horizon: int) -> Array:
    """The values one short season ago, one long season ago, and the mean of three short ones, shape (N, H, 3)."""
    short, long = _cycle(x, seasons[0] if seasons else 1), _cycle(x, seasons[-1] if seasons else 1)
    season, coming = short.shape[1], np.arange(horizon)
    whole = min(3, x.shape[1] // season)
    mean = x[:, -whole * season :].reshape(len(x), whole, season).mean(axis=1)
    return np.stack([_at(part, coming) for part in (short, long, mean)], axis=1).transpose(0, 2, 1)


def _cycle(x: Array, season: int) -> Array:
    """The last season of each window; the last value where the window holds none, shape (N, m)."""
    return x[:, -season:] if season <= x.shape[1] else x[:, -1:]
