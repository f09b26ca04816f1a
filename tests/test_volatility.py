"""The expected size of moves, the distribution of past moves in these units, GARCH and HAR."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_inputs, make_problem, make_series
from scipy import stats
from scipy.optimize import approx_fprime

from forecast import load
from forecast.config import MEDIAN, QUANTILES, ExperimentConfig
from forecast.data.dataset import prepare
from forecast.data.inputs import Inputs
from forecast.data.moves import expected_moves, step_terms
from forecast.data.windows import make_blocks
from forecast.models import MODELS
from forecast.models.estimator import Callbacks
from forecast.models.volatility import (
    growing,
    log_scale,
    past_quantiles,
    random_walk,
    size_model,
    smooth,
    suitability,
    with_volatility,
)
from forecast.models.volatility.features import averages, features_of, range_volatility
from forecast.models.volatility.growing import (
    NEVER,
    grow,
    quantiles_of_growing,
    quantiles_of_sorted,
    quantiles_until,
)
from forecast.models.volatility.history import past_moves, simulated_quantiles
from forecast.training.train import train

RANDOM_WALK = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, 1500)))


def garch(rows=3000, seed=1, alpha=0.1, beta=0.88):
    """Prices, and the standard deviation that was true of the move after each row."""
    random, variance, moves, sizes = np.random.default_rng(seed), 1e-4, [], []
    for _ in range(rows):
        moves.append(np.sqrt(variance) * random.standard_normal())
        variance = 1e-4 * (1 - alpha - beta) + alpha * moves[-1] ** 2 + beta * variance
        sizes.append(np.sqrt(variance))
    return 100 * np.exp(np.cumsum(moves)), np.array(sizes)


def inputs_of(values):
    dataset = prepare(make_series(values), ExperimentConfig(horizon=30, lookback=64, season=5))
    return with_volatility(dataset, dataset.scaler)


def scale_of(values):
    return log_scale(values, np.zeros(0), lookback=64, season=5)


@pytest.mark.parametrize("rows", [1, 2, 3, 64, 500])
def test_averages_are_the_weighted_means_of_pandas(rows):
    values, half_lives = np.random.default_rng(0).normal(size=(4, rows)), (1.5, 4.0, 150.0, 0.0)
    found = averages(values, half_lives)
    for row, one, half_life in zip(found, values, half_lives, strict=True):
        wanted = pd.Series(one[1:]).ewm(halflife=half_life).mean().to_numpy() if half_life else one[1:]
        np.testing.assert_allclose(row, [*wanted[:1], *wanted] if rows > 1 else [0.0], rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("rows", [129, 700, 4000])
def test_each_estimation_is_one_step_of_newton_on_the_moves_that_it_knows(rows):
    """However the sums are put together: over as many rows as count at most, from the start."""
    path = np.log(garch(rows)[0])
    base, features = features_of(path)
    prior = size_model.prior_of("close")
    x, sizes, stops = prior.design(features), size_model.sizes_of(path, base), size_model.estimation_rows(rows)
    found = size_model.estimates(prior, sizes, x, stops)
    for stop, coefficients in zip(stops, found, strict=True):
        some = np.arange(max(size_model.BURN, stop - size_model.MOST_ROWS), stop)
        known = np.where(some[:, None] + size_model.FIT_STEPS < stop, sizes[some], np.nan)
        gradient, hessian = size_model.derivatives(known, x[some], prior.coefficients)
        change = np.linalg.solve(hessian + size_model.PRIOR_ROWS * prior.information, gradient)
        wanted = prior.coefficients - change.reshape(prior.coefficients.shape)
        np.testing.assert_allclose(coefficients, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("season", [5, 60])
def test_a_walk_is_known_by_the_autocorrelations_and_variances_of_numpy(season):
    random, stops = np.random.default_rng(2), [128, 160, 300, 400]
    reverting = np.diff(random.normal(size=500).cumsum() * 0.1 + random.normal(size=500))
    for moves in (random.normal(size=499), reverting, random.normal(size=499) + 0.5, np.sin(np.arange(499))):
        found = zip(stops, suitability._correlated(moves, stops, season), suitability._walks(moves, stops), strict=True)
        for stop, correlated, walks in found:
            some = moves[: stop - 1] - moves[: stop - 1].mean()
            lags = range(1, min(max(suitability.LAGS, 2 * season), len(some) // 2) + 1)
            largest = max(abs(some[lag:] @ some[:-lag]) for lag in lags) / (some @ some)
            assert correlated == (largest > suitability.CORRELATED + suitability.CHANCE / np.sqrt(len(some)))
            path, steps = np.cumsum(np.append(0.0, some)), suitability.WALK_STEPS
            ratio = np.var(path[steps:] - path[:-steps]) / (steps * np.var(some))
            chance = np.sqrt(2 * (2 * steps - 1) * (steps - 1) / (3 * steps * len(some)))
            assert walks == (suitability.WALK_RATIO - chance < ratio < 1 / suitability.WALK_RATIO + chance)


def test_the_volatility_of_a_range_by_hand():
    """Garman and Klass (1980) within the day, and the gap: open 102, high 110, low 100, close 105 after 100."""
    ranges = np.array([[np.nan, np.nan], [np.log(110 / 100), np.log(105 / 102)]])
    found = range_volatility(ranges, np.log([100.0, 105.0]))
    within = 0.5 * np.log(1.1) ** 2 - (2 * np.log(2) - 1) * np.log(105 / 102) ** 2
    assert found[1] == pytest.approx(np.sqrt(within + np.log(1.02) ** 2))
    assert range_volatility(np.full((2, 2), np.nan), np.log([100.0, 105.0]))[1] == pytest.approx(np.log(1.05))


def test_on_garch_the_expected_size_follows_the_true_one_better_than_a_window_does():
    prices, true = garch()
    expected = np.exp(scale_of(prices)[:, 0]) / prices
    window = pd.Series(np.abs(np.diff(np.log(prices), prepend=np.log(prices[0])))).rolling(64).mean().to_numpy()
    known = slice(400, None)
    error = [np.std(np.log(one[known] / true[known])) for one in (expected, window)]
    assert error[0] < 0.7 * error[1]


def test_the_size_over_many_steps_reverts_to_the_usual_one():
    prices, true = garch()
    sizes = expected_moves(scale_of(prices), horizon=30)[400:] / prices[400:, None]
    growth = sizes[:, 29] / sizes[:, 0] / np.sqrt(30)
    calm, wild = (np.mean(growth[chosen]) for chosen in (true[400:] < 0.007, true[400:] > 0.013))
    assert calm > 1 > wild


@pytest.mark.parametrize("stop", [129, 400, 1000])
def test_nothing_looks_past_the_row(stop):
    prices, _ = garch(1500)
    np.testing.assert_array_equal(scale_of(prices[:stop]), scale_of(prices)[:stop])
    whole, cut = inputs_of(prices), inputs_of(prices).part(0, stop)
    origin = np.arange(stop - 20, stop)
    found = past_quantiles(whole, origin, horizon=5)
    np.testing.assert_allclose(past_quantiles(cut, origin, horizon=5), found, rtol=1e-9)


def test_windows_keep_their_own_scale_where_moves_can_be_forecast():
    random, rows = np.random.default_rng(0), np.arange(1500)
    wave = 50 + 10 * np.sin(2 * np.pi * rows / 7) + random.normal(size=1500)
    assert np.isnan(scale_of(wave)).all()
    assert np.isfinite(scale_of(RANDOM_WALK)[200:]).all()
    assert np.isnan(scale_of(RANDOM_WALK[:100])).all()


def test_values_below_0_are_measured_as_they_are():
    walk = np.cumsum(np.random.default_rng(0).normal(size=1500))
    sizes = np.exp(scale_of(walk)[300:, 0])
    assert np.median(sizes) == pytest.approx(np.sqrt(2 / np.pi), rel=0.1)


def test_labels_of_prices_are_logarithms_over_the_expected_size():
    inputs = inputs_of(RANDOM_WALK)
    blocks = make_blocks(inputs, np.array([500, 900]), lookback=64, horizon=3, labels=2)
    row, step = 901, 3
    size = np.exp(inputs.log_scale[row] @ [1, np.log(3) / np.log(30), (np.log(3) / np.log(30)) ** 2]) * np.sqrt(3)
    moved = np.log(RANDOM_WALK[row + step] / RANDOM_WALK[row]) * inputs.level[row]
    assert blocks.y[1, 1, 2] == pytest.approx(moved / size)
    points = inputs.target[blocks.origin][:, None] * np.array([1.01, 0.9, 1.3])
    np.testing.assert_allclose(blocks.anchor[:, 0] + blocks.denormalise(blocks.normalise(points)), points)
    step = (inputs.target[500] - inputs.target[499]) / np.exp(inputs.log_scale[499, 0])
    assert blocks.x[0, 63, 0] == pytest.approx(step, rel=1e-5)


def test_past_moves_of_a_random_walk_are_normal_in_their_units():
    """A mean size of 1 is a standard deviation of 1.25: 1.64 of them hold 90 %."""
    found = past_quantiles(inputs_of(RANDOM_WALK), np.array([1499]), horizon=10)[0]
    assert (np.diff(found, axis=1) > 0).all()
    assert found[0, -1] - found[0, 0] == pytest.approx(2 * 1.645 * 1.2533, rel=0.1)
    bend = np.abs(np.diff(found[:, -1] - found[:, 0], 2)).max()
    assert bend < 0.02 * (found[0, -1] - found[0, 0])


def test_a_rate_that_stays_keeps_its_quantiles_of_0():
    rate = 5 + np.cumsum(np.where(np.arange(1500) % 45 == 44, 0.25, 0) * np.random.default_rng(0).choice([-1, 1], 1500))
    found = past_quantiles(inputs_of(np.maximum(rate, 0.5)), np.array([1499]), horizon=3)[0]
    assert np.isnan(found).all() or (found[0] == 0).any()


def test_smoothing_leaves_what_is_smooth():
    np.testing.assert_allclose(smooth(simulated_quantiles(30)), simulated_quantiles(30), atol=1e-9)


def test_naive_has_the_quantiles_of_historical_simulation():
    """Those of all logarithmic moves that are known at the origin; the median is the last value."""
    inputs, problem = inputs_of(RANDOM_WALK[:500]), make_problem(ExperimentConfig(horizon=3, lookback=64, season=5))
    naive, origin = MODELS["naive"], np.array([400, 499])
    blocks = naive.blocks(inputs, origin, problem)
    found = naive.predict({"residual_quantiles": np.zeros((3, len(QUANTILES)))}, blocks, problem)
    prices = inputs.level[origin][:, None, None] + blocks.denormalise(found)
    log = np.log(RANDOM_WALK[:500])
    for place, row in enumerate(origin):
        known = (log[67 : row + 1] - log[64 : row - 2])[: row - 66]
        wanted = np.quantile(known, QUANTILES)
        np.testing.assert_allclose(np.log(prices[place, 2] / inputs.level[row])[[0, 1, 5, 6]], wanted[[0, 1, 5, 6]])
    assert (found[:, :, MEDIAN] == 0).all()


def test_garch_is_that_of_arch_and_follows_the_true_volatility():
    from arch import arch_model

    prices, true = garch(2000)
    dataset = prepare(make_series(prices), ExperimentConfig(horizon=5, lookback=64, season=5))
    inputs, problem = with_volatility(dataset, dataset.scaler), make_problem(dataset.config)
    from forecast.data.panel import Panel

    weights = MODELS["garch"].fit(Panel.of([inputs], [dataset.split]), problem, Callbacks()).weights
    moves = np.diff(np.log(prices[: dataset.split.test]))
    params = arch_model(moves / moves.std(), mean="Zero", o=1, dist="t").fit(disp="off").params
    np.testing.assert_allclose(
        weights["parameters"], params[["omega", "alpha[1]", "gamma[1]", "beta[1]"]], rtol=0.2, atol=0.01
    )
    origin = np.arange(1600, 1995)
    blocks = MODELS["garch"].blocks(inputs, origin, problem)
    sizes = (
        np.ptp(blocks.denormalise(MODELS["garch"].predict(weights, blocks, problem)), axis=2)
        / inputs.level[origin][:, None]
    )
    assert np.corrcoef(np.log(sizes[:, 0]), np.log(true[origin]))[0, 1] > 0.95


def test_har_is_least_squares_on_its_own_rows():
    """Against the loop, at the last estimation before the origin."""
    from forecast.models.volatility import har

    prices, _ = garch(600)
    inputs = Inputs(np.log(prices)[:, None], np.zeros((600, 0)))
    scales, moves = har._standardised(inputs, 600, 3)
    size = np.abs(np.diff(np.log(prices), prepend=np.log(prices[0])))
    mean = lambda row, rows: size[max(1, row - rows + 1) : row + 1].mean()  # noqa: E731
    x, y = [], []
    for row in range(22, 597):
        fall = max(-(np.log(prices[row] / prices[row - 1])), 0)
        parts = np.array([mean(row, 22), size[row], mean(row, 5), mean(row, 600), fall]) / mean(row, 22)
        x.append(np.minimum(parts, 22))
        y.append(size[row + 1 : row + 4].mean() / mean(row, 22))
    ratio = np.array(x)[-1] @ np.linalg.lstsq(np.array(x), np.array(y), rcond=None)[0]
    assert scales[596, 2] == pytest.approx(ratio * mean(596, 22) * np.sqrt(3), rel=1e-6)
    assert moves[596, 2] == pytest.approx(np.log(prices[599] / prices[596]) / scales[596, 2])


def test_samples_without_any_value_have_quantiles_of_0():
    nothing = (np.zeros(0, int), np.zeros(0))
    found, count = quantiles_until(np.array([3, 9]), [nothing, nothing])
    assert not found.any()
    assert found.shape == (2, 2, 7)
    assert not count.any()


def test_quantiles_of_growing_samples_are_those_of_numpy():
    values, counts = np.random.default_rng(0).normal(size=300), np.array([0, 1, 2, 2, 65, 300])
    for count, ordered in zip(counts, grow(values, counts), strict=True):
        np.testing.assert_array_equal(ordered, np.sort(values[:count]))
        if count:
            np.testing.assert_allclose(
                quantiles_of_sorted(ordered, QUANTILES), np.quantile(values[:count], QUANTILES), rtol=1e-12
            )


@pytest.mark.parametrize("cells", [1, 5000, 1 << 20])
def test_quantiles_of_samples_that_grow_together_are_those_of_numpy(cells, monkeypatch):
    """However many samples are looked at together; values that occur several times, or never, are among them."""
    monkeypatch.setattr(growing, "CELLS", cells)
    random, rows = np.random.default_rng(0), np.array([0, 1, 1, 2, 64, 65, 128, 298, 340])
    values = np.stack([random.normal(size=300), random.integers(0, 4, 300), np.zeros(300), random.normal(size=300)])
    known = np.stack([np.arange(300), random.permutation(300), np.arange(300) // 2, np.full(300, NEVER)])
    found, count = quantiles_of_growing(rows, known, values)
    for row, quantiles, sizes in zip(rows, found, count, strict=True):
        for place in range(4):
            some = values[place, known[place] <= row]
            wanted = np.quantile(some, QUANTILES) if len(some) else np.zeros(len(QUANTILES))
            np.testing.assert_array_equal(quantiles[place], wanted)
            assert sizes[place] == len(some)


def test_quantiles_of_series_of_several_lengths_are_those_of_numpy():
    random, rows = np.random.default_rng(1), np.array([3, 40, 400])
    moves = [(np.arange(1, 1 + n), random.normal(size=n)) for n in (0, 1, 300, 70)]
    found, count = quantiles_until(rows, moves)
    assert count.tolist() == [[0, 1, 3, 3], [0, 1, 40, 40], [0, 1, 300, 70]]
    np.testing.assert_array_equal(found[2, 3], np.quantile(moves[3][1], QUANTILES))
    np.testing.assert_array_equal(found[1, 2], np.quantile(moves[2][1][:40], QUANTILES))


def test_past_moves_are_those_that_are_known_over_the_size_that_was_expected():
    inputs, last = inputs_of(RANDOM_WALK[:400]), 350
    for step, (rows, moves) in zip((1, 7), past_moves(inputs, (1, 7), last), strict=True):
        logs = {row: np.log(RANDOM_WALK[row] / RANDOM_WALK[row - step]) for row in range(step, last + 1)}
        size = {row: expected_moves(inputs.log_scale[row - step], horizon=step)[-1] for row in logs}
        level = inputs.level
        wanted = {row: level[row - step] * logs[row] / size[row] for row in logs if np.isfinite(size[row])}
        assert rows.tolist() == list(wanted)
        np.testing.assert_allclose(moves, list(wanted.values()), rtol=1e-9)


def test_the_odds_of_a_random_walk_are_those_of_the_densities():
    """Of a normal and of Student's distribution with the mean size that the moves have."""
    moves, counts = np.random.default_rng(3).standard_t(5, 200) * 0.01 + 0.001, np.array([0, 1, 80, 200])
    for count, walk, drift in zip(counts, *random_walk.chances(counts, moves), strict=True):
        some = moves[: max(count, 1)] / np.abs(moves[: max(count, 1)]).mean()
        normal = stats.norm(0, np.sqrt((some**2).mean())).logpdf(some).sum()
        student = stats.t(5, 0, 1 / random_walk.MEAN_SIZE).logpdf(some).sum()
        of_drift = 0.5 * len(some) * some.mean() ** 2 / (some**2).mean() - 0.5 * np.log(len(some))
        assert walk == pytest.approx(1 / (1 + np.exp(-np.clip(normal - student, -50, 50))), rel=1e-6)
        assert drift == pytest.approx(1 / (1 + np.exp(-np.clip(of_drift, -50, 50))), rel=1e-6)


