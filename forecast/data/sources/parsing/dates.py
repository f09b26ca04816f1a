"""From cells to dates, in any order and format, decided from the whole column.

In: a column of text. Out: its dates, their format, and whether another format was possible.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecast.data.sources.parsing.date_formats import (
    COMPACT,
    DATE_PATTERNS,
    FEW,
    MIN_SHARE,
    ORDERS,
    SAMPLE,
    Stamps,
    interpret,
    sample_cells,
    share_matching,
)
from forecast.errors import ConfigError
from forecast.typing import Array

# Units of a time since 1970, and the range of numbers for the years 1971 to 2128.
EPOCHS = {"s": (3e7, 5e9), "ms": (1e11, 5e12), "us": (1e14, 5e15), "ns": (1e17, 5e18)}
# A span of dates; the first one dates the row.
SPAN_PATTERN = r"^\s*(.*\d)\s+(?:-|–|to)\s+.*\d.*$"
# Another interpretation is no alternative if its span is so many times longer, given so many rows: 08.03.21 to 26.03.21
# are days of one month.
FAR, MIN_ROWS = 20, 5
# Plain numbers are dates if at most so many steps run back, and at least so many are about as long as the usual one.
MOST_BACK, ALIKE, MOST_ALIKE, YEARS_ALIKE = 0.05, 0.15, 0.5, 0.8
# How the format of rows without dates begins.
COUNTED = "none: "


@dataclass(frozen=True, eq=False)
class Dates:
    """A column of dates.

    Attributes:
        stamps: Shape (R,), not-a-time in cells without a date; of rows that are only counted, `timedelta64`.
        format: How they are written, such as `dmy`.
        is_numeric: Whether the cells are plain numbers, and so may be something else.
        alternative: Another format that fits as well, such as `mdy`; empty if there is none.
    """

    stamps: Stamps
    format: str
    is_numeric: bool = False
    alternative: str = ""

    @property
    def is_counted(self) -> bool:
        """Whether rows are only counted, and have no dates."""
        return self.stamps.dtype.kind == "m"

    @property
    def share(self) -> float:
        """Share of the cells that are dates."""
        return float(1 - np.isnat(self.stamps).mean()) if len(self.stamps) else 0.0


class Unevenness(NamedTuple):
    """How unevenly dates are spaced.

    Attributes:
        back: Share of the steps against the main direction.
        spread: Mean absolute deviation of the steps from the median step, as a share of it.
        step: The median step in days.
        span: Days from the earliest to the latest date.
    """

    back: float
    spread: float
    step: float
    span: float


def check_order(order: str | None) -> str | None:
    """Check that an order is None or one of `ORDERS`, and return it.

    Raises:
        ConfigError: it is neither.
    """
    if order is not None and order not in ORDERS:
        raise ConfigError(f"`date_order` must be one of {', '.join(ORDERS)}. Received: {order}.")
    return order


def read_dates(cells: pa.Array, order: str | None = None, min_share: float = MIN_SHARE) -> Dates | None:
    """Read a column of dates, text or typed; None if it holds none.

    If several orders of day, month and year fit equally many cells, the one with the most evenly spaced dates wins.

    Args:
        order: `dmy`, `mdy`, `ymd` or `ydm`; None decides from the whole column.
        min_share: Share of the cells that must be dates.
    """
    if pa.types.is_temporal(cells.type):
        return Dates(_wall_clock(cells), "typed")
    if pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type):
        cells = pc.cast(cells, pa.string())
    if not pa.types.is_string(cells.type):
        return None
    sample = sample_cells(cells)
    if not sample:
        return None
    if order in (None, "ymd") and re.match(r"\d{4}-\d\d-\d\d", sample[0]) and (stamps := _read_iso(cells)) is not None:
        return Dates(stamps, "ISO 8601")
    numeric = [cell for cell in sample if re.fullmatch(r"\d{4,19}(\.\d+)?", cell)]
    if len(numeric) >= min_share * len(sample):
        return _read_numeric(cells, numeric, order, min_share)
    pattern = max(DATE_PATTERNS, key=lambda pattern: share_matching(sample, pattern))
    if share_matching(sample, pattern) < min_share:
        if share_matching(sample, SPAN_PATTERN) < min_share:
            return None
        return read_dates(pc.replace_substring_regex(cells, SPAN_PATTERN, r"\1"), order, min_share)
    likely = "mdy" if any("/" in cell for cell in sample) else "dmy"
    found = sorted(_interpret_distinct(cells, pattern), key=lambda interpretation: interpretation[0] != likely)
    if order is None and all(re.search(r"\d\.\s?\d+\.\s?\d", cell) for cell in sample[:FEW]):
        found = [interpretation for interpretation in found if interpretation[0] != "mdy"]  # never written with points
    return _choose(found, order)


def _interpret_distinct(cells: pa.Array, pattern: str) -> list[tuple[str, Stamps]]:
    """Interpret a column; if dates repeat, each distinct one once."""
    if pc.count_distinct(cells[:SAMPLE]).as_py() > SAMPLE / 2:
        return list(interpret(cells, pattern))
    coded = pc.dictionary_encode(pc.fill_null(cells, ""))
    codes = coded.indices.to_numpy(zero_copy_only=False)
    return [(name, stamps[codes]) for name, stamps in interpret(coded.dictionary, pattern)]


def _wall_clock(cells: pa.Array) -> Stamps:
    local = pc.local_timestamp(cells) if getattr(cells.type, "tz", None) else cells
    return np.asarray(pc.cast(local, pa.timestamp("us"), safe=False).to_numpy(zero_copy_only=False), "M8[us]")


def _read_iso(cells: pa.Array) -> Stamps | None:
    """Read fast if every cell has the most common format, ISO 8601; else return None."""
    try:
        return np.asarray(pc.cast(cells, pa.timestamp("us")).to_numpy(zero_copy_only=False), "M8[us]")
    except pa.ArrowInvalid:
        return None


def _read_numeric(cells: pa.Array, sample: list[str], order: str | None, min_share: float) -> Dates | None:
    """Read numbers as dates without separators, times since 1970, or Excel's count of days; None if none fits."""
    digits = pc.replace_substring_regex(pc.utf8_trim_whitespace(cells), r"\.0+$", "")
    counted = Counter(len(re.sub(r"\.0+$", "", cell)) for cell in sample)
    sizes = {size for size, count in counted.items() if count >= 0.1 * len(sample)}
    if sizes in ({5, 6}, {7, 8}):  # 020117 that lost its zero
        sizes = {max(sizes)}
        digits = pc.utf8_lpad(digits, max(sizes), "0")
    patterns = COMPACT.get(max(sizes), ()) if len(sizes) == 1 else ()
    found = [interpretation for pattern in patterns for interpretation in interpret(digits, pattern)]
    compact = _choose(found, order, is_numeric=True)
    written = pc.sum(pc.match_substring_regex(digits, r"^\d+$")).as_py()
    if compact and max(sizes) >= 8 and np.sum(~np.isnat(compact.stamps)) > 0.95 * written:
        return replace(compact, is_numeric=False)  # numbers with so many digits are not dates by chance
    likely = [dates for dates in (compact, _read_counts(digits)) if dates and dates.share >= min_share]
    return max(likely, key=lambda dates: dates.share, default=None)


