"""The network that comes with the package as a registered model, as it is and fine-tuned to the series.

In: blocks of one label. Out: normalised quantiles. At each origin it looks at all rows up to it, 1,024 at most.

`pretrained` is not trained on a series, only tested on it. `finetuned` begins from it: its head learns from the series'
own windows (`fine_tuning.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from forecast.config import QUANTILES
from forecast.data.inputs import Inputs
from forecast.data.panel import Panel
from forecast.data.windows import Blocks, origins, outcomes
from forecast.models.estimator import Callbacks, Estimator, Fit, Problem, Shapes, WarmStart, Weights
from forecast.models.pretrained.candidates import NAMES
from forecast.models.pretrained.features import Seen, look
from forecast.models.pretrained.fine_tuning import Windows, fine_tune
from forecast.models.pretrained.holes import Track, track_of
from forecast.models.pretrained.mixing import SHAPES, STEP, mix, random_weights
from forecast.models.pretrained.trend import Trend, trend_of
from forecast.runtime.blas import one_thread
from forecast.typing import Array, Rows

WEIGHTS = Path(__file__).with_name("weights.npz")
# Rows that are looked at: at least, where the first one is repeated, at most, and lengths in between, an eighth apart.
FEWEST, MOST, APART = 16, 1024, 1.125
# Of a long season as many times as this are looked at, in so many rows at most.
CYCLES, LONGEST = 4, 1536
# Windows that are looked at together: what is computed of them stays in the processor's cache.
TOGETHER = 128
# Series by their places, with places of their origins; the length of their windows, and whether their rows are above 0.
Group = tuple[list[tuple[int, Rows]], int, bool]
# Windows that are learned from, and that decide how far it goes; the former from this part of the training rows on.
TRAINING, VALIDATION, EARLIEST = 400, 160, 4


@dataclass(frozen=True)
class Pretrained(Estimator):
    """Weights of simulated series, the same for every series."""

    uses_lookback: ClassVar[bool] = False
    is_local: ClassVar[bool] = True
    is_pretrained: ClassVar[bool] = True
    trust: ClassVar[float] = 2.0

    def shapes(self, problem: Problem) -> Shapes:  # noqa: ARG002
        return dict(SHAPES)

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks) -> Fit:  # noqa: ARG002
        """The weights that come with the package: nothing is learned from the series."""
        return Fit(dict(shipped_weights()))

    def predict(self, weights: Weights, blocks: Blocks, problem: Problem) -> Array:
        return self.predict_each(weights, [blocks], problem)[0][:, 0]

    def predict_each(self, weights: Weights, several: Sequence[Blocks], problem: Problem) -> list[Array]:
        """Forecast several series, whose windows of one length are looked at together."""
        found = [np.empty((len(blocks.origin), problem.horizon, len(QUANTILES))) for blocks in several]
        tracks = [track_of(blocks.inputs, blocks.origin, problem.config.seasons) for blocks in several]
        alike = _alike(tracks, _most_rows(problem))
        while groups := _enough(alike):
            trends, parts = zip(*(_seen(tracks, *group, problem) for group in groups), strict=True)
            seen = Seen.joined(parts)
            moves = Trend.joined(trends).add(mix(weights, seen) * seen.unit[:, None, None])
            for place, chosen in (part for members, _, _ in groups for part in members):
                own, moves = moves[: len(chosen)], moves[len(chosen) :]
                found[place][chosen] = several[place].part(chosen).normalise_moves(own)
        return [one[:, None] for one in found]


@dataclass(frozen=True)
class FineTuned(Pretrained):
    """The same network, whose head goes on to learn from the series."""

    is_local: ClassVar[bool] = False
    goes_on: ClassVar[bool] = True

    def untrained(self, problem: Problem) -> WarmStart:
        return WarmStart(random_weights(problem.config.training.seed))

    def fit(self, panel: Panel, problem: Problem, callbacks: Callbacks, start: WarmStart | None = None) -> Fit:
        """Fine-tune the head, from the weights that come with the package or from those of an earlier training."""
        begun = start.weights if start else shipped_weights()
        training, validation, overlap = _training_windows(begun, panel, problem)
        return fine_tune(
            {name: begun[name] for name in SHAPES},
            training,
            validation,
            problem.config.training,
            rows=int(panel.training.sum()),
            overlap=overlap,
            on_step=callbacks.progress,
        )


@one_thread()
def _training_windows(weights: Weights, panel: Panel, problem: Problem) -> tuple[Windows, Windows, int]:
    """Windows of the training and of the validation rows of all series, and how many of the latter overlap."""
    horizon, count = problem.horizon, len(panel.splits)
    parts: tuple[list[Windows], list[Windows]] = ([], [])
    for inputs, split in panel:
        first = max(problem.lookback, split.validation // EARLIEST)
        bounds = ((first, split.validation, TRAINING), (split.validation - 1, split.test, VALIDATION))
        for found, (begin, stop, most) in zip(parts, bounds, strict=True):
            origin = origins(begin, stop, horizon=horizon)
            origin = origin[inputs.known[origin]]
            chosen = origin[np.unique(np.linspace(0, len(origin) - 1, min(len(origin), most // count + 1)).astype(int))]
            found += _windows_of(weights, inputs, chosen, problem)
    rows = sum(split.test - split.validation for split in panel.splits)
    training, validation = (_joined(found, horizon) for found in parts)
    return training, validation, int(np.ceil(horizon * max(len(validation.y), 1) / max(rows, 1)))


def _windows_of(weights: Weights, inputs: Inputs, origin: Rows, problem: Problem) -> list[Windows]:
    """Windows at origins of one series, those of one length together."""
    found, track = [], track_of(inputs, origin, problem.config.seasons)
    for ((_, chosen),), length, positive in _alike([track], _most_rows(problem)):
        trend, seen = _look(track.windows(chosen, length, positive=positive), problem, positive=positive)
        moves = outcomes(inputs.labels, origin[chosen], horizon=problem.horizon) - inputs.target[origin[chosen], None]
        found.append(Windows.of(weights, seen, trend.subtract(moves) / seen.unit[:, None]))
    return found


def _joined(parts: list[Windows], horizon: int) -> Windows:
    """All windows together; none where there are no parts."""
    if not parts:
        shapes = ((0, horizon, STEP), (0, len(NAMES)), (0, horizon, len(NAMES)), (0, horizon), (0,))
        return Windows(*map(np.zeros, shapes))
    return Windows(*(np.concatenate([getattr(one, name) for one in parts]) for name in vars(parts[0])))


@cache
def shipped_weights() -> Weights:
    """The weights that come with the package, by name."""
    with np.load(WEIGHTS) as file:
        return {name: file[name] for name in SHAPES}


def _seasons(problem: Problem) -> tuple[int, ...]:
    return problem.config.seasons or (problem.season,)


def _most_rows(problem: Problem) -> int:
    """How many rows are looked at at most."""
    return max(MOST, min(CYCLES * max(_seasons(problem)), LONGEST))


def _lengths(origin: Rows, most: int) -> Rows:
    """How many rows are looked at from each origin, shape (N,)."""
    grid = np.unique(np.round(FEWEST * APART ** np.arange(np.log(most / FEWEST) / np.log(APART))).astype(int))
    grid = np.append(grid, most)
    return grid[np.maximum(np.searchsorted(grid, origin + 1, side="right") - 1, 0)]


def _alike(tracks: Sequence[Track], most: int) -> Iterator[Group]:
    """Places of origins whose windows are looked at together, their length, and whether their rows are above 0.

    Args:
        most: Rows that are looked at at most.
    Yields:
        Each series that has some by its place among them, with the places of its origins.
    """
    number = np.repeat(np.arange(len(tracks)), [len(track.origin) for track in tracks])
    place = np.concatenate([np.arange(len(track.origin)) for track in tracks])
    lengths = _lengths(np.concatenate([track.origin for track in tracks]), most)
    positive = np.concatenate([np.isfinite(track.level[track.origin]) for track in tracks])
    for length, flag in sorted({*zip(lengths.tolist(), positive.tolist(), strict=True)}):
        same = np.flatnonzero((lengths == length) & (positive == flag))
        for start in range(0, len(same), TOGETHER):
            chosen = same[start : start + TOGETHER]
            owners = np.unique(number[chosen]).tolist()
            yield [(owner, place[chosen[number[chosen] == owner]]) for owner in owners], length, flag


def _enough(alike: Iterator[Group]) -> list[Group]:
    """The next groups, until these have TOGETHER windows or more; none at the end."""
    found, count = [], 0
    while count < TOGETHER and (group := next(alike, None)):
        found.append(group)
        count += sum(len(chosen) for _, chosen in group[0])
    return found


def _seen(
    tracks: Sequence[Track], parts: list[tuple[int, Rows]], length: int, positive: bool, problem: Problem
) -> tuple[Trend, Seen]:
    """The steady trends of a group of windows, and what the network sees of them."""
    windows = [tracks[place].windows(chosen, length, positive=positive) for place, chosen in parts]
    return _look(np.concatenate(windows), problem, positive=positive)


def _look(x: Array, problem: Problem, *, positive: bool) -> tuple[Trend, Seen]:
    """The steady trends of windows (N, length), and what the network sees of their rows without them."""
    seasons = _seasons(problem)
    trend = trend_of(x, seasons, problem.horizon, positive=positive)
    return trend, look(trend.remove(x), seasons, problem.horizon, positive=positive)
