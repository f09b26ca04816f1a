"""From series to a trained model: the whole recipe, read top to bottom.

In: one `TimeSeries` or many, and a configuration. Out: a `TrainedModel`. The test rows are cut off before anything is
fitted.
"""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from forecast.config import ExperimentConfig
from forecast.data.calendar.frequency import iso, moment
from forecast.data.dataset import Dataset, prepare_all
from forecast.data.inputs import Inputs
from forecast.data.panel import Panel
from forecast.data.scaling import Scaler
from forecast.data.sources import Source, load_several, split_keywords
from forecast.data.split import Split
from forecast.data.windows import Blocks, origins, spaced, thinned
from forecast.errors import ConfigError, SeriesTooShort
from forecast.inference import conformal, shrinkage
from forecast.inference.trained_model import TrainedModel, problem_of
from forecast.inference.trajectory import TrainedOn
from forecast.models import NETWORKS, Callbacks, Estimator, Fit, Problem, WarmStart, Weights, find_learner, find_model
from forecast.models.estimator import clip_labels, window_blocks
from forecast.models.highway import HIGHWAY, apply_highway, steps_of_highway
from forecast.models.neural.network import Network
from forecast.models.volatility import past_quantiles, with_volatility
from forecast.runtime import devices
from forecast.runtime.blas import one_thread
from forecast.runtime.versions import versions_here
from forecast.typing import Array

# The last training rows: models that learn nothing from them are followed there; and windows that show what a highway
# saves.
EARLIER = 200
# What a training starts from that owes nothing to other series.
SCRATCH: Literal["scratch"] = "scratch"
# Series that are calibrated together.
TOGETHER = 32


def train(
    series: Source | Sequence[Source],
    model: str = "lstm",
    config: ExperimentConfig | None = None,
    *,
    cutoff: int | None = None,
    callbacks: Callbacks | None = None,
    start: TrainedModel | Literal["scratch"] | None = None,
    freeze: bool = False,
    **options: Any,
) -> TrainedModel:
    """Train one model on the first part of one series or of many; their last fifth is not looked at.

    Many series are seen equally often, however long each is. The model forecasts each of them, and others.

    Args:
        series: Anything that `load` takes, or a list of such.
        model: A name in the registry `MODELS`.
        config: Settings; the defaults are meant for every series.
        cutoff: The first row that is not looked at, instead of that of the last fifth.
        callbacks: Who is told of the progress, and where it is kept.
        start: A network to go on from; one of the same shape. Series that it knows keep their scaler, and rows of
            theirs that it has not seen are drawn as often as all others together. With `"scratch"` random weights, also
            for a model that otherwise begins from those that come with the package.
        freeze: With `start`, leave all layers but the head as they are.
        options: Fields of the configuration, as in `units=64`, and options of `load`.
    Raises:
        ConfigError: no such model, no series, or two of one name; no such option; `start` has another shape, or is
            none for this model.
        SeriesTooShort: the rows do not suffice for lookback, horizon and season.
    """
    config, loading, _ = split_keywords(config or ExperimentConfig(), options)
    several = load_several(series, config, **loading)
    if not several:
        raise ConfigError("a model is trained on one series or more. Received: none.")
    check_names([one.name for one in several])
    datasets = prepare_all(several, config, cutoff=cutoff)
    if len(datasets) > 1:
        _check_lengths(datasets)
    return train_on(datasets, model, callbacks=callbacks, start=start, freeze=freeze)


def train_on(
    datasets: Sequence[Dataset],
    model: str,
    *,
    callbacks: Callbacks | None = None,
    start: TrainedModel | Literal["scratch"] | None = None,
    freeze: bool = False,
    stride: int = 1,
) -> TrainedModel:
    """Train one model on series that are prepared already, all with the same configuration; see `train`.

    Args:
        stride: Rows from one origin to the next of those that shrinkage and calibration follow.
    """
    chosen, config, callbacks = find_model(model), datasets[0].config, callbacks or Callbacks()
    check_task(model, config)
    problem = problem_of(config)
    if chosen.is_network:
        devices.load_keras()  # its import takes seconds that are not the fit's
    started = time.perf_counter()
    fresh, start = _is_scratch(start), None if isinstance(start, str) else start
    known = [start.known(dataset) if start else None for dataset in datasets]
    scalers = [old.scaler if old else dataset.scaler for dataset, old in zip(datasets, known, strict=True)]
    panel = _panel_of(chosen, datasets, scalers)
    if start:
        panel_with_news = _with_news(panel, datasets, known, problem)
        fit = _go_on(start, panel_with_news, problem, callbacks, freeze=freeze)
    elif fresh:
        fit = find_learner(model).fit(panel, problem, callbacks, chosen.untrained(problem))
    else:
        fit = chosen.fit(panel, problem, callbacks)
    return _trained(chosen, datasets, scalers, panel, fit, started, start, stride)


