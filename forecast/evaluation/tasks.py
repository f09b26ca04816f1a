"""What is forecast, values or directions: which models can, how they are tested, scored and judged.

In: trained models and a `Dataset`. Out: backtests, scores, verdicts and forecasts of one type a task. `task_of` finds
the task of a configuration; nothing else in this room asks which one it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from forecast.config import MEDIAN, ExperimentConfig
from forecast.data.dataset import Dataset
from forecast.data.series import TimeSeries
from forecast.errors import ConfigError, ForecastError
from forecast.evaluation import bottom_line, direction, risk, scores, verdicts
from forecast.inference import direction as probabilities
from forecast.inference.forecasts import next_steps
from forecast.inference.predict import predict_all
from forecast.inference.trained_model import TOGETHER, TrainedModel
from forecast.metrics.metrics import log_losses
from forecast.models import BASELINES, find_model
from forecast.models.direction_classes import CLASSES
from forecast.runtime.parallel import cores, run_jobs
from forecast.training.train import check_task
from forecast.typing import Array

Models = Mapping[str, TrainedModel]
Backtests = dict[str, Any]


class Task(Protocol):
    """A kind of forecast; `loss_unit` is the unit of `losses`, empty for the series' own."""

    loss_unit: str

    def names(self, models: Sequence[str], config: ExperimentConfig) -> list[str]:
        """The models to train for those asked for, each once.

        Raises:
            ConfigError: one is unknown or cannot do the task, or there is none.
        """
        ...

    def test(self, model: TrainedModel, dataset: Dataset) -> tuple[Any, TrainedModel]:
        """The forecasts at every test origin, to the last row; and the tested model."""
        ...

    def add_baselines(self, backtests: Backtests, models: Models, dataset: Dataset) -> Backtests:
        """The backtests of models, and those of baselines that are no models."""
        ...

    def complete(self, backtest: Any) -> Any:
        """The origins whose outcome is known."""
        ...

    def score(self, backtests: Backtests, models: Models, dataset: Dataset) -> tuple[Any, ...]:
        """One row of scores a model; all from the same origins."""
        ...

    def judge(self, backtests: Backtests, rows: Sequence[Any], dataset: Dataset) -> tuple[Any, ...]:
        """One verdict a model."""
        ...

    def conclude(self, verdicts: Sequence[Any], rows: Sequence[Any]) -> tuple[str, tuple[str, ...]]:
        """The bottom line, and what holds for several models, once."""
        ...

    def risks(self, backtests: Backtests, dataset: Dataset) -> tuple[Any, ...]:
        """The risk of holding a price, by each model, from backtests to the last row."""
        ...

    def forecasts(self, backtests: Backtests, models: Models, dataset: Dataset) -> dict[str, Any]:
        """The forecasts from the last row: those of the backtests at their last origin."""
        ...

    def record(self, backtests: Backtests, models: Models, forecasts: Mapping[str, Any]) -> dict[str, Any]:
        """What run.json says of this task alone, as plain JSON values."""
        ...

    def losses(self, model: TrainedModel, dataset: Dataset, first: int) -> Array:
        """The loss at each origin from `first` on whose outcome is known, shape (N,)."""
        ...

    def predict_all(self, model: TrainedModel, several: Sequence[Any]) -> tuple[list[Any], dict[str, ForecastError]]:
        """The forecast of each series that has one, and why the others have none, by name."""
        ...


