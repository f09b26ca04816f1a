"""Infer the exchange of a series from the holidays on which it has no rows.

In: the dates of a series. Out: a calendar of the package `exchange_calendars`, or nothing.

    dates ── days of the last 8 years ── candidates: absent on their fixed holidays (`CLOSED`)
          ── their sessions compared day by day ── the one with the fewest mismatches
"""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecast.data.calendar.sessions import YEARS_BACK, Days, find_sessions, weekday

if TYPE_CHECKING:
    import pandas as pd

# The exchanges to compare with, the common ones first, and the days of each year, such as 12-25, on which they never
# trade. The calendar of an exchange is built only if the series has no rows on those days.
CLOSED = {
    "XNYS": "01-01 07-04 12-25",
    "XLON": "01-01 12-25 12-26",
    "XTKS": "01-01 01-02 01-03 02-11 04-29 05-03 05-04 05-05 11-03 11-23 12-31",
    "XHKG": "01-01 05-01 07-01 10-01 12-25 12-26",
    "XSHG": "01-01 05-01 10-01 10-02 10-03 10-04 10-05",
    "XETR": "01-01 05-01 12-24 12-25 12-26 12-31",
    "XPAR": "01-01 05-01 12-25 12-26",
    "XBOM": "01-26 05-01 08-15 10-02 12-25",
    "BVMF": "01-01 04-21 05-01 09-07 10-12 11-02 11-15 12-24 12-25 12-31",
    "XTSE": "01-01 07-01 12-25 12-26",
    "XASX": "01-01 01-26 04-25 12-25 12-26",
    "XKRX": "01-01 03-01 05-01 05-05 06-06 08-15 10-03 10-09 12-25 12-31",
    "XTAI": "01-01 02-28 04-04 05-01 10-10",
    "XSWX": "01-01 01-02 05-01 08-01 12-24 12-25 12-26 12-31",
    "XMIL": "01-01 05-01 08-15 12-24 12-25 12-26 12-31",
    "XMAD": "01-01 05-01 12-25 12-26",
    "XSTO": "01-01 01-06 05-01 06-06 12-24 12-25 12-26 12-31",
    "XIST": "01-01 04-23 05-01 05-19 08-30 10-29",
    "XWAR": "01-01 01-06 05-01 05-03 08-15 11-01 11-11 12-24 12-25 12-26 12-31",
    "XSES": "01-01 05-01 08-09 12-25",
    "XIDX": "01-01 05-01 08-17 12-25 12-31",
    "XBKK": "01-01 04-06 04-13 04-14 04-15 05-01 08-12 10-23 12-05 12-10 12-31",
    "XKLS": "01-01 02-01 05-01 08-31 09-16 12-25",
    "XPHS": "01-01 04-09 05-01 06-12 11-01 12-24 12-25 12-30 12-31",
    "XMEX": "01-01 05-01 09-16 11-02 12-12 12-25",
    "XBUE": "01-01 03-24 04-02 05-01 05-25 07-09 12-08 12-25",
    "XSGO": "01-01 05-01 05-21 07-16 08-15 09-18 09-19 11-01 12-08 12-25 12-31",
    "XJSE": "01-01 03-21 04-27 05-01 06-16 08-09 09-24 12-16 12-25 12-26",
    "XHEL": "01-01 01-06 05-01 12-06 12-24 12-25 12-26 12-31",
    "XCSE": "01-01 06-05 12-24 12-25 12-26 12-31",
    "XOSL": "01-01 05-01 05-17 12-24 12-25 12-26 12-31",
    "XWBO": "01-01 05-01 10-26 12-24 12-25 12-26 12-31",
    "XPRA": "01-01 05-01 05-08 07-05 07-06 09-28 10-28 11-17 12-24 12-25 12-26 12-31",
    "XBUD": "01-01 03-15 05-01 08-20 10-23 11-01 12-24 12-25 12-26 12-31",
    "XDUB": "01-01 12-25 12-26",
    "XNZE": "01-01 01-02 02-06 04-25 12-25 12-26",
    "XICE": "01-01 05-01 06-17 12-24 12-25 12-26 12-31",
    "XMOS": "01-01 01-02 01-07 02-23 03-08 05-01 05-09 06-12 11-04 12-31",
    "XZAG": "01-01 01-06 05-01 06-22 08-05 08-15 11-01 12-24 12-25 12-26 12-31",
    "XKAR": "02-05 03-23 05-01 08-14 12-25",
    "XBOG": "01-01 05-01 07-20 08-07 12-08 12-25 12-31",
    "XLIM": "01-01 05-01 06-29 07-28 07-29 08-30 10-08 11-01 12-08 12-25",
    "XSAU": "09-23",
    "CMES": "01-01 12-25",
}
# A series with fewer days is not compared; a year has 240 sessions in Bangkok.
MIN_DAYS = 230
# An exchange fits if it has at least so many holidays on the weekdays of the series, ...
MIN_HOLIDAYS = 5
# ... if this share of them is absent from the series, and if they are this share of all absent days.
OBSERVED = 0.9
EXPLAINED = 0.7
# So many days without a row in sequence are a gap in the series: no exchange closes for that long.
GAP = 10
# No exchange fits if more than this share of the weekdays is absent.
MAX_ABSENT = 0.12
# A weekday with a smaller share of the days has special sessions only.
RARE = 0.03


