import numpy as np
import pandas as pd
import pytest

from forecast.data.calendar.infer_exchange import CLOSED, infer_exchange
from forecast.data.calendar.sessions import find_sessions


def sessions_of(exchange, last="2026-07-31", years=8):
    days = find_sessions(exchange, np.datetime64(last)).days
    span = (days <= np.datetime64(last)) & (days > np.datetime64(last) - np.timedelta64(365 * years, "D"))
    return pd.DatetimeIndex(days[span])


@pytest.mark.parametrize("exchange", [name for name in CLOSED if name not in ("XKRX", "XMOS")])  # slow to build
def test_sessions_are_recognised_and_closed_days_are_right(exchange):
    index = sessions_of(exchange)
    fixed = index[index.strftime("%m-%d").isin(CLOSED[exchange].split())]
    assert fixed.empty
    assert infer_exchange(index) == exchange


@pytest.mark.parametrize(("exchange", "twin"), [("XAMS", "XPAR"), ("XBRU", "XPAR"), ("XFRA", "XETR"), ("XCBF", "XNYS")])
def test_of_exchanges_with_the_same_sessions_the_common_one_is_named(exchange, twin):
    assert infer_exchange(sessions_of(exchange)) == twin


@pytest.mark.parametrize("exchange", ["XNYS", "XLON", "XTKS", "XBOM", "BVMF", "XWAR"])
def test_missing_rows_special_sessions_and_a_long_gap_do_not_matter(exchange):
    index = sessions_of(exchange)
    index = index[np.random.default_rng(1).random(len(index)) > 0.005]
    index = index[(index < "2021-02-01") | (index > "2021-09-15")]
    assert infer_exchange(index.append(pd.DatetimeIndex(["2022-10-22", "2024-11-02"])).sort_values()) == exchange


def test_one_year_suffices():
    assert infer_exchange(sessions_of("XNYS", years=1)) == "XNYS"
    assert infer_exchange(sessions_of("XTKS", years=1)) == "XTKS"


def test_where_two_exchanges_fit_and_then_part_there_is_none():
    """In the year to July 2026 Helsinki and Stockholm closed on the same weekdays; at the end of 2027 they do not."""
    assert sessions_of("XHEL", years=1).tolist() == sessions_of("XSTO", years=1).tolist()
    assert infer_exchange(sessions_of("XHEL", years=1)) == ""


def test_bars_are_recognised_by_their_days():
    hours = pd.to_timedelta([570, 630, 690], unit="min")
    index = pd.DatetimeIndex([day + hour for day in sessions_of("XNYS", years=2) for hour in hours])
    assert infer_exchange(index) == "XNYS"


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
    assert infer_exchange(index) == ""


def test_american_federal_holidays_are_not_an_exchange():
    """Those of banks: without Good Friday, with Columbus and Veterans Day."""
    from pandas.tseries.holiday import USFederalHolidayCalendar

    holidays = USFederalHolidayCalendar().holidays("2018-01-01", "2026-07-31")
    assert infer_exchange(WEEKDAYS.difference(holidays)) == ""


@pytest.mark.parametrize(("named", "first"), [("", "2026-07-06"), ("24/5", "2026-07-03")])
def test_forecasts_are_dated_by_the_exchange_that_is_named_or_recognised(named, first):
    from forecast.config import QUANTILES
    from forecast.data.series import TimeSeries
    from forecast.inference.forecasts import next_steps

    index = sessions_of("XNYS", last="2026-07-02")
    series = TimeSeries("shares", index, np.ones((len(index), 1)), ("Close",), "Close", exchange=named)
    quantiles = np.ones((2, len(QUANTILES)))
    assert (
        next_steps("naive", quantiles, series).dates[0] == first
    )  # Independence Day falls on Saturday and is kept on Friday
