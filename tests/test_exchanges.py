import re
import warnings

import numpy as np
import pandas as pd
import pytest

from forecast import exchanges
from forecast.errors import ConfigError
from forecast.exchanges import check_exchange, exchange_of_ticker, find_sessions, recognise


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
    for table in (exchanges.TICKERS, exchanges.CLOSED, exchanges.FALSE_SESSIONS):
        assert set(table) <= known
    assert set(exchanges.SPOKEN.values()) <= known
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
    with pytest.raises(ConfigError, match=r"Received: NASDQ\. Near: NASDAQ"):
        check_exchange("NASDQ")
    with pytest.raises(ConfigError, match=re.escape("Received: ???. Leave it out")):
        check_exchange("???")


def sessions_of(exchange, last="2026-07-31", years=8):
    days = find_sessions(exchange, np.datetime64(last)).days
    span = (days <= np.datetime64(last)) & (days > np.datetime64(last) - np.timedelta64(365 * years, "D"))
    return pd.DatetimeIndex(days[span])


@pytest.mark.parametrize(
    "exchange", [name for name in exchanges.CLOSED if name not in ("XKRX", "XMOS")]
)  # slow to build
def test_sessions_are_recognised_and_closed_days_are_right(exchange):
    index = sessions_of(exchange)
    fixed = index[index.strftime("%m-%d").isin(exchanges.CLOSED[exchange].split())]
    assert fixed.empty
    assert recognise(index) == exchange


@pytest.mark.parametrize(("exchange", "twin"), [("XAMS", "XPAR"), ("XBRU", "XPAR"), ("XFRA", "XETR"), ("XCBF", "XNYS")])
def test_of_exchanges_with_the_same_sessions_the_common_one_is_named(exchange, twin):
    assert recognise(sessions_of(exchange)) == twin


@pytest.mark.parametrize("exchange", ["XNYS", "XLON", "XTKS", "XBOM", "BVMF", "XWAR"])
def test_missing_rows_special_sessions_and_a_long_gap_do_not_matter(exchange):
    index = sessions_of(exchange)
    index = index[np.random.default_rng(1).random(len(index)) > 0.005]
    index = index[(index < "2021-02-01") | (index > "2021-09-15")]
    assert recognise(index.append(pd.DatetimeIndex(["2022-10-22", "2024-11-02"])).sort_values()) == exchange


def test_one_year_suffices():
    assert recognise(sessions_of("XNYS", years=1)) == "XNYS"
    assert recognise(sessions_of("XTKS", years=1)) == "XTKS"


def test_where_two_exchanges_fit_and_then_part_there_is_none():
    """In the year to July 2026 Helsinki and Stockholm closed on the same weekdays; at the end of 2027 they do not."""
    assert sessions_of("XHEL", years=1).tolist() == sessions_of("XSTO", years=1).tolist()
    assert recognise(sessions_of("XHEL", years=1)) == ""


def test_bars_are_recognised_by_their_days():
    hours = pd.to_timedelta([570, 630, 690], unit="min")
    index = pd.DatetimeIndex([day + hour for day in sessions_of("XNYS", years=2) for hour in hours])
    assert recognise(index) == "XNYS"


RANDOM = np.random.default_rng(0).random(3000)
WEEKDAYS = pd.bdate_range("2018-01-01", "2026-07-31")


@pytest.mark.parametrize(
    "index",
    [
        WEEKDAYS,
        WEEKDAYS[RANDOM[: len(WEEKDAYS)] > 0.01],
        WEEKDAYS[RANDOM[: len(WEEKDAYS)] > 0.05],
        WEEKDAYS[RANDOM[: len(WEEKDAYS)] > 0.4],
        WEEKDAYS[~WEEKDAYS.strftime("%m-%d").isin(["12-25", "01-01"])],
        pd.date_range("2018-01-01", "2026-07-31"),
        pd.date_range("2018-01-01", periods=3000)[RANDOM > 0.05],
        pd.date_range("2018-01-01", periods=3000, freq="h"),
        pd.date_range("1990-01-05", periods=1500, freq="W-FRI"),
        pd.date_range("1900-01-01", periods=1200, freq="MS"),
        pd.DatetimeIndex(["2024-01-02"]),
    ],
    ids=lambda index: f"{len(index)} rows from {index[0]:%Y-%m-%d}",
)
def test_rows_that_follow_no_exchange_name_none(index):
    assert recognise(index) == ""


def test_american_federal_holidays_are_not_an_exchange():
    """Those of banks: without Good Friday, with Columbus and Veterans Day."""
    from pandas.tseries.holiday import USFederalHolidayCalendar

    holidays = USFederalHolidayCalendar().holidays("2018-01-01", "2026-07-31")
    assert recognise(WEEKDAYS.difference(holidays)) == ""


def test_sessions_reach_as_far_as_asked_and_end_where_the_exchange_does():
    assert find_sessions("XNYS", np.datetime64("2026-07-31"), ahead=2000).days[-1] > np.datetime64("2034-01-01")
    assert find_sessions("XSAU", np.datetime64("2026-07-31")).days[0] >= np.datetime64("2021-01-01")
    assert [find_sessions(name, np.datetime64("2026-07-31")) for name in ("", "24/7", "24/5")] == [None] * 3


def test_sessions_run_on_the_clocks_of_the_exchange():
    sessions = find_sessions("XNYS", np.datetime64("2026-07-31"))
    half = np.flatnonzero(sessions.days == np.datetime64("2026-11-27"))[0]
    assert sessions.zone == "America/New_York"
    assert sessions.opens[half] == np.datetime64("2026-11-27T09:30")
    assert sessions.closes[half] == np.datetime64("2026-11-27T13:00")


def test_a_calendar_with_false_holidays_is_not_used():
    """Pandas 3.1 and exchange_calendars 4.13 open Tel Aviv on Passover; a sound one is welcome."""
    sessions = find_sessions("XTAE", np.datetime64("2026-07-31"))
    assert sessions is None or np.datetime64("2026-04-02") not in sessions.days


def test_an_exchange_whose_calendar_cannot_be_built_has_none(monkeypatch):
    def fail(*_):
        raise NotImplementedError

    monkeypatch.setattr(exchanges, "_calendar", fail)
    exchanges._build.cache_clear()
    assert find_sessions("ASEX", np.datetime64("2026-07-31")) is None
    exchanges._build.cache_clear()


def test_the_package_does_not_warn():
    exchanges._build.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_sessions("XNYS", np.datetime64("2020-07-31")) is not None


@pytest.mark.parametrize(("named", "first"), [("", "2026-07-06"), ("24/5", "2026-07-03")])
def test_forecasts_are_dated_by_the_exchange_that_is_named_or_recognised(named, first):
    from forecast.config import QUANTILES
    from forecast.predictions import next_steps
    from forecast.series import TimeSeries

    index = sessions_of("XNYS", last="2026-07-02")
    series = TimeSeries("shares", index, np.ones((len(index), 1)), ("Close",), "Close", exchange=named)
    quantiles = np.ones((2, len(QUANTILES)))
    assert (
        next_steps("naive", quantiles, series).dates[0] == first
    )  # Independence Day falls on Saturday and is kept on Friday