def test_the_derivatives_of_the_expected_size_are_those_of_finite_differences():
    random, steps = np.random.default_rng(0), np.array(size_model.FIT_STEPS)
    x, sizes = random.normal(size=(40, 3)), random.exponential(size=(40, len(steps)))
    sizes[35:, 4:] = np.nan
    coefficients, terms = 0.1 * random.normal(size=(3, 3)), step_terms(30)[steps - 1]

    def loss(b):
        eta = x @ (terms @ b.reshape(3, 3)).T
        return np.nansum(steps**-0.5 * np.where(np.isnan(sizes), np.nan, sizes * np.exp(-eta) + eta))

    gradient, hessian = size_model.derivatives(sizes, x, coefficients)
    by_difference = approx_fprime(coefficients.ravel(), loss, 1e-6)
    np.testing.assert_allclose(gradient, by_difference, rtol=1e-3, atol=1e-3)
    direction = 1e-5 * random.normal(size=9)
    moved, _ = size_model.derivatives(np.minimum(sizes, 4), x, coefficients + direction.reshape(3, 3))
    still, hessian = size_model.derivatives(np.minimum(sizes, 4), x, coefficients)
    np.testing.assert_allclose(moved - still, hessian @ direction, rtol=0.05, atol=2e-5)


@pytest.mark.parametrize("name", ["garch", "har", "naive"])
def test_models_that_learn_nothing_expect_no_moves(name, monkeypatch):
    """So a thousand series are forecast in seconds: what is expected takes most of the time."""
    model = train(make_series(RANDOM_WALK[:400]), name, ExperimentConfig(horizon=5, lookback=64, season=5))
    monkeypatch.setattr("forecast.models.volatility.expected.log_scale", None)
    found = model.predict(make_series(RANDOM_WALK[:500], name="another"))
    assert (np.diff(found.quantiles, axis=1) > 0).all()


