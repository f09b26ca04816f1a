import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import QUICK
from conftest import make_series, random_walk

from forecast.errors import BundleError
from forecast.evaluation import holdout as experiment
from forecast.inference.bundle import check_size, open_model, save_model
from forecast.inference.bundle.card import card
from forecast.inference.bundle.description import checksum
from forecast.inference.bundle.storage import DESCRIPTION, LIMITS
from forecast.models import find_model
from forecast.report import writer as report


@pytest.fixture
def bundle(trained, tmp_path):
    return save_model(trained("lstm"), tmp_path / "lstm")


def test_everything_survives(trained, bundle):
    model, opened = trained("lstm"), open_model(bundle)
    for field in (
        "model",
        "config",
        "target",
        "seconds",
        "created",
        "interrupted",
        "history",
    ):
        assert getattr(opened, field) == getattr(model, field)
    known, again = model.trained_on[0], opened.trained_on[0]
    assert (again.series, again.sha256, again.rows) == (known.series, known.sha256, known.rows)
    np.testing.assert_array_equal(again.scaler.minimum, known.scaler.minimum)
    np.testing.assert_array_equal(again.expert_losses, known.expert_losses)


def test_a_network_that_learned_elsewhere_is_saved_with_the_versions_here(trained, tmp_path):
    model = trained("pretrained")
    assert not model.versions  # they are looked up when it is saved: a first answer does not wait for them
    (line,) = (line for line in card(save_model(model, tmp_path / "model")) if line.startswith("versions"))
    assert f"numpy {np.__version__}" in line


def test_any_other_series_can_be_forecast(bundle):
    other = make_series(50 + random_walk(120, seed=5), "other")
    forecast = open_model(bundle).predict(other)
    assert forecast.series == "other"
    assert forecast.quantiles.shape == (3, 7)


@pytest.mark.slow
def test_the_lines_of_the_docs_open_the_network_in_plain_keras(trained, bundle, walk, tmp_path, capsys):
    """In a process that has not seen this package, against the network's own quantiles."""
    docs = (Path(__file__).parent.parent / "docs" / "bundle.md").read_text()
    walk = walk[:120]  # no expected size of moves: windows keep their own scale
    lines = re.search(r"```python\n(import json, keras.*?)```", docs, re.S).group(1)
    pd.DataFrame({"Date": walk.index, "Close": walk.y}).to_csv(tmp_path / "walk.csv", index=False)
    code = lines.replace("sales/", f"{bundle}/").replace("data/shop_sales.csv", str(tmp_path / "walk.csv"))
    code = code.replace("print(", "print(json.dumps((").rstrip()[:-1] + ").tolist()))\nimport sys\n"
    code += "assert not any(name.startswith('forecast') for name in sys.modules)\n"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, cwd=tmp_path, env=os.environ | QUICK
    )
    found = np.array(json.loads(done.stdout.splitlines()[-1]))
    model = trained("lstm")
    blocks = model.blocks(walk, first=len(walk) - 1)
    raw = find_model("lstm").predict(model.weights, blocks, model.problem)[0]
    span = model.trained_on[0].scaler.span[0]
    np.testing.assert_allclose(found, walk.y[-1] + raw * blocks.scale[0, 0][:, None] * span, rtol=1e-5)


def test_baselines_have_no_keras_file(trained, tmp_path):
    folder = save_model(trained("drift"), tmp_path / "drift")
    assert sorted(path.name for path in folder.iterdir()) == ["bundle.json", "weights.npz"]


def test_a_second_save_replaces_the_first_and_leaves_nothing_else(trained, bundle):
    save_model(trained("gru"), bundle)
    assert open_model(bundle).model == "gru"
    assert [path.name for path in bundle.parent.iterdir()] == ["lstm"]


