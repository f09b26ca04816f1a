import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.calendar.frequency import iso
from forecast.data.infer_grid import infer_grid
from forecast.errors import SeriesError

MIDNIGHT = pd.Timedelta(0)
HOURS = [pd.Timedelta(hours=hour, minutes=30) for hour in range(9, 16)]


def rows(first, last, times=(MIDNIGHT,), closed=(), week="1111100"):
    """Rows on the weekdays of `week`, at each of `times`."""
    days = pd.bdate_range(first, last, freq="C", weekmask=week, holidays=list(closed))
    return pd.DatetimeIndex([day + time for day in days for time in times])


def infer_frequency(index):
    return infer_grid(index).frequency


def future_dates(index, *, frequency, periods, exchange=""):
    return infer_grid(index, exchange, frequency).after(index[-1], periods)


def following(index, periods, exchange=""):
    dates = future_dates(index, frequency=infer_frequency(index), periods=periods, exchange=exchange)
    return [iso(date) for date in dates]


@pytest.mark.parametrize(
    ("alias", "expected"),
    [(alias, alias) for alias in ("B", "D", "h", "15min", "7h", "W-FRI", "MS", "ME", "QS", "QE", "YS", "YE")],
)
def test_frequency_and_next_dates_of_regular_series(alias, expected):
    dates = pd.date_range("2018-01-05", periods=120, freq=alias)
    frequency = infer_frequency(dates[:90])
    assert frequency == expected
    assert future_dates(dates[:90], frequency=frequency, periods=30).tolist() == dates[90:].tolist()


def test_holidays_and_missing_rows_do_not_change_the_frequency():
    dates = pd.bdate_range("2018-01-01", periods=300)
    random = np.random.default_rng(0).random(300)
    assert infer_frequency(dates[random > 0.05]) == "B"
    assert infer_frequency(dates[random > 0.4]) == "B"
    assert infer_frequency(pd.date_range("2018-01-01", periods=300).delete([5, 80, 81])) == "D"
    assert infer_frequency(pd.date_range("2018-01-05", periods=60, freq="W-FRI")[random[:60] > 0.3]) == "W-FRI"


def test_a_gap_of_years_and_an_older_frequency_do_not_change_it():
    assert infer_frequency(rows("2015-01-01", "2016-01-01").append(rows("2018-01-01", "2018-06-01"))) == "B"
    assert (
        infer_frequency(pd.date_range("1950-01-01", "1999-12-01", freq="MS").append(rows("2000-01-03", "2004-12-31")))
        == "B"
    )


def test_rare_sessions_at_the_weekend_leave_business_days():
    dates = rows("2020-01-01", "2023-12-29").append(pd.DatetimeIndex(["2020-11-14", "2022-10-23", "2023-11-12"]))
    assert infer_frequency(dates.sort_values()) == "B"
    assert following(dates.sort_values(), 2) == ["2024-01-01", "2024-01-02"]


@pytest.mark.parametrize(("times", "expected"), [((9, 13), "4h"), ((9, 13, 17), "4h"), (range(9, 16), "h")])
def test_the_frequency_within_sessions_is_the_bar(times, expected):
    index = rows("2024-01-02", "2024-03-01", [pd.Timedelta(hours=hour) for hour in times])
    assert infer_frequency(index) == expected
    assert infer_frequency(index[1:]) == expected


def test_business_days_skip_the_weekend():
    assert following(rows("2024-04-01", "2024-05-03"), 2) == ["2024-05-06", "2024-05-07"]


def test_weeks_from_sunday_to_thursday_go_on_so():
    index = rows("2019-01-01", "2019-12-12", week="1111001")
    assert infer_frequency(index) == "B"
    expected = ["2019-12-15", "2019-12-16", "2019-12-17", "2019-12-18", "2019-12-19", "2019-12-22"]
    assert following(index, 6) == expected
    assert following(index, 6, "XTAE") == expected  # of which the package has no days that are right


def test_a_shop_that_is_shut_on_sundays_stays_shut():
    assert following(rows("2024-01-01", "2024-05-03", week="1111110"), 2) == ["2024-05-04", "2024-05-06"]


def test_months_keep_their_day_and_month_ends_stay_ends():
    middle = pd.DatetimeIndex([f"2020-{month:02d}-15" for month in range(1, 13)])
    assert following(middle, 1) == ["2021-01-15"]
    ends = future_dates(pd.DatetimeIndex(["2020-01-31"]), frequency="ME", periods=2)
    assert [iso(date) for date in ends] == ["2020-02-29", "2020-03-31"]


