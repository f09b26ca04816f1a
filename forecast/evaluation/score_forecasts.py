"""The honest test of anybody's forecasts: scores beside naive, verdict, lag detector and calibration.

In: a series with its past, and forecasts that others made of it. Out: the same scores and verdicts as of a run.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from forecast.config import LEVELS, MEDIAN, QUANTILES, RECIPES
from forecast.data.series import TimeSeries
from forecast.data.sources import Source, load_several
from forecast.display import Panel, Shown
from forecast.display.shown import check_table
from forecast.errors import ForecastError, SeriesError
from forecast.evaluation.bottom_line import bottom_line, line_over_series
from forecast.evaluation.given_backtests import given_backtests
from forecast.evaluation.given_forecasts import read_forecasts
from forecast.evaluation.scores import Scores, score_all
from forecast.evaluation.verdicts import Verdict, judge
from forecast.evaluation.walk_forward.summary import models_over_series
from forecast.inference.forecasts import Backtest
from forecast.runtime.json_values import finite
from forecast.typing import Array

Table = Literal["scores", "models"]
# Scores that need a distribution.
SPREAD = ("pinball", "crps", "winkler90", "coverage90", "width90", "crps_vs_naive")


@dataclass(frozen=True, eq=False, repr=False)
class JudgedSeries(Shown):
    """The forecasts of one series, tested.

    Attributes:
        backtests: By model, naive last; all with the same origins and steps.
        calibration: The share of truths at or below each quantile, by model; empty for forecasts without quantiles.
    """

    series: TimeSeries
    backtests: dict[str, Backtest]
    scores: tuple[Scores, ...]
    verdicts: tuple[Verdict, ...]
    calibration: dict[str, dict[str, float]]

    @property
    def bottom_line(self) -> str:
        """What to use, in one sentence."""
        return bottom_line(self.verdicts, self.scores)

    def to_frame(self) -> pd.DataFrame:
        """One row a model: scores, and the outcome of the verdict."""
        rows = [asdict(row) | _decided(verdict) for row, verdict in zip(self.scores, self.verdicts, strict=True)]
        return pd.DataFrame(rows).set_index("model")

    def _headline(self) -> str:
        return f"{self.series.name}, {', '.join(self.backtests)}: {self.bottom_line}"

    def _panels(self) -> tuple[Panel, ...]:
        return (Panel(self.to_frame(), [verdict.sentence for verdict in self.verdicts]),)

    def record(self) -> dict[str, Any]:
        """Plain JSON values."""
        first = next(iter(self.backtests.values()))
        return {
            "unit": self.series.unit,
            "origins": len(first.origin),
            "steps": first.actual.shape[1],
            "bottom_line": self.bottom_line,
            "scores": [finite(asdict(row)) for row in self.scores],
            "verdict": {row.model: finite(asdict(row)) for row in self.verdicts},
            "calibration": self.calibration,
        }


@dataclass(frozen=True, eq=False, repr=False)
class Judgement(Shown):
    """What forecasts of one series or many are worth.

    Attributes:
        series: By name; those without a date that can be scored are among the errors.
        errors: Why others are not scored, by name.
        notes: What was assumed, one sentence each.
    """

    series: dict[str, JudgedSeries]
    errors: dict[str, str]
    notes: tuple[str, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The names of all models, in their order."""
        return tuple(dict.fromkeys(row.model for one in self.series.values() for row in one.scores))

    @property
    def bottom_line(self) -> str:
        """What to use, in one sentence."""
        if len(self.series) == 1:
            return next(iter(self.series.values())).bottom_line
        return line_over_series(self.to_frame("models").to_dict("records"))

    def to_frame(self, table: Table = "scores") -> pd.DataFrame:
        """The result as a table.

        Args:
            table: `scores`, one row a series and model, with the outcome of the verdict; `models`, one a model, over
                all series.
        Raises:
            ConfigError: there is no such table.
        """
        check_table(table, get_args(Table))
        scores = pd.concat([one.to_frame().assign(series=name) for name, one in self.series.items()])
        return scores if table == "scores" else models_over_series(scores.reset_index(), self.models)

    def _headline(self) -> str:
        return f"{len(self.series)} series, {', '.join(self.models)}: {self.bottom_line}"

    def _panels(self) -> tuple[Panel, ...]:
        if len(self.series) == 1:
            return next(iter(self.series.values()))._panels()
        return (Panel(self.to_frame("models").set_index("model")),)

    def record(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "bottom_line": self.bottom_line,
            "notes": list(self.notes),
            "errors": self.errors,
            "series": {name: one.record() for name, one in self.series.items()},
        }


