"""Forecasts that others made: every form of table gives the same scores, which are those of a run."""

import json

import numpy as np
import pandas as pd
import pytest
from commands import run_command
from conftest import SMALL, make_series, random_walk
from scipy.stats import norm

import forecast
from forecast.config import LEVELS, QUANTILES
from forecast.errors import SeriesError, SourceError
from forecast.evaluation.given_backtests import naive_quantiles
from forecast.evaluation.given_forecasts import read_forecasts
from forecast.pipeline import run


@pytest.fixture(scope="module")
def made(walk):
    """One forecast of three steps from each of 60 origins: 7 normal quantiles around the truth and noise."""
    rng = np.random.default_rng(3)
    origin = np.repeat(np.arange(130, 190), 3)
    step = np.tile([1, 2, 3], 60)
    middle = walk.y[origin + step] + rng.normal(scale=0.5, size=180)
    quantiles = middle[:, None] + norm.ppf(QUANTILES)
    dates = {"ds": walk.index[origin + step], "cutoff": walk.index[origin]}
    return pd.DataFrame(dates), pd.DataFrame(quantiles, columns=LEVELS)


FORMS = {
    "this package": lambda level: f"q{100 * level:02.0f}",
    "chronos": lambda level: f"{level:g}",
    "statsforecast": lambda level: (
        "net" if level == 0.5 else f"net-{'lo' if level < 0.5 else 'hi'}-{100 * abs(1 - 2 * level):g}"
    ),
    "neuralforecast": lambda level: "net-median" if level == 0.5 else f"net_ql{level:g}",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_quantiles_is_read(made, form):
    fixed, quantiles = made
    table = fixed.join(quantiles.set_axis([FORMS[form](level) for level in QUANTILES], axis=1))
    found = read_forecasts(table, name="net")
    assert set(found["model"]) == {"net"}
    np.testing.assert_allclose(found[list(LEVELS)], quantiles, rtol=1e-12)


def test_an_index_of_dates_or_names_is_a_column(made):
    fixed, quantiles = made
    table = fixed[["ds"]].assign(unique_id="made", net=quantiles["q50"])
    expected = read_forecasts(table)
    for indexed in (
        table.set_index("unique_id"),
        table.set_index("ds").rename_axis(None),
        table.set_axis([0] * 180),
        table.set_axis(table["ds"]),
    ):
        pd.testing.assert_frame_equal(read_forecasts(indexed), expected)


def test_levels_between_and_beyond_those_given_are_normal():
    """Prophet gives an 80 % interval; of a normal distribution the 90 % one follows."""
    table = pd.DataFrame({"ds": ["2020-01-01"], "yhat": [5.0], "yhat_lower": [5 + norm.ppf(0.1)]})
    table["yhat_upper"] = 5 + norm.ppf(0.9)
    found = read_forecasts(table)
    assert found["model"].tolist() == ["yhat"]
    np.testing.assert_allclose(found[list(LEVELS)].to_numpy()[0], 5 + norm.ppf(QUANTILES), rtol=1e-12)


@pytest.mark.usefixtures("jobs_here")
def test_the_scores_of_a_run_s_own_backtest_are_those_of_the_run(walk, tmp_path):
    result = run(walk, models=["linear"], config=SMALL, out=tmp_path / "run")
    judged = forecast.score([walk], tmp_path / "run" / "backtest.csv").series["made"]
    assert judged.series is walk
    expected = {row.model: row for row in result.scores}
    found = {row.model.removesuffix(" (given)"): row for row in judged.scores if row.model not in ("naive",)}
    for model in ("linear", "naive", "drift"):
        assert found[model].mae == pytest.approx(expected[model].mae)
        assert found[model].coverage90 == pytest.approx(expected[model].coverage90)
        assert found[model].mae_vs_naive == pytest.approx(expected[model].mae_vs_naive)


def test_a_forecast_that_knows_the_future_is_better_and_one_that_copies_repeats(walk, made):
    fixed, quantiles = made
    origin = walk.index.get_indexer(fixed["cutoff"])
    rng = np.random.default_rng(0)
    table = fixed.assign(seer=quantiles["q50"], copy=walk.y[origin] + 0.01 * rng.normal(size=180))
    judged = forecast.score([walk], table).series["made"]
    outcomes = {verdict.model: verdict.outcome for verdict in judged.verdicts}
    assert outcomes == {"seer": "better", "copy": "not distinguishable", "naive": "baseline"}
    assert judged.bottom_line.startswith("Use seer")
    copies = {verdict.model: verdict.lag.copies for verdict in judged.verdicts}
    assert copies["copy"]
    assert not copies["seer"]
    by_model = {row.model: row for row in judged.scores}
    assert np.isnan([by_model["seer"].coverage90, by_model["seer"].crps_vs_naive]).all()
    assert by_model["naive"].crps_vs_naive == 1
    assert judged.calibration.keys() == {"naive"}


def test_without_cutoffs_all_are_made_at_once_or_step_rows_before(walk):
    table = pd.DataFrame({"ds": walk.index[150:180], "flat": walk.y[149]})
    at_once = forecast.score([walk], table)
    assert len(at_once.series["made"].backtests["flat"].origin) == 1
    assert at_once.series["made"].scores[0].mae_vs_naive == 1  # the value of the row before the first date
    assert "give --step 1" in at_once.notes[0]
    assert "forecasts from" in at_once.bottom_line or at_once.bottom_line.startswith("Nothing here")
    rolling = forecast.score([walk], table.assign(flat=walk.y[148:178]), step=2)
    tested = rolling.series["made"].backtests["flat"]
    np.testing.assert_array_equal(tested.origin, np.arange(148, 178))
    assert rolling.series["made"].scores[0].mae_vs_naive == 1


def test_models_are_scored_on_the_dates_that_all_of_them_forecast(walk):
    table = pd.DataFrame({"ds": walk.index[150:180], "a": walk.y[150:180] + 1, "b": walk.y[150:180] + 2})
    table.loc[10:, "b"] = np.nan
    judged = forecast.score([walk], table, step=1).series["made"]
    assert len(judged.backtests["a"].origin) == 10
    assert [row.mae for row in judged.scores[:2]] == pytest.approx([1, 2])


def test_missing_values_of_the_series_are_not_scored():
    values = random_walk()
    values[155:160] = np.nan
    series = make_series(values)
    table = pd.DataFrame({"ds": series.index[150:180], "a": np.nan_to_num(values[150:180]) + 1})
    judged = forecast.score([series], table, step=1).series["made"]
    assert judged.scores[0].mae == pytest.approx(1)
    assert len(judged.backtests["a"].origin) == 25


def test_many_series_are_summed_up():
    several = [make_series(random_walk(seed=seed), f"s{seed}") for seed in (1, 2, 3)]
    parts = [
        pd.DataFrame({"unique_id": one.name, "ds": one.index[120:190], "seer": one.y[120:190] + 0.1}) for one in several
    ]
    judged = forecast.score(several, pd.concat([*parts, parts[0].assign(unique_id="other")]), step=1)
    assert judged.errors == {"other": "there are no actual values of it"}
    frame = judged.to_frame("models").set_index("model")
    assert frame.loc["seer", "found_better"] == 3
    assert judged.bottom_line.startswith("Use seer: it is better than naive beyond luck on 3 of 3 series")


def test_naive_s_quantiles_are_those_of_known_errors():
    y = np.concatenate([np.exp(np.cumsum(np.random.default_rng(0).normal(size=400))), [np.nan]])
    found = naive_quantiles(y, np.array([300]), 2)
    moves = np.log(y[2:301]) - np.log(y[:299])
    np.testing.assert_allclose(found[0, 1, [0, 6]], y[300] * np.exp(np.quantile(moves, [0.05, 0.95])))
    assert found[0, 1, 3] == y[300]
    assert np.isnan(naive_quantiles(y, np.array([15]), 2)[0, :, 0]).all()


@pytest.mark.parametrize(
    ("table", "error", "said"),
    [
        (pd.DataFrame({"when": [1], "a": [2]}), SourceError, "forecasts have a column of dates: ds"),
        (pd.DataFrame({"ds": ["2001-05-01"], "y": [2]}), SourceError, "forecasts have a column a model"),
        (pd.DataFrame({"ds": ["2031-05-01"], "a": [2]}), SeriesError, "Give the series with its past"),
        (pd.DataFrame({"ds": ["2001-01-01"], "a": [2]}), SeriesError, "a row of the series before it"),
    ],
)
def test_a_table_that_cannot_be_scored_is_refused(walk, table, error, said):
    with pytest.raises(error, match=said):
        forecast.score([walk], table)


def call(folder, *arguments):
    return run_command(*arguments, folder=folder)


@pytest.mark.slow
def test_forecasts_are_judged_at_the_terminal(walk, made, tmp_path):
    pd.DataFrame({"ds": walk.index, "y": walk.y}).to_csv(tmp_path / "actual.csv", index=False)
    fixed, quantiles = made
    table = fixed.assign(unique_id="actual").join(quantiles)
    table.to_csv(tmp_path / "made.csv", index=False)
    done = call(tmp_path, "judge", "made.csv", "actual.csv", "--name", "seer", "--unit", "USD")
    assert done.returncode == 0, done.stderr
    assert "actual: 180 dates from 60 origins" in done.stdout
    assert "* seer" in done.stdout
    assert "Share of truths at or below each quantile" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Use seer: its error is")
    table[["unique_id", "ds", "cutoff"]].assign(a=1.0).to_csv(tmp_path / "points.csv", index=False)
    pd.concat([pd.read_csv(tmp_path / "points.csv"), pd.DataFrame({"unique_id": ["b"], "ds": ["2001-05-01"]})]).to_csv(
        tmp_path / "points.csv", index=False
    )
    other = call(tmp_path, "judge", "points.csv", "actual.csv", "--json")
    assert other.returncode == 1
    record = json.loads(other.stdout)
    assert record["errors"] == {"b": "there are no actual values of it"}
    assert record["series"]["actual"]["scores"][0]["coverage90"] is None


def test_a_file_that_is_no_table_is_refused_in_one_line(tmp_path):
    (tmp_path / "letter.csv").write_text("dear,reader\n1,2\n1,2,3,4\n")
    with pytest.raises(SourceError, match="with a row a date") as caught:
        forecast.score(make_series(random_walk(50)), tmp_path / "letter.csv")
    assert "\n" not in str(caught.value)
    assert not str(caught.value).endswith("..")


def test_a_column_and_a_forecast_are_judged_as_their_frames(walk):
    copied = pd.Series(walk.y, walk.index).shift(1).iloc[-100:]
    by_frame = forecast.score(walk, copied.to_frame("mine"), step=1).to_frame()
    pd.testing.assert_frame_equal(forecast.score(walk, copied, step=1, name="mine").to_frame(), by_frame)
    made = forecast.predict(walk[:-20], horizon=20)
    pd.testing.assert_frame_equal(
        forecast.score(walk, made).to_frame(), forecast.score(walk, made.to_frame()).to_frame()
    )
