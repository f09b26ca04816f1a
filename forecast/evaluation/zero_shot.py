"""The first answer: a forecast of any series by the network that comes with the package, and how good it was on it.

In: a series, or many. Out: an `Answer` to each, without any training: the forecast, and its test on the last fifth of
the rows, of long series on the last 400. Beside the baselines it is judged in an `Experiment`. A short series may be
forecast further ahead than its rows suffice to test; the answer says how far the test reaches.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from forecast.config import ExperimentConfig
from forecast.data.dataset import Dataset
from forecast.data.series import TimeSeries
from forecast.errors import ForecastError, SeriesTooShort
from forecast.evaluation.holdout import Experiment, evaluate
from forecast.evaluation.run_plan import RunPlan
from forecast.evaluation.scores import Scores, check_outcomes, complete, score
from forecast.evaluation.zero_shot_plan import CALIBRATED_APART, MODELS, plan_as_far_as_tested, stride_of
from forecast.inference.forecasts import Backtest, Forecast, next_steps
from forecast.inference.trained_model import TrainedModel
from forecast.runtime.parallel import cores, run_jobs
from forecast.training.train import train_on

# Series that are forecast together.
TOGETHER = 64
# Series for which another process is worth its start; series in a chunk that a process is sent, at most.
SERIES_PER_PROCESS, CHUNK = 100, 64


@dataclass(frozen=True, eq=False)
class Answer:
    """The forecast of a series that no model was trained on, and its test.

    Attributes:
        backtest: At the tested origins, to the last row.
        model: What forecast it, calibrated on the rows before the test.
        horizon: Steps that are forecast, of which the plan tests the first ones.
    """

    plan: RunPlan
    backtest: Backtest
    model: TrainedModel
    horizon: int

    @property
    def tested_steps(self) -> int:
        """How many steps ahead the test reaches."""
        return self.plan.dataset.config.resolved_horizon

    @cached_property
    def forecast(self) -> Forecast:
        """The coming steps."""
        if self.horizon == self.tested_steps:
            return next_steps(self.model.model, self.backtest.quantiles[-1], self.plan.dataset.series)
        return _forecast_further(self.model, self.plan.dataset, self.horizon)

    @cached_property
    def scores(self) -> Scores:
        """How good it was, beside naive.

        Raises:
            SeriesTooShort: no outcome in the test is known.
        """
        dataset, tested = self.plan.dataset, complete(self.backtest)
        check_outcomes(tested)
        return score(tested, y_train=dataset.series.y[: dataset.split.validation])

    def judge(self) -> Experiment:
        """The test beside those of the baselines that the rows suffice for."""
        dataset, stride = self.plan.dataset, self.backtest.stride
        tests = {self.model.model: (self.backtest, self.model)}
        for name in self.plan.models[1:]:
            with suppress(SeriesTooShort):
                tests[name] = train_on([dataset], name).test(dataset, stride=stride)
        trained = {name: model for name, (_, model) in tests.items()}
        return evaluate(dataset, trained, cautions=self.plan.cautions, tests=tests, with_risks=False)

    def record(self) -> dict[str, float | int]:
        """What the test says, as plain JSON values."""
        names, split = ("mae", "mae_vs_naive", "pinball", "coverage90"), self.plan.dataset.split
        origins = len(complete(self.backtest).origin)
        scores = {name: float(getattr(self.scores, name)) for name in names}
        return {"rows": split.rows - split.test, "origins": origins, "steps": self.tested_steps, **scores}

    def sentence(self) -> str:
        """What forecast the series, and how good it was on its last rows, in two sentences."""
        said, series = self.record(), self.plan.dataset.series
        tested = f"{said['origins']:,} origin{'s' if said['origins'] > 1 else ''}"
        rows = f"{said['rows']:,} rows" if said["rows"] > 1 else "row"
        unit = f" {series.unit}" if series.unit else ""
        return (
            f"{series.name}: forecast by the network that comes with the package, which learned from simulated series "
            f"alone. On the last {rows}, from {tested}, its mean absolute error was "
            f"{said['mae']:.4g}{unit}, {said['mae_vs_naive']:.3f} of naive's, and its 90 % intervals held "
            f"{said['coverage90']:.0%} of the values.{f' {self.reach}' if self.reach else ''}"
        )

    @property
    def reach(self) -> str:
        """That the test reaches less far than the forecast, or nothing."""
        if self.tested_steps == self.horizon:
            return ""
        steps = f"{self.tested_steps} step{'s' if self.tested_steps > 1 else ''}"
        return f"The test reaches {steps} ahead, the forecast {self.horizon}: the rows do not suffice to test more."


def answer(series: TimeSeries, config: ExperimentConfig | None = None) -> Answer:
    """Forecast a series that no model was trained on, and test that forecast on its last rows.

    Args:
        config: Its horizon and season, where they are not to come from the series.
    Raises:
        SeriesTooShort: the rows do not suffice for a test.
        SeriesError: the target is constant.
    """
    ((_, found),) = answer_each([series], config)
    if isinstance(found, ForecastError):
        raise found
    return found


def answer_each(
    several: Sequence[TimeSeries], config: ExperimentConfig | None = None
) -> Iterator[tuple[int, Answer | ForecastError]]:
    """The same for several series, or what is wrong with one, with its place among them, in any order.

    Windows that are alike are looked at together; the answer to a series does not depend on the others.
    """
    waiting: dict[tuple[ExperimentConfig, int], dict[int, RunPlan]] = {}
    horizon = config.horizon if config else None
    for place, series in enumerate(several):
        try:
            plan = plan_as_far_as_tested(series, config or ExperimentConfig())
        except ForecastError as error:
            yield place, error
            continue
        alike = (plan.dataset.config, stride_of(plan.dataset))
        waiting.setdefault(alike, {})[place] = plan
        if len(waiting[alike]) == TOGETHER:
            yield from _answer_alike(waiting.pop(alike), horizon)
    for plans in waiting.values():
        yield from _answer_alike(plans, horizon)


@dataclass(frozen=True, eq=False)
class AnswerSummary:
    """An answer as processes send it: its forecast, and its test in numbers and in words."""

    forecast: Forecast
    test: dict[str, float | int]
    sentence: str


def answer_many(
    several: Sequence[TimeSeries], config: ExperimentConfig | None = None, *, jobs: int | None = None
) -> Iterator[tuple[int, AnswerSummary | ForecastError]]:
    """Summaries of the answers of `answer_each`; hundreds of series are forecast side by side in processes.

    Args:
        jobs: Processes at most, None for as many as there are cores; the answers do not depend on it.
    """
    workers = min(jobs or cores(), len(several) // SERIES_PER_PROCESS)
    if workers < 2:
        yield from _summarise(several, config)
        return
    size = -(-len(several) // (workers * -(-len(several) // (workers * CHUNK))))
    starts = range(0, len(several), size)
    parts = [(several[start : start + size], config) for start in starts]
    for job in run_jobs(_summarise_part, parts, workers=workers):
        lost = [(place, ForecastError(f"{one.name}: {job.error}")) for place, one in enumerate(parts[job.place][0])]
        for place, found in job.result or lost:
            yield starts[job.place] + place, found


def _summarise_part(
    part: tuple[Sequence[TimeSeries], ExperimentConfig | None],
) -> list[tuple[int, AnswerSummary | ForecastError]]:
    """Summaries of the answers to a part of the series, with their places in it: the work of a process."""
    return list(_summarise(*part))


def _summarise(
    several: Sequence[TimeSeries], config: ExperimentConfig | None
) -> Iterator[tuple[int, AnswerSummary | ForecastError]]:
    for place, found in answer_each(several, config):
        yield place, found if isinstance(found, ForecastError) else _summary_of(found)


def _summary_of(found: Answer) -> AnswerSummary | ForecastError:
    """The summary of an answer; that nothing in its test is known."""
    try:
        return AnswerSummary(found.forecast, found.record(), found.sentence())
    except SeriesTooShort as error:
        return SeriesTooShort(f"{found.plan.dataset.name}: {error}")


def _answer_alike(plans: dict[int, RunPlan], horizon: int | None) -> Iterable[tuple[int, Answer]]:
    """Forecast and test series whose plans have one configuration, and forecast so many steps, or those of the plan.

    A model knows its series by their names, and some may have the same: they go by their places.
    """
    datasets = [
        replace(plan.dataset, series=replace(plan.dataset.series, name=str(place))) for place, plan in plans.items()
    ]
    model = train_on(datasets, MODELS[0], stride=stride_of(datasets[0], CALIBRATED_APART))
    tests = model.test_all(datasets, stride=stride_of(datasets[0]))
    for (place, plan), (backtest, tested) in zip(plans.items(), tests, strict=True):
        own = (replace(one, series=plan.dataset.name) for one in tested.trained_on if one.series == str(place))
        steps = horizon or plan.dataset.config.resolved_horizon
        yield place, Answer(plan, backtest, replace(tested, trained_on=tuple(own)), steps)


def _forecast_further(model: TrainedModel, dataset: Dataset, horizon: int) -> Forecast:
    """The forecast of more steps than were tested; intervals beyond these are stretched as that of the last of them."""
    (known,) = model.trained_on
    state = known.checkpoint.log_scales[-1] if known.checkpoint else known.log_scale
    stretch = np.concatenate([state, np.repeat(state[-1:], horizon - len(state), axis=0)])
    config = replace(model.config, horizon=horizon)
    longer = replace(model, config=config, trained_on=(replace(known, series="", log_scale=stretch, checkpoint=None),))
    return longer.predict(replace(dataset, config=config))
