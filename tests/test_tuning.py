"""Tuning: judged on validation rows alone, kept in a file, continued where it stopped."""

import builtins
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from conftest import SMALL, make_series, random_walk, take_ctrl_c
from typer.testing import CliRunner

from forecast.cli.main import app
from forecast.config import ExperimentConfig, override, read_config
from forecast.data.sources import load
from forecast.errors import ConfigError, ModelError, SeriesTooShort
from forecast.inference import shrinkage
from forecast.runtime.parallel import run_jobs
from forecast.runtime.parallel.jobs import MARK
from forecast.training.train import train
from forecast.training.tuning import tune as tuning
from forecast.training.tuning.objective import Objective
from forecast.training.tuning.study import RANDOM, open_study
from forecast.training.tuning.tune import tune, write_config

FIXED = ("units", "depth", "dropout")
RANGES = {"lookback": (2, 64), "dropout": (0.0, 0.5)}
FIRST = {"lookback": 8, "dropout": 0.0}


def opened(path, **changed):
    return open_study(path, **({"key": "one", "ranges": RANGES, "first": FIRST, "seed": 0} | changed))


def bowl(hyperparameters, report):
    return abs(hyperparameters["lookback"] - 20) + hyperparameters["dropout"]


def race(hyperparameters, report):
    report(1, hyperparameters["lookback"])
    return bowl(hyperparameters, report)


def fast(hyperparameters, report):
    """What no training is as good as."""
    for step in (4, 8):
        report(step, 0.0)
    return 0.0


def finish(pending):
    return pending.run(race)


def carry_on(study, wanted, evaluate=bowl):
    """All trials up to so many, in this process."""
    for trials_of_round in study.rounds(wanted):
        for pending in trials_of_round:
            study.add(pending.run(evaluate))
    return study.trials()


def without_seconds(trials):
    """Trials as they are found again: sums of the linear algebra differ in the last digits from run to run."""
    return [replace(trial, seconds=0.0, value=trial.value and float(f"{trial.value:.7g}")) for trial in trials]


@pytest.fixture(scope="module")
def waves():
    """A series in which longer lookbacks see more of the season."""
    rows = np.arange(200)
    return make_series(50 + 10 * np.sin(rows / 4) + 0.1 * random_walk(200), name="waves")


@pytest.fixture(scope="module")
def found(waves):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MARK, "1")  # in this process
        return tune(waves, "dense", SMALL, trials=3, fixed=FIXED)


def test_the_first_trial_has_the_hyperparameters_to_begin_with_and_the_best_are_not_worse(found):
    assert found.trials[0].hyperparameters == {"lookback": 8, "learning_rate": 0.004}
    assert found.counts == {"complete": 3, "pruned": 0, "failed": 0}
    assert found.ranking[0].value == min(trial.value for trial in found.trials) <= found.trials[0].value
    assert len({str(trial.hyperparameters) for trial in found.trials}) == 3
    assert [trial.number for trial in found.trials] == [1, 2, 3]


def test_what_is_fixed_stays_and_the_best_is_a_configuration_file(found, tmp_path):
    write_config(found, tmp_path / "best.json")
    config = read_config(tmp_path / "best.json")
    assert config == found.config
    assert config.network == SMALL.network
    assert config.lookback == found.ranking[0].hyperparameters["lookback"]
    assert replace(config, lookback=8, training=SMALL.training, season=None) == SMALL


def test_a_trial_s_value_is_the_error_over_that_of_naive_in_the_series_unit(found, waves, monkeypatch):
    """The slow way: forecasts without shrinkage, one by one; the last three rows before the test are no origins."""
    model = train(waves, "dense", SMALL)
    monkeypatch.setattr(shrinkage, "shrink", lambda parts, factors: parts.base + parts.linear + parts.network)
    predictions = model.backtest(waves, first=139)
    errors, naive = [], []
    for origin, quantiles in zip(range(139, 157), predictions.quantiles, strict=False):
        for step in range(3):
            actual = waves.y[origin + 1 + step]
            errors.append(abs(actual - quantiles[step, 3]))
            naive.append(abs(actual - waves.y[origin]))
    assert found.trials[0].value == pytest.approx(sum(errors) / sum(naive))


def test_the_hyperparameters_of_the_network_itself_matter(waves):
    objective = Objective.of(waves, "dense", SMALL, ())
    others = [{}, {"units": 9}, {"learning_rate": 0.02}]
    assert len({objective.evaluate(objective.first | other, lambda *_: None) for other in others}) == 3


@pytest.mark.usefixtures("jobs_here")
def test_a_series_on_which_naive_does_not_err_has_a_finite_value():
    flat = make_series(np.concatenate([random_walk(140), np.full(60, 100.0)]))
    assert 0 <= tune(flat, "linear", SMALL, trials=1).trials[0].value <= 1000


