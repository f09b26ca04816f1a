"""The real yfinance client against a small HTTP server on the loopback address that answers as Yahoo does."""

import logging
import re
import socket
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from tenacity import wait_exponential, wait_random
from yahoo_server import Stock, age, isolated, point_at, refusal

from forecast.data.sources import load
from forecast.data.sources.yahoo import cache, client
from forecast.data.sources.yahoo import tickers as yahoo
from forecast.data.sources.yahoo.tickers import fetch, read_ticker
from forecast.errors import ConfigError, NoData, NoNetwork, RateLimited, SourceError, UnknownTicker

FLAT = ["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume", "Dividends", "Stock Splits"]


@pytest.fixture
def server(monkeypatch, tmp_path):
    with isolated(monkeypatch, tmp_path) as made:
        made.stocks["MADE"] = Stock([2, 4, 6, 8, 10])
        yield made


def test_a_ticker_gives_raw_and_adjusted_prices_and_what_it_is(server):
    download = read_ticker("made")
    bars = download.bars
    assert bars.columns.tolist() == FLAT
    assert bars["Date"].tolist() == pd.bdate_range("2024-01-02", periods=5).tolist()
    assert bars["Close"].tolist() == bars["Open"].tolist() == [2, 4, 6, 8, 10]
    assert bars["Adj Close"].tolist() == [1, 2, 3, 4, 5]
    assert (download.ticker, download.interval, download.notes) == ("MADE", "1d", ())
    assert (download.currency, download.kind, download.zone) == ("EUR", "EQUITY", "America/New_York")


def test_a_ticker_loads_as_a_series_of_the_adjusted_close_in_its_currency(server):
    series = load("made")
    assert (series.name, series.target, series.unit, series.frequency) == ("MADE", "Adj Close", "EUR", "B")
    assert series.y.tolist() == [1, 2, 3, 4, 5]
    assert series.index.tolist() == pd.bdate_range("2024-01-02", periods=5).tolist()
    assert load("MADE", target="Close").y.tolist() == [2, 4, 6, 8, 10]
    age("MADE")
    server.for_ever = 404
    assert any(note.startswith("the copy of ") for note in load("MADE").notes)


def test_splits_and_dividends_are_columns_and_change_no_raw_close(server):
    stock = server.stocks["MADE"] = Stock([8, 8, 8, 8])
    stock.pay(1, 0.8)
    stock.split(2, 2)
    bars = read_ticker("MADE").bars
    assert bars["Dividends"].tolist() == [0, 0.8, 0, 0]
    assert bars["Stock Splits"].tolist() == [0, 0, 2, 0]
    assert bars["Close"].tolist() == [4, 4, 8, 8]
    assert bars["Adj Close"].tolist() == pytest.approx([1.8, 2, 4, 4])


def test_a_span_is_cut_from_the_whole_history(server):
    assert read_ticker("MADE", start="2024-01-03", end="2024-01-05").bars["Close"].tolist() == [4, 6]
    asked = len(server.asked)
    assert read_ticker("MADE", start="2024-01-08").bars["Close"].tolist() == [10]
    assert len(server.asked) == asked
    with pytest.raises(NoData, match=r"^MADE: .*none from 2030-01-01 to the last;.* 2024-01-02 to 2024-01-08\.$"):
        read_ticker("MADE", start="2030-01-01")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"interval": "2d"}, "`interval` must be one of 1m, 2m,.* 3mo. Received: 2d"),
        ({"start": "01/02/2024"}, "`start` must be a date as in 2020-01-31. Received: 01/02/2024"),
        ({"end": "2024-02-30"}, "`end` must be a date .* Received: 2024-02-30"),
        ({"start": "2024-02-01", "end": "2024-02-01"}, "`start` must be before `end`"),
    ],
)
def test_a_wrong_date_or_interval_is_said_before_anything_is_asked(server, options, message):
    with pytest.raises(ConfigError, match=message):
        read_ticker("MADE", **options)
    with pytest.raises(ConfigError, match=message):
        list(fetch(["MADE"], **options))
    assert server.asked == []


