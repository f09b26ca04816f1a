"""Date formats: which fields a cell holds, and the dates for every order that the fields may have.

In: a column of text, and one of `DATE_PATTERNS`. Out: its interpretations, each with a name and its dates.

    "03/04/2020" ── pattern ── fields a=3 b=4 c=2020 ── "dmy" 2020-04-03
                                                     └─ "mdy" 2020-03-04
"""

import datetime
import re
from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecast.data.calendar.sessions import weekday
from forecast.data.sources.parsing.months import read_months

Integers = NDArray[np.int64]
Stamps = NDArray[np.datetime64]

ORDERS = ("ymd", "dmy", "mdy", "ydm")

WEEKDAY_PATTERN = r"^\s*(?:\p{L}+\.?,?\s+)?"
ZONE_PATTERN = (
    r"\s*(?:Z|(?:UTC|GMT)?\s?[+-]\d{1,2}:?(?:\d{2})?|[A-Z]{3,4}|[A-Z]\p{L}+/\p{L}+(?:_\p{L}+)*)?"
    r"(?:\s?\(.*\)|\[.*\])?\s*$"
)
TIME_PATTERN = (
    r"(?:(?:\s*[T,_-]\s*|\s+|:)(?P<H>\d{1,2})(?:[:.h]?(?P<M>\d{2}))?(?:[:.](?P<S>\d{2}))?(?:[.,](?P<f>\d{1,9}))?"
    r"\s*-?(?P<p>[AaPp]\.?\s?[Mm]\.?|上午|下午|오전|오후)?)?"
)
# Groups: y m d where the position decides; a b c where the whole column must; w for the name of a month, q for a
# quarter, k for a week; H M S f p for the time of day.
DATE_PATTERNS = (
    *(
        WEEKDAY_PATTERN + pattern.replace("SEP", r"\s*[-/.\s,年月년월]\s*") + TIME_PATTERN + ZONE_PATTERN
        for pattern in (
            r"(?P<a>\d{1,4})SEP(?P<b>\d{1,2})SEP(?P<c>\d{1,4})[日일.]?",
            r"(?P<a>\d{1,4})(?:st|nd|rd|th|er|º)?[-/.\s,]*(?:de\s)?(?P<w>\p{L}{3,}?)\.?,?[-/\s']*(?:de\s)?(?P<c>\d{2,4})",
            r"(?P<w>\p{L}{3,})\.?[-/\s]*(?P<a>\d{1,2})(?:st|nd|rd|th)?\s*[,\-/\s]\s*(?P<c>\d{2,4})",
        )
    ),
    r"^\s*(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})[T\s_-]+(?P<H>\d{2}):?(?P<M>\d{2}):?(?P<S>\d{2})?(?:\.(?P<f>\d{1,9}))?"
    + ZONE_PATTERN,
    r"^\s*(?P<w>\p{L}{3,})\.?[-/\s,']*(?P<y>\d{2}|\d{4})\s*$",
    r"^\s*(?P<y>\d{4})[-/\s]*(?P<w>\p{L}{3,})\.?\s*$",
    r"^\s*(?P<y>\d{4})\s*(?:[-/:M\s]|年|년)\s*(?P<m>\d{1,2})[月월]?\s*$",
    r"^\s*(?P<m>\d{1,2})[-/.](?P<y>\d{4})\s*$",
    r"^\s*(?P<y>\d{4})[-/\s:.]*[Qq](?P<q>[1-4])\s*$",
    r"^\s*[Qq](?P<q>[1-4])[-/\s']*(?P<y>\d{2,4})\s*$",
    r"^\s*(?P<q>[1-4])[Qq][-/\s']*(?P<y>\d{2,4})\s*$",
    r"^\s*(?P<y>\d{4})-?W(?P<k>\d{2})\s*$",
)
# Dates without separators, by number of digits; any whole number may look like one.
COMPACT = {
    4: (r"^(?P<y>\d{4})$",),
    6: (r"^(?P<y>\d{4})(?P<m>\d{2})$", r"^(?P<a>\d{2})(?P<b>\d{2})(?P<c>\d{2})$"),
    8: (r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})$", r"^(?P<a>\d{2})(?P<b>\d{2})(?P<c>\d{4})$"),
    10: (r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<H>\d{2})$",),
    12: (r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<H>\d{2})(?P<M>\d{2})$",),
    14: (r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2})$",),
}
# A column holds dates if this share of its filled cells are dates.
MIN_SHARE = 0.6
# Cells that a sample holds, and cells of the sample that are matched with each pattern.
SAMPLE, FEW = 500, 60
# The first whole year that fits pandas' nanoseconds.
FIRST_YEAR = 1678


