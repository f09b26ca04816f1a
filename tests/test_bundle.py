import json
import shutil

import numpy as np
import pytest
from conftest import make_series, random_walk, scaled_inputs

from forecast.bundle import open_model, save_model
from forecast.errors import BundleError


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
    np.testing.assert_array_equal(again.credit, known.credit)


def test_any_other_series_can_be_forecast(bundle):
    other = make_series(50 + random_walk(120, seed=5), "other")
    forecast = open_model(bundle).forecast(other)
    assert forecast.series == "other"
    assert forecast.quantiles.shape == (3, 7)


def test_the_keras_file_opens_alone_and_agrees(trained, bundle, walk):
    """Plain Keras, without this package: differences of the last rows over their scale in, quantiles of moves out."""
    import keras

    network = keras.saving.load_model(bundle / "model.keras")
    description = json.loads((bundle / "bundle.json").read_text())
    lookback = description["config"]["lookback"]
    known = description["trained_on"][0]
    minimum, span = known["minimum"][0], known["span"][0]
    rows = (walk.y[-lookback - 1 :] - minimum) / span
    differences = np.diff(rows)
    scale = np.abs(differences).mean()
    outputs = network.predict((differences / scale)[None, :, None], verbose=0)[0, 0]
    model = trained("lstm")
    blocks_scale = scale * np.sqrt([1, 2, 3])[:, None] * span
    from forecast.models import find_model

    blocks = find_model("lstm").blocks(scaled_inputs(model, walk), np.array([len(walk) - 1]), model.problem)
    ours = find_model("lstm").predict(model.weights, blocks, model.problem)[0] * blocks_scale
    np.testing.assert_allclose(np.sort(outputs) * blocks_scale, ours, rtol=1e-4, atol=1e-4)


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


def test_an_error_while_saving_leaves_the_old_bundle(trained, bundle, monkeypatch):
    monkeypatch.setattr(np, "savez", lambda *args, **kwargs: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_model(trained("gru"), bundle)
    assert open_model(bundle).model == "lstm"
    assert [path.name for path in bundle.parent.iterdir()] == ["lstm"]


def edit(bundle, change):
    path = bundle / "bundle.json"
    description = json.loads(path.read_text())
    change(description)
    path.write_text(json.dumps(description))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: shutil.rmtree(folder), "a saved model is a folder with bundle.json"),
        (lambda folder: (folder / "bundle.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "weights.npz").unlink(), "lacks weights.npz"),
        (lambda folder: (folder / "weights.npz").write_bytes(b"no"), "not the one that was saved"),
        (lambda folder: edit(folder, lambda d: d.update(format=99)), "opens bundles of format 2. Received: 99"),
        (lambda folder: edit(folder, lambda d: d.update(model="oracle")), "a model must be one of"),
        (lambda folder: edit(folder, lambda d: d["config"].update(lookback="8")), "damaged"),
        (lambda folder: edit(folder, lambda d: d["config"]["network"].update(units=5)), "must be finite, of shape"),
        (
            lambda folder: edit(folder, lambda d: d["trained_on"][0].update(span=[1, 2])),
            "span 0 must be finite, of shape",
        ),
        (lambda folder: edit(folder, lambda d: d["trained_on"][0].pop("credit")), "damaged"),
        (lambda folder: edit(folder, lambda d: d.update(sha256={})), "damaged"),
        (lambda folder: edit(folder, lambda d: d.update(sha256=[], trained_on=[])), "damaged"),
    ],
)
def test_a_damaged_bundle_is_refused_with_a_reason(bundle, damage, message):
    damage(bundle)
    with pytest.raises(BundleError) as caught:
        open_model(bundle)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "BundleError" not in str(caught.value)
