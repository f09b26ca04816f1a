"""What shrinkage and calibration start from on a series, and the forecasts at many origins that follow from it.

In: blocks, raw quantiles and a starting state. Out: a `Trajectory`, in the series' unit.
"""

from dataclasses import dataclass, replace

import numpy as np

from forecast.config import MEDIAN
from forecast.data.dataset import Dataset
from forecast.data.grid import TimeGrid
from forecast.data.inputs import Inputs
from forecast.data.scaling import Scaler
from forecast.data.windows import Blocks, spaced
from forecast.inference.forecasts import Moves
from forecast.typing import Array, Rows


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Shrinkage and calibration after the last row that was tested; forecasts from there on need no replay of the test.

    Attributes:
        rows: Rows up to that one, and their SHA-256; empty between parts of one computation.
        expert_losses: At the last of them, shape (E,).
        factors: Of the shrinkage at the last H origins, shape (H, 2).
        log_scales: Of the intervals at the last H origins, shape (H, H, 2): their outcomes are not all known yet.
    """

    rows: int
    sha256: str
    expert_losses: Array
    factors: Array
    log_scales: Array


@dataclass(frozen=True, eq=False)
class TrainedOn:
    """A series that a model was trained on: its training and validation rows, their SHA-256, and what they gave.

    Attributes:
        scaler: Minimum and range of its training rows.
        expert_losses: Of the shrinkage at the end of its validation rows (`shrinkage.py`).
        log_scale: Of the intervals at the end of its validation rows, shape (H, 2) (`conformal.py`).
        checkpoint: The same at the end of its test rows, if it was tested.
    """

    series: str
    unit: str
    frequency: str
    first: str
    last: str
    rows: int
    sha256: str
    scaler: Scaler
    expert_losses: Array
    log_scale: Array
    exchange: str = ""
    checkpoint: Checkpoint | None = None

    @property
    def is_counted(self) -> bool:
        """Whether its rows had counts, no dates."""
        return TimeGrid(self.frequency).is_counted


@dataclass(frozen=True, eq=False)
class Span:
    """Origins of one series that follow one another and are to be forecast, and the state that they start from.

    Attributes:
        inputs: What the model sees of the series.
        scaler: Of the dataset's inputs.
        known: What training kept of the series; None of a new one.
        checkpoint: The state at the first H of the origins, where they were forecast before.
        begin: The first origin.
        first: The first origin whose forecast is wanted; those before it lead shrinkage and calibration there.
        stop: The row after the last origin.
        stride: Rows from one origin to the next.
    """

    dataset: Dataset
    inputs: Inputs
    scaler: Scaler
    known: TrainedOn | None
    checkpoint: Checkpoint | None
    begin: int
    first: int
    stop: int
    stride: int = 1

    @property
    def origin(self) -> Rows:
        """The origins, shape (N,); the last one is the row before `stop`."""
        return spaced(self.begin, self.stop, self.stride, last=self.stop - 1)


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Forecasts at origins that follow one another, with what they were computed from.

    Attributes:
        dataset: The series that they are made from.
        blocks: What the model saw, one block of one label an origin.
        scaler: Of the dataset's inputs.
        raw: The model's own quantiles, normalised, shape (N, H, Q).
        linear: The linear component of their medians, normalised, shape (N, H).
        base: What is forecast without the model, normalised, shape (N, H, Q) (`shrinkage.py`).
        network: What the model's own quantiles add to both, normalised, shape (N, H, Q).
        expert_losses: Of the shrinkage, shape (N, E).
        factors: Of the shrinkage, shape (N, 2).
        log_scales: Of the intervals, shape (N, H, 2).
        levels: The quantiles as they are shown: shrunk, calibrated, in the series' unit, shape (N, H, Q).
        stride: Rows from one origin to the next.
    """

    dataset: Dataset
    blocks: Blocks
    scaler: Scaler
    raw: Array
    linear: Array
    base: Array
    network: Array
    expert_losses: Array
    factors: Array
    log_scales: Array
    levels: Array
    stride: int = 1

    @property
    def last_value(self) -> Array:
        return np.asarray(self.dataset.series.known_y[self.blocks.origin])

    @property
    def network_share(self) -> Array:
        """The share of each forecast's move that is the network component, after shrinkage; 0 without a move, (N,)."""
        without = self.base[..., MEDIAN] + self.factors[:, [0]] * self.linear
        network = self.factors[:, [1]] * self.network[..., MEDIAN]
        own, rest = (np.abs(part).sum(axis=1) for part in (network, without))
        return np.asarray(own / np.where(own > 0, own + rest, 1))

    def after(self, first: int) -> "Trajectory":
        """The forecasts from the origin `first` on."""
        rows = slice(int(np.searchsorted(self.blocks.origin, first)), None)
        names = ("raw", "linear", "base", "network", "expert_losses", "factors", "log_scales", "levels")
        return replace(self, blocks=self.blocks.part(rows), **{name: getattr(self, name)[rows] for name in names})

    def state(self) -> Checkpoint | None:
        """The state at the last origin, without a hash; None after fewer origins than steps, or of some rows apart."""
        horizon = self.raw.shape[1]
        if len(self.raw) < horizon or self.stride > 1:
            return None
        return Checkpoint(
            rows=int(self.blocks.origin[-1]) + 1,
            sha256="",
            expert_losses=self.expert_losses[-1],
            factors=self.factors[-horizon:],
            log_scales=self.log_scales[-horizon:],
        )

    def checkpoint(self) -> Checkpoint | None:
        """The same to be kept, with the hash by which its rows are known again."""
        state = self.state()
        return state and replace(state, sha256=self.dataset.series.fingerprint(state.rows))

    def moves(self) -> Moves:
        """The components of the forecasts, in the series' unit."""
        base, network = self.base[..., MEDIAN], self.network[..., MEDIAN]
        whole = base + self.factors[:, [0]] * self.linear + self.factors[:, [1]] * network
        size = self.blocks.scale[:, 0] * self.scaler.span[0]
        moved = self.blocks.denormalise(whole) * self.scaler.span[0]
        scale = np.divide(moved, whole, out=size.copy(), where=whole != 0)
        return Moves(
            blocks=self.blocks,
            last_value=self.last_value,
            usual=base * scale,
            linear=self.linear * scale,
            network=network * scale if self.blocks.moves else self.levels[..., MEDIAN] - self.last_value[:, None],
            shrinkage=self.factors,
            scale=scale,
            median=self.levels[..., MEDIAN],
        )