def sample_cells(cells: pa.Array) -> list[str]:
    """Take filled cells that are spread over the column."""
    step = max(1, len(cells) // SAMPLE)
    return [cell.strip() for cell in cells[::step].to_pylist() if cell and cell.strip()]


def share_matching(sample: list[str], pattern: str) -> float:
    """Share of a few cells of a sample that match a pattern."""
    few = sample[:: max(1, len(sample) // FEW)]
    return sum(_compiled(pattern).search(cell) is not None for cell in few) / len(few)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile an Arrow pattern for Python's `re`, which is faster for a few cells."""
    return re.compile(pattern.replace(r"\p{L}", r"[^\W\d_]"))


def interpret(cells: pa.Array, pattern: str) -> Iterator[tuple[str, Stamps]]:
    """Yield every order that the fields of a pattern may have, with the dates that it gives."""
    fields = _extract_fields(cells, pattern)
    time = _time_of_day(fields)
    for name, dates in _orders(fields):
        yield name, dates + time


def _extract_fields(cells: pa.Array, pattern: str) -> dict[str, pa.Array]:
    """The groups of a pattern in each cell, empty if the cell does not match."""
    if (fields := _slice_fields(cells, pattern)) is not None:
        return fields
    found = pc.extract_regex(cells, pattern)
    return {field.name: pc.struct_field(found, [field.name]) for field in found.type}


def _slice_fields(cells: pa.Array, pattern: str) -> dict[str, pa.Array] | None:
    """Extract by position, five times as fast, if all cells equal the first one but for their digits."""
    found = _compiled(pattern).match(cells[0].as_py() or "") if len(cells) else None
    if found is None or cells.null_count or pc.count_distinct(pc.utf8_length(cells)).as_py() > 1:
        return None
    first, digits = found.string, {at for name in found.re.groupindex for at in range(*found.span(name))}
    fields = {name: pc.utf8_slice_codeunits(cells, *found.span(name)) for name in found.re.groupindex if found[name]}
    if not all(pc.all(pc.ascii_is_decimal(field)).as_py() for field in fields.values()):
        return None
    rest = _stretches_without(digits, len(first))
    alike = (pc.equal(pc.utf8_slice_codeunits(cells, *span), first[slice(*span)]) for span in rest)
    return fields if all(pc.all(same).as_py() for same in alike) else None


def _stretches_without(taken: set[int], length: int) -> list[tuple[int, int]]:
    """The stretches of positions that are not taken, as start and stop."""
    edges = np.flatnonzero(np.diff([0, *(at not in taken for at in range(length)), 0]))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _to_integers(field: pa.Array) -> Integers:
    """Cast a field to integers, -1 in empty cells."""
    filled = pc.if_else(pc.equal(pc.fill_null(field, ""), ""), "-1", field)
    return np.asarray(pc.cast(filled, pa.int64()).to_numpy(zero_copy_only=False), np.int64)


def _orders(fields: Mapping[str, pa.Array]) -> Iterator[tuple[str, Stamps]]:
    """Yield the name and the dates of each possible order of the fields."""
    numbers = {name: _to_integers(field) for name, field in fields.items() if name in "yabcmdqk"}
    ones = np.ones(len(next(iter(numbers.values()))), np.int64)
    if "k" in numbers:
        yield "year-week", _iso_mondays(numbers["y"], numbers["k"])
    elif "q" in numbers:
        yield "year-quarter", _to_dates(numbers["y"], np.where(numbers["q"] > 0, 3 * numbers["q"] - 2, -1), ones)
    elif "w" in fields:
        month = _month_numbers(fields["w"])
        if "y" in numbers:
            yield "month year", _to_dates(numbers["y"], month, ones)
        elif numbers["a"].max(initial=0) <= 31:
            yield "day month year", _to_dates(numbers["c"], month, numbers["a"])
        else:
            yield "year month day", _to_dates(numbers["a"], month, numbers["c"])
    elif "b" in numbers:
        yield from _numeric_orders(numbers["a"], numbers["b"], numbers["c"])
    else:
        yield "ymd", _to_dates(numbers["y"], numbers.get("m", ones), numbers.get("d", ones))


def _numeric_orders(a: Integers, b: Integers, c: Integers) -> Iterator[tuple[str, Stamps]]:
    """Yield the possible orders of three numbers; a first number above 31 is the year."""
    years = a > 31
    for order in ("ymd", "ydm") if years[a >= 0].all() else ORDERS:
        if not (c.max(initial=0) > 31 and order[0] == "y" and not years.any()):
            part = dict(zip(order, (a, b, c), strict=True))
            mixed = years & (order[0] != "y")
            yield (
                order,
                _to_dates(np.where(mixed, a, part["y"]), np.where(mixed, b, part["m"]), np.where(mixed, c, part["d"])),
            )


def _month_numbers(field: pa.Array) -> Integers:
    coded = pc.dictionary_encode(pc.fill_null(field, ""))
    words = coded.dictionary.to_pylist()
    months = read_months([word for word in words if word]) or {}
    table = np.array([months.get(word, -1) for word in words], np.int64)
    return np.asarray(table[coded.indices.to_numpy(zero_copy_only=False)])


def _iso_mondays(years: Integers, weeks: Integers) -> Stamps:
    """The Mondays of ISO 8601 weeks; week 1 holds 4 January."""
    fourth = _to_dates(years, np.ones_like(years), np.full_like(years, 4)).astype("M8[D]")
    return np.asarray((fourth - weekday(fourth) + 7 * (weeks - 1)).astype("M8[us]"))


def _to_dates(years: Integers, months: Integers, days: Integers) -> Stamps:
    """Join years, months and days; not-a-time where there is no such day."""
    years = _full_years(years)
    good = (years >= FIRST_YEAR) & (years < 2500) & (months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)
    starts = ((np.where(good, years, 1970) - 1970) * 12 + np.where(good, months, 1) - 1).astype("M8[M]")
    dates = starts.astype("M8[D]") + (np.where(good, days, 1) - 1)
    return np.where(good & (dates.astype("M8[M]") == starts), dates, np.datetime64("NaT")).astype("M8[us]")


def _full_years(years: Integers) -> Integers:
    """Complete years: two digits mean at most one year from now, three count from 1911 (Taiwan)."""
    ahead = datetime.date.today().year % 100 + 1
    two = np.where(years <= ahead, years + 2000, years + 1900)
    return np.where((years >= 0) & (years < 100), two, np.where((years > 99) & (years < 200), years + 1911, years))


def _time_of_day(fields: Mapping[str, pa.Array]) -> NDArray[np.timedelta64]:
    """The time of day in the fields; zero if they hold none."""
    if "H" not in fields:
        return np.array(0, "m8[us]")
    zeros = np.zeros(len(fields["H"]), np.int64)
    hours, minutes, seconds = (np.maximum(_to_integers(fields[name]), 0) if name in fields else zeros for name in "HMS")
    if "p" in fields:
        half = pc.fill_null(fields["p"], "")
        late = np.asarray(pc.match_substring_regex(half, r"^[Pp]|下午|오후").to_numpy(zero_copy_only=False))
        has_half = np.asarray(pc.not_equal(half, "").to_numpy(zero_copy_only=False))
        hours = np.where(has_half, hours % 12 + 12 * late, hours)
    micros = zeros
    if "f" in fields:
        micros = np.maximum(_to_integers(pc.utf8_slice_codeunits(pc.utf8_rpad(fields["f"], 6, "0"), 0, 6)), 0)
    total: NDArray[np.timedelta64] = (((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros).astype("m8[us]")
    return total


def read_times(cells: pa.Array) -> NDArray[np.timedelta64] | None:
    """Read a column of times of day, such as `09:30`, `9:30 PM`, `093000` or the hour; None if it holds none."""
    text = pc.replace_substring_regex(
        pc.utf8_trim_whitespace(pc.cast(cells, pa.string())), r"^(.+:\d\d)\s*[-–].*$", r"\1"
    )
    sample = sample_cells(text)
    if sample and all(cell.isdecimal() and len(cell) <= 6 for cell in sample):
        text = _insert_colons(text, max(map(len, sample)))
    spaced = pc.binary_join_element_wise(" ", pc.fill_null(text, ""), "")
    if not sample or share_matching(sample_cells(text), r"^\d{1,2}[:.h]\d{1,2}") < MIN_SHARE:
        return None
    return _time_of_day(_extract_fields(spaced, "^" + TIME_PATTERN + ZONE_PATTERN))


def _insert_colons(digits: pa.Array, longest: int) -> pa.Array:
    """Write `93000`, `930` and `9`, in columns of up to 6, 4 and 2 digits, as `09:30:00`, `09:30` and `9:00`."""
    if longest <= 2:
        return pc.binary_join_element_wise(digits, "00", ":")
    parts = r"(\d\d)" * (3 if longest > 4 else 2)
    padded = pc.utf8_lpad(digits, 6 if longest > 4 else 4, "0")
    return pc.replace_substring_regex(padded, f"^{parts}$", r"\1:\2:\3" if longest > 4 else r"\1:\2")


def dates_from_parts(parts: Mapping[str, Integers]) -> Stamps:
    """Join year, month, day, hour and minute from columns of their own."""
    ones = np.ones_like(parts["year"])
    days = _to_dates(parts["year"], parts["month"], parts.get("day", ones))
    minutes = parts.get("hour", 0 * ones) * 60 + parts.get("minute", 0 * ones)
    return np.asarray(days + (minutes * 60_000_000).astype("m8[us]"))
