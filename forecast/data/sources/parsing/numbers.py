"""From cells to numbers: decimal marks, thousands, currency signs, percent, K and M.

In: columns of text. Out: float64 values, NaN where a cell is empty, and which cells are neither.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecast.data.vocabulary import normal

MISSING = normal(
    "- -- --- – — . .. ... ? * ** *** **** x null (null) none nil na n/a n.a. n.a #n/a #na #n/a! #n/an/a #value! #ref!",
    "#div/0! nan <na> nd n.d. n/d n/v n/e s/d n.v. nv keine k.a. \\n 無 无 ー － … : m missing",
)
FACTORS = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "mn": 1e6, "mio": 1e6, "bn": 1e9, "mrd": 1e9, "万": 1e4, "亿": 1e8}
MONEY = r"(?:[A-Z]{1,3})?[\p{Sc}]|[A-Z]{3}|p|¢|ct|Rs\.?|kr\.?|zł|Kč|Ft|円|元|원"
# Both ways to write a number: with a decimal point (groups of two are Indian), and with a decimal comma.
GRAMMARS = {
    ".": r"^[+-]?(?:\d+|[1-9]\d{0,2}(?:,\d{2,3})*,\d{3})?(?:\.\d*)?(?:[eE][+-]?\d+)?$",
    ",": r"^[+-]?(?:\d+|[1-9]\d{0,2}(?:\.\d{3})+)?(?:,\d*)?(?:[eE][+-]?\d+)?$",
}
# Cells of a column, and of all columns together, by which the decimal mark is found; a few of each in any case.
SAMPLE, MOST, LEAST = 400, 20_000, 25


@dataclass(frozen=True, eq=False)
class Numbers:
    """A column as numbers.

    Attributes:
        values: Shape (R,), NaN where `words` or where the cell is empty.
        words: Shape (R,), true where a cell is neither a number nor empty.
    """

    values: NDArray[np.float64]
    words: NDArray[np.bool_]

    @property
    def share(self) -> float:
        """Share of numbers among the cells that are not empty."""
        numbers = int(np.isfinite(self.values).sum())
        return numbers / max(1, numbers + int(self.words.sum()))


def read_numbers(cells: pa.Array, decimal: str = ".") -> Numbers:
    """The numbers in a column, text or typed.

    Args:
        decimal: The decimal mark, `.` or `,`; the other one separates thousands.
    """
    if not pa.types.is_string(cells.type):
        return _typed(cells)
    if (values := _plain(cells, decimal)) is not None:
        return Numbers(values, np.zeros(len(values), bool))
    text, factors = _bare(cells)
    empty = pc.is_in(pc.utf8_lower(text), pa.array(("", *MISSING)))
    good = pc.and_(pc.match_substring_regex(text, GRAMMARS[decimal]), pc.match_substring_regex(text, r"\d"))
    digits = pc.replace_substring(pc.replace_substring(text, "," if decimal == "." else ".", ""), ",", ".")
    values = pc.cast(pc.if_else(good, digits, None), pa.float64()).to_numpy(zero_copy_only=False)
    return Numbers(
        np.asarray(values * factors), np.asarray(pc.invert(pc.or_(good, empty)).to_numpy(zero_copy_only=False))
    )


def _typed(cells: pa.Array) -> Numbers:
    try:
        values = np.asarray(pc.cast(cells, pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return Numbers(np.full(len(cells), np.nan), np.asarray(pc.is_valid(cells).to_numpy(zero_copy_only=False)))
    return Numbers(np.where(np.isinf(values), np.nan, values), np.isinf(values))


def _plain(cells: pa.Array, decimal: str) -> NDArray[np.float64] | None:
    """The fast way, where every cell is a number without a sign of its own, or empty."""
    if decimal == "." and (values := _cast(cells)) is not None:
        return values
    other = "," if decimal == "." else "."
    if pc.any(pc.match_substring(cells, other)).as_py():
        if not pc.all(pc.match_substring_regex(cells, GRAMMARS[decimal])).as_py():
            return None
        cells = pc.replace_substring(cells, other, "")
    return _cast(pc.replace_substring(cells, ",", "."))


def _cast(cells: pa.Array) -> NDArray[np.float64] | None:
    try:
        values = np.asarray(pc.cast(cells, pa.float64()).to_numpy(zero_copy_only=False))
    except pa.ArrowInvalid:
        return None
    return None if np.isinf(values).any() else values


def _bare(cells: pa.Array) -> tuple[pa.Array, NDArray[np.float64]]:
    """Cells without currency, percent and spaces, and the factors that their last letters stand for."""
    text = pc.replace_substring_regex(pc.fill_null(cells, ""), r"[\s\x{a0}\x{202f}\x{2009}\x{200e}\x{200f}]+", "")
    for _ in range(2):  # 1'234'567: the groups share their neighbours
        text = pc.replace_substring_regex(text, r"(\d)['’](\d{3})", r"\1\2")
    text = pc.replace_substring_regex(text, r"^\((.*)\)$", r"-\1")
    text = pc.replace_substring_regex(text, r"^[−–](.)", r"-\1")
    text = pc.replace_substring_regex(text, rf"^([+-]?)(?:{MONEY})([+-]?[\d.,])", r"\1\2")
    text = pc.replace_substring_regex(text, rf"(\d[.,]?)(?:{MONEY}|%)$", r"\1")
    found = pc.extract_regex(
        text, r"^(?P<number>.*\d[.,]?)(?P<factor>[KkMmBbTt]|[Mm]n|[Mm]io\.?|[Bb]n|[Mm]rd\.?|万|亿)$"
    )
    factor = pc.fill_null(pc.struct_field(found, ["factor"]), "")
    coded = pc.dictionary_encode(pc.utf8_rtrim(pc.utf8_lower(factor), "."))
    table = np.array([FACTORS.get(word, 1.0) for word in coded.dictionary.to_pylist()])
    return pc.coalesce(pc.struct_field(found, ["number"]), text), table[coded.indices.to_numpy(zero_copy_only=False)]


def decimal_mark(columns: Iterable[pa.Array], *, likely: str) -> tuple[str, bool]:
    """The decimal mark of a table, and whether its cells could be read both ways.

    A cell such as `1.234,5` tells; `1,234` alone does not. Where no cell tells, the reading wins in which the columns
    change less from row to row, then `likely` for commas and the decimal point for points.
    """
    texts = [column for column in columns if pa.types.is_string(column.type)]
    size = max(LEAST, min(SAMPLE, MOST // max(1, len(texts))))
    samples = [column[:: max(1, len(column) // size)] for column in texts]
    samples = [sample if _cast(sample) is not None else _bare(sample)[0] for sample in samples]
    votes = _votes(pa.chunked_array(samples, pa.string()))
    if votes["."] != votes[","]:
        return max(votes, key=votes.__getitem__), False
    both = [sample for sample in samples if _in_doubt(sample)]
    rough = {mark: sum(_roughness(read_numbers(sample, mark).values) for sample in both) for mark in GRAMMARS}
    if not math.isclose(rough["."], rough[","], rel_tol=1e-6):
        return min(rough, key=rough.__getitem__), False
    commas = any(pc.any(pc.match_substring(sample, ",")).as_py() for sample in both)
    return likely if commas else ".", bool(both)


def _votes(cells: pa.ChunkedArray) -> dict[str, int]:
    """How many cells are numbers with each decimal mark, and none with the other."""
    point, comma = (pc.match_substring_regex(cells, grammar) for grammar in GRAMMARS.values())
    only = {".": pc.and_not(point, comma), ",": pc.and_not(comma, point)}
    return {mark: int(pc.sum(cells).as_py() or 0) for mark, cells in only.items()}


def _in_doubt(sample: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring_regex(sample, r"^[+-]?[1-9]\d{0,2}[.,]\d{3}$")).as_py())


def _roughness(values: NDArray[np.float64]) -> float:
    """Mean change of size from one number to the next."""
    sizes = np.log(np.abs(values[np.isfinite(values) & (values != 0)]))
    return float(np.mean(np.abs(np.diff(sizes)))) if len(sizes) > 1 else 0.0
