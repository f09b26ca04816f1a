"""Series without dates: files, arrays and frames whose rows are counted, and what the program makes of them."""

import json

import numpy as np
import pandas as pd
import pytest
from commands import run_command

import forecast
from forecast.config import ExperimentConfig, override
from forecast.data.defaults import resolve_defaults
from forecast.data.grid import TimeGrid
from forecast.data.series import TimeSeries
from forecast.data.sources import inspect, load, load_all
from forecast.errors import ConfigError, ForecastError, SeriesError, SourceError
from forecast.inference.batch.shards import ShardInfo, write_shard
from forecast.inference.bundle import open_model, save_model
from forecast.inference.bundle.schema import _is_moment
from forecast.inference.predict import changed
from forecast.training.train import train

ROWS = 150
STEPS = range(1, ROWS + 1)
# A wave of seven steps on a slope.
VALUES = [round(100 + 10 * np.sin(2 * np.pi * step / 7) + step / 5 + (step * 37 % 11) / 10, 2) for step in STEPS]
PAIRS = list(zip(STEPS, VALUES, strict=True))


def lines(form, pairs=PAIRS):
    return "".join(form.format(step, value) + "\n" for step, value in pairs)


# A file, the first count, and the target, of the same values.
COUNTED = {
    "day.csv": ("Day,Sales\n" + lines("{},{}"), 1, "Sales"),
    "no_header.csv": (lines("{},{}"), 1, "column 2"),
    "from_zero.csv": (",y\n" + lines("{},{}", [(step - 1, value) for step, value in PAIRS]), 0, "y"),
    "alone.csv": ("Passengers\n" + lines("{1}"), 1, "Passengers"),
    "alone_without_name.txt": (lines("{1}"), 1, "column 1"),
    "blanks.txt": (lines("  {}   {}"), 1, "column 2"),
    "decimal_comma.csv": ("Wert\n" + lines("{1}").replace(".", ","), 1, "Wert"),
    "semicolons.csv": ("n;Wert\n" + lines("{};{}").replace(".", ","), 1, "Wert"),
    "row_names.csv": ('"x"\n' + lines('"{}",{}'), 1, "x"),
    "with_time.csv": ("rownames,time,value\n" + lines("{0},{0}.08333,{1}"), 1, "value"),
    "newest_first.csv": ("t,y\n" + lines("{},{}", PAIRS[::-1]), 1, "y"),
    "floats.csv": ("t,y\n" + lines("{}.0,{}"), 1, "y"),
    "months.csv": (
        "Month,Sales\n" + "".join(f"{n // 12 + 1}-{n % 12 + 1:02},{y}\n" for n, y in enumerate(VALUES)),
        1,
        "Sales",
    ),
}


@pytest.mark.parametrize("name", COUNTED)
def test_a_file_without_dates_is_counted(name, tmp_path):
    text, first, target = COUNTED[name]
    (tmp_path / name).write_text(text)
    series = load(tmp_path / name)
    assert series.target == target
    assert series.y.tolist() == VALUES
    assert series.index.tolist() == list(range(first, first + ROWS))
    assert series.future_dates(3).tolist() == [first + ROWS, first + ROWS + 1, first + ROWS + 2]
    assert any("there are no dates" in note for note in series.notes)
    assert not [issue for issue in series.findings if issue.kind != "newest_first"]


def test_counts_that_are_lacking_and_empty_lines_are_missing_values(tmp_path):
    (tmp_path / "a.csv").write_text("t,y\n" + lines("{},{}", [pair for pair in PAIRS if pair[0] not in (5, 6, 50)]))
    (tmp_path / "b.csv").write_text("y\n" + "".join(f"{'' if t in (5, 6, 50) else value}\n" for t, value in PAIRS))
    for name in "ab":
        series = load(tmp_path / f"{name}.csv")
        assert len(series) == ROWS
        assert series.index[np.isnan(series.y)].tolist() == [5, 6, 50]
        assert [issue.dates for issue in series.findings if issue.kind == "missing_rows"] == [("5", "6", "50")]


