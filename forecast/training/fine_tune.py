"""Training on: a saved network takes in new rows, and is compared with what it was on rows that neither has seen.

In: a `TrainedModel` and series. Out: another one, and how much the update was worth. Scaler, windows, quantiles and
layers stay; old rows stay in the mix (half of the blocks), so that what was learned is not forgotten.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecast.config import MEDIAN
from forecast.data.covariates import enrich
from forecast.data.series import TimeSeries
from forecast.data.windows import split_rows
from forecast.errors import ConfigError
from forecast.evaluation.scores import complete
from forecast.evaluation.verdicts import in_words
from forecast.inference.trained_model import TrainedModel
from forecast.metrics.metrics import log_losses
from forecast.metrics.significance import SIGNIFICANCE, diebold_mariano
from forecast.models import NETWORKS, Callbacks, find_model
from forecast.models.direction_classes import BAND, classes_of
from forecast.models.neural.network import Network
from forecast.training.train import train
from forecast.typing import Array

# Share of the first training's steps and of its learning rate: the weights are near where they should be.
STEPS_SHARE, RATE_SHARE = 0.5, 0.25


@dataclass(frozen=True)
class UpdateScore:
    """The error before and after an update on the rows of one series that neither model saw.

    The mean absolute error in `unit`, or the log loss in nats for directions.
    """

    series: str
    unit: str
    origins: int
    first: str
    last: str
    before: float
    after: float
    p_value: float

    @property
    def sentence(self) -> str:
        """Whether it helped, and whether that is more than luck."""
        where = f"on {self.first} to {self.last}, which neither model saw"
        if self.before == self.after:
            return f"{self.series}: the update changed nothing {where}."
        change = abs(1 - self.after / self.before) if self.before else float("inf")
        side = "smaller" if self.after < self.before else "larger"
        size = f"the error is {change:.1%} {side} ({self.after:.4g} instead of {self.before:.4g} {self.unit}) {where}"
        if np.isnan(self.p_value):
            return f"{self.series}: {size}, too few rows to rule out luck."
        if self.p_value >= SIGNIFICANCE:
            return f"{self.series}: {size}, which may be luck, {in_words(self.p_value)}."
        verdict = "helped" if side == "smaller" else "harmed"
        return f"{self.series}: the update {verdict}: {size}, {in_words(self.p_value)}."


def update(
    model: TrainedModel,
    several: Sequence[TimeSeries],
    *,
    steps: int | None = None,
    learning_rate: float | None = None,
    freeze: bool = False,
    callbacks: Callbacks | None = None,
) -> TrainedModel:
    """Trains a network on; series that it knows keep their scaler, and their new rows are half of what is seen.

    Args:
        steps: Training steps; half of the first training's by default.
        learning_rate: The highest one; a quarter of the first training's by default.
        freeze: Leave all layers but the head as they are.
    Raises:
        ConfigError: the model is no network, or there is nothing new to learn from.
        SeriesTooShort: the rows do not suffice.
    """
    if model.model not in NETWORKS:
        raise ConfigError(
            f"an update goes on with the training of a network: {', '.join(NETWORKS)}. Received: {model.model}. "
            "Train it anew, which takes seconds."
        )
    ready = [enrich(series, model.config.inputs) for series in several]
    if old := [series.name for series in ready if not _has_news(model, series)]:
        share = model.config.train_share + model.config.validation_share
        raise ConfigError(
            f"an update needs rows that the model has not seen, besides the last {1 - share:.0%} of the test. "
            f"{old[0]} has none yet."
        )
    training = model.config.training
    usual = max(1, round((training.max_steps or 1) * STEPS_SHARE))
    rate = learning_rate or training.learning_rate * RATE_SHARE
    config = replace(model.config, training=replace(training, max_steps=steps or usual, learning_rate=rate))
    made = train(several, model.model, config, callbacks=callbacks, start=model, freeze=freeze)
    names = {known.series for known in made.trained_on}
    kept = tuple(known for known in model.trained_on if known.series not in names)
    restored = replace(config, training=training)
    return replace(made, config=restored, trained_on=(*made.trained_on, *kept), target=model.target)


def _has_news(model: TrainedModel, series: TimeSeries) -> bool:
    known = model.known(series)
    if known is None:
        return True
    return (
        int(series.index.searchsorted(pd.Timestamp(known.last), side="right"))
        < split_rows(len(series), model.config).test
    )


def compare(before: TrainedModel, after: TrainedModel, several: Sequence[TimeSeries]) -> list[UpdateScore]:
    """What an update was worth on the test rows of each series; a series with too few of them is left out."""
    return [worth for series in several if (worth := _compare(before, after, enrich(series, after.config.inputs)))]


def _compare(before: TrainedModel, after: TrainedModel, series: TimeSeries) -> UpdateScore | None:
    """From the first row on that lies behind what either has seen."""
    first = max(_seen(before, series), _seen(after, series), before.problem.lookback + 1) - 1
    if len(series) - first <= before.problem.horizon:
        return None
    loss = _log_losses if before.config.task == "direction" else _errors
    losses = [loss(model, series, first) for model in (before, after)]
    gain = losses[0] - losses[1]
    return UpdateScore(
        series=series.name,
        unit="nats" if before.config.task == "direction" else series.unit,
        origins=len(gain),
        first=f"{series.index[first + 1]:%Y-%m-%d}",
        last=f"{series.index[-1]:%Y-%m-%d}",
        before=float(losses[0].mean()),
        after=float(losses[1].mean()),
        p_value=diebold_mariano(gain, horizon=before.problem.horizon) if gain.any() else float("nan"),
    )


def _seen(model: TrainedModel, series: TimeSeries) -> int:
    """Rows of a series up to the last one that a model was trained on; 0 where it does not know the series."""
    known = model.known(series)
    return int(series.index.searchsorted(pd.Timestamp(known.last), side="right")) if known else 0


def _errors(model: TrainedModel, series: TimeSeries, first: int) -> Array:
    """The absolute error of the median at each origin from `first` on, mean over steps; followed from where it left."""
    begin = min(_seen(model, series) - 1 if model.known(series) else first, first)
    tested = complete(model.predict(series, first=max(begin, model.problem.lookback)))
    rows = tested.origin >= first
    return np.asarray(np.abs(tested.actual[rows] - tested.quantiles[rows][..., MEDIAN]).mean(axis=1))


def _log_losses(model: TrainedModel, series: TimeSeries, first: int) -> Array:
    """The log loss of the probabilities at each origin from `first` on whose outcome is known."""
    network, blocks = find_model(model.model), model.blocks(series, first)
    came = classes_of(blocks.y[:, 0, -1], float(model.weights[BAND]))
    known = np.isfinite(came)
    probabilities = (
        network.predict_proba(model.weights, blocks, model.problem) if isinstance(network, Network) else came
    )
    return np.asarray(log_losses(came[known], probabilities[known]))
