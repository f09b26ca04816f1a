"""Quality checks: repeated and unsorted dates, and values that look wrong.

In: dates and values in the order of the file. Out: sorted and merged ones, and a `DataIssue` for each problem. No value
is filled in or changed.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from forecast.data.calendar.frequency import Index, iso
from forecast.data.series import MAX_NAMED, DataIssue
from forecast.data.sources.parsing.date_formats import Stamps
from forecast.data.sources.parsing.dates import is_monotonic, share_repeated
from forecast.typing import Array, Flags, Rows

# Equal values in sequence that are a flat run: of any series, and of one with business days.
FLAT, FLAT_BUSINESS_DAYS = 30, 10
# Ratios from one row to the next: the least of a jump, and the least of one that no split ratio need explain.
MIN_JUMP, SURE_JUMP = 1.4, 3.0
# Numbers that weather services and laboratories write for missing values.
MISSING_MARKERS = (-99.0, -99.9, -99.99, -200.0, -999.0, -999.9, -999.99, -9999.0, -99999.0)
# Logarithms of usual split ratios.
SPLITS = np.log([1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100])
# How far the logarithm of a jump may be from that of a split, which is the move of the day.
SPLIT_TOLERANCE = 0.05
# Above this share of jumps, jumps are usual in the series.
MAX_JUMP_SHARE = 0.005


def first_dates(stamps: Stamps) -> tuple[str, ...]:
    """Format the first dates as ISO 8601, or the first counts."""
    return tuple(map(iso, index_of(stamps[:MAX_NAMED])))


def index_of(stamps: Stamps) -> Index:
    """Dates, or counts in place of dates, as the index of a series."""
    return pd.Index(stamps.astype(np.int64)) if stamps.dtype.kind == "m" else pd.DatetimeIndex(stamps)


def issue_at(kind: str, stamps: Stamps, action: str, *, repaired: bool = False) -> DataIssue:
    """Make an issue of the rows with these dates."""
    return DataIssue(kind, len(stamps), first_dates(stamps), action, repaired)


def check_row_order(stamps: Stamps) -> DataIssue | None:
    """Report rows that run from the newest to the oldest, or in no order."""
    steps = np.diff(stamps.astype(np.int64))
    if not (steps < 0).any():
        return None
    if not (steps > 0).any():
        return DataIssue("newest_first", len(stamps), (), "the rows were reversed")
    wrong = np.flatnonzero(steps < 0 if (steps > 0).sum() > (steps < 0).sum() else steps > 0) + 1
    return issue_at("unsorted", stamps[wrong], "the rows were sorted by date")


def whole_days(stamps: Stamps) -> Stamps:
    """Drop the time of day if there is at most one row a day.

    Times such as 15:00 or 23:00 may be midnight in another time zone: if dates would fall on weekends, and the next
    days would not, the next days are meant.
    """
    if stamps.dtype.kind == "m":
        return stamps
    days = stamps.astype("M8[D]")
    if not (stamps != days).any() or any(
        share_repeated(days[:rows]) > share_repeated(stamps[:rows]) + 0.02 for rows in (999, None)
    ):
        return stamps
    late = (days.astype(np.int64) + 1).astype("M8[D]")
    chosen = late if _on_weekends(days) > 0.1 and _on_weekends(late) < 0.01 else days
    return chosen.astype("M8[us]")


def _on_weekends(days: Stamps) -> float:
    return float(np.mean(~np.is_busday(days.astype("M8[D]"))))


def conflicting_dates(stamps: Stamps, values: Array) -> Stamps:
    """Dates with more than one value."""
    if is_monotonic(stamps):
        return stamps[:0]
    order = np.lexsort((values, stamps))
    stamps, values = stamps[order], values[order]
    differ = (stamps[1:] == stamps[:-1]) & (values[1:] != values[:-1])
    return np.unique(stamps[1:][differ])


def merge_dates(stamps: Stamps, values: Array) -> tuple[Stamps, Rows, DataIssue | None]:
    """Sort by date, and of rows with the same date keep the last in the file; return their dates and row numbers."""
    rows = np.arange(len(stamps))
    if is_monotonic(stamps):
        order = slice(None) if stamps[0] <= stamps[-1] else slice(None, None, -1)
        return stamps[order], rows[order], None
    conflicts = len(conflicting_dates(stamps, values))
    rows = np.argsort(stamps, kind="stable")
    stamps = stamps[rows]
    repeats = stamps[1:] == stamps[:-1]
    if not repeats.any():
        return stamps, rows, None
    differ = f"on {conflicts} dates the values differ, and the last in the file was kept"
    action = f"{int(repeats.sum())} rows with repeated dates were merged; {differ if conflicts else 'all values agree'}"
    keep = np.append(~repeats, True)
    return stamps[keep], rows[keep], issue_at("duplicate_dates", np.unique(stamps[1:][repeats]), action, repaired=True)


def check_values(stamps: Stamps, values: Array, *, prices: bool, frequency: str) -> Iterator[DataIssue]:
    """Report values that are kept but look wrong: markers of missing values, signs, jumps and flat runs.

    Args:
        stamps: Strictly increasing, shape (T,).
        values: Finite, shape (T,).
        prices: Whether the values are known to be prices.
        frequency: An offset alias.
    """
    yield from _missing_markers(stamps, values)
    yield from _signs(stamps, values, prices=prices)
    yield from _jumps(stamps, values)
    yield from _flat_runs(stamps, values, FLAT_BUSINESS_DAYS if frequency == "B" else FLAT)


def _missing_markers(stamps: Stamps, values: Array) -> Iterator[DataIssue]:
    """Report markers of missing values far below all other values."""
    if values.min() > max(MISSING_MARKERS):
        return
    for mark in MISSING_MARKERS:
        rows = values == mark
        others = values[~rows]
        if rows.any() and len(others) and others.min() > mark / 2:
            yield issue_at("missing_marks", stamps[rows], f"kept, though {mark:g} often stands for a missing value")


def _signs(stamps: Stamps, values: Array, *, prices: bool) -> Iterator[DataIssue]:
    """Report zero and negative values of prices, or if nearly all other values are positive."""
    for kind, rows in (("negative_values", values < 0), ("zero_values", values == 0)):
        if rows.any() and (prices or (values <= 0).mean() < 0.01):
            yield issue_at(kind, stamps[rows], "kept; forecasts do not take logarithms")


def _jumps(stamps: Stamps, values: Array) -> Iterator[DataIssue]:
    """Report unadjusted splits, and single rows far from their neighbours."""
    logs = np.log(np.where(values > 0, values, np.nan))
    moves = np.diff(logs, prepend=np.nan)
    large = np.abs(moves) >= np.log(MIN_JUMP)
    if not large.any() or large.sum() > min(max(4, MAX_JUMP_SHARE * len(values)), len(values) / 10):
        return
    near = np.abs(np.abs(moves)[:, None] - SPLITS).min(axis=1) < SPLIT_TOLERANCE
    split = np.flatnonzero(large & ((near & _level_persists(logs, moves)) | (np.abs(moves) >= np.log(SURE_JUMP))))
    if len(split):
        ratios = ", ".join(f"x{np.exp(moves[row]):.3g}" for row in split[:MAX_NAMED])
        yield issue_at("suspected_split", stamps[split], f"kept ({ratios}); if it was a split, use adjusted prices")
    single = np.flatnonzero(_jumps_back(moves))
    if len(single):
        yield issue_at("false_rows", stamps[single], "kept; the value is far from those before and after it")


def _level_persists(logs: Array, moves: Array) -> Flags:
    """Whether the level stays after a jump, by the medians of five rows before and after."""
    before = pd.Series(logs).rolling(5, min_periods=1).median().shift(1).to_numpy()
    after = pd.Series(logs)[::-1].rolling(5, min_periods=1).median()[::-1].to_numpy()
    return np.asarray(np.abs(after - before - moves) < 0.5 * np.abs(moves))


def _jumps_back(moves: Array) -> Flags:
    """Rows that move by half or more, and whose next row moves back."""
    back = np.append(moves[1:], np.nan)
    return np.asarray((np.abs(moves) >= np.log(1.5)) & (np.abs(moves + back) < 0.2 * np.abs(moves)))


def _flat_runs(stamps: Stamps, values: Array, least: int) -> Iterator[DataIssue]:
    """Report runs of at least `least` equal values."""
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    lengths = np.diff(np.append(starts, len(values)))
    runs = lengths >= least
    if runs.any():
        action = f"kept; the longest has {int(lengths.max())} equal values"
        yield issue_at("flat_run", stamps[starts[runs]], action)
