"""Read tickers of Yahoo Finance, from the cached copy or fresh.

In: a ticker. Out: its bars with the raw and the adjusted close. An old copy is refreshed by the missing rows; after a
split or dividend the whole history is downloaded again.

    ticker ── fresh copy ─────────────────────────────────────── bars of a span
         └─── old copy or none ── lock ── ask ── join ── write ──┘
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pandas as pd

from forecast.data.sources.yahoo import cache
from forecast.data.sources.yahoo.cache import COLUMNS, Download
from forecast.data.sources.yahoo.client import ask, deadline_of, load_yfinance, reason_of
from forecast.errors import ConfigError, NoData, NoNetwork, RateLimited, SourceError, UnknownTicker, WriteError

# The intervals of yfinance without 5d, whose rows depend on the day of the request.
INTERVALS = ("1m", "2m", "5m", "15m", "30m", "60m", "90m", "1h", "1d", "1wk", "1mo", "3mo")
# How many days back Yahoo has intraday bars.
REACH = {"1m": 7, "2m": 59, "5m": 59, "15m": 59, "30m": 59, "90m": 59, "60m": 729, "1h": 729}
# Last rows of a copy that are requested again.
OVERLAP = 20


@dataclass(frozen=True)
class FetchResult:
    """The result of `fetch` for one ticker: `rows` from `first` to `last`, or an `error` and its class."""

    ticker: str
    interval: str
    rows: int = 0
    first: str = ""
    last: str = ""
    currency: str = ""
    kind: str = ""
    zone: str = ""
    fetched: str = ""
    notes: tuple[str, ...] = ()
    error: str = ""
    error_kind: str = ""


def read_ticker(
    ticker: str,
    *,
    start: str | None = None,
    end: str | None = None,
    interval: str = "1d",
    offline: bool = False,
    wait: bool = False,
) -> Download:
    """Read the bars of a ticker; if Yahoo does not answer, those of an older copy, with a note of its date.

    Args:
        ticker: As on finance.yahoo.com, such as AAPL, ^GSPC or BTC-USD.
        start: The first date, such as 2020-01-31; by default the first that Yahoo has.
        end: The date after the last; by default there is no end.
        interval: One of `INTERVALS`. Yahoo has few days of intraday bars; a copy keeps older ones.
        offline: Use the copy, however old, and no network.
        wait: Try for minutes; without it a failure is an error after ten seconds.
    Raises:
        ConfigError: a date or the interval is invalid.
        RateLimited, UnknownTicker, NoData, NoNetwork: there are no bars and no copy, or no rows in the span.
        SourceError: offline, the copy is damaged.
    """
    return _read(ticker, start, end, interval, offline=offline, wait=wait, attempts=None)[0]


def fetch(
    tickers: Sequence[str],
    *,
    start: str | None = None,
    end: str | None = None,
    interval: str = "1d",
    offline: bool = False,
    wait: bool = False,
) -> Iterator[FetchResult]:
    """Read tickers one after another; one that fails does not stop the others. Arguments as for `read_ticker`.

    Raises:
        ConfigError: a date or the interval is invalid.
    """
    _check_arguments(start, end, interval)
    attempts = None
    for ticker in tickers:
        try:
            download, fault = _read(ticker, start, end, interval, offline=offline, wait=wait, attempts=attempts)
            yield _result_of(download)
        except SourceError as error:
            fault = error
            yield FetchResult(ticker.upper(), interval, error=str(error), error_kind=_error_kind(error))
        # After a refusal in spite of all pauses, the next ticker gets one attempt.
        attempts = 1 if isinstance(fault, RateLimited | NoNetwork) else None


def _error_kind(error: SourceError) -> str:
    """The name of the class in `forecast.errors`."""
    kinds = (UnknownTicker, NoData, RateLimited, NoNetwork, SourceError)
    return next(kind.__name__ for kind in kinds if isinstance(error, kind))


def _result_of(download: Download) -> FetchResult:
    dates = download.bars["Date"]
    form = "%Y-%m-%d %H:%M" if download.interval in REACH else "%Y-%m-%d"
    return FetchResult(
        download.ticker,
        download.interval,
        rows=len(dates),
        first=f"{dates.iloc[0]:{form}}",
        last=f"{dates.iloc[-1]:{form}}",
        currency=download.currency,
        kind=download.kind,
        zone=download.zone,
        fetched=download.fetched.isoformat(timespec="seconds"),
        notes=download.notes,
    )


def _read(
    ticker: str,
    start: str | None,
    end: str | None,
    interval: str,
    *,
    offline: bool,
    wait: bool,
    attempts: int | None,
) -> tuple[Download, SourceError | None]:
    """The bars of a span, and the error for which an old copy was used."""
    _check_arguments(start, end, interval)
    ticker = ticker.strip().upper()
    if not re.fullmatch(r"[^\s/\\?#%]{1,60}", ticker):
        raise UnknownTicker(
            f"{ticker}: a ticker is one word without slashes, spelt as on finance.yahoo.com, as in BTC-USD or BRK-B. "
            "A file is named with its ending, as in prices.csv."
        )
    if offline:
        return _select_span(_read_copy(ticker, interval), start, end), None
    download, fault = _latest(ticker, interval, attempts, deadline_of(wait=wait))
    return _select_span(download, start, end), fault


def _check_arguments(start: str | None, end: str | None, interval: str) -> None:
    if interval not in INTERVALS:
        raise ConfigError(f"`interval` must be one of {', '.join(INTERVALS)}. Received: {interval}.")
    for name, date in (("start", start), ("end", end)):
        try:
            if date is not None:
                datetime.strptime(date, "%Y-%m-%d")
        except ValueError:
            raise ConfigError(f"`{name}` must be a date as in 2020-01-31. Received: {date}.") from None
    if start is not None and end is not None and pd.Timestamp(start) >= pd.Timestamp(end):
        raise ConfigError(f"`start` must be before `end`. Received: {start} and {end}.")


def _select_span(download: Download, start: str | None, end: str | None) -> Download:
    """Select the rows with a price from `start` to before `end`."""
    dates = download.bars["Date"]
    wanted = dates.between(pd.Timestamp(start or "0001"), pd.Timestamp(end or "9999"), inclusive="left")
    bars = download.bars[wanted].reset_index(drop=True)
    empty = bars["Adj Close"].isna() | bars["Close"].isna()
    if empty.all():
        raise NoData(
            f"{download.ticker}: a span must hold rows. "
            f"There are none from {start or 'the first'} to {end or 'the last'}; "
            f"those at {download.interval} run from {dates.iloc[0]:%Y-%m-%d} to {dates.iloc[-1]:%Y-%m-%d}."
        )
    left_out = (f"{empty.sum()} rows without a price were left out",) if empty.any() else ()
    return replace(download, bars=bars[~empty].reset_index(drop=True), notes=(*download.notes, *left_out))


def _read_copy(ticker: str, interval: str) -> Download:
    """The copy, however old; an error if there is none."""
    copy = cache.read(cache.path_of(ticker, interval))
    if copy is None:
        raise NoNetwork(
            f"{ticker}: offline, only copies can be read, and there is none at {interval}. "
            f"While online: forecast fetch {ticker} --interval {interval}"
        )
    return replace(copy, notes=(f"the copy of {copy.fetched:%Y-%m-%d} is used, because of --offline",))


def _latest(ticker: str, interval: str, attempts: int | None, deadline: float) -> tuple[Download, SourceError | None]:
    """The newest bars; if Yahoo does not answer, those of the copy, and the error."""
    path = cache.path_of(ticker, interval)
    copy, _ = _try_copy(path)
    if copy is not None and cache.is_fresh(copy):
        return copy, None
    try:
        with cache.lock(path, ticker, seconds=deadline - time.monotonic()):
            return _refresh(path, ticker, interval, attempts, deadline), None
    except SourceError as error:
        if copy is None:
            raise
        note = f"the copy of {copy.fetched:%Y-%m-%d} is used, because {reason_of(error, ticker)}"
        return replace(copy, notes=(note,)), error


def _try_copy(path: Path) -> tuple[Download | None, tuple[str, ...]]:
    """The copy, if it can be read; a note if it is damaged."""
    try:
        return cache.read(path), ()
    except SourceError:
        return None, (f"the copy {path} was damaged, and all was downloaded again",)


def _refresh(path: Path, ticker: str, interval: str, attempts: int | None, deadline: float) -> Download:
    """Download what is new and write the copy, unless another process just did."""
    copy, notes = _try_copy(path)
    if copy is not None and cache.is_fresh(copy):
        return copy
    asked = partial(ask, ticker, interval, attempts=attempts, deadline=deadline)
    download = asked() if copy is None else _extend(copy, asked)
    try:
        cache.write(path, download)
    except (OSError, WriteError) as error:
        cause = error.__cause__ or error
        notes += (f"no copy could be kept in {path.parent} ({getattr(cause, 'strerror', None) or cause})",)
    return replace(download, notes=(*notes, *download.notes))


def _extend(copy: Download, asked: Callable[..., Download]) -> Download:
    """Download the missing rows, or the whole history after a split or dividend."""
    start = _refresh_start(copy)
    fresh = asked(start=start)
    event = cache.detect_event(copy.bars, fresh.bars)
    if not event:
        return replace(fresh, bars=cache.join(copy.bars, fresh.bars))
    if start is not None:
        fresh = asked()
    rows = cache.join(cache.rescale(copy.bars, fresh.bars), fresh.bars)
    return replace(fresh, bars=rows, notes=_event_note(event, copy, fresh))


def _refresh_start(copy: Download) -> datetime | None:
    """The start of the request, some rows before the end of the copy; None for all, if Yahoo has dropped those rows."""
    settled = copy.bars["Date"].iloc[:-1]
    if settled.empty:
        return None
    first = settled.iloc[-OVERLAP:].iloc[0].tz_localize(copy.zone, ambiguous=True, nonexistent="shift_forward")
    reach = REACH.get(copy.interval)
    if reach is not None and first < datetime.now(UTC) - timedelta(days=reach):
        return None
    moment: datetime = first.to_pydatetime()
    return moment


def _event_note(event: str, copy: Download, fresh: Download) -> tuple[str, ...]:
    last, first = copy.bars["Date"].iloc[-1], fresh.bars["Date"].iloc[0]
    if event != "gap":
        return (
            f"earlier prices have changed since the copy of {copy.fetched:%Y-%m-%d}, as after a {event}, "
            "and the whole history was downloaded again",
        )
    if first > last:
        return (f"between {last:%Y-%m-%d %H:%M} and {first:%Y-%m-%d %H:%M} Yahoo Finance no longer has rows",)
    return ()


__all__ = ["COLUMNS", "INTERVALS", "Download", "FetchResult", "fetch", "load_yfinance", "read_ticker"]
