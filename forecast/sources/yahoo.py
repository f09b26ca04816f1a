"""Tickers of Yahoo Finance, through yfinance, with a copy on disk.

In: a ticker. Out: its daily bars with both the raw and the adjusted close, from the cache of the same day or fresh.
Files lie in the user's cache folder, one Parquet file a ticker, written whole or not at all.
"""

import os
import sys
import time
import urllib.parse
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import platformdirs

from forecast.errors import SourceError
from forecast.files import whole_file

# A copy younger than this many seconds is used as it is.
FRESH = 12 * 3600
TIMEOUT = 20
COLUMNS = ["Open", "High", "Low", "Close", "Adj Close", "Volume"]


@dataclass(frozen=True, eq=False)
class Download:
    """Daily bars of one ticker: a column `Date` and those in `COLUMNS`, in `currency`."""

    bars: pd.DataFrame
    currency: str
    notes: tuple[str, ...]


def read_ticker(ticker: str) -> Download:
    """All daily bars of a ticker; where Yahoo does not answer, an older copy with a note of its age.

    Raises:
        SourceError: Yahoo does not know the ticker, refuses, or cannot be reached, and there is no copy.
    """
    path = cache_path(ticker)
    if path.exists() and time.time() - path.stat().st_mtime < FRESH:
        return _read(path)
    try:
        bars, currency = _fetch(ticker)
    except SourceError as error:
        if not path.exists():
            raise
        copy = _read(path)
        note = f"the copy of {pd.Timestamp(path.stat().st_mtime, unit='s'):%Y-%m-%d} is used, for {error}"
        return Download(copy.bars, copy.currency, (*copy.notes, note))
    bars.attrs["currency"] = currency
    with whole_file(path) as work:
        bars.to_parquet(work)
    return _read(path)


def cache_path(ticker: str) -> Path:
    """Where the copy of a ticker's bars lies."""
    folder = platformdirs.user_cache_path("forecast") / "yahoo"
    return folder / f"{urllib.parse.quote(ticker.upper(), safe='')}.parquet"


def _read(path: Path) -> Download:
    bars = pd.read_parquet(path)
    empty = bars["Adj Close"].isna()
    notes = (f"{empty.sum()} rows without a price were left out",) if empty.any() else ()
    return Download(bars[~empty], bars.attrs["currency"], notes)


def _fetch(ticker: str) -> tuple[pd.DataFrame, str]:
    """The bars from Yahoo, unadjusted and adjusted, and their currency."""
    yfinance = load_yfinance()
    from curl_cffi.requests.exceptions import HTTPError, RequestException
    from yfinance.exceptions import YFException, YFRateLimitError

    yfinance.config.debug.hide_exceptions = False
    client = yfinance.Ticker(ticker)
    try:
        with warnings.catch_warnings():  # yfinance shows its own deprecations, which no user can put right
            warnings.simplefilter("ignore", DeprecationWarning)
            bars = client.history(period="max", interval="1d", auto_adjust=False, actions=False, timeout=TIMEOUT)
    except YFRateLimitError as error:
        raise SourceError(f"{ticker}: Yahoo Finance answers too many requests (429). Wait some minutes.") from error
    except YFException as error:
        reason = str(error).rstrip(".")
        raise SourceError(f"Yahoo Finance has no prices of this ticker. {reason}. Is it spelt as on Yahoo?") from error
    except HTTPError as error:
        raise SourceError(f"{ticker}: Yahoo Finance answers {error}. Is the ticker spelt as on Yahoo?") from error
    except (RequestException, OSError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise SourceError(f"{ticker}: no such file, and Yahoo Finance cannot be reached. {reason}.") from error
    except (LookupError, TypeError, ValueError) as error:
        raise SourceError(f"{ticker}: Yahoo Finance sent an answer that cannot be read. Try again later.") from error
    if bars.empty:
        raise SourceError(f"{ticker}: Yahoo Finance sent no rows. Try again later, or check the ticker.")
    bars.index = bars.index.tz_localize(None).normalize().rename("Date")
    return bars[COLUMNS].reset_index(), str(client.history_metadata.get("currency") or "units")


def load_yfinance() -> Any:
    """The package yfinance, with its build of libcurl bound to its own functions.

    TensorFlow carries a libcurl of its own. Where it was loaded first, as in a notebook, Linux would mix the two, and
    every download would fail with "Impersonating chrome is not supported".
    """
    if hasattr(os, "RTLD_DEEPBIND"):
        flags = sys.getdlopenflags()
        sys.setdlopenflags(flags | os.RTLD_DEEPBIND)
        try:
            import curl_cffi  # noqa: F401
        finally:
            sys.setdlopenflags(flags)
    import yfinance

    return yfinance