def test_rows_may_be_counted_by_tens(tmp_path):
    (tmp_path / "tens.csv").write_text("t,y\n" + lines("{}0,{}"))
    series = load(tmp_path / "tens.csv")
    assert (series.frequency, str(series.grid), len(series)) == ("10step", "steps of 10", ROWS)
    assert series.future_dates(2).tolist() == [1510, 1520]


def test_irregular_counts_are_read_and_refused_for_forecasts(tmp_path):
    (tmp_path / "far.csv").write_text("t,y\n" + lines("{},{}", [(step**2 % 97 + 97 * step, y) for step, y in PAIRS]))
    series = load(tmp_path / "far.csv")
    assert not series.grid.is_regular
    with pytest.raises(SeriesError, match="these do not. Number them one by one"):
        forecast.run(series, models=["naive"])


UNREADABLE = {
    "a month without a year": ("Month,Sales\n" + lines("1-{:02},{}", PAIRS[:36]), "Month is '1-01'"),
    "the same without names": (lines("1-{:02},{}", PAIRS[:36]), "a column of dates"),
    "months that begin again": ("month,Sales\n" + lines("{},{}", [(t % 12 + 1, y) for t, y in PAIRS]), "month is '2'"),
    "times of day": ("when,y\n" + lines("10:{:02},{}", PAIRS[:60]), "when is '10:01'"),
    "words": ("date,y\n" + lines("day {} of it,{}"), "date is 'day 1 of it'"),
    "names of months": (
        "m,y\n" + "".join(f"{m},{y}\n" for m, y in zip(["Mar", "Apr", "May"] * 9, VALUES, strict=False)),
        "m is",
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_dates_that_cannot_be_read_are_not_counted_over(name, tmp_path):
    text, says = UNREADABLE[name]
    (tmp_path / "dated.csv").write_text(text)
    with pytest.raises(SourceError, match=says):
        load(tmp_path / "dated.csv")


def test_values_that_could_be_years_are_no_dates_beside_counts(tmp_path):
    rising = [1700 + 2 * step + step * step % 5 % 2 for step in STEPS]
    for name, text in (("a", "n,pop\n"), ("b", "")):
        (tmp_path / f"{name}.csv").write_text(text + lines("{},{}", zip(STEPS, rising, strict=True)))
        assert load(tmp_path / f"{name}.csv").y.tolist() == rising
    assert load(rising).y.tolist() == rising


def test_two_columns_of_whole_numbers_are_two_series_not_decimals(tmp_path):
    (tmp_path / "two.csv").write_text("108,14\n99,3\n112,5\n97,8\n")
    with pytest.raises(SourceError, match="say which series"):
        load(tmp_path / "two.csv")


@pytest.mark.parametrize("text", ["unique_id,ds,y\n{}", "ds,unique_id,y\n{}"])
def test_a_long_table_of_counts_holds_several_series(text, tmp_path):
    form = "{0},{1},{2}\n" if text.startswith("unique") else "{1},{0},{2}\n"
    rows = [(name, step, value) for name in "AB" for step, value in PAIRS]
    rows = rows if text.startswith("unique") else sorted(rows, key=lambda row: (row[1], row[0]))
    (tmp_path / "long.csv").write_text(text.format("".join(form.format(*row) for row in rows)))
    found = load_all(f"{tmp_path / 'long.csv'}:*")
    assert [(one.name, one.index[0], one.index[-1], one.y.tolist()) for one in found] == [
        (name, 1, ROWS, VALUES) for name in "AB"
    ]


FRAMES = {
    "series": (pd.Series(VALUES), 0),
    "labels": (pd.Series(VALUES, range(7, 7 + ROWS)), 7),
    "frame": (pd.DataFrame({"y": VALUES}), 0),
    "column": (pd.DataFrame({"t": STEPS, "y": VALUES}), 1),
    "array": (np.array(VALUES), 1),
    "list": (VALUES, 1),
}


@pytest.mark.parametrize("name", FRAMES)
def test_pandas_objects_arrays_and_lists_are_counted(name):
    source, first = FRAMES[name]
    series = load(source)
    assert series.y.tolist() == VALUES
    assert series.index.tolist() == list(range(first, first + ROWS))


def test_a_frame_with_labels_left_out_has_missing_values():
    series = load(pd.Series(VALUES).drop([3, 4]))
    assert len(series) == ROWS
    assert series.index[np.isnan(series.y)].tolist() == [3, 4]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (np.ones((5, 2)), r"one dimension.*Received: shape \(5, 2\)"),
        (["a", "b"], "must hold numbers"),
        ([], "must have rows"),
        (5, "Received: 5"),
        (None, "Received: nothing"),
        ({"a": 1}, "columns of one length"),
        ({"a": [1, 2], "b": [1]}, "columns of one length"),
        (pd.Series([1.0, 2, 3], ["1-01", "1-02", "1-03"]), "index is '1-01'"),
    ],
)
def test_what_is_no_series_is_refused(source, says):
    with pytest.raises(SourceError, match=says):
        load(source)


