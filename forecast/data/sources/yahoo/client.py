"""Ask Yahoo Finance through yfinance, and find the reason if there is no answer.

In: a ticker, an interval, and perhaps a start. Out: its bars, unadjusted and adjusted, or an error:

    too many requests                      RateLimited     retried
    unknown or delisted                    UnknownTicker
    known, but no rows                     NoData
    no answer in time, a broken answer     NoNetwork       retried
    no connection to Yahoo                 NoRoute         a NoNetwork that a retry would not help

The pauses between retries grow, and are logged to the logger "forecast". Whoever asks says until when to try. An answer
of more than a bound, or with rows that cannot be right, is an error too.
"""

import logging
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from math import isfinite
from typing import Any

import pandas as pd
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential,
    wait_random,
)

from forecast.data.sources.yahoo.cache import COLUMNS, Download
from forecast.errors import NoData, NoNetwork, RateLimited, SourceError, UnknownTicker
from forecast.runtime.names import visible

# Timeouts in seconds: for a connection, then for prices, and for a cookie, which prices rarely need.
CONNECT, ANSWER, COOKIE = 5.0, 20.0, 5.0
# Attempts, and the pauses between them (about 3, 6 and 12 s).
ATTEMPTS = 4
PAUSE = wait_exponential(multiplier=3, max=30) + wait_random(0, 2)
# Seconds in which a failure is said, and those if the user chose to wait.
PROMPT, PATIENT = 10.0, 120.0
# Bytes of an answer; the prices of a century are two million.
LARGEST_ANSWER = 64 << 20
# Instruments whose price may be negative, as that of oil was in April 2020; rows with the time of another one, as the
# last of an open session, and as a share of all.
MAY_BE_NEGATIVE, FEW, SHARE = ("FUTURE",), 2, 0.01
# How long a download is fresh: daily bars until the session ends (Yahoo is up to half an hour late) and at most half a
# day, shorter ones for five minutes while a session is open.
FRESH, FRESH_IN_SESSION, DELAY = timedelta(hours=12), timedelta(minutes=5), timedelta(minutes=30)

CHART = "/v8/finance/chart/"
# Error codes of curl: proxy not found, host not found, no connection, certificate not trusted, proxy refuses.
NO_ROUTE = (5, 6, 7, 60, 97)

log = logging.getLogger("forecast")
# yfinance has one session and one configuration for the whole process.
_lock = threading.Lock()


class NoRoute(NoNetwork):
    """There is no connection to the service at all."""


@dataclass
class Refused(Exception):
    """Yahoo's answer about prices is an error, with an HTTP status and perhaps a reason, or it is empty."""

    status: int
    reason: str


def deadline_of(*, wait: bool) -> float:
    """Until when to try, on the clock of `time.monotonic`."""
    return time.monotonic() + (PATIENT if wait else PROMPT)


@dataclass
class WrongRows(Exception):
    """Yahoo's answer holds rows that cannot be right."""

    reason: str


def ask(
    ticker: str, interval: str, *, deadline: float, start: datetime | None = None, attempts: int | None = None
) -> Download:
    """Ask for the bars of a ticker since `start`, by default all; retry after faults that may pass.

    Args:
        deadline: As `deadline_of` gives it.
    Raises:
        SourceError: of a kind in the table above, after the last attempt.
    """
    attempts = attempts or ATTEMPTS

    def say(state: RetryCallState) -> None:
        pause, number = state.upcoming_sleep, state.attempt_number + 1
        why = visible(reason_of(state.outcome.exception(), ticker)) if state.outcome else ""
        log.warning("%s: %s; trying again in %.0f s (%d of %d).", ticker, why, pause, number, attempts)

    retrying = Retrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_attempt(attempts) | stop_before_delay(deadline - time.monotonic()),
        wait=PAUSE,
        before_sleep=say,
        reraise=True,
    )
    return retrying(_ask_once, ticker, interval, start, deadline)


def reason_of(error: BaseException | None, ticker: str) -> str:
    """The first sentence of an error without the ticker."""
    return str(error).removeprefix(f"{ticker}: ").partition(". ")[0].rstrip(".")


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, RateLimited | NoNetwork) and not isinstance(error, NoRoute)


def _ask_once(ticker: str, interval: str, start: datetime | None, deadline: float) -> Download:
    """Ask once, with every adjustment named."""
    span = {"start": start} if start else {"period": "max"}
    adjustment = {"auto_adjust": False, "back_adjust": False, "actions": True, "repair": False}
    yfinance = load_yfinance()
    # A user cannot mend the deprecations inside yfinance.
    silenced = warnings.catch_warnings(action="ignore", category=DeprecationWarning)
    with _lock, silenced, _configured(yfinance, deadline) as session:
        try:
            client = yfinance.Ticker(ticker, session=session)
            bars = client.history(interval=interval, timeout=ANSWER, **span, **adjustment)
            return _download(ticker, interval, bars, client.get_history_metadata())
        except Exception as error:
            raise _explain(ticker, interval, error) from error


