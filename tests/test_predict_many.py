"""Thousands of series in batches: the same forecasts as one by one, whatever fails, stops or changes on the way."""

import csv
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from commands import run_command
from conftest import random_walk, take_ctrl_c

from forecast.config import LEVELS
from forecast.data.sources import expand, load
from forecast.errors import ConfigError, WriteError
from forecast.inference.batch import predict_many as shards
from forecast.inference.batch.predict_many import predict_many
from forecast.inference.batch.shards import errors_file, shards_folder
from forecast.inference.bundle import save_model

READING = {"columns": (), "future_columns": (), "prices": False, "target": None}


def write(folder, name, seed, rows=60):
    """A series as a partition of a dataset."""
    dates = pd.bdate_range("2020-01-01", periods=rows)
    (folder / f"ticker={name}").mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame({"Date": dates, "Close": random_walk(rows, seed)})
    frame.to_parquet(folder / f"ticker={name}" / "part-0.parquet", index=False)


@pytest.fixture
def market(tmp_path, monkeypatch):
    """Seven series in batches of two."""
    monkeypatch.setattr(shards, "SIZE", 2)
    for number in range(7):
        write(tmp_path / "market", f"T{number}", seed=number, rows=60 + number)
    return tmp_path / "market"


@pytest.fixture
def bundle(trained, tmp_path):
    return save_model(trained("lstm"), tmp_path / "lstm")


def forecasts(bundle, market, out, jobs=1, on_progress=None):
    return predict_many(bundle, expand(str(market)), out, jobs=jobs, load_options=READING, on_progress=on_progress)


def test_each_series_is_forecast_as_by_itself(market, bundle, trained, tmp_path):
    found = forecasts(bundle, market, tmp_path / "f.parquet", jobs=2)
    assert (found.done, found.new, found.errors) == (7, 7, {})
    table = pd.read_parquet(tmp_path / "f.parquet")
    assert list(table) == ["series", "model", "origin", "step", "date", *LEVELS]
    assert list(table["series"].unique()) == [f"T{number}" for number in range(7)]
    for reference in expand(str(market)):
        series = load(reference)
        alone, rows = trained("lstm").predict(series), table[table["series"] == series.name]
        np.testing.assert_allclose(rows[list(LEVELS)], alone.quantiles, rtol=1e-5)
        assert rows["step"].tolist() == [1, 2, 3]
        assert tuple(rows["date"].dt.strftime("%Y-%m-%d")) == alone.dates
        assert (rows["origin"] == series.index[-1]).all()
    assert not shards_folder(tmp_path / "f.parquet").exists()
    assert not errors_file(tmp_path / "f.parquet").exists()


def test_series_that_fail_stand_in_a_table_and_the_others_are_done(market, bundle, tmp_path):
    write(market, "T1", seed=1, rows=5)
    (market / "ticker=T4" / "part-0.parquet").write_bytes(b"PAR1 no more")
    out = tmp_path / "f.parquet"
    found = forecasts(bundle, market, out)
    assert (found.done, len(found.errors)) == (5, 2)
    with errors_file(out).open() as file:
        rows = {row["series"]: row["error"] for row in csv.DictReader(file)}
    assert rows == found.errors
    assert "needs at least 9 rows (lookback=8). Received: 5" in rows[f"{market}/ticker=T1"]
    assert "this Parquet file cannot be read" in rows[f"{market}/ticker=T4"]
    write(market, "T1", seed=1)
    write(market, "T4", seed=4)
    assert not forecasts(bundle, market, out).errors
    assert not errors_file(out).exists()  # an old one would mislead


