"""How dates are written: fields out of cells, and dates out of fields in every order that they can have.

In: a column of text, and one of `FORMS`. Out: the possible readings, each with a name and its dates.
"""

import datetime
import re
from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecast.data.sources.parsing.months import read_months
from forecast.data.vocabulary import normal

Numbers = NDArray[np.int64]
Stamps = NDArray[np.datetime64]

ORDERS = ("ymd", "dmy", "mdy", "ydm")

WEEKDAY = r"^\s*(?:\p{L}+\.?,?\s+)?"
ZONE = (
    r"\s*(?:Z|(?:UTC|GMT)?\s?[+-]\d{1,2}:?(?:\d{2})?|[A-Z]{3,4}|[A-Z]\p{L}+/\p{L}+(?:_\p{L}+)*)?"
    r"(?:\s?\(.*\)|\[.*\])?\s*$"
)
CLOCK = (
    r"(?:(?:\s*[T,_-]\s*|\s+|:)(?P<H>\d{1,2})(?:[:.h]?(?P<M>\d{2}))?(?:[:.](?P<S>\d{2}))?(?:[.,](?P<f>\d{1,9}))?"
    r"\s*-?(?P<p>[AaPp]\.?\s?[Mm]\.?|上午|下午|오전|오후)?)?"
)
# How dates are written. Groups: y m d where the place tells; a b c where the whole column must; w a month's name.
FORMS = (
    *(
        WEEKDAY + pattern.replace("SEP", r"\s*[-/.\s,年月년월]\s*") + CLOCK + ZONE
        for pattern in (
            r"(?P<a>\d{1,4})SEP(?P<b>\d{1,2})SEP(?P<c>\d{1,4})[日일.]?",
            r"(?P<a>\d{1,4})(?:st|nd|rd|th|er|º)?[-/.\s,]*(?:de\s)?(?P<w>\p{L}{3,}?)\.?,?[-/\s']*(?:de\s)?(?P<c>\d{2,4})",
            r"(?P<w>\p{L}{3,})\.?[-/\s]*(?P<a>\d{1,2})(?:st|nd|rd|th)?\s*[,\-/\s]\s*(?P<c>\d{2,4})",
        )
    ),
    r"^\s*(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})[T\s_-]+(?P<H>\d{2}):?(?P<M>\d{2}):?(?P<S>\d{2})?(?:\.(?P<f>\d{1,9}))?"
    + ZONE,
    r"^\s*(?P<w>\p{L}{3,})\.?[-/\s,']*(?P<y>\d{2}|\d{4})\s*$",
    r"^\s*(?P<y>\d{4})[-/\s]*(?P<w>\p{L}{3,})\.?\s*$",
    r"^\s*(?P<y>\d{4})\s*(?:[-/:M\s]|年|년)\s*(?P<m>\d{1,2})[月월]?\s*$",
    r"^\s*(?P<m>\d{1,2})[-/.](?P<y>\d{4})\s*$",
    r"^\s*(?P<y>\d{4})[-/\s:.]*[Qq](?P<q>[1-4])\s*$",
    r"^\s*[Qq](?P<q>[1-4])[-/\s']*(?P<y>\d{2,4})\s*$",
    r"^\s*(?P<q>[1-4])[Qq][-/\s']*(?P<y>\d{2,4})\s*$",
    r"^\s*(?P<y>\d{4})-?W(?P<k>\d{2})\s*$",
)
# Dates without separators, which any whole number may be: the groups by number of digits.
COMPACT = {
    4: (r"^(?P<y>\d{4})$",),
    6: (r"^(?P<y>\d{4})(?P<m>\d{2})$", r"^(?P<a>\d{2})(?P<b>\d{2})(?P<c>\d{2})$"),
    8: (r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})$", r"^(?P<a>\d{2})(?P<b>\d{2})(?P<c>\d{4})$"),
    10: (r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<H>\d{2})$",),
    12: (r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<H>\d{2})(?P<M>\d{2})$",),
    14: (r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2})$",),
}
# Names of columns that hold a part of a date each.
PARTS = {
    "year": normal("year yyyy yr jahr año ano anno année rok yıl год 年 년 年度"),
    "month": normal("month mm mn mo mon monat mes mês mese mois miesiąc ay месяц 月 월"),
    "day": normal("day dd dy tag día dia giorno jour dzień gün день 日 일"),
    "hour": normal("hour hh hr stunde hora ora heure godzina saat час 时 時 시"),
    "minute": normal("minute min minuto 分"),
}
# Share of the cells that must be dates for a column to be a column of dates, and cells that are looked at first.
ENOUGH = 0.6
SAMPLE, FEW = 500, 60
# The first whole year of pandas' nanoseconds.
FIRST_YEAR = 1678


