"""From cells to numbers: decimal marks, thousands, currency signs, percent, K and M.

In: columns of text. Out: float64 values, NaN in empty cells, and which cells hold other text.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecast.data.vocabulary import word_set
from forecast.typing import Array

MISSING = word_set(
    "- -- --- – — . .. ... ? * ** *** **** x null (null) none nil na n/a n.a. n.a #n/a #na #n/a! #n/an/a #value! #ref!",
    "#div/0! nan <na> nd n.d. n/d n/v n/e s/d n.v. nv keine k.a. \\n 無 无 ー － … : m missing",
)
FACTORS = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "mn": 1e6, "mio": 1e6, "bn": 1e9, "mrd": 1e9, "万": 1e4, "亿": 1e8}
CURRENCY = r"(?:[A-Z]{1,3})?[\p{Sc}]|[A-Z]{3}|p|¢|ct|Rs\.?|kr\.?|zł|Kč|Ft|円|元|원"
# A number with a decimal point (groups of two digits are Indian), and one with a decimal comma.
NUMBER_PATTERNS = {
    ".": r"^[+-]?(?:\d+|[1-9]\d{0,2}(?:,\d{2,3})*,\d{3})?(?:\.\d*)?(?:[eE][+-]?\d+)?$",
    ",": r"^[+-]?(?:\d+|[1-9]\d{0,2}(?:\.\d{3})+)?(?:,\d*)?(?:[eE][+-]?\d+)?$",
}
# Cells that decide the decimal mark: of a column, of all columns together, and the least of a column.
SAMPLE, MAX_CELLS, MIN_SAMPLE = 400, 20_000, 25


@dataclass(frozen=True, eq=False)
class Numbers:
    """A column as numbers.

    Attributes:
        values: Shape (R,), NaN in all cells without a number.
        is_text: Shape (R,), whether a cell is neither a number nor empty.
    """

    values: Array
    is_text: NDArray[np.bool_]

    @property
    def share(self) -> float:
        """Share of numbers among the filled cells."""
        numbers = int(np.isfinite(self.values).sum())
        return numbers / max(1, numbers + int(self.is_text.sum()))


def read_numbers(cells: pa.Array, decimal: str = ".") -> Numbers:
    """Read a column of numbers, text or typed.

    Args:
        decimal: The decimal mark, `.` or `,`; the other one separates thousands.
    """
    if not pa.types.is_string(cells.type):
        return _read_typed(cells)
    if (values := _read_plain(cells, decimal)) is not None:
        return Numbers(values, np.zeros(len(values), bool))
    text, factors = _strip_units(cells)
    empty = pc.is_in(pc.utf8_lower(text), pa.array(("", *MISSING)))
    good = pc.and_(pc.match_substring_regex(text, NUMBER_PATTERNS[decimal]), pc.match_substring_regex(text, r"\d"))
    digits = pc.replace_substring(pc.replace_substring(text, "," if decimal == "." else ".", ""), ",", ".")
    values = pc.cast(pc.if_else(good, digits, None), pa.float64()).to_numpy(zero_copy_only=False)
    return Numbers(
        np.asarray(values * factors), np.asarray(pc.invert(pc.or_(good, empty)).to_numpy(zero_copy_only=False))
    )


def _read_typed(cells: pa.Array) -> Numbers:
    try:
        values = np.asarray(pc.cast(cells, pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return Numbers(np.full(len(cells), np.nan), np.asarray(pc.is_valid(cells).to_numpy(zero_copy_only=False)))
    return Numbers(np.where(np.isinf(values), np.nan, values), np.isinf(values))


def _read_plain(cells: pa.Array, decimal: str) -> Array | None:
    """Read fast if every cell is empty or a plain number, without a currency or the like; else return None."""
    if decimal == "." and (values := _cast(cells)) is not None:
        return values
    other = "," if decimal == "." else "."
    if pc.any(pc.match_substring(cells, other)).as_py():
        if not pc.all(pc.match_substring_regex(cells, NUMBER_PATTERNS[decimal])).as_py():
            return None
        cells = pc.replace_substring(cells, other, "")
    return _cast(pc.replace_substring(cells, ",", "."))


def _cast(cells: pa.Array) -> Array | None:
    try:
        values = np.asarray(pc.cast(cells, pa.float64()).to_numpy(zero_copy_only=False))
    except pa.ArrowInvalid:
        return None
    return None if np.isinf(values).any() else values


def _strip_units(cells: pa.Array) -> tuple[pa.Array, Array]:
    """Strip currency, percent and spaces from cells; return the rest, and the factors of suffixes such as K and M."""
    text = pc.replace_substring_regex(pc.fill_null(cells, ""), r"[\s\x{a0}\x{202f}\x{2009}\x{200e}\x{200f}]+", "")
    for _ in range(2):  # 1'234'567: neighbouring groups overlap
        text = pc.replace_substring_regex(text, r"(\d)['’](\d{3})", r"\1\2")
    text = pc.replace_substring_regex(text, r"^\((.*)\)$", r"-\1")
    text = pc.replace_substring_regex(text, r"^[−–](.)", r"-\1")
    text = pc.replace_substring_regex(text, rf"^([+-]?)(?:{CURRENCY})([+-]?[\d.,])", r"\1\2")
    text = pc.replace_substring_regex(text, rf"(\d[.,]?)(?:{CURRENCY}|%)$", r"\1")
    found = pc.extract_regex(
        text, r"^(?P<number>.*\d[.,]?)(?P<factor>[KkMmBbTt]|[Mm]n|[Mm]io\.?|[Bb]n|[Mm]rd\.?|万|亿)$"
    )
    factor = pc.fill_null(pc.struct_field(found, ["factor"]), "")
    coded = pc.dictionary_encode(pc.utf8_rtrim(pc.utf8_lower(factor), "."))
    table = np.array([FACTORS.get(word, 1.0) for word in coded.dictionary.to_pylist()])
    return pc.coalesce(pc.struct_field(found, ["number"]), text), table[coded.indices.to_numpy(zero_copy_only=False)]


def find_decimal_mark(columns: Iterable[pa.Array], *, likely: str) -> tuple[str, bool]:
    """Find the decimal mark of a table, and whether it is ambiguous.

    A cell such as `1.234,5` decides; `1,234` alone does not. If no cell decides, the mark wins with which values change
    less from row to row; if that ties, `likely` wins where cells hold commas, else the point.
    """
    texts = [column for column in columns if pa.types.is_string(column.type)]
    size = max(MIN_SAMPLE, min(SAMPLE, MAX_CELLS // max(1, len(texts))))
    samples = [column[:: max(1, len(column) // size)] for column in texts]
    samples = [sample if _cast(sample) is not None else _strip_units(sample)[0] for sample in samples]
    votes = _count_votes(pa.chunked_array(samples, pa.string()))
    if votes["."] != votes[","]:
        return max(votes, key=votes.__getitem__), False
    both = [sample for sample in samples if _has_ambiguous(sample)]
    rough = {mark: sum(_roughness(read_numbers(sample, mark).values) for sample in both) for mark in NUMBER_PATTERNS}
    if not math.isclose(rough["."], rough[","], rel_tol=1e-6):
        return min(rough, key=rough.__getitem__), False
    commas = any(pc.any(pc.match_substring(sample, ",")).as_py() for sample in both)
    return likely if commas else ".", bool(both)


def _count_votes(cells: pa.ChunkedArray) -> dict[str, int]:
    """Count the cells that are numbers with one decimal mark only, by mark."""
    point, comma = (pc.match_substring_regex(cells, pattern) for pattern in NUMBER_PATTERNS.values())
    only = {".": pc.and_not(point, comma), ",": pc.and_not(comma, point)}
    return {mark: int(pc.sum(cells).as_py() or 0) for mark, cells in only.items()}


def _has_ambiguous(sample: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring_regex(sample, r"^[+-]?[1-9]\d{0,2}[.,]\d{3}$")).as_py())


def _roughness(values: Array) -> float:
    """Mean absolute change of the logarithm from one number to the next."""
    sizes = np.log(np.abs(values[np.isfinite(values) & (values != 0)]))
    return float(np.mean(np.abs(np.diff(sizes)))) if len(sizes) > 1 else 0.0
