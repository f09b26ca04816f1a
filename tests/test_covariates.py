"""What a model sees beside the target."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import SMALL, make_series, random_walk

from forecast.config import ExperimentConfig, InputConfig, override
from forecast.data.covariates import calendar_terms, enrich, inputs_of, names_of
from forecast.data.sources import load, load_all
from forecast.errors import ConfigError, ModelError, SeriesError, SourceError
from forecast.pipeline import run
from forecast.training.train import train


def write_sales(path, rows=400, coming=0, seed=0):
    """Sales that a promotion lifts by 50 on the day itself; days to come have a plan and no sales."""
    random = np.random.default_rng(seed)
    promo = (random.random(rows + coming) < 0.3).astype(int)
    sales = 200 + 50 * promo + random.normal(0, 5, rows + coming)
    frame = pd.DataFrame({"Date": pd.date_range("2020-01-01", periods=rows + coming), "Sales": sales, "Promo": promo})
    frame["Sales"] = frame["Sales"].round(2).where(np.arange(len(frame)) < rows)
    frame.to_csv(path, index=False)
    return frame


def test_calendar_terms_by_hand():
    """A Monday in January at midnight, and six hours later: the day's first wave begins, and is a quarter through."""
    index = pd.DatetimeIndex(["2024-01-01 00:00", "2024-01-01 06:00"])
    hour = calendar_terms(index, ["hour"])[:, :2]
    np.testing.assert_allclose(hour, [[0.5, 1.0], [1.0, 0.5]], atol=1e-12)
    np.testing.assert_allclose(calendar_terms(index, ["weekday", "month", "year"])[0, ::2], 0.5)
    assert calendar_terms(index, ["hour", "weekday", "month", "year"]).shape == (2, 22)


def test_each_weekday_has_terms_of_its_own():
    week = calendar_terms(pd.date_range("2024-01-01", periods=14), ["weekday"])
    assert np.linalg.matrix_rank(np.column_stack([np.ones(7), week[:7]])) == 7
    np.testing.assert_allclose(week[:7], week[7:])


def test_columns_are_named_in_the_order_of_the_inputs():
    past, ahead = names_of(InputConfig(("Open",), ("Promo",), ("year",)), "Close")
    assert past == ("Close", "Open")
    assert ahead == ("Promo", "year sin 1", "year cos 1", "year sin 2", "year cos 2")


def test_columns_are_found_in_any_case_and_missing_ones_named():
    values = np.column_stack([random_walk(), random_walk(seed=2)])
    series = replace(make_series(values[:, 0]), values=values, columns=("Close", "Volume"))
    inputs = inputs_of(series, ExperimentConfig(horizon=3, inputs=InputConfig(("volume",))))
    np.testing.assert_array_equal(inputs.past, values)
    with pytest.raises(ConfigError, match="It lacks Open; it has Close, Volume"):
        inputs_of(series, ExperimentConfig(horizon=3, inputs=InputConfig(("Open",))))


def test_a_file_gives_columns_and_what_is_known_of_the_coming_rows(tmp_path):
    frame = write_sales(tmp_path / "sales.csv", rows=100, coming=5)
    series = load(tmp_path / "sales.csv", target="Sales", future_columns=["promo"])
    assert series.columns == ("Sales", "Promo")
    assert len(series) == 100
    np.testing.assert_array_equal(series.future[:, 1], frame["Promo"][100:])
    assert np.isnan(series.future[:, 0]).all()
    assert not [finding for finding in series.findings if finding.repaired]
    plain = load(tmp_path / "sales.csv", target="Sales")
    assert plain.columns == ("Sales",)
    assert [finding.kind for finding in plain.findings if finding.repaired] == ["missing_values", "sparse_tail"]


def test_the_last_known_value_stands_for_a_missing_feature_and_that_is_said(tmp_path):
    frame = write_sales(tmp_path / "sales.csv", rows=50)
    frame["Promo"] = frame["Promo"].astype(float).where(np.arange(50) != 7)
    frame.to_csv(tmp_path / "sales.csv", index=False)
    series = load(tmp_path / "sales.csv", target="Sales", columns=["Promo"])
    found = {finding.kind: finding for finding in series.findings}["missing_features"]
    assert (found.count, found.dates, found.repaired) == (1, ("2020-01-08",), False)
    assert len(series) == 50
    inputs = inputs_of(series, ExperimentConfig(inputs=InputConfig(("Promo",))))
    assert inputs.past[7].tolist() == [frame["Sales"][7], frame["Promo"][6]]
    assert inputs.known.all()


def test_rows_before_the_first_value_of_a_feature_are_left_out(tmp_path):
    frame = write_sales(tmp_path / "sales.csv", rows=50)
    frame["Promo"] = frame["Promo"].astype(float).where(np.arange(50) >= 3)
    frame.to_csv(tmp_path / "sales.csv", index=False)
    assert len(load(tmp_path / "sales.csv", target="Sales", columns=["Promo"])) == 47
    with pytest.raises(SeriesError, match="missing_features 3"):
        load(tmp_path / "sales.csv", target="Sales", columns=["Promo"], strict=True)
    with pytest.raises(SourceError, match="Received: Weather"):
        load(tmp_path / "sales.csv", target="Sales", columns=["Weather"])


