"""Standard error while a command works: messages, progress bars, and silence from the libraries."""

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from forecast.runtime.names import visible

if TYPE_CHECKING:
    from rich.progress import TaskID

    from forecast.models import Step
    from forecast.runtime.parallel import Progress
    from forecast.training.tuning.study import Trial

Item = TypeVar("Item")
# Fewer items than this are done too fast for a bar.
MANY = 2000


_is_quiet = False


def set_quiet(quiet: bool) -> None:
    """Whether the command shows neither progress nor notes."""
    global _is_quiet
    _is_quiet = quiet


def say(message: str) -> None:
    """Print one line to standard error; nothing in it acts on the terminal."""
    print(visible(message), file=sys.stderr, flush=True)


def note(message: str) -> None:
    """Say what is good to know; with --quiet nothing."""
    if not _is_quiet:
        say(message)


def native_noise_off() -> None:
    """Silence TensorFlow's compiled parts, which write to file descriptor 2.

    Python's own `sys.stderr` moves to another descriptor and works as before.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("yfinance").setLevel(logging.CRITICAL)
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


class Bar:
    """A bar for each named task, on standard error while the block runs; where that is no terminal, lines."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self.plain = not sys.stderr.isatty()
        columns = TextColumn("{task.description}"), BarColumn(20), TextColumn("{task.fields[notes]}")
        self._progress = Progress(*columns, console=Console(file=sys.stderr), disable=self.plain or _is_quiet)
        self._tasks: dict[str, tuple[TaskID, float, int]] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def move(self, name: str, done: int, total: int, *notes: str, shown: str = "") -> str:
        """Move a task's bar; return the notes with pace and time left, for a plain line.

        The pace counts what was done since the task's first move, not what was found done.

        Args:
            shown: What stands before the bar, by default the name and the counts.
        """
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task("", total=total, notes=""), time.monotonic(), done
        task, start, found = self._tasks[name]
        text = _joined(*notes, pace_of(done - found, time.monotonic() - start, total - done))
        shown = shown or f"{name} {done:,}/{total:,}"
        self._progress.update(task, description=shown, completed=done, total=total, notes=text)
        return text


class TrainingBar(Bar):
    """One bar over all trainings of a command, with the loss of the one that took the last step.

    In plain lines each training's first and last step, and two between. Models that are no networks take seconds.

    Args:
        trainings: How many networks are trained, one after another or side by side.
    """

    def __init__(self, trainings: int = 1) -> None:
        super().__init__()
        self._trainings = trainings
        # The step that each training has reached, and the number of each network's latest.
        self._reached: list[int] = []
        self._number: dict[str, int] = {}

    def advance(self, step: "Step") -> None:
        """Show one training step."""
        from forecast.models import find_model

        if step.validation_loss is not None or not find_model(step.model).is_network:
            return
        number = self._number_of(step)
        self._reached[number] = step.step
        count = max(self._trainings, len(self._reached))
        which = f" ({number + 1} of {count})" if count > 1 else ""
        loss, place = f"loss {step.loss:.4f}", f"step {step.step}/{step.steps}"
        shown = f"{step.model}{which} {place}"
        left = self.move("training", sum(self._reached), count * step.steps, loss, shown=shown)
        if self.plain and (step.step in (1, step.steps) or step.step % max(1, step.steps // 3) == 0):
            note(f"{step.model}{which}: {_joined(place, left)}")

    def _number_of(self, step: "Step") -> int:
        """The number of a step's training; a network of several seeds begins again with the first step."""
        number = self._number.get(step.model)
        if number is None or step.step <= self._reached[number]:
            if number is not None:
                self._reached[number] = step.steps  # it may have ended early
            number = self._number[step.model] = len(self._reached)
            self._reached.append(0)
        return number


class TrialsBar(Bar):
    """A bar over the trials of a search, with the best value so far; in plain lines each trial."""

    def __init__(self, wanted: int) -> None:
        super().__init__()
        self._wanted, self._started = wanted, False

    def show(self, trials: "tuple[Trial, ...]") -> None:
        """Show the finished trials: at the start those of an earlier search, then one more each time."""
        values = [trial.value for trial in trials if trial.value is not None]
        best = f"best MAE / naive {min(values):.4f}" if values else ""
        self.move("trials", len(trials), self._wanted, best)
        if self.plain and trials:
            found = f"{len(trials)} of {max(len(trials), self._wanted)} trials are there from before"
            note(_joined(_trial_line(trials[-1], self._wanted) if self._started else found, best))
        self._started = True


def _trial_line(trial: "Trial", wanted: int) -> str:
    hyperparameters = ", ".join(f"{name} {value:.3g}" for name, value in trial.hyperparameters.items())
    end = trial.state if trial.value is None else f"MAE / naive {trial.value:.4f}"
    reason = f" ({trial.reason})" if trial.reason else ""
    return f"trial {trial.number}/{wanted}: {end}{reason}, {hyperparameters}"


class JobsBar(Bar):
    """A bar a stage, with the number of failed jobs; in plain lines the start of a stage and each tenth."""

    def __init__(self) -> None:
        super().__init__()
        self._tenths: dict[str, int] = {}

    def show(self, jobs: "Progress") -> None:
        """Show how many jobs of a stage are finished."""
        finished, failed = jobs.done + jobs.failed, f"{jobs.failed:,} failed" if jobs.failed else ""
        notes, tenth = self.move(jobs.stage, finished, jobs.total, failed), 10 * finished // max(1, jobs.total)
        if self.plain and tenth > self._tenths.get(jobs.stage, -1):
            note(_joined(f"{jobs.done:,} of {jobs.total:,} {jobs.stage} are done", notes))
            self._tenths[jobs.stage] = tenth


def counted(items: Iterable[Item], stage: str, total: int) -> Iterator[Item]:
    """Yield the items, with a bar for many."""
    if total < MANY:
        yield from items
        return
    from forecast.runtime.parallel import Progress

    with JobsBar() as bar:
        for done, item in enumerate(items):
            bar.show(Progress(stage, done, 0, total))
            yield item
        bar.show(Progress(stage, total, 0, total))


def pace_of(done: int, seconds: float, left: int) -> str:
    """Items a second (or a minute), and the time that the others need at that pace; empty while unknown."""
    if done < 1 or seconds <= 0:
        return ""
    rate = done / seconds
    shown = f"{rate:.1f} a second" if rate >= 1 else f"{60 * rate:.1f} a minute"
    return f"{shown}, {timedelta(seconds=round(left / rate))} left" if left else shown


def _joined(*parts: str) -> str:
    return ", ".join(filter(None, parts))
