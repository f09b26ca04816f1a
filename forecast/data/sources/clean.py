"""Clean one series of a table: drop, merge and sort its rows, and report what was done.

In: a `Schema` and the name of one of its series. Out: a `TimeSeries` with its findings.

    rows of the series ── dated, with a target ── merged and sorted ── TimeSeries
            └─ later rows with future columns ── `TimeSeries.future`
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from forecast.data import vocabulary
from forecast.data.calendar.frequency import Index
from forecast.data.placement import place_rows
from forecast.data.series import TimeSeries
from forecast.data.sources.parsing.dates import COUNTED
from forecast.data.sources.quality_checks import check_row_order, check_values, index_of, merge_dates
from forecast.data.sources.row_checks import (
    check_dates,
    check_headers,
    check_kept,
    day_ranges,
    dropped_rows,
    missing_covariates,
    ohlc_order,
    table_issues,
)
from forecast.data.sources.schema.schema import Schema
from forecast.data.sources.schema.targets import ASKED_FOR
from forecast.data.sources.series_rows import SeriesRows, rows_of
from forecast.errors import SourceError
from forecast.typing import Array, Flags


@dataclass(frozen=True)
class Covariates:
    """Columns to load beside the target: past covariates, future covariates, or all prices and the volume."""

    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    prices: bool = False

    def names(self, schema: Schema, target: str) -> list[str]:
        """The columns, each once, by their names in the table."""
        found = _resolve_names(schema, (*self.past, *self.future))
        if self.prices:
            found += vocabulary.column_roles(schema.numeric).values()
        return [name for name in dict.fromkeys(found) if name != target]


NO_COVARIATES = Covariates()


def clean(
    schema: Schema,
    series: str,
    *,
    name: str,
    unit: str | None = None,
    exchange: str = "",
    covariates: Covariates = NO_COVARIATES,
    notes: tuple[str, ...] = (),
) -> TimeSeries:
    """Build one series with its findings.

    Args:
        series: Its name in `schema.series`.
        name: The name to give it.
        notes: Put before the notes on the table.
    Raises:
        SourceError: a row has a value but no date that can be read; no row has a value; or there is no such column.
        SeriesError: dates have several values, as if several series were mixed.
    """
    every = rows_of(schema, series)
    check_dates(every)
    check_headers(every)
    others = covariates.names(schema, every.target)
    is_future = _is_future(every, _resolve_names(schema, covariates.future))
    past = every.only(~is_future)
    kept = past.only(past.valued)
    check_kept(past, kept)
    prices = vocabulary.is_price(past.target)
    stamps, rows, merged = merge_dates(kept.stamps, kept.values)
    beside = kept.columns(others)[rows]
    late, issue = missing_covariates(stamps, beside, others)
    stamps, rows = stamps[late:], rows[late:]
    values = kept.values[rows]
    index = _index_of(stamps.tobytes(), stamps.dtype.str)
    frequency = place_rows(index, exchange).grid.frequency
    issues = (
        *table_issues(schema),
        check_row_order(past.stamps[past.dated]),
        *dropped_rows(past),
        issue,
        *(ohlc_order(kept) if prices else ()),
        merged,
        *check_values(stamps, values, prices=prices, frequency=frequency),
    )
    ranges = day_ranges(kept)
    return TimeSeries(
        name=name,
        index=index,
        values=np.column_stack([values, beside[late:]]),
        columns=(past.target, *others),
        target=past.target,
        unit=unit or "units",
        exchange=exchange,
        notes=(*notes, *_target_note(schema), *_count_note(schema), *_rename_note(schema)),
        findings=tuple(issue for issue in issues if issue),
        ranges=ranges[rows] if len(ranges) else ranges,
        future=_future_values(every.only(is_future), (past.target, *others), covariates.future),
    )


@lru_cache(maxsize=8)
def _index_of(stamps: bytes, kind: str) -> Index:
    """The index of dates in microseconds or of counts, made once for all series of a wide table."""
    return index_of(np.frombuffer(stamps, kind).copy())


def _resolve_names(schema: Schema, wanted: Sequence[str]) -> list[str]:
    """Resolve names in any case to those of the table.

    Raises:
        SourceError: there is no such column, or it holds no numbers.
    """
    found = {name: vocabulary.find_name(name, schema.numeric) for name in wanted}
    if missing := [name for name, column in found.items() if column is None]:
        listed = ", ".join(schema.numeric)
        raise SourceError(
            f"{schema.table.where}: a column must be one of those with numbers, {listed}. "
            f"Received: {', '.join(missing)}."
        )
    return [column for column in found.values() if column is not None]


def _is_future(rows: SeriesRows, future: Sequence[str]) -> Flags:
    """Whether a row is after the last target and has values in all future columns."""
    if not future or not rows.valued.any():
        return np.zeros(len(rows.rows), bool)
    later = rows.dated & (rows.stamps > rows.stamps[rows.valued].max())
    return np.asarray(later & np.isfinite(rows.columns(future)).all(axis=1))


def _future_values(rows: SeriesRows, columns: Sequence[str], future: Sequence[str]) -> Array:
    """The future rows in the order of time, shape (M, F); NaN in columns that are not known ahead."""
    known = {name.casefold() for name in future}
    order = np.argsort(rows.stamps, kind="stable")
    unknown = np.full(len(order), np.nan)
    return np.column_stack(
        [rows.column(name)[order] if name.strip().casefold() in known else unknown for name in columns]
    )


def _count_note(schema: Schema) -> tuple[str, ...]:
    """Say that rows are only counted, and by what."""
    return (f"there are no dates: {schema.dates.format.removeprefix(COUNTED)}",) if schema.dates.is_counted else ()


def _rename_note(schema: Schema) -> tuple[str, ...]:
    """Say that a security whose name changes is one series, by its code."""
    if (found := schema.renamed) is None:
        return ()
    return (f"all rows are one series: {found[0]} is the same in all of them, though {found[1]} changes",)


def _target_note(schema: Schema) -> tuple[str, ...]:
    """Say which target was chosen and why, unless the user chose it or there is no other."""
    choice = next(iter(schema.choices.values()))
    if len(schema.numeric) < 2 or "" not in schema.choices or choice.why == ASKED_FOR:
        return ()
    return (f"the target is {choice.target} ({choice.why}); --target chooses another",)
