"""Time grids, held against pandas' own ranges, exchange_calendars, and series of which rows were taken away."""

import dataclasses
import warnings
from datetime import date, datetime

import exchange_calendars
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.grid import TimeGrid
from forecast.data.infer_grid import first_row, infer_grid
from forecast.errors import SeriesError

START = pd.Timestamp("2015-03-09")
MARKET = range(570, 960, 30)  # 09:30 to 15:30, in minutes


def weekdays(mask, count, start=START):
    return pd.bdate_range(start, periods=count, freq="C", weekmask=mask)


def bars(days, minutes):
    return pd.DatetimeIndex([day + pd.Timedelta(minutes=minute) for day in days for minute in minutes])


def currency_week(count):
    """Hours from Sunday 17:00 to Friday 16:00."""
    index = pd.date_range(START, periods=count, freq="h")
    day, hour = index.day_of_week, index.hour
    return index[~((day == 5) | ((day == 4) & (hour >= 17)) | ((day == 6) & (hour < 17)))]


def calendar_of(exchange):
    with warnings.catch_warnings():  # the package's own
        warnings.simplefilter("ignore")
        return exchange_calendars.get_calendar(exchange, start="2014-01-01", end="2020-12-31")


def session_bars(exchange, first, last, step):
    """Bars named by their start, on the clocks of the exchange; half days end early."""
    calendar = calendar_of(exchange)
    hours = calendar.schedule.loc[first:last, ["open", "close"]]
    local = [hours[name].dt.tz_convert(calendar.tz).dt.tz_localize(None) for name in ("open", "close")]
    spans = [pd.date_range(begin, end, freq=step, inclusive="left") for begin, end in zip(*local, strict=True)]
    return spans[0].append(spans[1:])


def in_utc(index, zone):
    return index.tz_localize(zone).tz_convert("UTC").tz_localize(None)


def sessions(exchange, first, last):
    return calendar_of(exchange).sessions_in_range(first, last)


# Whole series, and the frequency and weekdays of their grid.
GRIDS = {
    "days": (pd.date_range(START, periods=400), "D", "1111111"),
    "business days": (weekdays("1111100", 400), "B", "1111100"),
    "six-day weeks": (weekdays("1111110", 400), "D", "1111110"),
    "Sunday to Thursday": (weekdays("1111001", 400), "B", "1111001"),
    "three days a week": (weekdays("1010100", 301), "B", "1010100"),
    "weekends": (weekdays("0000011", 200), "B", "0000011"),
    "hours": (pd.date_range(START, periods=1000, freq="h"), "h", "1111111"),
    "half hours": (pd.date_range(START, periods=1501, freq="30min"), "30min", "1111111"),
    "minutes": (pd.date_range(START, periods=3000, freq="min"), "min", "1111111"),
    "ten seconds": (pd.date_range(START, periods=2000, freq="10s"), "10s", "1111111"),
    "seven hours": (pd.date_range(START, periods=300, freq="7h"), "7h", "1111111"),
    "36 hours": (pd.date_range(START, periods=300, freq="36h"), "36h", "1111111"),
    "market half hours": (bars(weekdays("1111100", 60), MARKET), "30min", "1111100"),
    "market with lunch": (
        bars(weekdays("1111100", 60), [*range(540, 690, 30), *range(750, 930, 30)]),
        "30min",
        "1111100",
    ),
    "market minutes": (bars(weekdays("1111100", 12), range(570, 960)), "min", "1111100"),
    "shop hours": (bars(weekdays("1111110", 80), range(540, 1200, 60)), "h", "1111110"),
    "currency hours": (currency_week(3000), "h", "1111101"),
    "30 days": (pd.date_range(START, periods=100, freq="30D"), "30D", "1111111"),
    "weeks": (pd.date_range(START, periods=150, freq="W-FRI"), "W-FRI", "1111111"),
    "fortnights": (pd.date_range(START, periods=150, freq="2W-FRI"), "2W-FRI", "1111111"),
    "month starts": (pd.date_range(START, periods=150, freq="MS"), "MS", "1111111"),
    "month ends": (pd.date_range(START, periods=150, freq="ME"), "ME", "1111111"),
    "last weekdays of the month": (pd.date_range(START, periods=150, freq="BME"), "BME", "1111111"),
    "the 15th": (pd.date_range("2015-03-01", periods=150, freq="MS") + pd.Timedelta(days=14), "MS", "1111111"),
    "quarters": (pd.date_range(START, periods=80, freq="QS"), "QS", "1111111"),
    "quarter ends": (pd.date_range(START, periods=80, freq="QE"), "QE", "1111111"),
    "years": (pd.date_range("1950-01-01", periods=60, freq="YS"), "YS", "1111111"),
}


