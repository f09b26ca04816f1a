"""The trials of a search, kept in a file: which settings come next, which trials are not worth their end.

In: the ranges of settings, and a function that gives the value of some of them; the smaller, the better. Out: finished
trials. The file is a study of Optuna in SQLite, which its own tools open; whatever happens, it holds every trial that
was finished, and no other.

Trials come in rounds. Those of one know nothing of one another, so that they can be done side by side in any process:
settings of a round, and what its trials are measured against, follow from the seed and the rounds before it alone,
however many processes there are and however often a search is taken up.
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
WHOLE = 4
# Trials of a round: more would keep more processes busy, and learn less from one another.
ROUND = 4
# Trials at random, before the others go by what was found.
RANDOM = 2 * ROUND
NAME = "forecast"
Ranges = Mapping[str, tuple[float, float]]
Report = Callable[[int, float], None]
Objective = Callable[[dict[str, Any], Report], float]


@dataclass(frozen=True)
class Trial:
    """One finished trial; a `value` for complete ones, a `reason` for the others. The first has the number 1."""

    number: int
    state: Literal["complete", "pruned", "failed"]
    value: float | None
    settings: dict[str, Any] = field(hash=False)
    seconds: float
    reason: str = ""


class Pruned(Exception):
    """The trial falls behind; a report raises it."""


@dataclass(frozen=True, eq=False)
class PendingTrial:
    """A trial that is to be done, with all that it needs to know of the others.

    Attributes:
        earlier: Optuna's records of the trials of the rounds before.
    """

    number: int
    settings: dict[str, Any]
    distributions: dict[str, Any]
    earlier: tuple[Any, ...]

    def run(self, objective: Objective) -> Any:
        """Optuna's record of the finished trial; an error that is not about its settings is raised."""
        study = _in_memory(self.earlier)
        study.enqueue_trial(self.settings)
        trial = study.ask(self.distributions)
        trial.set_user_attr("number", self.number)

        def report(step: int, value: float) -> None:
            trial.report(value, step)
            if trial.should_prune():
                raise Pruned(f"behind the median at step {step}")

        try:
            study.tell(trial, objective(self.settings, report))
        except (Pruned, SeriesTooShort) as why:
            _end(study, trial, "PRUNED", why)
        except ModelError as why:
            _end(study, trial, "FAIL", why)
        return study.get_trials(deepcopy=False)[-1]

    def lost(self, reason: str) -> Any:
        """The record of a trial that nothing came of."""
        from optuna.trial import TrialState, create_trial

        about = {"number": self.number, "reason": reason}
        return create_trial(
            state=TrialState.FAIL, params=self.settings, distributions=self.distributions, user_attrs=about
        )


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
        """Those that came to their end, as they did."""
        return tuple(map(_trial, self._records()))

    def rounds(self, wanted: int) -> Iterator[tuple[PendingTrial, ...]]:
        """The trials that are still to be done, round by round, up to as many as are wanted in all.

        Those of one must have been kept before the next is asked for.
        """
        for start in range(0, wanted, ROUND):
            numbers = range(start + 1, min(start + ROUND, wanted) + 1)
            missing = set(numbers) - {_number(record) for record in self._records()}
            if missing:
                yield tuple(attempt for attempt in self._round(start) if attempt.number in missing)

    def keep(self, record: Any) -> None:
        """Writes a finished trial, whole or not at all."""
        self.optuna.add_trial(record)

    def _round(self, start: int) -> list[PendingTrial]:
        """All trials of the round that begins after `start` trials."""
        from optuna.samplers import TPESampler

        earlier = tuple(sorted((one for one in self._records() if _number(one) <= start), key=_number))
        study = _in_memory(earlier)
        study.sampler = TPESampler(seed=(self.seed + start) % 2**32, n_startup_trials=RANDOM, constant_liar=True)
        if not start:
            study.enqueue_trial(self.first)
        ranges = {name: _distribution(name, *ends, self.first[name]) for name, ends in self.ranges.items()}
        asked = [study.ask(ranges) for _ in range(ROUND)]
        return [PendingTrial(start + k, dict(trial.params), ranges, earlier) for k, trial in enumerate(asked, start=1)]

    def _records(self) -> list[Any]:
        found: list[Any] = self.optuna.get_trials(deepcopy=False)
        return found


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
    """Optuna's study."""
    import optuna

    storage = None if path is None else optuna.storages.RDBStorage(f"sqlite:///{path}")
    try:
        yield _created(storage=storage, load_if_exists=True)
    finally:
        if storage is not None:
            storage.remove_session()
            storage.engine.dispose()


def _in_memory(records: tuple[Any, ...]) -> Any:
    """A study of finished trials."""
    import optuna

    study = _created(pruner=optuna.pruners.MedianPruner(n_startup_trials=WHOLE))
    study.add_trials(records)
    return study


def _created(**how: Any) -> Any:
    """A study of Optuna, without its word on that: there is one a round and trial."""
    import optuna

    level = optuna.logging.get_verbosity()
    silence()
    try:
        return optuna.create_study(study_name=NAME, **how)
    finally:
        optuna.logging.set_verbosity(level)


def _end(study: Any, trial: Any, state: str, why: Exception) -> None:
    from optuna.trial import TrialState

    trial.set_user_attr("reason", str(why))
    study.tell(trial, state=TrialState[state])


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


def _number(record: Any) -> int:
    """Its place in the search, from 1: trials done side by side are kept as they end."""
    return int(record.user_attrs["number"])


def _trial(record: Any) -> Trial:
    complete = record.state.name == "COMPLETE"
    return Trial(
        number=_number(record),
        state="complete" if complete else "pruned" if record.state.name == "PRUNED" else "failed",
        value=record.value if complete else None,
        settings=dict(record.params),
        seconds=record.duration.total_seconds(),
        reason=record.user_attrs.get("reason", ""),
    )
