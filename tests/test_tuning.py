"""A search for settings: on validation rows alone, kept in a file, taken up where it was."""

import builtins
import json
import sqlite3
from dataclasses import replace

import numpy as np
import pytest
from conftest import SMALL, make_series, random_walk
from typer.testing import CliRunner

from forecast import shrinkage, tuning
from forecast.cli import app
from forecast.config import override, read_config
from forecast.errors import ConfigError, ModelError, SeriesTooShort
from forecast.models import Watch
from forecast.studies import open_study
from forecast.training import train
from forecast.tuning import Search, tune, write_settings

HELD = ("units", "depth", "dropout")
RANGES = {"lookback": (2, 64), "dropout": (0.0, 0.5)}
FIRST = {"lookback": 8, "dropout": 0.0}


def opened(path, **changed):
    return open_study(path, **({"key": "one", "ranges": RANGES, "first": FIRST, "seed": 0} | changed))


def bowl(settings, report):
    return abs(settings["lookback"] - 20) + settings["dropout"]


def settings_of(trials):
    return [trial.settings for trial in trials]


@pytest.fixture(scope="module")
def waves():
    """A series in which longer lookbacks see more of the season."""
    rows = np.arange(200)
    return make_series(50 + 10 * np.sin(rows / 4) + 0.1 * random_walk(200), name="waves")


@pytest.fixture(scope="module")
def found(waves):
    return tune(waves, "dense", SMALL, trials=3, held=HELD)


def test_the_first_trial_has_the_settings_to_begin_with_and_the_best_are_not_worse(found):
    assert found.trials[0].settings == {"lookback": 8, "learning_rate": 0.004}
    assert found.counts == {"complete": 3, "pruned": 0, "failed": 0}
    assert found.ranking[0].value == min(trial.value for trial in found.trials) <= found.trials[0].value
    assert len({str(settings) for settings in settings_of(found.trials)}) == 3


def test_what_is_held_stays_and_what_was_found_is_a_file_of_settings(found, tmp_path):
    write_settings(found, tmp_path / "settings.json")
    config = read_config(tmp_path / "settings.json")
    assert config == found.config
    assert config.network == SMALL.network
    assert config.lookback == found.ranking[0].settings["lookback"]
    assert replace(config, lookback=8, training=SMALL.training, season=None) == SMALL


def test_a_trial_s_value_is_the_error_over_that_of_naive_in_the_series_unit(found, waves, monkeypatch):
    """The slow way: forecasts without shrinkage, one by one; the last three rows before the test are no origins."""
    model = train(waves, "dense", SMALL)
    monkeypatch.setattr(shrinkage, "shrink", lambda quantiles, linear, y, credit: (quantiles, credit))
    predictions = model.predict(waves, first=139)
    errors, naive = [], []
    for origin, quantiles in zip(range(139, 157), predictions.quantiles, strict=False):
        for step in range(3):
            actual = waves.y[origin + 1 + step]
            errors.append(abs(actual - quantiles[step, 3]))
            naive.append(abs(actual - waves.y[origin]))
    assert found.trials[0].value == pytest.approx(sum(errors) / sum(naive))


def test_the_settings_of_the_network_itself_matter(waves):
    search = Search.of(waves, "dense", SMALL, ())
    others = [{}, {"units": 9}, {"learning_rate": 0.02}]
    assert len({search.value(search.first | other, lambda *_: None, Watch()) for other in others}) == 3


def test_a_series_on_which_naive_does_not_err_has_a_finite_value():
    flat = make_series(np.concatenate([random_walk(140), np.full(60, 100.0)]))
    assert 0 <= tune(flat, "linear", SMALL, trials=1).trials[0].value <= 1000


def test_the_recipe_of_the_textbook_can_be_tuned(waves):
    config = override(SMALL, {"normalisation": "level", "loss": "mse", "labels": 1, "highway": False})
    assert 0 < tune(waves, "dense", config, trials=1).trials[0].value < 1000


def test_the_test_rows_are_not_looked_at(found, waves):
    values = waves.y.copy()
    values[160:] = np.random.default_rng(9).normal(1e6, 1e5, size=40)
    spoilt = tune(make_series(values, name="waves"), "dense", SMALL, trials=3, held=HELD)
    assert [(trial.value, trial.settings) for trial in spoilt.trials] == [
        (trial.value, trial.settings) for trial in found.trials
    ]
    assert spoilt.search.key == found.search.key


def test_several_series_count_alike(waves, walk):
    alone = [tune(series, "linear", SMALL, trials=1, held=HELD).trials[0].value for series in (waves, walk)]
    assert min(alone) < 0.7 < max(alone)
    both = tune([waves, walk], "linear", SMALL, trials=2)
    assert min(alone) < both.trials[0].value < max(alone)
    assert [*both.search.ranges] == ["lookback"]


