"""The program as a person runs it: in a process of its own."""

import csv
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import ALONE, run_command
from conftest import random_walk, take_ctrl_c

QUICK = ["--lookback", "8", "--horizon", "3", "--units", "4", "--steps", "8", "--labels", "6", "--batch", "4"]


@pytest.fixture(scope="module")
def prices(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "walk.csv"
    dates = pd.bdate_range("2001-01-01", periods=200)
    pd.DataFrame({"Date": dates, "Close": random_walk()}).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(params=["jax"])
def forecast(tmp_path, cache, request):
    """The command line in processes of their own, with Keras' backend that starts the fastest and no workers.

    Or with TensorFlow, and workers.
    """
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")

    def call(*arguments):
        environment = os.environ | {"XDG_CACHE_HOME": str(cache), "https_proxy": "http://127.0.0.1:9"}
        environment |= {"KERAS_BACKEND": request.param, **(ALONE if request.param == "jax" else {})}
        environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
        return run_command(*arguments, folder=tmp_path, environment=environment)

    return call


@pytest.mark.slow
@pytest.mark.parametrize("forecast", ["tensorflow"], indirect=True)
def test_run_train_and_predict_end_to_end(forecast, prices, tmp_path):
    done = forecast("run", prices, "--models", "dense", "--unit", "USD", "--out", "run", *QUICK)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^model +\[USD\] +MAE / naive +CRPS / naive +\[%\]$", done.stdout, re.M)
    assert "naive is the reference" in done.stdout
    assert done.stderr.startswith("dense: step 1/8, loss 0.")
    assert all(line.startswith("dense: step") for line in done.stderr.splitlines())  # nothing of TensorFlow's chatter
    told = forecast("predict", prices, "--model", "run/models/dense", "--json")
    assert told.returncode == 0, told.stderr
    steps = json.loads(told.stdout)["forecast"]
    with (tmp_path / "run" / "forecast.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == "dense"]
    assert [step["date"] for step in steps] == [row["date"] for row in rows]
    np.testing.assert_allclose([step["q50"] for step in steps], [float(row["q50"]) for row in rows])
    trained = forecast("train", prices, "--model", "drift", "--save", "saved", *QUICK)
    assert trained.returncode == 0, trained.stderr
    assert "10 %" in forecast("predict", prices, "--model", "saved").stdout
    explained = forecast("explain", "run/models/dense", prices, "--unit", "USD", "--plot", "dense.png")
    assert explained.returncode == 0, explained.stderr
    assert "what dense adds to the value of" in explained.stdout
    assert "dense has no gates" in explained.stdout
    assert (tmp_path / "dense.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_saved_model_is_shown_updated_and_forecasts_many(forecast, prices, tmp_path):
    old, new = tmp_path / "old" / "walk.csv", tmp_path / "new" / "walk.csv"
    for path, rows in ((old, 150), (new, 200)):
        path.parent.mkdir()
        path.write_text("".join(prices.read_text().splitlines(keepends=True)[: rows + 1]))
    assert forecast("train", old, "--model", "dense", "--save", "m", *QUICK).returncode == 0
    done = forecast("update", "m", new, "--save", "m2.zip")
    assert done.returncode == 0, done.stderr
    assert "which neither model saw" in done.stdout
    again = forecast("update", "m2.zip", new)
    assert again.returncode == 1
    assert "200 rows of walk, of which it has none yet" in again.stderr
    card = forecast("show", "m2.zip").stdout
    for said in ("dense: Dense network", "continues", "walk: 160 rows, 2001-01-01 to", "│ head: 105 weights"):
        assert said in card
    assert json.loads(forecast("show", "m", "--json").stdout)["tested"][0]["scores"]["mae"] > 0
    frame = pd.read_csv(prices)
    pd.DataFrame({"Date": frame.Date, "A": frame.Close, "B": frame.Close + 9}).to_csv(tmp_path / "two.csv", index=False)
    frame.head(5).to_csv(tmp_path / "short.csv", index=False)
    many = forecast("predict", "two.csv:*", "short.csv", "--model", "m", "--csv", "t.csv", "--plot", "t.png", "--json")
    assert many.returncode == 1
    assert "short: this model needs at least 9 rows (lookback=8). Received: 5, 4 too few." in many.stderr
    assert "A, B, short: this dense was not trained on it." in many.stderr
    assert [one["series"] for one in json.loads(many.stdout)["forecasts"]] == ["A", "B"]
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 1 + 2 * 3
    assert (tmp_path / "t.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.slow
def test_training_goes_on_from_a_saved_network(forecast, prices):
    assert forecast("train", prices, "--model", "dense", "--save", "m", *QUICK).returncode == 0
    done = forecast("train", prices, "--from", "m", "--freeze", "--steps", "3", "--save", "t")
    assert done.returncode == 0, done.stderr
    assert "continues     model dense" in forecast("show", "t").stdout
    wrong = forecast("train", prices, "--from", "m", "--units", "9", "--save", "t")
    assert "a training goes on with the lookback, horizon, columns and layers" in wrong.stderr


def test_run_as_json_prints_one_document_and_takes_no_folder_that_is_there(forecast, prices, tmp_path):
    first = tmp_path / "runs" / f"walk-{time.strftime('%Y-%m-%d')}"
    first.mkdir(parents=True)
    done = forecast("run", prices, "--models", "naive", "--json", *QUICK)
    record = json.loads(done.stdout)
    assert record["verdict"]["naive"]["outcome"] == "baseline"
    assert record["series"]["name"] == "walk"
    assert {path.name for path in first.parent.iterdir()} == {first.name, f"{first.name}-2"}
    assert not list(first.iterdir())


BAD = {
    "Day,Close\n1-01,1\n1-02,2\n": "a column of dates with a year",
    "": "the file is empty",
    "Date,Close\n2020-01-02,1\n2020-01-03,2\n": "horizon=1 need about 11 rows",
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_file_gets_one_line_and_status_1(forecast, tmp_path, text):
    (tmp_path / "bad.csv").write_text(text)
    done = forecast("run", "bad.csv", "--out", "run")
    assert done.returncode == 1
    assert done.stdout == ""
    assert BAD[text] in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


WRONG = [
    (["run", "missing.csv"], "There is no file missing.csv"),
    (["run", "AAPL"], "Yahoo Finance cannot be reached"),
    (["run", "PRICES", "--models", "oracle"], "a model must be one of lstm, gru"),
    (["run", "PRICES", "--models", "LSTN"], "Received: LSTN. Did you mean lstm?"),
    (["judge", "missing.csv", "PRICES"], "a table of forecasts is a file that exists. There is no file missing.csv"),
    (["run", "PRICES", "--horizon", "0"], "`horizon` must be at least 1. Received: horizon=0."),
    (["run", "PRICES", "--recipe", "magic"], "`recipe` must be one of blocks, textbook"),
    (["run", "PRICES:Open"], "NAME in FILE:NAME must be one of Close. Received: Open"),
    (["run", "-"], "standard input is not read. Save it first: ... > prices.csv"),
    (["run", "https://host.example/prices.csv"], "addresses are not read. Received: https://host.example/prices.csv"),
    (["predict", "PRICES", "--csv", "-"], "`csv` must be a file or folder, and - stands for an option or a stream."),
    (["run", "PRICES", "--out", "--json"], "Received: out=--json. Give a name; --json prints on standard output."),
    (["predict", "-", "--model", "nowhere"], "a saved model is a folder with bundle.json"),
    (["inspect", "PRICES", "--exchange", "nowhere"], "`exchange` must be one that"),
    (["inspect", "PRICES", "--plot", "picture.doc"], "a picture must end in one of"),
    (["run", "AAPL", "--offline"], "While online: forecast fetch AAPL"),
    (["fetch", "AAPL", "--interval", "2d"], "`interval` must be one of 1m"),
    (["predict", "PRICES", "--model", "nowhere"], "a saved model is a folder with bundle.json"),
    (["explain", "nowhere", "PRICES"], "a saved model is a folder with bundle.json"),
    (["run", "PRICES", "--out", "."], "holds something else"),
    (["show", "nowhere"], "a saved model is a folder with bundle.json"),
    (["update", "nowhere", "PRICES"], "a saved model is a folder with bundle.json"),
    (["export", "nowhere", "--format", "onnx"], "a saved model is a folder with bundle.json"),
    (["train", "PRICES", "--save", "new", "--freeze"], "--freeze needs --from"),
    (["train", "PRICES", "--save", "new", "--from", "letter.txt"], "this file is neither"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=[" ".join(arguments) for arguments, _ in WRONG])
def test_wrong_input_says_what_where_and_what_to_do(forecast, prices, tmp_path, arguments, words):
    (tmp_path / "letter.txt").write_text("dear")
    done = forecast(*(one.replace("PRICES", str(prices)) for one in arguments))
    assert done.returncode == 1
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_verbose_brings_the_traceback(forecast):
    done = forecast("run", "missing.csv", "-v")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_wrong_usage_is_status_2(forecast):
    assert forecast("run").returncode == 2
    assert forecast("run", "x.csv", "--horizon", "many").returncode == 2
    assert forecast("dance").returncode == 2


@pytest.fixture
def quick(monkeypatch):
    """Keras' backend that starts the fastest, for processes that are started without `forecast`."""
    if importlib.util.find_spec("jax"):
        monkeypatch.setenv("KERAS_BACKEND", "jax")


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_ctrl_c_in_training_keeps_the_weights_and_finishes(prices, tmp_path):
    command = [sys.executable, "-m", "forecast", "run", str(prices), "--models", "dense,lstm", "--out", "run", *QUICK]
    command[command.index("--steps") + 1] = "100000"
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=take_ctrl_c
    )
    first, _, began = process.stderr.readline().partition(" ")
    assert began.startswith("(1 of 2): step 1/100000")
    (other,) = {"dense", "lstm"} - {first}
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0
    assert f"Training of {first} was stopped; its best weights so far are kept." in errors
    saved = (tmp_path / "run" / "models" / other / "bundle.json").exists()
    assert (f"Training of {other} was stopped" if saved else f"Not trained: {other}.") in errors
    assert (tmp_path / "run" / "models" / first / "bundle.json").exists()


def test_ctrl_c_before_training_writes_nothing_and_says_so(tmp_path):
    data = Path(__file__).parent.parent / "data" / "sp500.csv"
    command = [sys.executable, "-m", "forecast", "run", str(data), "--models", "lstm", "--out", "run"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=take_ctrl_c
    )
    assert "the target is Adj Close" in process.stderr.readline()  # Keras is loaded next, which takes seconds
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "forecast: stopped; nothing was written."
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_a_terminal_sees_a_bar_with_loss_and_pace(prices, tmp_path):
    screen, terminal = os.openpty()
    command = [sys.executable, "-m", "forecast", "train", str(prices), "--model", "dense", "--save", "saved", *QUICK]
    done = subprocess.run(command, cwd=tmp_path, stderr=terminal, stdout=subprocess.PIPE, timeout=300)
    os.close(terminal)
    shown = os.read(screen, 100_000).decode()
    os.close(screen)
    assert done.returncode == 0
    assert re.search(r"dense step 8/8 .* loss 0\.\d{4}, .* a second", shown)


@pytest.mark.skipif(os.name == "nt", reason="the C library goes by another name there")
@pytest.mark.parametrize(("arguments", "status"), [(["models"], 0), (["run", "missing.csv"], 1), (["none"], 2)])
def test_what_native_libraries_do_at_the_end_does_not_change_the_exit_status(arguments, status):
    """Threads of Arrow that end with the process abort it now and then: here they always would."""
    begin = (
        "import ctypes, runpy\n"
        "native = ctypes.CDLL(None)\n"
        "assert native['__cxa_atexit'](native.abort, None, None) == 0\n"
        "runpy.run_module('forecast', run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", begin, *arguments], capture_output=True, timeout=300)
    assert done.returncode == status
    assert done.stderr if status else b"naive" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
@pytest.mark.parametrize("arguments", [["models"], ["inspect", "PRICES", "--json"]])
def test_a_standard_output_that_is_full_is_one_line(arguments, prices):
    command = [sys.executable, "-m", "forecast", *(one.replace("PRICES", str(prices)) for one in arguments)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (1, "forecast: No space left on device.\n")


def test_help_is_quick_work_and_loads_nothing_heavy():
    look = (
        "import sys; sys.argv = ['forecast', '--help']\n"
        "from forecast.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'tensorflow', 'keras', 'pandas', 'numpy', 'matplotlib', 'sklearn', 'yfinance'} & set(sys.modules)\n"
        "print(*heavy, file=sys.stderr, end='')\n"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert "No investment advice" in " ".join(done.stdout.replace("│", " ").split())


def test_inspect_says_what_was_understood_and_what_looks_wrong(forecast, tmp_path):
    rows = [f"{date:%d.%m.%Y};{1000 + day},5" for day, date in enumerate(pd.bdate_range("2020-01-01", periods=40))]
    rows[7] = rows[7].partition(";")[0] + ";"
    (tmp_path / "kurse.csv").write_text("Datum;Schlusskurs\n" + "\n".join(rows[::-1]) + "\n")
    told = forecast("inspect", "kurse.csv", "--plot", "picture.png")
    assert told.returncode == 0, told.stderr
    for words in ("delimiter semicolon", "dates dmy", "decimal mark ,", "Schlusskurs", "2020-01-01", "newest_first 40"):
        assert words in told.stdout
    assert "missing_values 1 (2020-01-10): rows without Schlusskurs are missing values" in told.stdout
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    record = json.loads(forecast("inspect", "kurse.csv", "--json").stdout)
    assert record["series"][0]["rows"] == 39
    strict = forecast("run", "kurse.csv", "--strict")
    assert strict.returncode == 1
    assert "with --strict no row may be left out" in strict.stderr


def test_coming_dates_follow_the_exchange(forecast, tmp_path):
    from forecast.data.calendar.sessions import find_sessions

    days = find_sessions("XNYS", np.datetime64("2026-11-20")).days
    days = pd.DatetimeIndex(days[(days >= np.datetime64("2024-06-03")) & (days <= np.datetime64("2026-11-20"))])
    frame = pd.DataFrame({"Date": days, "Close": random_walk(len(days))})
    frame.to_csv(tmp_path / "made.csv", index=False)
    saved = forecast("train", "made.csv", "--model", "drift", "--save", "saved", "--lookback", "8", "--horizon", "30")
    assert saved.returncode == 0, saved.stderr
    for options in ([], ["--exchange", "NYSE"]):
        done = forecast("predict", "made.csv", "--model", "saved", "--json", *options)
        dates = [step["date"] for step in json.loads(done.stdout)["forecast"]]
        assert dates[0] == "2026-11-23"
        assert not {"2026-11-26", "2026-12-25", "2027-01-01"} & set(dates)
        assert len(dates) == 30


@pytest.fixture
def cli(monkeypatch, tmp_path):
    """The command line in this process, beside a Yahoo on the loopback address."""
    from typer.testing import CliRunner
    from yahoo_server import Stock, isolated

    from forecast.cli.main import app

    with isolated(monkeypatch, tmp_path) as server:
        server.stocks["MADE"] = Stock([2.0, 4.0, 6.0])
        yield lambda *arguments: CliRunner().invoke(app, arguments)


def test_fetch_tells_of_each_ticker_and_fails_if_one_failed(cli):
    good = cli("fetch", "made")
    assert good.exit_code == 0, good.output
    assert "2024-01-02" in good.stdout
    assert "done" in good.stdout
    both = cli("fetch", "NOSUCH", "MADE", "--json")
    assert both.exit_code == 1
    records = json.loads(both.stdout)
    assert [(record["ticker"], record["rows"], record["error_kind"]) for record in records] == [
        ("NOSUCH", 0, "UnknownTicker"),
        ("MADE", 3, ""),
    ]
    assert "forecast: NOSUCH: Yahoo Finance does not know this ticker" in both.stderr


def test_what_was_fetched_is_there_offline(cli):
    assert cli("fetch", "MADE").exit_code == 0
    record = json.loads(cli("inspect", "MADE", "--offline", "--json").stdout)["series"][0]
    assert (record["name"], record["target"], record["rows"], record["exchange"]) == ("MADE", "Adj Close", 3, "XNYS")
