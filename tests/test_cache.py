"""Copies of downloaded bars: what is asked again, what is noticed, and what two processes and a kill leave behind."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yahoo_server
from filelock import FileLock
from yahoo_server import Stock, age, environment, isolated

import forecast
from forecast.data.sources.yahoo import cache, client
from forecast.data.sources.yahoo import tickers as yahoo
from forecast.data.sources.yahoo.tickers import read_ticker
from forecast.errors import SourceError

CLOSES = np.arange(100.0, 160.0)


@pytest.fixture
def server(monkeypatch, tmp_path):
    with isolated(monkeypatch, tmp_path) as made:
        made.stocks["MADE"] = Stock(CLOSES)
        yield made


def aged():
    """Reads the ticker and makes its copy older than it is."""
    read_ticker("MADE")
    age("MADE")


def test_a_copy_of_the_same_day_is_used_as_it_is(server):
    first = read_ticker("MADE")
    asked = len(server.asked)
    second = read_ticker("MADE")
    pd.testing.assert_frame_equal(second.bars, first.bars)
    assert second.fetched == first.fetched
    assert len(server.asked) == asked


def test_an_old_copy_is_refreshed_by_the_missing_days_only(server):
    aged()
    server.stocks["MADE"].bars.loc[59, ["close", "adjclose"]] = 161, 80  # its session was still open
    server.stocks["MADE"].add(170, 180)
    server.asked.clear()
    download = read_ticker("MADE")
    assert download.bars["Close"].tolist() == [*CLOSES[:59], 161, 170, 180]
    assert download.notes == ()
    (question,) = server.prices_asked()
    since = pd.Timestamp(float(question.period1), unit="s", tz="America/New_York")
    assert since.tz_localize(None) == pd.bdate_range("2024-01-02", periods=60)[59 - yahoo.OVERLAP]
    assert cache.read(cache.path_of("MADE", "1d")).bars["Close"].iloc[-1] == 180


@pytest.mark.parametrize("event", ["split", "dividend"])
def test_a_split_or_dividend_is_noticed_and_the_whole_history_read_anew(server, event):
    aged()
    stock = server.stocks["MADE"]
    stock.add(80, 81)
    stock.split(60, 2) if event == "split" else stock.pay(60, 0.5)
    server.asked.clear()
    download = read_ticker("MADE")
    assert len(server.prices_asked()) == 2
    assert download.bars["Close"].tolist() == stock.bars["close"].tolist()
    assert download.bars["Adj Close"].tolist() == stock.bars["adjclose"].tolist()
    assert len(download.notes) == 1
    assert f"as after a {event}, and the whole history was downloaded again" in download.notes[0]
    age("MADE")
    server.asked.clear()
    assert read_ticker("MADE").notes == ()
    assert len(server.prices_asked()) == 1


def test_rounding_is_no_split_and_a_corrected_price_is_taken_over(server):
    aged()
    stock = server.stocks["MADE"]
    stock.bars[["close", "adjclose"]] *= 1 + 4e-7
    stock.bars.loc[57, "close"] = 150
    server.asked.clear()
    download = read_ticker("MADE")
    assert len(server.prices_asked()) == 1
    assert download.bars["Close"][57] == 150
    assert download.notes == ()


def test_no_row_is_lost_when_yahoo_gives_fewer_or_no_price(server):
    aged()
    stock = server.stocks["MADE"]
    stock.bars.loc[50, ["close", "adjclose"]] = np.nan
    stock.dates, stock.bars = stock.dates[:55], stock.bars[:55]
    download = read_ticker("MADE")
    assert download.bars["Close"].tolist() == CLOSES.tolist()
    assert download.notes == ()


def test_a_provisional_last_row_that_never_was_is_dropped(server):
    aged()
    stock = server.stocks["MADE"]
    stock.add(200)
    stock.dates, stock.bars = stock.dates.delete(59), stock.bars.drop(59).reset_index(drop=True)
    assert read_ticker("MADE").bars["Close"].tolist() == [*CLOSES[:59], 200]


def test_rows_that_yahoo_has_forgotten_are_kept_in_the_money_of_today(server):
    aged()
    stock = server.stocks["MADE"]
    stock.add(85)
    stock.split(60, 2)
    stock.forget(10)
    bars = read_ticker("MADE").bars
    assert bars["Close"].tolist() == [*(CLOSES / 2), 85]
    assert bars["Adj Close"].tolist() == [*(CLOSES / 4), 85]
    assert bars["Volume"].tolist() == [20] * 10 + [10] * 51


def recent(days, rows):
    """Minutes that began some days ago, at ten."""
    first = pd.Timestamp.now("America/New_York").normalize() - pd.Timedelta(days=days) + pd.Timedelta(hours=10)
    return Stock(np.arange(1.0, rows + 1), first=first.tz_localize(None), interval="1m")


def test_minutes_that_yahoo_gives_no_more_are_kept_and_a_gap_is_said(server):
    server.stocks["MADE"] = recent(1, 5)
    read_ticker("MADE", interval="1m")
    path = cache.path_of("MADE", "1m")
    copy = cache.read(path)
    cache.write(path, replace(copy, bars=copy.bars.assign(Date=copy.bars["Date"] - pd.Timedelta(days=30))))
    age("MADE", interval="1m")
    server.stocks["MADE"] = recent(1, 3)
    server.asked.clear()
    download = read_ticker("MADE", interval="1m")
    assert download.bars["Close"].tolist() == [1, 2, 3, 4, 5, 1, 2, 3]
    assert "Yahoo Finance no longer has rows" in download.notes[0]
    (question,) = server.prices_asked()
    assert float(question.period1) > (datetime.now(UTC) - timedelta(days=9)).timestamp()


def test_minutes_are_refreshed_by_the_missing_ones(server):
    server.stocks["MADE"] = stock = recent(1, 30)
    read_ticker("MADE", interval="1m")
    age("MADE", interval="1m")
    stock.add(31, 32)
    server.asked.clear()
    assert read_ticker("MADE", interval="1m").bars["Close"].tolist() == list(range(1, 33))
    (question,) = server.prices_asked()
    assert float(question.period1) == stock.dates[29 - yahoo.OVERLAP].timestamp()


@pytest.mark.parametrize("interval", ["1wk", "1mo"])
def test_weeks_and_months_are_refreshed_by_the_missing_ones(server, interval):
    server.stocks["MADE"] = stock = Stock(CLOSES, first="2010-02-01", interval=interval)
    read_ticker("MADE", interval=interval)
    age("MADE", interval=interval)
    stock.bars.loc[59, ["close", "adjclose"]] = 161, 80  # the week or month was not over
    stock.add(170)
    server.asked.clear()
    bars = read_ticker("MADE", interval=interval).bars
    assert bars["Close"].tolist() == [*CLOSES[:59], 161, 170]
    assert bars["Date"].tolist() == [date.tz_localize(None) for date in stock.dates]
    (question,) = server.prices_asked()
    assert float(question.period1) == stock.dates[59 - yahoo.OVERLAP].timestamp()


def test_a_copy_taken_in_a_session_is_old_half_an_hour_after_its_end(server):
    stock, now = server.stocks["MADE"], datetime.now(UTC)
    for end, fresh in (
        (now + timedelta(hours=1), 1.5),
        (now - timedelta(hours=1), 12),
        (now + timedelta(hours=23), 12),
    ):
        stock.session_end = end.timestamp()
        download = read_ticker("MADE")
        assert (download.fresh_until - now) / timedelta(hours=1) == pytest.approx(fresh, abs=0.05)
        age("MADE")


def test_a_damaged_copy_is_said_and_fetched_anew(server):
    read_ticker("MADE")
    path = cache.path_of("MADE", "1d")
    for damage in (path.read_bytes()[:-100], b"", b"PAR1"):
        path.write_bytes(damage)
        download = read_ticker("MADE")
        assert len(download.bars) == 60
        assert download.notes == (f"the copy {path} was damaged, and all was downloaded again",)
        assert read_ticker("MADE").notes == ()


def test_a_file_of_another_program_is_not_taken_for_a_copy(server):
    path = cache.path_of("MADE", "1d")
    path.parent.mkdir(parents=True)
    pd.DataFrame({"Date": [1]}).to_parquet(path)
    with pytest.raises(SourceError, match="a copy must be whole"):
        cache.read(path)
    assert len(read_ticker("MADE").bars) == 60


def test_where_no_copy_can_be_kept_the_bars_are_there_all_the_same(server, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FORECAST_CACHE", str(tmp_path / "file"))
    download = read_ticker("MADE")
    assert len(download.bars) == 60
    assert download.notes[0].startswith("no copy could be kept in ")


def test_on_a_full_disk_the_bars_are_there_all_the_same(server, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    download = read_ticker("MADE")
    assert len(download.bars) == 60
    assert download.notes[0].endswith(" (No space left on device)")


def test_tickers_and_intervals_have_a_file_of_their_own(monkeypatch, tmp_path):
    monkeypatch.setenv("FORECAST_CACHE", str(tmp_path))
    tickers = ("^GSPC", "BRK-B", "BRK.B", "ETH/USD", "../x", "7203.T", "CON", "A*")
    paths = {cache.path_of(ticker, interval) for ticker in tickers for interval in ("1d", "1mo")}
    assert len(paths) == 2 * len(tickers)
    assert {path.parent for path in paths} == {tmp_path / "yahoo"}
    assert cache.path_of("brk-b", "1d") == cache.path_of("BRK-B", "1d")
    monkeypatch.delenv("FORECAST_CACHE")
    assert cache.path_of("A", "1d").parts[-3:] == ("forecast", "yahoo", "1d-A.parquet")


def test_who_waits_too_long_for_another_process_is_told(server, monkeypatch):
    monkeypatch.setattr(client, "PROMPT", 0.1)
    path = cache.path_of("MADE", "1d")
    path.parent.mkdir(parents=True)
    told = pytest.raises(
        SourceError, match=r"1d-MADE\.lock\)\. Try again, wait longer with --wait, or end that process"
    )
    with FileLock(path.with_suffix(".lock")), told:
        read_ticker("MADE")
    aged()
    with FileLock(path.with_suffix(".lock")):
        (note,) = read_ticker("MADE").notes
    assert note.endswith(" is used, because one process at a time fetches a ticker")


def process(server, folder, *more):
    """A process of its own that reads the ticker."""
    command = [sys.executable, yahoo_server.__file__, server.address, "MADE", *more]
    path = os.pathsep.join([str(Path(forecast.__file__).parents[1]), *sys.path])
    variables = os.environ | environment(folder) | {"PYTHONPATH": path}
    return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_at_once_ask_once_and_both_have_all_rows(server, tmp_path):
    server.for_ever, server.slow = "slow", 1.0  # so that the second comes while the first is asking
    both = [process(server, tmp_path) for _ in range(2)]
    for one in both:
        out, err = one.communicate(timeout=300)
        assert (one.returncode, out.strip()) == (0, "60"), err[-2000:]
    assert len(server.prices_asked()) == 1
    copy = cache.read(cache.path_of("MADE", "1d"))
    assert copy.bars["Close"].tolist() == CLOSES.tolist()


def test_a_damaged_database_of_yfinance_does_not_matter(server, tmp_path):
    (tmp_path / "py-yfinance").mkdir()
    (tmp_path / "py-yfinance" / "tkr-tz.db").write_text("not a database")
    (tmp_path / "py-yfinance" / "cookies.db").write_text("not a database")
    with process(server, tmp_path) as reader:
        out, err = reader.communicate(timeout=300)
    assert (reader.returncode, out.strip()) == (0, "60"), err[-2000:]


def test_a_process_killed_in_a_write_leaves_the_copy_as_it_was(server, tmp_path):
    aged()
    path = cache.path_of("MADE", "1d")
    before = path.read_bytes()
    server.stocks["MADE"].add(170)
    with process(server, tmp_path, "slowly") as writer:
        assert writer.stdout.readline() == "writing\n", writer.stderr.read()[-2000:]
        (left,) = path.parent.glob(".*")
        writer.kill()
    os.utime(left, (0, 0))  # long ago, so that the next writer removes it
    assert path.read_bytes() == before
    assert read_ticker("MADE").bars["Close"].tolist() == [*CLOSES, 170]
    assert sorted(file.name for file in path.parent.iterdir()) == ["1d-MADE.lock", "1d-MADE.parquet"]
