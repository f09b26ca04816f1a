"""What a person sees while they wait: progress and messages on standard error, and silence from the libraries."""

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from rich.progress import ProgressColumn, TaskID

    from forecast.models import Step
    from forecast.runtime.parallel import Progress
    from forecast.training.tuning.study import Trial

Item = TypeVar("Item")
# Items from which on going through them takes long enough for a bar.
MANY = 2000


def say(message: str) -> None:
    """One line on standard error."""
    print(message, file=sys.stderr, flush=True)


def native_noise_off() -> None:
    """Keeps TensorFlow's compiled parts, which write to file descriptor 2, from the terminal.

    Python's own `sys.stderr` goes on as before, on a descriptor of its own.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("yfinance").setLevel(logging.CRITICAL)
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


class Bar:
    """A bar on standard error while its block runs; nothing where that is no terminal."""

    def __init__(self, *columns: "ProgressColumn") -> None:
        from rich.console import Console
        from rich.progress import Progress

        self._plain = not sys.stderr.isatty()
        self._progress = Progress(*columns, console=Console(file=sys.stderr), disable=self._plain)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


class TrainingBar(Bar):
    """A bar with the model, its loss and the time left; plain lines where standard error is no terminal."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description:<6}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} steps{task.fields[loss]}"),
            TimeRemainingColumn(),
        )
        super().__init__(*columns)
        self._tasks: dict[str, TaskID] = {}

    def advance(self, step: "Step") -> None:
        """Shows one training step."""
        if step.validation_loss is not None:
            return
        if self._plain:
            if step.step in (1, step.steps) or step.step % max(1, step.steps // 3) == 0:
                say(f"{step.model}: step {step.step}/{step.steps}, loss {step.loss:.4f}")
            return
        task = self._tasks.get(step.model)
        if task is None:
            task = self._tasks[step.model] = self._progress.add_task(step.model, total=step.steps, loss="")
        self._progress.update(task, completed=step.step, loss=f", loss {step.loss:.4f}")


class SearchBar(Bar):
    """A bar over the trials of a search, with the best value so far and the time left; plain lines as above."""

    def __init__(self, wanted: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

        columns = (
            MofNCompleteColumn(),
            TextColumn("trials"),
            BarColumn(),
            TextColumn("{task.fields[best]}"),
            TimeRemainingColumn(),
        )
        self._wanted, self._told = wanted, False
        super().__init__(*columns)

    def tell(self, trials: "tuple[Trial, ...]") -> None:
        """Shows the finished trials: those of an earlier search first, then one more each time."""
        values = [trial.value for trial in trials if trial.value is not None]
        best = f"best MAE / naive {min(values):.4f}" if values else ""
        if self._plain and trials:
            say(_news(trials[-1], self._wanted, best) if self._told else _taken_up(len(trials), self._wanted, best))
        if not self._told:
            self._progress.add_task("", total=self._wanted, completed=len(trials), best=best)
        for task in self._progress.task_ids:
            self._progress.update(task, completed=len(trials), best=best)
        self._told = True


def _taken_up(done: int, wanted: int, best: str) -> str:
    return f"{done} of {max(done, wanted)} trials are there from before{', ' * bool(best)}{best}"


def _news(trial: "Trial", wanted: int, best: str) -> str:
    """One line for a finished trial."""
    settings = ", ".join(f"{name} {value:.3g}" for name, value in trial.settings.items())
    what = trial.state if trial.value is None else f"MAE / naive {trial.value:.4f}"
    why = f" ({trial.reason})" if trial.reason else ""
    return f"trial {trial.number}/{wanted}: {what}{why}, {settings}{', ' * bool(best)}{best}"


class JobsBar(Bar):
    """A bar a stage: jobs done and failed, how many a second, the time left; plain lines without a terminal.

    Rate and time left come from the jobs that were done while the bar looked on, not from those found done.
    """

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

        columns = (
            TextColumn("{task.description:<9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]}"),
            TextColumn("{task.fields[pace]}"),
        )
        super().__init__(*columns)
        self._tasks: dict[str, TaskID] = {}
        self._start = (0.0, 0)
        self._told = -1

    def tell(self, jobs: "Progress") -> None:
        """Shows how far the jobs are; a plain line at the start of a stage and after each tenth."""
        finished, failed = jobs.done + jobs.failed, f"{jobs.failed:,} failed" if jobs.failed else ""
        if jobs.stage not in self._tasks:
            self._start, self._told = (time.monotonic(), finished), -1
            self._tasks[jobs.stage] = self._progress.add_task(jobs.stage, total=jobs.total, failed="", pace="")
        pace = pace_of(finished - self._start[1], time.monotonic() - self._start[0], jobs.total - finished)
        self._progress.update(self._tasks[jobs.stage], completed=finished, failed=failed, pace=pace)
        tenth = 10 * finished // max(1, jobs.total)
        if self._plain and tenth > self._told:
            parts = (f"{jobs.done:,} of {jobs.total:,} {jobs.stage} are done", failed, pace)
            say(", ".join(filter(None, parts)))
            self._told = tenth


def counted(items: Iterable[Item], stage: str, total: int) -> Iterator[Item]:
    """The items, with a bar for many that says how many were gone through."""
    if total < MANY:
        yield from items
        return
    from forecast.runtime.parallel import Progress

    with JobsBar() as bar:
        for done, item in enumerate(items):
            bar.tell(Progress(stage, done, 0, total))
            yield item
        bar.tell(Progress(stage, total, 0, total))


def pace_of(done: int, seconds: float, left: int) -> str:
    """How many jobs a second (or a minute), and the time that the others need at that pace; empty while unknown."""
    if done < 1 or seconds <= 0:
        return ""
    rate = done / seconds
    shown = f"{rate:.1f} a second" if rate >= 1 else f"{60 * rate:.1f} a minute"
    return f"{shown}, {timedelta(seconds=round(left / rate))} left" if left else shown
