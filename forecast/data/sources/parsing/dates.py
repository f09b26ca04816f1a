"""From cells to dates: in every order and form, decided from the whole column.

In: a column of text. Out: its dates, the form in which they were written, and whether another reading was possible.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecast.data.sources.parsing.date_formats import (
    COMPACT,
    ENOUGH,
    FEW,
    FORMS,
    ORDERS,
    SAMPLE,
    Stamps,
    matches,
    readings,
    sample_of,
)
from forecast.errors import ConfigError

# Units of a count of time since 1970, and the numbers that the years from 1971 to 2128 have in them.
EPOCHS = {"s": (3e7, 5e9), "ms": (1e11, 5e12), "us": (1e14, 5e15), "ns": (1e17, 5e18)}
# From when to when; the beginning names the row.
SPAN = r"^\s*(.*\d)\s+(?:-|–|to)\s+.*\d.*$"
# How much longer the span of another reading must be for it to be no doubt, and in how many rows: 08.03.21 to
# 26.03.21 are days of a month.
FAR, ENOUGH_ROWS = 20, 5


@dataclass(frozen=True, eq=False)
class Dates:
    """The dates of a column, shape (R,), not-a-time where a cell is none.

    Attributes:
        form: How they are written, as in `d/m/y`.
        bare: They are whole numbers, which other columns may be as well.
        doubt: Another reading that was possible, as in `m/d/y`; empty where there was none.
    """

    stamps: Stamps
    form: str
    bare: bool = False
    doubt: str = ""

    @property
    def share(self) -> float:
        """Share of the cells that are dates."""
        return float(1 - np.isnat(self.stamps).mean()) if len(self.stamps) else 0.0


def check_order(order: str | None) -> str | None:
    """One of `ORDERS`, or None.

    Raises:
        ConfigError: it is none of them.
    """
    if order is not None and order not in ORDERS:
        raise ConfigError(f"`date_order` must be one of {', '.join(ORDERS)}. Received: {order}.")
    return order


def read_dates(cells: pa.Array, order: str | None = None, enough: float = ENOUGH) -> Dates | None:
    """The dates in a column, text or typed, or None where it holds none.

    Where more than one order of day, month and year fits every cell, that order is taken whose dates run most evenly.

    Args:
        order: `dmy`, `mdy`, `ymd` or `ydm`; None decides from the whole column.
        enough: Share of the cells that must be dates.
    """
    if pa.types.is_temporal(cells.type):
        return Dates(_wall_clock(cells), "typed")
    if pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type):
        cells = pc.cast(cells, pa.string())
    if not pa.types.is_string(cells.type):
        return None
    sample = sample_of(cells)
    if not sample:
        return None
    if order in (None, "ymd") and re.match(r"\d{4}-\d\d-\d\d", sample[0]) and (stamps := _iso(cells)) is not None:
        return Dates(stamps, "ISO 8601")
    bare = [cell for cell in sample if re.fullmatch(r"\d{4,19}(\.\d+)?", cell)]
    if len(bare) >= enough * len(sample):
        return _bare(cells, bare, order, enough)
    best = max(FORMS, key=lambda form: matches(sample, form))
    if matches(sample, best) < enough:
        spans = matches(sample, SPAN) >= enough
        return read_dates(pc.replace_substring_regex(cells, SPAN, r"\1"), order, enough) if spans else None
    likely = "mdy" if any("/" in cell for cell in sample) else "dmy"
    found = sorted(_distinct_readings(cells, best), key=lambda reading: reading[0] != likely)
    if order is None and all(re.search(r"\d\.\s?\d+\.\s?\d", cell) for cell in sample[:FEW]):
        found = [reading for reading in found if reading[0] != "mdy"]  # nobody writes months first with points
    return _choose(found, order)


def _distinct_readings(cells: pa.Array, form: str) -> list[tuple[str, Stamps]]:
    """The readings of a column, each of its dates read once where they repeat."""
    if pc.count_distinct(cells[:SAMPLE]).as_py() > SAMPLE / 2:
        return list(readings(cells, form))
    coded = pc.dictionary_encode(pc.fill_null(cells, ""))
    places = coded.indices.to_numpy(zero_copy_only=False)
    return [(name, stamps[places]) for name, stamps in readings(coded.dictionary, form)]


def _wall_clock(cells: pa.Array) -> Stamps:
    local = pc.local_timestamp(cells) if getattr(cells.type, "tz", None) else cells
    return np.asarray(pc.cast(local, pa.timestamp("us"), safe=False).to_numpy(zero_copy_only=False), "M8[us]")


def _iso(cells: pa.Array) -> Stamps | None:
    """The fast way for the commonest form, where every cell has it."""
    try:
        return np.asarray(pc.cast(cells, pa.timestamp("us")).to_numpy(zero_copy_only=False), "M8[us]")
    except pa.ArrowInvalid:
        return None


def _bare(cells: pa.Array, sample: list[str], order: str | None, enough: float) -> Dates | None:
    """Dates without separators: compact digits, seconds since 1970, or Excel's count of days."""
    digits = pc.replace_substring_regex(pc.utf8_trim_whitespace(cells), r"\.0+$", "")
    counted = Counter(len(re.sub(r"\.0+$", "", cell)) for cell in sample)
    sizes = {size for size, count in counted.items() if count >= 0.1 * len(sample)}
    if sizes in ({5, 6}, {7, 8}):  # 020117 that lost its zero
        sizes = {max(sizes)}
        digits = pc.utf8_lpad(digits, max(sizes), "0")
    forms = COMPACT.get(max(sizes), ()) if len(sizes) == 1 else ()
    compact = _choose([reading for form in forms for reading in readings(digits, form)], order, bare=True)
    written = pc.sum(pc.match_substring_regex(digits, r"^\d+$")).as_py()
    if compact and max(sizes) >= 8 and np.sum(~np.isnat(compact.stamps)) > 0.95 * written:
        return replace(compact, bare=False)  # so many digits are dates by no chance
    likely = [found for found in (compact, _counted(digits)) if found and found.share >= enough]
    return max(likely, key=lambda found: found.share, default=None)