def test_ranges_are_read_from_open_high_and_low_and_belong_to_the_close():
    dates = pd.bdate_range("2020-01-01", periods=60)
    close = 100 + np.random.default_rng(0).normal(size=60).cumsum().round(2)
    frame = pd.DataFrame({"Open": close - 1, "High": close + 2, "Low": close - 3, "Close": close}, index=dates)
    frame.loc[dates[5], "High"] = 50.0
    series = load(frame)
    assert series.columns == ("Close",)
    high_low, close_open = (close + 2) / (close - 3), close / (close - 1)
    np.testing.assert_allclose(series.ranges[7], np.log([high_low[7], close_open[7]]))
    assert np.isnan(series.ranges[5]).all()
    assert series[:10].ranges.shape == (10, 2)
    assert not len(load(frame, target="Open").ranges)
    assert not len(load(frame[["Close"]]).ranges)


def test_inputs_without_volatility_are_measured_by_windows():
    inputs = make_inputs(RANDOM_WALK[:100])
    blocks = make_blocks(inputs, np.array([70]), lookback=10, horizon=2)
    spread = np.abs(np.diff(RANDOM_WALK[60:71])).mean()
    np.testing.assert_allclose(blocks.scale[0, 0], spread * np.sqrt([1, 2]))


def test_a_series_that_returns_to_its_mean_keeps_its_own_scale():
    """Moves of a temperature over twenty days vary as little as those over two; a walk of the same shocks is a walk."""
    shocks = np.random.default_rng(0).normal(0, 1, 1500)
    reverting = np.zeros(1500)
    for row in range(1, 1500):
        reverting[row] = 0.7 * reverting[row - 1] + shocks[row]
    walk = np.cumsum(shocks)
    mean, none = 300 - walk.min(), np.zeros(0)
    assert np.isnan(log_scale(300 + reverting, none, lookback=64, season=7)[600:]).all()
    assert np.isfinite(log_scale(mean + walk, none, lookback=64, season=7)[600:]).mean() > 0.9