def test_the_index_of_a_series_is_whole_and_rises():
    for index, says in (
        (pd.Index([1, 2, 2]), "appears twice"),
        (pd.Index([1, 3, 2]), "comes after 3"),
        (pd.Index(["a", "b", "c"]), "dates, or whole numbers that count them"),
    ):
        with pytest.raises(SeriesError, match=says):
            TimeSeries("made", index, np.ones((3, 1)), ("y",), "y")


def test_the_grid_of_counts():
    grid = TimeGrid("step")
    assert grid.kind == "counts"
    assert grid.holes(pd.Index([1, 2, 5])).tolist() == [3, 4]
    assert grid.expected(3, 6).tolist() == [3, 4, 5, 6]
    assert TimeGrid("5step").complete(pd.Index([2, 7, 17])).tolist() == [2, 7, 12, 17]


@pytest.mark.parametrize(
    ("options", "says"),
    [({"every": "1h"}, "`every`"), ({"exchange": "XNYS"}, "sessions of XNYS"), ({"date_order": "dmy"}, "of dates")],
)
def test_what_needs_dates_is_refused(options, says, tmp_path):
    (tmp_path / "day.csv").write_text(COUNTED["day.csv"][0])
    with pytest.raises(ForecastError, match=says):
        load(tmp_path / "day.csv", **options)


def test_calendar_terms_need_dates():
    with pytest.raises(ConfigError, match="calendar terms need dates"):
        forecast.run(VALUES, models=["naive"], config=override(ExperimentConfig(), {"calendar": ("weekday",)}))


def test_the_season_of_counted_rows_is_found():
    assert resolve_defaults(ExperimentConfig(), [load(VALUES)]).season == 7


def test_a_bundle_of_counted_rows_forecasts_the_same_and_a_longer_series(tmp_path):
    series = load(VALUES, name="made")
    model = train(series, "linear")
    _, model = model.test(series)
    save_model(model, tmp_path / "m")
    opened = open_model(tmp_path / "m")
    assert opened.trained_on[0].last == str(round(0.8 * ROWS))
    np.testing.assert_array_equal(opened.predict(series).quantiles, model.predict(series).quantiles)
    longer = load([*VALUES, 130.0, 131.0], name="made")
    assert opened.known(longer) is not None
    write_shard([opened.predict(longer)], ShardInfo({}, {}, 0, 0), tmp_path / "f.parquet", counted=True)
    assert pd.read_parquet(tmp_path / "f.parquet").date.tolist() == list(range(153, 165))
    assert not changed(opened, longer)
    assert opened.predict(longer).dates[:2] == ("153", "154")
    dated = pd.Series(VALUES, pd.date_range("2020-01-01", periods=ROWS))
    assert opened.known(load(dated, name="made")) is None
    assert opened.predict(load(dated, name="made")).dates[0] == "2020-05-30"