def test_weeks_keep_their_weekday_though_the_last_was_moved():
    fridays = pd.date_range("2024-01-05", "2024-03-22", freq="W-FRI")
    assert following(fridays.append(pd.DatetimeIndex(["2024-03-28"])), 2) == ["2024-04-05", "2024-04-12"]
    assert following(fridays.append(pd.DatetimeIndex(["2024-04-01"])), 1) == ["2024-04-05"]


@given(
    st.sampled_from(["B", "D", "h", "W-TUE", "MS", "QE", "YS", "5min", "4h"]),
    st.integers(1, 40),
    st.sets(st.integers(0, 60 * 24 * 40), min_size=1, max_size=60),
    st.sampled_from(["", "24/7", "24/5", "XNYS"]),
)
def test_future_dates_increase_and_come_after_the_last(frequency, periods, minutes, exchange):
    index = pd.DatetimeIndex(sorted(pd.Timestamp("2023-03-31 10:00") + pd.Timedelta(minutes=n) for n in minutes))
    dates = future_dates(index, frequency=frequency, periods=periods, exchange=exchange)
    assert len(dates) == periods
    assert dates[0] > index[-1]
    assert dates.is_monotonic_increasing
    assert dates.is_unique


def test_thirty_sessions_in_new_york_skip_thanksgiving_and_christmas():
    dates = following(rows("2026-06-01", "2026-11-20"), 30, "XNYS")
    weekdays = rows("2026-11-23", "2027-02-01", closed=["2026-11-26", "2026-12-25", "2027-01-01", "2027-01-18"])
    assert dates == [iso(date) for date in weekdays[:30]]
    assert dates[0] == "2026-11-23"
    assert dates[-1] == "2027-01-06"


@pytest.mark.parametrize(
    ("exchange", "last", "expected"),
    [
        ("XLON", "2025-12-24", ["2025-12-29", "2025-12-30"]),  # Christmas and Boxing Day
        ("XTKS", "2026-04-28", ["2026-04-30", "2026-05-01", "2026-05-07"]),  # Golden Week
        ("XSHG", "2025-09-30", ["2025-10-09"]),
        ("XSAU", "2024-06-12", ["2024-06-24"]),  # Eid; weeks begin on Sunday
        ("24/7", "2026-11-20", ["2026-11-21", "2026-11-22", "2026-11-23"]),
        ("24/5", "2026-12-24", ["2026-12-25", "2026-12-28"]),
    ],
)
def test_sessions_follow_the_exchange(exchange, last, expected):
    index = pd.date_range(end=last, periods=100) if exchange == "24/7" else rows("2024-01-01", last)
    assert following(index, len(expected), exchange) == expected


def test_days_keep_the_time_of_day_of_the_last_row():
    index = rows("2026-10-01", "2026-11-25", [pd.Timedelta(hours=16)])
    assert following(index, 2, "XNYS") == ["2026-11-27T16:00:00", "2026-11-30T16:00:00"]
    assert following(index, 2) == ["2026-11-26T16:00:00", "2026-11-27T16:00:00"]


def test_beyond_what_an_exchange_has_published_weekdays_follow():
    from forecast.data.calendar.sessions import find_sessions

    end = find_sessions("XBOM", np.datetime64("2026-06-30")).days[-1]
    dates = future_dates(rows("2026-01-01", "2026-06-30"), frequency="B", periods=400, exchange="XBOM")
    beyond = dates[dates > pd.Timestamp(end)]
    assert len(beyond) > 100
    assert beyond.tolist() == pd.bdate_range(pd.Timestamp(end) + pd.Timedelta(days=1), periods=len(beyond)).tolist()


@pytest.mark.parametrize("origin", ["2026-10-28", "2027-03-10"])
def test_bars_stay_where_they_are_on_the_clock_when_it_changes(origin):
    dates = future_dates(rows("2026-09-01", origin, HOURS), frequency="h", periods=56, exchange="XNYS")
    weekdays = pd.bdate_range(pd.Timestamp(origin) + pd.Timedelta(days=1), periods=8)
    assert dates.tolist() == [day + time for day in weekdays for time in HOURS]


def test_bars_in_universal_time_move_with_the_exchange():
    local = rows("2026-01-02", "2026-10-30", HOURS)
    index = local.tz_localize("America/New_York").tz_convert("UTC").tz_localize(None)
    assert iso(index[-1]) == "2026-10-30T19:30:00"
    dates = following(index, 14, "XNYS")  # the clocks go back on Sunday, 2026-11-01
    assert dates[:7] == [f"2026-11-02T{hour}:30:00" for hour in range(14, 21)]