class ForecastTask:
    """Quantiles of the coming values, against the naive forecast."""

    loss_unit = ""

    def names(self, models: Sequence[str], config: ExperimentConfig) -> list[str]:  # noqa: ARG002
        return list(dict.fromkeys(find_model(name).name for name in (*models, *BASELINES)))

    def test(self, model: TrainedModel, dataset: Dataset) -> tuple[Any, TrainedModel]:
        return model.test(dataset)

    def add_baselines(self, backtests: Backtests, models: Models, dataset: Dataset) -> Backtests:  # noqa: ARG002
        return backtests

    def complete(self, backtest: Any) -> Any:
        return scores.complete(backtest)

    def score(self, backtests: Backtests, models: Models, dataset: Dataset) -> tuple[Any, ...]:
        scores.check_outcomes(next(iter(backtests.values())))
        y_train = dataset.series.y[: dataset.split.validation]
        seconds = {name: model.seconds for name, model in models.items()}
        return scores.score_all(backtests, y_train=y_train, fit_seconds=seconds)

    def judge(self, backtests: Backtests, rows: Sequence[Any], dataset: Dataset) -> tuple[Any, ...]:
        return verdicts.judge(backtests, rows, y=dataset.series.known_y, unit=dataset.series.unit)

    def conclude(self, verdicts: Sequence[Any], rows: Sequence[Any]) -> tuple[str, tuple[str, ...]]:
        return bottom_line.bottom_line(verdicts, rows), bottom_line.remarks(verdicts)

    def risks(self, backtests: Backtests, dataset: Dataset) -> tuple[Any, ...]:
        return risk.assess(backtests, dataset)

    def forecasts(self, backtests: Backtests, models: Models, dataset: Dataset) -> dict[str, Any]:  # noqa: ARG002
        return {name: next_steps(name, made.quantiles[-1], dataset.series) for name, made in backtests.items()}

    def record(self, backtests: Backtests, models: Models, forecasts: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        return {}

    def losses(self, model: TrainedModel, dataset: Dataset, first: int) -> Array:
        tested = scores.complete(model.backtest(dataset, first))
        return np.asarray(np.nanmean(np.abs(tested.actual - tested.quantiles[..., MEDIAN]), axis=1))

    def predict_all(self, model: TrainedModel, several: Sequence[Any]) -> tuple[list[Any], dict[str, ForecastError]]:
        return predict_all(model, several)


class DirectionTask:
    """Probabilities of down, flat and up, against the base rates."""

    loss_unit = "nats"

    def names(self, models: Sequence[str], config: ExperimentConfig) -> list[str]:
        if not models:
            raise ConfigError("the task direction needs a network or more, as in --models lstm. Received: none.")
        for name in models:
            check_task(name, config)
        return list(dict.fromkeys(find_model(name).name for name in models))

    def test(self, model: TrainedModel, dataset: Dataset) -> tuple[Any, TrainedModel]:
        return probabilities.backtest(model, dataset), model

    def add_baselines(self, backtests: Backtests, models: Models, dataset: Dataset) -> Backtests:
        first = next(iter(models.values()))
        return backtests | probabilities.baselines(first, dataset, backtests[first.model])

    def complete(self, backtest: Any) -> Any:
        return direction.complete(backtest)

    def score(self, backtests: Backtests, models: Models, dataset: Dataset) -> tuple[Any, ...]:  # noqa: ARG002
        return direction.score_all(backtests, models)

    def judge(self, backtests: Backtests, rows: Sequence[Any], dataset: Dataset) -> tuple[Any, ...]:
        return direction.judge(backtests, rows, horizon=dataset.config.resolved_horizon)

    def conclude(self, verdicts: Sequence[Any], rows: Sequence[Any]) -> tuple[str, tuple[str, ...]]:  # noqa: ARG002
        return bottom_line.line_of_directions(verdicts), ()

    def risks(self, backtests: Backtests, dataset: Dataset) -> tuple[Any, ...]:  # noqa: ARG002
        return ()

    def forecasts(self, backtests: Backtests, models: Models, dataset: Dataset) -> dict[str, Any]:
        first = next(iter(models.values()))
        return {name: probabilities.last_of(one, dataset.series, first) for name, one in backtests.items()}

    def record(self, backtests: Backtests, models: Models, forecasts: Mapping[str, Any]) -> dict[str, Any]:
        rates = forecasts[probabilities.BASE_RATE].probabilities
        return {
            "band": probabilities.band_of(next(iter(models.values()))),
            "base_rates": dict(zip(CLASSES, rates, strict=True)),
            "calibration": {name: direction.reliability(one).record() for name, one in backtests.items()},
            "forecast": [one.record() for one in forecasts.values()],
        }

    def losses(self, model: TrainedModel, dataset: Dataset, first: int) -> Array:
        tested = direction.complete(probabilities.backtest(model, dataset, first))
        return log_losses(tested.actual, tested.probabilities)

    def predict_all(self, model: TrainedModel, several: Sequence[Any]) -> tuple[list[Any], dict[str, ForecastError]]:
        return probabilities.predict_all(model, several)


def task_of(config: ExperimentConfig) -> Task:
    """The task of a configuration."""
    return DirectionTask() if config.task == "direction" else ForecastTask()


def predict_side_by_side(
    model: TrainedModel, several: Sequence[TimeSeries], *, jobs: int | None
) -> tuple[list[Any], dict[str, ForecastError]]:
    """The forecast of each series that has one, and why the others have none, by name; hundreds of series in processes.

    Args:
        jobs: Processes at most, None for as many as there are cores; the forecasts do not depend on it.
    """
    parts = [(model, several[start : start + TOGETHER]) for start in range(0, len(several), TOGETHER)]
    workers = min(jobs or cores(), len(several) // TOGETHER)
    if workers < 2 or model.runtime:  # what was opened in the model's place stays in this process
        found = list(map(_predict_part, parts))
    else:
        jobs_done = sorted(run_jobs(_predict_part, parts, workers=workers), key=lambda job: job.place)
        found = [job.result or _lost(parts[job.place][1], job.error) for job in jobs_done]
    made = [one for done, _ in found for one in done]
    return made, {name: error for _, failed in found for name, error in failed.items()}


def _predict_part(part: tuple[TrainedModel, Sequence[TimeSeries]]) -> tuple[list[Any], dict[str, ForecastError]]:
    """The forecasts of a part of the series: the work of a process."""
    model, several = part
    return task_of(model.config).predict_all(model, several)


def _lost(several: Sequence[TimeSeries], error: str) -> tuple[list[Any], dict[str, ForecastError]]:
    """What comes of series whose process died."""
    return [], {one.name: ForecastError(f"{one.name}: {error}") for one in several}
