"""One network that forecasts several columns together: a head for all of them, and then the model of each.

    x (T, F+K) -> layers -> head -> steps of target 1 | steps of target 2 | ... -> one model a target

In: blocks of each target at the same origins. Out: labels side by side for the training, and from the trained network
the weights of each target: the same layers, whose inputs it sees in an order of its own (its target first), and its
part of the head. So whatever takes a network takes each of them.
"""

from collections.abc import Sequence

import numpy as np

from forecast.data.panel import Panel
from forecast.data.windows import Blocks
from forecast.errors import ConfigError
from forecast.models.estimator import Problem, Weights
from forecast.models.neural.architecture import outputs_of, stack_of
from forecast.typing import Array


def known_together(blocks: Sequence[Blocks]) -> list[Array]:
    """The labels (N, S, H) of each target; NaN where the value of any target is missing at the origin."""
    if len(blocks) == 1:
        return [blocks[0].y]
    labels = blocks[0].y.shape[1]
    now = np.minimum(blocks[0].origin[:, None] + np.arange(labels), len(blocks[0].target) - 1)
    known = np.logical_and.reduce([one.inputs.known[now] for one in blocks])
    return [np.where(known[:, :, None], one.y, np.nan) for one in blocks]


def weights_of(weights: Weights, place: int, kind: str, problem: Problem, targets: int) -> Weights:
    """The weights of one target of a network that was trained on `targets` of them.

    Args:
        place: Of the target among them, from 0.
        problem: Of one target.
    """
    if targets == 1:
        return weights
    first = f"{stack_of(kind, problem).layers[0][0]}_1/kernel"
    columns = problem.past_columns + problem.future_columns
    order = [place, *(column for column in range(columns) if column != place)]
    found = {**weights, first: np.take(weights[first], order, axis=-2)}
    size = outputs_of(problem)[0] * outputs_of(problem)[1]
    for name in ("head/kernel", "head/bias"):
        found[name] = weights[name][..., place * size : (place + 1) * size]
    return found


def check_joint(kind: str, panels: Sequence[Panel], problem: Problem) -> None:
    """Refuse what cannot forecast several columns together.

    Raises:
        ConfigError: the task is direction, or the first layer adds its inputs to its outputs.
    """
    if len(panels) == 1:
        return
    if problem.config.task != "forecast":
        raise ConfigError(f"several targets are forecast by value. Received: the task {problem.config.task}.")
    stack, columns = stack_of(kind, problem), problem.past_columns + problem.future_columns
    layer, units = stack.layers[0]
    if units == columns and (layer == "sru" or stack.adds(1, columns, units)):
        raise ConfigError(
            f"several targets need a first layer that does not add its {columns} inputs to its outputs. "
            f"Received: {layer} of {units} units; give it other --units."
        )
