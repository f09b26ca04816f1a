"""The process of one job: trains, says how far it is, and writes what it made into the folder served.

    python -m forecast.serve.jobs.worker MEMORY < spec, as JSON

Standard output is one event a line, as JSON: `progress`, then `done`, or `failed` with a problem. Ctrl-C (SIGINT) stops
a training and keeps its best weights. MEMORY is in MiB, 0 for no limit. Requests come first: the process is nice.
"""

import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from forecast import pipeline
from forecast.data.sources.keywords import LOAD_OPTIONS
from forecast.inference.bundle import open_model, save_model
from forecast.models import BASELINES, Callbacks, Step, find_model
from forecast.runtime.atomic import atomic_folder
from forecast.runtime.devices import load_keras
from forecast.runtime.lifeline import end_with
from forecast.serve.answers import read, source_of
from forecast.serve.problems import out_of_memory, problem_of

# How much a training leaves the processor to what answers people.
BESIDE = 10
# Seconds between two events of progress, at least.
INTERVAL = 0.2


class Progress:
    """Says how far the trainings are.

    Args:
        trainings: How many networks are trained, one after the other.
    """

    def __init__(self, trainings: int) -> None:
        self._trainings, self._finished = max(1, trainings), 0
        self._last, self._said, self._start = ("", 0), 0.0, time.monotonic()

    def tell(self, step: Step) -> None:
        """Say one step, or leave it out where the last was said a moment ago."""
        model, before = self._last
        if model and (step.model != model or step.step < before):
            self._finished += 1
        self._last = step.model, step.step
        passed = time.monotonic() - self._start
        if step.validation_loss is None and time.monotonic() - self._said < INTERVAL and step.step != step.steps:
            return
        self._said = time.monotonic()
        done = self._finished + step.step / step.steps
        left = passed / done * (max(self._trainings, self._finished + 1) - done) if done else None
        say(
            "progress",
            model=step.model,
            step=step.step,
            steps=step.steps,
            train=_number(step.loss),
            validation=_number(step.validation_loss),
            seconds_left=None if left is None else round(left, 1),
        )


def _number(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)


def say(kind: str, **data: Any) -> None:
    """Write an event."""
    os.write(OUT, json.dumps({"kind": kind, **data}).encode() + b"\n")


def train(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Run the models of a job on its series, and keep those that learned beside the run."""
    folder = Path(spec["workspace"])
    options = dict(spec["options"])
    series = read(spec["source"], folder / spec["folder"])
    networks = [name for name in spec["models"] if find_model(name).is_network]
    if networks:
        load_keras()
    progress = Progress(len(networks) * int(options.get("seeds") or 1))
    run = folder / "runs" / spec["run"]
    found = pipeline.run(series, models=spec["models"], out=run, callbacks=Callbacks(progress=progress.tell), **options)
    saved = []
    for name in found.models:
        if name in BASELINES or not (run / "models" / name).is_dir():
            continue
        saved.append(f"{spec['run']}-{name}")
        with atomic_folder(folder / "models" / saved[-1]) as work:
            shutil.copytree(run / "models" / name, work, dirs_exist_ok=True)
    interrupted = bool(found.skipped) or any(model.interrupted for model in found.models.values())
    return {"state": "stopped" if interrupted else "done", "run": spec["run"], "models_saved": saved}


def update(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Train a saved model on with new rows of its series."""
    folder = Path(spec["workspace"])
    path = folder / "models" / spec["model"]
    model = open_model(path)
    options = {name: value for name, value in spec["source"].get("options", {}).items() if value is not None}
    source = source_of(spec["source"], folder / spec["folder"])
    load_keras()
    progress = Progress(model.config.training.seeds)
    new = pipeline.update(
        model,
        source,
        callbacks=Callbacks(progress=progress.tell),
        offline=spec["source"].get("offline", False),
        **{name: value for name, value in options.items() if name in LOAD_OPTIONS},
    )
    save_model(new, path)
    return {"state": "stopped" if new.interrupted else "done", "run": None, "models_saved": [spec["model"]]}


def main(memory: int) -> int:
    """Do the job on standard input; give the exit status."""
    end_with(os.getppid())
    os.nice(BESIDE)
    limit(memory)
    spec = json.loads(sys.stdin.read())
    try:
        say("started")
        say("ended", **{"training": train, "update": update}[spec["kind"]](spec))
    except KeyboardInterrupt:
        say("ended", state="stopped", run=None, models_saved=[])
    except MemoryError:
        say("failed", problem=problem_of(out_of_memory()))
    except Exception as error:  # a defect ends the job, and the log says why
        traceback.print_exc()
        say("failed", problem=problem_of(error))
    return 0


def limit(memory: int) -> None:
    """Bound the memory of this process, and have the system choose it first where memory runs out."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800", encoding="utf-8")
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if memory:
            resource.setrlimit(resource.RLIMIT_DATA, (memory << 20, memory << 20))


# Events leave by a copy of standard output; what libraries print goes to standard error.
OUT = 1

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    OUT = os.dup(1)
    os.dup2(2, 1)
    sys.exit(main(int(sys.argv[1])))
