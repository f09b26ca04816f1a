"""A small part of benchmarks/hammer.py: damaged bundles and files, and errors and kills at each change of a folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from damage import damaged, prices, resealed, write_formats

from forecast.data.sources import load
from forecast.errors import BundleError, ForecastError
from forecast.inference.bundle import open_model, save_model
from forecast.inference.bundle.card import card
from forecast.inference.predict import predict_all
from forecast.runtime.atomic import PREFIX


@pytest.mark.parametrize("name", ["lstm", "forest", "linear"])
def test_what_is_sealed_is_refused_or_opens(trained, walk, tmp_path, name):
    """Wrong entries and arrays with checksums that fit: one line, or a model that forecasts or says why not."""
    folder = save_model(trained(name), tmp_path / name)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    refused = 0
    for number in range(80):
        _, changed = resealed(files, np.random.default_rng(number))
        for path, content in changed.items():
            (folder / path).write_bytes(content)
        try:
            model = open_model(folder)
        except BundleError as error:
            assert "\n" not in str(error)
            refused += 1
            continue
        assert not any("\x1b" in line for line in card(folder))
        predict_all(model, [walk])
    assert refused > 40


def test_damaged_files_are_refused_or_read(tmp_path):
    """All formats; what is wrong is one line."""
    (tmp_path / "files").mkdir()
    contents = {path: path.read_bytes() for path in write_formats(prices(60), tmp_path / "files")}
    assert len(contents) == 10
    read = refused = 0
    for number in range(80):
        path = list(contents)[number % len(contents)]
        path.write_bytes(damaged(contents[path], np.random.default_rng(number), list(contents.values()))[1])
        try:
            read += bool(len(load(path)))
        except ForecastError as error:
            assert "\n" not in str(error)
            refused += 1
        path.write_bytes(contents[path])
    assert read > 5
    assert refused > 15


pytestmark = pytest.mark.slow

SAVE = """
import os, sys
sys.path.insert(0, sys.argv[1])
from damage import install
from forecast.errors import WriteError
from forecast.inference.bundle import open_model, save_model
folder, source, target, most = sys.argv[2:]
model = open_model(source)
for at in range(int(most)):
    if child := os.fork():
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(at, status, open_model(target).model, flush=True)
        continue
    install(folder, at, "kill" if at % 2 else 28)
    try:
        save_model(model, target)
    except WriteError as error:
        os._exit(1 if "is as it was. No space left" in str(error) else 2)
    os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks of processes here")
@pytest.mark.parametrize("name", ["target", "target.zip"])
def test_every_change_of_a_save_may_fail_or_be_the_last(trained, tmp_path, name):
    """The old model or the new one is there, whole; and the next save leaves nothing behind."""
    old, new = (save_model(trained(model), tmp_path / model) for model in ("naive", "drift"))
    (tmp_path / "work").mkdir()
    target = save_model(open_model(old), tmp_path / "work" / name)
    command = [sys.executable, "-c", SAVE, Path(__file__).parent, tmp_path / "work", new, target, "12"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    ends = [line.split() for line in done.stdout.splitlines()]
    assert {status for _, status, _ in ends} == {"0", "1", "-9"}
    assert {model for _, _, model in ends} <= {"naive", "drift"}
    for left in (tmp_path / "work").glob(f"{PREFIX}*"):
        os.utime(left, (0, 0))
    save_model(open_model(old), target)
    assert [path.name for path in (tmp_path / "work").iterdir()] == [name]
    assert open_model(target).model == "naive"


def test_an_error_after_the_swap_is_none(trained, tmp_path):
    """What is in its place is whole: nobody is told that the old one is there."""
    target = save_model(trained("naive"), tmp_path / "a")
    code = (
        "import os, sys\nfrom forecast.inference.bundle import open_model, save_model\n"
        "sync, parent = os.fsync, os.stat(os.path.dirname(sys.argv[1]))\n"
        "def fail(handle):\n    if os.path.samestat(os.fstat(handle), parent): raise OSError(5, 'I/O error')\n"
        "    sync(handle)\nos.fsync = fail\nsave_model(open_model(sys.argv[2]), sys.argv[1])\n"
    )
    (tmp_path / "new").mkdir()
    new = save_model(trained("drift"), tmp_path / "new" / "m")
    done = subprocess.run([sys.executable, "-c", code, target, new], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert open_model(target).model == "drift"


def test_the_damage_itself(tmp_path):
    """Every kind of damage occurs, and a fault comes where it is asked for."""
    kinds = {damaged(b"a" * 100, np.random.default_rng(number), [b"b"])[0] for number in range(200)}
    assert len(kinds) == 8
    code = f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\nfrom damage import install\n"
    code += "import os, json\nchanges = install(sys.argv[1], 3, 28)\n"
    code += "for name in 'abc':\n    try: open(os.path.join(sys.argv[1], name), 'w').close()\n"
    code += "    except OSError as error: changes.append(error.errno)\nprint(json.dumps(changes))\n"
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=300)
    assert json.loads(done.stdout) == ["open", "open", "open", 28]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
