"""Questions to Yahoo Finance through yfinance, and the true reason where there is no answer.

In: a ticker, an interval, perhaps from when on. Out: its bars, unadjusted and adjusted, or an error of its own kind:

    too many requests                   RateLimited     asked again
    not known, or delisted              UnknownTicker
    known, but no rows                  NoData
    no answer in time, half an answer   NoNetwork       asked again
    no way to Yahoo at all              NoRoute         a NoNetwork; to ask again in some seconds would not help

The pauses between the tries grow, and are told to the logger "forecast".
"""

import json
import logging
import os
import re
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
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

# Seconds until there is a connection, from then until there are prices, and for a cookie, which prices rarely need.
CONNECT, ANSWER, COOKIE = 5.0, 20.0, 5.0
# Tries, the pauses between them (about 3, 6 and 12 s), and the seconds after which no further try begins.
TRIES = 4
PAUSE = wait_exponential(multiplier=3, max=30) + wait_random(0, 2)
BUDGET = 60
# Bars are new at most this late: those of days when the session ends (Yahoo is up to half an hour late), at the latest
# after half a day; shorter ones while a session is open after five minutes.
FRESH, FRESH_IN_SESSION, DELAY = timedelta(hours=12), timedelta(minutes=5), timedelta(minutes=30)

CHART = "/v8/finance/chart/"
# curl's numbers: proxy not found, host not found, no connection, certificate not trusted, proxy refuses.
NO_ROUTE = (5, 6, 7, 60, 97)

log = logging.getLogger("forecast")
# yfinance keeps one connection and one configuration for the whole process.
_turn = threading.Lock()


class NoRoute(NoNetwork):
    """There is no way to the service at all."""


def ask(ticker: str, interval: str, *, start: datetime | None = None, tries: int | None = None) -> Download:
    """The bars of a ticker since `start`, or all that Yahoo gives; asked again after a fault that may pass.

    Raises:
        SourceError: of the kind in the drawing above, after the last try.
    """
    tries = tries or TRIES

    def say(state: RetryCallState) -> None:
        pause = state.upcoming_sleep
        why = reason(state.outcome.exception(), ticker) if state.outcome else ""
        log.warning("%s: %s; trying again in %.0f s (%d of %d).", ticker, why, pause, state.attempt_number + 1, tries)

    again = Retrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_attempt(tries) | stop_before_delay(BUDGET),
        wait=PAUSE,
        before_sleep=say,
        reraise=True,
    )
    return again(_ask_once, ticker, interval, start)


def reason(error: BaseException | None, ticker: str) -> str:
    """What was wrong, without the ticker and the cure."""
    return str(error).removeprefix(f"{ticker}: ").partition(". ")[0].rstrip(".")


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, RateLimited | NoNetwork) and not isinstance(error, NoRoute)


def _ask_once(ticker: str, interval: str, start: datetime | None) -> Download:
    with _turn:
        yfinance = load_yfinance()
        try:
            return _history(yfinance, ticker, interval, start)
        except yfinance.cache._peewee.PeeweeException:
            _do_without_databases(yfinance.cache)
            return _history(yfinance, ticker, interval, start)


def _history(yfinance: Any, ticker: str, interval: str, start: datetime | None) -> Download:
    """One question, with every adjustment named; yfinance's own settings are as before when it returns."""
    span = {"start": start} if start else {"period": "max"}
    adjustment = {"auto_adjust": False, "back_adjust": False, "actions": True, "repair": False}
    answers: list[Any] = []
    try:
        with _settings(yfinance):
            client = yfinance.Ticker(ticker)
            with _listening(client._data, answers):
                bars = client.history(interval=interval, timeout=ANSWER, **span, **adjustment)
            return _download(ticker, interval, bars, client.get_history_metadata())
    except (SourceError, yfinance.cache._peewee.PeeweeException):
        raise
    except Exception as error:
        raise _fault(ticker, interval, error, answers) from error


def _download(ticker: str, interval: str, bars: pd.DataFrame, meta: Mapping[str, Any]) -> Download:
    """The bars with flat columns and without a time zone."""
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
    session = (meta.get("currentTradingPeriod") or {}).get("regular") or {}
    end = session.get("end")
    if not isinstance(end, pd.Timestamp) or end + DELAY <= fetched:
        return fetched + FRESH
    settled = (end + DELAY).tz_convert("UTC").to_pydatetime()
    return min(settled, fetched + (FRESH_IN_SESSION if is_intraday else FRESH))