@contextmanager
def _configured(yfinance: Any, deadline: float) -> Iterator[Any]:
    """Make yfinance raise errors and log nothing, and its session check answers; restore all afterwards."""
    debug, logger, session = yfinance.config.debug, logging.getLogger("yfinance"), _session()
    before = debug.hide_exceptions, logger.disabled
    debug.hide_exceptions, logger.disabled = False, True
    session.is_checking, session.was_refused, session.deadline = True, False, deadline
    yfinance.data.YfData.cache_get.cache_clear()  # it would repeat a broken answer without asking
    try:
        yield session
    finally:
        debug.hide_exceptions, logger.disabled = before
        session.is_checking = False


@cache
def _session() -> Any:
    """The session with Yahoo, one a process: it limits wait and size of answers, and raises the errors in them."""
    from curl_cffi import requests
    from curl_cffi.curl import CURL_WRITEFUNC_ERROR

    class Session(requests.Session[Any]):
        is_checking = was_refused = False
        deadline = 0.0

        def _limited(self, method: Any, url: str, connect: float, answer: float, options: dict[str, Any]) -> Any:
            left = max(0.1, self.deadline - time.monotonic())
            connect = min(connect, left / 2)
            content = bytearray()

            def keep(part: bytes) -> int:
                content.extend(part)
                return len(part) if len(content) <= LARGEST_ANSWER else CURL_WRITEFUNC_ERROR

            limits = {"timeout": (connect, min(answer, left - connect)), "content_callback": keep}
            try:
                found = super().request(method, url, **{**options, **limits})
            except requests.exceptions.RequestException:
                if len(content) > LARGEST_ANSWER:
                    raise WrongRows(f"an answer of more than {LARGEST_ANSWER >> 20} MB") from None
                raise
            found.content = bytes(content)
            return found

        def request(self, method: Any, url: str, **options: Any) -> Any:  # type: ignore[override]
            if not self.is_checking:
                return super().request(method, url, **options)
            if CHART not in url:
                return self._limited(method, url, COOKIE, 0.0, options)
            answer = self._limited(method, url, CONNECT, ANSWER, options)
            if answer.status_code < 400 or self.was_refused:
                _check_answer(answer)
            self.was_refused = answer.status_code >= 400  # yfinance then asks once more, with another cookie
            return answer

    return Session(impersonate="chrome")


def _check_answer(answer: Any) -> None:
    """Raise `Refused` for an error or an empty result; yfinance would ask a second address about the ticker."""
    try:
        chart = answer.json()["chart"]
        reason = str((chart.get("error") or {}).get("description") or "").rstrip(".").replace(". ", "; ")
        is_empty = not chart.get("result")
        wrong = "" if is_empty else _wrong_rows(chart["result"][0])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        reason, is_empty, wrong = "", False, ""
    if answer.status_code >= 400 or reason or is_empty:
        raise Refused(answer.status_code, reason)
    if wrong:
        raise WrongRows(wrong)


def _wrong_rows(result: Mapping[str, Any]) -> str:
    """Why the rows of a chart cannot be right; empty if they can."""
    stamps = result.get("timestamp") or []
    quote = result["indicators"]["quote"][0] if stamps else {}
    prices = [
        price for name in ("open", "high", "low", "close") for price in quote.get(name) or () if price is not None
    ]
    if len(stamps) - len(set(stamps)) > max(FEW, SHARE * len(stamps)):
        return f"{len(stamps) - len(set(stamps)):,} of {len(stamps):,} rows have the time of another one"
    if any(later < earlier for earlier, later in pairwise(stamps)):
        return "its rows are not in the order of time"
    if stamps and stamps[-1] > time.time() + timedelta(days=2).total_seconds():
        return "its last row lies in the future"
    if prices and not all(map(isfinite, prices)):
        return "a price is no finite number"
    if prices and min(prices) < 0 and result["meta"].get("instrumentType") not in MAY_BE_NEGATIVE:
        return f"a price is {min(prices):g}"
    return ""


def _download(ticker: str, interval: str, bars: pd.DataFrame, meta: Mapping[str, Any]) -> Download:
    """Make a download of bars: plain columns, dates without a time zone."""
    if bars.empty:
        raise NoData(f"{ticker}: Yahoo Finance knows the ticker, but sent no rows at {interval}. Try another interval.")
    is_intraday = interval.endswith(("m", "h"))
    wall_clock = bars.index.tz_localize(None)  # type: ignore[attr-defined]
    bars = bars.assign(Date=(wall_clock if is_intraday else wall_clock.normalize()).as_unit("ns"))
    fetched = datetime.now(UTC)
    return Download(
        bars=bars[COLUMNS].drop_duplicates("Date", keep="last").reset_index(drop=True),
        ticker=ticker,
        interval=interval,
        currency=str(meta.get("currency") or "units"),
        kind=str(meta.get("instrumentType") or ""),
        zone=str(meta.get("exchangeTimezoneName") or "UTC"),
        fetched=fetched,
        fresh_until=_fresh_until(fetched, meta, is_intraday),
    )


