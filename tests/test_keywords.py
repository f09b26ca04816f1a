"""What people have and type: tables of any library, columns, numbers; and keywords of the configuration beside them."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import SMALL, random_walk

import forecast
from forecast.cli.main import app
from forecast.config import ExperimentConfig
from forecast.data.sources import as_list
from forecast.errors import ConfigError, SeveralSeries, SourceError

ROWS = 200
WALK = random_walk(ROWS)
DATES = pd.bdate_range("2020-01-01", periods=ROWS)
TABLE = {"Date": DATES, "Close": WALK}
DATED = {
    "frame": pd.DataFrame(TABLE),
    "index": pd.DataFrame({"Close": WALK}, DATES),
    "series": pd.Series(WALK, DATES),
    "ds and y": pd.DataFrame({"ds": DATES, "y": WALK}),
    "polars": pl.DataFrame(TABLE),
    "lazy": pl.LazyFrame(TABLE),
    "arrow": pa.table(TABLE),
    "mapping": TABLE,
}
COUNTED = {
    "array": WALK,
    "column": WALK[:, None],
    "list": WALK.tolist(),
    "tuple": tuple(WALK),
    "polars": pl.Series(WALK),
    "arrow": pa.array(WALK),
    "index from 1": pd.Series(WALK, range(1, ROWS + 1)),
}
LONG = pd.DataFrame({"unique_id": np.repeat(["a", "b"], 100), "ds": [*DATES[:100]] * 2, "y": WALK})
TYPED = {"lookback": 8, "units": 4, "labels": 6, "batch": 4, "max_steps": np.int64(4), "validations": 2}


@pytest.mark.parametrize("source", DATED.values(), ids=DATED)
def test_a_table_of_any_library_is_the_same_series(source):
    series = forecast.load(source)
    np.testing.assert_array_equal(series.y, WALK)
    np.testing.assert_array_equal(series.index, DATES)


@pytest.mark.parametrize("source", COUNTED.values(), ids=COUNTED)
def test_rows_without_dates_count_from_one(source):
    series = forecast.load(source)
    np.testing.assert_array_equal(series.y, WALK)
    assert series.index.tolist() == list(range(1, ROWS + 1))


@pytest.mark.parametrize("source", [pd.Series(WALK, DATES, name="Milk"), pl.Series("Milk", WALK)])
def test_the_name_of_a_column_is_that_of_the_series(source):
    assert (forecast.load(source).name, forecast.load(source).target) == ("Milk", "Milk")
    assert forecast.load(source, name="Butter").name == "Butter"


@pytest.mark.parametrize(
    "source",
    [
        LONG,
        pl.DataFrame(LONG),
        LONG.set_index(["unique_id", "ds"])["y"],
        pd.DataFrame({"a": WALK[:100], "b": WALK[100:]}, DATES[:100]),
        pd.DataFrame(WALK.reshape(2, 100), ["a", "b"]),
    ],
    ids=["long", "polars", "two levels", "wide", "one series a row"],
)
def test_a_table_of_several_series_gives_each(source):
    first, second = forecast.load_all(source)
    assert (first.name, second.name) == ("a", "b")
    np.testing.assert_array_equal(second.y, WALK[100:])
    with pytest.raises(SeveralSeries, match=r"load_all for all\. There are a, b"):
        forecast.load(source)


@pytest.mark.parametrize("source", [(number for number in WALK), object(), ["a", "b"]])
def test_what_is_no_series_is_named(source):
    with pytest.raises(SourceError, match=f"Received: {type(source).__name__}"):
        forecast.load(source)


def test_numbers_are_one_series_and_tables_are_several():
    assert len(as_list([1, 2.5, None, np.float64(3)])) == 1
    assert len(as_list([WALK, WALK])) == 2
    assert len(as_list("AAPL")) == 1


def test_a_run_takes_a_frame_and_keywords():
    result = forecast.run(DATED["frame"], models="linear", horizon=3, lookback=8, unit="USD", name="mine")
    assert (result.config.horizon, result.series.unit, result.series.name) == (3, "USD", "mine")
    assert list(result.models) == ["linear", "naive", "drift", "seasonal_naive"]


@pytest.mark.parametrize("call", [forecast.run, forecast.compare, forecast.train, forecast.tune, forecast.audit_model])
@pytest.mark.parametrize(("typed", "meant"), [("horizn", "horizon"), ("Units", "units"), ("excange", "exchange")])
def test_a_keyword_that_is_wrong_names_the_nearest(call, typed, meant):
    with pytest.raises(ConfigError, match=f"Received: {typed}. Did you mean {meant}\\?"):
        call("no_such_file.csv", **{typed: 1})


def test_a_configuration_is_changed_by_keywords():
    model = forecast.train(DATED["polars"], "linear", SMALL, horizon=4, name="mine")
    assert (model.config.horizon, model.config.lookback) == (4, SMALL.lookback)
    assert model.trained_on[0].series == "mine"


def test_columns_that_a_keyword_asks_for_are_loaded():
    table = DATED["frame"].assign(Visits=np.arange(ROWS) % 7.0)
    model = forecast.train(table, "linear", SMALL, target="Close", features="Visits")
    assert model.config.inputs.features == ("Visits",)
    assert model.problem.past_columns == 2


def test_a_saved_model_takes_what_load_takes(trained, walk):
    model, table = trained("linear"), walk.to_frame()
    expected = model.predict(walk)
    np.testing.assert_array_equal(model.predict(table).quantiles.shape, expected.quantiles.shape)
    assert model.backtest(table).actual.shape[1] == 3
    assert forecast.explain(model, table).series.target == "Close"


@pytest.mark.usefixtures("jobs_here")
def test_a_comparison_takes_a_long_frame_and_the_fields_of_its_plan():
    found = forecast.compare(LONG, models="linear", config=SMALL, folds=2, name=None)
    assert list(found.results) == ["a", "b"]
    assert found.plan.folds == 2


def test_an_update_says_what_it_was_worth():
    table = DATED["frame"]
    old = forecast.train(table[:150], "dense", SMALL)
    new = forecast.update(old, table)
    assert new.trained_on[0].rows > old.trained_on[0].rows
    assert "neither model saw" in new.tested[0]["verdict"]["sentence"]
    assert new.tested[0]["verdict"]["sentence"] in new._repr_html_()


NAMES = {
    "judge": "score",
    "report": "make_page",
    "show": "open_model",
    "audit": "audit_model",
    "models": "MODELS",
}


def test_each_command_is_a_call():
    for command in app.registered_commands:
        name = command.name or command.callback.__name__
        assert name == "serve" or NAMES.get(name, name) in forecast.__all__  # a server is no call


def test_a_network_is_trained_without_a_word():
    """TensorFlow's compiled parts write past Python: a process of its own shows what a user sees."""
    code = (
        "import forecast, numpy as np\n"
        "made = forecast.run(np.random.default_rng(0).normal(size=200).cumsum(), models='dense', horizon=3, "
        "lookback=8, units=4, labels=6, batch=4, max_steps=2, validations=1)\n"
        "print(made)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("Experiment(series, dense")


def test_a_model_that_is_wrong_names_the_nearest():
    with pytest.raises(ConfigError, match=r"Received: lstn\. Did you mean lstm\?"):
        forecast.run(DATED["frame"], models="lstn", horizon=3)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1.0, 2.0, float("inf")] * 9, "inf in row 3 of 27"),
        ([float("nan")] * 9, "none in 9 rows"),
        (pd.Series(["a"] * 9), "none in 9"),
    ],
)
def test_a_column_without_finite_numbers_is_refused_by_what_it_holds(values, said):
    with pytest.raises(SourceError, match=said):
        forecast.predict(values)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"calendar": True}, "`calendar` must be a text or a list. Received: calendar=True"),
        ({"features": 3}, "`features` must be a text or a list. Received: features=3"),
        ({"calendar": ["month", "days"]}, "`calendar` must be one of hour, weekday, month, year. Received: .*days"),
    ],
)
def test_a_value_of_another_type_is_refused(given, said):
    with pytest.raises(ConfigError, match=said):
        forecast.run(WALK, models=["naive"], **given)


def test_a_configuration_of_a_file_with_another_type_is_refused():
    with pytest.raises(ConfigError, match="the fields and types of ExperimentConfig: 'bool' object is not iterable"):
        ExperimentConfig.from_dict({"inputs": {"calendar": True}})


@pytest.mark.parametrize(
    "call",
    [
        lambda model: forecast.update(model, WALK),
        lambda model: forecast.explain(model, WALK),
        lambda model: forecast.save_model(model, "never-written"),
        lambda model: forecast.export(model, "onnx", "never-written"),
    ],
)
def test_a_folder_is_no_model(call):
    with pytest.raises(ConfigError, match="must be a TrainedModel, as `train` returns it and `open_model` opens it"):
        call("runs/sp500/models/lstm")


def test_a_search_without_trials_is_refused():
    with pytest.raises(ConfigError, match="`trials` must be at least 1. Received: trials=0"):
        forecast.tune(WALK, "linear", trials=0)
