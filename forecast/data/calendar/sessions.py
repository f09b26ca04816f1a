"""The sessions of an exchange: when it is open, from some years before a day to those after it that are published.

In: the name of a calendar (`exchanges.py`). They come from the package `exchange_calendars`, are built where they are
needed, in about 0.1 s each (Korea's in 1.6 s), and kept on disk for the next process.
"""

import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from forecast.data.calendar.exchanges import ALWAYS, WEEKDAYS
from forecast.errors import WriteError
from forecast.runtime.atomic import atomic_file

Days = NDArray[np.datetime64]

# Years that are known before a day.
YEARS = 8
# A calendar of whose days this one is a session is false: from pandas 3.1 on, the package turns the holidays of the
# Hebrew year into Easter (and cannot build those of the Orthodox year). None at all is better than that.
FALSE_SESSIONS = {"XTAE": np.datetime64("2026-04-02")}  # Passover


@dataclass(frozen=True, eq=False)
class Sessions:
    """The sessions of one exchange, shape (N,), oldest first.

    Attributes:
        days: The dates that name them.
        opens: When they begin, on the clocks of the exchange; the evening before where they run overnight.
        closes: When they end, earlier on half days.
        zone: The time zone of those clocks, as in `America/New_York`.
    """

    days: Days
    opens: Days
    closes: Days
    zone: str


def find_sessions(exchange: str, last: np.datetime64, *, ahead: int = 0) -> Sessions | None:
    """The sessions from 8 years before `last` to at least `ahead` sessions after it.

    They end earlier where the exchange has not said more: in December of the year, for India, China and Singapore.

    Returns:
        None where there is no calendar: for `24/7`, `24/5` and an empty name, and where the package fails to build it.
    """
    if exchange in ("", ALWAYS, WEEKDAYS):
        return None
    year = int(str(last)[:4])
    until = int(str(last.astype("M8[D]") + np.timedelta64(int(1.6 * ahead), "D"))[:4])
    return _build(exchange, year - YEARS, max(year + 2, until + 1))


@lru_cache(maxsize=32)
def _build(exchange: str, first: int, last: int) -> Sessions | None:
    """The sessions of the years `first` to `last`."""
    copy = _copy_of(exchange, first, last)
    if (kept := _read_copy(copy)) is not None:
        return kept
    with warnings.catch_warnings():  # the package's own deprecations, which no user can put right
        warnings.simplefilter("ignore")
        try:
            calendar = _calendar(exchange, f"{first}-01-01", f"{last}-12-31")
        except (ValueError, NotImplementedError):
            return None
    schedule, zone = calendar.schedule, calendar.tz
    sessions = Sessions(
        days=schedule.index.to_numpy().astype("M8[D]"),
        opens=schedule["open"].dt.tz_convert(zone).dt.tz_localize(None).to_numpy().astype("M8[ns]"),
        closes=schedule["close"].dt.tz_convert(zone).dt.tz_localize(None).to_numpy().astype("M8[ns]"),
        zone=str(zone),
    )
    if FALSE_SESSIONS.get(exchange) in sessions.days:
        return None
    _keep_copy(sessions, copy)
    return sessions


def _copy_of(exchange: str, first: int, last: int) -> Path | None:
    """Where the sessions are kept for the next process; None without the package. Another version begins anew."""
    import platformdirs

    spec = find_spec("exchange_calendars")
    if spec is None or spec.origin is None:
        return None
    stamp = Path(spec.origin).stat().st_mtime_ns
    folder = platformdirs.user_cache_path("forecast") / "sessions"
    return folder / f"{exchange.replace('/', '-')}-{first}-{last}-{stamp:x}.npz"


def _read_copy(copy: Path | None) -> Sessions | None:
    if copy is None or not copy.is_file():
        return None
    try:
        with np.load(copy, allow_pickle=False) as arrays:
            return Sessions(arrays["days"], arrays["opens"], arrays["closes"], str(arrays["zone"]))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


def _keep_copy(sessions: Sessions, copy: Path | None) -> None:
    """Building a calendar takes a tenth of a second; a disk that is full or read-only does without."""
    if copy is None:
        return
    with suppress(OSError, WriteError), atomic_file(copy) as work, work.open("wb") as file:
        np.savez(file, allow_pickle=False, **vars(sessions))


def _calendar(exchange: str, start: str, end: str) -> Any:
    """The calendar of that span, or of the part of it that the exchange has published."""
    import exchange_calendars
    import pandas as pd

    try:
        return exchange_calendars.get_calendar(exchange, start=start, end=end)
    except ValueError:
        usual = exchange_calendars.get_calendar(exchange)
        first, last = usual.bound_min(), usual.bound_max()
        start = start if first is None else max(pd.Timestamp(start), first)
        end = end if last is None else min(pd.Timestamp(end), last)
        return exchange_calendars.get_calendar(exchange, start=start, end=end)


def weekday(days: Days) -> NDArray[np.int64]:
    """Monday is 0, as in pandas; 1970-01-01 was a Thursday."""
    return np.asarray((days.astype("M8[D]").astype(np.int64) + 3) % 7)
