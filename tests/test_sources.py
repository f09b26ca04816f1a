"""The door: files, frames and tickers give a series or one clear error."""

import gzip
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecast
from forecast.data import vocabulary
from forecast.data.sources import inspect, load, load_all, load_each
from forecast.errors import ConfigError, SeriesError, SourceError

YAHOO = "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,1,2,0.5,1.5,1.25,100\n2020-01-03,2,3,1.5,2.5,2.25,90\n"
WIDE = "Date,ALFA,BETA\n2020-01-02,10,20\n2020-01-03,11,21\n"
GAPPY = "Date,Close\n2020-01-02,1\n2020-01-03,\n2020-01-06,3\n2020-01-06,3\n2020-01-07,4\n"


@pytest.fixture
def write(tmp_path):
    def to(text, name="prices.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return to


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads cannot be counted here")
def test_a_small_file_is_read_without_a_pool_of_threads(write):
    """Arrow's threads abort a process now and then that ends soon after they began, such as a short script."""
    script = (
        "import os, sys, numpy, pandas, pyarrow.csv, forecast\n"
        "pyarrow.set_cpu_count(16)\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "forecast.load(sys.argv[1])\n"
        "print(len(os.listdir('/proc/self/task')) - before)\n"
    )
    columns = ",".join(f"C{number}" for number in range(8))
    rows = "".join(f"{day:%Y-%m-%d},1,2,3,4,5,6,7,{day.day}\n" for day in pd.bdate_range("2020-01-01", periods=50))
    path = write(f"Date,{columns}\n{rows}")
    done = subprocess.run(
        [sys.executable, "-c", script, f"{path}:C7"], capture_output=True, text=True, timeout=300, check=True
    )
    assert int(done.stdout) <= 2  # those that read ahead


def test_yahoo_columns_give_the_adjusted_close(write):
    series = load(write(YAHOO), unit="USD")
    assert (series.name, series.target, series.unit) == ("prices", "Adj Close", "USD")
    assert series.y.tolist() == [1.25, 2.25]
    assert [f"{date:%Y-%m-%d}" for date in series.index] == ["2020-01-02", "2020-01-03"]
    assert "the target is Adj Close" in series.notes[0]


def test_a_named_column_and_a_target_override(write):
    path = write(WIDE)
    assert load(f"{path}:BETA").y.tolist() == [20, 21]
    assert load(f"{path}:beta").name == "BETA"
    assert load(path, target="alfa").y.tolist() == [10, 11]
    assert load(f"{write(YAHOO)}:Volume").y.tolist() == [100, 90]
    assert load(f"{write(YAHOO)}:Volume").name == "prices:Volume"


def test_a_wide_file_without_a_choice_lists_its_columns(write):
    with pytest.raises(SourceError, match="There are ALFA, BETA"):
        load(write(WIDE))


@pytest.mark.parametrize("named", ["S{}", "S{}.Close"])
def test_names_are_looked_at_equally_often_in_files_of_any_width(write, monkeypatch, named):
    looked = Counter()

    def count(name, known=vocabulary.words_of):
        looked[name] += 1
        return known(name)

    monkeypatch.setattr(vocabulary, "words_of", count)
    often = []
    for width in (20, 80):
        values = 100 + np.random.default_rng(0).normal(size=(60, width)).cumsum(axis=0)
        columns = [named.format(number) for number in range(width)]
        pd.DataFrame(values, pd.bdate_range("2020-01-01", periods=60, name="Date"), columns).to_csv(path := write(""))
        looked.clear()
        assert len(load_all(f"{path}:*")) == width
        often.append(looked.total() / width)
    assert often[1] < 1.1 * often[0]


def test_a_column_that_is_not_there_names_those_that_are(write):
    for source, target in ((f"{write(WIDE)}:GAMMA", None), (write(WIDE), "GAMMA")):
        with pytest.raises(SourceError, match="one of ALFA, BETA. Received: GAMMA"):
            load(source, target=target)


def test_parquet_excel_frames_and_series_say_the_same_as_the_csv(write, tmp_path):
    expected = load(write(YAHOO))
    frame = pd.read_csv(tmp_path / "prices.csv", parse_dates=["Date"])
    frame.to_parquet(tmp_path / "prices.parquet")
    frame.set_index("Date").to_parquet(tmp_path / "indexed.parquet")
    title, total = [["Prices of MADE"] + [None] * 6, [None] * 7], [["Total", 3, 5, 2, 4, 3.5, 190]]
    titled = pd.DataFrame([*title, list(frame.columns), *frame.to_numpy().tolist(), *total])
    titled.to_excel(tmp_path / "prices.xlsx", header=False, index=False)
    written = frame.assign(Date=frame["Date"].dt.strftime("%d.%m.%Y"))
    files = [tmp_path / name for name in ("prices.parquet", "indexed.parquet", "prices.xlsx")]
    for source in (*files, frame, written, frame.set_index("Date")):
        assert load(source).fingerprint() == expected.fingerprint()
    alone = load(frame.set_index("Date")["Adj Close"])  # without the ranges of the rows
    assert (alone.y.tolist(), alone.index.tolist()) == (expected.y.tolist(), expected.index.tolist())


def test_the_form_of_a_file_is_told_by_its_bytes_and_not_by_its_name(write, tmp_path):
    (tmp_path / "prices.txt").write_bytes(gzip.compress(YAHOO.encode()))
    assert load(tmp_path / "prices.txt").y.tolist() == [1.25, 2.25]


def test_dates_with_a_time_zone_keep_their_wall_clock():
    index = pd.date_range("2020-01-01", periods=3, tz="America/New_York")
    series = load(pd.Series([1.0, 2, 3], index=index, name="Close"))
    assert series.index[0] == pd.Timestamp("2020-01-01")


def test_columns_of_a_download_by_yfinance_may_have_two_levels():
    columns = pd.MultiIndex.from_product([["Close", "Open"], ["AAA", "BBB"]], names=["Price", "Ticker"])
    frame = pd.DataFrame([[1.0, 2, 3, 4], [5, 6, 7, 8]], index=pd.bdate_range("2020-01-02", periods=2), columns=columns)
    assert [sighting.name for sighting in inspect(frame).series] == ["AAA", "BBB"]
    assert load(frame, target="Close BBB").y.tolist() == [2, 6]


def test_a_table_of_months_may_hold_a_row_without_a_year(write):
    names = "Year,Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec\n"
    years = [f"{year}," + ",".join(map(str, range(1, 13))) for year in range(2000, 2004)]
    series = load(write(names + "\n".join([*years[:2], "mean" + 12 * ",", *years[2:]])))
    assert series.y.tolist() == 4 * list(range(1, 13))
    assert (series.index[0], series.index[-1]) == (pd.Timestamp("2000-01-01"), pd.Timestamp("2003-12-01"))


def test_columns_may_be_numbers():
    frame = pd.DataFrame({0: pd.date_range("2020-01-01", periods=3), 1: [1.0, 2, 3]})
    assert load(frame).y.tolist() == [1, 2, 3]


def test_periods_categories_and_decimals_are_read():
    from decimal import Decimal

    frame = pd.DataFrame(
        {"Close": [Decimal("1.5"), Decimal("2.5")]}, index=pd.period_range("2020-01", periods=2, freq="M")
    )
    assert load(frame).y.tolist() == [1.5, 2.5]
    long = pd.DataFrame({"day": ["2020-01-02"] * 2, "shop": pd.Categorical(["a", "b"]), "sales": [1, 2]})
    assert [sighting.name for sighting in inspect(pd.concat([long] * 1)).series] == ["a", "b"]


def test_a_series_object_passes_through_and_takes_another_name_and_unit(walk):
    assert load(walk).fingerprint() == walk.fingerprint()
    assert (load(walk, name="other", unit="EUR").name, load(walk, unit="EUR").unit) == ("other", "EUR")
    assert load(walk, exchange="nyse").exchange == "XNYS"


def test_the_order_of_dates_can_be_given(write):
    path = write("Date,Close\n01/02/2020,1\n02/02/2020,2\n03/02/2020,3\n")
    assert load(path, date_order="dmy").index[0] == pd.Timestamp("2020-02-01")
    assert load(path, date_order="mdy").index[0] == pd.Timestamp("2020-01-02")
    assert [finding.kind for finding in load(path).findings] == ["ambiguous_dates"]
    with pytest.raises(ConfigError, match="must be one of ymd, dmy, mdy"):
        load(path, date_order="day first")
    with pytest.raises(SourceError, match="no cell of Date is a date in the order ymd"):
        load(path, date_order="ymd")


def test_strict_refuses_what_would_be_left_out_or_merged(write):
    series = load(write(GAPPY))
    np.testing.assert_array_equal(series.y, [1, np.nan, 3, 4])
    assert [(finding.kind, finding.count, finding.dates, finding.repaired) for finding in series.findings] == [
        ("missing_values", 1, ("2020-01-03",), True),
        ("duplicate_dates", 1, ("2020-01-06",), True),
        ("missing_rows", 1, ("2020-01-03",), False),
    ]
    with pytest.raises(SeriesError, match=r"--strict.*missing_values 1 \(2020-01-03\).*duplicate_dates 1"):
        load(write(GAPPY), strict=True)
    assert load(write(YAHOO), strict=True).y.tolist() == [1.25, 2.25]


def test_an_inspection_has_the_record_that_is_promised(write):
    record = inspect(write(GAPPY)).record()
    assert record["source"] == "prices.csv"
    assert record["form"]["encoding"] == "utf-8"
    (series,) = record["series"]
    shown = {
        key: series[key] for key in ("name", "target", "rows", "missing", "first", "last", "first_value", "last_value")
    }
    assert shown == {
        "name": "prices",
        "target": "Close",
        "rows": 3,
        "missing": 1,
        "first": "2020-01-02",
        "last": "2020-01-07",
        "first_value": 1.0,
        "last_value": 4.0,
    }
    assert (series["columns"], series["frequency"]) == (["Close"], "B")
    assert set(series["findings"][0]) == {"kind", "count", "dates", "action", "repaired"}


def test_times_of_day_show_for_all_rows_of_a_series_that_has_them():
    hours = pd.Series(range(30), index=pd.date_range("2020-01-01", periods=30, freq="h"))
    assert inspect(hours.to_frame("load")).series[0].span == ("2020-01-01T00:00:00", "2020-01-02T05:00:00")


def test_a_series_that_cannot_be_used_does_not_hide_the_others(write):
    found = inspect(write("Date,ALFA,BETA,NOTE\n2020-01-02,1,,2\n2020-01-03,2,3,3\n2020-01-04,3,4,n\n"))
    assert [sighting.name for sighting in found.series if sighting.series] == ["ALFA", "BETA", "NOTE"]


@pytest.mark.parametrize("source", ["missing.csv", "no/such/file", "missing.csv:Close", "prices.xlsx"])
def test_a_missing_file_is_no_ticker(source):
    with pytest.raises(SourceError, match="There is no file"):
        load(source)


def test_empty_and_unordered_frames():
    with pytest.raises(SourceError, match="must have rows"):
        load(pd.DataFrame())
    dates = pd.to_datetime(["2020-01-02", "2020-01-06", "2020-01-03"])
    series = load(pd.Series(np.arange(3.0), index=dates))
    assert series.y.tolist() == [0, 2, 1]
    assert series.findings[0].kind == "unsorted"


def test_a_list_of_series_where_one_is_due_is_told_where_several_are_taken():
    one = load([1.0, 2.0, 4.0] * 20)
    for several, what in (([one, one], "TimeSeries"), (["a.csv", "b.csv"], "str"), ([1.0, [2.0]], "list")):
        with pytest.raises(SourceError, match=f"Received: list with {what}. Several series are taken by `predict`"):
            load(several)
    with pytest.raises(SourceError, match="Received: object") as alone:
        load(object())
    assert "Several" not in str(alone.value)


def test_the_five_lines_of_the_docstring_work_from_the_package():
    assert forecast.load is load
    assert forecast.inspect is inspect
    assert set(forecast.__all__) <= set(dir(forecast))


def test_all_series_of_a_file_are_offered_to_those_who_take_several(write):
    path = write("Date,A,B\n" + "".join(f"2020-01-{day:02d},{day},{2 * day}\n" for day in range(1, 29)))
    with pytest.raises(SourceError) as alone:
        load(path)
    assert str(alone.value).endswith("say which series, with FILE:NAME or --target. There are A, B.")
    with pytest.raises(SourceError, match=r":\* stands for all of them"):
        load_all(path)
    ((_, error),) = load_each([str(path)])
    assert str(error).endswith(f"There are A, B. {path}:* stands for all of them.")
    assert [one.name for one in load_all(f"{path}:*")] == ["A", "B"]


def test_all_series_of_a_frame_are_loaded_long_or_wide():
    dates = pd.date_range("2020-01-01", periods=60)
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), dates, ["a", "b"])
    long = wide.melt(ignore_index=False, var_name="unique_id", value_name="y").rename_axis("ds").reset_index()
    for frame in (long, wide):
        found = load_all(frame, unit="pieces")
        assert [(one.name, one.unit) for one in found] == [("a", "pieces"), ("b", "pieces")]
        assert (found[1].y == wide["b"]).all()
    (only,) = load_all(wide["a"])
    assert (only.y == wide["a"]).all()