@pytest.mark.usefixtures("jobs_here")
def test_the_recipe_of_the_textbook_can_be_tuned(waves):
    config = override(SMALL, {"normalisation": "level", "loss": "mse", "labels": 1, "highway": False})
    assert 0 < tune(waves, "dense", config, trials=1).trials[0].value < 1000


@pytest.mark.usefixtures("jobs_here")
def test_the_test_rows_are_not_looked_at(found, waves):
    values = waves.y.copy()
    values[160:] = np.random.default_rng(9).normal(1e6, 1e5, size=40)
    spoilt = tune(make_series(values, name="waves"), "dense", SMALL, trials=2, fixed=FIXED)
    assert without_seconds(spoilt.trials) == without_seconds(found.trials[:2])
    assert spoilt.objective.key == found.objective.key


@pytest.mark.usefixtures("jobs_here")
def test_several_series_count_alike(waves, walk):
    alone = [tune(series, "linear", SMALL, trials=1, fixed=FIXED).trials[0].value for series in (waves, walk)]
    assert min(alone) < 0.7 < max(alone)
    both = tune([waves, walk], "linear", SMALL, trials=2)
    assert min(alone) < both.trials[0].value < max(alone)
    assert [*both.objective.ranges] == ["lookback"]


@pytest.mark.slow
def test_neither_processes_nor_ctrl_c_change_what_is_found(waves, tmp_path, monkeypatch):
    """Ctrl-C after the first trial that ends, which two processes may take in any order."""
    about = {"model": "linear", "config": SMALL, "study": tmp_path / "study.log", "jobs": 2}
    with monkeypatch.context() as patch:
        patch.setenv(MARK, "1")
        found = tune(waves, "linear", SMALL, trials=3)

    def stop(trials):
        seen.append(trials)
        if trials:
            raise KeyboardInterrupt

    seen = []
    stopped = tune(waves, **about, trials=3, on_progress=stop)
    assert (len(stopped.trials), stopped.wanted) == (1, 3)
    assert stopped.trials == seen[-1]
    whole = tune(waves, **about, trials=3)
    assert without_seconds(whole.trials) == without_seconds(found.trials)
    assert len(tune(waves, **about, trials=2).trials) == 3
    with pytest.raises(ConfigError, match="holds a search with other rows, another model, or other options"):
        tune(waves, "linear", override(SMALL, {"horizon": 4}), study=tmp_path / "study.log")


def test_ctrl_c_before_the_first_trial_is_ctrl_c(waves):
    def stop(trials):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(waves, "dense", SMALL, on_progress=stop)


class Poisonous(Objective):
    """An objective some of whose hyperparameters kill their process."""

    def evaluate(self, hyperparameters, report, logs=None):
        if hyperparameters["lookback"] > self.first["lookback"]:
            os._exit(3)
        return 1.0


def test_a_trial_that_kills_its_process_fails_with_its_reason(waves, tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "Objective", Poisonous)
    about = {"model": "linear", "config": SMALL, "trials": 2, "study": tmp_path / "study.log"}
    trials = tune(waves, **about, jobs=2).trials
    assert [(trial.number, trial.state, trial.value) for trial in trials] == [(1, "complete", 1.0), (2, "failed", None)]
    assert "died 3 times" in trials[1].reason
    assert trials[1].hyperparameters["lookback"] > 8
    assert tune(waves, **about).trials == trials


def test_other_searches_have_other_keys(waves, walk):
    base = Objective.of(waves, "dense", SMALL, ())
    others = [
        Objective.of(walk, "dense", SMALL, ()),
        Objective.of([waves, walk], "dense", SMALL, ()),
        Objective.of(waves, "lstm", SMALL, ()),
        Objective.of(waves, "dense", override(SMALL, {"seed": 1}), ()),
        Objective.of(waves, "dense", SMALL, ("units",)),
    ]
    assert len({base.key, *(other.key for other in others)}) == 6
    assert base.key == Objective.of(waves, "dense", SMALL, ()).key


def test_ranges_hold_the_first_hyperparameters_and_fit_the_rows(waves):
    objective = Objective.of(waves, "lstm", override(SMALL, {"units": 300, "depth": 5, "dropout": 0.33}), ())
    for name, (low, high) in objective.ranges.items():
        assert low <= objective.first[name] <= high
    assert objective.ranges["lookback"] == (8, 68)  # half of 140 training rows, less the horizon
    assert Objective.of(waves, "stack", override(SMALL, {"layers": "rnn:3"}), ()).ranges.keys() == {
        "lookback",
        "dropout",
        "learning_rate",
    }


