"""Copies of downloaded bars in the user's cache folder: one Parquet file a ticker and interval.

In: a `Download`, and where its file lies. Out: the file, whole or not at all, and the `Download` again.

The folder is `FORECAST_CACHE` where that variable is set, else the user's own, as in `~/.cache/forecast`. A copy holds
the whole history that Yahoo Finance gives, and takes in new rows so that none is lost:

    copy     a b c d e f*         * the last row may have been taken while its session was open: it is never kept
    fresh            e f g h*     from some rows before the end: those in both show whether a split or dividend came
    joined   a b c d e f g h*
"""

import os
import shutil
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import platformdirs
from filelock import FileLock, Timeout

from forecast.errors import SourceError
from forecast.runtime.atomic import atomic_file

PRICES = ["Open", "High", "Low", "Close", "Adj Close"]
COLUMNS = ["Date", *PRICES, "Volume", "Dividends", "Stock Splits"]
# Yahoo's prices have 24 bits, and differ from one answer to the next by up to 4e-7 of the price.
NOISE = 1e-5
# Seconds to wait for another process that fetches the same ticker; its tries end before that.
LOCK_WAIT = 180


@dataclass(frozen=True, eq=False)
class Download:
    """The bars of one ticker, oldest first, with the columns in `COLUMNS`, in `currency`.

    `Close` is as Yahoo gives it: adjusted for splits, not for dividends. `Adj Close` is adjusted for both. `Date` has
    no time zone: the day, or at intervals below a day the exchange's own wall clock.

    `kind` is Yahoo's word, as in EQUITY or CRYPTOCURRENCY; `zone` that of the exchange. Before `fresh_until` Yahoo has
    nothing that is new. `notes` say what was assumed or done, without the final dot.
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
    """Where the copy lies; every ticker has a name of its own, whatever its characters."""
    folder = os.environ.get("FORECAST_CACHE") or platformdirs.user_cache_path("forecast")
    return Path(folder) / "yahoo" / f"{interval}-{urllib.parse.quote(ticker.upper(), safe='')}.parquet"


def read(path: Path) -> Download | None:
    """The copy, or None where there is no file.

    Raises:
        SourceError: the file cannot be read, or is not one of this program.
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
    """Puts the copy there, whole; under `lock`, so that what killed processes left can be removed.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}-*"):
        shutil.rmtree(left, ignore_errors=True)
    frame = download.bars.copy()
    frame.attrs = {name: getattr(download, name) for name in ("ticker", "interval", "currency", "kind", "zone")}
    frame.attrs |= {name: getattr(download, name).isoformat() for name in ("fetched", "fresh_until")}
    with atomic_file(path) as work:
        frame.to_parquet(work)


@contextmanager
def lock(path: Path, ticker: str) -> Iterator[None]:
    """Only one process at a time is in the block; the system lets go of it for a process that dies.

    Where the folder cannot be written there is no lock, for there is nothing to keep from harm.

    Raises:
        SourceError: another process holds it for too long.
    """
    held = FileLock(path.with_suffix(".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held.acquire(timeout=LOCK_WAIT)
    except Timeout as error:
        raise SourceError(
            f"{ticker}: one process at a time fetches a ticker. Another has been at it for {LOCK_WAIT} s "
            f"({held.lock_file}). Try again, or end that process."
        ) from error
    except (OSError, NotImplementedError):
        yield
        return
    try:
        yield
    finally:
        held.release()


def is_fresh(copy: Download) -> bool:
    """Whether Yahoo can have nothing newer."""
    return datetime.now(UTC) < copy.fresh_until


def change(old: pd.DataFrame, fresh: pd.DataFrame) -> str:
    """What happened to the prices since `old`: "", "split", "dividend", or "gap" where no settled row is in both.

    A split or dividend scales every row before it, so the oldest row in both shows it; a later one may differ because
    Yahoo has put a price right.
    """
    both = old.iloc[:-1].merge(fresh, on="Date", suffixes=("", " now")).dropna(subset=["Adj Close", "Adj Close now"])
    if both.empty:
        return "gap"
    first = both.iloc[0]
    for column, event in (("Close", "split"), ("Adj Close", "dividend")):
        if abs(first[f"{column} now"] - first[column]) > NOISE * abs(first[column]):
            return event
    return ""


def joined(old: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """The rows of both, oldest first; `fresh` wins, unless it has no price where `old` has one."""
    if fresh["Date"].iloc[0] <= old["Date"].iloc[-1] <= fresh["Date"].iloc[-1]:
        old = old.iloc[:-1]
    unpriced = fresh["Adj Close"].isna() & fresh["Date"].isin(old["Date"][old["Adj Close"].notna()])
    rows = pd.concat([old, fresh[~unpriced]])
    return rows.drop_duplicates("Date", keep="last").sort_values("Date", ignore_index=True)


def rescaled(old: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """The rows of `old` in the money and shares of `fresh`: each scaled as the next row that is in both."""
    before, now = old.set_index("Date"), fresh.set_index("Date")
    closes = ["Close", "Adj Close"]
    ratios = (now[closes].reindex(before.index) / before[closes]).replace([np.inf, -np.inf, 0], np.nan)
    ratios.iloc[-1] = np.nan  # of a session that was open
    ratios = ratios.bfill().ffill().fillna(1.0)
    for column in PRICES:
        before[column] *= ratios["Adj Close" if column == "Adj Close" else "Close"]
    before["Dividends"] *= ratios["Close"]
    before["Volume"] = (before["Volume"] / ratios["Close"]).round().astype("int64")
    return before.reset_index()
