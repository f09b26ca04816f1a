"""The forecaster of sktime: sktime's own checks, the package's own forecasts, and its place among sktime's tools."""

import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import random_walk

import forecast
from forecast.config import override
from forecast.data.dataset import prepare_all
from forecast.data.series import TimeSeries
from forecast.errors import ConfigError, SeriesError
from forecast.inference.paths import quantiles_at
from forecast.training.train import train

pytest.importorskip("sktime", reason="sktime is not installed: pip install 'honest-forecast[sktime]'.")

from sktime.utils.estimator_checks import check_estimator

from forecast.sktime import KerasForecaster

# sktime warns of its own next release, and pandas of what sktime calls.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning", "ignore::DeprecationWarning")

NETWORK, LINEAR = KerasForecaster.get_test_params()
# Checks of many trainings that ask for the dates of forecasts alone, with every kind of index: the linear model takes
# them, a network all others. Nothing is skipped.
DATES_ALONE = [
    "test_predict_time_index",
    "test_predict_time_index_with_X",
    "test_update_predict_predicted_index",
]


def months(values, name=None, freq="M"):
    return pd.Series(values, pd.period_range("2000-01", periods=len(values), freq=freq), name=name)


def seasonal(rows=120, seed=0):
    random = np.random.default_rng(seed)
    return months(100 + 10 * np.sin(np.arange(rows) * np.pi / 6) + random.normal(size=rows))


def failures(results, capsys):
    """The checks that did not pass; how many there were is printed."""
    with capsys.disabled():
        sys.stdout.write(f"\n{len(results)} checks of sktime, {len({one.split('[')[0] for one in results})} kinds\n")
    return {check: result for check, result in results.items() if result != "PASSED"}