@pytest.mark.parametrize("ticker", ["ETH/USD", "two words", "", "A?b=c", "A#", "%41"])
def test_what_cannot_be_a_ticker_is_not_asked_for(server, ticker):
    with pytest.raises(UnknownTicker, match="a ticker is one word without slashes"):
        read_ticker(ticker)
    assert server.asked == []


@pytest.mark.parametrize(
    "ticker", ["^GSPC", "BTC-USD", "BRK-B", "7203.T", "EURUSD=X", "ES=F", "M&M.NS", "DX-Y.NYB", "CON"]
)
def test_tickers_of_every_form_reach_yahoo_as_they_are(server, ticker):
    server.stocks[ticker] = Stock([1, 2, 3])
    assert read_ticker(ticker.lower()).bars["Close"].tolist() == [1, 2, 3]
    assert {question.ticker for question in server.asked} == {ticker}


def test_bars_of_less_than_a_day_have_the_wall_clock_of_the_exchange(server):
    first = pd.Timestamp.now("America/New_York").normalize() - pd.Timedelta(days=2) + pd.Timedelta(hours=10)
    server.stocks["MADE"] = Stock([1, 2, 3], first=first.tz_localize(None), interval="1h")
    bars = read_ticker("MADE", interval="1h").bars
    assert bars["Date"].tolist() == [first.tz_localize(None) + pd.Timedelta(hours=hour) for hour in range(3)]
    assert bars["Close"].tolist() == bars["Adj Close"].tolist() == [1, 2, 3]
    assert cache.path_of("MADE", "1h") != cache.path_of("MADE", "1d")


def test_weeks_and_months_have_the_date_of_their_first_day(server):
    server.stocks["MADE"] = Stock([1, 2, 3], first="2024-01-01", interval="1mo")
    dates = read_ticker("MADE", interval="1mo").bars["Date"]
    assert dates.tolist() == [pd.Timestamp(f"2024-0{month}-01") for month in (1, 2, 3)]


def test_rows_without_a_price_are_left_out_and_said(server):
    server.stocks["MADE"] = stock = Stock([2, 4, 6])
    stock.bars.loc[1, ["close", "adjclose"]] = np.nan
    download = read_ticker("MADE")
    assert download.bars["Adj Close"].tolist() == [1, 3]
    assert download.notes == ("1 rows without a price were left out",)


def test_a_ticker_without_a_currency_is_in_units(server):
    server.stocks["MADE"].meta = {"currency": None}
    assert read_ticker("MADE").currency == "units"


def test_too_many_requests_and_then_prices(server, caplog):
    server.faults = [429, 429, 429]  # yfinance asks twice, with another cookie
    assert len(read_ticker("MADE").bars) == 5
    assert caplog.messages == ["MADE: Yahoo Finance answers too many requests (429); trying again in 0 s (2 of 4)."]
    assert caplog.records[0].name == "forecast"


def test_too_many_requests_for_ever_is_an_error_of_its_own(server, caplog):
    server.for_ever = 429
    with pytest.raises(RateLimited, match=r"^MADE: Yahoo Finance answers too many requests \(429\)\. Wait"):
        read_ticker("MADE")
    assert [re.findall(r"\((\d) of 4\)", message) for message in caplog.messages] == [["2"], ["3"], ["4"]]
    assert not cache.path_of("MADE", "1d").exists()


def test_pauses_grow_and_are_bounded():
    pauses = [client.PAUSE(type("State", (), {"attempt_number": attempt})) for attempt in range(1, client.ATTEMPTS)]
    assert all(later > earlier for earlier, later in pairwise(pauses))
    assert sum(pauses) < client.PATIENT / 2


def test_an_unknown_ticker_is_said_at_once(server, caplog):
    with pytest.raises(
        UnknownTicker, match=r"NOSUCH: .*not know.*delisted \(No data found, symbol may be delisted\)\."
    ):
        read_ticker("NOSUCH")
    assert caplog.messages == []


