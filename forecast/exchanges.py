"""Exchanges: which one a series follows, and when that one is open.

In: a ticker, a name that somebody typed, or the dates of a file. Out: the name of a calendar of the package
`exchange_calendars`, mostly the exchange's market identifier code (ISO 10383), and its sessions. `24/7` (crypto) and
`24/5` (currencies) stand for no exchange at all; an empty name says that only the frequency is known.

The calendars are built where they are needed, in about 0.1 s each (Korea's in 1.6 s).
"""

import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from forecast.errors import ConfigError, WriteError
from forecast.files import whole_file

if TYPE_CHECKING:
    import pandas as pd

Days = NDArray[np.datetime64]

ALWAYS = "24/7"
WEEKDAYS = "24/5"
# Tickers of Yahoo Finance by exchange: how those of shares end, and the indices that end in nothing. Bourses without a
# calendar in the package (Cairo, Dubai, Kuwait, Doha, Caracas, Colombo, Ho Chi Minh City) are not here.
TICKERS = {
    "XNYS": "^GSPC ^SPX ^SP500TR ^DJI ^DJT ^DJU ^IXIC ^NDX ^RUT ^RUI ^RUA ^NYA ^XAX ^OEX ^MID ^SML ^SOX ^VIX ^VXN "
    "^W5000 ^TNX ^TYX ^FVX ^IRX",
    "XLON": ".IL .L .XC .AQ ^FTSE ^FTMC ^FTAS ^FTLC",
    "XTKS": ".T ^N225 ^TPX",
    "XHKG": ".HK ^HSI ^HSCE ^HSCC",
    "XETR": ".DE ^GDAXI ^MDAXI ^SDAXI ^TECDAX",
    "XPAR": ".NX .PA ^FCHI ^SBF120 ^N100 ^STOXX50E ^STOXX",
    "XBOM": ".BO .NS ^BSESN ^NSEI ^NSEBANK ^CNXIT",
    "BVMF": ".SA ^BVSP",
    "XTSE": ".CN .NE .TO .V ^GSPTSE",
    "XASX": ".AX .XA ^AXJO ^AORD ^AXKO",
    "XKRX": ".KQ .KS ^KS11 ^KS200 ^KQ11",
    "XTAI": ".TW .TWO ^TWII ^TWOII",
    "XSWX": ".SW ^SSMI",
    "XSTO": ".ST ^OMX ^OMXS30",
    "XHEL": ".HE ^OMXH25 ^OMXHPI",
    "XCSE": ".CO ^OMXC20 ^OMXC25",
    "XOSL": ".OL ^OSEAX",
    "XAMS": ".AS ^AEX ^AMX",
    "XBRU": ".BR ^BFX",
    "XMAD": ".MC ^IBEX",
    "XWBO": ".VI ^ATX",
    "XDUB": ".IR ^ISEQ",
    "XMEX": ".MX ^MXX",
    "XBUE": ".BA ^MERV",
    "XSGO": ".SN ^IPSA",
    "XSES": ".SI ^STI",
    "XIDX": ".JK ^JKSE",
    "XKLS": ".KL ^KLSE",
    "XNZE": ".NZ ^NZ50",
    "XTAE": ".TA ^TA125",
    "ASEX": ".AT",
    "XBUD": ".BD",
    "XFRA": ".BE .BM .F .HA .MU",
    "XBKK": ".BK",
    "CMES": ".CBT .CME .CMX .NYM",
    "XBOG": ".CL",
    "XDUS": ".DU",
    "XHAM": ".HM",
    "XICE": ".IC",
    "XIST": ".IS",
    "XJSE": ".JO",
    "XKAR": ".KA",
    "XLIM": ".LM",
    "XLIS": ".LS",
    "XMOS": ".ME",
    "XMIL": ".MI .TI",
    "IEPA": ".NYB",
    "XPRA": ".PR",
    "XPHS": ".PS",
    "XRIS": ".RG",
    "XBSE": ".RO",
    "XSAU": ".SAU .SR",
    "XSTU": ".SG",
    "XSHG": ".SS .SZ",
    "XTAL": ".TL",
    "XLIT": ".VS",
    "XWAR": ".WA",
}
# Futures of ICE in New York; all others of Yahoo are the CME's.
ICE = "CC=F CT=F DX=F KC=F OJ=F SB=F"
# What prices of coins are quoted in: BTC-USD is a pair, BRK-B a share.
QUOTES = "USD EUR GBP JPY CHF CAD AUD NZD CNY INR KRW BRL RUB TRY USDT USDC BUSD DAI BTC ETH BNB"
# Names that people use and the package does not know.
SPOKEN = {
    "crypto": ALWAYS,
    "fx": WEEKDAYS,
    "forex": WEEKDAYS,
    "amex": "XNYS",
    "b3": "BVMF",
    "euronext": "XPAR",
    "gpw": "XWAR",
    "krx": "XKRX",
    "nse": "XBOM",
    "tadawul": "XSAU",
    "xetra": "XETR",
    "xnse": "XBOM",
    "xshe": "XSHG",
}
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
# A calendar of whose days this one is a session is false: from pandas 3.1 on, the package turns the holidays of the
# Hebrew year into Easter (and cannot build those of the Orthodox year). None at all is better than that.
FALSE_SESSIONS = {"XTAE": np.datetime64("2026-04-02")}  # Passover

