import numpy as np
import pandas as pd
import pytest

import forecast
from forecast.errors import ForecastError, SeriesError, SourceError
from forecast.sources import load

YAHOO = "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,1,2,0.5,1.5,1.25,100\n2020-01-03,2,3,1.5,2.5,2.25,90\n"
WIDE = "Date,ALFA,BETA\n2020-01-02,10,20\n2020-01-03,11,21\n"


@pytest.fixture
def write(tmp_path):
    def to(text, name="prices.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return to


def test_yahoo_columns_give_the_adjusted_close(write):
    series = load(write(YAHOO), unit="USD")
    assert (series.name, series.target, series.unit) == ("prices", "Adj Close", "USD")
    assert series.y.tolist() == [1.25, 2.25]
    assert [f"{date:%Y-%m-%d}" for date in series.index] == ["2020-01-02", "2020-01-03"]
    assert "the target is Adj Close" in series.notes[0]


def test_without_an_adjusted_close_the_close_is_taken(write):
    assert load(write("Date,Open,Close\n2020-01-02,1,2\n")).target == "Close"


def test_a_named_column_and_a_target_override(write):
    path = write(WIDE)
    assert load(f"{path}:BETA").y.tolist() == [20, 21]
    assert load(f"{path}:BETA").name == "prices:BETA"
    assert load(path, target="alfa").y.tolist() == [10, 11]


def test_a_wide_file_without_a_choice_lists_its_columns(write):
    with pytest.raises(SourceError, match="There are ALFA, BETA"):
        load(write(WIDE))


def test_parquet_frames_and_series_say_the_same_as_the_csv(write, tmp_path):
    expected = load(write(YAHOO))
    frame = pd.read_csv(tmp_path / "prices.csv", parse_dates=["Date"])
    frame.to_parquet(tmp_path / "prices.parquet")
    for source in (tmp_path / "prices.parquet", frame, frame.set_index("Date"), frame.set_index("Date")["Adj Close"]):
        assert load(source).fingerprint() == expected.fingerprint()


def test_newest_first_is_turned_round_and_said(write):
    series = load(write("Date,Close\n2020-01-03,2\n2020-01-02,1\n"))
    assert series.y.tolist() == [1, 2]
    assert "newest first" in series.notes[0]


def test_dates_with_a_time_zone_keep_their_wall_clock():
    index = pd.date_range("2020-01-01", periods=3, tz="America/New_York")
    series = load(pd.Series([1.0, 2, 3], index=index, name="Close"))
    assert series.index[0] == pd.Timestamp("2020-01-01")


def test_summer_time_in_a_column_of_dates_keeps_its_wall_clock(write):
    text = "Date,Close\n2020-01-02 00:00:00-05:00,1\n2020-07-01 00:00:00-04:00,2\n"
    assert [f"{date:%Y-%m-%d %H}" for date in load(write(text)).index] == ["2020-01-02 00", "2020-07-01 00"]


def test_columns_may_be_numbers():
    frame = pd.DataFrame({0: pd.date_range("2020-01-01", periods=3), 1: [1.0, 2, 3]})
    assert load(frame).y.tolist() == [1, 2, 3]


def test_a_series_object_passes_through_and_takes_another_name_and_unit(walk):
    assert load(walk).fingerprint() == walk.fingerprint()
    assert (load(walk, name="other", unit="EUR").name, load(walk, unit="EUR").unit) == ("other", "EUR")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("Date,Close\n", "no rows"),
        ("Date,Close\n2020-01-02,1\n2020-01-03,n.a.\n", "line 3: Close must be a number. On 2020-01-03 it is 'n.a.'"),
        ("Date,Close\n2020-01-02,1\n2020-01-03,\n", "line 3: Close must be a number. On 2020-01-03 it is empty"),
        (
            "Date,Close\n2020-01-02,1\nyesterday,2\n",
            "line 3: dates must be written as in 2018-12-31. Date is 'yesterday'",
        ),
        ("Date,Close\n1,1\n2,2\n", "Date holds numbers"),
        ("Date,Close\n2020-01-02,1\n2020-01-02,2\n", "Row 2, 2020-01-02 00:00, appears twice"),
        ('Date,Close\n2020-01-02,"1\n', "a CSV file is UTF-8 text"),
    ],
)
def test_bad_files_get_one_clear_line(write, text, message):
    with pytest.raises(ForecastError) as caught:
        load(write(text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_column_that_is_not_there_names_those_that_are(write):
    with pytest.raises(SourceError, match="one of ALFA, BETA. Received: GAMMA"):
        load(f"{write(WIDE)}:GAMMA")


@pytest.mark.parametrize("source", ["missing.csv", "no/such/file", "missing.csv:Close"])
def test_a_missing_file_is_no_ticker(source):
    with pytest.raises(SourceError, match="There is no file"):
        load(source)


def test_other_suffixes_and_broken_parquet_are_refused(write):
    with pytest.raises(SourceError, match=r"must end in one of .csv"):
        load(write("x", "prices.doc"))
    with pytest.raises(SourceError, match="no Parquet file"):
        load(write("x", "prices.parquet"))


def test_an_empty_frame_and_unordered_dates_are_refused():
    with pytest.raises(SourceError, match="must have rows"):
        load(pd.DataFrame())
    with pytest.raises(SeriesError, match="strictly increasing"):
        load(pd.Series(np.arange(3.0), index=pd.to_datetime(["2020-01-02", "2020-01-04", "2020-01-03"])))


def test_the_five_lines_of_the_docstring_work_from_the_package():
    assert forecast.load is load
    assert set(forecast.__all__) <= set(dir(forecast))
