"""What `inspect` tells of a source: its format, its series, and what looks wrong with each.

In: a `Schema` and the series that `clean` made of it. Out: an `Inspection`, and its record for JSON.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from forecast.data.calendar.frequency import iso
from forecast.data.seasons import find_seasons
from forecast.data.series import TimeSeries
from forecast.display import Chart, Panel, Shown

# The columns of a table of series, and series and findings that a notebook names.
FOUND = ("name", "target", "rows", "missing", "first", "last", "unit", "frequency", "exchange", "error")
LISTED = 12


@dataclass(frozen=True, eq=False)
class SeriesInspection:
    """One series of a source.

    Attributes:
        series: The series; None if it cannot be used.
        why: Why its target was chosen, or why it cannot be used.
        columns: The columns of its rows without the dates.
    """

    name: str
    series: TimeSeries | None
    why: str
    columns: tuple[str, ...]

    @property
    def span(self) -> tuple[str, str]:
        """The first and the last date, with the time of day if any row has one, or count."""
        index = self.series.index if self.series else pd.DatetimeIndex([])
        timed = isinstance(index, pd.DatetimeIndex) and bool((index != index.normalize()).any())
        first, last = (date.isoformat() if timed else iso(date) for date in index[[0, -1]])
        return first, last

    def record(self) -> dict[str, Any]:
        """The inspection of the series as JSON values."""
        series = self.series
        if series is None:
            return {"name": self.name, "error": self.why, "columns": list(self.columns)}
        first, last = self.span
        return {
            "name": self.name,
            "target": series.target,
            "why": self.why,
            "rows": int(series.known.sum()),
            "missing": int((~series.known).sum()),
            "first": first,
            "last": last,
            "first_value": float(series.y[0]),
            "last_value": float(series.y[-1]),
            "columns": list(self.columns),
            "unit": series.unit,
            "frequency": series.frequency,
            "grid": str(series.grid),
            "seasons": list(find_seasons(series.y, series.grid)),
            "exchange": series.trading_calendar,
            "findings": [{**asdict(finding), "dates": list(finding.dates)} for finding in series.findings],
            "notes": list(series.notes),
        }


@dataclass(frozen=True, eq=False, repr=False)
class Inspection(Shown):
    """All that was found in a source.

    Attributes:
        form: How it is written, by keyword (`encoding`, `delimiter`, `dates`).
    """

    source: str
    form: Mapping[str, str]
    series: tuple[SeriesInspection, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a series: what was found, or why it cannot be used."""
        rows = [{name: value for name, value in one.record().items() if name in FOUND} for one in self.series]
        return pd.DataFrame(rows, columns=list(FOUND)).set_index("name").dropna(axis=1, how="all")

    def chart(self) -> Chart:
        """The only series, or the first that can be used.

        Raises:
            ConfigError: none can.
        """
        usable = [one.series for one in self.series if one.series]
        return usable[0].chart() if usable else super().chart()

    def _headline(self) -> str:
        names = ", ".join(one.name for one in self.series[:LISTED]) + ", ..." * (len(self.series) > LISTED)
        return f"{self.source}, {len(self.series):,} series: {names}"

    def _panels(self) -> tuple[Panel, ...]:
        form = ", ".join(f"{what} {how}" for what, how in self.form.items())
        usable = [one.series for one in self.series if one.series]
        issues = [f"{one.name}: {issue}" for one in usable for issue in one.findings]
        return (Panel(self.to_frame(), (form, *issues[:LISTED]), self.chart() if usable else None),)

    def record(self) -> dict[str, Any]:
        """The inspection as JSON values; dates in ISO form."""
        return {"source": self.source, "form": dict(self.form), "series": [one.record() for one in self.series]}
