"""Training on: a saved network takes in new rows, and is compared with what it was on rows that neither has seen.

In: a `TrainedModel` and series. Out: another one, and how much the update was worth. Scaler, windows, quantiles and
layers stay; old rows stay in the mix (half of the blocks), so that what was learned is not forgotten.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from forecast.data.dataset import Dataset, prepare_all
from forecast.data.series import TimeSeries
from forecast.data.split import test_start
from forecast.errors import ConfigError
from forecast.inference.trained_model import TrainedModel
from forecast.models import LEARNERS, Callbacks
from forecast.training.train import train_on

# Share of the first training's steps and of its learning rate: the weights are near where they should be.
STEPS_SHARE, RATE_SHARE = 0.5, 0.25


def update(
    model: TrainedModel,
    several: Sequence[TimeSeries],
    *,
    steps: int | None = None,
    learning_rate: float | None = None,
    freeze: bool = False,
    callbacks: Callbacks | None = None,
    whole: bool = False,
) -> TrainedModel:
    """Trains a network on; series that it knows keep their scaler, and their new rows are half of what is seen.

    Args:
        steps: Training steps; half of the first training's by default.
        learning_rate: The highest one; a quarter of the first training's by default.
        freeze: Leave all layers but the head as they are.
        whole: Learn from all rows, and leave none for a test.
    Raises:
        ConfigError: the model is no network, or there is nothing new to learn from.
        SeriesTooShort: the rows do not suffice.
    """
    if model.model not in LEARNERS:
        raise ConfigError(
            f"an update goes on with the training of a network: {', '.join(LEARNERS)}. Received: {model.model}. "
            "Train it anew, which takes seconds."
        )
    training = model.config.training
    usual = max(1, round((training.max_steps or 1) * STEPS_SHARE))
    rate = learning_rate or training.learning_rate * RATE_SHARE
    config = replace(model.config, training=replace(training, max_steps=steps or usual, learning_rate=rate))
    datasets = [replace(one, cutoff=len(one) if whole else None) for one in prepare_all(several, config)]
    for dataset in datasets:
        _check_news(model, dataset)
    made = train_on(datasets, model.model, callbacks=callbacks, start=model, freeze=freeze)
    names = {known.series for known in made.trained_on}
    kept = tuple(known for known in model.trained_on if known.series not in names)
    restored = replace(config, training=training)
    return replace(made, config=restored, trained_on=(*made.trained_on, *kept), target=model.target)


def _check_news(model: TrainedModel, dataset: Dataset) -> None:
    """Refuse a series without rows before its test that the model has not learned from.

    Raises:
        ConfigError: it has none.
    """
    if model.known(dataset) is None or (learned := model.trained_to(dataset) + 1) < dataset.split.test:
        return
    config, rows = dataset.config, len(dataset)
    enough = learned + 1 if dataset.cutoff else next(one for one in count(rows) if test_start(one, config) > learned)
    raise ConfigError(
        f"an update needs rows that the model has not seen, besides the last "
        f"{1 - config.train_share - config.validation_share:.0%} of the test. "
        f"Received: {rows:,} rows of {dataset.name}, of which it has none yet. "
        f"Give newer rows with it: {enough:,} in all are enough."
    )