def test_the_forecaster_itself_warns_of_nothing():
    """sktime warns of the data that its forecasters remember; this one keeps its rows itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = KerasForecaster("linear").fit(seasonal(), fh=[1, 2]).predict()
    assert len(made) == 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_network_passes_the_checks_of_sktime(capsys):
    results = check_estimator(KerasForecaster(**NETWORK), tests_to_exclude=DATES_ALONE, verbose=False)
    assert not failures(results, capsys)
    assert len(results) > 250


@pytest.mark.slow
def test_the_linear_model_passes_those_that_ask_for_dates(capsys):
    results = check_estimator(KerasForecaster(**LINEAR), tests_to_run=DATES_ALONE, verbose=False)
    assert not failures(results, capsys)
    assert len(results) > 150


def test_forecasts_are_those_of_the_package():
    y = seasonal()
    forecaster = KerasForecaster("dense", units=4, max_steps=5, random_state=3).fit(y, fh=[1, 2, 6])
    series = TimeSeries("y", y.index.to_timestamp(), y.to_numpy()[:, None], ("y",), "y")
    config = override(forecast.ExperimentConfig(), {"units": 4, "max_steps": 5, "seed": 3, "horizon": 6})
    own = train(series, "dense", config, cutoff=len(y)).predict(series)
    assert (forecaster.predict().to_numpy() == own.quantiles[[0, 1, 5], 3]).all()
    found = forecaster.predict_interval(coverage=0.9)
    assert found.to_numpy() == pytest.approx(own.quantiles[[0, 1, 5]][:, [0, -1]], rel=1e-12)
    assert list(found.index.astype(str)) == ["2010-01", "2010-02", "2010-06"]


def test_other_quantiles_lie_between_those_that_are_forecast_and_beyond_them():
    from scipy.stats import norm

    levels, wanted = forecast.config.QUANTILES, (0.01, 0.05, 0.4, 0.5, 0.99)
    normal = -5 + norm.ppf(levels)[None, :]  # a normal distribution around -5: its quantile plot is a line
    assert quantiles_at(normal, levels, wanted)[0] == pytest.approx(-5 + norm.ppf(wanted))
    log_normal = np.exp(norm.ppf(levels))[None, :]
    assert quantiles_at(log_normal, levels, wanted)[0] == pytest.approx(np.exp(norm.ppf(wanted)))


def test_columns_of_x_are_known_ahead():
    random = np.random.default_rng(1)
    x = months((random.random(200) < 0.3).astype(float))
    y = 50 + 20 * x + random.normal(size=200)
    forecaster = KerasForecaster("linear", lookback=6).fit(y[:-4], x[:-4].to_frame("Promotion"), fh=[1, 2, 3, 4])
    for promotion in (0.0, 1.0):
        coming = pd.DataFrame({"Promotion": promotion}, y.index[-4:])
        assert forecaster.predict(X=coming).to_numpy() == pytest.approx(50 + 20 * promotion, abs=4)


def test_a_panel_trains_one_network_and_each_series_is_forecast_from_its_own_end():
    series = {name: seasonal(rows, seed) for seed, (name, rows) in enumerate({"a": 120, "b": 100}.items())}
    y = pd.concat(series, names=["shop", "month"]).to_frame("Sales")
    forecaster = KerasForecaster("dense", units=4, max_steps=5).fit(y, fh=[1, 2])
    assert [known.series for known in forecaster.model_.trained_on] == ["a", "b"]
    found = forecaster.predict()
    assert [str(month) for _, month in found.index] == ["2010-01", "2010-02", "2008-05", "2008-06"]
    alone = forecaster.model_.predict_all(
        [TimeSeries(k, v.index.to_timestamp(), v.to_numpy()[:, None], ("y",), "y") for k, v in series.items()]
    )
    assert found["Sales"].to_numpy() == pytest.approx(np.concatenate([one.quantiles[:, 3] for one in alone]))


def test_an_update_learns_from_the_new_rows_or_only_starts_from_them():
    y = seasonal()
    fitted = KerasForecaster("dense", units=4, max_steps=20).fit(y[:90], fh=[1])
    before = {name: weight.copy() for name, weight in fitted.model_.weights.items()}
    seen = fitted.clone().fit(y[:90], fh=[1]).update(y[90:], update_params=False)
    assert str(seen.predict().index[0]) == "2010-01"
    assert all((seen.model_.weights[name] == before[name]).all() for name in before)
    taught = fitted.update(y[90:])
    assert taught.model_.trained_on[0].rows == 120
    assert any((taught.model_.weights[name] != before[name]).any() for name in before)
    assert [one["last"] for one in taught.model_.ancestry] == ["2007-06-01"]


def test_an_update_with_nothing_new_changes_nothing():
    y = seasonal()
    fitted = KerasForecaster("linear").fit(y, fh=[1])
    model = fitted.model_
    assert fitted.update(y[-10:]).model_ is model


@pytest.mark.slow
def test_it_works_in_a_grid_search_a_pipeline_and_evaluate(monkeypatch):
    from sktime.forecasting.base import BaseForecaster
    from sktime.forecasting.compose import TransformedTargetForecaster
    from sktime.forecasting.model_evaluation import evaluate
    from sktime.forecasting.model_selection import ForecastingGridSearchCV
    from sktime.performance_metrics.forecasting.probabilistic import PinballLoss
    from sktime.split import ExpandingWindowSplitter
    from sktime.transformations.boxcox import LogTransformer

    monkeypatch.setitem(BaseForecaster._config, "remember_data", False)  # the default of sktime's next release
    y = seasonal()
    folds = ExpandingWindowSplitter(fh=[1, 2, 3], initial_window=80, step_length=20)
    grid = {"lookback": [2, 24], "model": ["linear", "naive"]}
    best = ForecastingGridSearchCV(KerasForecaster("linear"), folds, grid).fit(y, fh=[1, 2, 3])
    assert best.best_params_ == {"lookback": 24, "model": "linear"}
    tested = evaluate(KerasForecaster("linear"), folds, y, strategy="update", scoring=PinballLoss())
    assert len(tested) == 2
    assert (tested["test_PinballLoss"] < 2).all()
    piped = TransformedTargetForecaster([("log", LogTransformer()), ("forecast", KerasForecaster("linear"))])
    lower, upper = piped.fit(y, fh=[1]).predict_interval(coverage=0.9).to_numpy()[0]
    assert lower < piped.predict().iloc[0] < upper


def test_sessions_of_an_exchange_need_no_frequency():
    """sktime cannot name the day after such rows; their time grid can."""
    prices = pd.read_csv("data/sp500.csv", index_col="Date", parse_dates=True)["Adj Close"]
    known, coming = prices[:-5], prices[-5:]  # with Christmas among them
    found = KerasForecaster("linear").fit(known, fh=range(1, 6)).predict()
    assert list(found.index) == list(coming.index)
    again = KerasForecaster("linear").fit(known.tz_localize("America/New_York"), fh=[1]).predict()
    assert str(again.index[0]) == "2018-12-24 00:00:00-05:00"


def test_dates_without_any_grid_are_refused_with_the_cure():
    minutes = np.sort(np.random.default_rng(0).choice(10**6, 200, replace=False))
    visits = pd.Series(random_walk(), pd.Timestamp("2020-01-01") + pd.to_timedelta(minutes, unit="min"))
    with pytest.raises(SeriesError, match="follow no frequency.*reset_index"):
        KerasForecaster("linear").fit(visits, fh=[1])
    assert KerasForecaster("linear").fit(visits.reset_index(drop=True), fh=[1]).predict().index[0] == 200


def test_missing_values_keep_their_place():
    y = seasonal()
    y.iloc[[40, 41, -1]] = np.nan
    forecaster = KerasForecaster("linear").fit(y, fh=[1])
    assert str(forecaster.predict().index[0]) == "2010-01"
    assert forecaster.model_.config.horizon == 2  # from the last known row
    assert forecaster.predict().iloc[0] == pytest.approx(100 + 10 * np.sin(120 * np.pi / 6), abs=4)
    with pytest.raises(SeriesError, match="All 120 rows are missing"):
        KerasForecaster("linear").fit(y * np.nan, fh=[1])


def test_what_cannot_be_forecast_is_said_with_the_cure():
    y, x = seasonal(), seasonal(130, 1).to_frame("Weather")
    fitted = KerasForecaster("linear", horizon=2).fit(y, x[:120])
    with pytest.raises(ConfigError, match="within the 2 steps.*horizon=3"):
        fitted.predict(fh=[3], X=x)
    with pytest.raises(SeriesError, match="`X` must have the rows of `fh`.*lacks 1 of 1"):
        fitted.predict(fh=[1])
    assert len(fitted.predict(fh=[1, 2], X=x)) == 2
    with pytest.raises(NotImplementedError, match="in-sample"):
        fitted.predict(fh=[-1], X=x)


def test_without_fh_the_horizon_is_that_of_the_frequency():
    fitted = KerasForecaster("linear").fit(seasonal(240))
    assert fitted.model_.config.horizon == 12
    assert len(fitted.predict(fh=range(1, 13))) == 12


def test_short_series_leave_room_for_the_horizon():
    y = seasonal(10)
    fitted = KerasForecaster("linear").fit(y, fh=[1, 2, 3])
    (dataset,) = prepare_all(
        [TimeSeries("y", y.index.to_timestamp(), y.to_numpy()[:, None], ("y",), "y")], fitted.model_.config
    )
    assert dataset.config.lookback == 2
    with pytest.raises(forecast.errors.SeriesTooShort):
        KerasForecaster("linear").fit(seasonal(6), fh=[1, 2, 3])