@pytest.mark.slow
def test_every_column_of_a_file_becomes_a_series(tmp_path):
    values = np.column_stack([random_walk(), random_walk(seed=2)])
    frame = pd.DataFrame(
        values, columns=["north", "south"], index=pd.date_range("2020-01-01", periods=200, name="date")
    )
    frame.to_csv(tmp_path / "load.csv")
    series = load_all(f"{tmp_path / 'load.csv'}:*")
    assert [one.name for one in series] == ["north", "south"]
    np.testing.assert_allclose(series[1].y, values[:, 1])
    model = train(series, "dense", SMALL)
    assert [known.series for known in model.trained_on] == ["north", "south"]


def test_a_promotion_that_is_known_ahead_is_forecast(tmp_path):
    """Half of the error of naive is the promotion, which no past can tell."""
    write_sales(tmp_path / "sales.csv", rows=500, coming=3)
    settings = {"horizon": 3, "lookback": 8, "max_steps": 40}
    blind = run(
        load(tmp_path / "sales.csv", target="Sales"), models=["dense"], config=override(ExperimentConfig(), settings)
    )
    series = load(tmp_path / "sales.csv", target="Sales", future_columns=["Promo"])
    config = override(ExperimentConfig(), {**settings, "future_columns": ("Promo",)})
    sees = run(series, models=["dense"], config=config)
    assert sees.scores[0].mae_vs_naive < 0.4
    assert sees.scores[0].mae_vs_naive < 0.6 * blind.scores[0].mae_vs_naive
    lift = sees.forecasts["dense"].median[series.future[:, 1] == 1]
    assert (lift > 230).all()


def test_coming_values_must_be_there_for_a_forecast(tmp_path):
    write_sales(tmp_path / "sales.csv", rows=300, coming=2)
    series = load(tmp_path / "sales.csv", target="Sales", future_columns=["Promo"])
    config = override(SMALL, {"future_columns": ("Promo",)})
    message = "Promo must be known for the next 3 rows: .* Received: 2"
    with pytest.raises(SeriesError, match=message):
        run(series, models=["dense"], config=config)
    with pytest.raises(SeriesError, match=message):
        train(series, "dense", config).predict(series)


@pytest.mark.parametrize("name", ["lstm", "dense", "linear"])
def test_only_what_is_known_ahead_reaches_a_forecast(name, tmp_path):
    """Past features after the origin are garbled, and the forecast stays; the promotion to come changes it."""
    frame = write_sales(tmp_path / "sales.csv", rows=300, coming=3)
    frame["Visits"] = np.where(frame["Sales"].isna(), np.nan, np.random.default_rng(1).normal(size=len(frame)).cumsum())
    frame.to_csv(tmp_path / "sales.csv", index=False)
    options = {"target": "Sales", "columns": ["Visits"], "future_columns": ["Promo"]}
    series = load(tmp_path / "sales.csv", **options)
    config = override(SMALL, {"features": ("Visits",), "future_columns": ("Promo",), "calendar": ("weekday",)})
    model = train(series, name, config)
    garbled = series.values.copy()
    garbled[261:, :2] = 1e6
    first = model.backtest(series, first=260).quantiles[0]
    np.testing.assert_array_equal(model.backtest(replace(series, values=garbled), first=260).quantiles[0], first)
    planned = series.values.copy()
    planned[261:264, 2] = 1 - planned[261:264, 2]
    assert (model.backtest(replace(series, values=planned), first=260).quantiles[0] != first).any()


def make_bars(rows=120):
    close = random_walk(rows)
    random = np.random.default_rng(3)
    high, low = close + random.random(rows), close - random.random(rows)
    values = np.column_stack([close, high, low, random.random(rows) * 1e6])
    return replace(make_series(close), values=values, columns=("Close", "High", "Low", "Volume"))


def test_indicators_are_those_of_their_definition():
    """The momentum of ten rows is a difference; the rows that it takes to begin are left out, and that is said."""
    pytest.importorskip("talib", reason="the extra `indicators` is not installed")
    bars = make_bars()
    seen = enrich(bars, InputConfig(indicators=("MOM", "ATR")))
    assert seen.columns == ("Close", "High", "Low", "Volume", "MOM", "ATR")
    assert len(seen) == 120 - 14
    np.testing.assert_allclose(seen.values[:, 4], bars.y[14:] - bars.y[4:-10])
    assert seen.notes == ("the first 14 rows were left out: MOM, ATR take them to begin",)
    assert enrich(seen, InputConfig(indicators=("MOM", "ATR"))) is seen


def test_a_model_with_indicators_makes_them_for_a_new_series():
    pytest.importorskip("talib", reason="the extra `indicators` is not installed")
    config = override(SMALL, {"indicators": ("MACD",)})
    model = train(make_bars(), "dense", config)
    assert model.predict(make_bars(90)).quantiles.shape == (3, 7)
    assert model.weights["dense_1/kernel"].shape == (8, 4, 4)  # the target and MACD's three lines
    with pytest.raises(ModelError, match="needs columns for high, low, close. There is none for high, low among Close"):
        train(make_bars(), "dense", override(SMALL, {"indicators": ("ATR",)})).predict(make_series(random_walk()))


def test_an_unknown_indicator_is_refused():
    pytest.importorskip("talib", reason="the extra `indicators` is not installed")
    with pytest.raises(ConfigError, match="must be one of TA-Lib's, as in RSI, MACD or ATR. Received: MAGIC"):
        enrich(make_bars(), InputConfig(indicators=("MAGIC",)))
