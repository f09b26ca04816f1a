import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.calendars import future_dates, infer_frequency, iso, season_of
from forecast.errors import SeriesError


@pytest.mark.parametrize(
    ("alias", "expected"),
    [(alias, alias) for alias in ("B", "D", "h", "15min", "7h", "W-FRI", "MS", "ME", "QS", "QE", "YS", "YE")],
)
def test_frequency_and_next_dates_of_regular_series(alias, expected):
    dates = pd.date_range("2018-01-05", periods=120, freq=alias)
    frequency = infer_frequency(dates[:90])
    assert frequency == expected
    assert future_dates(dates[89], frequency=frequency, periods=30).tolist() == dates[90:].tolist()


def test_holidays_and_missing_rows_do_not_change_the_frequency():
    dates = pd.bdate_range("2018-01-01", periods=300)
    kept = dates[np.random.default_rng(0).random(300) > 0.05]
    assert infer_frequency(kept) == "B"
    assert infer_frequency(pd.date_range("2018-01-01", periods=300).delete([5, 80, 81])) == "D"


def test_business_days_skip_the_weekend():
    dates = future_dates(pd.Timestamp("2024-05-03"), frequency="B", periods=2)
    assert [iso(date) for date in dates] == ["2024-05-06", "2024-05-07"]


def test_months_keep_their_day_and_month_ends_stay_ends():
    middle = pd.DatetimeIndex([f"2020-{month:02d}-15" for month in range(1, 13)])
    assert iso(future_dates(middle[-1], frequency=infer_frequency(middle), periods=1)[0]) == "2021-01-15"
    ends = future_dates(pd.Timestamp("2020-01-31"), frequency="ME", periods=2)
    assert [iso(date) for date in ends] == ["2020-02-29", "2020-03-31"]


@given(st.sampled_from(["B", "D", "h", "W-TUE", "MS", "QE", "YS", "5min"]), st.integers(1, 40))
def test_future_dates_increase_and_come_after_the_last(frequency, periods):
    last = pd.Timestamp("2023-03-31 10:00")
    dates = future_dates(last, frequency=frequency, periods=periods)
    assert len(dates) == periods
    assert dates[0] > last
    assert dates.is_monotonic_increasing
    assert dates.is_unique


def test_seasons():
    assert [season_of(alias) for alias in ("B", "D", "h", "W-FRI", "MS", "QE", "YS", "7h")] == [
        5,
        7,
        24,
        52,
        12,
        4,
        1,
        1,
    ]


def test_iso_shows_the_time_only_where_there_is_one():
    assert iso(pd.Timestamp("2020-01-02")) == "2020-01-02"
    assert iso(pd.Timestamp("2020-01-02 15:30")) == "2020-01-02T15:30:00"


def test_no_periods_is_an_error():
    with pytest.raises(SeriesError, match="periods=0"):
        future_dates(pd.Timestamp("2020-01-01"), frequency="D", periods=0)