def test_an_empty_result_is_an_error(server):
    server.for_ever = {"chart": {"result": [], "error": None}}
    with pytest.raises(NoData, match="sent no rows at 1d and no reason"):
        read_ticker("MADE")
    assert not cache.path_of("MADE", "1d").exists()


def test_a_known_ticker_without_rows_is_an_error(server):
    server.stocks["MADE"].forget(5)
    server.stocks["MADE"]._meta = lambda ticker, seconds: Stock([1])._meta(ticker, [0])
    with pytest.raises(NoData, match="sent no rows at 1d and no reason"):
        read_ticker("MADE")


def test_the_reason_of_yahoo_is_told(server):
    server.faults = [None, 422, 422]
    with pytest.raises(NoData, match=r"has no such rows at 1m \(made to refuse\)"):
        read_ticker("MADE", interval="1m")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (503, r"out of order or refuses \(503 made to refuse\)"),
        (401, r"out of order or refuses \(401 made to refuse\)"),
        ("half", r"an answer that is broken or cut off \(JSONDecodeError"),
        ({"chart": {"result": [{"meta": {}, "timestamp": [1]}]}}, r"broken or cut off \(KeyError"),
        ("hang up", r"broke off \(.*\d+ bytes"),
        ("silence", r"broke off \(Empty reply from server\)"),
    ],
)
def test_a_fault_that_may_pass_is_asked_again_and_else_an_error(server, caplog, fault, message):
    server.faults = [fault, fault]
    assert len(read_ticker("MADE").bars) == 5
    assert len(caplog.messages) <= 2
    server.stocks["OTHER"], server.for_ever = Stock([1]), fault
    with pytest.raises(NoNetwork, match=message):
        read_ticker("OTHER")
    assert caplog.messages[-1].endswith("(4 of 4).")


def test_a_fault_in_the_second_answer_is_asked_again_too(server):
    server.faults = [None, "half"]
    assert len(read_ticker("MADE").bars) == 5


def test_a_slow_answer_is_given_up_and_asked_for_again(server, monkeypatch, caplog):
    monkeypatch.setattr(client, "CONNECT", 0.1)
    monkeypatch.setattr(client, "ANSWER", 0.2)
    server.faults = ["slow"]
    assert len(read_ticker("MADE").bars) == 5
    assert caplog.messages == ["MADE: Yahoo Finance did not answer in time; trying again in 0 s (2 of 4)."]
    server.stocks["OTHER"], server.for_ever = Stock([1]), "slow"
    monkeypatch.setattr(client, "ATTEMPTS", 2)
    with pytest.raises(NoNetwork, match="did not answer in time. Try again later, or wait for it with --wait"):
        read_ticker("OTHER")


@pytest.mark.parametrize("fault", ["slow", "half", 429, 503, "hang up", "silence", "drip"])
def test_a_failure_is_said_soon_unless_the_user_waits(server, monkeypatch, fault):
    """Well before the pauses of the program would be over, which are ten times as long as the time that is left."""
    monkeypatch.setattr(client, "PAUSE", wait_exponential(multiplier=10, max=100) + wait_random(0, 0.2))
    monkeypatch.setattr(client, "PROMPT", 1.0)
    server.slow, server.for_ever = 60, fault
    begun = time.monotonic()
    with pytest.raises(SourceError):
        read_ticker("MADE")
    assert time.monotonic() - begun < 30
    assert client.deadline_of(wait=True) - client.deadline_of(wait=False) > 60


def test_with_wait_a_fault_that_passes_is_waited_for(server, monkeypatch):
    monkeypatch.setattr(client, "PROMPT", 0.0)
    server.faults = [429, 429, 429]
    with pytest.raises(SourceError):
        read_ticker("MADE")
    server.faults = [429, 429, 429]
    assert len(read_ticker("MADE", wait=True).bars) == 5


def changed(server, **fields):
    """A chart document with other fields of its rows."""
    document = server.stocks["MADE"].document("MADE", 0, 4e9)
    (result,) = document["chart"]["result"]
    result["meta"] |= fields.pop("meta", {})
    result["timestamp"] = fields.pop("timestamp", result["timestamp"])
    result["indicators"]["quote"][0] |= fields
    return document