def test_series_of_one_name_are_told_apart(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SIZE", 1)
    for folder in ("north", "south"):
        (tmp_path / folder).mkdir()
        pd.Series(random_walk(60), pd.bdate_range("2020-01-01", periods=60), name="Sales").rename_axis("Date").to_csv(
            tmp_path / folder / "sales.csv"
        )
    references = expand(f"{tmp_path}/*/sales.csv")
    predict_many(bundle, references, tmp_path / "f.parquet", jobs=1, load_options=READING)
    assert list(pd.read_parquet(tmp_path / "f.parquet")["series"].unique()) == references


class Stopped(Exception):
    """Somebody ends the work."""


def stop_early(progress):
    if progress.done:
        raise Stopped


def test_stopped_work_goes_on_where_it_was(market, bundle, tmp_path):
    whole, out, told = tmp_path / "whole.parquet", tmp_path / "f.parquet", []
    forecasts(bundle, market, whole)
    with pytest.raises(Stopped):
        forecasts(bundle, market, out, on_progress=stop_early)
    assert not out.exists()
    kept = {file.name: file.stat().st_mtime_ns for file in shards_folder(out).glob("*.parquet")}
    assert kept
    found = forecasts(bundle, market, out, on_progress=told.append)
    assert told[0].done == 2 * len(kept)
    assert found.done == 7
    pd.testing.assert_frame_equal(pd.read_parquet(out), pd.read_parquet(whole))


def test_parts_of_other_rows_or_another_model_are_not_used(market, bundle, trained, tmp_path):
    out, told = tmp_path / "f.parquet", []

    def stop_at_the_end(progress):
        if progress.done == progress.total:
            raise Stopped

    with pytest.raises(Stopped):
        forecasts(bundle, market, out, on_progress=stop_at_the_end)
    write(market, "T0", seed=99)  # the batch of T0 and T1
    with pytest.raises(Stopped):
        forecasts(bundle, market, out, on_progress=lambda progress: (told.append(progress), stop_at_the_end(progress)))
    assert told[0].done == 5
    other = save_model(trained("gru"), tmp_path / "gru")
    found = forecasts(other, market, out, on_progress=told.append)
    assert told[2].done == 0
    assert found.done == 7
    assert set(pd.read_parquet(out)["model"]) == {"gru"}


def test_names_in_a_text_file_are_read_together(bundle, tmp_path):
    walks = pd.DataFrame({f"S{n}": random_walk(60, n) for n in range(5)}, pd.bdate_range("2020-01-01", periods=60))
    walks.rename_axis("Date").to_csv(tmp_path / "wide.csv")
    references = expand(f"{tmp_path}/wide.csv:*")
    assert list(shards._split_references(references)) == [tuple(references)]
    found = predict_many(bundle, [*references, "nowhere.csv"], tmp_path / "f.parquet", jobs=1, load_options=READING)
    assert (found.done, list(found.errors)) == (5, ["nowhere.csv"])


def test_work_without_workers_is_refused(bundle, market, tmp_path):
    with pytest.raises(ConfigError, match="`jobs` must be at least 1"):
        forecasts(bundle, market, tmp_path / "f.parquet", jobs=0)


def test_workers_need_no_keras():
    code = "import sys, forecast.inference.batch.predict_many; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    ).stdout
    assert not {"tensorflow", "keras", "matplotlib", "sklearn", "jax"} & set(loaded.split())


def predict(folder, *arguments):
    return run_command("predict", *arguments, folder=folder)


def test_the_command_counts_what_failed(market, bundle, tmp_path):
    write(market, "T1", seed=1, rows=5)
    done = predict(tmp_path, "market", "--model", bundle, "--out", "f.parquet", "--jobs", 1)
    assert done.returncode == 1
    assert done.stdout == "Forecasts of 6 series are in f.parquet\n"
    assert done.stderr.splitlines()[-1] == "forecast: without a forecast: 1 series; f.errors.csv says why."
    assert "New to this lstm: 6 series" in done.stderr
    refused = predict(tmp_path, "market", "--model", bundle, "--out", "f.parquet", "--plot", "f.png")
    assert "--out goes without" in refused.stderr
    few = predict(tmp_path, "market", "--model", bundle, "--json")  # without a file of results
    assert few.returncode == 1
    assert "needs at least 9 rows" in few.stderr


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to another process there")
def test_ctrl_c_keeps_what_is_finished(bundle, tmp_path):
    for number in range(330):
        write(tmp_path / "market", f"T{number:03d}", seed=number)
    command = [sys.executable, "-m", "forecast", "predict", "market", "--model", str(bundle), "--out", "f.parquet"]
    with subprocess.Popen(
        [*command, "--jobs", "1"], stderr=subprocess.PIPE, text=True, cwd=tmp_path, preexec_fn=take_ctrl_c
    ) as process:
        end = time.monotonic() + 60
        while not list((tmp_path / "f.parquet.shards").glob("*.parquet")) and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=300)[1]
    assert process.returncode == 130
    assert said.endswith("stopped. What is finished is in f.parquet.shards; the same command goes on with it.\n")
    again = predict(tmp_path, "market", "--model", bundle, "--out", "f.parquet", "--jobs", 1)
    assert again.returncode == 0, again.stderr
    assert not again.stderr.startswith("0 of 330")
    assert again.stdout == "Forecasts of 330 series are in f.parquet\n"


def test_two_that_write_to_one_file_do_not_disturb_each_other(market, bundle, tmp_path):
    """The second is refused while the first works, and what the first wrote is whole."""
    out, told = tmp_path / "f.parquet", []

    def second(progress):
        if progress.done and not told:
            with pytest.raises(WriteError, match="another process writes to .*f.parquet.shards now") as refused:
                forecasts(bundle, market, out)
            told.append(str(refused.value))

    assert forecasts(bundle, market, out, on_progress=second).done == 7
    assert told
    assert pd.read_parquet(out)["series"].nunique() == 7
    assert forecasts(bundle, market, out).done == 7
    assert not shards_folder(out).exists()


def test_files_of_others_in_the_folder_of_parts_stay(market, bundle, tmp_path):
    out = tmp_path / "f.parquet"
    shards_folder(out).mkdir()
    others = [shards_folder(out) / name for name in ("prices.parquet", "letter.txt")]
    for other in others:
        other.write_text("data")
    old = shards_folder(out) / f"{'0' * 32}.parquet"
    old.write_text("of an earlier call")
    assert forecasts(bundle, market, out).done == 7
    assert sorted(shards_folder(out).iterdir()) == sorted(others)
