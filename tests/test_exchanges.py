import re

import pytest

from forecast.data.calendar import exchanges
from forecast.data.calendar.exchanges import check_exchange, exchange_of_ticker
from forecast.data.calendar.infer_exchange import CLOSED
from forecast.data.calendar.sessions import FALSE_SESSIONS
from forecast.errors import ConfigError


@pytest.fixture(scope="module")
def known():
    import exchange_calendars

    return set(exchange_calendars.get_calendar_names(include_aliases=False))


@pytest.mark.parametrize(
    ("ticker", "expected"),
    [
        ("AAPL", "XNYS"),
        ("aapl ", "XNYS"),
        ("BRK-B", "XNYS"),
        ("BAC-PL", "XNYS"),
        ("^GSPC", "XNYS"),
        ("^N225", "XTKS"),
        ("^STOXX50E", "XPAR"),
        ("SAP.DE", "XETR"),
        ("VOD.L", "XLON"),
        ("000001.SS", "XSHG"),
        ("300750.SZ", "XSHG"),
        ("PETR4.SA", "BVMF"),
        ("BPCL.NS", "XBOM"),
        ("GARAN.IS", "XIST"),
        ("NOVO-B.CO", "XCSE"),
        ("^TA125.TA", "XTAE"),
        ("EURUSD=X", "24/5"),
        ("ES=F", "CMES"),
        ("KC=F", "IEPA"),
        ("CLZ26.NYM", "CMES"),
        ("BTC-USD", "24/7"),
        ("ETH-BTC", "24/7"),
        ("FOO.XYZ", ""),
        ("^UNHEARDOF", ""),
    ],
)
def test_tickers_name_their_exchange(ticker, expected):
    assert exchange_of_ticker(ticker) == expected


def test_every_exchange_in_the_tables_is_in_the_package(known):
    for table in (exchanges.TICKERS, CLOSED, FALSE_SESSIONS):
        assert set(table) <= known
    assert set(exchanges.ALIASES.values()) <= known
    assert {exchange_of_ticker(ticker) for ticker in ("EURUSD=X", "BTC-USD", "ES=F", "KC=F", "AAPL")} <= known


def test_no_ending_of_a_ticker_has_two_exchanges():
    endings = " ".join(exchanges.TICKERS.values()).split()
    assert len(set(endings)) == len(endings)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("XNYS", "XNYS"),
        ("xnys", "XNYS"),
        ("NASDAQ", "XNYS"),
        ("nyse ", "XNYS"),
        ("LSE", "XLON"),
        ("us_futures", "us_futures"),
        ("Crypto", "24/7"),
        ("fx", "24/5"),
        ("24/7", "24/7"),
        ("xetra", "XETR"),
    ],
)
def test_names_of_exchanges(name, expected):
    assert check_exchange(name) == expected


def test_an_unknown_exchange_is_an_error_that_names_those_near():
    with pytest.raises(ConfigError, match=r"Received: NASDQ\. Similar: NASDAQ"):
        check_exchange("NASDQ")
    with pytest.raises(ConfigError, match=re.escape("Received: ???. Leave it out")):
        check_exchange("???")
