"""Forecasts of one series or many: the same, whoever goes with it; and what is said about new ones."""

import csv
import tracemalloc

import numpy as np
import pytest
from conftest import EVERY, make_series, random_walk

from forecast.errors import BundleError, SeriesTooShort
from forecast.evaluation import tasks
from forecast.inference import rolling_origin
from forecast.inference.bundle import save_model
from forecast.inference.bundle.keras_file import open_in_keras
from forecast.inference.predict import assumptions, predict_all, write_table
from forecast.models import MODELS, NETWORKS
from forecast.runtime.parallel import run_jobs
from forecast.training.train import train

OTHERS = [make_series(50 + random_walk(rows, seed=rows), f"other {rows}") for rows in (60, 120, 200, 201)]


@pytest.mark.parametrize("name", MODELS)
def test_a_series_is_forecast_the_same_alone_and_among_others(name, trained, walk):
    several = OTHERS[:2] if name == "arima" else [*OTHERS, walk]  # ARIMA searches its orders anew in each
    together, failed = predict_all(trained(name), several)
    assert not failed
    for one, found in zip(several, together, strict=True):
        alone = trained(name).predict(one)
        np.testing.assert_allclose(found.quantiles, alone.quantiles, rtol=1e-5)
        assert (found.series, found.dates) == (alone.series, alone.dates)


@pytest.mark.parametrize("name", ["linear", "lstm"])
def test_forecasts_of_a_model_by_processes_are_the_same_to_the_last_bit(name, trained, walk, monkeypatch):
    monkeypatch.setattr(tasks, "TOGETHER", 2)
    started = []
    monkeypatch.setattr(
        tasks, "run_jobs", lambda work, parts, **named: (started.append(named), run_jobs(work, parts, **named))[1]
    )
    several = [*OTHERS, make_series(random_walk(6), "short"), walk]
    here, there = (tasks.predict_side_by_side(trained(name), several, jobs=jobs) for jobs in (1, 2))
    assert started == [{"workers": 2}]
    assert (
        [one.series for one in there[0]] == [one.series for one in here[0]] == [*(one.name for one in OTHERS), "made"]
    )
    for one, other in zip(here[0], there[0], strict=True):
        np.testing.assert_array_equal(one.quantiles, other.quantiles)
    assert {name: str(error) for name, error in there[1].items()} == {"short": str(here[1]["short"])}
    assert type(there[1]["short"]) is SeriesTooShort


def test_one_that_cannot_be_forecast_does_not_stop_the_others(trained, walk):
    short = make_series(random_walk(6), "short")
    made, failed = predict_all(trained("lstm"), [*OTHERS, short, walk])
    assert [one.series for one in made] == [*(one.name for one in OTHERS), walk.name]
    assert isinstance(failed["short"], SeriesTooShort)
    assert "needs at least 9 rows (lookback=8). Received: 6, 3 too few." in str(failed["short"])


def test_a_forecast_of_a_new_series_follows_its_scale(trained):
    """Ten times the prices, ten times the forecast: nothing of the scale of another series is in it."""
    series = OTHERS[2]
    larger = make_series(10 * series.y, "larger")
    one, other = trained("lstm").predict_all([series, larger])
    np.testing.assert_allclose(other.quantiles, 10 * one.quantiles, rtol=1e-5)


@pytest.mark.parametrize("name", ["dense", "linear", "esn", "pretrained", "naive"])
def test_a_forecast_long_after_training_is_the_last_of_the_backtest(name, trained, walk, monkeypatch):
    """Followed to the last row part by part, four horizons each, or all at once: the same."""
    monkeypatch.setattr(rolling_origin, "CELLS", 1)
    found = trained(name).backtest(walk)
    assert len(found.origin) > 8 * found.actual.shape[1]
    np.testing.assert_allclose(trained(name).predict(walk).quantiles, found.quantiles[-1], rtol=1e-9)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("of", ["the series of the training", "another"])
def test_a_backtest_part_by_part_is_that_of_all_origins_at_once(name, of, trained, walk, monkeypatch):
    series = OTHERS[3] if of == "another" else walk
    whole, after_whole = trained(name).test(series)
    monkeypatch.setattr(rolling_origin, "CELLS", 1)
    parts, after_parts = trained(name).test(series)
    assert len(whole.origin) > 8 * whole.actual.shape[1]
    for field in ("origin", "last_value", "actual", "quantiles", "network_share"):
        one, other = getattr(parts, field), getattr(whole, field)
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_allclose(one, other, rtol=1e-9)
    for one, other in zip(after_parts.trained_on, after_whole.trained_on, strict=True):
        assert (one.checkpoint is None) == (other.checkpoint is None)
        if one.checkpoint and other.checkpoint:
            assert (one.checkpoint.rows, one.checkpoint.sha256) == (other.checkpoint.rows, other.checkpoint.sha256)
            for part in ("expert_losses", "factors", "log_scales"):
                found, expected = getattr(one.checkpoint, part), getattr(other.checkpoint, part)
                np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["linear", "gru"])