def test_a_search_goes_on_to_as_many_trials_in_all(found, waves, tmp_path):
    """Ctrl-C after the first step of the second trial, then a kill in the third: no trial is lost or changed."""
    path, stops = tmp_path / "study.db", iter([KeyboardInterrupt, ZeroDivisionError])
    about = {"model": "dense", "config": SMALL, "held": HELD, "study": path}

    def stop(step):
        if step.step == 1 and len(seen[-1]) == 1 + len(errors):
            errors.append(next(stops))
            raise errors[-1]

    seen, errors = [], []
    stopped = tune(waves, **about, trials=3, watch=Watch(stop), tell=seen.append)
    assert stopped.trials == seen[-1]
    assert len(stopped.trials) == 1
    assert stopped.wanted == 3
    with pytest.raises(ZeroDivisionError):
        tune(waves, **about, trials=3, watch=Watch(stop), tell=seen.append)
    assert len(seen[-1]) == 2
    whole = tune(waves, **about, trials=3)
    assert [trial.value for trial in whole.trials] == [trial.value for trial in found.trials]
    assert settings_of(whole.trials) == settings_of(found.trials)
    assert len(tune(waves, **about, trials=2).trials) == 3
    with pytest.raises(ConfigError, match="holds a search with other rows, another model, or other settings"):
        tune(waves, "dense", override(SMALL, {"horizon": 4}), held=HELD, study=path)