def _fault(ticker: str, interval: str, error: Exception, answers: list[Any]) -> SourceError:
    """What went wrong, from the exception and from Yahoo's last answer about prices."""
    if isinstance(error, OSError):  # all of curl_cffi's errors are
        return _network_fault(ticker, error)
    status = answers[-1].status_code if answers else 0
    text = answers[-1].text if answers else ""
    if type(error).__name__ == "YFRateLimitError" or status in (429, 999) or "Too Many Requests" in text[:500]:
        return RateLimited(
            f"{ticker}: Yahoo Finance answers too many requests (429). "
            "Wait some minutes, or read the prices from a file."
        )
    said, known = _said(text)
    if status == 404 or "delisted" in said or "Invalid ISIN" in str(error):
        return UnknownTicker(
            f"{ticker}: Yahoo Finance does not know this ticker, or it was delisted ({said or error}). "
            "Spell it as on finance.yahoo.com. A file is named with its ending, as in prices.csv."
        )
    if status >= 500 or status in (401, 403):
        return NoNetwork(f"{ticker}: Yahoo Finance is out of order or refuses ({status} {said}). Try again later.")
    if said:
        return NoData(f"{ticker}: Yahoo Finance has no such rows at {interval} ({said}). Try another interval.")
    if known:
        return NoData(f"{ticker}: Yahoo Finance knows the ticker, but has no rows at {interval}. Try another interval.")
    if known is False:
        return NoData(
            f"{ticker}: Yahoo Finance sent an empty answer and no reason. Is the ticker spelt as on finance.yahoo.com? "
            "Something in between, as an ad-blocker, can empty answers too."
        )
    why = " ".join(f"{type(error).__name__}: {error}".split())[:120]
    return NoNetwork(f"{ticker}: Yahoo Finance sent an answer that is broken or cut off ({why}). Try again later.")


def _network_fault(ticker: str, error: OSError) -> SourceError:
    text = " ".join(str(error).split())
    is_late = "Timeout" in type(error).__name__
    if is_late and re.search(r"(Operation|Read) timed out", text):
        return NoNetwork(f"{ticker}: Yahoo Finance did not answer within {CONNECT + ANSWER:g} s. Try again later.")
    match = re.search(r"curl: \(\d+\) (.*?)\.?(?: See https|$)", text)
    why = (match[1] if match else text).replace(". ", "; ")
    if is_late or getattr(error, "code", 0) in NO_ROUTE:
        return NoRoute(
            f"{ticker}: Yahoo Finance cannot be reached ({why}). "
            "Check the network. A file is named with its ending, as in prices.csv."
        )
    return NoNetwork(f"{ticker}: the connection to Yahoo Finance broke off ({why}). Try again later.")


def _said(text: str) -> tuple[str, bool | None]:
    """The reason in a chart document, or ""; and of one without rows whether it knows the ticker, else None."""
    try:
        chart = json.loads(text)["chart"]
        said = str((chart.get("error") or {}).get("description") or "")
        first = (chart.get("result") or [{}])[0]
        return said.rstrip(".").replace(". ", "; "), None if first.get("timestamp") else bool(first.get("meta"))
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", None


@contextmanager
def _settings(yfinance: Any) -> Iterator[None]:
    """Faults are raised and nothing is logged; each answer is asked for anew; all as before afterwards."""
    debug, logger = yfinance.config.debug, logging.getLogger("yfinance")
    before = debug.hide_exceptions, logger.disabled, yfinance.base._tz_info_fetch_ctr
    debug.hide_exceptions, logger.disabled = False, True
    yfinance.base._tz_info_fetch_ctr = 2  # no second question about an unknown ticker, at another address
    yfinance.data.YfData.cache_get.cache_clear()  # it would give a broken answer again without asking
    try:
        with warnings.catch_warnings():  # yfinance shows its own deprecations, which no user can put right
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        debug.hide_exceptions, logger.disabled, yfinance.base._tz_info_fetch_ctr = before


@contextmanager
def _listening(data: Any, answers: list[Any]) -> Iterator[None]:
    """Keeps the last answer about prices, and waits no longer than said here: yfinance waits 30 s for a cookie."""
    session = data._session
    send = session.request

    def request(method: str, url: str, **options: Any) -> Any:
        if CHART not in url:
            return send(method, url, **{**options, "timeout": COOKIE})
        answers.clear()
        answers.append(send(method, url, **{**options, "timeout": (CONNECT, ANSWER)}))
        return answers[0]

    session.request = request
    try:
        yield
    finally:
        del session.request


def _do_without_databases(cache: Any) -> None:
    """Yfinance's own copies of time zones and cookies are of use, but not where they cannot be written."""
    cache._TzCacheManager._tz_cache = cache._TzCacheDummy()
    cache._CookieCacheManager._Cookie_cache = cache._CookieCacheDummy()
    cache._ISINCacheManager._isin_cache = cache._ISINCacheDummy()


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
