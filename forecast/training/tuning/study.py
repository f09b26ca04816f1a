"""The trials of a search: an Optuna study in a file, run in rounds.

In: the range of each hyperparameter, and a function that evaluates some of them; smaller values are better. Out:
finished trials. The file is a journal of Optuna, one JSON line an entry, which Optuna's own tools open. It holds
finished trials only: after a kill the unfinished ones are run again.

A round is four trials that know nothing of one another's values, so they can run side by side in any process. Their
hyperparameters, and the trials that pruning compares with, depend on the seed and the rounds before alone: neither the
number of processes nor a kill changes what is found.

Source: Bergstra et al. (2011), Algorithms for hyper-parameter optimization; Akiba et al. (2019), Optuna.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from forecast.errors import ConfigError, ModelError, SeriesTooShort

# Hyperparameters on a logarithmic scale.
LOGARITHMIC = ("lookback", "units", "learning_rate")
# Hyperparameters in steps, so that exactly 0 is among the choices.
STEPS = {"dropout": 0.05}
# Trials a round: more would keep more processes busy, and learn less from one another.
ROUND = 4
# Random trials before the Parzen estimator takes over, and complete trials before one is pruned.
RANDOM, UNPRUNED = 2 * ROUND, 4
# How each line of a journal begins.
JOURNAL = b'{"op_code":'
Ranges = Mapping[str, tuple[float, float]]
Report = Callable[[int, float], None]


@dataclass(frozen=True)
class Trial:
    """One finished trial, numbered from 1: a complete one has a `value`, the others have a `reason`."""

    number: int
    state: Literal["complete", "pruned", "failed"]
    value: float | None
    hyperparameters: dict[str, Any] = field(hash=False)
    seconds: float
    reason: str = ""


@dataclass(frozen=True)
class SearchSpace:
    """Optuna's distribution of each hyperparameter, those of the first trial, and the seed of all others."""

    distributions: dict[str, Any]
    first: dict[str, Any]
    seed: int


@dataclass(frozen=True, eq=False)
class PendingTrial:
    """A trial to run in any process.

    Attributes:
        earlier: Optuna's records of the trials of the rounds before.
    """

    number: int
    space: SearchSpace
    earlier: tuple[Any, ...]

    def run(self, evaluate: Callable[[dict[str, Any], Report], float]) -> Any:
        """Evaluate the trial's hyperparameters; return Optuna's record of the finished trial.

        A model or series that they do not suit ends the trial; any other error is raised.
        """
        from optuna import TrialPruned
        from optuna.trial import TrialState

        study = self._study()
        trial = [study.ask(self.space.distributions) for _ in range(self.number - len(self.earlier))][-1]
        trial.set_user_attr("number", self.number)

        def report(step: int, value: float) -> None:
            trial.report(value, step)
            if trial.should_prune():
                raise TrialPruned(f"behind the median at step {step}")

        try:
            study.tell(trial, evaluate(trial.params, report))
        except (TrialPruned, SeriesTooShort, ModelError) as error:
            trial.set_user_attr("reason", str(error))
            study.tell(trial, state=TrialState.FAIL if isinstance(error, ModelError) else TrialState.PRUNED)
        return study.get_trials(deepcopy=False)[-1]

    def fail(self, reason: str) -> Any:
        """The record of a trial whose process died."""

        def evaluate(*_: Any) -> float:
            raise ModelError(reason)

        return self.run(evaluate)

    def _study(self) -> Any:
        """A study in memory that holds the earlier trials and is asked for this round."""
        from optuna.pruners import MedianPruner
        from optuna.samplers import TPESampler

        start = len(self.earlier)
        sampler = TPESampler(seed=(self.space.seed + start) % 2**32, n_startup_trials=RANDOM, constant_liar=True)
        study = _create_study(sampler=sampler, pruner=MedianPruner(n_startup_trials=UNPRUNED))
        study.add_trials(self.earlier)
        if not start:
            study.enqueue_trial(self.space.first)
        return study


