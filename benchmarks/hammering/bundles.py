"""Damaged bundles: folders and zip files, with checksums that fit or not, opened and forecast from in this process."""

import time
from collections import Counter
from pathlib import Path

import numpy as np
from damage import damaged, prices, resealed

from forecast.config import ExperimentConfig, override
from forecast.data.sources import load
from forecast.errors import BundleError, ForecastError
from forecast.inference.bundle import open_model, save_model
from forecast.inference.bundle.card import card
from forecast.inference.predict import predict_all
from forecast.training.train import train
from hammering.measure import SECONDS, limit_memory

MODELS = ("lstm", "linear", "forest")


def prepare(folder: Path) -> None:
    """Save the bundles to damage, as folders and as zip files."""
    settings = {"units": 8, "max_steps": 10, "horizon": 10, "lookback": 32}
    series = load(prices(), name="made")
    for name in MODELS:
        model = train(series, name, override(ExperimentConfig(), settings))
        save_model(model, folder / name)
        save_model(model, folder / f"{name}.zip")


def run(numbers: range, folder: Path) -> Counter[str]:
    """Damage one file of one bundle after the other."""
    series, outcomes = load(prices(), name="made"), Counter[str]()
    bundles = {path: _files(path) for path in sorted(folder.iterdir())}
    expected = {path: open_model(path).predict(series).quantiles for path in bundles}
    limit_memory()
    for number in numbers:
        random = np.random.default_rng(number)
        path = list(bundles)[random.integers(len(bundles))]
        files = bundles[path]
        if path.is_dir() and random.random() < 0.5:
            kind, changed = resealed(files, random)
        else:
            name = sorted(files)[random.integers(len(files))]
            kind, content = damaged(files[name], random)
            changed = files | {name: content}
        _write(path, changed)
        begun = time.monotonic()
        try:
            outcome = _outcome(path, series, expected[path], sealed=kind.startswith("sealed"))
        except Exception as error:
            outcome = f"TRACEBACK {type(error).__name__}"
            print(f"bundle {number}: {kind}, {outcome}: {error}"[:300])
        outcomes[outcome] += 1
        outcomes[f"damage: {kind}"] += 1
        outcomes["SLOW"] += time.monotonic() - begun > SECONDS
        _write(path, files)
    return outcomes


def _files(path: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in ([path] if path.is_file() else path.iterdir())}


def _write(path: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (path if path.is_file() else path / name).write_bytes(content)


def _outcome(path: Path, series: object, expected: np.ndarray, *, sealed: bool) -> str:
    """What opening and forecasting comes to; what is sealed may forecast otherwise, as whoever sealed it wished."""
    try:
        model = open_model(path)
    except BundleError as error:
        return "refused" if "\n" not in str(error) and "\x1b" not in str(error) else "MORE THAN ONE LINE"
    card(path)
    try:
        made, _ = predict_all(model, [series])
    except ForecastError:
        return "opened, and refused to forecast"
    if not sealed and (len(made) != 1 or not np.array_equal(made[0].quantiles, expected)):
        return "OPENED WRONGLY"
    return "opened as it was meant" if sealed else "the same forecast"
