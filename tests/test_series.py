import numpy as np
import pandas as pd
import pytest

from forecast.data.calendar.sessions import find_sessions
from forecast.data.series import TimeSeries
from forecast.errors import SeriesError


def series(dates, values, columns=("Close",), target="Close"):
    return TimeSeries("made", pd.DatetimeIndex(dates), np.asarray(values, float), columns, target)


def test_values_are_a_read_only_copy():
    values = np.array([[1.0], [2.0]])
    made = series(["2020-01-01", "2020-01-02"], values)
    values[0] = 9
    assert made.y.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        made.y[0] = 5


@pytest.mark.parametrize(
    ("dates", "values", "message"),
    [
        (["2020-01-02", "2020-01-01"], [[1], [2]], "Row 2, 2020-01-01 00:00, comes after 2020-01-02"),
        (["2020-01-01", "2020-01-01"], [[1], [2]], "appears twice"),
        (["2020-01-01", "NaT"], [[1], [2]], "Row 2 has none"),
        ([1600000000, 1600000060], [[1], [2]], "a microsecond apart"),
        ([1600000000, 1600003600], [[1], [2]], "seconds since 1970, make the dates with pandas.to_datetime(..., unit"),
        (["2020-01-01", "2020-01-02"], [[1], [np.nan]], "the last row must have a target. On 2020-01-02"),
        (["2020-01-01", "2020-01-02"], [[1], [np.inf]], "Close is inf"),
        (["2020-01-01"], [[1], [2]], "must have shape"),
        ([], np.empty((0, 1)), "must have rows"),
    ],
)
def test_broken_rows_are_refused_with_their_place(dates, values, message):
    with pytest.raises(SeriesError) as caught:
        series(dates, values)
    assert message in str(caught.value)


def test_the_target_must_be_a_column():
    with pytest.raises(SeriesError, match="must be one of Close. Received: Open"):
        series(["2020-01-01"], [[1]], target="Open")


def test_fingerprint_depends_on_dates_values_and_rows():
    one = series(["2020-01-01", "2020-01-02"], [[1], [2]])
    assert one.fingerprint() == series(["2020-01-01", "2020-01-02"], [[1], [2]]).fingerprint()
    assert one.fingerprint() != series(["2020-01-01", "2020-01-03"], [[1], [2]]).fingerprint()
    assert one.fingerprint() != series(["2020-01-01", "2020-01-02"], [[1], [3]]).fingerprint()
    assert one.fingerprint(1) == series(["2020-01-01", "2020-01-02"], [[1], [3]]).fingerprint(1)


def sessions_in_new_york(last):
    days = find_sessions("XNYS", np.datetime64(last)).days
    return pd.DatetimeIndex(days[days <= np.datetime64(last)])


def test_columns_have_roles_by_their_names_and_the_target_is_the_close():
    columns = ("Adj Close", "Volume", "adj high", "High", "Kurs")
    made = series(["2020-01-01"], [[1, 2, 3, 4, 5]], columns=columns, target="Adj Close")
    assert made.roles == {"high": "High", "volume": "Volume", "close": "Adj Close"}
    assert series(["2020-01-01"], [[1]]).roles == {"close": "Close"}


def test_the_trading_calendar_is_the_named_exchange_or_that_of_the_dates():
    index = sessions_in_new_york("2026-07-02")
    made = series(index, np.ones((len(index), 1)))
    assert (made.exchange, made.trading_calendar) == ("", "XNYS")
    assert made.with_exchange("XLON").trading_calendar == "XLON"
    assert series(["2020-01-01"], [[1]]).trading_calendar == ""


def test_a_part_of_a_series_keeps_its_grid():
    index = sessions_in_new_york("2026-07-02")
    made = series(index, np.ones((len(index), 1)))
    assert made.trading_calendar == "XNYS"
    assert made[:100].grid is made.grid


def test_rows_are_taken_by_places_or_dates():
    index = pd.date_range("2020-01-01", periods=90)
    made = series(index, np.arange(90.0)[:, None])
    assert made[:-30].y.tolist() == list(range(60))
    assert made["2020-02":"2020-02-03"].y.tolist() == [31, 32, 33]  # both ends, as in pandas
    assert made[pd.Timestamp("2020-03-30") :].y.tolist() == [89]
    counted = TimeSeries("made", pd.RangeIndex(1, 11), np.arange(10.0)[:, None], ("Close",), "Close")
    assert counted[2:4].y.tolist() == [2, 3]


def test_a_slice_that_is_none_is_refused():
    made = series(pd.date_range("2020-01-01", periods=9), np.arange(9.0)[:, None])
    for rows in (slice(None, None, 2), slice(9, None), slice(5, 2), slice("soon", None)):
        with pytest.raises(
            SeriesError, match="rows that follow one another, by places or dates. Received: .* of 9 rows"
        ):
            made[rows]
    with pytest.raises(TypeError, match=r"series\[:-30\]"):
        made[3]


def test_future_dates_follow_the_trading_calendar():
    index = sessions_in_new_york("2026-07-02")
    made = series(index, np.ones((len(index), 1)))
    assert made.future_dates(1).tolist() == [pd.Timestamp("2026-07-06")]  # Independence Day is kept on Friday
    assert made.with_exchange("24/5").future_dates(1).tolist() == [pd.Timestamp("2026-07-03")]