WRONG = [
    ({"close": [2.0, 4.0, -6.0, 8.0, 10.0]}, "a price is -6"),
    ({"low": [2.0, 4.0, 6.0, 8.0, 1e400]}, "a price is no finite number"),
    ({"timestamp": [1704205800] * 5}, "4 of 5 rows have the time of another one"),
    ({"timestamp": [1704205800 - 86400 * day for day in range(5)]}, "its rows are not in the order of time"),
    ({"timestamp": [1704205800 + 86400 * day for day in (0, 1, 2, 3, 9999)]}, "its last row lies in the future"),
]


@pytest.mark.parametrize(("fields", "why"), WRONG)
def test_rows_that_cannot_be_right_are_refused_and_the_copy_stays(server, fields, why):
    server.for_ever = changed(server, **fields)
    with pytest.raises(SourceError, match=f"MADE: Yahoo Finance sent rows that cannot be right at 1d: {why}"):
        read_ticker("MADE")
    assert not cache.path_of("MADE", "1d").exists()
    server.for_ever = None
    read_ticker("MADE")
    age("MADE")
    before = cache.path_of("MADE", "1d").read_bytes()
    server.for_ever = changed(server, **fields)
    (note,) = read_ticker("MADE").notes
    assert "is used, because Yahoo Finance sent rows that cannot be right" in note
    assert cache.path_of("MADE", "1d").read_bytes() == before


def test_a_future_may_have_had_a_negative_price(server):
    server.for_ever = changed(server, close=[2.0, 4.0, -6.0, 8.0, 10.0], meta={"instrumentType": "FUTURE"})
    assert read_ticker("MADE").bars["Close"].min() == -6


def test_an_answer_beyond_all_bounds_is_given_up(server, monkeypatch):
    assert len(read_ticker("MADE").bars) == 5
    age("MADE")
    monkeypatch.setattr(client, "LARGEST_ANSWER", 500)
    assert "sent rows that cannot be right at 1d: an answer of more than 0 MB" in read_ticker("MADE").notes[0]


def test_what_a_server_says_does_nothing_on_a_terminal(server, caplog):
    server.for_ever = 503, "\x1b[2J"
    with pytest.raises(SourceError):
        read_ticker("MADE")
    assert caplog.messages
    assert not any("\x1b" in message for message in caplog.messages)


def test_an_answer_of_brackets_is_broken(server):
    server.for_ever = "brackets"
    with pytest.raises(NoNetwork, match="broken or cut off"):
        read_ticker("MADE")


def test_an_unreachable_network_is_said_at_once(server, monkeypatch, caplog):
    point_at("http://127.0.0.1:9", monkeypatch.setattr)
    with pytest.raises(NoNetwork, match=r"MADE: Yahoo Finance cannot be reached \(.*\)\. Check the network"):
        read_ticker("MADE")
    assert caplog.messages == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue refuses")
def test_a_connection_that_does_not_come_about_is_given_up_soon(server, monkeypatch, caplog):
    monkeypatch.setattr(client, "CONNECT", 0.3)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, socket.create_connection(deaf.getsockname()):
        point_at(f"http://127.0.0.1:{deaf.getsockname()[1]}", monkeypatch.setattr)
        with pytest.raises(NoNetwork, match=r"cannot be reached \(.*timed out after 3\d\d milliseconds\)"):
            read_ticker("MADE")
    assert caplog.messages == []


def test_a_name_that_cannot_be_resolved_is_said_at_once(server, monkeypatch, caplog):
    name = "y" * 64  # longer than a name may be, so that no name server is asked
    monkeypatch.setenv("no_proxy", f"{name},127.0.0.1")
    point_at(f"http://{name}", monkeypatch.setattr)
    with pytest.raises(NoNetwork, match=r"cannot be reached \(Could not resolve host: y+\)"):
        read_ticker("MADE")
    assert caplog.messages == []


