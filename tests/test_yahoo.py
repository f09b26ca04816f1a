"""The real yfinance client against a small HTTP server on the loopback address that answers as Yahoo does."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest

from forecast.errors import SourceError
from forecast.sources import load, yahoo

DAYS = pd.bdate_range("2024-01-02", periods=5, tz="America/New_York") + pd.Timedelta(hours=9.5)


def chart(closes):
    """A chart document in Yahoo's form; the adjusted close is half the close."""
    stamps = [int(day.timestamp()) for day in DAYS[: len(closes)]]
    quote = dict.fromkeys(("open", "high", "low", "close"), closes) | {"volume": [10] * len(closes)}
    meta = {
        "currency": "EUR",
        "symbol": "MADE",
        "instrumentType": "EQUITY",
        "exchangeTimezoneName": "America/New_York",
        "timezone": "EST",
        "gmtoffset": -18000,
        "dataGranularity": "1d",
        "range": "max",
        "validRanges": ["1d", "max"],
        "firstTradeDate": stamps[0],
        "regularMarketTime": stamps[-1],
        "priceHint": 2,
    }
    adjusted = [{"adjclose": [close and close / 2 for close in closes]}]
    result = {"meta": meta, "timestamp": stamps, "indicators": {"quote": [quote], "adjclose": adjusted}}
    return {"chart": {"result": [result], "error": None}}


class Yahoo(ThreadingHTTPServer):
    """Answers every chart request with `status` and `document`, and counts them."""

    status, document, requests = 200, chart([2.0, 4.0, 6.0, 8.0, 10.0]), 0


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        body = json.dumps(self.server.document).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def point_at(monkeypatch, address):
    """Makes every part of yfinance ask `address`."""
    for name, module in list(sys.modules.items()):
        for constant in ("_BASE_URL_", "_QUERY1_URL_", "_ROOT_URL_"):
            if name.startswith("yfinance.") and hasattr(module, constant):
                monkeypatch.setattr(module, constant, address)


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A loopback Yahoo; the cache is in a new folder, and no other address can be reached."""
    yfinance = yahoo.load_yfinance()
    with Yahoo(("127.0.0.1", 0), Answer) as made:
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        point_at(monkeypatch, f"http://127.0.0.1:{made.server_port}")
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setattr(yahoo.platformdirs, "user_cache_path", lambda name: tmp_path / name)
        monkeypatch.setattr(yfinance.base, "_tz_info_fetch_ctr", 2)  # no second question, at an address of its own
        yfinance.set_tz_cache_location(str(tmp_path / "zones"))
        yield made
        made.shutdown()
        thread.join(5)


def test_a_ticker_gives_raw_and_adjusted_prices_in_its_currency(server):
    series = load("MADE1")
    assert (series.name, series.target, series.unit, series.frequency) == ("MADE1", "Adj Close", "EUR", "B")
    assert series.y.tolist() == [1, 2, 3, 4, 5]
    assert series.index.tolist() == pd.bdate_range("2024-01-02", periods=5).tolist()
    assert load("MADE1", target="Close").y.tolist() == [2, 4, 6, 8, 10]


def test_a_second_look_comes_from_the_cache(server):
    load("MADE2")
    asked = server.requests
    assert load("MADE2").y.tolist() == [1, 2, 3, 4, 5]
    assert server.requests == asked


def test_an_old_copy_is_refreshed_and_used_with_its_date_when_yahoo_refuses(server):
    load("MADE3")
    path = yahoo.cache_path("MADE3")
    old = time.time() - 3 * 86400
    os.utime(path, (old, old))
    server.document = chart([2.0, 4.0, 6.0])
    assert len(load("MADE3")) == 3
    os.utime(path, (old, old))
    server.status = 429
    series = load("MADE3")
    assert len(series) == 3
    assert any(re.search(r"the copy of \d{4}-\d\d-\d\d is used, for MADE3: .*429", note) for note in series.notes)


def test_rows_without_a_price_are_left_out_and_said(server):
    server.document = chart([2.0, None, 6.0])
    series = load("MADE4")
    assert series.y.tolist() == [1, 3]
    assert "1 rows without a price were left out" in series.notes


def test_too_many_requests_is_said(server):
    server.status = 429
    with pytest.raises(SourceError, match="429"):
        load("MADE5")
    assert not yahoo.cache_path("MADE5").exists()


def test_an_unknown_ticker_is_said(server):
    server.status = 404
    server.document = {"chart": {"result": None, "error": {"code": "Not Found", "description": "No data found"}}}
    with pytest.raises(SourceError, match="has no prices of this ticker.*NOSUCH"):
        load("NOSUCH")


def test_an_empty_answer_is_an_error(server):
    server.document = {"chart": {"result": [], "error": None}}
    with pytest.raises(SourceError):
        load("MADE7")


def test_an_unreachable_network_is_said(server, monkeypatch):
    point_at(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(SourceError, match="no such file, and Yahoo Finance cannot be reached"):
        load("MADE8")


def test_tickers_of_every_form_have_a_file_of_their_own():
    names = {yahoo.cache_path(ticker).name for ticker in ("^GSPC", "BRK-B", "ETH/USD", "../x", "7203.T")}
    assert len(names) == 5
    assert not any("/" in name for name in names)


def test_downloads_work_after_tensorflow_was_loaded():
    """In a process of its own, as in a notebook: TensorFlow's libcurl must not get in the way of yfinance's."""
    code = (
        "import keras\n"
        "from forecast.sources.yahoo import load_yfinance\n"
        "load_yfinance()\n"
        "from curl_cffi import requests\n"
        "try: requests.Session(impersonate='chrome').get('http://127.0.0.1:9')\n"
        "except requests.exceptions.ConnectionError: print('asked')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["asked"], done.stderr[-500:]