def _check_lengths(datasets: Sequence[Dataset]) -> None:
    """Says which of several series is too short for what is the same for all.

    Raises:
        SeriesTooShort: one is.
    """
    for dataset in datasets:
        try:
            dataset.split  # noqa: B018
        except SeriesTooShort as error:
            raise SeriesTooShort(f"{dataset.name}: {error} Or leave this series out.") from error


def _is_scratch(start: TrainedModel | str | None) -> bool:
    """Whether a training begins with random weights.

    Raises:
        ConfigError: it is to begin with something else that is no model.
    """
    if isinstance(start, str) and start != SCRATCH:
        raise ConfigError(f'`start` is a TrainedModel, as `open_model` gives it, or "scratch". Received: {start}.')
    return start == SCRATCH


def train_together(
    targets: Sequence[Sequence[Dataset]], model: str, *, callbacks: Callbacks | None = None
) -> list[TrainedModel]:
    """Train one network that forecasts several columns at once, and give the model of each.

    Models that are no networks are trained for each column by themselves; they see the others as well.

    Args:
        targets: For each target the same rows, prepared with it as their target: all with the same configuration, but
            that `inputs.joint` begins with the target.
    Raises:
        ConfigError: the network cannot forecast several columns at once.
    """
    chosen, problem = find_model(model), problem_of(targets[0][0].config)
    if not isinstance(chosen, Network):
        return [train_on(datasets, model, callbacks=callbacks) for datasets in targets]
    devices.load_keras()
    started = time.perf_counter()
    scalers = [[dataset.scaler for dataset in datasets] for datasets in targets]
    panels = [_panel_of(chosen, datasets, own) for datasets, own in zip(targets, scalers, strict=True)]
    fits = chosen.fit_together(panels, problem, callbacks or Callbacks())
    parts = zip(targets, scalers, panels, fits, strict=True)
    return [_trained(chosen, datasets, own, panel, fit, started) for datasets, own, panel, fit in parts]


def _panel_of(model: Estimator, datasets: Sequence[Dataset], scalers: Sequence[Scaler]) -> Panel:
    """The rows of prepared series as a model sees them."""
    scaled = [
        with_volatility(dataset, scaler, expected=model.learned)
        for dataset, scaler in zip(datasets, scalers, strict=True)
    ]
    return Panel.of(scaled, [dataset.split for dataset in datasets])


def _trained(
    model: Estimator,
    datasets: Sequence[Dataset],
    scalers: Sequence[Scaler],
    panel: Panel,
    fit: Fit,
    started: float,
    start: TrainedModel | None = None,
    stride: int = 1,
) -> TrainedModel:
    """What a fit gives, calibrated on each series."""
    config = datasets[0].config
    states = _calibrate(model, fit.weights, list(panel), problem_of(config), stride)
    return TrainedModel(
        model=model.name,
        config=config,
        target=datasets[0].series.target,
        weights=fit.weights,
        history=fit.history,
        trained_on=tuple(map(_trained_on, datasets, scalers, states)),
        seconds=time.perf_counter() - started,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        interrupted=fit.interrupted,
        ancestry=(*start.ancestry, start.summary()) if start else (),
        versions=_versions(model),
    )


def _go_on(start: TrainedModel, panel: Panel, problem: Problem, callbacks: Callbacks, *, freeze: bool) -> Fit:
    """Train on from the weights of another network.

    Raises:
        ConfigError: it cannot go on, or has another shape than the configuration asks for.
    """
    chosen = find_learner(start.model)
    expected = chosen.shapes(problem)
    if wrong := sorted(name for name, array in start.weights.items() if expected.get(name) != array.shape):
        raise ConfigError(
            f"a training goes on with the lookback, horizon, columns and layers of the network that it starts from. "
            f"{wrong[0]} has the shape {start.weights[wrong[0]].shape}, and would need {expected.get(wrong[0])}."
        )
    return chosen.fit(panel, problem, callbacks, WarmStart(start.weights, freeze))


def _with_news(panel: Panel, datasets: Sequence[Dataset], known: Sequence[TrainedOn | None], problem: Problem) -> Panel:
    """The panel, and once more the latest rows of each series of which some are new to the model.

    Each series of a panel is seen as often as any other, so that new rows are half of what is seen of a series.
    """
    parts = list(panel)
    least = problem.lookback + problem.horizon + problem.config.training.labels
    for (inputs, split), one, old in zip(panel, datasets, known, strict=True):
        index = one.series.index
        seen = int(index.searchsorted(moment(old.last), side="right")) if old else split.validation
        first = max(0, min(int(seen * _share_of_training(problem.config)), split.validation - least))
        if 0 < first < split.validation and seen < split.rows:
            rest = Split(split.validation - first, split.test - first, split.rows - first)
            parts.append((inputs.part(first, split.test), rest))
    return Panel.of([inputs for inputs, _ in parts], [split for _, split in parts])


