"""From series to a trained model: the whole recipe, read top to bottom.

In: one `TimeSeries` or many, and a configuration. Out: a `TrainedModel`. The test rows are cut off before anything is
fitted.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import sqrt

import numpy as np
import pandas as pd

from forecast.config import ExperimentConfig
from forecast.data.calendar.frequency import iso, lookback_of, season_of
from forecast.data.covariates import enrich, inputs_of
from forecast.data.scaling import Scaler, fit_scaler
from forecast.data.series import TimeSeries
from forecast.data.windows import Inputs, Panel, Split, split_rows
from forecast.errors import ConfigError
from forecast.inference import conformal as intervals
from forecast.inference import shrinkage
from forecast.inference.trained_model import (
    TrainedModel,
    TrainedOn,
    all_columns,
    problem_of,
    scale_inputs,
    shrink_moves,
)
from forecast.models import NETWORKS, Callbacks, Fit, Model, Problem, WarmStart, Weights, find_model
from forecast.models.highway import apply_highway
from forecast.models.neural.network import Network
from forecast.runtime.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from forecast.runtime.versions import versions_here
from forecast.typing import Array

# Steps for one series; for many they grow with the root of their number, up to the most.
STEPS, MOST_STEPS = 100, 1000
# What is kept of a series as numbers.
NUMBERS = ("scaler", "expert_losses", "log_scale")


def resolve_defaults(
    config: ExperimentConfig, series: Sequence[TimeSeries], group: ProcessGroup = SINGLE_PROCESS
) -> ExperimentConfig:
    """The configuration with lookback, season and steps, where they were left to the series, those of all a crew."""
    known = group.collect([(one.frequency, len(one)) for one in series])
    frequency, rows = known[0][0], int(np.median([rows for _, rows in known]))
    steps = config.training.steps or min(MOST_STEPS, round(STEPS * sqrt(len(known))))
    return replace(
        config,
        lookback=config.lookback or lookback_of(frequency, rows),
        season=config.season or season_of(frequency),
        training=replace(config.training, steps=steps),
    )


def train(
    series: TimeSeries | Sequence[TimeSeries],
    model: str = "lstm",
    config: ExperimentConfig | None = None,
    *,
    cutoff: int | None = None,
    callbacks: Callbacks | None = None,
    start: TrainedModel | None = None,
    freeze: bool = False,
    group: ProcessGroup = SINGLE_PROCESS,
) -> TrainedModel:
    """Trains one model on the first part of one series or of many; their last fifth is not looked at.

    Many series are seen equally often, however long each is. The model forecasts each of them, and others.

    Args:
        model: A name in the registry `MODELS`.
        config: Settings; the defaults are meant for every series.
        cutoff: The first row that is not looked at, instead of that of the last fifth.
        watch: Who is told of the progress, and where it is kept.
        start: A network to go on from; one of the same shape. Series that it knows keep their scaler, and rows of
            theirs that it has not seen are drawn as often as all others together.
        freeze: With `start`, leave all layers but the head as they are.
        crew: The processes that train together; `series` are those of this one. All get the same model.
    Raises:
        ConfigError: no such model, no series, or two of one name; `start` has another shape; no crew can do it.
        SeriesTooShort: the rows do not suffice for lookback, horizon and season.
    """
    several = [series] if isinstance(series, TimeSeries) else list(series)
    if not several:
        raise ConfigError("a model is trained on one series or more. Received: none.")
    check_names(group.collect([one.name for one in several]))
    chosen, config = find_model(model), resolve_defaults(config or ExperimentConfig(), several, group)
    check_task(model, config)
    if group.size > 1:
        check_group(model, config, start)
    problem = problem_of(config)
    several = [enrich(one, config.inputs) for one in several]
    splits = [split_rows(len(one), config, cutoff) for one in several]
    if chosen.is_network:
        import keras  # noqa: F401  its import takes seconds that are not the fit's
    started = time.perf_counter()
    inputs = [inputs_of(one, config.inputs, horizon=config.horizon) for one in several]
    known = [start.known(one) if start else None for one in several]
    scalers = [
        old.scaler if old else fit_scaler(all_columns(one)[: split.validation])
        for one, split, old in zip(inputs, splits, known, strict=True)
    ]
    panel = Panel.of([scale_inputs(one, scaler) for one, scaler in zip(inputs, scalers, strict=True)], splits, group)
    if start:
        fit = _go_on(
            start, _with_news(panel, several, known, problem), problem, callbacks or Callbacks(), freeze=freeze
        )
    else:
        fit = chosen.fit(panel, problem, callbacks or Callbacks())
    earned = [_calibrate_on_validation(chosen, fit.weights, one, split, problem) for one, split in panel]
    return TrainedModel(
        model=model,
        config=config,
        target=several[0].target,
        weights=fit.weights,
        history=fit.history,
        trained_on=_trained_on_all(list(map(_trained_on, several, splits, scalers, earned)), group),
        seconds=time.perf_counter() - started,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        interrupted=fit.interrupted,
        ancestry=(*start.ancestry, start.summary()) if start else (),
        versions=_versions(chosen),
    )


def _go_on(start: TrainedModel, panel: Panel, problem: Problem, callbacks: Callbacks, *, freeze: bool) -> Fit:
    """Trains on from the weights of another network.

    Raises:
        ConfigError: it is no network, or has another shape than the configuration asks for.
    """
    network = find_model(start.model)
    if not isinstance(network, Network):
        raise ConfigError(f"a training goes on from a network: {', '.join(NETWORKS)}. Received: {start.model}.")
    expected = network.shapes(problem)
    if wrong := sorted(name for name, array in start.weights.items() if expected.get(name) != array.shape):
        raise ConfigError(
            f"a training goes on with the lookback, horizon, columns and layers of the network that it starts from. "
            f"{wrong[0]} has the shape {start.weights[wrong[0]].shape}, and would need {expected.get(wrong[0])}."
        )
    return network.fit(panel, problem, callbacks, WarmStart(start.weights, freeze))


def _with_news(
    panel: Panel, several: Sequence[TimeSeries], known: Sequence[TrainedOn | None], problem: Problem
) -> Panel:
    """The panel, and once more the latest rows of each series of which some are new to the model.

    Each series of a panel is seen as often as any other, so that new rows are half of what is seen of a series.
    """
    parts = list(panel)
    least = problem.lookback + problem.horizon + problem.config.training.labels
    for (inputs, split), one, old in zip(panel, several, known, strict=True):
        seen = int(one.index.searchsorted(pd.Timestamp(old.last), side="right")) if old else split.validation
        first = max(0, min(int(seen * _share_of_training(problem.config)), split.validation - least))
        if 0 < first < split.validation and seen < split.rows:
            rest = Inputs(inputs.past[first:], inputs.ahead[first:])
            parts.append((rest, Split(split.validation - first, split.test - first, split.rows - first)))
    return Panel.of([inputs for inputs, _ in parts], [split for _, split in parts])


def _share_of_training(config: ExperimentConfig) -> float:
    """The training rows among those that a model has seen."""
    return config.train_share / (config.train_share + config.validation_share)


def _versions(model: Model) -> dict[str, str]:
    """The versions of the libraries that trained a model; of networks the backend of Keras as well."""
    import sys

    found = versions_here()
    if model.is_network and "keras" in sys.modules:
        found["backend"] = str(sys.modules["keras"].backend.backend())
    return found


def check_names(names: Sequence[str]) -> None:
    """Refuses two series of one name.

    Raises:
        ConfigError: there are.
    """
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ConfigError(f"each series must have a name of its own. Twice there: {', '.join(twice)}.")


def check_task(model: str, config: ExperimentConfig) -> None:
    """Refuses a model that cannot do what is asked of it.

    Raises:
        ConfigError: directions are asked of a model that is no network, or there is no such model.
    """
    if config.task == "direction" and not find_model(model).is_network:
        raise ConfigError(f"the task direction is for networks: {', '.join(NETWORKS)}. Received: {model}.")


def check_group(model: str, config: ExperimentConfig, start: TrainedModel | None = None) -> None:
    """Refuses what several processes do not train together.

    Raises:
        ConfigError: the model is no network, the task is direction, or the training goes on from a network.
    """
    if not find_model(model).is_network:
        raise ConfigError(f"workers train a network together: {', '.join(NETWORKS)}. Received: {model}.")
    if config.task == "direction" or start:
        received = "--from" if start else "the task direction"
        raise ConfigError(
            f"workers train a new network of the task forecast. Received: {received}. Leave out --workers."
        )


def _calibrate_on_validation(
    model: Model, weights: Weights, inputs: Inputs, split: Split, problem: Problem
) -> tuple[Array, Array]:
    """What the model earned on the validation rows of one series, up to the last one; nothing with directions."""
    if problem.config.task == "direction":
        return shrinkage.start(), intervals.start(problem.horizon)
    blocks = model.blocks(inputs, np.arange(split.validation - 1, split.test), problem)
    quantiles, linear = model.predict(weights, blocks, problem), apply_highway(weights, blocks)[:, 0]
    shrunk, expert_losses = shrink_moves(model, quantiles, linear, blocks, shrinkage.start())
    return expert_losses, intervals.calibrate(shrunk, blocks.y[:, 0])


def _trained_on(series: TimeSeries, split: Split, scaler: Scaler, earned: tuple[Array, Array]) -> TrainedOn:
    return TrainedOn(
        series=series.name,
        unit=series.unit,
        frequency=series.frequency,
        first=iso(series.index[0]),
        last=iso(series.index[split.test - 1]),
        rows=split.test,
        sha256=series.fingerprint(split.test),
        scaler=scaler,
        expert_losses=earned[0],
        log_scale=earned[1],
        exchange=series.trading_calendar,
    )


def _trained_on_all(mine: list[TrainedOn], group: ProcessGroup) -> tuple[TrainedOn, ...]:
    """What was kept of the series of all processes, in their order."""
    if group.size == 1:
        return tuple(mine)
    arrays = [
        {
            "minimum": one.scaler.minimum,
            "span": one.scaler.span,
            "expert_losses": one.expert_losses,
            "log_scale": one.log_scale,
        }
        for one in mine
    ]
    plain = [{name: value for name, value in vars(one).items() if name not in NUMBERS} for one in mine]
    found = group.collect(
        [
            [text, {name: array.tolist() for name, array in some.items()}]
            for text, some in zip(plain, arrays, strict=True)
        ]
    )
    return tuple(
        TrainedOn(
            **text,
            scaler=Scaler(np.array(some["minimum"]), np.array(some["span"])),
            expert_losses=np.array(some["expert_losses"]),
            log_scale=np.array(some["log_scale"]),
        )
        for text, some in found
    )
