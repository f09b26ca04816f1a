"""A small Yahoo Finance on the loopback address, in Yahoo's own format, for the real yfinance client to talk to.

It keeps bars, splits and dividends, and answers for the span and interval asked; `faults` are answered first, in turn.
Also for processes of their own: `python yahoo_server.py ADDRESS TICKER` reads a ticker from a server that runs.
"""

import json
import socket
import sys
import threading
import time
import urllib.parse
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pandas as pd
from tenacity import wait_none

from forecast.data.sources.yahoo import cache, client
from forecast.data.sources.yahoo import tickers as yahoo

CHART = "/v8/finance/chart/"
STEPS = {"1m": "1min", "15m": "15min", "1h": "1h", "1d": "B", "1wk": "W-MON", "1mo": "MS"}


class Stock:
    """The bars of one ticker at one interval as Yahoo would give them today, and what has happened to them."""

    def __init__(self, closes, *, first="2024-01-02", interval="1d", zone="America/New_York", opens="09:30"):
        at = f"{first} {opens}" if interval == "1d" else first
        self.dates = pd.date_range(at, periods=len(closes), freq=STEPS[interval], tz=zone)
        self.bars = pd.DataFrame({"close": np.asarray(closes, float), "volume": 10})
        self.bars["adjclose"] = self.bars["close"] / 2
        self.interval, self.zone = interval, zone
        self.splits, self.dividends, self.session_end, self.meta = {}, {}, None, {}

    def add(self, *closes):
        """New bars after the last one."""
        added = pd.DataFrame({"close": closes, "adjclose": closes, "volume": 10}, dtype=float)
        step = STEPS[self.interval]
        self.dates = self.dates.append(pd.date_range(self.dates[-1], periods=len(closes) + 1, freq=step)[1:])
        self.bars = pd.concat([self.bars, added], ignore_index=True)

    def split(self, row, ratio):
        """From `row` on there are `ratio` shares for one."""
        self.bars.loc[: row - 1, ["close", "adjclose"]] /= ratio
        self.splits[row] = ratio

    def pay(self, row, amount):
        """On `row` a dividend is paid."""
        self.bars.loc[: row - 1, "adjclose"] *= 1 - amount / self.bars["close"][row - 1]
        self.dividends[row] = amount

    def forget(self, rows):
        """Yahoo gives the first rows no more."""
        self.dates, self.bars = self.dates[rows:], self.bars[rows:].reset_index(drop=True)

    def document(self, ticker, start, end):
        """A chart document with the rows in a span, in seconds."""
        seconds = np.array([int(date.timestamp()) for date in self.dates])
        rows = np.flatnonzero((seconds >= start) & (seconds <= end))
        stamps, bars = (
            seconds[rows].tolist(),
            self.bars.iloc[rows].astype(object).where(self.bars.iloc[rows].notna(), None),
        )
        quote = {name: bars["close"].tolist() for name in ("open", "high", "low", "close")}
        indicators = {"quote": [quote | {"volume": bars["volume"].tolist()} if stamps else {}]}
        if self.interval in ("1d", "1wk", "1mo"):
            indicators["adjclose"] = [{"adjclose": bars["adjclose"].tolist()}]
        result = {"meta": self._meta(ticker, seconds), "indicators": indicators}
        if stamps:
            result |= {"timestamp": stamps, "events": self._events(seconds, set(rows.tolist()))}
        return {"chart": {"result": [result], "error": None}}

    def _meta(self, ticker, seconds):
        meta = {"currency": "EUR", "symbol": ticker, "instrumentType": "EQUITY", "exchangeTimezoneName": self.zone}
        meta |= {"timezone": "EST", "gmtoffset": -18000, "dataGranularity": self.interval, "priceHint": 2}
        meta |= {"range": "", "validRanges": ["1d", "max"], "firstTradeDate": int(seconds[0])}
        clock = {"timezone": "EST", "gmtoffset": -18000}
        if self.session_end:
            regular = clock | {"start": int(self.session_end) - 23400, "end": int(self.session_end)}
            meta["currentTradingPeriod"] = {"regular": regular}
        if self.interval not in ("1d", "1wk", "1mo"):
            days = sorted({date.normalize() for date in self.dates})
            meta["tradingPeriods"] = [
                [clock | {"start": int(day.timestamp()), "end": int(day.timestamp()) + 86400}] for day in days
            ]
        return meta | self.meta

    def _events(self, seconds, rows):
        def of(kind, made):
            return {
                str(seconds[row]): {"date": int(seconds[row])} | made(value)
                for row, value in kind.items()
                if row in rows
            }

        return {
            "dividends": of(self.dividends, lambda amount: {"amount": amount}),
            "splits": of(self.splits, lambda ratio: {"numerator": ratio, "denominator": 1, "splitRatio": f"{ratio}:1"}),
        }


