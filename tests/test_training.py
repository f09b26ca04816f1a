import resource
from dataclasses import replace

import numpy as np
import pytest
from conftest import SMALL, make_series, random_walk

from forecast.config import override
from forecast.data.series import TimeSeries
from forecast.errors import ConfigError, ModelError, SeriesTooShort
from forecast.evaluation.scores import complete
from forecast.training.train import train


def test_equal_seeds_give_equal_forecasts_whatever_was_trained_before(walk):
    first = train(walk, "lstm", SMALL).predict(walk)
    train(walk, "gru", SMALL)
    again = train(walk, "lstm", SMALL).predict(walk)
    other = train(walk, "lstm", override(SMALL, {"seed": 1, "max_steps": 20})).predict(walk)
    np.testing.assert_array_equal(first.quantiles, again.quantiles)
    assert (other.quantiles != first.quantiles).any()


def test_a_forecast_is_dated_named_and_in_the_series_unit(trained, walk):
    forecast = trained("naive").predict(walk)
    assert forecast.unit == "USD"
    assert forecast.origin == "2001-10-05"
    assert forecast.dates == ("2001-10-08", "2001-10-09", "2001-10-10")
    assert forecast.median.tolist() == [walk.y[-1]] * 3


def test_the_unit_of_a_new_series_does_not_matter(trained, walk):
    """Nor does its level matter much where windows keep their own scale; moves of prices are those of logarithms, as
    errors of the naive forecast may be.
    """
    model = trained("lstm")
    other = replace(walk, name="another", values=100 * walk.values)
    same = replace(walk, name="the same")
    np.testing.assert_allclose(model.predict(other).quantiles, 100 * model.predict(same).quantiles, rtol=1e-5)
    short = same[:120]
    raised = replace(short, values=short.values + 5000)
    quantiles = model.predict(short).quantiles
    np.testing.assert_allclose(model.predict(raised).quantiles, quantiles + 5000, atol=np.ptp(quantiles) / 20, rtol=0)


def test_several_columns_go_through_the_network():
    values = np.column_stack([random_walk(), random_walk(seed=2)])
    series = TimeSeries("two", make_series(values[:, 0]).index, values, ("Close", "Volume"), "Close")
    model = train(series, "gru", override(SMALL, {"features": ("Volume",)}))
    assert model.weights["gru_1/kernel"].shape == (2, 12)
    assert model.predict(series).quantiles.shape == (3, 7)
    with pytest.raises(ModelError, match="lacks Volume"):
        model.predict(make_series(values[:, 0]))


def test_too_short_a_series_for_a_saved_model_says_how_many_rows_are_missing(trained):
    with pytest.raises(SeriesTooShort, match=r"at least 9 rows \(lookback=8\). Received: 6, 3 too few"):
        trained("lstm").predict(make_series(random_walk(6)))


def test_a_season_longer_than_the_training_rows_is_refused(walk):
    with pytest.raises(SeriesTooShort, match="season=150"):
        train(walk, "seasonal_naive", override(SMALL, {"season": 150}))


def test_an_unknown_model_is_refused_with_those_that_there_are(walk):
    with pytest.raises(ConfigError, match="one of lstm, gru, rnn, .*, drift, seasonal_naive. Received: prophet"):
        train(walk, "prophet")


def test_what_it_was_trained_on_is_recorded(trained, walk):
    trained_on = trained("dense").trained_on[0]
    assert (trained_on.series, trained_on.rows, trained_on.last) == ("made", 160, "2001-08-10")
    assert trained_on.sha256 == walk.fingerprint(160)


@pytest.mark.slow
def test_many_trainings_take_no_more_memory_than_a_few(walk):
    """The highest memory of this process does not rise once everything is loaded and compiled."""

    def highest(trainings):
        for seed in range(trainings):
            train(walk, "dense", override(SMALL, {"seed": seed}))
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    before = highest(4)
    assert highest(40) - before < 25


def test_one_network_serves_series_of_any_length_and_others():
    several = [make_series(random_walk(rows, seed=rows), f"walk {rows}") for rows in (60, 120, 700)]
    model = train(several, "lstm", SMALL)
    assert [known.rows for known in model.trained_on] == [48, 96, 560]
    assert len({known.scaler.minimum[0] for known in model.trained_on}) == 3
    for one in [*several, make_series(1000 * random_walk(90, seed=9), "new")]:
        assert np.isfinite(model.predict(one).quantiles).all()


def test_an_unknown_series_earns_its_moves_by_itself():
    """A model of waves forecasts a new wave, and does not impose waves on a new walk."""
    rows = np.arange(600)
    waves = [make_series(50 + 10 * np.sin(rows / 3 + phase), f"wave {phase}") for phase in (0, 1)]
    model = train(waves, "linear", override(SMALL, {"horizon": 3}))

    def ratio(series):
        found = complete(model.backtest(series))
        error = np.abs(found.actual - found.quantiles[..., 3]).mean()
        return error / np.abs(found.actual - found.last_value[:, None]).mean()

    assert ratio(make_series(5 + np.sin(rows / 3 + 2), "new wave")) < 0.1
    assert ratio(make_series(random_walk(600), "new walk")) < 1.05


def test_two_series_of_one_name_are_refused(walk):
    with pytest.raises(ConfigError, match="name of its own. Twice there: made"):
        train([walk, walk], "dense", SMALL)


def test_no_series_at_all_is_refused():
    with pytest.raises(ConfigError, match="one series or more. Received: none"):
        train([], "dense", SMALL)


def test_names_of_models_are_taken_in_any_case(walk):
    assert train(walk, "Naive", SMALL).model == "naive"
    assert train(walk, " LINEAR ", SMALL).model == "linear"
