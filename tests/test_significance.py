import numpy as np
import pytest
from scipy.stats import norm

from forecast.config import QUANTILES
from forecast.metrics.significance import (
    clark_west,
    confidence_set,
    diebold_mariano,
    discoveries,
    holm,
    quantile_skill,
    rank,
)


def overlapping(random, rows, horizon):
    """Noise in which neighbours share all but one of `horizon` parts, as forecasts of so many steps do."""
    return np.convolve(random.normal(size=rows + horizon - 1), np.ones(horizon), "valid")


@pytest.mark.parametrize(("rows", "horizon"), [(400, 1), (600, 10), (1000, 30)])
def test_luck_is_called_skill_as_rarely_as_it_says(rows, horizon):
    """At 5 %, some 5 % of 600 samples without gain; three standard errors more are 7.7 %."""
    random = np.random.default_rng(0)
    called = [diebold_mariano(overlapping(random, rows, horizon), horizon=horizon) < 0.05 for _ in range(600)]
    assert 0.01 < np.mean(called) < 0.077


def test_one_step_gains_agree_with_student_s_t():
    """Without overlap the test is nearly that of the mean; scipy's t-test is the oracle."""
    from scipy.stats import ttest_1samp

    random = np.random.default_rng(1)
    ours, theirs = zip(
        *((diebold_mariano(gain, horizon=1), ttest_1samp(gain, 0).pvalue) for gain in random.normal(0.1, 1, (50, 400))),
        strict=True,
    )
    assert np.corrcoef(np.log(ours), np.log(theirs))[0, 1] > 0.9
    assert np.median(np.abs(np.array(ours) - np.array(theirs))) < 0.05


def test_the_statistic_by_hand():
    """Eight gains, two frequencies: variance by plain sums, the factor of Harvey and others, Student's t with 2."""
    from scipy.stats import t

    gain = np.array([1.0, 2.0, 0.5, 1.5, 3.0, 1.0, 0.0, 2.0])
    transforms = [
        np.sqrt(2 / 8) * sum(gain[row] * np.cos(np.pi * wave * (row + 0.5) / 8) for row in range(8)) for wave in (1,)
    ]
    assert np.isnan(diebold_mariano(gain, horizon=1))  # 0.4 * 8^(2/3) = 1.6: one frequency is too few
    gain = np.tile(gain, 2)
    transforms = [
        np.sqrt(2 / 16) * sum(gain[row] * np.cos(np.pi * wave * (row + 0.5) / 16) for row in range(16))
        for wave in (1, 2)
    ]
    variance = (transforms[0] ** 2 + transforms[1] ** 2) / 2
    factor = (16 + 1 - 2 * 2 + 2 * 1 / 16) / 16
    statistic = gain.mean() * np.sqrt(16 * factor / variance)
    assert diebold_mariano(gain, horizon=2) == pytest.approx(2 * t.sf(statistic, 2))


def test_skill_is_seen_and_no_gain_is_none():
    assert diebold_mariano(0.5 + np.random.default_rng(0).normal(size=600), horizon=5) < 0.001
    assert diebold_mariano(np.zeros(100), horizon=1) == 1
    assert diebold_mariano(np.ones(100), horizon=1) == 0
    assert np.isnan(diebold_mariano(np.ones(20), horizon=10))


def test_moves_that_know_something_are_seen_though_their_error_is_no_smaller():
    """Forecasts that carry as much noise as knowledge err no less than naive, and know something all the same."""
    random = np.random.default_rng(2)
    moves = random.normal(size=(800, 1))
    forecast = 0.2 * moves + 0.8 * random.normal(size=(800, 1))
    gain = (np.abs(moves) - np.abs(moves - forecast))[:, 0]
    assert gain.mean() < 0.01
    assert clark_west(moves, forecast) < 0.001
    assert clark_west(moves, -forecast) > 0.999


@pytest.mark.parametrize("horizon", [1, 10])
def test_moves_that_know_nothing_are_called_skill_as_rarely_as_it_says(horizon):
    random, called = np.random.default_rng(3), 0
    for _ in range(500):
        walk = np.cumsum(random.standard_t(5, size=400 + horizon))
        moves = np.stack([walk[step : 400 + step] - walk[:400] for step in range(1, horizon + 1)], axis=1)
        forecast = 0.2 * overlapping(random, 400, 5)[:, None] * np.sqrt(np.arange(1, horizon + 1))
        called += clark_west(moves, forecast) < 0.05
    assert called / 500 < 0.08


def spread(random, rows, horizon, *, alpha, beta):
    """Moves over 1 to H steps of a GARCH path of variance 1, and quantiles that know its variance, and that do not.

    Those that know smooth past squared moves, so that without GARCH (alpha = 0) they are noise.
    """
    variance, shocks, known = 1.0, np.empty(rows + 2 * horizon), np.empty(rows + 2 * horizon)
    for row in range(len(shocks)):
        shocks[row] = np.sqrt(variance) * random.standard_normal()
        variance = 1 - alpha - beta + alpha * shocks[row] ** 2 + beta * variance
        known[row] = variance
    if not alpha:
        known = np.convolve(shocks**2, np.ones(20) / 20)[: len(shocks)]
    path, origin = np.cumsum(shocks), np.arange(horizon, rows + horizon)
    steps = np.arange(1, horizon + 1)
    moves = path[origin[:, None] + steps] - path[origin, None]
    usual = np.sqrt(steps)[None, :, None] * norm.ppf(QUANTILES) + np.zeros((rows, 1, 1))
    kept = 1 + (known[origin, None] - 1) * (alpha + beta if alpha else 1) ** (steps / 2)
    return moves, usual * np.sqrt(kept)[..., None], usual