def _share_of_training(config: ExperimentConfig) -> float:
    """The training rows among those that a model has seen."""
    return config.train_share / (config.train_share + config.validation_share)


def _versions(model: Estimator) -> dict[str, str]:
    """The versions of the libraries that trained a model; of networks the backend of Keras as well.

    None of one that learned elsewhere alone: to look them up takes longer than its first block of windows.
    """
    import sys

    if model.is_pretrained and model.is_local:
        return {}
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


@one_thread()
def _calibrate(
    model: Estimator, weights: Weights, parts: Sequence[tuple[Inputs, Split]], problem: Problem, stride: int
) -> list[tuple[Array, Array]]:
    """Expert losses and log scale after the validation rows of each series.

    Those of the beginning for directions, and for models that are neither shrunk nor calibrated.
    """
    if problem.config.task == "direction" or not model.learned:
        return [(shrinkage.initial_losses(), conformal.initial_scale(problem.horizon)) for _ in parts]
    found = []
    for start in range(0, len(parts), TOGETHER):
        some = parts[start : start + TOGETHER]
        followed = [_followed(model, inputs, split, problem, stride) for inputs, split in some]
        every = model.predict_each(weights, followed, problem)
        for (inputs, split), blocks, quantiles in zip(some, followed, every, strict=True):
            losses = shrinkage.head_start(_saved_by_highway(weights, inputs, split, problem))
            found.append(_follow(model, weights, blocks, quantiles[:, 0], losses, split, problem, stride))
    return found


def _followed(model: Estimator, inputs: Inputs, split: Split, problem: Problem, stride: int) -> Blocks:
    """What a model sees at the origins that are followed: those of the validation rows.

    Of models that learn nothing from training rows the last of these as well.
    """
    first = split.validation - 1
    if model.is_local:
        first = max(problem.lookback, split.validation // 2, first - EARLIER)
    return model.blocks(inputs, spaced(first, split.test, stride, last=split.rows - 1), problem)


def _follow(
    model: Estimator,
    weights: Weights,
    blocks: Blocks,
    quantiles: Array,
    losses: Array,
    split: Split,
    problem: Problem,
    stride: int,
) -> tuple[Array, Array]:
    """Expert losses and log scale after the origins of blocks, whose raw quantiles have the shape (N, H, Q)."""
    y, horizon = blocks.y[:, 0], quantiles.shape[1]
    if blocks.moves:
        past = past_quantiles(blocks.inputs, blocks.origin, horizon=horizon)
        base = shrinkage.base_of(model, blocks, past, problem)
        parts = shrinkage.parts_of(quantiles, apply_highway(weights, blocks)[:, 0], base, steps_of_highway(weights))
        followed = shrinkage.follow_losses(parts, y, losses, stride=stride)
        trust = shrinkage.trust_in(model, base.measured)
        factors = shrinkage.factors_of(followed, horizon=horizon, trust=trust)
        quantiles, losses = shrinkage.shrink(parts, factors), followed[-1]
    validation = blocks.origin >= split.validation - 1
    return losses, conformal.calibrate(quantiles[validation], y[validation], stride=stride)


def _saved_by_highway(weights: Weights, inputs: Inputs, split: Split, problem: Problem) -> float:
    """The share of naive's error that the highway saves on the training rows, at least 0."""
    if HIGHWAY[0] not in weights or not weights[HIGHWAY[0]].any():
        return 0.0
    origin = origins(problem.lookback, split.validation, horizon=problem.horizon)
    blocks = window_blocks(inputs, thinned(origin, EARLIER), problem)
    y = clip_labels(blocks.y[:, 0])
    error, naive = (np.nansum(np.abs(part)) for part in (y - apply_highway(weights, blocks)[:, 0], y))
    return max(0.0, float(1 - error / naive)) if naive > 0 else 0.0


def _trained_on(dataset: Dataset, scaler: Scaler, state: tuple[Array, Array]) -> TrainedOn:
    series, rows = dataset.series, dataset.split.test
    return TrainedOn(
        series=series.name,
        unit=series.unit,
        frequency=series.frequency,
        first=iso(series.index[0]),
        last=iso(series.index[rows - 1]),
        rows=rows,
        sha256=series.fingerprint(rows),
        scaler=scaler,
        expert_losses=state[0],
        log_scale=state[1],
        exchange=series.trading_calendar,
    )