@pytest.mark.parametrize(
    ("text", "good"), [("145", True), ("-3", True), ("1.5", False), ("1" * 19, False), ("", False)]
)
def test_a_bundle_may_name_counts(text, good):
    assert _is_moment(text) == good


@pytest.mark.slow
def test_the_command_line_takes_a_file_of_counts(tmp_path):
    (tmp_path / "day.csv").write_text(COUNTED["day.csv"][0])

    def call(*words):
        done = run_command(*words, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return done

    assert "Time grid: steps; seasons of 7 rows" in call("inspect", "day.csv").stdout
    done = call("run", "day.csv", "--models", "linear", "--out", "r")
    assert "test on 121 to 150, up to 12 steps ahead" in done.stdout
    assert "there are no dates: steps are counted by Day" in done.stderr
    assert pd.read_csv(tmp_path / "r" / "forecast.csv").date.head(2).tolist() == [151, 152]
    assert pd.read_csv(tmp_path / "r" / "backtest.csv").origin.min() == 120
    record = json.loads((tmp_path / "r" / "run.json").read_text())
    assert record["split"]["test"] == ["121", "150"]
    page = (tmp_path / "r" / "report.html").read_text()
    assert '"name":"DatetimeAxis"' not in page
    longer = COUNTED["day.csv"][0] + "151,130\n"
    (tmp_path / "day.csv").write_text(longer)
    found = json.loads(call("predict", "day.csv", "--model", "r/models/linear", "--json").stdout)
    assert (found["origin"], found["forecast"][0]["date"]) == ("151", "152")


# One series a row, as published benchmarks have them.
WIDE = {
    "v.csv": '"V1","V2","V3","V4","V5","V6","V7","V8"\n"W1",1,2,3,4,5,6,7\n'
    '"W2",2.5,NA,4.5,5.5,6.5,"",""\n"W3",9,8,7,6,5,4,NA\n',
    "ragged.csv": "V1,V2,V3,V4,V5,V6,V7,V8\nW1,1,2,3,4,5,6,7\nW2,2.5,,4.5,5.5,6.5\nW3,9,8,7,6,5,4\n",
    "labels.csv": "id,store,d_1,d_2,d_3,d_4,d_5,d_6,d_7\n"
    "W1,A,1,2,3,4,5,6,7\nW2,A,2.5,,4.5,5.5,6.5,,\nW3,A,9,8,7,6,5,4,\n",
}
EXPECTED = {"W1": [1, 2, 3, 4, 5, 6, 7], "W2": [2.5, None, 4.5, 5.5, 6.5], "W3": [9, 8, 7, 6, 5, 4]}


@pytest.mark.parametrize("name", WIDE)
def test_a_table_of_one_series_a_row_holds_many(name, tmp_path):
    file = tmp_path / name
    file.write_text(WIDE[name])
    assert [one.name for one in inspect(file).series] == ["W1", "W2", "W3"]
    for one in load_all(f"{file}:*"):
        values = [None if np.isnan(value) else value for value in one.y.tolist()]
        assert (values, one.index[0]) == (EXPECTED[one.name], 1)
        assert not [issue for issue in one.findings if issue.kind == "sparse_tail"]
    assert load(f"{file}:W3").y.tolist() == EXPECTED["W3"]
    with pytest.raises(SourceError, match="say which series.*W1, W2, W3"):
        load(file)
    frame = pd.read_csv(file)
    assert [one.name for one in inspect(frame).series] == ["W1", "W2", "W3"]


def test_numbered_names_over_dates_are_no_table_of_rows(tmp_path):
    rows = "".join(f"2020-01-{day:02},{day},{day},{day},{day},{day}\n" for day in range(1, 29))
    (tmp_path / "dated.csv").write_text("V1,V2,V3,V4,V5,V6\n" + rows)
    assert inspect(tmp_path / "dated.csv").series[0].series.index[0] == pd.Timestamp("2020-01-01")
