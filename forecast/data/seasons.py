"""Season lengths: those that the time grid suggests, checked against the values.

In: values on a grid, NaN where a row is missing, and the `TimeGrid`; where rows are only counted, seasons of any length
are looked for. Out: rows in a season, the shortest first; none where the values show none.

A season of m rows stands out in the spectrum, the Fourier transform of the autocorrelation, at the frequencies j/m. At
each the power is compared with the mean power of the frequencies beside it: without a season their ratio follows an F
distribution, whatever the series is otherwise, white noise or a random walk, for its spectrum is smooth. Trends are
taken off by a moving average over one season, which lets these frequencies pass. What the frequencies say is combined
by Fisher's method, and the first three are asked alone as well, for a smooth wave is all in them.

Source: Thomson (1982), Spectrum estimation and harmonic analysis; Fisher (1925), Statistical methods for research
workers.
"""

import numpy as np

from forecast.data.grid import DAY, EVERY_DAY, MONTHS, SECOND, WEEK, TimeGrid
from forecast.metrics.distributions import chi_squared_tail
from forecast.typing import Array, Rows

# A season is found where values without one would show as much in one case of so many.
FALSE_ALARM = 0.005
# It explains at least this share of what the moving average leaves. One that explains half of it is found sooner: two
# or three years say little of what lies beside their wave.
LEAST_SHARE = 0.1
LARGE_SHARE, LARGE_ALARM = 0.5, 0.03
# Seasons that must have passed, of a length that the grid suggests and of any length; how often a row of each phase
# must be known; more than the most are not looked at.
LEAST_NAMED, LEAST_CYCLES, LEAST_KNOWN, MOST_CYCLES = 2, 3, 2.5, 50
# Frequencies on either side with which one is compared, and those of a smooth wave.
BESIDE, SMOOTH = 4, 3
# Where steps are counted: the longest season that is looked for, and how many are, at peaks of the autocorrelation.
LONGEST, PEAKS = 400, 8
# Lags beside a peak are looked at up to this part of it. A part of a season is the season if it explains nearly as
# much; it is one beside it if it explains half as much, and has a few rows and is in it a few times.
NEAR, SAME_SHARE, OWN_SHARE, FEW = 50, 0.8, 0.3, 5
# Steps within a day: an hour, a day and a week are seasons where they hold at least so many.
PERIODS = ((3600 * SECOND, 4), (DAY, 2), (WEEK, 2))


def find_seasons(values: Array, grid: TimeGrid | None = None) -> tuple[int, ...]:
    """Rows in each season that the values show, the shortest first.

    Args:
        values: Shape (T,), one for each row that is due; NaN where it is missing.
        grid: Where its rows are counted, or there is none, all lengths are looked at.
    """
    if grid is None or grid.is_counted:
        return _find_unnamed(values)
    found: tuple[int, ...] = ()
    for season in candidate_seasons(grid):
        if _share(values, season, found, 1):
            found = (*found, season)
    return found