def infer_exchange(index: "pd.DatetimeIndex") -> str:
    """Infer the exchange whose holidays have no rows; empty if none fits or if in doubt.

    In its last 8 years a series must have no rows on nine in ten holidays of the exchange, and few other gaps. The
    exchange with the fewest mismatches wins; several equal ones must agree on their future sessions (Paris stands for
    Amsterdam, which has the same). Series with rows on all days, on all weekdays or on one weekday fit no exchange.

    Args:
        index: Dates, shape (T,), strictly increasing, with or without times of day.
    Returns:
        A name such as `XNYS`; never `24/7` or `24/5`.
    """
    stamps = index.values
    start = stamps[-1].astype("M8[D]") - np.timedelta64(round(YEARS_BACK * 365.25), "D")
    return _infer_from_bytes(stamps[stamps.searchsorted(start) :].tobytes(), stamps.dtype.str)


@lru_cache(maxsize=16)
def _infer_from_bytes(stamps: bytes, dtype: str) -> str:
    """Infer the exchange of dates, passed as bytes so that series with the same dates share the result."""
    days: Days = np.unique(np.frombuffer(stamps, dtype).astype("M8[D]"))
    if len(days) < MIN_DAYS:
        return ""
    open_on = np.bincount(weekday(days), minlength=7) > RARE * len(days)
    expected = _expected_days(days, open_on)
    absent = expected[~np.isin(expected, days)]
    if open_on.sum() != 5 or not MIN_HOLIDAYS <= len(absent) <= MAX_ABSENT * len(expected):
        return ""
    found = {exchange: _count_mismatches(exchange, expected, absent) for exchange in _candidates(expected, absent)}
    fewest = min((mismatches for mismatches in found.values() if mismatches is not None), default=0)
    best = [exchange for exchange, mismatches in found.items() if mismatches == fewest]
    futures = {_future_sessions(exchange, days[-1]) for exchange in best}
    return best[0] if len(futures) == 1 else ""


def _expected_days(days: Days, open_on: NDArray[np.bool_]) -> Days:
    """All days of the span on the weekdays in `open_on`, shape (7,), without the gaps in the series."""
    every: Days = np.arange(days[0], days[-1] + np.timedelta64(1, "D"))
    expected = every[open_on[weekday(every)]]
    rows = np.flatnonzero(np.isin(expected, days))
    kept = np.ones(len(expected), dtype=bool)
    for row in np.flatnonzero(np.diff(rows) > GAP):
        kept[rows[row] + 1 : rows[row + 1]] = False
    return expected[kept]


def _candidates(expected: Days, absent: Days) -> list[str]:
    """The exchanges on whose fixed holidays the series has almost no rows, those with most such days first."""
    day_of_year = np.array([str(day)[5:] for day in expected])
    is_absent = np.isin(expected, absent)
    fixed = {exchange: np.isin(day_of_year, closed.split()) for exchange, closed in CLOSED.items()}
    fits = [exchange for exchange, days in fixed.items() if is_absent[days].sum() >= OBSERVED * days.sum()]
    return sorted(fits, key=lambda exchange: -int(fixed[exchange].sum()))


def _count_mismatches(exchange: str, expected: Days, absent: Days) -> int | None:
    """Count the days with either rows or a session, but not both; None if the series does not fit the exchange."""
    sessions = find_sessions(exchange, expected[-1])
    if sessions is None:
        return None
    known = sessions.days[(sessions.days >= expected[0]) & (sessions.days <= expected[-1])]
    expected, absent = (days[(days >= sessions.days[0]) & (days <= sessions.days[-1])] for days in (expected, absent))
    if len(expected) < MIN_DAYS or (~np.isin(weekday(known), weekday(expected))).mean() > RARE:
        return None
    holidays = expected[~np.isin(expected, known)]
    both = np.isin(holidays, absent).sum()
    if both < max(MIN_HOLIDAYS, OBSERVED * len(holidays), EXPLAINED * len(absent)):
        return None
    return int(len(holidays) + len(absent) - 2 * both)


def _future_sessions(exchange: str, last: np.datetime64) -> bytes:
    """The sessions of the two years after `last`, as bytes to compare."""
    sessions = find_sessions(exchange, last)
    return b"" if sessions is None else sessions.days[sessions.days > last].tobytes()