def test_half_days_end_early():
    dates = following(rows("2026-09-01", "2026-11-25", HOURS), 11, "XNYS")
    assert dates[:4] == [f"2026-11-27T{hour}:30:00" for hour in ("09", 10, 11, 12)]
    assert dates[4] == "2026-11-30T09:30:00"
    by_their_end = [pd.Timedelta(hours=hour) for hour in range(10, 17)]
    dates = following(rows("2026-09-01", "2026-11-25", by_their_end), 5, "XNYS")
    assert dates == [*(f"2026-11-27T{hour}:00:00" for hour in (10, 11, 12, 13)), "2026-11-30T10:00:00"]


def test_bars_go_on_within_a_session_and_skip_its_lunch():
    half_hours = [pd.Timedelta(minutes=minute) for minute in [*range(540, 690, 30), *range(750, 930, 30)]]
    index = rows("2026-03-23", "2026-04-28", half_hours)[:-8]  # to 10:00 on the day before a holiday
    expected = ["2026-04-28T10:30:00", "2026-04-28T11:00:00", "2026-04-28T12:30:00"]
    dates = following(index, 9, "XTKS")
    assert dates[:3] == expected
    assert dates[7:] == ["2026-04-28T15:00:00", "2026-04-30T09:00:00"]


def test_bars_without_an_exchange_keep_nights_and_weekends():
    index = rows("2026-09-01", "2026-11-25", HOURS)
    assert following(index, 7) == [iso(pd.Timestamp("2026-11-26") + time) for time in HOURS]
    assert following(index, 15)[-1] == "2026-11-30T09:30:00"


def test_bars_of_few_days_go_on_from_monday_to_friday():
    minutes = [pd.Timedelta(minutes=minute) for minute in range(570, 960)]
    index = rows("2026-11-18", "2026-11-20", minutes)
    assert following(index, 390)[::389] == ["2026-11-23T09:30:00", "2026-11-23T15:59:00"]


def test_sparse_bars_stay_within_the_session():
    minutes = [pd.Timedelta(minutes=minute) for minute in range(570, 960)]
    index = rows("2026-10-01", "2026-11-20", minutes)
    index = index[np.random.default_rng(0).random(len(index)) < 0.3]
    dates = future_dates(index, frequency="min", periods=2000, exchange="XNYS")
    times = dates - dates.normalize()
    assert times.min() >= minutes[0]
    assert times.max() <= minutes[-1]


def test_currencies_begin_on_sunday_evening():
    index = pd.date_range("2026-09-06 17:00", "2026-11-20 16:00", freq="h")
    day, hour = index.day_of_week, index.hour
    index = index[~((day == 5) | ((day == 4) & (hour >= 17)) | ((day == 6) & (hour < 17)))]
    for exchange in ("24/5", ""):
        assert following(index, 2, exchange) == ["2026-11-22T17:00:00", "2026-11-22T18:00:00"]


@pytest.mark.parametrize("exchange", ["24/7", ""])
def test_bars_around_the_clock_leave_no_hour_out(exchange):
    index = pd.date_range("2026-09-01", "2026-10-30 23:00", freq="h")
    expected = pd.date_range("2026-10-31", periods=72, freq="h")
    assert future_dates(index, frequency="h", periods=72, exchange=exchange).tolist() == expected.tolist()


def test_bars_on_another_clock_keep_holidays_and_half_days():
    afternoons = [time + pd.Timedelta(hours=6) for time in HOURS]  # New York, as read in Paris
    dates = following(rows("2026-09-01", "2026-11-25", afternoons), 5, "XNYS")
    assert dates == [*(f"2026-11-27T{hour}:30:00" for hour in (15, 16, 17, 18)), "2026-11-30T15:30:00"]


def test_bars_outside_the_sessions_keep_their_own_pattern():
    nights = [pd.Timedelta(hours=hour) for hour in (1, 2, 3)]
    dates = following(rows("2026-09-01", "2026-11-25", nights), 4, "XTKS")
    assert dates == [*(f"2026-11-26T0{hour}:00:00" for hour in (1, 2, 3)), "2026-11-27T01:00:00"]


def test_no_calendar_is_loaded_without_an_exchange(monkeypatch):
    monkeypatch.setitem(sys.modules, "exchange_calendars", None)
    for exchange in ("", "24/7", "24/5"):
        following(rows("2026-09-01", "2026-11-25"), 3, exchange)
        following(rows("2026-09-01", "2026-11-25", HOURS), 3, exchange)


def test_iso_shows_the_time_only_where_there_is_one():
    assert iso(pd.Timestamp("2020-01-02")) == "2020-01-02"
    assert iso(pd.Timestamp("2020-01-02 15:30")) == "2020-01-02T15:30:00"


def test_no_periods_is_an_error():
    with pytest.raises(SeriesError, match="periods=0"):
        future_dates(pd.DatetimeIndex(["2020-01-01"]), frequency="D", periods=0)