def _counted(digits: pa.Array) -> Dates | None:
    """Seconds, milliseconds, micro- or nanoseconds since 1970, or days since 1899-12-30."""
    numbers = pd.to_numeric(digits.to_pandas(), errors="coerce").to_numpy(np.float64)
    found = numbers[np.isfinite(numbers)]
    units = {unit: (numbers >= low) & (numbers < high) for unit, (low, high) in EPOCHS.items()}
    if len(found) and np.sum(list(units.values())) == len(found):  # of one unit, or of several joined
        factors = np.select(list(units.values()), [1.0, 1e3, 1e6, 1e9], default=np.nan)
        stamps = _from_seconds(numbers / factors)
        chance = np.any((stamps.astype("M8[m]") != stamps) & ~np.isnat(stamps))  # few numbers are whole minutes
        return Dates(
            stamps, f"epoch {', '.join(unit for unit, rows in units.items() if rows.any())}", bare=bool(chance)
        )
    if len(found) and found.min() > 10_000 and found.max() < 80_000:
        return Dates(_from_seconds(np.round((numbers - 25_569) * 86_400)), "Excel days", bare=True)
    return None


def _from_seconds(numbers: NDArray[np.float64]) -> Stamps:
    stamps = pd.to_datetime(pd.Series(numbers), unit="s").dt.round("us")
    return np.asarray(stamps.to_numpy(), "M8[us]")


def _choose(found: list[tuple[str, Stamps]], order: str | None, bare: bool = False) -> Dates | None:
    """The reading that fits most cells; among those that fit equally, the one whose dates run most evenly."""
    allowed = [reading for reading in found if order in (None, reading[0]) or reading[0] not in ORDERS]
    fits = [int(np.sum(~np.isnat(stamps))) for _, stamps in allowed]
    best = [reading for reading, fit in zip(allowed, fits, strict=True) if fit == max(fits) > 0]
    best = [reading for reading in best if reading[0] != "ydm"] or best
    if not best:
        return None
    ranked = {name: (stamps, unevenness(stamps)) for name, stamps in best}
    least = min(ranked.values(), key=lambda entry: entry[1])[1]
    even = [
        name
        for name, (_, rank) in ranked.items()
        if rank.back <= least.back + 0.02 and rank.spread <= least.spread * 1.25 + 0.1
    ]
    name = min(even, key=lambda name: ranked[name][1].step)
    stamps, rank = ranked[name]
    far = FAR * rank.span if len(stamps) >= ENOUGH_ROWS else np.inf
    doubts = [
        other
        for other, (rival, its) in ranked.items()
        if its.back <= rank.back + 0.02 and its.span < far and not _same(rival, stamps)
    ]
    return Dates(stamps, name, bare, doubt=doubts[0] if doubts else "")


def _same(stamps: Stamps, others: Stamps) -> bool:
    return np.array_equal(stamps.astype(np.int64), others.astype(np.int64))


class Unevenness(NamedTuple):
    """How far dates are from an even grid.

    Attributes:
        back: Share of the steps against the main direction.
        spread: Mean difference of a step from the usual one, as a share of it.
        step: The usual step in days.
        span: Days from the first to the last.
    """

    back: float
    spread: float
    step: float
    span: float


def unevenness(stamps: Stamps) -> Unevenness:
    """How far dates are from an even grid; repeated ones do not count."""
    days = stamps[~np.isnat(stamps)].astype(np.int64) / 86_400e6
    steps = np.diff(days)
    steps = steps[steps != 0]
    if not len(steps):
        return Unevenness(0.0, 0.0, 0.0, 0.0)
    back = min((steps < 0).mean(), (steps > 0).mean())
    usual = float(np.median(np.abs(steps)))
    return Unevenness(float(back), float(np.mean(np.abs(np.abs(steps) - usual)) / usual), usual, float(np.ptp(days)))


def swap_days_and_months(stamps: Stamps) -> Stamps:
    """The dates with day and month swapped wherever both are below 13."""
    months = stamps.astype("M8[M]").astype(np.int64) % 12
    days = (stamps.astype("M8[D]") - stamps.astype("M8[M]")).astype(np.int64)
    swapped = (stamps.astype("M8[Y]").astype("M8[M]") + days % 12).astype("M8[D]") + months
    return np.where(days < 12, swapped.astype("M8[us]"), stamps)


def one_way(stamps: Stamps) -> bool:
    """Whether dates strictly rise, or strictly fall."""
    steps = np.diff(stamps.astype(np.int64))
    return bool((steps > 0).all() or (steps < 0).all())


def repeated(stamps: Stamps) -> float:
    """Share of rows whose date another row has as well."""
    return 0.0 if one_way(stamps) else 1 - pc.count_distinct(pa.array(stamps.astype(np.int64))).as_py() / len(stamps)
