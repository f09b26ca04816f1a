"""The trials of a search, kept in a file: which settings come next, which trials are not worth their end.

In: the ranges of settings, and a function that gives the value of some of them; the smaller, the better. Out: finished
trials. The file is a study of Optuna in SQLite, which its own tools open; whatever happens, it holds every trial that
was finished. Each trial's settings follow from the seed and the trials before it, however often a search is taken up.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from forecast.errors import ConfigError, ModelError, SeriesTooShort

# What is searched on a logarithmic scale.
LOGARITHMIC = ("lookback", "units", "learning_rate")
# What is searched in steps, so that none is a choice.
STEPS = {"dropout": 0.05}
# Complete trials before one may be ended early.
WHOLE = 5
NAME = "forecast"
Ranges = Mapping[str, tuple[float, float]]
Report = Callable[[int, float], None]
Objective = Callable[[dict[str, Any], Report], float]


@dataclass(frozen=True)
class Trial:
    """One finished trial; a `value` for complete ones, a `reason` for the others."""

    number: int
    state: Literal["complete", "pruned", "failed"]
    value: float | None
    settings: dict[str, Any] = field(hash=False)
    seconds: float
    reason: str = ""


class Pruned(Exception):
    """The trial falls behind; a report raises it."""


@dataclass(frozen=True, eq=False)
class Study:
    """A search that goes on where it was.

    Attributes:
        ranges: The lowest and highest value of each setting; whole numbers where both are.
        first: The settings of the first trial.
    """

    optuna: Any
    ranges: Ranges
    first: dict[str, Any]
    seed: int

    def trials(self) -> tuple[Trial, ...]:
        """Those that came to their end, in their order; a trial that was killed has no reason and is left out."""
        found = [trial for trial in self.optuna.get_trials(deepcopy=False) if trial.state.is_finished()]
        ended = [trial for trial in found if trial.state.name == "COMPLETE" or "reason" in trial.user_attrs]
        return tuple(_trial(number, trial) for number, trial in enumerate(ended, start=1))

    def run(self, objective: Objective) -> None:
        """One more trial; an error that is not about its settings leaves it unfinished."""
        trial = self._ask()

        def report(step: int, value: float) -> None:
            trial.report(value, step)
            if trial.should_prune():
                raise Pruned(f"behind the median at step {step}")

        try:
            self.optuna.tell(trial, objective(dict(trial.params), report))
        except (Pruned, SeriesTooShort) as why:
            self._end(trial, "PRUNED", why)
        except ModelError as why:
            self._end(trial, "FAIL", why)

    def _ask(self) -> Any:
        from optuna.samplers import TPESampler

        done = len(self.trials())
        self.optuna.sampler = TPESampler(seed=(self.seed + done) % 2**32)
        if not done and not any(trial.state.name == "WAITING" for trial in self.optuna.get_trials(deepcopy=False)):
            self.optuna.enqueue_trial(self.first)
        return self.optuna.ask(
            {name: _distribution(name, *ends, self.first[name]) for name, ends in self.ranges.items()}
        )

    def _end(self, trial: Any, state: str, why: Exception) -> None:
        from optuna.trial import TrialState

        trial.set_user_attr("reason", str(why))
        self.optuna.tell(trial, state=TrialState[state])


@contextmanager
def open_study(path: Path | None, *, key: str, ranges: Ranges, first: dict[str, Any], seed: int) -> Iterator[Study]:
    """The study in a file, new or taken up, for this process alone; in memory without a path.

    Args:
        key: What the search is about; a study with another one is refused.

    Raises:
        ConfigError: Optuna is not installed, or the file is no study, one of something else, or in use.
    """
    try:
        from optuna.exceptions import StorageInternalError
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError as error:
        raise ConfigError(
            "tuning needs the package optuna, which is not here. pip install 'forecast[tune]'."
        ) from error
    try:
        with _locked(path), _opened(path) as found:
            _check_key(found, key, path)
            yield Study(found, ranges, first, seed)
    except (SQLAlchemyError, StorageInternalError) as error:
        raise _unusable(path, error) from error


def silence() -> None:
    """Keeps Optuna's messages from the terminal."""
    try:
        import optuna
    except ImportError:
        return
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@contextmanager
def _locked(path: Path | None) -> Iterator[None]:
    """Only this process goes on with the study; the system lets go of it for a process that dies."""
    if path is None:
        yield
        return
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ConfigError(f"one search at a time goes on with a study. Another is at {path}.") from error
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _unusable(path: Path | None, error: Exception) -> ConfigError:
    reason = str(error).partition("\n")[0]  # further lines are SQL
    return ConfigError(f"a study is a file that forecast tune wrote and can write. {path}: {reason}.")


@contextmanager
def _opened(path: Path | None) -> Iterator[Any]:
    """Optuna's study; trials that were running when a process died count as ended."""
    import optuna
    from optuna.trial import TrialState

    storage = None if path is None else optuna.storages.RDBStorage(f"sqlite:///{path}")
    pruner = optuna.pruners.MedianPruner(n_startup_trials=WHOLE)
    try:
        study = optuna.create_study(storage=storage, study_name=NAME, load_if_exists=True, pruner=pruner)
        for trial in study.get_trials(states=(TrialState.RUNNING,)):
            study.tell(trial.number, state=TrialState.FAIL)
        yield study
    finally:
        if storage is not None:
            storage.remove_session()
            storage.engine.dispose()


def _check_key(study: Any, key: str, path: Path | None) -> None:
    if study.user_attrs.get("key", key) != key:
        raise ConfigError(
            f"{path} holds a search with other rows, another model, or other settings or options. "
            "Use another --study or --out, or remove it."
        )
    study.set_user_attr("key", key)


def _distribution(name: str, low: float, high: float, first: float) -> Any:
    """From `low` to `high`, the first value among them."""
    from optuna.distributions import FloatDistribution, IntDistribution

    log = name in LOGARITHMIC
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=log)
    step = STEPS.get(name)
    if step and any(abs(value / step - round(value / step)) > 1e-9 for value in (low, high, first)):
        step = None
    return FloatDistribution(low, high, log=log, step=step)


def _trial(number: int, trial: Any) -> Trial:
    complete = trial.state.name == "COMPLETE"
    return Trial(
        number=number,
        state="complete" if complete else "pruned" if trial.state.name == "PRUNED" else "failed",
        value=trial.value if complete else None,
        settings=dict(trial.params),
        seconds=trial.duration.total_seconds(),
        reason=trial.user_attrs.get("reason", ""),
    )