@pytest.mark.parametrize("horizon", [1, 10])
def test_quantiles_that_know_nothing_are_called_better_as_rarely_as_it_says(horizon):
    random = np.random.default_rng(4)
    paths = (spread(random, 400, horizon, alpha=0.0, beta=0.0) for _ in range(300))
    called = [quantile_skill(y, knows, usual, levels=QUANTILES) < 0.05 for y, knows, usual in paths]
    assert np.mean(called) < 0.08


@pytest.mark.parametrize(("horizon", "least", "by_diebold_mariano"), [(1, 0.9, 0.85), (30, 0.9, 0.3)])
def test_quantiles_that_know_the_volatility_are_found(horizon, least, by_diebold_mariano):
    """In 400 test rows, those of 2,000; the test of Diebold and Mariano on the CRPS finds fewer."""
    random, levels = np.random.default_rng(5), np.array(QUANTILES)
    found, by_crps = [], []
    for _ in range(60):
        y, knows, usual = spread(random, 400, horizon, alpha=0.1, beta=0.88)
        found.append(quantile_skill(y, knows, usual, levels=QUANTILES) < 0.05)
        errors = (y[..., None] - quantiles for quantiles in (usual, knows))
        before, after = (np.maximum(levels * error, (levels - 1) * error).mean(axis=(1, 2)) for error in errors)
        by_crps.append(diebold_mariano(before - after, horizon=horizon) < 0.05)
    assert np.mean(found) >= least
    assert np.mean(by_crps) < by_diebold_mariano


def test_quantile_skill_by_hand():
    """Truths below the 5 % quantile of the reference: lower quantiles save 0.95 of the way, higher ones lose it."""
    reference = np.broadcast_to(np.array(QUANTILES), (60, 1, 7))
    y = np.full((60, 1), -1.0) + 1e-3 * np.arange(60)[:, None] % 7
    assert quantile_skill(y, reference - 0.1 - 0.01 * y[..., None], reference, levels=QUANTILES) < 0.001
    assert quantile_skill(y, reference + 0.1 + 0.01 * y[..., None], reference, levels=QUANTILES) > 0.999
    assert np.isnan(quantile_skill(y[:3], reference[:3], reference[:3], levels=QUANTILES))


def test_holm_by_hand():
    """0.01 of four counts fourfold, 0.02 threefold, 0.03 twofold, and none below the one before it."""
    found = holm([0.03, 0.01, float("nan"), 0.02, 0.9])
    assert found[:2] == pytest.approx([0.06, 0.04])
    assert np.isnan(found[2])
    assert found[3:] == pytest.approx([0.06, 0.9])
    assert holm([0.6, 0.5]) == [1.0, 1.0]


def test_discoveries_by_hand():
    """Of four, sorted: 0.01 < 1/4 of 5 %, 0.02 < 2/4, 0.2 not; NaN never counts."""
    assert discoveries(np.array([0.2, 0.01, np.nan, 0.02, 0.9])).tolist() == [False, True, False, True, False]
    assert not discoveries(np.array([np.nan])).any()


def test_the_confidence_set_keeps_the_best_and_drops_the_bad():
    random = np.random.default_rng(4)
    losses = np.abs(random.normal(size=(500, 3)))
    losses[:, 2] += 0.5
    p_values = confidence_set(losses, horizon=5)
    assert (p_values[:2] >= 0.1).all()
    assert p_values[2] < 0.1
    np.testing.assert_array_equal(p_values, confidence_set(losses, horizon=5))


def test_models_that_are_alike_stand_or_fall_together():
    losses = np.repeat(np.abs(np.random.default_rng(6).normal(size=(200, 1))), 3, axis=1)
    losses[:, 2] += 1 + np.random.default_rng(7).normal(size=200) / 10
    p_values = confidence_set(losses, horizon=2)
    assert p_values[0] == p_values[1] == 1
    assert p_values[2] < 0.1
    assert confidence_set(np.ones((50, 2)), horizon=1).tolist() == [1, 1]


def test_ranks_agree_with_scipy_s_friedman_test():
    from scipy.stats import friedmanchisquare

    table = np.random.default_rng(5).normal((0, 0.2, 0.4, 1.5), size=(12, 4))
    table[3] = [1, 1, 2, 3]  # a tie
    found = rank({name: table[:, place] for place, name in enumerate("abcd")})
    assert found.p_value == pytest.approx(friedmanchisquare(*table.T).pvalue)
    assert found.ranks["a"] < found.ranks["d"]
    assert sum(found.ranks.values()) == pytest.approx(10)
    # Demsar (2006), table 5: q of 4 models at 5 % is 2.569
    assert found.critical_difference == pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 12)), abs=1e-3)
