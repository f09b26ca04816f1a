"""Settings that suit a series: a search over networks, judged on validation rows; the test rows are never looked at.

In: one series or many, a model, and the settings that are held. Out: a `Tuning`, whose best settings are a file that
`forecast run --config` and `forecast train --config` take.

`search.py` says what is tried and what it is worth. Tree-structured Parzen estimator (Bergstra et al. 2011) and median
pruning, by Optuna (Akiba et al. 2019). Trials are done by workers, a round at a time (`studies.py`); what is found
depends neither on their number nor on where they are.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from forecast.config import ExperimentConfig, override, read_config
from forecast.data.series import TimeSeries
from forecast.errors import ConfigError
from forecast.models import find_model
from forecast.runtime import devices
from forecast.runtime.atomic import atomic_file
from forecast.runtime.parallel import LOCAL, check_engine, run_jobs
from forecast.training.tuning.objective import Search
from forecast.training.tuning.study import PendingTrial, Study, Trial, open_study

Tell = Callable[[tuple[Trial, ...]], None]


@dataclass(frozen=True, eq=False)
class Tuning:
    """What a search found.

    Attributes:
        wanted: Trials that were asked for; there are fewer after Ctrl-C.
    """

    search: Search
    trials: tuple[Trial, ...]
    wanted: int

    @property
    def ranking(self) -> list[Trial]:
        """The complete trials, best first."""
        complete = [trial for trial in self.trials if trial.value is not None]
        return sorted(complete, key=lambda trial: trial.value or 0.0)

    @property
    def config(self) -> ExperimentConfig:
        """The best settings."""
        return override(self.search.config, self.ranking[0].settings)

    @property
    def counts(self) -> dict[str, int]:
        """How many trials came to which end."""
        count = Counter(trial.state for trial in self.trials)
        return {state: count[state] for state in ("complete", "pruned", "failed")}

    def record(self) -> dict[str, Any]:
        """Plain numbers, strings and dictionaries, ready for JSON."""
        return {
            "model": self.search.model,
            "series": [one.name for one in self.search.series],
            "value": self.ranking[0].value,
            "config": self.config.to_dict(),
            "ranges": dict(self.search.ranges),
            "wanted": self.wanted,
            "counts": self.counts,
            "trials": [asdict(trial) for trial in self.trials],
        }


def tune(
    series: TimeSeries | Sequence[TimeSeries],
    model: str = "lstm",
    config: ExperimentConfig | None = None,
    *,
    trials: int = 20,
    held: Collection[str] = (),
    study: Path | None = None,
    logs: Path | None = None,
    jobs: int | None = 1,
    engine: str = LOCAL,
    tell: Tell | None = None,
) -> Tuning:
    """Searches lookback, units, depth, dropout and learning rate of a model, judged on validation rows alone.

    The first trial has the settings of `config`, so that the best are not worse on these rows. Ctrl-C ends the search;
    what was found by then is returned. What is found depends neither on `jobs` nor on `engine`.

    Args:
        trials: In all, those in the file `study` among them.
        held: Names of settings that are not searched.
        study: File that keeps the trials, to go on from after Ctrl-C or a kill.
        logs: Folder for TensorBoard; on a cluster every machine must see it.
        jobs: Processes that work side by side, up to four; None as many as there are cores.
        engine: Where they work (`parallel.run_jobs`).
        tell: Called with all finished trials as they end, at the start and after each.
    Raises:
        ConfigError: no such model, nothing to search, a study of something else, or no trial that came to its end.
        SeriesTooShort: the rows do not suffice for the shortest lookback.
    """
    check_engine(engine, jobs)
    search = Search.of(series, model, config or ExperimentConfig(), held)
    run = partial(run_jobs, workers=jobs, engine=engine)
    seed = search.config.training.seed
    with open_study(study, key=search.key, ranges=search.ranges, first=search.first, seed=seed) as kept:
        try:
            _go_on(search, kept, trials, run, logs and logs.absolute(), tell or (lambda _: None))
        except KeyboardInterrupt:
            if not any(trial.state == "complete" for trial in kept.trials()):
                raise
        tuning = Tuning(search, tuple(sorted(kept.trials(), key=lambda trial: trial.number)), trials)
    if not tuning.ranking:
        raise ConfigError(f"none of {trials} trials came to its end. The last one: {tuning.trials[-1].reason}")
    return tuning


def default_file(several: Sequence[TimeSeries], model: str) -> Path:
    """`runs/NAME-MODEL.json`, the same for the same command, so that it goes on with its search."""
    more = f"-and-{len(several) - 1}-more" if len(several) > 1 else ""
    return Path("runs") / f"{re.sub(r'[^A-Za-z0-9._^=-]+', '-', several[0].name)}{more}-{model}.json"


def check_file(path: Path) -> None:
    """Refuses a file that holds something else than settings.

    Raises:
        ConfigError: it is there, and is no file of settings.
    """
    if path.exists():
        try:
            read_config(path)
        except ConfigError as error:
            raise ConfigError(f"settings go into a new file or over settings. {error}") from error


def write_settings(tuning: Tuning, path: Path) -> None:
    """Writes the best settings, whole or not at all."""
    with atomic_file(path) as work:
        work.write_text(json.dumps(tuning.config.to_dict(), indent=1) + "\n", encoding="utf-8")


def _go_on(search: Search, study: Study, wanted: int, run: Any, logs: Path | None, tell: Tell) -> None:
    """Trials until there are as many as wanted; those of a round side by side, each kept as it ends."""
    tell(study.trials())
    for attempts in study.rounds(wanted):
        for done in run(_try, [Task(search, one, logs and logs / f"trial-{one.number}") for one in attempts]):
            study.keep(done.result or attempts[done.place].lost(done.error))
            tell(study.trials())


@dataclass(frozen=True, eq=False)
class Task:
    """What a worker is asked to do: one trial of a search."""

    search: Search
    attempt: PendingTrial
    logs: Path | None


def _try(task: Task) -> Any:
    """The record of a trial, in a worker."""
    if find_model(task.search.model).is_network:
        devices.load_keras()
    return task.attempt.run(partial(task.search.value, logs=task.logs))
