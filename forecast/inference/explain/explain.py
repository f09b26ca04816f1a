"""Explain one forecast: gates in the last window, dependence on each lag, and what each component adds."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.calendar.frequency import iso, moments
from forecast.data.series import TimeSeries
from forecast.data.sources import Source
from forecast.display import Chart, Panel, Shown
from forecast.inference.charts import chart_components
from forecast.inference.explain.occlusion import Lags, lags_of
from forecast.inference.forecasts import Moves, coming_dates
from forecast.inference.trained_model import TrainedModel, check_model
from forecast.models import NETWORKS, find_model
from forecast.models.equations.gates import Parts, parts_by_layer
from forecast.models.neural.architecture import members_of, stack_of
from forecast.typing import Array

# The columns of a table of components.
COMPONENTS = ["last", "past_moves", "highway", "network", "forecast"]


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Shown):
    """How a model forecasts the coming steps of a series.

    Attributes:
        window: The last L + 1 rows of the target, which the model saw.
        layers: Gates and states of each recurrent layer over that window, arrays (L, units) by name; those of the first
            network where several seeds were trained.
        lags: Dependence on each of the last rows; None for a model that does not look at single rows.
        moves: Components of the forecasts of the test rows and, last, of the coming steps.
        dates: Dates of the coming steps.
        notes: One sentence for each thing that this model lacks.
    """

    model: str
    series: TimeSeries
    window: Array
    layers: dict[str, Parts]
    lags: Lags | None
    moves: Moves
    dates: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def origin(self) -> str:
        """The date of the last row."""
        return iso(self.series.index[-1])

    @property
    def has_highway(self) -> bool:
        """Whether the model has a linear component."""
        return bool(self.moves.linear.any())

    @property
    def shrinkage(self) -> tuple[float, float]:
        """Shrinkage factors of the linear and the network component at the last row."""
        linear, network = self.moves.shrinkage[-1]
        return float(linear), float(network)

    @property
    def steps(self) -> NDArray[np.float64]:
        """The coming steps, shape (H, 5): last value, past moves, both components after shrinkage, and the forecast."""
        moves, (factor_linear, factor_network) = self.moves, self.shrinkage
        linear, network = factor_linear * moves.linear[-1], factor_network * moves.network[-1]
        last = np.full(len(linear), moves.last_value[-1])
        return np.stack([last, moves.usual[-1], linear, network, moves.median[-1]], axis=1) + 0.0  # no -0

    def to_frame(self) -> pd.DataFrame:
        """One row a coming step: last value, past moves, both components after shrinkage, and the forecast."""
        return pd.DataFrame(self.steps, moments(self.dates).rename("date"), COMPONENTS)

    def chart(self) -> Chart:
        """What highway and model add to the last value at each coming step, after shrinkage."""
        title, unit = f"added to the value of {self.origin}", self.series.unit
        return chart_components(title, unit, self.model, self.steps, self.shrinkage, has_highway=self.has_highway)

    def _headline(self) -> str:
        linear, network = self.shrinkage
        highway = f"highway shrunk to {linear:.0%}, " if self.has_highway else ""
        steps = f"{len(self.dates)} steps after {self.origin}"
        return f"{self.series.name}, {self.model}, {steps}, {highway}{self.model} shrunk to {network:.0%}"

    def _panels(self) -> tuple[Panel, ...]:
        return Panel(chart=self.chart()), Panel(self.to_frame(), self.notes)


def explain(model: TrainedModel, series: Source) -> Explanation:
    """Explain the forecast of the coming steps, without TensorFlow.

    Args:
        series: Anything that `load` takes.
    Raises:
        SeriesTooShort: no row is left after the lookback.
        ModelError: the series lacks a column that the model was trained on, or the model gives directions.
    """
    check_model(model)
    dataset = model.prepare(series)
    moves, prepared = model.moves(dataset), dataset.series
    looks = find_model(model.model).uses_lookback
    return Explanation(
        model=model.model,
        series=prepared,
        window=prepared.y[-model.problem.lookback - 1 :],
        layers=_layers(model, moves),
        lags=lags_of(model, moves) if looks else None,
        moves=moves,
        dates=coming_dates(prepared, model.problem.horizon),
        notes=_notes(model, moves, looks),
    )


def _layers(model: TrainedModel, moves: Moves) -> dict[str, Parts]:
    if model.model not in NETWORKS:
        return {}
    weights = members_of(model.weights, model.problem)[0]
    found = parts_by_layer(stack_of(model.model, model.problem), weights, moves.blocks.x[-1:])
    return {layer: {name: part[0] for name, part in parts.items()} for layer, parts in found.items()}


def _notes(model: TrainedModel, moves: Moves, looks: bool) -> tuple[str, ...]:
    """Say what the explanation lacks, and why."""
    name, notes = model.model, []
    if name == "rnn":
        notes.append("A SimpleRNN has no gates: its hidden state is all there is to see.")
    elif name in NETWORKS and not _layers(model, moves):
        notes.append(f"{name} has no gates: it sees the whole window at once.")
    elif name not in NETWORKS:
        notes.append(f"{name} is no recurrent network and has no gates.")
    if not looks:
        notes.append(f"{name} is a formula over the whole series: no row of a window can be hidden from it.")
    if not moves.blocks.moves:
        notes.append("It forecasts levels, not moves: there is no highway.")
    elif name in NETWORKS and not moves.linear.any():
        notes.append("There is no highway: nothing linear in the training rows helped beyond luck.")
    parts = moves.shrinkage[-1] @ np.stack([moves.linear[-1], moves.network[-1]])
    added = moves.last_value[-1] + moves.usual[-1] + parts
    if not np.allclose(added, moves.median[-1], rtol=1e-6, atol=1e-6 * float(np.abs(moves.scale).max())):
        notes.append("The forecast is kept at 0 or whole, as all values of the series are.")
    if model.config.training.seeds > 1 and name in NETWORKS:
        notes.append(f"The gates are those of the first of {model.config.training.seeds} networks.")
    return tuple(notes)
