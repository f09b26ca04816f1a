"""Networks in other runtimes say the same."""

import numpy as np
import pytest
from conftest import make_series, random_walk

from forecast.config import InputConfig
from forecast.errors import ConfigError, ModelError
from forecast.inference.bundle import exporting


@pytest.mark.parametrize("kind", exporting.ENDINGS)
def test_every_format_says_what_keras_says(kind, trained, tmp_path):
    path = tmp_path / f"gru{exporting.ENDINGS[kind]}"
    assert exporting.export(trained("gru"), kind, path) < 1e-5
    assert path.exists()
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_runtime_that_says_something_else_leaves_no_file(trained, tmp_path, monkeypatch):
    monkeypatch.setitem(exporting.RUNTIMES, "saved_model", lambda path, inputs: np.float32(7))
    with pytest.raises(ModelError, match="nothing was written"):
        exporting.export(trained("dense"), "saved_model", tmp_path / "dense")
    assert not list(tmp_path.iterdir())


def test_two_inputs_where_columns_are_known_ahead(tmp_path):
    from dataclasses import replace

    from conftest import SMALL

    from forecast.training.train import train

    config = replace(SMALL, inputs=InputConfig(calendar=("weekday",)))
    model = train(make_series(random_walk()), "dense", config)
    for kind in ("saved_model", "onnx"):
        assert exporting.export(model, kind, tmp_path / kind) < 1e-5


def test_other_models_and_formats_are_refused(trained, tmp_path):
    with pytest.raises(ConfigError, match="networks can be exported"):
        exporting.export(trained("naive"), "saved_model", tmp_path / "x")
    with pytest.raises(ConfigError, match="`format` must be one of saved_model, onnx, litert. Received: pmml"):
        exporting.check_format("pmml")


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setitem(exporting.NEEDED, "onnx", ("no_such_package",))
    with pytest.raises(ConfigError, match=r"no_such_package. pip install 'honest-forecast\[export\]'"):
        exporting.check_format("onnx")