def candidate_seasons(grid: TimeGrid) -> tuple[int, ...]:
    """Rows in the seasons that go with a grid, the shortest first: an hour, a day, a week, a year."""
    if not grid.is_regular or grid.is_counted:
        return ()
    if grid.kind == "months":
        return _whole(12, MONTHS[grid.unit] * grid.count)
    if grid.kind == "weeks":
        return _whole(52, grid.count)
    if grid.kind == "days":
        week = grid.weekdays.count("1")
        return (week, 365) if grid.weekdays == EVERY_DAY else (week,) if week > 1 else ()
    if grid.kind == "bars":
        rows = np.bincount((grid.slots() // DAY).astype(int))
        day, week = int(np.bincount(rows[rows > 0]).argmax()), int(rows.sum())
        return tuple(season for season in dict.fromkeys((day, week)) if season > 1)
    step = int(grid.stride.astype(np.int64))
    return tuple(
        season for period, least in PERIODS for season in _whole(int(period.astype(np.int64)), step) if season >= least
    )


def test_season(values: Array, season: int, shorter: tuple[int, ...] = ()) -> tuple[float, float]:
    """How likely values without a season would show as much of it, and the share of the values that it explains.

    Args:
        values: Shape (T,), NaN where missing.
        season: Rows in it.
        shorter: Seasons that are known; what they explain is left out.
    """
    cycles = min(len(values) // season, MOST_CYCLES)
    values = values[len(values) - cycles * season :]
    known = np.isfinite(values)
    if cycles < LEAST_NAMED or known.sum() < min(LEAST_KNOWN, cycles - 0.5) * season:
        return 1.0, 0.0
    for length in shorter:
        values = values - decompose(values, length)[0]
    pattern, rest = decompose(values, season)
    waves = np.arange(1, season // 2 + 1)
    for length in shorter:
        waves = waves[waves * length % season != 0]
    if not len(waves):
        return 1.0, 0.0
    free = 1 - (1 - known.mean()) * season / known.sum()  # of what lies beside, the pattern has taken the rest
    width = max(1, min(BESIDE, (cycles - 1) // 2))
    beside = _mean_beside(_spectrum(rest), waves * cycles, width) / free
    spectrum = _spectrum(rest + np.where(known, pattern, 0.0))
    power = spectrum[waves * cycles] * np.where(2 * waves == season, 0.5, 1.0)  # the last one has but a cosine
    total = max(float(spectrum[1:].sum()), np.finfo(float).tiny)
    ratios = power / np.maximum(beside, np.finfo(float).eps * total)
    return _chance(-2 * width * np.log1p(ratios / (2 * width))), float((power - beside).sum()) / total


def _chance(logs: Array) -> float:
    """One probability for all waves, from the logarithm of each one's own."""
    together = chi_squared_tail(-2 * float(logs.sum()), freedom=2 * len(logs))
    smooth = len(logs[:SMOOTH]) * float(np.exp(logs[:SMOOTH].min()))
    return min(1.0, 2 * min(together, smooth))


def decompose(values: Array, season: int) -> tuple[Array, Array]:
    """The pattern of a season, and what is left of the values without it and the trend.

    The trend is taken off once more where the pattern is known, which else bends it at holes and at both ends.

    Args:
        values: Shape (T,), NaN where missing; some are known.
        season: Rows in a season.
    Returns:
        The pattern for all rows, 0 for phases that are never known; the rest, 0 where a value is missing; both (T,).
    """
    known, phase = np.isfinite(values), np.arange(len(values)) % season
    count = np.maximum(np.bincount(phase[known], minlength=season), 1)
    pattern, rest = np.zeros(len(values)), values
    for _ in range(2):
        detrended = np.where(known, rest - _moving_average(rest, season), 0.0)
        means = (np.bincount(phase, detrended, season) / count)[phase]
        pattern, rest = pattern + means, rest - means
    return pattern, np.where(known, detrended - means, 0.0)


def _moving_average(values: Array, season: int) -> Array:
    """Over about one season; holes are bridged by straight lines, both ends are continued by reflection."""
    known, rows, half = np.isfinite(values), np.arange(len(values)), min(season // 2, len(values) - 1)
    bridged = np.pad(np.interp(rows, rows[known], values[known]), half, mode="reflect", reflect_type="odd")
    sums = np.concatenate([[0.0], np.cumsum(bridged)])
    width = 2 * half + 1
    return np.asarray((sums[width:] - sums[:-width]) / width)


def _spectrum(values: Array) -> Array:
    return np.asarray(np.abs(np.fft.rfft(values)) ** 2)


def _mean_beside(spectrum: Array, places: Rows, width: int) -> Array:
    """The mean of `width` values on either side of each place; behind the last one they come again, backwards."""
    beside = places[:, None] + np.delete(np.arange(-width, width + 1), width)
    return np.asarray(spectrum[np.where(beside < len(spectrum), beside, 2 * len(spectrum) - 2 - beside)].mean(axis=1))


def _whole(period: int, step: int) -> tuple[int, ...]:
    """The rows in a period, if they are some and it holds a whole number of them."""
    return (period // step,) if period % step == 0 and period > step else ()


def _find_unnamed(values: Array) -> tuple[int, ...]:
    """Seasons of any length: the one that explains most, with one that it is made of or one that it is part of."""
    longest = min(LONGEST, len(values) // LEAST_CYCLES)
    lags, looks = _lags_near_peaks(values, longest), 2 * longest
    shares = {lag: _share(values, lag, (), looks) for lag in lags}
    season = max(shares, key=lambda lag: shares[lag], default=0)
    if not shares.get(season):
        return ()
    parts = {part: _share(values, part, (), looks) for part in _parts(season)}
    same = [part for part, share in parts.items() if share >= SAME_SHARE * shares[season]]
    season = max((part for part in same if part <= same[0] + 2), key=lambda part: parts[part]) if same else season
    own = [part for part in parts if season % part == 0 and part >= FEW <= season // part]
    best = max(own, key=lambda part: parts[part], default=0)
    shorter = (best,) if best and parts[best] >= OWN_SHARE * max(shares.values()) else ()
    longer = [lag for lag in lags if lag > season and lag % season == 0 and _share(values, lag, (season,), looks)]
    return (*shorter, season, *longer[:1])


def _parts(season: int) -> list[int]:
    """The whole numbers nearest to the half, the third and so on, for the season may be off by a row or two."""
    parts = {season // count + more for count in range(2, season // 2 + 1) for more in (0, 1)}
    return sorted(part for part in parts if 2 <= part < season)


def _share(values: Array, season: int, shorter: tuple[int, ...], looks: int) -> float:
    """What a season explains; 0 where chance would show as much in one of so many looks."""
    chance, share = test_season(values, season, shorter)
    alarm = LARGE_ALARM if share >= LARGE_SHARE else FALSE_ALARM
    return share if chance * looks < alarm and share >= LEAST_SHARE else 0.0


def _lags_near_peaks(values: Array, longest: int) -> list[int]:
    """The lags at the highest peaks of the autocorrelation and beside them, in order."""
    if longest < 2:
        return []
    known = np.isfinite(values)
    rest = np.where(known, values - _moving_average(values, longest), 0.0)
    products, pairs = _products(rest)[: longest + 2], _products(known.astype(float))[: longest + 2]
    correlation = products / np.maximum(pairs, 1)
    middle = correlation[1:-1]
    peaks = np.flatnonzero((middle > 0) & (middle >= correlation[:-2]) & (middle >= correlation[2:])) + 1
    highest = peaks[np.argsort(-correlation[peaks], kind="stable")][:PEAKS].tolist()
    beside = {lag for peak in highest for lag in range(peak - 1 - peak // NEAR, peak + 2 + peak // NEAR)}
    return sorted(lag for lag in beside if 2 <= lag <= longest)


def _products(values: Array) -> Array:
    """The sums of the products of values some rows apart, by how many."""
    return np.asarray(np.fft.irfft(np.abs(np.fft.rfft(values, 2 * len(values))) ** 2))
