"""ETS, Theta and ARIMA: forecast at every origin as by statsforecast itself."""

import sys

import numpy as np
import pandas as pd
import pytest

import forecast
from forecast.config import MEDIAN, ExperimentConfig
from forecast.data.inputs import Inputs
from forecast.data.panel import Panel
from forecast.data.series import TimeSeries
from forecast.data.split import Split
from forecast.errors import ConfigError
from forecast.models import Callbacks, Problem, find_model
from forecast.models.statistical import FEWEST, GROWTH, ROWS, _seasonal_pattern, estimation_rows

NAMES = ["ets", "theta", "arima"]
ALL = pytest.mark.parametrize("name", NAMES)
# Rows of a series at which parameters are estimated.
FIRST = 239


@pytest.fixture
def library():
    return pytest.importorskip("statsforecast.models", reason="the extra `statistics` is not installed")


def setup(values: np.ndarray, *, season: int = 1) -> tuple[Inputs, Panel, Problem]:
    """A series split at 70 and 80 %, lookback 16, horizon 6."""
    inputs = Inputs(np.asarray(values, float)[:, None], np.zeros((len(values), 0)))
    split = Split(int(0.7 * len(values)), int(0.8 * len(values)), len(values))
    config = ExperimentConfig(lookback=16, horizon=6)
    return inputs, Panel.of([inputs], [split]), Problem(config, 1, 0, season, 16)


def points(name: str, values: np.ndarray, origin: np.ndarray, *, season: int = 1) -> np.ndarray:
    """Scaled point forecasts, shape (N, H)."""
    inputs, _, problem = setup(values, season=season)
    model = find_model(name)
    blocks = model.blocks(inputs, origin, problem)
    moves = model.predict({"residual_quantiles": np.zeros((6, 7))}, blocks, problem)[:, :, MEDIAN]
    return blocks.anchor[:, 0] + moves * blocks.scale[:, 0]


def relative_error(name: str, values: np.ndarray, *, season: int = 1) -> float:
    """The mean absolute error on the test rows over the naive forecast's."""
    origin = np.arange(int(0.8 * len(values)) - 1, len(values) - 6)
    true = np.stack([values[o + 1 : o + 7] for o in origin])
    naive = np.abs(true - values[origin, None]).sum()
    return float(np.abs(true - points(name, values, origin, season=season)).sum() / naive)


def seasonal(rows: int = 300, season: int = 7) -> np.ndarray:
    rising = np.arange(rows) / rows
    noise = np.random.default_rng(3).normal(size=rows) * 0.05
    return rising + 0.3 * np.sin(2 * np.pi * np.arange(rows) / season) + noise


def walk(rows: int = 400, seed: int = 1) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).normal(size=rows)) / 30


def fitted(library, name: str, season: int):
    """statsforecast's own model with the settings that are used here."""
    return {
        "ets": lambda: library.AutoETS(season_length=season, model="AZZ"),
        "theta": lambda: library.AutoTheta(season_length=season, decomposition_type="additive"),
        "arima": lambda: library.AutoARIMA(season_length=season, approximation=None),
    }[name]()