def sample_of(cells: pa.Array) -> list[str]:
    """Cells that are spread over the column, without empty ones."""
    step = max(1, len(cells) // SAMPLE)
    return [cell.strip() for cell in cells[::step].to_pylist() if cell and cell.strip()]


def matches(sample: list[str], form: str) -> float:
    """Share of a few cells of a sample that have a form."""
    few = sample[:: max(1, len(sample) // FEW)]
    return sum(_compiled(form).search(cell) is not None for cell in few) / len(few)


@cache
def _compiled(form: str) -> re.Pattern[str]:
    """A form for Python's own matcher, which is the quicker one for some cells; the columns go through Arrow's."""
    return re.compile(form.replace(r"\p{L}", r"[^\W\d_]"))


def readings(cells: pa.Array, form: str) -> Iterator[tuple[str, Stamps]]:
    """Every order in which the fields of a form can be read, with the dates that it gives."""
    fields = _fields(cells, form)
    clock = _clock(fields)
    for name, year, month, day in _orders(fields):
        yield name, _assemble(_full_years(year), month, day) + clock


def _fields(cells: pa.Array, form: str) -> dict[str, pa.Array]:
    """The groups of a form in each cell, empty where a cell has another form."""
    if (fields := _sliced(cells, form)) is not None:
        return fields
    found = pc.extract_regex(cells, form)
    return {field.name: pc.struct_field(found, [field.name]) for field in found.type}


def _sliced(cells: pa.Array, form: str) -> dict[str, pa.Array] | None:
    """The fast way, where all cells are as the first one but for their digits: the groups stand in the same places."""
    found = _compiled(form).match(cells[0].as_py() or "") if len(cells) else None
    if found is None or cells.null_count or pc.count_distinct(pc.utf8_length(cells)).as_py() > 1:
        return None
    first, digits = found.string, {place for name in found.re.groupindex for place in range(*found.span(name))}
    fields = {name: pc.utf8_slice_codeunits(cells, *found.span(name)) for name in found.re.groupindex if found[name]}
    alike = (pc.equal(pc.utf8_slice_codeunits(cells, *run), first[slice(*run)]) for run in _runs(digits, len(first)))
    if not all(pc.all(pc.utf8_is_digit(field)).as_py() for field in fields.values()):
        return None
    return fields if all(pc.all(same).as_py() for same in alike) else None


def _runs(taken: set[int], length: int) -> list[tuple[int, int]]:
    """The stretches of places that are not taken, from and to."""
    edges = np.flatnonzero(np.diff([0, *(place not in taken for place in range(length)), 0]))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _whole(field: pa.Array) -> Numbers:
    """A field as numbers, -1 where it is empty."""
    filled = pc.if_else(pc.equal(pc.fill_null(field, ""), ""), "-1", field)
    return np.asarray(pc.cast(filled, pa.int64()).to_numpy(zero_copy_only=False), np.int64)


def _orders(fields: Mapping[str, pa.Array]) -> Iterator[tuple[str, Numbers, Numbers, Numbers]]:
    """The possible roles of the fields: a name of the order, then years, months and days."""
    numbers = {name: _whole(field) for name, field in fields.items() if name in "yabcmdqk"}
    ones = np.ones(len(next(iter(numbers.values()))), np.int64)
    if "k" in numbers:
        yield "year-week", *_weeks(numbers["y"], numbers["k"])
    elif "q" in numbers:
        yield "year-quarter", numbers["y"], np.where(numbers["q"] > 0, 3 * numbers["q"] - 2, -1), ones
    elif "w" in fields:
        month = _named_months(fields["w"])
        if "y" in numbers:
            yield "month year", numbers["y"], month, ones
        else:
            yield from _around_month(numbers["a"], month, numbers["c"])
    elif "b" in numbers:
        yield from _three(numbers["a"], numbers["b"], numbers["c"])
    else:
        yield "ymd", numbers["y"], numbers.get("m", ones), numbers.get("d", ones)


def _around_month(a: Numbers, month: Numbers, c: Numbers) -> Iterator[tuple[str, Numbers, Numbers, Numbers]]:
    if a.max(initial=0) <= 31:
        yield "day month year", c, month, a
    else:
        yield "year month day", a, month, c


def _three(a: Numbers, b: Numbers, c: Numbers) -> Iterator[tuple[str, Numbers, Numbers, Numbers]]:
    """Orders in which three numbers are written; where the first is above 31, it is the year."""
    years = a > 31
    for order in ("ymd", "ydm") if years[a >= 0].all() else ORDERS:
        if not (c.max(initial=0) > 31 and order[0] == "y" and not years.any()):
            place = dict(zip(order, (a, b, c), strict=True))
            mixed = years & (order[0] != "y")
            yield order, np.where(mixed, a, place["y"]), np.where(mixed, b, place["m"]), np.where(mixed, c, place["d"])


def _named_months(field: pa.Array) -> Numbers:
    coded = pc.dictionary_encode(pc.fill_null(field, ""))
    words = coded.dictionary.to_pylist()
    months = read_months([word for word in words if word]) or {}
    table = np.array([months.get(word, -1) for word in words], np.int64)
    return np.asarray(table[coded.indices.to_numpy(zero_copy_only=False)])


def _weeks(years: Numbers, weeks: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """The Mondays of weeks as ISO 8601 counts them."""
    fourth = _assemble(years, np.ones_like(years), np.full_like(years, 4))
    days = fourth.astype("M8[D]")
    monday = days - (days.astype(np.int64) + 3) % 7 + 7 * (weeks - 1)
    months = monday.astype("M8[M]")
    return (
        monday.astype("M8[Y]").astype(np.int64) + 1970,
        months.astype(np.int64) % 12 + 1,
        (monday - months).astype(np.int64) + 1,
    )


def _full_years(years: Numbers) -> Numbers:
    """Four digits: of two, at most one year ahead of today; of three, counted from 1911 (Taiwan)."""
    ahead = datetime.date.today().year % 100 + 1
    two = np.where(years <= ahead, years + 2000, years + 1900)
    return np.where((years >= 0) & (years < 100), two, np.where((years > 99) & (years < 200), years + 1911, years))


def _assemble(years: Numbers, months: Numbers, days: Numbers) -> Stamps:
    """Dates, not-a-time where there is no such day."""
    good = (years >= FIRST_YEAR) & (years < 2500) & (months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)
    starts = ((np.where(good, years, 1970) - 1970) * 12 + np.where(good, months, 1) - 1).astype("M8[M]")
    dates = starts.astype("M8[D]") + (np.where(good, days, 1) - 1)
    return np.where(good & (dates.astype("M8[M]") == starts), dates, np.datetime64("NaT")).astype("M8[us]")


def _clock(fields: Mapping[str, pa.Array]) -> NDArray[np.timedelta64]:
    """The time of day."""
    if "H" not in fields:
        return np.array(0, "m8[us]")
    nothing = np.zeros(len(fields["H"]), np.int64)
    hours, minutes, seconds = (np.maximum(_whole(fields[name]), 0) if name in fields else nothing for name in "HMS")
    if "p" in fields:
        half = pc.fill_null(fields["p"], "")
        late = np.asarray(pc.match_substring_regex(half, r"^[Pp]|下午|오후").to_numpy(zero_copy_only=False))
        said = np.asarray(pc.not_equal(half, "").to_numpy(zero_copy_only=False))
        hours = np.where(said, hours % 12 + 12 * late, hours)
    micros = nothing
    if "f" in fields:
        micros = np.maximum(_whole(pc.utf8_slice_codeunits(pc.utf8_rpad(fields["f"], 6, "0"), 0, 6)), 0)
    total: NDArray[np.timedelta64] = (((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros).astype("m8[us]")
    return total


def read_clock(cells: pa.Array) -> NDArray[np.timedelta64] | None:
    """Times of day in a column of their own, as `09:30`, `9:30 PM`, `093000` or the hour; None where it holds none."""
    text = pc.replace_substring_regex(
        pc.utf8_trim_whitespace(pc.cast(cells, pa.string())), r"^(.+:\d\d)\s*[-–].*$", r"\1"
    )
    sample = sample_of(text)
    if sample and all(cell.isdecimal() and len(cell) <= 6 for cell in sample):
        text = _colons(text, max(map(len, sample)))
    spaced = pc.binary_join_element_wise(" ", pc.fill_null(text, ""), "")
    if not sample or matches(sample_of(text), r"^\d{1,2}[:.h]\d{1,2}") < ENOUGH:
        return None
    return _clock(_fields(spaced, "^" + CLOCK + ZONE))


def _colons(digits: pa.Array, longest: int) -> pa.Array:
    """`93000`, `930` and `9`, of columns with up to six, four and two digits, as `09:30:00`, `09:30` and `9:00`."""
    if longest <= 2:
        return pc.binary_join_element_wise(digits, "00", ":")
    parts = r"(\d\d)" * (3 if longest > 4 else 2)
    padded = pc.utf8_lpad(digits, 6 if longest > 4 else 4, "0")
    return pc.replace_substring_regex(padded, f"^{parts}$", r"\1:\2:\3" if longest > 4 else r"\1:\2")


def from_parts(parts: Mapping[str, Numbers]) -> Stamps:
    """Dates whose year, month, day and hour stand in columns of their own."""
    ones = np.ones_like(parts["year"])
    days = _assemble(_full_years(parts["year"]), parts["month"], parts.get("day", ones))
    clock = (parts.get("hour", 0 * ones) * 60 + parts.get("minute", 0 * ones)) * 60_000_000
    stamps: Stamps = days + clock.astype("m8[us]")
    return stamps