def _read_counts(digits: pa.Array) -> Dates | None:
    """Read seconds, milli-, micro- or nanoseconds since 1970, or days since 1899-12-30 (Excel)."""
    numbers = pd.to_numeric(digits.to_pandas(), errors="coerce").to_numpy(np.float64)
    found = numbers[np.isfinite(numbers)]
    units = {unit: (numbers >= low) & (numbers < high) for unit, (low, high) in EPOCHS.items()}
    if len(found) and np.sum(list(units.values())) == len(found):  # in one unit, or in several in joined files
        factors = np.select(list(units.values()), [1.0, 1e3, 1e6, 1e9], default=np.nan)
        stamps = _from_seconds(numbers / factors)
        is_uneven = np.any((stamps.astype("M8[m]") != stamps) & ~np.isnat(stamps))  # few numbers are whole minutes
        names = ", ".join(unit for unit, rows in units.items() if rows.any())
        return Dates(stamps, f"epoch {names}", is_numeric=bool(is_uneven))
    if len(found) and found.min() > 10_000 and found.max() < 80_000:
        return Dates(_from_seconds(np.round((numbers - 25_569) * 86_400)), "Excel days", is_numeric=True)
    return None


def _from_seconds(numbers: Array) -> Stamps:
    stamps = pd.to_datetime(pd.Series(numbers), unit="s").dt.round("us")
    return np.asarray(stamps.to_numpy(), "M8[us]")


