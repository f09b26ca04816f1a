"""Find the column of a long table that identifies its series, such as securities, shops or stations.

In: named columns of cells, and the dates of the rows. Out: the rows of each series; None for a table of one series.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.data import vocabulary
from forecast.data.sources.parsing.date_formats import Stamps
from forecast.data.sources.parsing.dates import share_repeated
from forecast.data.sources.parsing.numbers import read_numbers
from forecast.typing import Rows

# Above this share of rows with a repeated date, a table holds several series.
MAX_REPEATED = 0.05
# Columns that are tried in pairs.
MAX_PAIRED = 4


@dataclass(frozen=True, eq=False)
class SeriesIds:
    """The K series of R rows.

    Attributes:
        names: Their names, shape (K,).
        codes: The series of each row, as a position in `names`, shape (R,).
    """

    names: tuple[str, ...]
    codes: Rows

    def rows(self) -> dict[str, Rows]:
        """The row numbers of each series with a name, in the order in which series first appear."""
        parts = np.split(np.argsort(self.codes, kind="stable"), np.cumsum(np.bincount(self.codes))[:-1])
        found = [(name, part) for name, part in zip(self.names, parts, strict=True) if name and len(part)]
        return dict(sorted(found, key=lambda entry: int(entry[1][0])))


def find_series_ids(columns: Mapping[str, pa.Array], numeric: Sequence[str], stamps: Stamps) -> SeriesIds | None:
    """Find the series of a long table; None if it holds one.

    Args:
        columns: All columns but the dates.
        numeric: The names of the columns with numbers.
        stamps: The dates of the rows, shape (R,).
    """
    dated = ~np.isnat(stamps)
    if share_repeated(stamps[dated]) <= MAX_REPEATED:
        return _joined_files(columns, numeric)
    days = pc.dictionary_encode(pa.array(stamps[dated].astype(np.int64))).indices.to_numpy().astype(np.int64)
    for ids in _candidates(columns, numeric):
        if pc.count_distinct(pa.array(ids.codes[dated] * (days.max() + 1) + days)).as_py() > 0.98 * len(days):
            return ids
    return None


def _candidates(columns: Mapping[str, pa.Array], numeric: Sequence[str]) -> Iterator[SeriesIds]:
    """Yield single columns, those named as identifiers first, then pairs of the first few."""
    named = [name for name in columns if vocabulary.is_security(name)]
    taken = {*numeric, *named}
    texts = [name for name in columns if name not in taken]
    others = (name for name in numeric if name not in named and _is_label(columns[name]))
    tried = []
    for name in chain(named, texts, others):
        if _varies(columns[name]):
            tried.append(name)
            yield encode(columns[name])
    for first, second in combinations(tried[:MAX_PAIRED], 2):
        yield _combine(encode(columns[first]), encode(columns[second]))


def encode(cells: pa.Array) -> SeriesIds:
    """Encode a column; empty cells have the empty name."""
    coded = pc.dictionary_encode(pc.utf8_trim_whitespace(pc.fill_null(pc.cast(cells, pa.string()), "")))
    return SeriesIds(tuple(coded.dictionary.to_pylist()), coded.indices.to_numpy(zero_copy_only=False).astype(np.int64))


def _combine(first: SeriesIds, second: SeriesIds) -> SeriesIds:
    pairs, codes = np.unique(first.codes * len(second.names) + second.codes, return_inverse=True)
    positions = zip(*np.divmod(pairs, len(second.names)), strict=True)
    return SeriesIds(tuple(f"{first.names[one]}/{second.names[two]}" for one, two in positions), codes.astype(np.int64))


def _joined_files(columns: Mapping[str, pa.Array], numeric: Sequence[str]) -> SeriesIds | None:
    """Find series with hardly a date in common, by the first column of names that repeat often.

    A security whose name or ticker changes over the years is one series if a code of it stays the same.
    """
    if find_rename(columns) is not None:
        return None
    values = set(numeric)
    for name, cells in columns.items():
        if name not in values and vocabulary.is_security(name) and _varies(cells):
            ids = encode(cells)
            return ids if len(ids.names) <= len(cells) / 5 else None
    return None


def find_rename(columns: Mapping[str, pa.Array]) -> tuple[str, str] | None:
    """The column with the code of a single security, and one of names that change beside it; None if there are none."""
    coded = (name for name, cells in columns.items() if vocabulary.is_code(name) and _is_constant(cells))
    code = next(coded, None)
    names = (name for name, cells in columns.items() if vocabulary.is_security(name) and _varies(cells))
    changing = next(names, None)
    return (code, changing) if code and changing else None


def _is_constant(cells: pa.Array) -> bool:
    return bool(not cells.null_count and pc.count_distinct(cells).as_py() == 1)


def _varies(cells: pa.Array) -> bool:
    return bool(1 < pc.count_distinct(cells).as_py() <= max(2, len(cells) / 2))


def _is_label(cells: pa.Array) -> bool:
    """Whether a column of whole numbers may identify shops or stations: few of them, in many rows each."""
    values = read_numbers(cells).values
    whole = bool(np.all(values == np.round(values)))
    return whole and bool(pc.count_distinct(cells).as_py() <= len(cells) / 10)
