"""Recognition: which exchange the dates of a file follow, told by the holidays that they leave out."""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecast.data.calendar.sessions import YEARS, Days, find_sessions, weekday

if TYPE_CHECKING:
    import pandas as pd

# The exchanges that a file's dates are compared with, the common ones first, and days of each year, as in 12-25, on
# which they never trade: a calendar is built only where the file leaves those days out.
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
# No series with fewer days is looked at; a year has 240 in Bangkok.
LEAST_DAYS = 230
# A file follows an exchange that closed on at least so many of its weekdays ...
LEAST_HOLIDAYS = 5
# ... of which it leaves out this share, and they are this share of all the days that it leaves out.
OBSERVED = 0.9
EXPLAINED = 0.7
# So many sessions without a row are a gap in the file: no exchange closes for that long.
GAP = 10
# Above this share of weekdays left out, no exchange is looked for.
MOST_ABSENT = 0.12
# A weekday with a smaller share of the days is one of special sessions.
RARE = 0.03


def infer_exchange(index: "pd.DatetimeIndex") -> str:
    """The exchange whose holidays the dates of a series leave out; empty where there is none, or any doubt.

    A file must leave out nine in ten of an exchange's holidays, and little else, in its last 8 years. Of those that
    fit, the one with the fewest days of difference is taken; where others have as few, they must agree on the days to
    come (Paris stands for Amsterdam, whose sessions are the same). Rows on all days of the week, or on all weekdays,
    and rows of one weekday only, name none: their frequency says enough.

    Args:
        index: Dates, shape (T,), strictly increasing, with or without times of day.
    Returns:
        A name such as `XNYS`; never `24/7` or `24/5`.
    """
    stamps = index.to_numpy()
    last = stamps[-1].astype("M8[D]")
    recent = stamps[stamps >= last - np.timedelta64(round(YEARS * 365.25), "D")]
    days = np.unique(recent.astype("M8[D]"))
    return _infer_exchange(days.tobytes()) if len(days) >= LEAST_DAYS else ""


@lru_cache(maxsize=64)
def _infer_exchange(stored: bytes) -> str:
    """The exchange of distinct days, which are handed over as bytes for the sake of the cache."""
    days: Days = np.frombuffer(stored, dtype="M8[D]")
    open_on = np.bincount(weekday(days), minlength=7) > RARE * len(days)
    due = _due(days, open_on)
    absent = due[~np.isin(due, days)]
    if open_on.sum() != 5 or not LEAST_HOLIDAYS <= len(absent) <= MOST_ABSENT * len(due):
        return ""
    found = {exchange: _difference(exchange, due, absent) for exchange in _candidates(due, absent)}
    least = min((difference for difference in found.values() if difference is not None), default=0)
    best = [exchange for exchange, difference in found.items() if difference == least]
    futures = {_days_after(exchange, days[-1]) for exchange in best}
    return best[0] if len(futures) == 1 else ""


def _due(days: Days, open_on: NDArray[np.bool_]) -> Days:
    """All days of the span that fall on the weekdays in `open_on`, shape (7,), less the gaps in the rows."""
    every: Days = np.arange(days[0], days[-1] + np.timedelta64(1, "D"))
    due = every[open_on[weekday(every)]]
    rows = np.flatnonzero(np.isin(due, days))
    kept = np.ones(len(due), dtype=bool)
    for row in np.flatnonzero(np.diff(rows) > GAP):
        kept[rows[row] + 1 : rows[row + 1]] = False
    return due[kept]


def _candidates(due: Days, absent: Days) -> list[str]:
    """The exchanges on whose fixed holidays the file has next to no rows, those with the most such days first."""
    day_of_year = np.array([str(day)[5:] for day in due])
    left_out = np.isin(due, absent)
    fixed = {exchange: np.isin(day_of_year, closed.split()) for exchange, closed in CLOSED.items()}
    fits = [exchange for exchange, days in fixed.items() if left_out[days].sum() >= OBSERVED * days.sum()]
    return sorted(fits, key=lambda exchange: -int(fixed[exchange].sum()))


def _difference(exchange: str, due: Days, absent: Days) -> int | None:
    """Days on which either the file has rows or the exchange is open; None where the file does not follow it."""
    sessions = find_sessions(exchange, due[-1])
    if sessions is None:
        return None
    known = sessions.days[(sessions.days >= due[0]) & (sessions.days <= due[-1])]
    due, absent = (part[(part >= sessions.days[0]) & (part <= sessions.days[-1])] for part in (due, absent))
    if len(due) < LEAST_DAYS or (~np.isin(weekday(known), weekday(due))).mean() > RARE:
        return None
    holidays = due[~np.isin(due, known)]
    both = np.isin(holidays, absent).sum()
    if both < max(LEAST_HOLIDAYS, OBSERVED * len(holidays), EXPLAINED * len(absent)):
        return None
    return int(len(holidays) + len(absent) - 2 * both)


def _days_after(exchange: str, last: np.datetime64) -> bytes:
    """The sessions of the two years after `last`, to be compared."""
    sessions = find_sessions(exchange, last)
    return b"" if sessions is None else sessions.days[sessions.days > last].tobytes()
