"""What looks wrong in a series: rows to leave out, and values to doubt.

In: dates and values in the order of the file. Out: clean ones in the order of time, and a `DataIssue` for each thing
found. Nothing is filled in; what is left out is said.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.calendar.frequency import iso
from forecast.data.series import DataIssue
from forecast.data.sources.parsing.date_formats import Stamps
from forecast.data.sources.parsing.dates import one_way, repeated
from forecast.typing import Array

Flags = NDArray[np.bool_]
Places = NDArray[np.int64]

# First dates that a finding names.
NAMED = 5
# Days without a row that are a gap: on business days, and on all days.
GAP_DAYS = {"B": 14, "D": 7}
# Equal values in a row that are a flat run: of prices on business days, and of anything.
FLAT, FLAT_PRICES = 30, 10
# A jump from one row to the next is suspicious from the first ratio, and in any case from the second.
JUMP, LEAP = 1.4, 3.0
# Numbers by which weather services and laboratories say that a value is missing.
MARKS = (-99.0, -99.9, -99.99, -200.0, -999.0, -999.9, -999.99, -9999.0, -99999.0)
# Splits that happen: shares after it for each before it.
SPLITS = np.log([1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100])
# How far a jump may be from a split's ratio, for the day's own move.
CLOSE_TO_SPLIT = 0.05
# Above this share of large jumps they are the nature of a series.
USUAL = 0.005


def name_dates(stamps: Stamps) -> tuple[str, ...]:
    """The first dates, in ISO form."""
    return tuple(iso(pd.Timestamp(stamp)) for stamp in stamps[:NAMED])


def find(kind: str, stamps: Stamps, action: str, *, repaired: bool = False) -> DataIssue:
    """A finding about some rows."""
    return DataIssue(kind, len(stamps), name_dates(stamps), action, repaired)


def order_of(stamps: Stamps) -> DataIssue | None:
    """Whether the rows run the wrong way, or in no order."""
    steps = np.diff(stamps.astype(np.int64))
    if not (steps < 0).any():
        return None
    if not (steps > 0).any():
        return DataIssue("newest_first", len(stamps), (), "the rows were turned round")
    wrong = np.flatnonzero(steps < 0 if (steps > 0).sum() > (steps < 0).sum() else steps > 0) + 1
    return find("unsorted", stamps[wrong], "the rows were sorted by date")


def whole_days(stamps: Stamps) -> Stamps:
    """Days without a time, where there is at most one row a day.

    A stamp such as 15:00 or 23:00 may be the midnight of another time zone: where whole days would fall on weekends
    and the next ones would not, the next ones are meant.
    """
    days = stamps.astype("M8[D]")
    if not (stamps != days).any() or any(
        repeated(days[:rows]) > repeated(stamps[:rows]) + 0.02 for rows in (999, None)
    ):
        return stamps
    late = (days.astype(np.int64) + 1).astype("M8[D]")
    chosen = late if _on_weekends(days) > 0.1 and _on_weekends(late) < 0.01 else days
    return chosen.astype("M8[us]")


def _on_weekends(days: Stamps) -> float:
    return float(np.mean((days.astype("M8[D]").astype(np.int64) + 3) % 7 >= 5))


def conflicting_dates(stamps: Stamps, values: Array) -> Stamps:
    """Dates with more than one value."""
    if one_way(stamps):
        return stamps[:0]
    order = np.lexsort((values, stamps))
    stamps, values = stamps[order], values[order]
    differ = (stamps[1:] == stamps[:-1]) & (values[1:] != values[:-1])
    return np.unique(stamps[1:][differ])


def merge_dates(stamps: Stamps, values: Array) -> tuple[Stamps, Places, DataIssue | None]:
    """One row a date, in the order of time, of several the last in the file: their stamps, and where they stood."""
    places = np.arange(len(stamps))
    if one_way(stamps):
        order = slice(None) if stamps[0] <= stamps[-1] else slice(None, None, -1)
        return stamps[order], places[order], None
    conflicts = len(conflicting_dates(stamps, values))
    places = np.argsort(stamps, kind="stable")
    stamps = stamps[places]
    again = stamps[1:] == stamps[:-1]
    if not again.any():
        return stamps, places, None
    says = f"on {conflicts} dates the values differ, the last in the file stands" if conflicts else "all of them equal"
    action = f"{int(again.sum())} rows on dates that were there were merged; {says}"
    keep = np.append(~again, True)
    return stamps[keep], places[keep], find("duplicate_dates", np.unique(stamps[1:][again]), action, repaired=True)


def doubts(stamps: Stamps, values: Array, *, prices: bool, frequency: str) -> Iterator[DataIssue]:
    """Values that are kept, but look wrong: signs, jumps and flat runs.

    Args:
        stamps: Strictly increasing, shape (T,).
        values: Finite, shape (T,).
        prices: The values are known to be prices.
        frequency: As `infer_frequency` gives it.
    """
    yield from _marks(stamps, values)
    yield from _signs(stamps, values, prices=prices)
    yield from _jumps(stamps, values)
    yield from _flat(stamps, values, FLAT_PRICES if frequency == "B" else FLAT)


def _marks(stamps: Stamps, values: Array) -> Iterator[DataIssue]:
    """Numbers that stand for missing values, far below all others."""
    if values.min() > max(MARKS):
        return
    for mark in MARKS:
        rows = values == mark
        others = values[~rows]
        if rows.any() and len(others) and others.min() > mark / 2:
            yield find("missing_marks", stamps[rows], f"kept, though {mark:g} often stands for a missing value")


def _signs(stamps: Stamps, values: Array, *, prices: bool) -> Iterator[DataIssue]:
    """Zero and negative values, where prices or nearly all others are positive."""
    for kind, rows in (("negative_prices", values < 0), ("zero_prices", values == 0)):
        if rows.any() and (prices or (values <= 0).mean() < 0.01):
            yield find(kind, stamps[rows], "kept; forecasts do not take logarithms")


def _jumps(stamps: Stamps, values: Array) -> Iterator[DataIssue]:
    """Unadjusted splits, and rows whose value stands alone."""
    logs = np.log(np.where(values > 0, values, np.nan))
    moves = np.diff(logs, prepend=np.nan)
    large = np.abs(moves) >= np.log(JUMP)
    if not large.any() or large.sum() > min(max(4, USUAL * len(values)), len(values) / 10):
        return
    near = np.abs(np.abs(moves)[:, None] - SPLITS).min(axis=1) < CLOSE_TO_SPLIT
    split = np.flatnonzero(large & ((near & _stays(logs, moves)) | (np.abs(moves) >= np.log(LEAP))))
    if len(split):
        ratios = ", ".join(f"x{np.exp(moves[row]):.3g}" for row in split[:NAMED])
        yield find("suspected_split", stamps[split], f"kept ({ratios}); if it was a split, use adjusted prices")
    alone = np.flatnonzero(_alone(moves))
    if len(alone):
        yield find("false_rows", stamps[alone], "kept; the value stands far from those before and after it")


def _stays(logs: Array, moves: Array) -> Flags:
    """Whether the level after a jump is the new one, over the five rows on either side."""
    before = pd.Series(logs).rolling(5, min_periods=1).median().shift(1).to_numpy()
    after = pd.Series(logs)[::-1].rolling(5, min_periods=1).median()[::-1].to_numpy()
    return np.asarray(np.abs(after - before - moves) < 0.5 * np.abs(moves))


def _alone(moves: Array) -> Flags:
    """Rows that jump by half or more, from where the next row jumps back."""
    back = np.append(moves[1:], np.nan)
    return np.asarray((np.abs(moves) >= np.log(1.5)) & (np.abs(moves + back) < 0.2 * np.abs(moves)))


def _flat(stamps: Stamps, values: Array, least: int) -> Iterator[DataIssue]:
    """Runs of equal values."""
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    lengths = np.diff(np.append(starts, len(values)))
    runs = lengths >= least
    if runs.any():
        action = f"kept; the longest has {int(lengths.max())} equal values"
        yield find("flat_run", stamps[starts[runs]], action)


def gaps(stamps: Stamps, frequency: str) -> DataIssue | None:
    """Stretches without rows."""
    days = np.diff(stamps) / np.timedelta64(1, "D")
    if not len(days):
        return None
    usual = float(np.median(days))
    least = GAP_DAYS.get(frequency, 1.6 * usual if usual > 1 else max(1.0, 20 * usual))
    if usual < 1 and _on_weekends(stamps) < 0.01:
        least = GAP_DAYS["B"]
    long = days >= least
    if not long.any():
        return None
    return find("gap", stamps[:-1][long], f"kept, nothing was filled in; the longest lasts {days.max():.3g} days")