def take_away(count, pattern, share, seed=3):
    """Which of `count` rows are kept."""
    random, kept = np.random.default_rng(seed), np.ones(count, bool)
    if pattern == "random":
        kept = random.random(count) >= share
    while pattern == "runs" and kept.mean() > 1 - share:
        start = random.integers(count)
        kept[start : start + random.geometric(1 / 6)] = False
    if pattern == "fixed":
        cycle = {0.05: (19, (7,)), 0.2: (5, (2,)), 0.4: (5, (1, 3))}[share]
        kept = ~np.isin(np.arange(count) % cycle[0], cycle[1])
    return kept


# Every fifth of these rows is always the same weekday or hour: a closed one, as far as anybody can tell.
LOCKED = ("business days", "Sunday to Thursday", "market half hours", "market with lunch", "currency hours")


@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("pattern", ["random", "runs", "fixed"])
@pytest.mark.parametrize("name", GRIDS)
def test_a_grid_is_found_though_rows_are_missing(name, pattern, share):
    if pattern == "fixed" and share > 0.05 and name in LOCKED:
        pytest.skip("a row that is always missing is not due")
    whole, frequency, mask = GRIDS[name]
    known = whole[: len(whole) - 20]
    index = known[take_away(len(known), pattern, share)]
    grid = infer_grid(index)
    assert (grid.frequency, grid.weekdays, grid.is_regular) == (frequency, mask, True)
    inside = known[(known >= index[0]) & (known <= index[-1])]
    assert grid.holes(index).tolist() == inside.difference(index).tolist()
    assert grid.complete(index).tolist() == inside.tolist()
    coming = whole[whole > index[-1]][:20]
    assert grid.after(index[-1], 20).tolist() == coming.tolist()
    assert len(grid.strays(index)) == 0
    assert first_row(grid, index) == 0


@pytest.mark.parametrize("name", GRIDS)
def test_a_whole_series_has_no_holes(name):
    whole, _, _ = GRIDS[name]
    grid = infer_grid(whole)
    assert grid.complete(whole) is whole
    assert grid.expected(whole[0], whole[-1]).tolist() == whole.tolist()


@pytest.mark.parametrize("step", [2, 3])
def test_rows_missing_in_turn_make_a_coarser_grid(step):
    assert infer_grid(pd.date_range(START, periods=200)[::step]) == TimeGrid(f"{step}D")
    assert infer_grid(pd.date_range(START, periods=200, freq="h")[::step]) == TimeGrid(f"{step}h")
    assert infer_grid(pd.date_range(START, periods=200, freq="MS")[::step]) == TimeGrid({2: "2MS", 3: "QS"}[step])


def test_a_weekday_that_is_always_missing_is_closed_and_one_missing_now_and_then_is_a_hole():
    days = weekdays("1111100", 300)
    fridays = days[days.day_of_week == 4]
    assert infer_grid(days.difference(fridays)).weekdays == "1111000"
    grid = infer_grid(days.difference(fridays[::3]))
    assert grid.weekdays == "1111100"
    assert grid.holes(days.difference(fridays[::3])).tolist() == fridays[::3].tolist()


def test_every_second_business_day_leaves_business_days_half_of_them_holes():
    days = weekdays("1111100", 300)
    grid = infer_grid(days[::2])
    assert (grid.frequency, grid.weekdays) == ("B", "1111100")
    assert grid.holes(days[::2]).tolist() == days[1:-1:2].tolist()


@given(
    st.sampled_from(
        ["D", "h", "30min", "7h", "2D", "W-TUE", "2W-SAT", "MS", "ME", "BME", "QS", "QE", "BQE", "YS", "YE"]
    ),
    st.datetimes(datetime(1950, 1, 1), datetime(2050, 1, 1)),
    st.integers(1, 60),
)
def test_expected_rows_are_those_of_pandas(frequency, start, count):
    whole = pd.date_range(pd.Timestamp(start).normalize(), periods=count, freq=frequency)
    grid = TimeGrid(frequency)
    assert grid.expected(whole[0], whole[-1]).tolist() == whole.tolist()
    assert grid.after(whole[0], count).tolist()[:-1] == whole[1:].tolist()


@given(
    st.text("01", min_size=7, max_size=7).filter(lambda mask: "1" in mask), st.dates(date(1990, 1, 1), date(2060, 1, 1))
)
def test_weekdays_are_those_of_pandas(mask, start):
    whole = pd.bdate_range(start, periods=40, freq="C", weekmask=mask)
    grid = TimeGrid("B", mask)
    assert grid.expected(whole[0], whole[-1]).tolist() == whole.tolist()
    assert grid.after(whole[0], 39).tolist() == whole[1:].tolist()


