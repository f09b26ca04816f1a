"""The same code on each backend of Keras, and on several devices."""

import importlib.util
import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

from forecast.runtime import devices

pytestmark = pytest.mark.slow

# Trains twenty steps, and compares the network that Keras holds with the equations in numpy.
TRAIN = """
import json, sys
import numpy as np
sys.path.insert(0, {tests!r})
from conftest import EVERY, make_series, random_walk, scaled_inputs
{before}
import keras
from forecast.config import override
from forecast.models.neural import architecture
from forecast.models import MODELS
from forecast.training.train import train
from test_backends import SETTINGS

wave = make_series(50 + 10 * np.sin(np.arange(300) / 3) + 0.1 * random_walk(300))
config = override(EVERY, SETTINGS)
found = {{"backend": keras.backend.backend()}}
for name in {models!r}:
    model = train(wave, name, config)
    blocks = MODELS[name].blocks(scaled_inputs(model, wave), np.arange(100, 120), model.problem)
    network = architecture.with_weights(name, model.problem, model.weights)
    theirs = np.sort(keras.ops.convert_to_numpy(network(blocks.x))[:, 0])
    ours = MODELS[name].predict(model.weights, blocks, model.problem)
    found[name] = {{
        "losses": [row.validation_loss for row in model.history],
        "off": float(np.abs(theirs - ours).max() / np.abs(ours).max()),
    }}
print(json.dumps(found))
"""
SETTINGS = {"max_steps": 20, "learning_rate": 0.02, "highway": False, "dropout": 0.1}


def run(backend, models, before=""):
    code = TRAIN.format(tests=str(Path(__file__).parent), models=models, before=before)
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def trained_on():
    """What came of a training on a backend, once each."""
    return lru_cache(lambda backend: run(backend, ["stack", "dense"]))


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_twenty_steps_on_each_backend(trained_on, backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    found = dict(trained_on(backend))
    assert found.pop("backend") == backend
    for result in found.values():
        assert result["losses"][-1] < 0.9 * result["losses"][0]
        assert result["off"] < 1e-4


def test_two_devices_share_each_batch_and_learn_the_same(trained_on):
    """TensorFlow's mirrored replicas, on two parts of this processor that stand for GPUs."""
    two = """
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
from forecast.runtime import devices
devices.gpus = lambda: 2
mirrored = tf.distribute.MirroredStrategy
tf.distribute.MirroredStrategy = lambda: mirrored(["CPU:0", "CPU:1"])
import contextlib
devices.policy = contextlib.nullcontext  # float32, as on one device
"""
    one, shared = trained_on("tensorflow")["dense"], run("tensorflow", ["dense"], two)["dense"]
    assert shared["losses"][0] == one["losses"][0]
    assert shared["losses"][-1] == pytest.approx(one["losses"][-1], rel=0.1)
    assert shared["off"] < 1e-4


def test_compiled_programs_that_were_not_used_for_longest_make_room(tmp_path):
    for age, name in enumerate(("new", "used", "old", "oldest")):
        file = tmp_path / "kind" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(bytes(10))
        os.utime(file, (1e9 - age, 1e9 - age))
    os.utime(tmp_path / "kind" / "used", (1e9 + 1, 1))  # read of late, written long ago
    devices.remove_oldest(tmp_path, most=25)
    assert {file.name for file in (tmp_path / "kind").iterdir()} == {"new", "used"}
    devices.remove_oldest(tmp_path / "nowhere", most=0)


def test_a_backend_that_is_not_installed_is_named_with_its_cure(tmp_path):
    """As torch is where nobody installed it."""
    code = "import forecast; forecast.train([float(k % 7) for k in range(300)], 'dense')"
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'torch' else find(name, *rest)\n"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parent.parent)])
    environment = os.environ | {"KERAS_BACKEND": "torch", "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)
    assert done.stderr.splitlines()[-1].endswith(
        "Keras' backend must be installed. KERAS_BACKEND asks for torch, which is not: "
        "pip install 'honest-forecast[torch]'."
    )
    source = Path(__file__).parent.parent / "data" / "sp500.csv"
    command = [
        sys.executable,
        "-m",
        "forecast",
        "train",
        str(source),
        "--model",
        "dense",
        "--save",
        str(tmp_path / "m"),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("forecast: Keras' backend must be installed.")
