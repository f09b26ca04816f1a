"""Cached copies of downloaded bars: one Parquet file for each ticker and interval.

In: a `Download` and the path of its copy. Out: the file, written atomically, and the `Download` again.

The folder is `FORECAST_CACHE` if that variable is set, else the user's own, such as `~/.cache/forecast`. A copy holds
the whole history that Yahoo Finance gives. New rows are added, and no old row is lost:

    copy     a b c d e f*         * may be of a session that was open, and is replaced
    fresh            e f g h*     overlaps, since rows in both show whether there was a split or dividend
    joined   a b c d e f g h*
"""

import os
import urllib.parse
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import platformdirs
from filelock import FileLock, Timeout

from forecast.errors import SourceError
from forecast.runtime.atomic import atomic_file

PRICES = ["Open", "High", "Low", "Close", "Adj Close"]
COLUMNS = ["Date", *PRICES, "Volume", "Dividends", "Stock Splits"]
# A larger relative difference between two answers is an event; Yahoo's prices have 24 bits and differ by up to 4e-7.
NOISE = 1e-5


@dataclass(frozen=True, eq=False)
class Download:
    """The bars of one ticker, oldest first.

    Attributes:
        bars: The columns `COLUMNS`, prices in `currency`. `Close` is adjusted for splits, `Adj Close` for dividends as
            well. `Date` is the day, or below a day the wall clock of the exchange, without a time zone.
        kind: Yahoo's instrument type, such as EQUITY or CRYPTOCURRENCY.
        zone: The time zone of the exchange.
        fresh_until: Before this time Yahoo has nothing newer.
        notes: What was assumed or done, without the final dot.
    """

    bars: pd.DataFrame
    ticker: str
    interval: str
    currency: str
    kind: str
    zone: str
    fetched: datetime
    fresh_until: datetime
    notes: tuple[str, ...] = ()


def path_of(ticker: str, interval: str) -> Path:
    """The path of the copy, distinct for every ticker whatever its characters."""
    folder = os.environ.get("FORECAST_CACHE") or platformdirs.user_cache_path("forecast")
    return Path(folder) / "yahoo" / f"{interval}-{urllib.parse.quote(ticker.upper(), safe='')}.parquet"


def read(path: Path) -> Download | None:
    """Read a copy; None if there is no file.

    Raises:
        SourceError: the file cannot be read, or another program wrote it.
    """
    try:
        frame = pd.read_parquet(path)
        meta = {
            field.name: frame.attrs[field.name] for field in fields(Download) if field.name not in ("bars", "notes")
        }
        times = {name: datetime.fromisoformat(meta[name]) for name in ("fetched", "fresh_until")}
        return Download(bars=frame[COLUMNS], **{**meta, **times})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, NotImplementedError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise SourceError(f"{path}: a copy must be whole. It is damaged ({reason}). Delete it.") from error


def write(path: Path, download: Download) -> None:
    """Write a copy atomically.

    Raises:
        OSError: the folder cannot be made.
        WriteError: it cannot be written to, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = download.bars.copy()
    frame.attrs = {name: getattr(download, name) for name in ("ticker", "interval", "currency", "kind", "zone")}
    frame.attrs |= {name: getattr(download, name).isoformat() for name in ("fetched", "fresh_until")}
    with atomic_file(path) as work:
        frame.to_parquet(work)


def lock(path: Path, ticker: str, *, seconds: float) -> AbstractContextManager[Any]:
    """Let one process at a time into the block; the system releases the lock of a process that dies.

    There is no lock if the folder cannot be written, since there is nothing to protect.

    Raises:
        SourceError: another process holds the lock for more than `seconds`.
    """
    held = FileLock(path.with_suffix(".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return held.acquire(timeout=seconds)
    except Timeout as error:
        raise SourceError(
            f"{ticker}: one process at a time fetches a ticker. Another has been at it for {seconds:.0f} s "
            f"({held.lock_file}). Try again, wait longer with --wait, or end that process."
        ) from error
    except (OSError, NotImplementedError):
        return nullcontext()


def is_fresh(copy: Download) -> bool:
    """Whether Yahoo cannot have anything newer."""
    return datetime.now(UTC) < copy.fresh_until


def detect_event(old: pd.DataFrame, fresh: pd.DataFrame) -> str:
    """Detect a "split" or "dividend" since `old`; "gap" if no settled row is in both, "" if nothing happened.

    A split or dividend scales every row before it, so the oldest row in both shows it. Later rows may differ because
    Yahoo corrected a price.
    """
    both = old.iloc[:-1].merge(fresh, on="Date", suffixes=("", " now")).dropna(subset=["Adj Close", "Adj Close now"])
    if both.empty:
        return "gap"
    first = both.iloc[0]
    for column, event in (("Close", "split"), ("Adj Close", "dividend")):
        if abs(first[f"{column} now"] - first[column]) > NOISE * abs(first[column]):
            return event
    return ""


def join(old: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """Join the rows of both, oldest first; `fresh` wins, unless it lacks a price that `old` has."""
    if fresh["Date"].iloc[0] <= old["Date"].iloc[-1] <= fresh["Date"].iloc[-1]:
        old = old.iloc[:-1]
    unpriced = fresh["Adj Close"].isna() & fresh["Date"].isin(old["Date"][old["Adj Close"].notna()])
    rows = pd.concat([old, fresh[~unpriced]])
    return rows.drop_duplicates("Date", keep="last").sort_values("Date", ignore_index=True)


def rescale(old: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """Adjust the rows of `old` for splits and dividends up to `fresh`, each by the ratio at the next row in both."""
    before, now = old.set_index("Date"), fresh.set_index("Date")
    closes = ["Close", "Adj Close"]
    ratios = (now[closes].reindex(before.index) / before[closes]).replace([np.inf, -np.inf, 0], np.nan)
    ratios.iloc[-1] = np.nan  # its session was open
    ratios = ratios.bfill().ffill().fillna(1.0)
    for column in PRICES:
        before[column] *= ratios["Adj Close" if column == "Adj Close" else "Close"]
    before["Dividends"] *= ratios["Close"]
    before["Volume"] = (before["Volume"] / ratios["Close"]).round().astype("int64")
    return before.reset_index()