# Recognition looks at this many years, and at no series with fewer days in them; a year has 240 in Bangkok.
YEARS = 8
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


def exchange_of_ticker(ticker: str) -> str:
    """The exchange of a ticker of Yahoo Finance; empty where its suffix or index is not known.

    `AAPL` and `BRK-B` are American shares, `SAP.DE` trades on Xetra, `EURUSD=X` is a currency, `ES=F` a future and
    `BTC-USD` a coin.
    """
    ticker = ticker.strip().upper()
    base, _, quote = ticker.rpartition("-")
    if ticker.endswith("=X"):
        return WEEKDAYS
    if ticker.endswith("=F"):
        return "IEPA" if ticker in ICE.split() else "CMES"
    if "." in ticker or ticker.startswith("^"):
        ending = ticker[ticker.rfind(".") :] if "." in ticker else ticker
        return next((exchange for exchange, endings in TICKERS.items() if ending in endings.split()), "")
    return ALWAYS if base and quote in QUOTES.split() else "XNYS"


def check_exchange(name: str) -> str:
    """The calendar that a person means: its name or another one of the exchange, in any case.

    Raises:
        ConfigError: no such exchange; names the nearest ones.
    """
    import exchange_calendars

    known = {key.casefold(): key for key in exchange_calendars.get_calendar_names()}
    typed = name.strip().casefold()
    if typed in SPOKEN:
        return SPOKEN[typed]
    if typed in known:
        return str(exchange_calendars.resolve_alias(known[typed]))
    import difflib

    names = {word: word for word in SPOKEN} | known
    near = [names[word] for word in difflib.get_close_matches(typed, names, n=3, cutoff=0.5)]
    cure = f"Near: {', '.join(near)}." if near else "Leave it out to go by the dates."
    raise ConfigError(
        "`exchange` must be one that the package exchange_calendars knows, as in XNYS or NASDAQ, or `crypto` or `fx`. "
        f"Received: {name}. {cure}"
    )


def recognise(index: "pd.DatetimeIndex") -> str:
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
    return _recognise(days.tobytes()) if len(days) >= LEAST_DAYS else ""


@lru_cache(maxsize=64)
def _recognise(stored: bytes) -> str:
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


def weekday(days: Days) -> NDArray[np.int64]:
    """Monday is 0, as in pandas; 1970-01-01 was a Thursday."""
    return np.asarray((days.astype("M8[D]").astype(np.int64) + 3) % 7)


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
    with suppress(OSError, WriteError), whole_file(copy) as work, work.open("wb") as file:
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
