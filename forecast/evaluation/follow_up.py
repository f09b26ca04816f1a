"""The follow-up of a forecast: how did it do, now that its dates have come, and what is to be done?

In: forecasts as `read_forecasts` has them, and a series that has grown since. Out: for each series and model what was
promised beside what came, and an advice.

What a forecast promises is its own distribution: joint sample paths of its quantiles (`inference/paths.py`) say how
large the mean error over the dates that have come may be. If fewer than 5 % of the paths err as much as the forecast
did, the model is to be updated; if fewer than 1 %, trained anew, as is a model that is no network. Of several series
each counts for less (Holm 1979).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from forecast.config import LEVELS, MEDIAN, QUANTILES
from forecast.data.calendar.frequency import iso
from forecast.data.fill import fill_forward
from forecast.data.series import TimeSeries
from forecast.errors import SeriesError
from forecast.evaluation.given_backtests import rows_of
from forecast.inference.paths import sample_paths
from forecast.metrics.significance import SIGNIFICANCE, holm
from forecast.models import MODELS
from forecast.runtime.json_values import finite

Advice = Literal["wait", "nothing", "forecast", "update", "train"]

# Below this share of paths that err as much, a model is trained anew.
BROKEN = 0.01
PATHS = 5000
# An error of naive that is at least this share of the forecast's is about as large.
ALIKE = 0.8


@dataclass(frozen=True)
class FollowUp:
    """One forecast of one series, and what came.

    Attributes:
        origin: The last date that the forecast knew.
        until: The last date that has come; empty while none has.
        steps: Dates that were forecast.
        come: Those that have come.
        inside: Those inside the 90 % interval.
        mae: Mean absolute error of the median so far, in the series' unit; NaN while no date has come, as below.
        promised: The mean absolute error that the forecast's own quantiles promise for these dates.
        naive_mae: That of naive.
        p_value: Share of sample paths that err as much, corrected for the number of series.
        advice: `wait` while no date has come, `nothing`, `forecast` anew because all dates have come, `update`, or
            `train` anew.
    """

    series: str
    model: str
    unit: str
    origin: str
    until: str
    steps: int
    come: int
    inside: int
    mae: float
    promised: float
    naive_mae: float
    p_value: float
    advice: Advice

    @property
    def sentence(self) -> str:
        """How it did, in one sentence."""
        what = f"{self.series}: the forecast of {self.model} from {self.origin}"
        if not self.come:
            return f"{what} cannot be checked yet: none of its {self.steps} dates has come."
        held = "kept what it promised" if self.p_value >= SIGNIFICANCE else "erred more than it promised"
        moved = " Naive erred as much: the series itself moved unusually far." if self.erred_like_naive else ""
        chance = f"{self.p_value:.0%}" if self.p_value >= BROKEN else "less than 1%"
        return (
            f"{what} {held}: {self.inside} of {self.come} values were inside the 90 % interval, the error was "
            f"{self.mae:.4g} {self.unit} a step where {self.promised:.4g} was to be expected and naive had "
            f"{self.naive_mae:.4g}; so large an error had a chance of {chance}.{moved}"
        )

    @property
    def erred_like_naive(self) -> bool:
        """Whether naive erred more than was to be expected, and about as much as the forecast."""
        return self.p_value < SIGNIFICANCE and self.naive_mae >= ALIKE * self.mae

    def record(self) -> dict[str, Any]:
        """Plain JSON values."""
        found: dict[str, Any] = finite(asdict(self))
        return found | {"sentence": self.sentence}


def follow_up(table: pd.DataFrame, several: Mapping[str, TimeSeries]) -> tuple[FollowUp, ...]:
    """Check forecasts against series that have grown; p-values are corrected for the number of series.

    Args:
        table: One forecast a series and model, as `read_forecasts` has them.
        several: The series by name; one alone stands for a forecast of any name.
    Raises:
        SeriesError: a series is missing, does not reach back to the origin, or a forecast has no quantiles.
    """
    groups = [(str(name), str(model), part) for (name, model), part in table.groupby(["series", "model"], sort=False)]
    only = next(iter(several.values())) if len(several) == 1 else None
    single = only if len({name for name, _, _ in groups}) == 1 else None
    found = [_check(single or _find(several, name), model, part) for name, model, part in groups]
    for model in {one.model for one in found}:
        places = [place for place, one in enumerate(found) if one.model == model]
        for place, p_value in zip(places, holm([found[place].p_value for place in places]), strict=True):
            found[place] = _advised(replace(found[place], p_value=p_value))
    return tuple(found)


def _find(several: Mapping[str, TimeSeries], name: str) -> TimeSeries:
    if name not in several:
        raise SeriesError(f"the series of a forecast must be in the file. {name} is not among {', '.join(several)}.")
    return several[name]


def _check(series: TimeSeries, model: str, table: pd.DataFrame) -> FollowUp:
    """Check one forecast; of several cutoffs the last."""
    table = table[(table["cutoff"] == table["cutoff"].max()) | table["cutoff"].isna()]
    quantiles = table[list(LEVELS)].to_numpy(float)
    if not np.isfinite(quantiles).all():
        raise SeriesError(f"{series.name}: a forecast is checked by its quantiles, and {model} has none.")
    rows = rows_of(series, table["date"])
    first = int(rows[rows >= 0].min(initial=len(series)))
    come = (rows >= 0) & np.isfinite(series.known_y[np.maximum(rows, 0)])
    if first == 0:
        raise SeriesError(
            f"{series.name}: the series must begin before the forecast. It begins {iso(series.index[0])}."
        )
    y, last = series.known_y[rows[come]], float(fill_forward(series.known_y)[first - 1])
    median, count = quantiles[come, MEDIAN], int(come.sum())
    paths = sample_paths(quantiles, QUANTILES, count=PATHS)[:, come]
    errors = np.abs(paths - median).mean(axis=1) if count else np.full(1, np.nan)
    mae = float(np.abs(y - median).mean()) if count else float("nan")
    return FollowUp(
        series=series.name,
        model=model,
        unit=series.unit,
        origin=iso(series.index[first - 1]),
        until=iso(series.index[rows[come].max()]) if count else "",
        steps=len(rows),
        come=count,
        inside=int(((quantiles[come, 0] <= y) & (y <= quantiles[come, -1])).sum()),
        mae=mae,
        promised=float(errors.mean()),
        naive_mae=float(np.abs(y - last).mean()) if count else float("nan"),
        p_value=float((errors >= mae).mean()) if count else float("nan"),
        advice="wait",
    )


def _advised(one: FollowUp) -> FollowUp:
    """The forecast with its advice."""
    advice: Advice = "wait"
    can_learn_on = one.model not in MODELS or MODELS[one.model].goes_on
    if one.p_value < BROKEN or (one.p_value < SIGNIFICANCE and not can_learn_on):
        advice = "train"
    elif one.p_value < SIGNIFICANCE:
        advice = "update"
    elif one.come == one.steps:
        advice = "forecast"
    elif one.come:
        advice = "nothing"
    return replace(one, advice=advice)
