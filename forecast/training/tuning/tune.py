"""Tuning: find hyperparameters that suit a series, judged on validation rows; the test rows are never used.

In: one series or many, a model, and the fields that are fixed. Out: a `Tuning`, whose best configuration goes to a file
for `forecast run --config` and `forecast train --config`.

Workers run the trials of one round after another (`study.py`) on the objective (`objective.py`). The result depends
neither on their number nor on where they run.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.config import ExperimentConfig, override, read_config
from forecast.data.series import TimeSeries
from forecast.data.sources import Source, load_several, split_keywords
from forecast.display import Chart, Line, Panel, Shown
from forecast.display.style import BLUE
from forecast.errors import ConfigError
from forecast.models import find_model
from forecast.runtime import devices
from forecast.runtime.atomic import atomic_file
from forecast.runtime.names import slug
from forecast.runtime.parallel import LOCAL, check_engine, run_jobs
from forecast.training.tuning.objective import Objective
from forecast.training.tuning.study import PendingTrial, Study, Trial, open_study

OnTrials = Callable[[tuple[Trial, ...]], None]


@dataclass(frozen=True, eq=False, repr=False)
class Tuning(Shown):
    """The result of a search.

    Attributes:
        trials: The finished trials, by number.
        wanted: Trials that were asked for; there are fewer after Ctrl-C.
    """

    objective: Objective
    trials: tuple[Trial, ...]
    wanted: int

    @property
    def ranking(self) -> list[Trial]:
        """The complete trials, best first."""
        complete = [trial for trial in self.trials if trial.value is not None]
        return sorted(complete, key=lambda trial: trial.value or 0.0)

    @property
    def config(self) -> ExperimentConfig:
        """The best configuration."""
        return override(self.objective.config, self.ranking[0].hyperparameters)

    @property
    def counts(self) -> dict[str, int]:
        """The number of trials in each state."""
        count = Counter(trial.state for trial in self.trials)
        return {state: count[state] for state in ("complete", "pruned", "failed")}

    def to_frame(self) -> pd.DataFrame:
        """One row a trial: its state, hyperparameters, MAE / naive on the validation rows, and seconds."""
        rows = [
            {"trial": one.number, "state": one.state, **one.hyperparameters, "value": one.value, "seconds": one.seconds}
            for one in self.trials
        ]
        return pd.DataFrame(rows).set_index("trial")

    def chart(self) -> Chart:
        """MAE / naive of each complete trial, and the best so far."""
        done = [one for one in self.trials if one.value is not None]
        numbers, values = np.array([one.number for one in done]), np.array([one.value for one in done], float)
        best = Line(numbers, np.minimum.accumulate(values), "best so far")
        points = Line(numbers, values, "trial", BLUE, "", marker="o", size=6)
        return Chart(f"{self.objective.model}: trials", "MAE / MAE of naive", [best, points], x_label="trial")

    def _headline(self) -> str:
        best, count = self.ranking[0], len(self.trials)
        return f"{self.objective.model}, {count} trials, MAE / naive {best.value:.4f} with {dict(best.hyperparameters)}"

    def _panels(self) -> tuple[Panel, ...]:
        return (Panel(self.to_frame().sort_values("value"), chart=self.chart()),)

    def record(self) -> dict[str, Any]:
        """The result as plain JSON values."""
        return {
            "model": self.objective.model,
            "series": [one.name for one in self.objective.series],
            "value": self.ranking[0].value,
            "config": self.config.to_dict(),
            "ranges": dict(self.objective.ranges),
            "wanted": self.wanted,
            "counts": self.counts,
            "trials": [asdict(trial) for trial in self.trials],
        }


def tune(
    series: Source | Sequence[Source],
    model: str = "lstm",
    config: ExperimentConfig | None = None,
    *,
    trials: int = 20,
    fixed: Collection[str] = (),
    study: Path | None = None,
    logs: Path | None = None,
    jobs: int | None = 1,
    engine: str = LOCAL,
    on_progress: OnTrials | None = None,
    **options: Any,
) -> Tuning:
    """Search lookback, units, depth, dropout and learning rate of a model, judged on validation rows alone.

    The first trial has the hyperparameters of `config`, so that the best are no worse on these rows. Ctrl-C ends the
    search and returns what it found so far. The result depends neither on `jobs` nor on `engine`.

    Args:
        series: Anything that `load` takes, or a list of such.
        trials: In all, those in the file `study` among them.
        fixed: Names of hyperparameters that are not searched.
        study: File that keeps the trials, to continue from after Ctrl-C or a kill.
        logs: Folder for TensorBoard; on a cluster every machine must see it.
        jobs: Processes side by side, up to four; None for as many as there are cores.
        engine: Where they run (`parallel.run_jobs`).
        on_progress: Called with all finished trials, at the start and after each one.
        options: Fields of the configuration, which are not searched then, and options of `load`.
    Raises:
        ConfigError: an unknown model, nothing to search, a study of another search, or no trial that completed.
        SeriesTooShort: too few rows for the shortest lookback.
    """
    check_engine(engine, jobs)
    if trials < 1:
        raise ConfigError(f"`trials` must be at least 1. Received: trials={trials}.")
    config, loading, _ = split_keywords(config or ExperimentConfig(), options)
    several = load_several(series, config, **loading)
    objective = Objective.of(several, model, config, {*fixed, *(options.keys() - loading.keys())})
    run = partial(run_jobs, workers=jobs, engine=engine)
    seed = objective.config.training.seed
    with open_study(study, key=objective.key, ranges=objective.ranges, first=objective.first, seed=seed) as opened:
        try:
            _run_rounds(objective, opened, trials, run, logs and logs.absolute(), on_progress or (lambda _: None))
        except KeyboardInterrupt:
            if not any(trial.state == "complete" for trial in opened.trials()):
                raise
        tuning = Tuning(objective, tuple(sorted(opened.trials(), key=lambda trial: trial.number)), trials)
    if not tuning.ranking:
        raise ConfigError(f"none of {trials} trials is complete. The last one: {tuning.trials[-1].reason}")
    return tuning


def _run_rounds(
    objective: Objective, study: Study, trials: int, run: Any, logs: Path | None, on_progress: OnTrials
) -> None:
    """Run the missing trials of one round after another; write each as it finishes."""
    on_progress(study.trials())
    for pending in study.rounds(trials):
        for job in run(
            _run_trial, [_TrialJob(objective, one, logs and logs / f"trial-{one.number}") for one in pending]
        ):
            study.add(job.result or pending[job.place].fail(job.error))
            on_progress(study.trials())


@dataclass(frozen=True, eq=False)
class _TrialJob:
    """One trial of a search, for a worker."""

    objective: Objective
    trial: PendingTrial
    logs: Path | None


def _run_trial(job: _TrialJob) -> Any:
    """Run a trial in a worker; return its record."""
    if find_model(job.objective.model).is_network:
        devices.load_keras()
    return job.trial.run(partial(job.objective.evaluate, logs=job.logs))


def default_file(several: Sequence[TimeSeries], model: str) -> Path:
    """`runs/SERIES-MODEL.json`: the same command finds its search again."""
    more = f"-and-{len(several) - 1}-more" if len(several) > 1 else ""
    return Path("runs") / f"{slug(several[0].name)}{more}-{model}.json"


def check_file(path: Path) -> None:
    """Raise ConfigError if the file exists and is no configuration."""
    if path.exists():
        try:
            read_config(path)
        except ConfigError as error:
            raise ConfigError(f"a configuration goes to a new file or replaces another one. {error}") from error


def write_config(tuning: Tuning, path: Path) -> None:
    """Write the best configuration, whole or not at all."""
    with atomic_file(path) as work:
        work.write_text(json.dumps(tuning.config.to_dict(), indent=1) + "\n", encoding="utf-8")