class Yahoo(ThreadingHTTPServer):
    """`stocks` by ticker; `faults`, the coming answers instead of prices; `asked`, what was asked about prices."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.stocks, self.faults, self.asked, self.slow = {}, [], [], 1.5
        self.for_ever = None

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"

    def prices_asked(self):
        """The questions about prices; yfinance asks for the time zone with a range of one day."""
        return [question for question in self.asked if not hasattr(question, "range")]


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        ticker = urllib.parse.unquote(path.removeprefix(CHART))
        question = SimpleNamespace(ticker=ticker, **dict(urllib.parse.parse_qsl(query)))
        self.server.asked.append(question)
        fault = self.server.faults.pop(0) if self.server.faults else self.server.for_ever
        body = self.document(ticker, question)
        if isinstance(fault, dict):
            self.send(200, json.dumps(fault).encode())
        elif isinstance(fault, int | tuple):
            status, reason = fault if isinstance(fault, tuple) else (fault, "made to refuse")
            self.send(status, json.dumps(refusal(str(status), reason)).encode())
        elif fault == "half":
            self.send(200, body[: len(body) // 2])
        elif fault == "hang up":
            self.send(200, body[: len(body) // 2], length=len(body))
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault == "brackets":
            self.send(200, b"[" * 500_000)
        elif fault == "drip":
            self.drip(body)
        elif fault == "silence":
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            time.sleep(self.server.slow if fault == "slow" else 0)
            stock = self.server.stocks.get(ticker)
            self.send(200 if stock else 404, body)

    def document(self, ticker, question):
        stock = self.server.stocks.get(ticker)
        if stock is None:
            return json.dumps(refusal("Not Found", "No data found, symbol may be delisted")).encode()
        span = (0, 4e9) if hasattr(question, "range") else (float(question.period1), float(question.period2))
        return json.dumps(stock.document(ticker, *span)).encode()

    def drip(self, body):
        """A byte at a time, for as long as somebody reads."""
        self.send(200, b"", length=len(body))
        for byte in body:
            time.sleep(0.05)
            try:
                self.wfile.write(bytes([byte]))
            except OSError:
                self.close_connection = True
                return

    def send(self, status, body, length=None):
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):  # who asked would not wait for a slow answer
            self.close_connection = True

    def log_message(self, *args):
        pass


def refusal(code, description):
    """A chart document that says why there are no prices."""
    return {"chart": {"result": None, "error": {"code": code, "description": description}}}


@contextmanager
def running():
    """A server in a thread of its own."""
    with Yahoo() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(5)


@contextmanager
def isolated(monkeypatch, folder):
    """A server that yfinance asks; the copies are in `folder`, there are no pauses, and no other address is reached."""
    yahoo.load_yfinance()
    with running() as server:
        point_at(server.address, monkeypatch.setattr)
        for name, value in environment(folder).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(client, "PAUSE", wait_none())
        yield server


def environment(folder):
    """The variables for which no address but the loopback is reached, and copies lie in `folder`."""
    nowhere = "http://127.0.0.1:9"
    return {
        "FORECAST_CACHE": str(folder / "copies"),
        "XDG_CACHE_HOME": str(folder),
        "https_proxy": nowhere,
        "http_proxy": nowhere,
        "no_proxy": "127.0.0.1",
    }


def age(ticker, *, interval="1d", days=3):
    """Makes a copy some days older than it is."""
    path = cache.path_of(ticker, interval)
    copy = cache.read(path)
    fetched = copy.fetched - timedelta(days=days)
    cache.write(path, replace(copy, fetched=fetched, fresh_until=fetched))


def point_at(address, put=setattr):
    """Makes every part of yfinance ask `address`."""
    for name, module in list(sys.modules.items()):
        for constant in ("_BASE_URL_", "_QUERY1_URL_", "_ROOT_URL_"):
            if name.startswith("yfinance.") and hasattr(module, constant):
                put(module, constant, address)


def main():
    """In a process of its own: reads a ticker and prints the number of its rows."""
    address, ticker, *slowly = sys.argv[1:]
    yahoo.load_yfinance()
    point_at(address)
    if slowly:
        write = pd.DataFrame.to_parquet

        def half_a_write(frame, path, **options):
            write(frame, path, **options)
            with open(path, "r+b") as file:  # noqa: PTH123
                file.truncate(100)
            sys.stdout.write("writing\n")
            sys.stdout.flush()
            time.sleep(60)

        pd.DataFrame.to_parquet = half_a_write
    sys.stdout.write(f"{len(yahoo.read_ticker(ticker).bars)}\n")


if __name__ == "__main__":
    main()