def _choose(found: list[tuple[str, Stamps]], order: str | None, is_numeric: bool = False) -> Dates | None:
    """Choose the interpretation that fits most cells; of equal ones the one with the most evenly spaced dates."""
    allowed = [(name, stamps) for name, stamps in found if order in (None, name) or name not in ORDERS]
    fits = [int(np.sum(~np.isnat(stamps))) for _, stamps in allowed]
    best = {name: stamps for (name, stamps), fit in zip(allowed, fits, strict=True) if fit == max(fits) > 0}
    if len(best) > 1:
        best.pop("ydm", None)
    if not best:
        return None
    ranks = {name: unevenness(stamps) for name, stamps in best.items()}
    back, spread, *_ = min(ranks.values())
    even = [name for name, rank in ranks.items() if rank.back <= back + 0.02 and rank.spread <= spread * 1.25 + 0.1]
    name = min(even, key=lambda name: ranks[name].step)
    return Dates(best[name], name, is_numeric, _find_alternative(name, best, ranks))


def _find_alternative(name: str, best: Mapping[str, Stamps], ranks: Mapping[str, Unevenness]) -> str:
    """Another interpretation with other dates that are about as even; empty if there is none."""
    stamps, rank = best[name], ranks[name]
    far = FAR * rank.span if len(stamps) >= MIN_ROWS else np.inf
    others = (
        other
        for other, rival in best.items()
        if ranks[other].back <= rank.back + 0.02
        and ranks[other].span < far
        and not np.array_equal(rival, stamps, equal_nan=True)
    )
    return next(others, "")


def count_dates(counts: Array) -> Stamps:
    """Whole numbers in place of dates: spans of one microsecond a step, not-a-time where a number is missing."""
    known = np.isfinite(counts)
    spans = np.where(known, counts, 0).astype(np.int64).astype("m8[us]")
    return np.where(known, spans, np.timedelta64("NaT", "us"))


def may_be_dates(dates: Dates) -> bool:
    """Whether plain numbers are dates by how they run on: one way and, unless they are times, mostly in equal steps.

    Those of years are nearly all equal.
    """
    if unevenness(dates.stamps).back > MOST_BACK:
        return False
    stamps = dates.stamps[~np.isnat(dates.stamps)]
    steps = np.abs(np.diff(stamps.astype(np.int64)))
    steps = steps[steps > 0]
    if dates.format.startswith("epoch") or not len(steps):
        return True
    usual = np.median(steps)
    least = YEARS_ALIKE if (stamps.astype("M8[Y]") == stamps).all() else MOST_ALIKE
    return bool(np.mean(np.abs(steps - usual) <= ALIKE * usual) >= least)


def unevenness(stamps: Stamps) -> Unevenness:
    """Measure how unevenly dates are spaced; repeated dates do not count."""
    days = stamps[~np.isnat(stamps)].astype(np.int64) / 86_400e6
    steps = np.diff(days)
    steps = steps[steps != 0]
    if not len(steps):
        return Unevenness(0.0, 0.0, 0.0, 0.0)
    back = min((steps < 0).mean(), (steps > 0).mean())
    usual = float(np.median(np.abs(steps)))
    return Unevenness(float(back), float(np.mean(np.abs(np.abs(steps) - usual)) / usual), usual, float(np.ptp(days)))


def swap_days_and_months(stamps: Stamps) -> Stamps:
    """Swap day and month wherever both are below 13."""
    months = stamps.astype("M8[M]").astype(np.int64) % 12
    days = (stamps.astype("M8[D]") - stamps.astype("M8[M]")).astype(np.int64)
    swapped = (stamps.astype("M8[Y]").astype("M8[M]") + days % 12).astype("M8[D]") + months
    return np.where(days < 12, swapped.astype("M8[us]"), stamps)


def is_monotonic(stamps: Stamps) -> bool:
    """Whether dates strictly increase or strictly decrease."""
    steps = np.diff(stamps.astype(np.int64))
    return bool((steps > 0).all() or (steps < 0).all())


def share_repeated(stamps: Stamps) -> float:
    """Share of rows whose date an earlier row has as well."""
    return (
        0.0 if is_monotonic(stamps) else 1 - pc.count_distinct(pa.array(stamps.astype(np.int64))).as_py() / len(stamps)
    )