@given(st.sampled_from(list(GRIDS)), st.integers(2, 60), st.integers(1, 40), st.randoms(use_true_random=False))
def test_completing_keeps_every_row_and_leaves_no_hole(name, count, periods, random):
    whole, _, _ = GRIDS[name]
    index = whole[sorted(random.sample(range(len(whole)), count))]
    grid = dataclasses.replace(infer_grid(whole), exchange="")
    complete = grid.complete(index)
    assert index.isin(complete).all()
    assert complete.is_monotonic_increasing
    assert complete.is_unique
    assert len(grid.holes(complete)) == 0
    coming = grid.after(index[-1], periods)
    assert coming[0] > index[-1]
    assert grid.after(coming[0], periods)[:-1].tolist() == coming[1:].tolist()


@pytest.mark.parametrize("exchange", ["XNYS", "XTKS", "XLON"])
def test_holidays_of_an_exchange_are_no_holes(exchange):
    index = sessions(exchange, "2015-01-05", "2019-12-30")
    grid = infer_grid(index)
    assert (grid.frequency, grid.exchange) == ("B", exchange)
    assert len(grid.holes(index)) == 0
    assert grid.holes(index.delete([100, 700])).tolist() == index[[100, 700]].tolist()
    assert grid.after(index[-60], 59).tolist() == index[-59:].tolist()


@pytest.mark.parametrize("pattern", ["random", "runs", "fixed"])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
def test_a_named_exchange_is_followed_though_rows_are_missing(pattern, share):
    whole = sessions("XNYS", "2015-01-05", "2018-12-28")
    index = whole[take_away(len(whole), pattern, share)]
    grid = infer_grid(index, "XNYS")
    assert grid.complete(index).tolist() == whole[(whole >= index[0]) & (whole <= index[-1])].tolist()


@pytest.mark.parametrize("zone", ["", "America/New_York"])
@pytest.mark.parametrize("share", [0, 0.2])
def test_bars_of_an_exchange_end_early_on_half_days_on_any_clock(zone, share):
    whole = session_bars("XNYS", "2016-01-04", "2017-12-28", "30min")
    whole = in_utc(whole, zone) if zone else whole
    index = whole[take_away(len(whole), "random", share)]
    grid = infer_grid(index, "XNYS")
    assert (grid.exchange, grid.clock) == ("XNYS", zone)
    assert grid.complete(index).tolist() == whole[(whole >= index[0]) & (whole <= index[-1])].tolist()


def test_an_exchange_that_the_rows_do_not_follow_is_not_used():
    assert infer_grid(pd.date_range(START, periods=300), "XNYS") == TimeGrid("D")
    assert infer_grid(pd.date_range(START, periods=3000, freq="h"), "XNYS") == TimeGrid("h")


def test_rows_before_the_first_known_session_follow_the_weekdays():
    index = weekdays("1111100", 1000, "1900-01-01")
    assert TimeGrid("B", "1111100", "XSHG").holes(index).tolist() == []


def test_hours_in_universal_time_stand_still_on_the_clocks_of_their_zone():
    whole = in_utc(bars(weekdays("1111100", 260), MARKET), "Europe/Berlin")
    for index in (whole, whole[take_away(len(whole), "random", 0.4)]):
        grid = infer_grid(index)
        assert grid.clock == "Europe/London"  # the clocks change on the same days
        assert grid.complete(index).tolist() == whole[(whole >= index[0]) & (whole <= index[-1])].tolist()


def test_special_sessions_are_strays_that_are_kept():
    saturdays = pd.date_range("2015-05-02", periods=8, freq="13W-SAT")
    index = weekdays("1111100", 800).union(saturdays)
    grid = infer_grid(index)
    assert grid.weekdays == "1111100"
    assert grid.strays(index).tolist() == saturdays[saturdays <= index[-1]].tolist()
    assert saturdays[0] in grid.complete(index.delete(3))


def test_a_holiday_moves_the_row_of_a_week_and_makes_no_hole():
    fridays = pd.date_range(START, periods=120, freq="W-FRI")
    moved = fridays.where(np.arange(120) % 9 > 0, fridays - pd.Timedelta(days=1))
    grid = infer_grid(moved)
    assert grid.frequency == "W-FRI"
    assert len(grid.holes(moved)) == 0
    assert grid.holes(moved.delete(30)).tolist() == [fridays[30]]
    assert len(grid.strays(moved)) == 0


def test_rows_a_little_off_their_time_are_regular():
    off = pd.to_timedelta(np.random.default_rng(0).normal(0, 3, 1000).round(), unit="s")
    index = (pd.date_range(START, periods=1000, freq="h") + off).delete([20, 21, 500])
    grid = infer_grid(index)
    assert (grid.frequency, grid.is_regular) == ("h", True)
    assert len(grid.holes(index)) == 3
    assert len(grid.strays(index)) == 0


