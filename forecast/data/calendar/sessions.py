"""The trading sessions of an exchange, past and published.

In: the name of a calendar (see `exchanges.py`), and a date. Out: `Sessions`. They come from the package
`exchange_calendars`, which builds a calendar in about 0.1 s (Korea's in 1.6 s), and are cached on disk.
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

from forecast.data.calendar.exchanges import ALWAYS_OPEN, WEEKDAYS
from forecast.errors import ConfigError, WriteError
from forecast.runtime.atomic import atomic_file

Days = NDArray[np.datetime64]

# Years of sessions before a date.
YEARS_BACK = 8
# A calendar is wrong if it has a session on this day: from pandas 3.1 on, the package turns the holidays of the Hebrew
# year into Easter (and cannot build those of the Orthodox year). A wrong calendar is not used.
FALSE_SESSIONS = {"XTAE": np.datetime64("2026-04-02")}  # Passover


@dataclass(frozen=True, eq=False)
class Sessions:
    """The N sessions of an exchange, arrays of shape (N,), oldest first.

    Attributes:
        days: Their dates.
        opens: When they open, in local time of the exchange; on the evening before if they run overnight.
        closes: When they close, in local time; earlier on half days.
        zone: The time zone, such as `America/New_York`.
    """

    days: Days
    opens: Days
    closes: Days
    zone: str


def find_sessions(exchange: str, last: np.datetime64, *, ahead: int = 0) -> Sessions | None:
    """Find the sessions from 8 years before `last` to at least `ahead` sessions after it.

    They end earlier if the exchange has not published more, such as in December for India, China and Singapore.

    Returns:
        None for `24/7`, `24/5` and an empty name, and if the package fails to build the calendar.

    Raises:
        ConfigError: there is no such exchange, as in a bundle from a newer version of the package.
    """
    if exchange in ("", ALWAYS_OPEN, WEEKDAYS):
        return None
    year = int(str(last)[:4])
    until = int(str(last.astype("M8[D]") + np.timedelta64(int(1.6 * ahead), "D"))[:4])
    return _build_sessions(exchange, year - YEARS_BACK, max(year + 2, until + 1))


@lru_cache(maxsize=32)
def _build_sessions(exchange: str, first: int, last: int) -> Sessions | None:
    """Build the sessions of the years `first` to `last`, or read them from the cache."""
    cached = _cache_path(exchange, first, last)
    if (known := _read_cached(cached)) is not None:
        return known
    with warnings.catch_warnings():  # deprecations inside the package, which a user cannot mend
        warnings.simplefilter("ignore")
        try:
            calendar = _get_calendar(exchange, f"{first}-01-01", f"{last}-12-31")
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
    _write_cache(sessions, cached)
    return sessions


def _cache_path(exchange: str, first: int, last: int) -> Path | None:
    """Path of the cached sessions, which changes with the version of the package; None without the package."""
    import platformdirs

    spec = find_spec("exchange_calendars")
    if spec is None or spec.origin is None:
        return None
    stamp = Path(spec.origin).stat().st_mtime_ns
    folder = platformdirs.user_cache_path("forecast") / "sessions"
    return folder / f"{exchange.replace('/', '-')}-{first}-{last}-{stamp:x}.npz"


def _read_cached(path: Path | None) -> Sessions | None:
    if path is None or not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Sessions(arrays["days"], arrays["opens"], arrays["closes"], str(arrays["zone"]))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


def _write_cache(sessions: Sessions, path: Path | None) -> None:
    """Cache the sessions; do nothing if the disk is full or read-only."""
    if path is None:
        return
    with suppress(OSError, WriteError), atomic_file(path) as work, work.open("wb") as file:
        np.savez(file, allow_pickle=False, **vars(sessions))


def _get_calendar(exchange: str, start: str, end: str) -> Any:
    """Build the calendar of a span, or of the published part of it."""
    import exchange_calendars
    import pandas as pd
    from exchange_calendars.errors import InvalidCalendarName

    try:
        return exchange_calendars.get_calendar(exchange, start=start, end=end)
    except InvalidCalendarName as error:
        raise ConfigError(
            f"`exchange` must be one that the package exchange_calendars knows. Received: {exchange}. "
            "Install a newer version of that package, or give `exchange` anew."
        ) from error
    except ValueError:
        usual = exchange_calendars.get_calendar(exchange)
        first, last = usual.bound_min(), usual.bound_max()
        start = start if first is None else max(pd.Timestamp(start), first)
        end = end if last is None else min(pd.Timestamp(end), last)
        return exchange_calendars.get_calendar(exchange, start=start, end=end)


def weekday(days: Days) -> NDArray[np.int64]:
    """Weekdays with Monday as 0, as in pandas; 1970-01-01 was a Thursday."""
    return np.asarray((days.astype("M8[D]").astype(np.int64) + 3) % 7)
