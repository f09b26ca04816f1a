"""Did an update help? The saved model and the updated one on rows that neither has seen.

In: two models and series. Out: one `UpdateScore` a series, with a sentence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecast.data.calendar.frequency import day
from forecast.data.dataset import Dataset
from forecast.data.series import TimeSeries
from forecast.evaluation.tasks import task_of
from forecast.evaluation.verdicts import SHOWN, in_words
from forecast.inference.trained_model import TrainedModel
from forecast.metrics.significance import SIGNIFICANCE, diebold_mariano, rows_needed


@dataclass(frozen=True)
class UpdateScore:
    """The error before and after an update, on rows of one series that neither model has seen.

    The mean absolute error in `unit`, or the log loss in nats for directions.
    """

    series: str
    unit: str
    origins: int
    horizon: int
    first: str
    last: str
    before: float
    after: float
    p_value: float

    @property
    def change(self) -> float:
        """How much the error changed, as a share of what it was: below 0 it became smaller."""
        return self.after / self.before - 1 if self.before else 0.0 if self.after == 0 else float("inf")

    @property
    def harmed(self) -> bool:
        """Whether the error became larger beyond luck, by something that shows."""
        return self.change >= SHOWN and self.p_value < SIGNIFICANCE

    @property
    def sentence(self) -> str:
        """Whether the update helped, and whether that is more than luck."""
        where = f"on {self.first} to {self.last}, which neither model saw"
        if self.before == self.after:
            return f"{self.series}: the update changed nothing {where}."
        if abs(self.change) < SHOWN:
            return f"{self.series}: the update changed the error by less than 0.1% {where}."
        side = "smaller" if self.change < 0 else "larger"
        sizes = f"({self.after:.4g} instead of {self.before:.4g} {self.unit})"
        size = f"the error is {abs(self.change):.1%} {side} {sizes} {where}"
        if np.isnan(self.p_value):
            needed = rows_needed(self.horizon)
            return f"{self.series}: {size}, too few rows to rule out luck: {needed} new rows would do."
        if self.p_value >= SIGNIFICANCE:
            return f"{self.series}: {size}, which may be luck, {in_words(self.p_value)}."
        verdict = "harmed" if self.harmed else "helped"
        return f"{self.series}: the update {verdict}: {size}, {in_words(self.p_value)}."


def compare(before: TrainedModel, after: TrainedModel, several: Sequence[TimeSeries]) -> list[UpdateScore]:
    """Score an update on the test rows of each series; skip series with too few of them."""
    return [score for series in several if (score := _compare(before, after, after.prepare(series)))]


def _compare(before: TrainedModel, after: TrainedModel, dataset: Dataset) -> UpdateScore | None:
    """Score from the first origin behind the training rows of both models."""
    first = max(
        [before.problem.lookback, *(model.trained_to(dataset) for model in (before, after) if model.known(dataset))]
    )
    series, horizon, task = dataset.series, before.problem.horizon, task_of(before.config)
    if len(series) - first <= horizon:
        return None
    losses = [task.losses(model, dataset, first) for model in (before, after)]
    gain = losses[0] - losses[1]
    return UpdateScore(
        series=series.name,
        unit=task.loss_unit or series.unit,
        origins=len(gain),
        horizon=horizon,
        first=day(series.index[first + 1]),
        last=day(series.index[-1]),
        before=float(losses[0].mean()),
        after=float(losses[1].mean()),
        p_value=diebold_mariano(gain, horizon=horizon) if gain.any() else float("nan"),
    )
