"""The networks with sktime's interface.

    forecaster = KerasForecaster("lstm", units=16).fit(y, fh=[1, 2, 3])
    print(forecaster.predict(), forecaster.predict_interval(coverage=0.9))

sktime splits the rows itself, so that all rows of `y` are for training: the last eighth of them, or the horizon where
that is longer, validates. A panel trains one network on all of its series. Forecasts of rows that a network has learned
from say nothing about its forecasts, so there are none in-sample.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd

from forecast.config import MEDIAN, ExperimentConfig, override
from forecast.data.calendar.frequency import Index, moment
from forecast.data.dataset import prepare_all
from forecast.data.defaults import default_horizon, default_lookback
from forecast.data.split import SHORTEST
from forecast.errors import ConfigError, SeriesError
from forecast.inference.forecasts import Forecast
from forecast.inference.paths import quantiles_at
from forecast.inference.trained_model import TrainedModel
from forecast.models import LEARNERS
from forecast.sktime.frames import Instance, columns_of, instances_of
from forecast.training.fine_tune import update
from forecast.training.train import train_on
from forecast.typing import Array, Rows

try:
    from sktime.datatypes import get_cutoff, update_data
    from sktime.forecasting.base import BaseForecaster, ForecastingHorizon
except ImportError as error:
    raise ImportError(
        "forecast.sktime needs the package sktime, which is not installed. pip install 'honest-forecast[sktime]'."
    ) from error

# The parameters that are options of a configuration.
OPTIONS = ("lookback", "units", "depth", "layers", "dropout", "calendar", "max_steps", "learning_rate", "seeds")
# Frames of one series, and of several.
FRAMES = ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"]


class KerasForecaster(BaseForecaster):  # type: ignore[misc]  # sktime has no types
    """A network, or another model of `forecast models`, with sktime's interface.

    A parameter of None is that of `config`. Columns of `X` are known ahead: `predict` needs them for the rows of `fh`;
    rows between these that it lacks are the last ones before. Missing values of `y` stay missing.

    Attributes:
        model_: The `TrainedModel`, for `save_model`, `explain` and the rest of the package.

    Args:
        model: A name in the registry `MODELS`.
        horizon: Steps that are forecast at once; by default the largest of the `fh` of `fit`, and without one the
            default of the frequency.
        lookback: Rows that a network sees before an origin; by default from the frequency, and no more than fit.
        units: Cells in a layer.
        depth: Layers of cells.
        layers: Layers of the model `stack`, as in `lstm:64,rnn:32`.
        dropout: Share of a layer's outputs dropped in training.
        calendar: Terms of the date: hour, weekday, month, year.
        max_steps: Training steps.
        learning_rate: The highest learning rate.
        seeds: Networks that are trained and averaged.
        random_state: The first seed.
        config: All other options, an `ExperimentConfig`.

    Examples:
        >>> from forecast.sktime import KerasForecaster
        >>> from sktime.datasets import load_airline
        >>> forecaster = KerasForecaster("linear").fit(load_airline(), fh=[1, 2, 3])
        >>> forecaster.predict_interval(coverage=0.9).shape
        (3, 2)
    """

    _tags = {  # noqa: RUF012  sktime's own form
        "object_type": "forecaster",
        "capability:multivariate": False,
        "capability:exogenous": True,
        "capability:categorical_in_X": False,
        "capability:insample": False,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:missing_values": True,
        "capability:update": True,
        "capability:random_state": True,
        "property:randomness": "derandomized",
        "requires-fh-in-fit": False,
        "X-y-must-have-same-index": False,
        "y_inner_mtype": FRAMES,
        "X_inner_mtype": FRAMES,
    }
    # The rows are in `_cur_y` and `_cur_X`.
    _config = {"remember_data": False}  # noqa: RUF012
    _y = _X = None

    def __init__(
        self,
        model: str = "lstm",
        horizon: int | None = None,
        lookback: int | None = None,
        units: int | None = None,
        depth: int | None = None,
        layers: str | None = None,
        dropout: float | None = None,
        calendar: Sequence[str] | None = None,
        max_steps: int | None = None,
        learning_rate: float | None = None,
        seeds: int | None = None,
        random_state: int | None = None,
        config: ExperimentConfig | None = None,
    ):
        self.model = model
        self.horizon = horizon
        self.lookback = lookback
        self.units = units
        self.depth = depth
        self.layers = layers
        self.dropout = dropout
        self.calendar = calendar
        self.max_steps = max_steps
        self.learning_rate = learning_rate
        self.seeds = seeds
        self.random_state = random_state
        self.config = config
        super().__init__()

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:  # noqa: ARG003  sktime asks so
        """A network that is trained in a moment, and the linear model."""
        quick = override(ExperimentConfig(), {"batch": 2, "labels": 4, "validations": 1, "highway": False})
        network = {"model": "dense", "units": 2, "depth": 1, "lookback": 2, "max_steps": 1, "config": quick}
        return [network, {"model": "linear", "lookback": 2}]

    def _fit(self, y: pd.DataFrame, X: pd.DataFrame | None, fh: ForecastingHorizon | None) -> Self:  # noqa: N803
        self._cur_y, self._cur_X = y, X
        instances = instances_of(y, X)
        horizon = self.horizon
        if fh is not None:
            horizon = max(horizon or 1, *(int(_steps(fh, one).max()) + one.gap for one in instances))
        self._train(instances, self._configuration(instances, horizon))
        return self

    def _configuration(self, instances: Sequence[Instance], horizon: int | None) -> ExperimentConfig:
        """The configuration of the parameters, with a lookback and shares of rows that the shortest series has."""
        given = {name: value for name in OPTIONS if (value := getattr(self, name)) is not None}
        if self.random_state is not None:
            given["seed"] = self.random_state
        config = override(self.config or ExperimentConfig(), {**given, "future_columns": columns_of(self._cur_X)})
        shortest = min((one.series for one in instances), key=len)
        rows = len(shortest)
        horizon = horizon or config.horizon or default_horizon(shortest.grid, rows, shortest.index[-1])
        shares = config.train_share, config.validation_share
        validation = max(horizon, int(rows * shares[1] / sum(shares)))
        if validation == horizon < rows:
            shares = sum(shares) * (1 - horizon / rows), sum(shares) * horizon / rows
        most = max(SHORTEST, rows - validation - horizon - 1)
        lookback = config.lookback or min(default_lookback(shortest.grid, rows), most)
        return replace(config, horizon=horizon, lookback=lookback, train_share=shares[0], validation_share=shares[1])

    def _train(self, instances: Sequence[Instance], config: ExperimentConfig) -> None:
        datasets = prepare_all([one.series for one in instances], config)
        self.model_: TrainedModel = train_on([replace(one, cutoff=len(one)) for one in datasets], self.model)

    def _update(self, y: pd.DataFrame, X: pd.DataFrame | None = None, update_params: bool = True) -> Self:  # noqa: N803
        self._cur_y = update_data(self._cur_y, y)
        self._cur_X = update_data(self._cur_X, X) if self._cur_X is not None else None
        instances = instances_of(self._cur_y, self._cur_X)
        new = [one.series for one in instances if self._has_news(one)]
        if update_params and new and self.model in LEARNERS:
            self.model_ = update(self.model_, new, whole=True)
        elif update_params and new:
            self._train(instances, self.model_.config)
        return self

    def _has_news(self, instance: Instance) -> bool:
        known = self.model_.known(instance.series)
        return known is None or instance.series.index[-1] > moment(known.last)

    def _predict(self, fh: ForecastingHorizon, X: pd.DataFrame | None) -> pd.DataFrame:  # noqa: N803
        columns = pd.Index(self._get_varnames())
        return self._frame(fh, X, columns, lambda made: made.quantiles[:, [MEDIAN]])

    def _predict_quantiles(
        self,
        fh: ForecastingHorizon,
        X: pd.DataFrame | None,  # noqa: N803
        alpha: Sequence[float],
    ) -> pd.DataFrame:
        columns = pd.MultiIndex.from_product([self._get_varnames(), alpha])
        return self._frame(fh, X, columns, lambda made: quantiles_at(made.quantiles, made.levels, alpha))

    def _frame(
        self,
        fh: ForecastingHorizon,
        X: pd.DataFrame | None,  # noqa: N803
        columns: Index,
        values: Callable[[Forecast], Array],
    ) -> pd.DataFrame:
        """What `values` gives of the forecast of each series, at the steps of `fh` after its last row."""
        horizon = self.model_.config.resolved_horizon
        beside = self._cur_X if X is None or self._cur_X is None else update_data(self._cur_X, X)
        instances = instances_of(self._cur_y, beside, horizon)
        places = [_steps(fh, one) + one.gap - 1 for one in instances]
        for one, rows in zip(instances, places, strict=True):
            _check_steps(one, rows, horizon)
        made = self.model_.predict_all([one.series for one in instances])
        frames = [
            pd.DataFrame(values(forecast)[rows], _labels(fh, one, rows), columns)
            for one, rows, forecast in zip(instances, places, made, strict=True)
        ]
        if not instances[0].key:
            return frames[0]
        return pd.concat(frames, keys=[one.key for one in instances], names=self._cur_y.index.names)


def _cutoff(instance: Instance) -> Index:
    """The label of the last row of a series, with its frequency."""
    found: Index = get_cutoff(instance.rows, return_index=True)
    return found


def _steps(fh: ForecastingHorizon, instance: Instance) -> Rows:
    """The steps of `fh` after the last row of a series."""
    return np.asarray(fh.to_relative(_cutoff(instance)).to_numpy(), np.int64)


def _labels(fh: ForecastingHorizon, instance: Instance, places: Rows) -> Index:
    """The labels of the rows of `fh`."""
    found: Index = fh.to_absolute_index(_cutoff(instance)) if instance.has_frequency else instance.coming[places]
    return found


def _check_steps(instance: Instance, places: Rows, horizon: int) -> None:
    """Check that the rows of `fh` are forecast, and known in `X`.

    Raises:
        ConfigError: a step is beyond the horizon.
        SeriesError: a row of `X` is lacking.
    """
    if places.max() >= horizon:
        raise ConfigError(
            f"{instance.series.name}: `fh` must lie within the {horizon} steps that are forecast at once. Received: "
            f"step {places.max() + 1}. Give `fh` to `fit`, or horizon={places.max() + 1} to the forecaster."
        )
    if lacking := int((~instance.has_future[places]).sum()):
        raise SeriesError(
            f"{instance.series.name}: `X` must have the rows of `fh`, for the forecaster was fitted with columns of X. "
            f"It lacks {lacking} of {len(places)}."
        )
