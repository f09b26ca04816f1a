"""Files of a training in progress: a checkpoint, from which a killed training resumes, and logs for TensorBoard."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from forecast.config import TrainingConfig
from forecast.models.estimator import Problem, Step, Validation, Weights
from forecast.runtime.atomic import atomic_file
from forecast.runtime.resume_key import resume_key

if TYPE_CHECKING:
    import keras

# Changes with what a checkpoint holds: one of another format is ignored.
FORMAT = 2
# Names of the files of checkpoints.
FILE = re.compile(r"[a-z]+-\d+\.npz")


@dataclass(frozen=True, eq=False)
class State:
    """How far a training is.

    Attributes:
        best: The weights with the lowest validation loss so far.
        step: The next step.
        since_best: Validations since the best weights were found.
    """

    best: Weights
    step: int = 0
    history: tuple[Validation, ...] = ()
    since_best: int = 0


@dataclass(frozen=True)
class Checkpoint:
    """A file with the state of a training, replaced atomically; without a path nothing is saved.

    `key` is a hash of data and settings: a checkpoint with another key is ignored.
    """

    path: Path | None
    key: str

    @classmethod
    def of(
        cls, folder: Path | None, kind: str, problem: Problem, training: TrainingConfig, y_validation: NDArray[Any]
    ) -> Self:
        """The checkpoint of a training in a folder, one file for each kind of network and seed."""
        if folder is None:
            return cls(None, "")
        rows = hashlib.sha256(np.ascontiguousarray(y_validation).tobytes()).hexdigest()
        key = resume_key(format=FORMAT, kind=kind, problem=str(problem), training=str(training), rows=rows)
        return cls(folder / f"{kind}-{training.seed}.npz", key)

    def save(self, network: "keras.Model", random: np.random.Generator, state: State) -> None:
        """Write the state before the next step."""
        if self.path is None:
            return
        from keras import ops

        variables = [*network.variables, *network.optimizer.variables]
        arrays = {f"variable_{number}": ops.convert_to_numpy(value) for number, value in enumerate(variables)}
        arrays |= {f"best/{name}": array for name, array in state.best.items()}
        history = [(row.step, row.loss, row.validation_loss) for row in state.history]
        record = {"key": self.key, "step": state.step, "since_best": state.since_best, "history": history}
        text = json.dumps({**record, "random": random.bit_generator.state})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(self.path) as work, work.open("wb") as file:
            np.savez(file, allow_pickle=False, about=np.array(text), **arrays)

    def restore(self, network: "keras.Model", random: np.random.Generator) -> State | None:
        """Set network and random numbers to the saved state and return it; None without a checkpoint of this key."""
        if self.path is None or not self.path.is_file():
            return None
        with np.load(self.path, allow_pickle=False) as arrays:
            record = json.loads(str(arrays["about"]))
            if record["key"] != self.key:
                return None
            for number, variable in enumerate([*network.variables, *network.optimizer.variables]):
                variable.assign(arrays[f"variable_{number}"])
            best = {name.removeprefix("best/"): arrays[name] for name in arrays.files if name.startswith("best/")}
        random.bit_generator.state = record["random"]
        history = tuple(Validation(*row) for row in record["history"])
        return State(best, record["step"], history, record["since_best"])


class Logs:
    """Losses for TensorBoard, in one folder for each model and seed; without a folder nothing is written."""

    def __init__(self, folder: Path | None, kind: str, seed: int) -> None:
        self._writer = None
        if folder is not None:
            from tensorboard.summary import Writer

            self._writer = Writer(str(folder / f"{kind}-{seed}"))

    def write(self, step: Step) -> None:
        """Write the loss of a step, or its validation loss."""
        if self._writer is None:
            return
        if step.validation_loss is None:
            self._writer.add_scalar("loss", step.loss, step.step)
        else:
            self._writer.add_scalar("validation loss", step.validation_loss, step.step)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
