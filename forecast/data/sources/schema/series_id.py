"""Which column of a long table tells its securities, shops or stations apart.

In: named columns of cells, and the dates of the rows. Out: the rows of each key, or none where there is one series.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from forecast.data import vocabulary as words
from forecast.data.sources.parsing.date_formats import Stamps
from forecast.data.sources.parsing.dates import repeated
from forecast.data.sources.parsing.numbers import read_numbers

Rows = NDArray[np.int64]

# Share of rows on dates that were there before, above which a column must tell rows apart.
REPEATED = 0.05
# Columns that are tried two by two.
MOST = 4


@dataclass(frozen=True, eq=False)
class Keys:
    """The K keys of R rows.

    Attributes:
        names: Shape (K,).
        codes: Which of them each row has, shape (R,).
    """

    names: tuple[str, ...]
    codes: Rows

    def rows(self) -> dict[str, Rows]:
        """The rows of each key that has a name, in the order in which they first appear."""
        parts = np.split(np.argsort(self.codes, kind="stable"), np.cumsum(np.bincount(self.codes))[:-1])
        found = [(name, part) for name, part in zip(self.names, parts, strict=True) if name and len(part)]
        return dict(sorted(found, key=lambda entry: int(entry[1][0])))


def find_keys(columns: Mapping[str, pa.Array], numeric: Sequence[str], stamps: Stamps) -> Keys | None:
    """The keys of a table of several series one below the other; None where it holds one.

    Args:
        columns: All columns but the dates.
        numeric: Those of them that hold numbers.
        stamps: The dates of the rows, shape (R,).
    """
    dated = ~np.isnat(stamps)
    if repeated(stamps[dated]) <= REPEATED:
        return _joined_files(columns, numeric)
    days = pc.dictionary_encode(pa.array(stamps[dated].astype(np.int64))).indices.to_numpy().astype(np.int64)
    for keys in _candidates(columns, numeric):
        if pc.count_distinct(pa.array(keys.codes[dated] * (days.max() + 1) + days)).as_py() > 0.98 * len(days):
            return keys
    return None


def _candidates(columns: Mapping[str, pa.Array], numeric: Sequence[str]) -> Iterator[Keys]:
    """Each column that could be one alone, those with a telling name first; then the first few two by two."""
    named = [name for name in columns if words.is_security(name)]
    texts = [name for name in columns if name not in numeric and name not in named]
    others = (name for name in numeric if name not in named and _is_label(columns[name]))
    able = []
    for name in chain(named, texts, others):
        if _varies(columns[name]):
            able.append(name)
            yield encode(columns[name])
    for first, second in combinations(able[:MOST], 2):
        yield _both(encode(columns[first]), encode(columns[second]))


def encode(cells: pa.Array) -> Keys:
    """A column as keys; an empty cell has the empty name."""
    coded = pc.dictionary_encode(pc.utf8_trim_whitespace(pc.fill_null(pc.cast(cells, pa.string()), "")))
    return Keys(tuple(coded.dictionary.to_pylist()), coded.indices.to_numpy(zero_copy_only=False).astype(np.int64))


def _both(first: Keys, second: Keys) -> Keys:
    pairs, codes = np.unique(first.codes * len(second.names) + second.codes, return_inverse=True)
    places = zip(*np.divmod(pairs, len(second.names)), strict=True)
    return Keys(tuple(f"{first.names[one]}/{second.names[two]}" for one, two in places), codes.astype(np.int64))


def _joined_files(columns: Mapping[str, pa.Array], numeric: Sequence[str]) -> Keys | None:
    """Securities with hardly a date in common: the first column of names that tells several apart, many rows each."""
    for name, cells in columns.items():
        if name not in numeric and words.is_security(name) and _varies(cells):
            keys = encode(cells)
            return keys if len(keys.names) <= len(cells) / 5 else None
    return None


def _varies(cells: pa.Array) -> bool:
    return bool(1 < pc.count_distinct(cells).as_py() <= max(2, len(cells) / 2))


def _is_label(cells: pa.Array) -> bool:
    """Whether whole numbers may be the numbers of shops or stations: few of them, each in many rows."""
    values = read_numbers(cells).values
    whole = bool(np.all(values == np.round(values)))
    return whole and bool(pc.count_distinct(cells).as_py() <= len(cells) / 10)
