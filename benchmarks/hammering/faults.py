"""An error, or a kill, at the n-th change that a command makes: what was there stays, and the next run succeeds."""

import errno
import hashlib
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
from damage import ERRORS, prices

from hammering.measure import command, hidden, processes

SMALL = ["--lookback", "8", "--horizon", "3"]
# Commands that write, and what they write.
CASES = {
    "train to a folder": (["train", "p.csv", "--model", "linear", "--save", "m2", *SMALL], "m2"),
    "train to a zip file": (["train", "p.csv", "--model", "linear", "--save", "m2.zip", *SMALL], "m2.zip"),
    "predict --csv": (["predict", "p.csv", "--model", "m", "--csv", "t.csv"], "t.csv"),
    "predict --plot": (["predict", "p.csv", "--model", "m", "--plot", "t.png"], "t.png"),
    "predict --out": (["predict", "p.csv", "--model", "m", "--out", "t.parquet"], "t.parquet"),
    "inspect --plot": (["inspect", "p.csv", "--plot", "i.png"], "i.png"),
    "run": (["run", "p.csv", "--models", "linear", "--out", "r", *SMALL], "r"),
    "report": (["report", "r"], "r/report.html"),
    "compare": (["compare", "p.csv", "--models", "linear", "--folds", "2", "--out", "c", *SMALL], "c"),
    "tune": (["tune", "p.csv", "--model", "linear", "--trials", "2", "--out", "b.json", "--horizon", "3"], "b.json"),
    "update": (["update", "d", "q.csv", "--save", "u", "--keep-anyway", "--steps", "2"], "u"),
    "export": (["export", "d", "--format", "litert", "--out", "d.tflite"], "d.tflite"),
}
# Those that go on where they were stopped: their folder grows, and is not swapped.
GROWING = ("compare", "predict --out")
# Commands that one backend of Keras alone can do; the others take the one that starts the fastest.
BACKENDS = {"export": "tensorflow"}


def prepare(folder: Path) -> None:
    """Run each command once, and count its changes."""
    work = folder / "work"
    work.mkdir()
    os.environ["FORECAST_WORKER"] = "1"  # jobs run in the process that is hammered
    prices(200).to_csv(work / "p.csv", index=False)
    prices(230).to_csv(work / "q.csv", index=False)
    _well(["train", "p.csv", "--model", "linear", "--save", "m", *SMALL], work)
    _well(["train", "p.csv", "--model", "dense", "--save", "d", "--units", "4", "--steps", "4", *SMALL], work)
    for name, (arguments, _) in CASES.items():
        _choose_backend(name)
        _well(arguments, work)
        for action in ("errno", "kill"):
            counts = folder / f"{name}.{action}".replace(" ", "-")
            done = command(arguments, work, action="kill" if action == "kill" else "28", counts=str(counts))
            if done.status:
                raise SystemExit(f"{name}: {done.errors}")
        (folder / f"{name}.seconds".replace(" ", "-")).write_text(str(done.seconds))


def _choose_backend(name: str) -> None:
    os.environ["KERAS_BACKEND"] = BACKENDS.get(name, "jax")


def _well(arguments: list[str], work: Path) -> None:
    done = command(arguments, work)
    if done.status:
        raise SystemExit(f"{' '.join(arguments)}: {done.errors}")


def run(numbers: range, folder: Path, *, kill: bool) -> Counter[str]:
    """One fault after the other, over all commands and all of their changes in turn."""
    outcomes, work = Counter[str](), folder / "work"
    os.environ["FORECAST_WORKER"] = "1"
    for number in numbers:
        name = list(CASES)[number % len(CASES)]
        arguments, target = CASES[name]
        changes = int((folder / f"{name}.{'kill' if kill else 'errno'}".replace(" ", "-")).read_text())
        at = 1 + (number // len(CASES)) * 7919 % changes
        code = int(np.random.default_rng(number).choice(ERRORS))
        _choose_backend(name)
        before = _digest(work / target)
        done = command(arguments, work, at=at, action="kill" if kill else str(code))
        usual = float((folder / f"{name}.seconds".replace(" ", "-")).read_text())
        for outcome in _outcomes(done, name, work, before, usual, kill=kill):
            if outcome.isupper():
                print(f"{name}, change {at} of {changes}, {errno.errorcode[code]}: {outcome} {done.errors[-300:]}")
            outcomes[outcome] += 1
        again = command(arguments, work)
        if again.status or (left := hidden(work)):
            outcomes["NOT WELL AGAIN"] += 1
            print(f"{name}, change {at}: {again.errors[-300:]} {left}")
            for one in left:
                shutil.rmtree(work / one, ignore_errors=True)
        outcomes[f"{'kills' if kill else 'faults'}: {name}"] += 1
    return outcomes


def _outcomes(done, name: str, work: Path, before: str, usual: float, *, kill: bool) -> list[str]:
    """What came of a fault, and what must not have."""
    after = _digest(work / CASES[name][1])
    found = []
    if kill:
        found.append("killed" if done.status == -9 else "ended before the kill")
        found += ["LEFT BEHIND"] if processes(work.parent) else []
        _age(work)
    else:
        found += [wrong] if (wrong := done.wrong(usual)) else []
        found += ["LEFT BEHIND"] if hidden(work) else []
        found.append("refused in one line" if done.status == 1 else "done in spite of it")
    if not after or (done.status == 1 and after != before and name not in GROWING):
        found.append("LOST")
    return found


def _age(work: Path) -> None:
    """Make what a killed writer left older than the moment in which another may still be marking it."""
    for path in work.rglob(".forecast-*"):
        os.utime(path, (0, 0))


def _digest(path: Path) -> str:
    """A hash of a file or folder; empty where there is none."""
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    if not files:
        return ""
    content = b"".join(hashlib.sha256(str(one).encode() + one.read_bytes()).digest() for one in files)
    return hashlib.sha256(content).hexdigest()