def test_the_settings_of_yfinance_are_as_before(server):
    yfinance = yahoo.load_yfinance()
    read_ticker("MADE")
    with pytest.raises(UnknownTicker):
        read_ticker("NOSUCH")
    assert yfinance.config.debug.hide_exceptions is True
    assert not logging.getLogger("yfinance").disabled
    answer = yfinance.data.YfData().get(f"{server.address}{client.CHART}NOSUCH")
    assert answer.status_code == 404  # an answer to whoever else uses yfinance, and no error of this program


def test_several_tickers_are_read_and_one_that_fails_stops_none(server):
    server.stocks |= {"^GSPC": Stock([1, 2]), "BTC-USD": Stock([5, 6, 7], zone="UTC", opens="00:00")}
    made, nosuch, index, crypto = fetch(["made", "NOSUCH", "^GSPC", "BTC-USD"], start="2024-01-03")
    assert (made.ticker, made.rows, made.first, made.last, made.error) == ("MADE", 4, "2024-01-03", "2024-01-08", "")
    assert (nosuch.ticker, nosuch.rows, nosuch.error_kind) == ("NOSUCH", 0, "UnknownTicker")
    assert "NOSUCH" in nosuch.error
    assert (index.rows, crypto.rows, crypto.zone, crypto.currency) == (1, 2, "UTC", "EUR")


def test_who_was_refused_does_not_wait_as_long_for_the_next_ticker(server, caplog):
    server.for_ever = 429
    assert [result.error_kind for result in fetch(["MADE", "OTHER", "THIRD"])] == ["RateLimited"] * 3
    assert len(caplog.messages) == client.ATTEMPTS - 1


def test_the_kind_of_a_failure_is_one_of_those_in_errors(server, monkeypatch):
    point_at("http://127.0.0.1:9", monkeypatch.setattr)
    assert [result.error_kind for result in fetch(["MADE", "a/b"])] == ["NoNetwork", "UnknownTicker"]


def test_an_old_copy_is_used_with_its_date_when_yahoo_refuses(server, caplog):
    date = f"{read_ticker('MADE').fetched - pd.Timedelta(days=3):%Y-%m-%d}"
    age("MADE")
    server.for_ever = 429
    download = read_ticker("MADE")
    assert download.bars["Close"].tolist() == [2, 4, 6, 8, 10]
    assert download.notes == (f"the copy of {date} is used, because Yahoo Finance answers too many requests (429)",)
    assert len(caplog.messages) == client.ATTEMPTS - 1
    server.for_ever = refusal("Not Found", "No data found, symbol may be delisted")
    assert "delisted" in read_ticker("MADE").notes[0]


def test_offline_nobody_is_asked(server):
    with pytest.raises(NoNetwork, match="forecast fetch MADE --interval 1d"):
        read_ticker("made", offline=True)
    assert server.asked == []
    read_ticker("MADE")
    age("MADE", days=400)
    asked = len(server.asked)
    download = read_ticker("MADE", start="2024-01-08", offline=True)
    assert download.bars["Close"].tolist() == [10]
    assert re.fullmatch(r"the copy of \d{4}-\d\d-\d\d is used, because of --offline", download.notes[0])
    assert len(server.asked) == asked
    cache.path_of("MADE", "1d").write_bytes(b"PAR1")
    with pytest.raises(SourceError, match=r"MADE\.parquet: a copy must be whole\. It is damaged"):
        read_ticker("MADE", offline=True)


@pytest.mark.slow
def test_downloads_work_after_tensorflow_was_loaded():
    """In a process of its own, as in a notebook: TensorFlow's libcurl must not get in the way of yfinance's."""
    code = (
        "import keras\n"
        "from forecast.data.sources.yahoo.tickers import load_yfinance\n"
        "load_yfinance()\n"
        "from curl_cffi import requests\n"
        "try: requests.Session(impersonate='chrome').get('http://127.0.0.1:9')\n"
        "except requests.exceptions.ConnectionError: print('asked')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout.split() == ["asked"], done.stderr[-500:]
