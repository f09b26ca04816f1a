"""Joint paths: their steps have the quantiles, and they move as the truth does."""

import json

import numpy as np
import pytest
from commands import run_command
from scipy.stats import norm

from forecast.config import QUANTILES
from forecast.errors import ConfigError
from forecast.inference.bundle import save_model
from forecast.inference.paths import describe, drawdowns, sample_paths, share_above, share_touching

LEVELS = np.array(QUANTILES)
# A random walk of unit steps.
WALK = 100 + np.sqrt(np.arange(1, 31))[:, None] * norm.ppf(LEVELS)


def test_steps_have_the_quantiles_of_the_forecast():
    skewed = 100 * np.exp(np.sqrt(np.arange(1, 31))[:, None] * np.array([-0.03, -0.02, -0.01, 0, 0.008, 0.015, 0.02]))
    paths = sample_paths(skewed, QUANTILES, count=20_000)
    np.testing.assert_allclose(np.quantile(paths, LEVELS, axis=0).T, skewed, rtol=0.005)
    assert (paths > 0).all()


def test_paths_of_a_random_walk_move_and_fall_as_it_does():
    """Size of one step, mean worst fall, and the reflection principle: touching is twice as likely as ending beyond."""
    paths = sample_paths(WALK, QUANTILES, count=20_000)
    truth = 100 + np.cumsum(np.random.default_rng(1).normal(size=(20_000, 30)), axis=1)
    assert np.diff(paths, axis=1).std() == pytest.approx(1, rel=0.05)
    assert drawdowns(paths, 100).mean() == pytest.approx(drawdowns(truth, 100).mean(), rel=0.05)
    assert share_touching(paths, 106, 100)[-1] == pytest.approx(share_touching(truth, 106, 100)[-1], rel=0.06)
    assert share_above(paths, 106)[-1] == pytest.approx(norm.sf(6 / np.sqrt(30)), rel=0.06)


@pytest.mark.parametrize(("begin", "tolerance"), [(1.0, 0.05), (0.4, 0.05), (2.5, 0.05)])
def test_paths_of_garch_move_and_fall_as_it_does(begin, tolerance):
    """From the usual variance, a calm and a wild one: the quantiles are those of the truth, the paths are drawn."""
    random, count = np.random.default_rng(2), 40_000
    variance, truth = np.full(count, begin), np.empty((count, 30))
    for step in range(30):
        truth[:, step] = np.sqrt(variance) * random.normal(size=count)
        variance = 0.02 + 0.1 * truth[:, step] ** 2 + 0.88 * variance
    truth = 100 * np.exp(0.01 * np.cumsum(truth, axis=1))
    paths = sample_paths(np.quantile(truth, LEVELS, axis=0).T, QUANTILES, count=20_000)
    whole = [np.log(np.column_stack([np.full(len(one), 100.0), one])) for one in (paths, truth)]
    ours, theirs = (np.diff(one, axis=1).std() for one in whole)
    assert ours == pytest.approx(theirs, rel=tolerance)
    assert drawdowns(paths, 100).mean() == pytest.approx(drawdowns(truth, 100).mean(), rel=tolerance)


def test_the_seed_decides_and_no_path_is_refused():
    np.testing.assert_array_equal(sample_paths(WALK, QUANTILES, count=5), sample_paths(WALK, QUANTILES, count=5))
    assert (sample_paths(WALK, QUANTILES, count=5, seed=1) != sample_paths(WALK, QUANTILES, count=5)).any()
    with pytest.raises(ConfigError, match="at least 1"):
        sample_paths(WALK, QUANTILES, count=0)


def test_shares_and_falls_by_hand():
    paths = np.array([[1.0, 3.0, 2.0], [2.0, 1.0, 4.0]])
    assert share_above(paths, 2.5).tolist() == [0, 0.5, 0.5]
    assert share_touching(paths, 3.0, 2.0).tolist() == [0, 0.5, 1]
    assert share_touching(paths, 1.0, 2.0).tolist() == [0.5, 1, 1]
    assert drawdowns(paths, 2.0).tolist() == [1, 1]
    assert describe(paths, 2.0, above=2.5, below=2.5, touch=3.0)["touch"] == 1


def test_a_model_draws_paths_and_the_command_says_how_likely_levels_are(trained, walk, tmp_path):
    paths = trained("naive").paths(walk, 4000, seed=2)
    forecast = trained("naive").predict(walk)
    np.testing.assert_allclose(np.quantile(paths, LEVELS, axis=0).T, forecast.quantiles, rtol=0.01)
    folder, file = save_model(trained("naive"), tmp_path / "naive"), tmp_path / "made.csv"
    file.write_text(
        "Date,Close\n" + "\n".join(f"{day:%Y-%m-%d},{y}" for day, y in zip(walk.index, walk.y, strict=True))
    )
    level = str(round(float(walk.y[-1]), 2))
    options = ["--model", str(folder), "--touch", level, "--above", level, "--json"]
    record = json.loads(run_command("predict", file, *options).stdout)
    assert record["chances"]["above"] == pytest.approx(0.5, abs=0.1)
    assert record["chances"]["touch"] == pytest.approx(11 / 16, abs=0.05)  # of a walk of three steps
