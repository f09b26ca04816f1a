"""Tables as they are read: dates in one form, and as many digits as the interval deserves."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import SMALL, random_walk

from forecast.cli.tables.forecasts import decimals_of, print_forecast, print_forecasts, shown
from forecast.config import override
from forecast.data.series import TimeSeries
from forecast.evaluation.walk_forward import WalkForward
from forecast.evaluation.walk_forward.summary import table_of
from forecast.inference.direction import predict as predict_direction
from forecast.inference.forecasts import Forecast
from forecast.inference.predict import write_table
from forecast.pipeline import compare, run
from forecast.report import writer
from forecast.training.train import train

FREQUENCIES = ["D", "h", "MS", "15min", "W-SUN"]


def series_of(frequency, rows=240):
    index = pd.date_range("2023-05-01", periods=rows, freq=frequency)
    return TimeSeries(frequency, index, random_walk(rows)[:, None], ("Load",), "Load")


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_pandas_reads_the_dates_of_every_table_without_a_word(frequency, tmp_path):
    """Among them dates of hours with midnights and without, of which pandas reads only one form in a column."""
    series = series_of(frequency)
    found = run(series, models=[], config=SMALL)
    writer._write_tables(found, tmp_path)  # without the pictures
    tables = {name: pd.read_csv(tmp_path / f"{name}.csv", dtype={"date": str}) for name in ("forecast", "backtest")}
    for table in tables.values():
        for column in table.columns.intersection(["date", "origin"]):
            pd.to_datetime(table[column])
            assert len(set(map(len, table[column]))) == 1
    at = pd.DatetimeIndex(pd.to_datetime(tables["backtest"].query("model == 'naive' and step == 1")["date"]))
    pd.testing.assert_index_equal(at, series.index[-len(at) - 2 : -2], check_names=False, exact="equiv")
    assert tables["forecast"]["date"].str.contains("T").all() == (frequency in ("h", "15min"))
    record = found.forecasts["naive"].record()
    assert ("T" in record["origin"]) == (frequency in ("h", "15min"))


def test_an_hour_that_ends_at_midnight_has_a_time():
    forecast = train(series_of("h"), "naive", SMALL).predict(series_of("h", rows=23))
    assert forecast.dates == ("2023-05-01T23:00:00", "2023-05-02T00:00:00", "2023-05-02T01:00:00")


@pytest.mark.usefixtures("jobs_here")
def test_days_and_hours_in_one_table_have_one_form(tmp_path):
    several = [series_of("D"), series_of("h")]
    records = [train(one, "naive", SMALL).predict(one).record() for one in several]
    write_table(records, tmp_path / "both.csv")
    table = pd.read_csv(tmp_path / "both.csv")
    assert pd.to_datetime(table["date"]).iloc[[0, -1]].dt.strftime("%Y-%m-%dT%H").tolist() == [
        records[0]["forecast"][0]["date"] + "T00",
        records[1]["forecast"][-1]["date"][:13],
    ]
    pd.to_datetime(table["origin"])
    write_table(records[:1], tmp_path / "days.csv")
    assert pd.read_csv(tmp_path / "days.csv")["date"].tolist() == [step["date"] for step in records[0]["forecast"]]
    assert json.dumps(records[0]).count("T00:00:00") == 0
    found = compare(several, models=[], config=SMALL, plan=WalkForward(folds=2, stride=10))
    folds = table_of(found, "by_fold")
    assert len(pd.to_datetime(folds["first"])) == len(pd.to_datetime(folds["last"])) == 12


def test_directions_have_one_form():
    series = series_of("h")
    found = predict_direction(train(series, "dense", override(SMALL, {"task": "direction"})), series)
    assert all("T" in date for date in (found.date, found.origin))


@pytest.mark.parametrize(
    ("low", "high", "decimals"),
    [(2402.71, 2634.42, 0), (2.402, 2.634, 2), (99.5, 100.51, 1), (0.0010, 0.0019, 5), (1e6, 2e6, 0), (5.5, 5.5, None)],
)
def test_numbers_have_two_digits_of_the_width_of_their_interval(low, high, decimals):
    assert decimals_of(np.array([[low, (low + high) / 2 + 0.01 * (high - low), high]])) == decimals


def test_whole_numbers_have_no_decimals_and_tiny_ones_an_exponent():
    assert decimals_of(np.array([[0.0, 1.0, 3.0]])) == 0
    assert shown(1.23456e-12, 14) == "1.23456e-12"
    assert shown(2506.8512, None) == "2506.85"


def test_the_terminal_shows_them_and_the_table_keeps_all(capsys):
    quantiles = np.array([2402.7114, 2410, 2450, 2510.7093, 2550, 2600, 2634.4189])[None]
    levels = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
    one = Forecast("lstm", "sp500", "points", "2018-12-31", ("2019-01-02",), levels, quantiles)
    print_forecasts([one])
    assert "2511 (2403 to 2634)" in capsys.readouterr().out
    print_forecast(one)
    assert " 2511 " in capsys.readouterr().out
    assert one.to_frame()["q50"].tolist() == [2510.7093]
