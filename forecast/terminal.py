"""What a person sees while they wait: progress and messages on standard error, and silence from the libraries."""

import logging
import os
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import TaskID

    from forecast.models import Step


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


class TrainingBar:
    """A bar with the model, its loss and the time left; plain lines where standard error is no terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description:<6}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} steps{task.fields[loss]}"),
            TimeRemainingColumn(),
        )
        self._plain = not sys.stderr.isatty()
        self._progress = Progress(*columns, console=Console(file=sys.stderr), disable=self._plain)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

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
