"""The rows of one series in a table, before they are cleaned.

In: a `Schema` and the name of one of its series. Out: `SeriesRows`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecast.data.sources.parsing.date_formats import Stamps
from forecast.data.sources.quality_checks import whole_days
from forecast.data.sources.schema.schema import Schema
from forecast.typing import Array, Flags, Rows


@dataclass(frozen=True, eq=False)
class SeriesRows:
    """R rows of one series in the order of the table.

    Attributes:
        rows: Their numbers in the table.
        stamps: Their dates, not-a-time in rows without one.
        values: The target, NaN in rows without one.
        is_text: Whether the cell of the target is neither a number nor empty.
    """

    schema: Schema
    target: str
    rows: Rows
    stamps: Stamps
    values: Array
    is_text: Flags

    @property
    def dated(self) -> Flags:
        """Whether a row has a date."""
        return ~np.isnat(self.stamps)

    @property
    def valued(self) -> Flags:
        """Whether a row has a date and a target."""
        return np.asarray(self.dated & np.isfinite(self.values))

    def only(self, kept: Flags) -> "SeriesRows":
        """Keep some of the rows."""
        if kept.all():
            return self
        rows, stamps, values = self.rows[kept], self.stamps[kept], self.values[kept]
        return SeriesRows(self.schema, self.target, rows, stamps, values, self.is_text[kept])

    def column(self, name: str) -> Array:
        """Another column of these rows."""
        values = self.schema.numbers(name).values
        return values if len(self.rows) == len(values) else values[self.rows]

    def columns(self, names: Sequence[str]) -> Array:
        """Other columns of these rows, shape (R, len(names))."""
        return np.column_stack([np.empty((len(self.rows), 0)), *map(self.column, names)])


def rows_of(schema: Schema, series: str) -> SeriesRows:
    """All rows of a series; their dates without a time of day if there is one row a day."""
    target = (schema.choices.get(series) or schema.choices[""]).target
    numbers = schema.numbers(target)
    chosen = schema.rows[series] if schema.rows else slice(None)
    stamps = schema.dates.stamps[chosen].copy()
    dated = ~np.isnat(stamps)
    stamps[dated] = whole_days(stamps[dated])
    rows = np.arange(len(numbers.values))[chosen]
    return SeriesRows(schema, target, rows, stamps, numbers.values[chosen], numbers.is_text[chosen])
