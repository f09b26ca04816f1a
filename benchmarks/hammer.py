"""Whether saved models can be broken: random damage, and writers that are killed.

    .venv/bin/python benchmarks/hammer.py --changes 10000 --kills 200

Each damaged bundle, a folder or a zip file, must be refused in one line or give the same forecast, in less than ten
seconds and 1 GB. Each killed writer must leave a bundle that opens. Ends with an error at the first failure.
"""

import argparse
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from forecast.config import ExperimentConfig, override  # noqa: E402
from forecast.data.sources import load  # noqa: E402
from forecast.errors import BundleError  # noqa: E402
from forecast.inference.bundle import open_model, save_model  # noqa: E402
from forecast.inference.trained_model import TrainedModel  # noqa: E402
from forecast.training.train import train  # noqa: E402

LIMIT_SECONDS, LIMIT_BYTES = 10, 1 << 30
WRITER = """
import sys
from forecast.inference.bundle import open_model, save_model
models = [open_model(path) for path in sys.argv[1:3]]
print("ready", flush=True)
while True:
    for model in models:
        save_model(model, sys.argv[3])
        print("saved", flush=True)
"""


def damaged(content: bytes, random: np.random.Generator, others: list[bytes]) -> tuple[str, bytes]:
    """What was done, and what is left: one byte changed, the end cut off, or another file in its place."""
    kind = ("change", "cut", "swap")[random.choice(3, p=(0.8, 0.15, 0.05))]
    if kind == "swap" and others:
        return kind, others[random.integers(len(others))]
    if kind == "cut":
        return kind, content[: random.integers(len(content))]
    changed = bytearray(content)
    changed[random.integers(len(content))] ^= int(random.integers(1, 256))
    return "change", bytes(changed)


def hammer(bundles: dict[str, TrainedModel], folder: Path, count: int) -> Counter[str]:
    """Damages one file of one bundle after the other."""
    random, series, outcomes = np.random.default_rng(0), load(ROOT / "data" / "sp500.csv"), Counter()
    short = load(series, name="short")
    files = [
        file for name in bundles for file in ([folder / name] if name.endswith(".zip") else (folder / name).iterdir())
    ]
    kept = {file: file.read_bytes() for file in files}
    expected = {name: model.predict(short).quantiles for name, model in bundles.items()}
    for number in range(count):
        file = files[random.integers(len(files))]
        bundle = file if file.suffix == ".zip" else file.parent
        kind, content = damaged(kept[file], random, [other for path, other in kept.items() if path.name == file.name])
        file.write_bytes(content)
        started = time.perf_counter()
        try:
            found = open_model(bundle)
            same = np.array_equal(found.predict(short).quantiles, expected[bundle.name])
            outcome = "same" if same else "whole" if kind == "swap" and content in kept.values() else "OTHER FORECAST"
        except BundleError as error:
            outcome = "refused" if "\n" not in str(error) else "MORE THAN ONE LINE"
        seconds = time.perf_counter() - started
        file.write_bytes(kept[file])
        outcomes[f"{kind}: {outcome}"] += 1
        if outcome.isupper() or seconds > LIMIT_SECONDS:
            raise SystemExit(f"number {number}, {file.name}, {kind}: {outcome}, {seconds:.1f} s")
    return outcomes


def kill_writers(first: Path, second: Path, target: Path, count: int) -> Counter[str]:
    """Kills a process that saves two models in turns, at random moments."""
    random, found = np.random.default_rng(0), Counter()
    for _ in range(count):
        command = [sys.executable, "-c", WRITER, str(first), str(second), str(target)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)  # noqa: S603
        for _ in range(1 + int(random.integers(3))):
            writer.stdout.readline()
        time.sleep(0.03 * random.random())
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        found[open_model(target).model] += 1
    return found


def main() -> None:
    """Both, and what came out."""
    parser = argparse.ArgumentParser(description="Damages bundles and kills their writers.")
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    options = parser.parse_args()
    settings = {"units": 8, "max_steps": 10, "horizon": 10, "lookback": 32}
    series = load(ROOT / "data" / "sp500.csv")
    models = {name: train(series, name, override(ExperimentConfig(), settings)) for name in ("lstm", "linear")}
    work = Path(tempfile.mkdtemp())
    try:
        bundles = {name: models[name.removesuffix(".zip")] for name in ("lstm", "lstm.zip", "linear")}
        for name, model in bundles.items():
            save_model(model, work / name)
        resource.setrlimit(resource.RLIMIT_AS, (_in_use() + LIMIT_BYTES,) * 2)
        print(dict(hammer(bundles, work, options.changes)), flush=True)
        save_model(models["linear"], work / "kills" / "target")
        save_model(train(series, "naive", override(ExperimentConfig(), settings)), work / "naive")
        print(dict(kill_writers(work / "linear", work / "naive", work / "kills" / "target", options.kills)), flush=True)
        print(f"left beside the bundle: {len(list((work / 'kills').iterdir())) - 1} hidden folders")
    finally:
        shutil.rmtree(work)


def _in_use() -> int:
    """Bytes of addresses that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    main()