def test_ctrl_c_in_the_first_trial_is_ctrl_c(waves):
    def stop(step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(waves, "dense", SMALL, watch=Watch(stop))


def test_other_searches_have_other_keys(waves, walk):
    base = Search.of(waves, "dense", SMALL, ())
    others = [
        Search.of(walk, "dense", SMALL, ()),
        Search.of([waves, walk], "dense", SMALL, ()),
        Search.of(waves, "lstm", SMALL, ()),
        Search.of(waves, "dense", override(SMALL, {"seed": 1}), ()),
        Search.of(waves, "dense", SMALL, ("units",)),
    ]
    assert len({base.key, *(other.key for other in others)}) == 6
    assert base.key == Search.of(waves, "dense", SMALL, ()).key


def test_ranges_hold_the_first_settings_and_fit_the_rows(waves):
    search = Search.of(waves, "lstm", override(SMALL, {"units": 300, "depth": 5, "dropout": 0.33}), ())
    for name, (low, high) in search.ranges.items():
        assert low <= search.first[name] <= high
    assert search.ranges["lookback"] == (8, 68)  # half of 140 training rows, less the horizon
    assert Search.of(waves, "stack", override(SMALL, {"layers": "rnn:3"}), ()).ranges.keys() == {
        "lookback",
        "dropout",
        "learning_rate",
    }


def test_losses_are_told_over_those_of_naive_so_that_lookbacks_compare(waves):
    told = {}
    for lookback in (8, 40):
        search = Search.of(waves, "dense", SMALL, ())
        config = {"lookback": lookback, "units": 4, "depth": 1, "dropout": 0.0, "learning_rate": 1e-9}
        told[lookback] = []
        search.value(config, lambda step, value, to=told[lookback]: to.append((step, value)), Watch())
    assert [step for step, _ in told[8]] == [4, 8]
    assert told[40][-1][1] < told[8][-1][1] < 1


def test_each_seed_of_several_is_trained_and_the_first_is_told(waves):
    search = Search.of(waves, "dense", override(SMALL, {"seeds": 2}), ())
    told = []
    search.value(search.first, lambda step, value: told.append(step), Watch())
    assert told == [4, 8]


def test_a_study_learns_and_is_the_same_taken_up(tmp_path):
    with opened(None) as study:
        for _ in range(30):
            study.run(bowl)
        whole = study.trials()
    assert whole[0].settings == FIRST
    assert min(trial.value for trial in whole) < 1
    for wanted in (4, 30):
        with opened(tmp_path / "study.db") as study:
            while len(study.trials()) < wanted:
                study.run(bowl)
            again = study.trials()
    assert settings_of(again) == settings_of(whole)


def test_trials_that_fall_behind_or_do_not_fit_are_told_from_failures():
    def behind(settings, report):
        report(1, settings["lookback"])
        return 1.0

    def raises(error):
        def objective(settings, report):
            raise error

        return objective

    with opened(None, first=FIRST | {"lookback": 2}) as study:
        for _ in range(8):
            study.run(behind)
        study.run(raises(SeriesTooShort("too few rows")))
        study.run(raises(ModelError("diverged")))
        trials = study.trials()
    assert {trial.state for trial in trials[:5]} == {"complete"}
    assert any(trial.reason == "behind the median at step 1" for trial in trials[5:8])
    assert [(trial.state, trial.value, trial.reason) for trial in trials[8:]] == [
        ("pruned", None, "too few rows"),
        ("failed", None, "diverged"),
    ]


def test_settings_that_never_work_say_why(waves, monkeypatch):
    def diverge(*_, **__):
        raise ModelError("training diverged at step 4.")

    monkeypatch.setattr(tuning, "train", diverge)
    with pytest.raises(
        ConfigError, match="none of 2 trials came to its end. The last one: training diverged at step 4"
    ):
        tune(waves, "dense", SMALL, trials=2)


@pytest.mark.parametrize(
    ("model", "config", "held", "message"),
    [
        ("naive", SMALL, (), "settings are searched for one of lstm, .*Received: naive"),
        ("oracle", SMALL, (), "a model must be one of"),
        ("linear", SMALL, ("lookback",), "a search needs a setting that is not given. Given: lookback"),
        ("dense", override(SMALL, {"task": "direction"}), (), "the task forecast, .*Received: direction"),
    ],
)
def test_what_cannot_be_searched_is_refused(waves, model, config, held, message):
    with pytest.raises(ConfigError, match=message):
        tune(waves, model, config, held=held)


def test_too_few_rows_are_refused_at_once():
    with pytest.raises(SeriesTooShort):
        tune(make_series(random_walk(12)), "dense", SMALL)


def test_a_study_is_used_by_one_process_at_a_time_and_foreign_files_are_refused(tmp_path):
    with opened(tmp_path / "study.db"), pytest.raises(ConfigError, match="one search at a time"):
        opened(tmp_path / "study.db").__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["study.db"]
    (tmp_path / "letter.db").write_text("dear")
    for path in (tmp_path / "letter.db", tmp_path / "letter.db" / "study.db"):
        with pytest.raises(ConfigError, match="a study is a file that forecast tune wrote.*[^\n]*$"):
            opened(path).__enter__()
    with sqlite3.connect(tmp_path / "study.db") as file:
        assert file.execute("select count(*) from trials").fetchone() == (0,)
    file.close()


def test_without_optuna_one_line_says_what_to_install(waves, monkeypatch):
    def missing(name, *rest):
        if name.startswith("optuna"):
            raise ImportError(name)
        return imports(name, *rest)

    imports = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(
        ConfigError, match=r"needs the package optuna, which is not here. pip install 'forecast\[tune\]'"
    ):
        tune(waves, "dense", SMALL)


@pytest.fixture
def cli(waves, tmp_path, monkeypatch):
    """The command line in this process, on a file with two columns."""
    monkeypatch.chdir(tmp_path)
    dates = waves.index.strftime("%Y-%m-%d")
    rows = "\n".join(f"{date},{value:.4f},{value:.4f}" for date, value in zip(dates, waves.y, strict=True))
    (tmp_path / "waves.csv").write_text(f"Date,Close,Volume\n{rows}\n")
    quick = ["--horizon", "3", "--units", "4", "--depth", "1", "--steps", "8", "--labels", "6", "--batch", "4"]

    def call(*arguments):
        return CliRunner().invoke(app, ["tune", "waves.csv", "--model", "dense", *quick, *arguments])

    return call


def test_tune_writes_settings_that_run_takes_and_goes_on(cli, tmp_path):
    first = cli("--trials", "1", "--target", "Close")
    assert first.exit_code == 0, first.output
    next_command = "forecast run waves.csv --models dense --config runs/waves-dense.json --target=Close"
    assert f"The best settings are in runs/waves-dense.json. Next: {next_command}" in first.stdout
    assert "Trials: 1 complete, 0 pruned, 0 failed." in first.stdout
    assert "trial 1/1: MAE / naive 0." in first.stderr
    again = cli("--trials", "2", "--target", "Close", "--json")
    assert "1 of 2 trials are there from before, best MAE / naive 0." in again.stderr
    record = json.loads(again.stdout)
    assert record["counts"] == {"complete": 2, "pruned": 0, "failed": 0}
    assert record["config"]["network"]["units"] == 4
    assert record["ranges"].keys() == {"lookback", "dropout", "learning_rate"}
    assert json.loads((tmp_path / "runs" / "waves-dense.json").read_text()) == record["config"]
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"waves-dense.json", "waves-dense.study.db"}
    used = CliRunner().invoke(app, [*next_command.split()[1:], "--models", "naive", "--out", "run"])
    assert used.exit_code == 0, used.output


def test_a_file_that_holds_something_else_is_not_written_over(cli, tmp_path):
    refused = cli("--out", "waves.csv")
    assert "settings go into a new file or over settings" in str(refused.exception)
    assert (tmp_path / "waves.csv").read_text().startswith("Date")