def test_losses_are_told_over_those_of_naive_so_that_lookbacks_compare(waves):
    told = {}
    for lookback in (8, 40):
        objective = Objective.of(waves, "dense", SMALL, ())
        config = {"lookback": lookback, "units": 4, "depth": 1, "dropout": 0.0, "learning_rate": 1e-9}
        told[lookback] = []
        objective.evaluate(config, lambda step, value, to=told[lookback]: to.append((step, value)))
    assert [step for step, _ in told[8]] == [4, 8]
    assert told[40][-1][1] < told[8][-1][1] < 1


def test_each_seed_of_several_is_trained_and_the_first_is_told(waves):
    objective = Objective.of(waves, "dense", override(SMALL, {"seeds": 2}), ())
    told = []
    objective.evaluate(objective.first, lambda step, value: told.append(step))
    assert told == [4, 8]


def test_a_training_that_falls_behind_is_ended(waves):
    objective = Objective.of(waves, "dense", SMALL, FIXED)
    with opened(None, ranges=objective.ranges, first=objective.first) as study:
        carry_on(study, 8, fast)
        pending = next(study.rounds(9))[0]
        study.add(pending.run(objective.evaluate))
        assert study.trials()[-1].reason == "behind the median at step 4"


def test_a_study_learns_and_is_the_same_however_it_is_taken_up(tmp_path):
    """Killed in the middle of rounds: what was kept of them were the last trials, or one in the middle."""
    with opened(None) as study:
        whole = carry_on(study, 60)
    assert whole[0].hyperparameters == FIRST
    values = [trial.value for trial in whole]
    assert np.mean(values[30:]) < 0.6 * np.mean(values[:RANDOM])
    for wanted, kept in ((2, None), (8, -1), (11, 2), (60, None)):
        with opened(tmp_path / "study.log") as study:
            if kept:
                carry_on(study, wanted - 4)
                pending = next(study.rounds(wanted))[kept]
                study.add(pending.run(bowl))
            else:
                again = carry_on(study, wanted)
    assert sorted(map(str, without_seconds(again))) == sorted(map(str, without_seconds(whole)))


def test_workers_find_what_one_process_finds_and_prune_what_it_prunes():
    with opened(None) as study:
        alone = carry_on(study, 24, race)
    with opened(None) as study:
        for trials_of_round in study.rounds(24):
            for done in run_jobs(finish, trials_of_round, workers=2):
                study.add(done.result)
        in_background = sorted(study.trials(), key=lambda trial: trial.number)
    assert without_seconds(in_background) == without_seconds(alone)
    assert {trial.state for trial in alone[:4]} == {"complete"}
    assert any(trial.reason == "behind the median at step 1" for trial in alone[4:8])


def test_hyperparameters_that_do_not_fit_are_told_from_failures():
    def raises(error):
        def evaluate(hyperparameters, report):
            raise error

        return evaluate

    with opened(None) as study:
        first, second = next(study.rounds(2))
        study.add(first.run(raises(SeriesTooShort("too few rows"))))
        study.add(second.run(raises(ModelError("diverged"))))
        trials = study.trials()
    assert [(trial.state, trial.value, trial.reason) for trial in trials] == [
        ("pruned", None, "too few rows"),
        ("failed", None, "diverged"),
    ]


@pytest.mark.usefixtures("jobs_here")
def test_hyperparameters_that_never_work_say_why(waves):
    wild = override(SMALL, {"learning_rate": 1e38, "activation": "linear"})
    with pytest.raises(ConfigError, match="none of 1 trials is complete. The last one: training diverged at step"):
        tune(waves, "rnn", wild, trials=1, fixed=("learning_rate",))


@pytest.mark.parametrize(
    ("model", "config", "fixed", "message"),
    [
        ("naive", SMALL, (), "the hyperparameters of lstm, .*Received: naive"),
        ("oracle", SMALL, (), "a model must be one of"),
        ("linear", SMALL, ("lookback",), "tuning needs an option that is not given. Given: lookback"),
        ("dense", override(SMALL, {"task": "direction"}), (), "the task forecast; .*Received: task=direction"),
    ],
)
def test_what_cannot_be_searched_is_refused(waves, model, config, fixed, message):
    with pytest.raises(ConfigError, match=message):
        tune(waves, model, config, fixed=fixed)


def test_too_few_rows_are_refused_at_once():
    with pytest.raises(SeriesTooShort):
        tune(make_series(random_walk(12)), "dense", SMALL)


