"""Several columns that one network forecasts at once: the plan of such a run, and what came of it.

In: the same source, read with each column as the target. Out: a `JointExperiment`, an `Experiment` a target: each is
scaled, tested beside naive and judged by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecast.config import ExperimentConfig
from forecast.data.defaults import resolve_defaults
from forecast.data.series import TimeSeries
from forecast.data.sources.keywords import joint_inputs
from forecast.data.vocabulary import find_name
from forecast.display import Panel, Shown
from forecast.errors import ConfigError
from forecast.evaluation.holdout import Experiment, Table
from forecast.evaluation.run_plan import RunPlan, plan_run
from forecast.typing import Array


@dataclass(frozen=True, eq=False, repr=False)
class JointExperiment(Shown):
    """What one run on several targets found; `result["Close"]` is the experiment of one of them.

    Attributes:
        targets: An experiment a target, in the order in which they were asked for. Their networks of one name were
            trained as one.
    """

    targets: Mapping[str, Experiment]

    def __getitem__(self, target: str) -> Experiment:
        """The experiment of a target, by its name in any case.

        Raises:
            ConfigError: there is no such target.
        """
        name = find_name(target, self.targets)
        if name is None:
            raise ConfigError(f"a target must be one of {', '.join(self.targets)}. Received: {target}.")
        return self.targets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.targets)

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def bottom_line(self) -> str:
        """What to use for each target, a sentence each."""
        return " ".join(f"{name}: {one.bottom_line}" for name, one in self.targets.items())

    def quantiles(self, model: str) -> Array:
        """The forecasts of the test rows by a model, shape (origins, targets, horizon, quantiles).

        Each target in its own unit; NaN at origins where it is missing.

        Raises:
            ConfigError: the model was not run on every target.
        """
        if wanting := [name for name, one in self.targets.items() if model not in one.backtests]:
            raise ConfigError(f"{model} was not run on {', '.join(wanting)}.")
        tests = [one.backtests[model] for one in self.targets.values()]
        origin = np.unique(np.concatenate([test.origin for test in tests]))
        found = np.full((len(origin), len(tests), *tests[0].quantiles.shape[1:]), np.nan)
        for place, test in enumerate(tests):
            found[np.searchsorted(origin, test.origin), place] = test.quantiles
        return found

    def to_frame(self, table: Table = "scores") -> pd.DataFrame:
        """The tables of `Experiment.to_frame`, one target below the other; the first column names the target."""
        tables = {name: one.to_frame(table) for name, one in self.targets.items()}
        for name, one in tables.items():
            one.insert(0, "target", name)
        return pd.concat(tables.values())

    def _headline(self) -> str:
        first = next(iter(self.targets.values()))
        return f"{first.series.name}, {', '.join(self.targets)} together. {self.bottom_line}"

    def _panels(self) -> Sequence[Panel]:
        return [
            replace(panel, sentences=(f"{name}: {one.bottom_line}", *panel.sentences))
            for name, one in self.targets.items()
            for panel in one._panels()
        ]


def plan_together(
    several: Sequence[TimeSeries], models: Sequence[str] | None, config: ExperimentConfig
) -> tuple[RunPlan, ...]:
    """Plan a run on several targets of one source, all with the lookback, horizon and season of the first.

    Args:
        several: The source as `load_together` reads it, a series a target.
        models: Names in the registry; None for `usual_models` of each target.
    Raises:
        ConfigError: a model is unknown or cannot do the task, which must be to forecast values.
        SeriesError: a target is constant, or too short for every model.
    """
    config = resolve_defaults(config, several[:1])
    every = joint_inputs(config.inputs, [one.target for one in several])
    pairs = zip(several, every, strict=True)
    return tuple(plan_run(one, models, replace(config, inputs=inputs)) for one, inputs in pairs)
