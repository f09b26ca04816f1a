"""What was understood of a source: its form, its series, and what looks wrong with each.

In: a `Schema` and the series that `cleaning` made of it. Out: an `Inspection`, and its record for JSON.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from forecast.data.calendar.frequency import iso
from forecast.data.series import TimeSeries


@dataclass(frozen=True, eq=False)
class SeriesInspection:
    """One series of a source.

    Attributes:
        series: The series; None where it cannot be used.
        why: Why its target is the target, or why it cannot be used.
        columns: The columns of its rows, the dates not among them.
        exchange: The exchange whose sessions the rows follow, as given or as recognised from the dates; may be empty.
    """

    name: str
    series: TimeSeries | None
    why: str
    columns: tuple[str, ...]
    exchange: str = ""

    @property
    def span(self) -> tuple[str, str]:
        """The first and the last date, with a time of day where rows have one."""
        index = self.series.index if self.series else pd.DatetimeIndex([])
        timed = bool((index != index.normalize()).any())
        first, last = (date.isoformat() if timed else iso(date) for date in index[[0, -1]])
        return first, last


@dataclass(frozen=True, eq=False)
class Inspection:
    """All that was found in a source.

    Attributes:
        form: How it is written, by what is said of it (`encoding`, `delimiter`, `dates`).
    """

    source: str
    form: Mapping[str, str]
    series: tuple[SeriesInspection, ...]

    def record(self) -> dict[str, Any]:
        """The inspection as JSON holds it; dates in ISO form."""
        return {
            "source": self.source,
            "form": dict(self.form),
            "series": [_record(sighting) for sighting in self.series],
        }


def _record(sighting: SeriesInspection) -> dict[str, Any]:
    series = sighting.series
    if series is None:
        return {"name": sighting.name, "error": sighting.why, "columns": list(sighting.columns)}
    first, last = sighting.span
    return {
        "name": sighting.name,
        "target": series.target,
        "why": sighting.why,
        "rows": len(series),
        "first": first,
        "last": last,
        "first_value": float(series.y[0]),
        "last_value": float(series.y[-1]),
        "columns": list(sighting.columns),
        "unit": series.unit,
        "frequency": series.frequency,
        "exchange": sighting.exchange,
        "findings": [_finding(asdict(finding)) for finding in series.findings],
        "notes": list(series.notes),
    }


def _finding(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "dates": list(record["dates"])}