def test_a_study_is_used_by_one_process_at_a_time_and_foreign_files_are_refused(tmp_path):
    with opened(tmp_path / "study.log"), pytest.raises(ConfigError, match="one search at a time"):
        opened(tmp_path / "study.log").__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["study.log"]
    (tmp_path / "letter.log").write_text("dear")
    (tmp_path / "object.log").write_text('{"op_code":0}\n')
    for path in (tmp_path / "letter.log", tmp_path / "object.log", tmp_path / "letter.log" / "study.log"):
        with pytest.raises(ConfigError, match="a study is a file that forecast tune wrote.*[^\n]*$"):
            opened(path).__enter__()
    assert (tmp_path / "letter.log").read_text() == "dear"


def test_a_line_that_a_full_disk_cut_off_is_written_again(tmp_path):
    with opened(tmp_path / "study.log") as study:
        whole = carry_on(study, 2)
    content = (tmp_path / "study.log").read_bytes()
    (tmp_path / "study.log").write_bytes(content[:-5])
    with opened(tmp_path / "study.log") as study:
        assert study.trials() == whole[:1]
        assert without_seconds(carry_on(study, 2)) == without_seconds(whole)
    with opened(tmp_path / "study.log") as study:
        assert len(study.trials()) == 2


def test_without_optuna_one_line_says_what_to_install(waves, monkeypatch):
    def missing(name, *rest):
        if name.startswith("optuna"):
            raise ImportError(name)
        return imports(name, *rest)

    imports = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(
        ConfigError, match=r"needs the package optuna, which is not here. pip install 'honest-forecast\[tune\]'"
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


@pytest.mark.usefixtures("jobs_here")
def test_tune_writes_a_configuration_that_run_takes_and_goes_on(cli, tmp_path):
    first = cli("--trials", "1", "--target", "Close")
    assert first.exit_code == 0, first.output
    next_command = "forecast run waves.csv --models dense --config runs/waves-dense.json --target=Close"
    assert f"The best configuration is in runs/waves-dense.json. Next: {next_command}" in first.stdout
    assert "Trials: 1 complete, 0 pruned, 0 failed." in first.stdout
    assert "trial 1/1: MAE / naive 0." in first.stderr
    again = cli("--trials", "2", "--target", "Close", "--json")
    assert "1 of 2 trials are there from before, best MAE / naive 0." in again.stderr
    record = json.loads(again.stdout)
    assert record["counts"] == {"complete": 2, "pruned": 0, "failed": 0}
    assert record["config"]["network"]["units"] == 4
    assert record["ranges"].keys() == {"lookback", "dropout", "learning_rate"}
    assert json.loads((tmp_path / "runs" / "waves-dense.json").read_text()) == record["config"]
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"waves-dense.json", "waves-dense.study.log"}
    used = CliRunner().invoke(app, [*next_command.split()[1:], "--models", "naive", "--out", "run"])
    assert used.exit_code == 0, used.output


@pytest.mark.slow
def test_a_search_that_is_stopped_and_killed_goes_on_to_what_an_undisturbed_one_finds(cli, tmp_path, monkeypatch):
    """Real processes: Ctrl-C, then a kill, each when the next trial is told, with other trials on their way."""
    command = ["tune", "waves.csv", "--model", "linear", "--target", "Close", "--horizon", "3", "--trials", "12"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    for ended in (signal.SIGINT, signal.SIGKILL):
        with (tmp_path / "said").open("w+") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "forecast", *command, "--jobs", "2"],
                stdout=said,
                stderr=said,
                cwd=tmp_path,
                env=env,
                preexec_fn=take_ctrl_c,
            )
            while "\ntrial " not in (tmp_path / "said").read_text():
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(ended)
            assert process.wait(60) == (0 if ended == signal.SIGINT else -ended)
        if ended == signal.SIGINT:
            assert "The search was stopped after" in (tmp_path / "said").read_text()
            assert "The best configuration is in runs/waves-linear.json." in (tmp_path / "said").read_text()
    monkeypatch.setenv(MARK, "1")
    again = CliRunner().invoke(app, [*command, "--jobs", "1", "--json"])
    before = int(re.search(r"(\d+) of 12 trials are there from before", again.stderr).group(1))
    assert 2 <= before < 12
    whole = tune(load("waves.csv", target="Close"), "linear", override(ExperimentConfig(), {"horizon": 3}), trials=12)
    found = json.loads(again.stdout)["trials"]
    assert [trial | {"seconds": 0.0, "value": float(f"{trial['value']:.7g}")} for trial in found] == [
        asdict(trial) for trial in without_seconds(whole.trials)
    ]


def test_a_file_that_holds_something_else_is_not_written_over(cli, tmp_path):
    refused = cli("--out", "waves.csv")
    assert "a configuration goes to a new file or replaces another one" in str(refused.exception)
    assert (tmp_path / "waves.csv").read_text().startswith("Date")