def test_the_moves_of_a_random_walk_are_told_from_those_of_a_price():
    random = np.random.default_rng(0)
    normal, fat, prices = random.standard_normal(800), random.standard_t(4, 800), np.diff(np.log(garch()[0]))[:800]
    for moves, walk in ((normal, 1), (fat, 0), (prices, 0), (normal + 0.3, 1), (random.uniform(-1, 1, 800), 1)):
        chance, _ = random_walk.chances(np.array([800]), moves)
        assert chance[0] == pytest.approx(walk, abs=0.01)
    _, drift = random_walk.chances(np.array([10, 800]), normal + 0.3)
    assert drift[1] > 0.99
    assert random_walk.chances(np.array([800]), normal)[1][0] < 0.1


def test_the_odds_of_a_random_walk_are_those_of_the_densities_of_scipy():
    moves = np.random.default_rng(1).standard_t(6, 40)
    size = np.abs(moves).mean()
    scale = size / stats.t(random_walk.FREEDOM).expect(np.abs)
    fat = stats.t(random_walk.FREEDOM, scale=scale).logpdf(moves).sum()
    normal = stats.norm(scale=np.sqrt((moves**2).mean())).logpdf(moves).sum()
    found = random_walk.chances(np.array([40]), moves)[0][0]
    assert np.log(found / (1 - found)) == pytest.approx(normal - fat, abs=0.02)


