"""Each thing that looks wrong is found where it was put, and nowhere else."""

import numpy as np
import pandas as pd
import pytest

from forecast.data.sources import load
from forecast.data.sources.parsing.dates import unevenness
from forecast.data.sources.quality_checks import conflicting_dates, merge_dates, whole_days

DAYS = pd.bdate_range("2020-01-01", periods=300)
RANDOM = np.random.default_rng(5)
PRICES = np.round(100 * np.exp(np.cumsum(RANDOM.normal(0, 0.01, len(DAYS)))), 2)


def found(values, index=DAYS, **columns):
    series = load(pd.DataFrame({"Close": values, **columns}, index=index))
    return {finding.kind: finding for finding in series.findings}


def test_nothing_is_found_in_good_prices():
    assert found(PRICES) == {}


def test_a_split_that_was_not_adjusted():
    values = np.append(PRICES[:100], PRICES[100:] / 2)
    kinds = found(values)
    assert set(kinds) == {"suspected_split"}
    assert kinds["suspected_split"].dates == (f"{DAYS[100]:%Y-%m-%d}",)
    assert "kept" in kinds["suspected_split"].action


def test_a_false_row_at_four_times_the_price():
    values = PRICES.copy()
    values[100] *= 4
    kinds = found(values)
    assert kinds["false_rows"].dates == (f"{DAYS[100]:%Y-%m-%d}",)
    assert kinds["suspected_split"].count == 2  # there and back


def test_a_crash_is_no_split():
    values = np.append(PRICES[:100], PRICES[100:] * 0.58)
    assert found(values) == {}


def test_series_that_always_jump_have_no_splits():
    assert found(RANDOM.lognormal(0, 1, len(DAYS))) == {}


def test_zero_and_negative_values():
    values = PRICES.copy()
    values[[7, 9]] = -36.98, 0
    kinds = found(values)
    assert kinds["negative_values"].dates == (f"{DAYS[7]:%Y-%m-%d}",)
    assert kinds["zero_values"].dates == (f"{DAYS[9]:%Y-%m-%d}",)
    degrees = pd.DataFrame({"degrees": 10 * np.sin(np.arange(300))}, index=pd.date_range("2020-01-01", periods=300))
    assert not load(degrees).findings


def test_numbers_that_stand_for_missing_values():
    degrees = 10 * np.sin(np.arange(300))
    degrees[[5, 9]] = -999
    kinds = {finding.kind: finding for finding in load(pd.DataFrame({"degrees": degrees}, index=DAYS)).findings}
    assert kinds["missing_marks"].dates == tuple(f"{day:%Y-%m-%d}" for day in DAYS[[5, 9]])


def test_flat_runs_and_gaps():
    values = PRICES.copy()
    values[50:62] = values[50]
    kinds = found(values)
    assert (kinds["flat_run"].count, kinds["flat_run"].dates) == (1, (f"{DAYS[50]:%Y-%m-%d}",))
    assert "12 equal values" in kinds["flat_run"].action
    kept = np.r_[0:100, 111:300]  # 11 business days left out: 16 days
    kinds = found(PRICES[kept], index=DAYS[kept])
    assert kinds["missing_rows"].dates == tuple(f"{day:%Y-%m-%d}" for day in DAYS[100:105])
    assert "up to 11 in a row" in kinds["missing_rows"].action


@pytest.mark.parametrize(("frequency", "left_out"), [("MS", 1), ("W-FRI", 1), ("D", 7), ("h", 30)])
def test_gaps_in_other_frequencies(frequency, left_out):
    index = pd.date_range("2020-01-03", periods=200, freq=frequency)
    kept = np.r_[0:100, 100 + left_out : 200]
    assert set(found(PRICES[kept], index=index[kept])) == {"missing_rows"}
    assert found(PRICES[:200], index=index) == {}


def test_prices_of_a_row_out_of_order():
    high, low = PRICES + 1, PRICES - 1
    high[20] = PRICES[20] - 0.5
    kinds = found(PRICES, Open=PRICES, High=high, Low=low)
    assert kinds["ohlc_order"].dates == (f"{DAYS[20]:%Y-%m-%d}",)


def test_missing_rows_and_a_sparse_tail():
    values = PRICES.copy()
    values[[10, 298, 299]] = np.nan
    kinds = found(values, Volume=10 * np.arange(300.0))
    assert kinds["missing_values"].count == 3
    assert "3 of them hold other values" in kinds["missing_values"].action
    assert kinds["sparse_tail"].dates == tuple(f"{day:%Y-%m-%d}" for day in DAYS[298:])


def test_of_conflicting_rows_the_last_in_the_file_stands():
    stamps = np.array(["2020-01-03", "2020-01-02", "2020-01-03", "2020-01-02"], "M8[us]")
    values = np.array([1.0, 2, 3, 2])
    dates, places, finding = merge_dates(stamps, values)
    assert values[places].tolist() == [2, 3]
    assert [str(date)[:10] for date in dates] == ["2020-01-02", "2020-01-03"]
    assert "on 1 dates the values differ" in finding.action
    assert [str(date)[:10] for date in conflicting_dates(stamps, np.array([1.0, 2, 3, 2]))] == ["2020-01-03"]


def test_stamps_of_days_lose_their_time_and_bars_keep_it():
    days = pd.bdate_range("2020-01-01", periods=20)
    tokyo = (days - pd.Timedelta(hours=9)).to_numpy().astype("M8[us]")  # midnights of Tokyo in UTC
    assert whole_days(tokyo).tolist() == days.to_numpy().astype("M8[us]").tolist()
    close = (days + pd.Timedelta(hours=16)).to_numpy().astype("M8[us]")
    assert whole_days(close).tolist() == days.to_numpy().astype("M8[us]").tolist()
    bars = pd.date_range("2020-01-01", periods=20, freq="h").to_numpy().astype("M8[us]")
    assert whole_days(bars).tolist() == bars.tolist()


def test_unevenness_of_a_grid_and_of_a_shuffle():
    grid = np.arange("2020-01-01", "2020-03-01", dtype="M8[D]").astype("M8[us]")
    assert unevenness(grid) == (0.0, 0.0, 1.0, 59.0)
    assert unevenness(grid[::-1]) == (0.0, 0.0, 1.0, 59.0)
    assert unevenness(np.random.default_rng(1).permutation(grid)).back > 0.3