@dataclass(frozen=True, eq=False)
class Study:
    """A search that continues where it stopped."""

    optuna: Any
    space: SearchSpace

    def trials(self) -> tuple[Trial, ...]:
        """The finished trials, in the order in which they finished."""
        return tuple(map(_trial, self.optuna.get_trials(deepcopy=False)))

    def rounds(self, trials: int) -> Iterator[tuple[PendingTrial, ...]]:
        """The unfinished trials up to number `trials`, a round at a time; add its records before the next."""
        for start in range(0, trials, ROUND):
            records = {_number(record): record for record in self.optuna.get_trials(deepcopy=False)}
            missing = [number for number in range(start + 1, min(start + ROUND, trials) + 1) if number not in records]
            if missing:
                earlier = tuple(records[number] for number in range(1, start + 1))
                yield tuple(PendingTrial(number, self.space, earlier) for number in missing)

    def add(self, record: Any) -> None:
        """Write the record of a finished trial."""
        self.optuna.add_trial(record)


@contextmanager
def open_study(path: Path | None, *, key: str, ranges: Ranges, first: dict[str, Any], seed: int) -> Iterator[Study]:
    """Open or create the study in a file, for this process alone; without a path it is in memory.

    Args:
        key: The `resume_key` of the search; a study with another one is refused.
        ranges: The lowest and highest value of each hyperparameter; whole numbers where both are.
        first: The hyperparameters of the first trial.

    Raises:
        ConfigError: Optuna is not installed, or the file is no study, one of another search, or in use.
    """
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "tuning needs the package optuna, which is not here. pip install 'honest-forecast[tune]'."
        ) from error
    space = SearchSpace({name: _distribution(name, *ends, first[name]) for name, ends in ranges.items()}, first, seed)
    with _open_journal(path) as storage:
        study = _create_study(storage=storage, load_if_exists=True)
        if study.user_attrs.get("key", key) != key:
            raise ConfigError(
                f"{path} holds a search with other rows, another model, or other options. "
                "Use another --study or --out, or remove it."
            )
        study.set_user_attr("key", key)
        yield Study(study, space)


@contextmanager
def _open_journal(path: Path | None) -> Iterator[Any]:
    """Optuna's storage in a file that is locked until the block ends, or the process dies."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    if path is None:
        yield None
        return
    lock: Any = FileLock(path.with_name(f".{path.name}.lock"))
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(lock.acquire(timeout=0))
            stack.callback(Path(lock.lock_file).unlink, missing_ok=True)
            _check_journal(path)
            storage = JournalStorage(JournalFileBackend(str(path), lock_obj=lock))
        except Timeout as error:
            raise ConfigError(f"one search at a time goes on with a study. Another is at {path}.") from error
        except (OSError, ValueError, LookupError) as error:
            raise ConfigError(f"a study is a file that forecast tune wrote and can write. {path}: {error}.") from error
        yield storage


def _check_journal(path: Path) -> None:
    """Refuse a foreign file; cut off a last line that a kill or a full disk left unfinished."""
    with path.open("ab+") as file:
        file.seek(0)
        content = file.read()
        if content and not content.startswith(JOURNAL):
            raise ValueError("it holds something else")
        file.truncate(content.rfind(b"\n") + 1)


def _create_study(**options: Any) -> Any:
    """Create a study of Optuna without its message about that, which comes once a trial."""
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        return optuna.create_study(study_name="forecast", **options)
    finally:
        optuna.logging.set_verbosity(level)


def _distribution(name: str, low: float, high: float, first: float) -> Any:
    """Optuna's distribution from `low` to `high`, `first` among its values."""
    from optuna.distributions import FloatDistribution, IntDistribution

    log, step = name in LOGARITHMIC, STEPS.get(name)
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=log)
    if step and any(abs(value / step - round(value / step)) > 1e-9 for value in (low, high, first)):
        step = None
    return FloatDistribution(low, high, log=log, step=step)


def _number(record: Any) -> int:
    """The trial's number; Optuna's own counts trials as they finish."""
    return int(record.user_attrs["number"])


def _trial(record: Any) -> Trial:
    state: Any = {"COMPLETE": "complete", "PRUNED": "pruned"}.get(record.state.name, "failed")
    value = record.value if state == "complete" else None
    reason = record.user_attrs.get("reason", "")
    return Trial(_number(record), state, value, dict(record.params), record.duration.total_seconds(), reason)
