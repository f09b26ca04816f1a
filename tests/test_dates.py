"""Dates in every form, against what a person reads; the order from the whole column."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.sources.parsing.date_formats import read_times
from forecast.data.sources.parsing.dates import read_dates
from forecast.data.sources.parsing.months import read_months

GOLDEN = {
    "2020-01-02": "2020-01-02",
    "2020-01-02 10:11:12.5": "2020-01-02T10:11:12.500",
    "2020-01-02T10:11:12Z": "2020-01-02T10:11:12",
    "2020-01-02 10:11:12-05:00": "2020-01-02T10:11:12",
    "20200131": "2020-01-31",
    "20200131 093005": "2020-01-31T09:30:05",
    "20200131093005": "2020-01-31T09:30:05",
    "31.01.2020": "2020-01-31",
    "31.01.2020 17:35": "2020-01-31T17:35",
    "2020-01-31 1735": "2020-01-31T17:35",
    "31.01.2020 00:00:00.000 GMT+0100": "2020-01-31",
    "1/31/2020": "2020-01-31",
    "1/31/20 4:05 PM": "2020-01-31T16:05",
    "1/31/2020 12:00:00 AM": "2020-01-31",
    "2019-12-02 03-AM": "2019-12-02T03:00",
    "2019-12-02 12-PM": "2019-12-02T12:00",
    "Jan 31, 2020": "2020-01-31",
    "31-Jan-2020": "2020-01-31",
    "31 January 2020": "2020-01-31",
    "31st January, 2020": "2020-01-31",
    "Friday, January 31, 2020": "2020-01-31",
    "Fri, 31 Jan 2020 00:00:00 GMT": "2020-01-31",
    "31JAN2020": "2020-01-31",
    "31. Januar 2020": "2020-01-31",
    "31 janv. 2020": "2020-01-31",
    "31 de enero de 2020": "2020-01-31",
    "31 Oca 2020": "2020-01-31",
    "31 янв 2020": "2020-01-31",
    "2020年1月31日": "2020-01-31",
    "2020. 1. 31.": "2020-01-31",
    "109/01/31": "2020-01-31",
    "2020-01": "2020-01-01",
    "Jan-20": "2020-01-01",
    "Jan 2020": "2020-01-01",
    "2020M01": "2020-01-01",
    "01/2020": "2020-01-01",
    "2020Q3": "2020-07-01",
    "Q3 2020": "2020-07-01",
    "2020-W05": "2020-01-27",
    "1580428800": "2020-01-31",
    "1580428800000": "2020-01-31",
    "1580428800.0": "2020-01-31",
    "43861": "2020-01-31",
    "2020": "2020-01-01",
}


@pytest.mark.parametrize("cell", GOLDEN)
def test_a_date_is_read_as_a_person_would(cell):
    (stamp,) = read_dates(pa.array([cell])).stamps
    assert stamp == np.datetime64(GOLDEN[cell])


@pytest.mark.parametrize(
    "cells", [["280.00", "290.1"], ["AAPL", "MSFT"], ["1-01", "3-12"], ["Price change", "x"], [""], []]
)
def test_other_cells_are_no_dates(cells):
    assert read_dates(pa.array(cells, pa.string())) is None


@given(
    start=st.dates(dt.date(1990, 1, 1), dt.date(2024, 1, 1)),
    form=st.sampled_from(("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%m/%d/%y", "%y%m%d", "%d%m%y", "%Y.%m.%d", "%d-%b-%y")),
)
def test_the_order_is_decided_from_forty_days(start, form):
    days = [start + dt.timedelta(days=day) for day in range(40)]
    dates = read_dates(pa.array([day.strftime(form) for day in days]))
    assert dates.stamps.astype("M8[D]").tolist() == days
    assert not dates.alternative or "%y" in form


def test_monthly_firsts_are_months_and_the_doubt_is_said():
    cells = [f"1/{month}/{year}" for year in (1981, 1982) for month in range(1, 13)]
    dates = read_dates(pa.array(cells))
    assert (dates.format, dates.alternative) == ("dmy", "mdy")


def test_years_of_two_digits_are_not_in_the_future():
    dates = read_dates(pa.array(["12/31/68", "12/31/99", "12/31/05"]))
    assert [stamp.astype("M8[Y]").astype(int) + 1970 for stamp in dates.stamps] == [1968, 1999, 2005]


def test_days_that_do_not_exist_are_no_dates():
    dates = read_dates(pa.array(["28.02.2021", "29.02.2021", "01.03.2021", "31.04.2021"]))
    assert np.isnat(dates.stamps).tolist() == [False, True, False, True]


def test_the_fast_way_and_the_slow_way_agree():
    days = [dt.datetime(2020, 1, 1) + dt.timedelta(hours=7 * step) for step in range(700)]
    cells = [f"{day:%d.%m.%Y %H:%M:%S}" for day in days]
    fast = read_dates(pa.array(cells)).stamps
    slow = read_dates(pa.array([*cells, "1.2.2021 3:04:05"])).stamps
    assert fast.tolist() == days == slow[:-1].tolist()


def test_clocks_of_their_own():
    assert read_times(pa.array(["09:30", "4:05 PM"])).tolist() == [
        dt.timedelta(hours=9.5),
        dt.timedelta(hours=16, minutes=5),
    ]
    assert read_times(pa.array(["93000", "160500"])).tolist() == [
        dt.timedelta(hours=9.5),
        dt.timedelta(hours=16, minutes=5),
    ]
    assert read_times(pa.array([930, 1605])).tolist() == [dt.timedelta(hours=9.5), dt.timedelta(hours=16, minutes=5)]
    assert read_times(pa.array(["open", "close"])) is None


def test_months_in_the_language_that_knows_them_all():
    assert read_months(["Sept", "Dec"]) == {"Sept": 9, "Dec": 12}
    assert read_months(["févr", "août"]) == {"févr": 2, "août": 8}
    assert read_months(["Dez", "Mär"]) == {"Dez": 12, "Mär": 3}
    assert read_months(["sun", "rain"]) is None


@pytest.mark.parametrize("sign", ["¾", "²", "٣", "３", "Ⅷ", "①"])
@pytest.mark.parametrize(
    "form", ["%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%Y", "%Y-%m-%d %H:%M", "%b %d, %Y", "%G-W%V", "%m/%d/%y"]
)
@pytest.mark.parametrize("share", [1, 40])
def test_a_sign_that_is_a_number_but_no_digit_makes_no_traceback(sign, form, share):
    days = [(dt.date(2001, 1, 1) + dt.timedelta(weeks=week)).strftime(form) for week in range(40)]
    spoiled = [day[:-1] + sign if place % share == 0 else day for place, day in enumerate(days)]
    found = read_dates(pa.array(spoiled))
    assert share == 1 or found is None or np.isnat(found.stamps[0])
