"""What is kept of a training in progress: checkpoints to go on from after a kill, and logs for TensorBoard."""

import hashlib
import json
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

# Changes whenever what is kept does: state of another format is not taken up.
FORMAT = 2


@dataclass(frozen=True, eq=False)
class State:
    """How far a training is: the best weights so far, the next step, and validations since they were found."""

    best: Weights
    step: int = 0
    history: tuple[Validation, ...] = ()
    since_best: int = 0


@dataclass(frozen=True)
class Checkpoint:
    """A file that holds a training's state, whole or not at all; without a path nothing is kept.

    `key` tells the trainings apart: state of other data or settings is not taken up.
    """

    path: Path | None
    key: str

    @classmethod
    def of(
        cls, folder: Path | None, kind: str, problem: Problem, training: TrainingConfig, y_validation: NDArray[Any]
    ) -> Self:
        if folder is None:
            return cls(None, "")
        rows = hashlib.sha256(np.ascontiguousarray(y_validation).tobytes()).hexdigest()
        key = resume_key(format=FORMAT, kind=kind, problem=str(problem), training=str(training), rows=rows)
        return cls(folder / f"{kind}-{training.seed}.npz", key)

    def keep(self, network: "keras.Model", random: np.random.Generator, state: State) -> None:
        """Writes the state as it is before the next step."""
        if self.path is None:
            return
        from keras import ops

        variables = [*network.variables, *network.optimizer.variables]
        arrays = {f"variable_{number}": ops.convert_to_numpy(value) for number, value in enumerate(variables)}
        arrays |= {f"best/{name}": array for name, array in state.best.items()}
        history = [(row.step, row.loss, row.validation_loss) for row in state.history]
        about = {"key": self.key, "step": state.step, "since_best": state.since_best, "history": history}
        text = json.dumps({**about, "random": random.bit_generator.state})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(self.path) as work, work.open("wb") as file:
            np.savez(file, allow_pickle=False, about=np.array(text), **arrays)

    def restore(self, network: "keras.Model", random: np.random.Generator) -> State | None:
        """Sets network and random numbers to where they were; None if there is nothing to take up."""
        if self.path is None or not self.path.is_file():
            return None
        with np.load(self.path, allow_pickle=False) as arrays:
            about = json.loads(str(arrays["about"]))
            if about["key"] != self.key:
                return None
            for number, variable in enumerate([*network.variables, *network.optimizer.variables]):
                variable.assign(arrays[f"variable_{number}"])
            best = {name.removeprefix("best/"): arrays[name] for name in arrays.files if name.startswith("best/")}
        random.bit_generator.state = about["random"]
        history = tuple(Validation(*row) for row in about["history"])
        return State(best, about["step"], history, about["since_best"])


class Logs:
    """Scalars for TensorBoard, one folder a model and seed; without a folder nothing is written."""

    def __init__(self, folder: Path | None, kind: str, seed: int) -> None:
        self._writer = None
        if folder is not None:
            from tensorboard.summary import Writer

            self._writer = Writer(str(folder / f"{kind}-{seed}"))

    def write(self, step: Step) -> None:
        """The loss of a step, or of the validation rows."""
        if self._writer is None:
            return
        if step.validation_loss is None:
            self._writer.add_scalar("loss", step.loss, step.step)
        else:
            self._writer.add_scalar("validation loss", step.validation_loss, step.step)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