def test_a_new_series_is_forecast_from_the_rows_up_to_the_origin_alone(name):
    """Where origins some rows apart decide on its shrinkage, from whichever row on it is followed."""
    random = np.random.default_rng(0)
    own, other = (make_series(50 + random.normal(size=rows), str(rows)) for rows in (300, 240))
    model = train(own, name, EVERY, horizon=8 * rolling_origin.APART // 4)
    assert rolling_origin._trail_stride(model.problem) == 2
    trajectory = model.at_origins([other])[0]
    assert np.ptp(trajectory.factors) > 0.01
    for place in (0, 1, 2, 7, len(trajectory.raw) - 1):
        last = int(trajectory.blocks.origin[place])
        alone = model.predict(make_series(other.y[: last + 1], "alone")).quantiles
        np.testing.assert_allclose(alone, trajectory.levels[place], rtol=1e-6)


def test_memory_grows_with_the_rows_by_no_more_than_what_is_kept(monkeypatch):
    def peak(work):
        tracemalloc.start()
        try:
            found = work()
            return tracemalloc.get_traced_memory()[1], found
        finally:
            tracemalloc.stop()

    long = make_series(50 + np.random.default_rng(0).normal(size=20_000), "long")  # whose past moves are not looked at
    model = train(long, "linear", horizon=12, lookback=8)
    monkeypatch.setattr(rolling_origin, "CELLS", 2**14)
    model.predict(long)
    forecast, _ = peak(lambda: model.predict(long))
    whole, _ = peak(lambda: model.at_origins([long]))
    backtest, found = peak(lambda: model.backtest(long))
    kept = found.quantiles.nbytes + found.actual.nbytes
    assert 3 * forecast < whole
    assert backtest < kept + 2 * forecast < whole


def test_what_is_assumed_is_said(trained, walk):
    assert assumptions(trained("lstm"), [walk]) == []
    said = assumptions(trained("lstm"), OTHERS)
    assert "other 60, other 120, other 200, other 201: this lstm was not trained on it." in said[0]
    revised = make_series(walk.y + 1, walk.name)
    assert "differ from those that the model was trained on" in assumptions(trained("lstm"), [revised])[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_keras_says_what_the_equations_say(name, trained, walk, tmp_path):
    save_model(trained(name), tmp_path / name)
    if name == "sru":
        save_model(trained(name), tmp_path / "sru.zip")
    found = open_in_keras(tmp_path / ("sru.zip" if name == "sru" else name)).predict(walk)
    np.testing.assert_allclose(found.quantiles, trained(name).predict(walk).quantiles, rtol=1e-5)


def test_a_model_without_a_network_has_no_keras_backend(trained, tmp_path):
    with pytest.raises(BundleError, match="naive is no network"):
        open_in_keras(save_model(trained("naive"), tmp_path / "naive"))


def rewritten(folder, *, config=lambda config: None, arrays=lambda file: None):
    """A bundle with another Keras file, and a checksum that fits."""
    import hashlib
    import io
    import json
    import zipfile

    import h5py
    from test_bundle import edit

    with zipfile.ZipFile(folder / "model.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    layers = json.loads(members["config.json"])
    config(layers)
    stream = io.BytesIO(members["model.weights.h5"])
    with h5py.File(stream, "r+") as file:
        arrays(file)
    members |= {"config.json": json.dumps(layers).encode(), "model.weights.h5": stream.getvalue()}
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    content = (folder / "model.keras").read_bytes()
    entry = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    edit(folder, lambda fields: fields["files"].update({"model.keras": entry}))
    return folder


def layer(number, **changes):
    return lambda config: config["config"]["layers"][number]["config"].update(changes)


def linked(file):
    import h5py

    file["elsewhere"] = h5py.ExternalLink("/etc/hostname", "/x")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            {"config": lambda config: config["config"]["layers"][1].update(class_name="system", module="os")},
            "a network is made of Keras' layers. Received: 'os.system'",
        ),
        ({"config": layer(1, units=64)}, "its layers must be those of lstm in bundle.json"),
        ({"config": layer(0, batch_shape=[None, 10**9, 10**6])}, "its layers must be those of lstm"),
        ({"config": lambda config: config["config"]["layers"].append(config["config"]["layers"][1])}, "its layers"),
        ({"config": lambda config: config["config"].update(x={"class_name": "RepeatVector", "config": {}})}, "layers"),
        ({"arrays": lambda file: file.create_dataset("x", (10**6, 10**6), chunks=(1, 1))}, "have at most"),
        ({"arrays": linked}, "the arrays of a network are in its own file"),
        ({"config": lambda config: config.clear()}, "its layers must be those"),
    ],
)
def test_a_wicked_keras_file_is_not_opened(trained, tmp_path, damage, message):
    """Layers that are code, or that fill the memory: refused before Keras sees them."""
    with pytest.raises(BundleError, match=message):
        open_in_keras(rewritten(save_model(trained("lstm"), tmp_path / "lstm"), **damage))


def test_a_table_has_a_row_for_each_step_and_quotes_names(trained, tmp_path):
    series = make_series(random_walk(100), 'a, "b"')
    write_table([trained("lstm").predict(series).record()], tmp_path / "table.csv")
    with (tmp_path / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["1", "2", "3"]
    assert {row["series"] for row in rows} == {'a, "b"'}
    assert float(rows[0]["q50"]) == trained("lstm").predict(series).median[0]


def test_ensembles_go_together_too(walk):
    from forecast.config import override

    model = train(walk, "dense", override(EVERY, {"seeds": 2, "max_steps": 2}))
    found, _ = predict_all(model, [OTHERS[1], walk])
    np.testing.assert_allclose(found[1].quantiles, model.predict(walk).quantiles, rtol=1e-6)
