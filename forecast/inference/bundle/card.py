"""A saved model as lines of text: what it is, what it was trained on, how good it was, and its layers."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from forecast.config import QUANTILES
from forecast.data.calendar.frequency import count_steps
from forecast.data.covariates import names_of
from forecast.inference.bundle.opening import open_described
from forecast.inference.trained_model import TrainedModel
from forecast.models import find_model
from forecast.models.direction_classes import CLASSES
from forecast.models.highway import HIGHWAY
from forecast.models.neural.architecture import outputs_of, stack_of
from forecast.runtime.names import visible

# The scores that a card shows, of values and of directions; bundle.json has all.
SCORES = ("mae", "mae_vs_naive", "crps", "coverage90", "log_loss", "log_loss_skill", "accuracy", "calibration_error")
# Series that a card lists, and the width of its first column.
LISTED, WIDTH = 12, 14


def card(path: str | Path) -> list[str]:
    """The lines of the card.

    Raises:
        BundleError: as `open_model`.
    """
    model, fields = open_described(path)
    parts = (_head(model, fields), _task(model), _data(model), _training(model), _tests(model), _network(model))
    lines = [line for part in parts for line in (*part, "")]
    return [visible(line) for line in lines[:-1]]


def _row(name: str, value: object) -> str:
    return f"{name:<{WIDTH}}{value}"


def _head(model: TrainedModel, fields: Mapping[str, Any]) -> Iterator[str]:
    yield f"{model.model}: {find_model(model.model).summary}"
    yield _row("made", f"{model.created}, bundle format {fields['format']}")
    sizes = ", ".join(f"{name} {entry['bytes']:,} bytes" for name, entry in fields["files"].items())
    yield _row("files", sizes)
    yield _row("weights", f"{sum(array.size for array in model.weights.values()):,} numbers")


def _task(model: TrainedModel) -> Iterator[str]:
    config, known = model.config, model.trained_on[0]
    past, future = names_of(config.inputs, model.target)
    if config.task == "direction":
        outputs = f"probabilities of {', '.join(CLASSES)}"
    else:
        outputs = f"quantiles {', '.join(f'{100 * level:.0f}' for level in QUANTILES)} %"
    steps = count_steps(config.resolved_horizon, known.frequency)
    yield _row("forecasts", f"{model.target} [{known.unit}], {steps} ahead: {outputs}")
    yield _row("inputs", _inputs(model, past))
    if config.training.normalisation == "level":
        yield _row("", "scaled to [0, 1] as levels, as in tutorials")
    if future:
        yield _row("known ahead", ", ".join(future))


def _inputs(model: TrainedModel, past: Sequence[str]) -> str:
    if not find_model(model.model).uses_lookback:
        return f"the rows of {model.target} up to the last one"
    return f"the last {model.config.lookback} differences of {', '.join(past)}, over their mean size"


def _data(model: TrainedModel) -> Iterator[str]:
    count = len(model.trained_on)
    yield _row("trained on", f"{count:,} series, {sum(known.rows for known in model.trained_on):,} rows")
    for known in model.trained_on[:LISTED]:
        where = f", exchange {known.exchange}" if known.exchange else ""
        yield _row("", f"{known.series}: {known.rows:,} rows, {known.first} to {known.last}, {known.frequency}{where}")
        yield _row("", f"  minimum {known.scaler.minimum[0]:.6g}, range {known.scaler.span[0]:.6g} {known.unit}")
        yield _row("", f"  sha256 {known.sha256}")
    if count > LISTED:
        yield _row("", f"... {count - LISTED:,} more in bundle.json")


def _training(model: TrainedModel) -> Iterator[str]:
    config = model.config
    shares = f"{config.train_share:.0%} training, {config.validation_share:.0%} validation"
    yield _row("training", f"{shares}; seed {config.training.seed}, {model.seconds:.1f} s")
    if model.history:
        best = min(model.history, key=lambda row: row.validation_loss)
        yield _row(
            "", f"{config.training.max_steps} steps, best validation loss {best.validation_loss:.4f} at {best.step}"
        )
    yield _row("versions", ", ".join(f"{name} {number}" for name, number in model.versions.items()))
    for parent in model.ancestry:
        yield _row("continues", ", ".join(f"{name} {value}" for name, value in parent.items()))
    if model.interrupted:
        yield _row("", "training was stopped by Ctrl-C")


def _tests(model: TrainedModel) -> Iterator[str]:
    if not model.tested:
        yield _row("tested", "not recorded in this bundle")
    for number, one in enumerate(model.tested[:LISTED]):
        verdict = one.get("verdict", {}).get("sentence")
        yield _row("tested" if number == 0 else "", f"{one.get('series')}, {one.get('first')} to {one.get('last')}")
        if one.get("scores"):
            known = {name: one["scores"].get(name) for name in SCORES}
            numbers = {name: value for name, value in known.items() if isinstance(value, int | float)}
            yield _row("", "  " + ", ".join(f"{name} {value:.4g}" for name, value in numbers.items()))
        if verdict:
            yield _row("", f"  {verdict}")
    if len(model.tested) > LISTED:
        yield _row("", f"... {len(model.tested) - LISTED:,} more in bundle.json")


def _network(model: TrainedModel) -> Iterator[str]:
    """The layers as boxes, from the inputs down, each with its number of weights and the shape of its output."""
    if not find_model(model.model).is_network:
        for name, array in sorted(model.weights.items()):
            yield _row("array", f"{name} {array.shape}")
        return
    rows = list(_layers(model))
    width = max(len(text) for text, _ in rows)
    for number, (text, shape) in enumerate(rows):
        if number:
            yield f"  {'│':^{width + 2}}"
        yield f"  ┌{'─' * (width + 2)}┐"
        yield f"  │ {text:<{width}} │  {shape}"
        yield f"  └{'─' * (width + 2)}┘"
    seeds = model.config.training.seeds
    if seeds > 1:
        yield f"  the mean of {seeds} such networks"
    if HIGHWAY[0] in model.weights:
        kernel = model.weights[HIGHWAY[0]]
        used = "added to all quantiles" if np.any(kernel) else "unused, because it did not help"
        yield f"  with a linear highway from the inputs, {' x '.join(map(str, kernel.shape))}: {used}"


def _layers(model: TrainedModel) -> Iterator[tuple[str, str]]:
    problem = model.problem
    stack, (steps, outputs) = stack_of(model.model, problem), outputs_of(problem)
    yield "inputs", f"({problem.lookback}, {problem.past_columns + problem.future_columns})"
    for number, (kind, units) in enumerate(stack.layers, start=1):
        length = 1 if stack.windowed else problem.lookback
        more = ", normalised" * stack.norm + ", inputs added" * stack.residual
        count = _count(model, f"{kind}_{number}/", f"norm_{number}/")
        yield f"{kind} {units}{more}: {count:,} weights", f"({length}, {units})"
    yield f"head: {_count(model, 'head/'):,} weights", f"({steps}, {outputs})"


def _count(model: TrainedModel, *starts: str) -> int:
    """The number of weights of a layer in one of the networks of several seeds."""
    sizes = [prod(array.shape) for name, array in model.weights.items() if name.startswith(starts)]
    return sum(sizes) // model.config.training.seeds