def score(
    y: Source | Sequence[Source],
    y_hat: Any,
    *,
    step: int | None = None,
    name: str = "model",
    **load_options: Any,
) -> Judgement:
    """Test forecasts that any program made: scores beside naive, verdict, lag detector, calibration.

    Args:
        y: The series with its past, which the naive forecast needs: anything that `load` takes, or a list of such.
        y_hat: The forecasts, a CSV or Parquet file, a frame of any library, a column with dates as its index, or a
            `Forecast`: one row a date, a column a model; quantiles, several series and several cutoffs as
            statsforecast, neuralforecast, Prophet and Chronos write them (`given_forecasts`).
        step: How many rows ahead each forecast was made, for a table without cutoffs; by default all of a series were
            made at once, from the row before the first of them.
        name: The model's name where the table has none.
        **load_options: Options of `load`.
    Raises:
        SourceError: a table cannot be read.
        SeriesError: no forecast can be scored; says why.
    """
    table = read_forecasts(y_hat, name=name)
    given = {option: value for option, value in load_options.items() if value}
    several = load_several(y, RECIPES["blocks"], **given)
    groups = {str(key): part for key, part in table.groupby("series", sort=False)}
    if len(groups) == 1 and len(several) == 1:
        groups = {several[0].name: next(iter(groups.values()))}
    done: dict[str, JudgedSeries] = {}
    errors = {key: "there are no actual values of it" for key in groups if key not in {one.name for one in several}}
    for series in several:
        if series.name in groups:
            try:
                done[series.name] = _judge_series(series, groups[series.name], step)
            except ForecastError as error:
                errors[series.name] = str(error)
    if not done:
        raise SeriesError(f"no forecast can be scored: {next(iter(errors.items()), ('', 'the table is empty'))[1]}")
    return Judgement(done, errors, tuple(_assumed(table, step)))


def _assumed(table: pd.DataFrame, step: int | None) -> list[str]:
    """What was taken for granted of a table."""
    if not table["cutoff"].isna().all():
        return []
    if step is not None:
        return [f"each forecast counts as made {step} row{'s' if step > 1 else ''} before its date"]
    return [
        "without a column cutoff, all forecasts of a series count as made before the first of them; if each was made "
        "one row before its date, give --step 1"
    ]


def _decided(verdict: Verdict) -> dict[str, Any]:
    """The columns of a verdict that the result over all series needs."""
    found = {name: getattr(verdict, name) for name in ("gain", "p_value", "p_skill", "outcome")}
    return {**found, "best_p": float("nan")}


def _judge_series(series: TimeSeries, table: pd.DataFrame, step: int | None) -> JudgedSeries:
    backtests, stride = given_backtests(series, table, step)
    first = next(iter(backtests.values()))
    with_spread = {name for name, one in backtests.items() if np.isfinite(one.quantiles[np.isfinite(one.actual)]).all()}
    backtests = {name: one if name in with_spread else _as_points(one) for name, one in backtests.items()}
    undefined: dict[str, Any] = dict.fromkeys(SPREAD, float("nan"))
    y_train = series.known_y[: int(first.origin[0]) + 1]
    y_train = y_train if np.isfinite(np.diff(y_train)).any() else np.zeros(2)  # no scale: MASE is not defined
    rows = tuple(
        row if row.model in with_spread else replace(row, **undefined) for row in score_all(backtests, y_train=y_train)
    )
    horizon = first.actual.shape[1]
    y = np.concatenate([series.known_y, np.full(horizon + 1, np.nan)])  # forecasts may reach beyond the last row
    verdicts = judge(backtests, rows, y=y, unit=series.unit, overlap=-(-horizon // stride))
    calibration = {
        name: dict(zip(LEVELS, _reached(one).tolist(), strict=True))
        for name, one in backtests.items()
        if name in with_spread
    }
    return JudgedSeries(series, backtests, rows, verdicts, calibration)


def _as_points(backtest: Backtest) -> Backtest:
    """A backtest without a distribution: all quantiles are the median."""
    median = backtest.quantiles[..., [MEDIAN]]
    return replace(backtest, quantiles=np.repeat(median, len(QUANTILES), axis=-1))


def _reached(backtest: Backtest) -> Array:
    """The share of truths at or below each quantile, over all steps, shape (Q,)."""
    known = np.isfinite(backtest.actual)
    return np.asarray((backtest.actual[known][:, None] <= backtest.quantiles[known]).mean(axis=0))