def _fresh_until(fetched: datetime, meta: Mapping[str, Any], is_intraday: bool) -> datetime:
    """When Yahoo may have newer bars: after the session, or soon while it is open."""
    session = (meta.get("currentTradingPeriod") or {}).get("regular") or {}
    end = session.get("end")
    if not isinstance(end, pd.Timestamp) or end + DELAY <= fetched:
        return fetched + FRESH
    settled = (end + DELAY).tz_convert("UTC").to_pydatetime()
    return min(settled, fetched + (FRESH_IN_SESSION if is_intraday else FRESH))


def _explain(ticker: str, interval: str, error: Exception) -> SourceError:
    """Turn an error of yfinance, of Yahoo or of the network into one of the table above."""
    from yfinance.exceptions import YFPricesMissingError, YFRateLimitError, YFTzMissingError

    status, reason = (error.status, error.reason) if isinstance(error, Refused) else (0, "")
    if isinstance(error, WrongRows):
        return SourceError(
            f"{ticker}: Yahoo Finance sent rows that cannot be right at {interval}: {error.reason}. "
            "They are not used, and a copy stays as it is. Try again later."
        )
    if isinstance(error, SourceError):
        return error
    if isinstance(error, OSError):  # all errors of curl_cffi
        return _explain_network(ticker, error)
    if isinstance(error, YFRateLimitError) or status in (429, 999):
        return RateLimited(
            f"{ticker}: Yahoo Finance answers too many requests (429). "
            "Wait some minutes, or read the prices from a file."
        )
    if isinstance(error, YFTzMissingError) or status == 404 or "delisted" in reason or "Invalid ISIN" in str(error):
        return UnknownTicker(
            f"{ticker}: Yahoo Finance does not know this ticker, or it was delisted ({reason or error}). "
            "Spell it as on finance.yahoo.com. A file is named with its ending, as in prices.csv."
        )
    if status >= 500 or status in (401, 403):
        return NoNetwork(f"{ticker}: Yahoo Finance is out of order or refuses ({status} {reason}). Try again later.")
    if reason:
        return NoData(f"{ticker}: Yahoo Finance has no such rows at {interval} ({reason}). Try another interval.")
    if isinstance(error, YFPricesMissingError) or status == 200:
        return NoData(
            f"{ticker}: Yahoo Finance sent no rows at {interval} and no reason. Try another interval, and spell the "
            "ticker as on finance.yahoo.com. An ad-blocker can empty answers too."
        )
    why = " ".join(f"{type(error).__name__}: {error}".split())[:120]
    return NoNetwork(f"{ticker}: Yahoo Finance sent an answer that is broken or cut off ({why}). Try again later.")


def _explain_network(ticker: str, error: OSError) -> SourceError:
    """Tell a slow or broken connection from none."""
    text = " ".join(str(error).split())
    is_late = "Timeout" in type(error).__name__
    if is_late and re.search(r"(Operation|Read) timed out", text):
        return NoNetwork(
            f"{ticker}: Yahoo Finance did not answer in time. Try again later, or wait for it with --wait."
        )
    match = re.search(r"curl: \(\d+\) (.*?)\.?(?: See https|$)", text)
    why = (match[1] if match else text).replace(". ", "; ")
    if is_late or getattr(error, "code", 0) in NO_ROUTE:
        return NoRoute(
            f"{ticker}: Yahoo Finance cannot be reached ({why}). "
            "Check the network. A file is named with its ending, as in prices.csv."
        )
    return NoNetwork(f"{ticker}: the connection to Yahoo Finance broke off ({why}). Try again later.")


def load_yfinance() -> Any:
    """Import yfinance, with its libcurl bound to its own functions and without its databases.

    TensorFlow has a libcurl of its own. If it was loaded first, as in a notebook, Linux would mix the two, and every
    download would fail with "Impersonating chrome is not supported".

    The databases (of time zones and cookies) spare one short question a ticker, but fail if they are locked, damaged
    or the disk is full. A location that cannot be a folder switches them off.
    """
    if hasattr(os, "RTLD_DEEPBIND"):
        flags = sys.getdlopenflags()
        sys.setdlopenflags(flags | os.RTLD_DEEPBIND)
        try:
            import curl_cffi  # noqa: F401
        finally:
            sys.setdlopenflags(flags)
    import yfinance

    yfinance.set_tz_cache_location(os.devnull)
    return yfinance
