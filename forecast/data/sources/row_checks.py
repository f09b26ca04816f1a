"""Checks of the rows of a series: what cannot be cleaned is refused, what is dropped is reported.

In: `SeriesRows`. Out: an error, or a `DataIssue` for each problem.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from forecast.data import vocabulary
from forecast.data.series import DataIssue
from forecast.data.sources.parsing.date_formats import Stamps
from forecast.data.sources.quality_checks import conflicting_dates, first_dates, issue_at
from forecast.data.sources.schema.schema import Schema
from forecast.data.sources.series_rows import SeriesRows
from forecast.errors import SeriesError, SourceError
from forecast.typing import Array, Flags

# Above this share of dates with several values, a table holds several series and not one.
MAX_CONFLICTS = 0.05
# Undated rows that are compared with the header one by one.
MAX_UNDATED = 1000
# How far a high may lie below another price of its row, which is rounding.
ROUNDING = 1e-4
# Dates that fit into 64 bits of nanoseconds, with those that are forecast after the last one.
FIRST, LAST = np.datetime64("1678-01-01"), np.datetime64("2250-01-01")


def check_dates(rows: SeriesRows) -> None:
    """Refuse rows with a value but no date, which would be lost, and dates that pandas cannot hold."""
    wrong = rows.only(~rows.dated & np.isfinite(rows.values))
    if len(wrong.rows):
        table = rows.schema.table
        raise SourceError(
            f"{table.where}, line {table.line + int(wrong.rows[0])}: each row must have a date as the others have "
            f"({rows.schema.dates.format}). {rows.target} is {wrong.values[0]:g} there, without one. Rows like it: "
            f"{len(wrong.rows)}. Mend the dates or drop the rows."
        )
    if rows.schema.dates.is_counted:
        return
    far = rows.stamps[rows.dated & ((rows.stamps < FIRST) | (rows.stamps > LAST))]
    if len(far):
        raise SourceError(
            f"{rows.schema.table.where}: dates must lie from {FIRST} to {LAST}. Received: {str(far[0])[:10]}. "
            "Mend the date, or drop its row."
        )


def check_headers(rows: SeriesRows) -> None:
    """Refuse a second table below: a header with a title above it, or with its columns in another order."""
    table, undated = rows.schema.table, rows.rows[~rows.dated]
    if not table.header or not len(undated) or len(undated) > MAX_UNDATED:
        return
    names = [name.strip() for name in table.header[-1]]
    texts = {int(row): [str(cells[int(row)].as_py() or "").strip() for cells in table.columns] for row in undated}
    for row, cells in texts.items():
        is_titled = cells == names and any(texts.get(row - 1, [])) and texts[row - 1] != names
        if is_titled or (cells != names and sorted(cells) == sorted(names)):
            raise SourceError(
                f"{table.where}, line {table.line + row}: a file must hold one table. Another begins here: keep one."
            )


def check_kept(rows: SeriesRows, kept: SeriesRows) -> None:
    """Refuse a series without rows, and several series in one."""
    where = rows.schema.table.where
    if not len(kept.rows):
        raise SourceError(f"{where}: {rows.target} must hold numbers. Received: none in {len(rows.rows)} rows.")
    dates = conflicting_dates(kept.stamps, kept.values)
    if len(dates) and len(dates) > MAX_CONFLICTS * len(np.unique(kept.stamps)):
        raise SeriesError(
            f"{where}: a series must have one value a date. {len(dates)} dates have several that differ "
            f"({first_dates(dates)[0]}), as if several securities were mixed, and no column tells them apart. "
            "Add one with their names."
        )


def table_issues(schema: Schema) -> Iterator[DataIssue]:
    """Report lines before and after the table, and ambiguous formats."""
    table, dates = schema.table, schema.dates
    if table.preamble:
        yield DataIssue("preamble", table.preamble, (), "lines before the header were skipped")
    if table.footer:
        yield DataIssue("footer", table.footer, (), "lines after the last date were skipped")
    if dates.alternative:
        action = f"read as {dates.format}, though {dates.alternative} fits as well; --date-order decides"
        yield issue_at("ambiguous_dates", dates.stamps[~np.isnat(dates.stamps)], action)
    if schema.ambiguous_decimal:
        action = f"read with {schema.decimal!r} as the decimal mark, though the other one fits as well"
        yield DataIssue("ambiguous_numbers", table.rows, (), action)


def missing_covariates(stamps: Stamps, beside: Array, names: Sequence[str]) -> tuple[int, DataIssue | None]:
    """Find the first row from which on each covariate has been known, and report those that lack one.

    Args:
        stamps: Dates of the rows with a target, strictly increasing, shape (T,).
        beside: The covariates, shape (T, len(names)).
    Raises:
        SeriesError: one is never known.
    """
    lacking = ~np.isfinite(beside)
    if not lacking.any():
        return 0, None
    if lacking.all(axis=0).any():
        name = names[int(np.argmax(lacking.all(axis=0)))]
        raise SeriesError(f"a covariate must have values in rows with a target. {name} has none. Leave it out.")
    first = int(lacking.argmin(axis=0).max())
    action = f"rows without {', '.join(names)}: the last known value stands for a missing one"
    if first:
        action += f"; the first {first} rows have none before them and were left out"
    return first, issue_at("missing_features", stamps[lacking.any(axis=1)], action, repaired=first > 0)


def dropped_rows(rows: SeriesRows) -> Iterator[DataIssue]:
    """Report rows without a value or without a date."""
    has_text = rows.is_text | (~rows.dated & ~_is_blank(rows)) | _has_text_beside(rows)
    missing = rows.only(rows.dated & np.isnan(rows.values) & ~has_text)
    if len(missing.rows):
        others = int(np.isfinite(missing.columns(_columns_beside(rows))).any(axis=1).sum())
        also = f"; {others} of them hold other values" if others else ""
        action = f"rows without {rows.target} are missing values{also}"
        yield issue_at("missing_values", np.sort(missing.stamps), action, repaired=True)
    textual = rows.only(has_text)
    if len(textual.rows):
        action = f"rows with text in place of {rows.target} or of the date were left out"
        dates = first_dates(np.sort(textual.stamps[textual.dated]))
        yield DataIssue("non_numeric_rows", len(textual.rows), dates, action, repaired=True)
    last = rows.stamps[rows.valued].max()
    if (tail := missing.stamps[missing.stamps > last]).size:
        yield issue_at("sparse_tail", np.sort(tail), f"the last rows have no {rows.target}", repaired=True)


def _columns_beside(rows: SeriesRows) -> list[str]:
    """The other columns of numbers, unless they are series of their own."""
    is_shared = "" in rows.schema.choices
    return [name for name in rows.schema.numeric if name != rows.target] if is_shared else []


def _has_text_beside(rows: SeriesRows) -> Flags:
    """Whether a row without a value has text in another column of numbers, such as `0.24 Dividend`."""
    found = rows.dated & np.isnan(rows.values)
    if found.any():
        beside = [rows.schema.numbers(name).is_text[rows.rows] for name in _columns_beside(rows)]
        found &= np.any(beside, axis=0) if beside else False
    return found


def _is_blank(rows: SeriesRows) -> Flags:
    """Whether all cells of a row are empty."""
    if rows.dated.all():
        return np.zeros(len(rows.rows), bool)
    filled = [column.is_valid().to_numpy(zero_copy_only=False) for column in rows.schema.table.columns]
    return np.asarray(~np.any(filled, axis=0)[rows.rows])


def ohlc_order(kept: SeriesRows) -> Iterator[DataIssue]:
    """Report rows whose high is not the highest price, or whose low is not the lowest."""
    names = kept.schema.traded
    if not names:
        return
    opened, high, low, close = (kept.column(name) for name in names)
    wrong = (high < np.maximum(opened, close) * (1 - ROUNDING)) | (low > np.minimum(opened, close) * (1 + ROUNDING))
    if wrong.any():
        action = "kept; the high is not the highest price of the row, or the low not the lowest"
        yield issue_at("ohlc_order", np.sort(kept.stamps[wrong]), action)


def day_ranges(kept: SeriesRows) -> Array:
    """Logarithms of high over low and of close over open of each row, shape (N, 2); NaN where these contradict.

    Empty if the target is no close, or there are no open, high and low of its own.
    """
    names, is_shared = kept.schema.traded, "" in kept.schema.choices
    if not names or not is_shared or not (kept.target == names[3] or vocabulary.is_adjusted(kept.target)):
        return np.empty((0, 2))
    prices = np.stack([kept.column(name) for name in names])
    opened, high, low, close = np.where(prices > 0, prices, np.nan)
    found = np.log(np.stack([high / low, close / opened], axis=1))
    sound = (high > low) & (high >= np.maximum(opened, close)) & (low <= np.minimum(opened, close))
    return np.where(sound[:, None], found, np.nan)