def test_the_size_and_the_quantiles_of_a_random_walk_are_its_own():
    inputs = inputs_of(RANDOM_WALK)
    size = expected_moves(inputs.log_scale[-1], horizon=30) / inputs.level[-1]
    np.testing.assert_allclose(size, 0.01 * np.sqrt(2 / np.pi) * np.sqrt(np.arange(1, 31)), rtol=0.05)
    quantiles = past_quantiles(inputs, np.array([len(RANDOM_WALK) - 1]), horizon=30)[0]
    np.testing.assert_allclose(quantiles, stats.norm.ppf(QUANTILES) * np.sqrt(np.pi / 2) * np.ones((30, 1)), atol=0.2)
    assert np.abs(quantiles[:, MEDIAN]).max() < 0.03


def test_values_above_0_for_fewer_rows_than_a_window_are_measured_like_others():
    y = np.random.default_rng(0).standard_normal(700).cumsum() + 8
    y[:200] = np.abs(y[:200]) + 1
    y[200] = -1
    assert np.isfinite(log_scale(y, np.zeros(0), lookback=336, season=24)[-1, 0])


def test_the_odds_of_moves_of_values_are_those_of_the_densities_of_scipy():
    y = 100 + np.random.default_rng(2).standard_normal(61).cumsum()
    found = random_walk.chances_of_values(np.array([60]), y)

    def likelihoods(moves):
        scale = np.abs(moves).mean() / stats.t(random_walk.FREEDOM).expect(np.abs)
        fat = stats.t(random_walk.FREEDOM, scale=scale).logpdf(moves).sum()
        return np.array([stats.norm(scale=np.sqrt((moves**2).mean())).logpdf(moves).sum(), fat])

    both = np.stack([likelihoods(np.diff(np.log(y))) - np.log(y[1:]).sum(), likelihoods(np.diff(y))])
    shares = np.exp(both - both.max())
    np.testing.assert_allclose(np.ravel(found), shares[:, 0] / shares.sum(), rtol=0.02)