@pytest.mark.filterwarnings("ignore")  # statsforecast's search warns of orders that it gives up
@ALL
@pytest.mark.parametrize(("values", "season"), [(seasonal(), 7), (seasonal(), 1), (walk(), 1)])
def test_an_origin_is_forecast_as_by_statsforecast_when_parameters_are_new(library, name, values, season):
    expected = fitted(library, name, season).fit(values[:FIRST]).predict(6)["mean"]
    found = points(name, values, np.arange(FIRST - 1, FIRST + 20), season=season)
    np.testing.assert_allclose(found[0], expected, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
@ALL
def test_later_origins_are_forecast_as_by_statsforecasts_own_forward(library, name):
    values = seasonal() if name != "theta" else walk(300)  # its forward would estimate the season anew
    season = 7 if name != "theta" else 1
    found = points(name, values, np.arange(FIRST - 1, 281), season=season)
    for rows, estimated_on in ((FIRST + 1, FIRST), (FIRST + 17, FIRST), (280, 263)):
        model = fitted(library, name, season).fit(values[:estimated_on])
        np.testing.assert_allclose(found[rows - FIRST], model.forward(values[:rows], 6)["mean"], atol=1e-6)


def test_parameters_are_estimated_anew_after_each_growth_by_a_tenth():
    rows = np.arange(1, 3000)
    estimated = estimation_rows(rows - 1)
    assert not estimated[: FEWEST - 1].any()
    later, now = estimated[FEWEST - 1 :], rows[FEWEST - 1 :]
    assert ((later <= now) & (now < GROWTH * later + 1)).all()
    assert (np.diff(later) >= 0).all()
    assert len(np.unique(later)) == 1 + int(np.log(2999 / FEWEST) / np.log(GROWTH))


@ALL
def test_only_the_last_rows_count(library, name):
    values = np.concatenate([walk(100), seasonal(ROWS + 50)])
    other = np.concatenate([walk(100) + 5, seasonal(ROWS + 50)])
    origin = np.arange(ROWS + 120, ROWS + 130)  # parameters of rows to 619
    np.testing.assert_array_equal(points(name, values, origin), points(name, other, origin))


@ALL
def test_rows_after_the_split_and_after_an_origin_are_not_seen(library, name):
    values, season = seasonal(), 1 if name == "arima" else 7  # ARIMA searches seasonal orders for seconds
    garbled = values.copy()
    garbled[240:] = 1e3
    (_, panel, problem), (_, other, _) = setup(values, season=season), setup(garbled, season=season)
    one, two = (find_model(name).fit(part, problem, Callbacks()).weights for part in (panel, other))
    np.testing.assert_array_equal(one["residual_quantiles"], two["residual_quantiles"])
    origin = np.array([235, 239])
    seen, spoilt = (points(name, rows, origin, season=season) for rows in (values, garbled))
    np.testing.assert_array_equal(seen, spoilt)
    origin = np.arange(200, 290)
    whole, cut = points(name, values, origin, season=season), points(name, values[:251], origin[:51], season=season)
    np.testing.assert_allclose(cut, whole[:51], atol=1e-9)


@ALL
@pytest.mark.parametrize("season", [7, 30])
def test_a_season_on_a_trend_is_found(library, name, season):
    assert relative_error(name, seasonal(season=season), season=season) < 0.6


@ALL
@pytest.mark.parametrize("seed", [1, 2])
def test_a_random_walk_is_left_nearly_to_the_naive_forecast(library, name, seed):
    assert relative_error(name, walk(800, seed=seed)) <= 1.02


@ALL
def test_quantiles_rise_about_the_errors_of_the_validation_rows(library, name):
    values, season = (walk(), 1) if name == "arima" else (seasonal(700), 7)
    inputs, panel, problem = setup(values, season=season)
    model = find_model(name)
    weights = model.fit(panel, problem, Callbacks()).weights
    assert {weight: values.shape for weight, values in weights.items()} == model.shapes(problem)
    blocks = model.blocks(inputs, np.arange(int(0.8 * len(values)) - 1, len(values) - 6), problem)
    quantiles = model.predict(weights, blocks, problem)
    assert (np.diff(quantiles, axis=2) >= 0).all()
    inside = (blocks.y[:, 0] > quantiles[:, :, 0]) & (blocks.y[:, 0] < quantiles[:, :, -1])
    assert 0.75 < inside.mean() < 0.99


@ALL
@pytest.mark.parametrize("values", [np.zeros(200), np.zeros(40), np.repeat([0.0, 1.0], 40), walk(40)])
def test_constant_and_short_series_stay_finite_and_flat_ones_stay_where_they_are(library, name, values):
    inputs, panel, problem = setup(values, season=5)
    model = find_model(name)
    weights = model.fit(panel, problem, Callbacks()).weights
    blocks = model.blocks(inputs, np.arange(16, len(values)), problem)
    quantiles = model.predict(weights, blocks, problem)
    assert np.isfinite(quantiles).all()
    if not np.ptp(values):
        np.testing.assert_allclose(quantiles * blocks.scale[:, 0, :, None], 0, atol=1e-9)


@ALL
def test_too_few_rows_are_forecast_by_the_last_one(library, name):
    values = walk(60)
    found = points(name, values, np.array([FEWEST - 2]))
    np.testing.assert_array_equal(found, np.full((1, 6), values[FEWEST - 2]))


@ALL
def test_without_the_extra_the_cure_is_named(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "statsforecast.models", None)
    _, panel, problem = setup(walk(100))
    with pytest.raises(
        ConfigError, match=rf"{name} needs the extra `statistics`: pip install 'honest-forecast\[statistics\]'"
    ):
        find_model(name).fit(panel, problem, Callbacks())


@pytest.mark.parametrize("season", [4, 7])
def test_the_seasonal_pattern_of_a_season_is_that_of_classical_decomposition(season):
    seasonal_module = pytest.importorskip("statsmodels.tsa.seasonal")
    rows = seasonal(10 * season + 3, season)
    whole = seasonal_module.seasonal_decompose(rows, period=season).seasonal
    np.testing.assert_allclose(_seasonal_pattern(rows, season), whole[len(rows) % season :][:season], atol=1e-9)


def test_croston_smooths_sizes_and_times_between_demands_by_hand(library):
    """Syntetos and Boylan: (1 - alpha / 2) * size / interval, both smoothed with alpha = 0.1 from their first value."""
    values = np.where(np.random.default_rng(2).uniform(size=300) < 0.3, 0.5, 0.0)
    values[0] = 1.0
    size = interval = last = None
    for row in np.flatnonzero(values[:280]):
        between = row - last if last is not None else row + 1
        size = values[row] if size is None else size + 0.1 * (values[row] - size)
        interval = between if interval is None else interval + 0.1 * (between - interval)
        last = row
    found = points("croston", values, np.array([279]))
    np.testing.assert_allclose(found, 0.95 * size / interval, rtol=1e-6)


def test_croston_s_quantiles_are_those_of_the_demand_not_of_its_mean(library):
    """Seven of ten rows are zero, so the median is."""
    values = np.where(np.random.default_rng(3).uniform(size=400) < 0.3, 1.0, 0.0)
    inputs, panel, problem = setup(values)
    model = find_model("croston")
    weights = model.fit(panel, problem, Callbacks()).weights
    blocks = model.blocks(inputs, np.arange(320, 394), problem)
    levels = blocks.anchor[:, 0, :, None] + model.predict(weights, blocks, problem) * blocks.scale[:, 0, :, None]
    assert np.abs(levels[..., MEDIAN]).mean() < 0.15
    assert levels[..., -1].mean() > 0.5
    assert not model.learned


@pytest.mark.usefixtures("library")
def test_on_a_short_seasonal_series_ets_is_not_drawn_towards_naive():
    """Followed on training rows as well: forty validation rows alone left it eight times as far off."""
    week = np.array([0, 2, 3, 3, 6, 12, 9.0])
    values = 50 + np.tile(week, 58)[:400] + np.random.default_rng(0).normal(0, 0.5, 400)
    index = pd.date_range("2020-01-06", periods=400)
    result = forecast.run(TimeSeries("visits", index, values[:, None], ("visits",), "visits"), models=["ets"])
    ratio = {row.model: row.mae_vs_naive for row in result.scores}
    assert ratio["ets"] < 1.1 * ratio["seasonal_naive"]


@pytest.mark.usefixtures("library")
def test_five_years_of_months_suffice_to_believe_a_season():
    """One outcome of a year is known before the test: naive's intervals at ets's width held nothing."""
    errors, held = [], []
    for seed in range(4):
        random, months = np.random.default_rng(seed), np.arange(60)
        values = 100 + 0.5 * months + 10 * np.sin(2 * np.pi * months / 12) + random.normal(0, 1, 60)
        index = pd.date_range("2020-01-01", periods=60, freq="MS")
        series = TimeSeries("sales", index, values[:, None], ("sales",), "sales")
        result = forecast.run(series, models=["ets"], config=ExperimentConfig(horizon=12))
        ets = next(row for row in result.scores if row.model == "ets")
        errors.append(ets.mae_vs_naive)
        held.append(ets.coverage90)
    assert np.mean(errors) < 0.3
    assert np.mean(held) > 0.8