def test_a_folder_with_something_else_is_left_alone(trained, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(BundleError, match="holds something else"):
        save_model(trained("lstm"), tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "dear"


def test_a_full_disk_is_one_line_and_leaves_the_old_bundle(trained, bundle):
    """The system's own refusal: no file may grow beyond 1,000 bytes in a process of its own."""
    code = (
        "import resource, signal, sys\n"
        "from forecast.inference.bundle import open_model, save_model\n"
        "from forecast.errors import WriteError\n"
        "model = open_model(sys.argv[1])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    save_model(model, sys.argv[1])\n"
        "except WriteError as error:\n    print(error)\n"
    )
    drift = save_model(trained("drift"), bundle.parent / "drift")
    done = subprocess.run([sys.executable, "-c", code, drift], capture_output=True, text=True, timeout=300)
    assert done.stdout.count("\n") == 1, done.stderr
    assert "could not be written, and is as it was. File too large" in done.stdout
    assert open_model(drift).model == "drift"
    assert sorted(path.name for path in bundle.parent.iterdir()) == ["drift", "lstm"]


def edit(bundle, change, *, seal=True):
    """Changes the description; sealed with a checksum that fits, as an attacker would do it."""
    path = bundle / "bundle.json"
    fields = json.loads(path.read_text())
    change(fields)
    if seal and isinstance(fields, dict):
        fields["sha256"] = checksum(fields)
    path.write_text(json.dumps(fields))


def nested(depth):
    return [nested(depth - 1)] if depth else []


def retext(bundle, entry):
    """Puts an entry into the text as it is, which `json.dumps` would not write."""
    path = bundle / "bundle.json"
    fields = json.loads(re.sub(rf"{entry.partition(':')[0]}: [^,]*", entry, path.read_text()))
    fields["sha256"] = checksum(fields)
    path.write_text(json.dumps(fields).replace("Infinity", "1e999"))


def reweigh(bundle, arrays, **settings):
    """Puts other arrays into a bundle, with sizes and hashes that fit."""
    (settings.get("save") or np.savez)(bundle / "weights.npz", **arrays)
    content = (bundle / "weights.npz").read_bytes()
    entry = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    edit(bundle, lambda fields: fields["files"].update({"weights.npz": entry}))


def arrays_of(bundle):
    with np.load(bundle / "weights.npz") as file:
        return dict(file)


def series_of(fields):
    return fields["trained_on"][0]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: shutil.rmtree(folder), "a saved model is a folder with bundle.json"),
        (lambda folder: (folder / "bundle.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "bundle.json").write_text("[" * 100_000), "damaged"),
        (lambda folder: (folder / "bundle.json").write_bytes(b"\xff\xfe"), "damaged"),
        (lambda folder: (folder / "weights.npz").unlink(), "lacks weights.npz"),
        (lambda folder: (folder / "weights.npz").write_bytes(b"no"), "the file was changed after it was saved"),
        (lambda folder: (folder / "model.keras").unlink(), "lacks model.keras"),
        (
            lambda folder: edit(folder, lambda d: d.update(format=99)),
            "bundles of format 1. Received: 99. Update the program.",
        ),
        (lambda folder: edit(folder, lambda d: d.update(format=0)), "Received: 0. Train the model again."),
        (
            lambda folder: edit(folder, lambda d: d.update(format="\x1b[2J")),
            "Received: \\x1b[2J. Train the model again.",
        ),
        (lambda folder: edit(folder, lambda d: d.update(format="1")), "opens bundles of format 1. Received: 1. Train"),
        (lambda folder: edit(folder, lambda d: d.update(created="today"), seal=False), "the text was changed after"),
        (lambda folder: edit(folder, lambda d: d.update(model="oracle")), "a model must be one of"),
        (lambda folder: edit(folder, lambda d: d.update(model="\x1b[2J")), "a model must be one of"),
        (lambda folder: edit(folder, lambda d: d["config"].update(lookback="8")), "damaged"),
        (lambda folder: edit(folder, lambda d: d["config"].update(horizon=10**9)), "must be at most"),
        (lambda folder: edit(folder, lambda d: d["config"]["network"].update(depth=10**9)), "must be at most"),
        (lambda folder: edit(folder, lambda d: d["config"]["training"].update(seeds=10**9)), "must be at most"),
        (lambda folder: edit(folder, lambda d: d["config"]["network"].update(units=5)), "must be finite numbers"),
        (lambda folder: edit(folder, lambda d: series_of(d).update(span=[1, 2])), "span must be finite, of shape"),
        (lambda folder: edit(folder, lambda d: series_of(d).update(span=[0])), "each span must be above 0"),
        (lambda folder: edit(folder, lambda d: series_of(d).update(series="a" * 10_001)), "at most 10,000 characters"),
        (lambda folder: edit(folder, lambda d: series_of(d).update(series=["a"])), "series must be a text"),
        (lambda folder: edit(folder, lambda d: series_of(d).update(last="tomorrow")), "last must be a date"),
        (lambda folder: edit(folder, lambda d: series_of(d).update(first="0001-01-01")), "first must be a date"),
        (lambda folder: edit(folder, lambda d: series_of(d).update(exchange="; rm")), "exchange must be a calendar"),
        (lambda folder: edit(folder, lambda d: series_of(d).update(frequency="\x1b[2J")), "frequency must be"),
        (lambda folder: edit(folder, lambda d: series_of(d).update(rows=-1)), "rows must be a number of rows"),
        (lambda folder: edit(folder, lambda d: series_of(d).update(rows=10**30)), "a number must be at most"),
        (lambda folder: edit(folder, lambda d: series_of(d).update(sha256="no")), "sha256 must be a SHA-256"),
        (lambda folder: edit(folder, lambda d: d.update(created="today")), "created must be a date"),
        (lambda folder: edit(folder, lambda d: d.update(interrupted="no")), "interrupted must be true or false"),
        (lambda folder: edit(folder, lambda d: d.update(tested=["x"])), "tested[0] must have entries by name"),
        (lambda folder: edit(folder, lambda d: d.update(ancestry=[1])), "ancestry[0] must have entries by name"),
        (lambda folder: edit(folder, lambda d: d["history"].update(loss=["x"] * 3)), "history: loss must be a list"),
        (lambda folder: edit(folder, lambda d: d.update(about=nested(20))), "entries must be at most 12 deep"),
        (lambda folder: edit(folder, lambda d: d["files"].update({"weights.npz": 3})), "must have entries by name"),
        (lambda folder: retext(folder, '"training_seconds": 1e999'), "a number must be finite"),
        (
            lambda folder: reweigh(folder, {k: v.astype("i8") for k, v in arrays_of(folder).items()}),
            "must be finite numbers",
        ),
        (lambda folder: edit(folder, lambda d: series_of(d).pop("span")), "damaged"),
        (lambda folder: edit(folder, lambda d: d.update(files={})), "damaged"),
        (lambda folder: edit(folder, lambda d: d["files"].update({"../../x": {}})), "damaged"),
        (lambda folder: edit(folder, lambda d: d.update(files=[], trained_on=[])), "damaged"),
        (lambda folder: edit(folder, lambda d: d.update(history=[[1] * 9])), "damaged"),
        (lambda folder: reweigh(folder, arrays_of(folder) | {"x": np.zeros(3)}), "is no array of this model"),
        (
            lambda folder: reweigh(folder, arrays_of(folder) | {"head/bias": np.full(21, np.nan)}),
            "some are not",
        ),
        (
            lambda folder: reweigh(folder, arrays_of(folder) | {"head/bias": np.array([{}] * 21)}),
            "must be finite numbers of shape (21,)",
        ),
        (lambda folder: reweigh(folder, arrays_of(folder), save=np.savez_compressed), "are uncompressed"),
    ],
)
def test_a_damaged_bundle_is_refused_with_a_reason(bundle, damage, message):
    damage(bundle)
    with pytest.raises(BundleError) as caught:
        open_model(bundle)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert "BundleError" not in str(caught.value)


@pytest.mark.parametrize(
    ("array", "number"), [("children_left", 10**6), ("feature", -1), ("leaf", 10**6), ("feature", 10**6)]
)
def test_trees_that_lead_nowhere_are_refused(trained, tmp_path, array, number):
    folder = save_model(trained("forest"), tmp_path / "forest")
    assert open_model(folder).model == "forest"
    arrays = arrays_of(folder)
    arrays[array][0] = number
    reweigh(folder, arrays)
    with pytest.raises(BundleError, match="the arrays make no forest that forecasts"):
        open_model(folder)


def test_links_are_not_followed(bundle):
    (bundle / "weights.npz").rename(bundle.parent / "weights.npz")
    (bundle / "weights.npz").symlink_to(bundle.parent / "weights.npz")
    with pytest.raises(BundleError, match="a bundle holds files, not links"):
        open_model(bundle)


NAMES = ["a\u00a0b", "a\u00adb", "a\tb", "a\u3000b", "\x1b[31ma", "\U0001f469\u200d\U0001f680", "a\nb", "\udcff", "$x$"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_of_any_characters_are_saved_and_opened(trained, tmp_path, name):
    model = trained("linear")
    known = replace(model.trained_on[0], series=name, unit=name)
    renamed = replace(model, trained_on=(known,), target=name, tested=({**TESTED, "series": name},))
    for path in (tmp_path / "a", tmp_path / "a.zip"):
        found = open_model(save_model(renamed, path))
        assert (found.target, found.trained_on[0].series, found.tested[0]["series"]) == (name, name, name)
        assert not {"\x1b", "\t", "\udcff"} & set("".join(card(path)))


TESTED = {"series": "a", "unit": "b", "first": "2024-01-01", "last": "2024-02-01", "scores": {"mae": 1.0}}


def test_what_would_not_open_again_replaces_nothing(trained, tmp_path):
    model = trained("linear")
    for path in (tmp_path / "a", tmp_path / "a.zip"):
        save_model(model, path)
        before = open_model(path).created
        for wrong in (replace(model, target="a" * 20_000), replace(model, created="today")):
            with pytest.raises(BundleError, match="this model was not saved, for it would not open again"):
                save_model(wrong, path)
        assert open_model(path).created == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "a.zip"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a", "a.zip"])
def test_a_bundle_that_is_replaced_all_the_time_opens(trained, tmp_path, name):
    save_model(trained("drift"), tmp_path / "drift")
    save_model(trained("naive"), tmp_path / "naive")
    save_model(trained("naive"), tmp_path / name)
    code = (
        "import sys\nfrom forecast.inference.bundle import open_model, save_model\n"
        "models = [open_model(path) for path in sys.argv[1:3]]\nprint('ready', flush=True)\n"
        "while True:\n    for model in models:\n        save_model(model, sys.argv[3])\n"
    )
    command = [sys.executable, "-c", code, tmp_path / "drift", tmp_path / "naive", tmp_path / name]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert writer.stdout.readline() == b"ready\n"
        found = {open_model(tmp_path / name).model for _ in range(150)}
    finally:
        writer.kill()
        writer.communicate()
    assert found == {"drift", "naive"}


def zipped(bundle, path, folder="lstm/"):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in bundle.iterdir():
            archive.write(file, f"{folder}{file.name}")
    return path


@pytest.mark.parametrize("folder", ["", "lstm/"])
def test_a_zip_file_is_a_bundle(bundle, trained, walk, tmp_path, folder):
    path = zipped(bundle, tmp_path / "a.zip", folder)
    expected = trained("lstm").predict(walk).quantiles
    np.testing.assert_array_equal(open_model(path).predict(walk).quantiles, expected)
    again = save_model(open_model(path), tmp_path / "b.zip")
    np.testing.assert_array_equal(open_model(again).predict(walk).quantiles, expected)


def many_entries(path):
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(5000):
            archive.writestr(f"{number}", "")


def bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bundle.json", b" " * (10 << 20))


def outside(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../bundle.json", "{}")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "is neither"),
        (lambda path: path.write_text("dear"), "is neither"),
        (many_entries, "a bundle has a few files"),
        (bomb, "more than 100 times its compressed size"),
        (outside, "a saved model is a folder"),
    ],
)
def test_a_zip_file_that_is_no_bundle_is_refused(bundle, tmp_path, damage, message):
    path = zipped(bundle, tmp_path / "a.zip")
    damage(path)
    with pytest.raises(BundleError, match=message):
        open_model(path)


def test_a_bundle_of_the_first_release_opens_for_ever():
    """tests/golden/make.py wrote it; nothing of what it holds may change its name, or its meaning."""
    golden = Path(__file__).parent / "golden"
    model = open_model(golden / "format-1")
    expected = json.loads((golden / "format-1.json").read_text())
    for one in (make_series(random_walk(), "known"), make_series(50 + random_walk(120, seed=5), "other")):
        found = find_model(model.model).predict(model.weights, model.blocks(one, first=len(one) - 1), model.problem)[0]
        np.testing.assert_allclose(found, expected[one.name]["raw"], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(model.predict(one).median, expected[one.name]["median"], rtol=1e-3)


def test_random_changes_are_refused_or_change_nothing(bundle, trained, walk):
    """A small part of benchmarks/hammer.py."""
    expected = trained("lstm").predict(walk).quantiles
    random = np.random.default_rng(0)
    files = {path: path.read_bytes() for path in bundle.iterdir()}
    refused = 0
    for _ in range(300):
        path = list(files)[random.integers(len(files))]
        content = bytearray(files[path])
        content[random.integers(len(content))] ^= 1 << random.integers(8)
        path.write_bytes(content)
        try:
            found = open_model(bundle).predict(walk).quantiles
            np.testing.assert_array_equal(found, expected)
        except BundleError:
            refused += 1
        path.write_bytes(files[path])
    assert refused > 250


@pytest.mark.slow
def test_a_killed_writer_leaves_a_bundle_that_opens(trained, bundle, tmp_path):
    """A small part of benchmarks/hammer.py: a process that saves two models in turns is killed at random moments."""
    save_model(trained("drift"), tmp_path / "a")
    save_model(trained("naive"), tmp_path / "b")
    target = save_model(trained("drift"), tmp_path / "folder" / "target")
    code = (
        "import sys\nfrom forecast.inference.bundle import open_model, save_model\n"
        "models = [open_model(path) for path in sys.argv[1:3]]\nprint('ready', flush=True)\n"
        "while True:\n    for model in models:\n        save_model(model, sys.argv[3])\n"
    )
    random = np.random.default_rng(0)
    for _ in range(4):
        command = [sys.executable, "-c", code, tmp_path / "a", tmp_path / "b", target]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.05 * random.random())
        process.kill()
        process.communicate()
        assert open_model(target).model in ("drift", "naive")


@pytest.mark.slow
def test_as_many_series_as_are_let_through_can_be_opened(trained, walk, tmp_path):
    """Each with a long name, every digit of its numbers, its scores, and the checkpoint of its test."""
    scores, model = experiment.test(trained("drift"), walk)
    with pytest.raises(BundleError, match="at most [0-9,]+ series .columns of each: 1.. Received: 20,000.") as refused:
        check_size(20_000, columns=1)
    most = int(re.search(r"at most ([0-9,]+)", str(refused.value)).group(1).replace(",", ""))
    check_size(most, columns=1)
    with pytest.raises(BundleError, match="columns of each: 21"):
        check_size(most, columns=21)
    assert most > 12_000
    random = np.random.default_rng(1)
    known = [
        replace(model.trained_on[0], series=f"{n:05d}" + 35 * "a", log_scale=random.random((model.config.horizon, 2)))
        for n in range(most)
    ]
    record = report.tested_on(walk, scores, model.config) | {"series": "a" * 40}
    market = replace(model, trained_on=tuple(known), tested=(record,) * most)
    opened = open_model(save_model(market, tmp_path / "market"))
    assert [one.series for one in opened.trained_on] == [one.series for one in known]
    np.testing.assert_array_equal(opened.trained_on[-1].log_scale, known[-1].log_scale)
    np.testing.assert_array_equal(opened.trained_on[-1].checkpoint.factors, known[-1].checkpoint.factors)
    assert (tmp_path / "market" / "bundle.json").stat().st_size > 0.7 * LIMITS[DESCRIPTION]


def test_the_models_of_a_run_are_named(bundle, tmp_path):
    (tmp_path / "run" / "models").mkdir(parents=True)
    shutil.copytree(bundle, tmp_path / "run" / "models" / "lstm")
    with pytest.raises(BundleError, match=r"folder of a run; its models are .*run/models/lstm\."):
        open_model(tmp_path / "run")