def test_a_walk_of_values_is_expected_to_move_by_one_size_wherever_it_is():
    """From 100 with moves of 1, it comes to 130 or to 40, where a price would move by 1.3 or 0.4."""
    walk = 100 + np.random.default_rng(7).standard_normal(1500).cumsum()
    size = np.exp(scale_of(walk)[500:, 0])
    np.testing.assert_allclose(size, np.sqrt(2 / np.pi), rtol=0.1)
    assert walk[500:].max() > 1.3 * walk[500:].min()
    share = np.exp(scale_of(RANDOM_WALK)[500:, 0]) / RANDOM_WALK[500:]
    np.testing.assert_allclose(share, 0.01 * np.sqrt(2 / np.pi), rtol=0.06)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("naive", {"residual_quantiles": np.zeros((3, len(QUANTILES)))}),
        ("drift", {"residual_quantiles": np.zeros((3, len(QUANTILES)))}),
        ("har", {"quantiles": np.zeros((3, len(QUANTILES)))}),
        ("garch", {"parameters": np.array([0.02, 0.04, 0.06, 0.91])}),
    ],
)
def test_after_a_value_below_0_all_of_the_past_moves_by_values(name, weights):
    """As if all were below 0: moves of logarithms would be a hundredth of the others among which they stood."""
    prices, origin = garch(700)[0], np.array([500, 699])
    prices[450] = -5
    problem = make_problem(ExperimentConfig(horizon=3, lookback=64, season=5))
    found = []
    for shift in (0, 10_000):
        inputs = inputs_of(prices - shift)
        blocks = MODELS[name].blocks(inputs, origin, problem)
        quantiles = blocks.denormalise(MODELS[name].predict(weights, blocks, problem))
        found.append(quantiles - blocks.anchor[:, :, :, None][:, 0])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6, atol=1e-9)
    assert np.ptp(found[0][:, 0], axis=-1).min() > 0
