"""Bars within the sessions of an exchange: which of them are due, and on which clocks.

In: the name of an exchange, bars as they are in an ordinary week. Out: the sessions of a span, the bars that lie in
them (half days end early, holidays have none), and readings of one clock as those of another.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.calendar.sessions import Sessions, find_sessions
from forecast.typing import Flags

# Dates in microseconds, or stretches of time.
Stamps = NDArray[Any]

# A calendar takes as long to build for a year as for a century: one serves all spans.
FIRST_DAY = np.datetime64("1930-01-01")
# Sessions that show when an exchange opens and closes as a rule.
USUAL = 30


def sessions_until(exchange: str, stop: np.datetime64) -> Sessions | None:
    """All sessions of an exchange until `stop` and some after it, as far as they are known; None without a calendar."""
    weekdays = int((stop - FIRST_DAY) / np.timedelta64(1, "D") / 1.6) + 1
    return find_sessions(exchange, FIRST_DAY, ahead=weekdays)


def trading_hours(sessions: Sessions, times: Stamps, stop: np.datetime64) -> tuple[Stamps, Stamps]:
    """From when to when each session has bars.

    Bars named by their end have one at the close, those named by their start have none. Trading before the opening and
    after the close, or on other clocks, keeps its distance to both.

    Args:
        times: The times of day of the bars of a session that is no half day, before `stop`.
    """
    opens, closes = sessions.opens.astype("M8[us]"), sessions.closes.astype("M8[us]")
    if (opens.astype("M8[D]") < sessions.days).any():  # overnight, a day begins on the evening before
        return opens, closes
    before = slice(max(0, int(np.searchsorted(opens, stop)) - USUAL), None)
    head = min(np.timedelta64(0, "us"), times.min() - _usual_time(opens[before]))
    tail = max(np.timedelta64(-1, "us"), times.max() - _usual_time(closes[before]))
    return opens + head, closes + tail


def in_sessions(bars: Stamps, opens: Stamps, closes: Stamps) -> Flags:
    """Whether each bar lies in a session, or before or after all that are known."""
    place = np.searchsorted(opens, bars, side="right") - 1
    inside = (place >= 0) & (bars <= closes[place])
    return np.asarray(inside | (bars > closes[-1]) | (bars < opens[0].astype("M8[D]")))


def are_in(days: Stamps, ordered: Stamps) -> Flags:
    """Whether each day is one of `ordered`, which are in order; a hundredth of what `np.isin` takes for many."""
    return np.asarray(ordered[np.minimum(np.searchsorted(ordered, days), len(ordered) - 1)] == days)


def move_clock(stamps: Stamps, zone: str, other: str) -> Stamps:
    """Readings of the clocks in `zone`, as those in `other`; an hour that comes twice is the later one."""
    later = np.zeros(len(stamps), dtype=bool)
    here = pd.DatetimeIndex(stamps).tz_localize(zone, ambiguous=later, nonexistent="shift_forward")
    return np.asarray(here.tz_convert(other).tz_localize(None).to_numpy().astype("M8[us]"))


def _usual_time(stamps: Stamps) -> np.timedelta64:
    """The commonest time of day of the first ones."""
    recent = stamps[:USUAL]
    times, counts = np.unique(recent - recent.astype("M8[D]"), return_counts=True)
    return np.timedelta64(times[counts.argmax()])