def test_the_hour_that_spring_leaves_out_is_the_only_hole_of_a_local_clock():
    hours = pd.date_range("2015-01-01", "2015-12-31", freq="h", tz="UTC")
    index = hours.tz_convert("Europe/Berlin").tz_localize(None).unique()
    assert infer_grid(index).holes(index).tolist() == [pd.Timestamp("2015-03-29 02:00")]


def test_bars_of_daylight_are_due_from_the_first_to_the_last_of_the_year():
    hours = pd.date_range("2014-01-01", "2015-12-31", freq="h")
    light = 6 + 2 * np.sin(2 * np.pi * (hours.day_of_year - 80) / 365)
    index = hours[np.abs(hours.hour - 12.5) < light]
    grid = infer_grid(index)
    assert str(grid) == "h, 05:00-20:00"
    assert len(grid.strays(index)) == 0


def test_rows_before_a_change_of_frequency_are_told():
    months, days = pd.date_range("1950-01-01", "1999-12-01", freq="MS"), weekdays("1111100", 1300, "2000-01-03")
    index = months.append(days)
    assert first_row(infer_grid(index), index) == len(months)
    hours = pd.date_range("2000-01-01", periods=2000, freq="h")
    assert first_row(infer_grid(months.append(hours)), months.append(hours)) == len(months)
    weeks = pd.date_range("2006-01-06", periods=600, freq="W-FRI")
    index = days.append(weeks)
    grid = infer_grid(index)
    assert grid.frequency == "W-FRI"
    assert first_row(grid, index) == len(days)


def test_a_gap_of_years_is_not_a_change_of_frequency():
    index = weekdays("1111100", 260, "2015-01-01").append(weekdays("1111100", 260, "2018-01-01"))
    grid = infer_grid(index)
    assert grid.frequency == "B"
    assert first_row(grid, index) == 0
    assert len(grid.holes(index)) > 500


def scattered(kind, random):
    if kind == "trades":
        return pd.DatetimeIndex(START + pd.to_timedelta(np.cumsum(random.exponential(7, 4000)), unit="s"))
    if kind == "trades in whole seconds":
        return scattered("trades", random).floor("s").unique()
    days = np.cumsum(1 + random.exponential(4, 200).round())
    return pd.DatetimeIndex(pd.Timestamp("2010-01-01") + pd.to_timedelta(days, unit="D"))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["trades", "trades in whole seconds", "visits"])
def test_irregular_rows_are_refused_with_the_cure(kind, seed):
    index = scattered(kind, np.random.default_rng(seed))
    grid = infer_grid(index)
    assert not grid.is_regular
    assert grid.complete(index) is index
    with pytest.raises(SeriesError, match=f"--every {grid.frequency}"):
        grid.check_regular("trades")
    binned = index.to_series().resample(grid.frequency).count()
    assert (binned > 0).mean() > 0.75
    assert infer_grid(binned.index[binned > 0]).is_regular


def test_irregular_rows_are_regular_if_a_frequency_is_given():
    index = scattered("visits", np.random.default_rng(0))
    grid = infer_grid(index, frequency="D")
    assert grid == TimeGrid("D")
    grid.check_regular("visits")
    assert len(grid.complete(index)) == (index[-1] - index[0]).days + 1


@pytest.mark.parametrize("frequency", ["D", "2D", "B", "W-FRI", "MS", "QE", "h", "15min"])
def test_a_single_row_has_the_frequency_that_is_given(frequency):
    index = pd.DatetimeIndex(["2024-01-05"])
    assert infer_grid(index, frequency=frequency).frequency == frequency
    assert infer_grid(index).frequency == "D"


def test_business_days_are_assumed_where_two_weeks_show_no_weekend():
    assert infer_grid(weekdays("1111100", 3)) == TimeGrid("B", "1111100")
    assert infer_grid(pd.DatetimeIndex(["2015-03-06", "2015-03-09"])) == TimeGrid("B", "1111100")
    assert infer_grid(pd.date_range("2015-03-06", periods=4)) == TimeGrid("D")


def test_a_grid_says_what_it_is():
    assert str(infer_grid(GRIDS["market half hours"][0])) == "30min, MON-FRI 09:30-15:30"
    assert str(TimeGrid("D", "1111110")) == "D, MON-SAT"
    assert str(TimeGrid("B", "1010100")) == "B, MON WED FRI"
    assert str(TimeGrid("B", "1111100", "XNYS")) == "B, MON-FRI, sessions of XNYS"
    assert str(TimeGrid("5min", is_regular=False)) == "irregular, about every 5min"


def test_a_grid_is_plain_data():
    grid = infer_grid(GRIDS["market half hours"][0])
    grid.after(START, 3)
    assert TimeGrid(**dataclasses.asdict(grid)) == grid
    assert hash(grid) == hash(dataclasses.replace(grid))


def test_no_periods_is_an_error():
    with pytest.raises(SeriesError, match="periods=0"):
        TimeGrid("D").after(START, 0)
