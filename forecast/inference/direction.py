"""Probabilities of down, flat and up: those of a trained network, and those of the two baselines.

In: a trained model and a series. Out: `ClassProbabilities` at test origins, or the `DirectionForecast` of the last row.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.calendar.frequency import has_times, iso_dates
from forecast.data.covariates import check_future
from forecast.data.dataset import Dataset
from forecast.data.series import TimeSeries
from forecast.data.sources import Source
from forecast.data.windows import origins, past_moves
from forecast.errors import ForecastError, ModelError
from forecast.inference.forecasts import ClassProbabilities, DirectionForecast, index_of
from forecast.inference.trained_model import TrainedModel
from forecast.models import find_network
from forecast.models.direction_classes import BAND, CLASSES, RATES, classes_of, shares_of
from forecast.models.neural.network import Network
from forecast.typing import Array

BASE_RATE, PERSISTENCE = "base_rate", "persistence"


def backtest(model: TrainedModel, series: Source | Dataset, first: int | None = None) -> ClassProbabilities:
    """Forecast probabilities at every origin from row `first` to the last, each from the rows up to it alone.

    `first` defaults to the first test origin.

    Raises:
        SeriesTooShort: no row is left after the lookback.
        ModelError: the series lacks a column that the model was trained on, or the model forecasts values.
    """
    network, series = _network(model), model.prepare(series)
    blocks = model.blocks(series, first)
    actual = classes_of(blocks.y[:, 0, -1], band_of(model))
    found = network.predict_proba(model.weights, blocks, model.problem)
    horizon, index = model.config.resolved_horizon, index_of(series.series, model.config.resolved_horizon)
    return ClassProbabilities(model.model, blocks.origin, actual, found, horizon, index)


def predict(model: TrainedModel, series: Source | Dataset) -> DirectionForecast:
    """Forecast the probabilities of the move from the last row of `series` to step H.

    Raises:
        SeriesError: coming values of columns that are known ahead are missing.
        ModelError: as in `backtest`.
    """
    dataset = model.prepare(series)
    check_future(dataset.series, model.config.inputs, horizon=model.config.resolved_horizon)
    return last_of(backtest(model, dataset, first=len(dataset) - 1), dataset.series, model)


def predict_all(
    model: TrainedModel, several: Sequence[TimeSeries]
) -> tuple[list[DirectionForecast], dict[str, ForecastError]]:
    """Forecast each series; for those that cannot be forecast, give the error by name."""
    made, failed = [], {}
    for series in several:
        try:
            made.append(predict(model, series))
        except ForecastError as error:
            failed[series.name] = error
    return made, failed


def last_of(probabilities: ClassProbabilities, series: TimeSeries, model: TrainedModel) -> DirectionForecast:
    """The forecast at the last origin of `probabilities`, with the date of step H."""
    horizon = model.config.resolved_horizon
    scale = np.nanmean(np.abs(np.diff(series.y[-model.problem.lookback - 1 :])))
    ends = pd.Index([series.index[-1], series.future_dates(horizon)[-1]])
    origin, date = iso_dates(ends, timed=has_times(series.index))
    return DirectionForecast(
        model=probabilities.model,
        series=series.name,
        unit=series.unit,
        origin=origin,
        date=date,
        flat_within=float(band_of(model) * scale * sqrt(horizon)),
        probabilities=tuple(probabilities.probabilities[-1].tolist()),
    )


def baselines(
    model: TrainedModel, series: TimeSeries | Dataset, tested: ClassProbabilities
) -> dict[str, ClassProbabilities]:
    """The baselines at the same origins.

    `base_rate` gives the shares of the classes on the training rows; `persistence` gives their shares after a move of
    the same class as the last one, over H rows, and those of all where that move is not known.
    """
    rates = np.tile(model.weights[RATES], (len(tested.origin), 1))
    found = {BASE_RATE: rates, PERSISTENCE: _persistence(model, series, tested.origin)}
    return {name: replace(tested, model=name, probabilities=given) for name, given in found.items()}


def _persistence(model: TrainedModel, series: TimeSeries | Dataset, tested: NDArray[np.int64]) -> Array:
    lookback, horizon, band = model.problem.lookback, model.config.resolved_horizon, band_of(model)
    dataset = model.prepare(series)
    blocks = model.blocks(dataset, first=lookback)
    before, after = classes_of(past_moves(blocks), band), classes_of(blocks.y[:, 0, -1], band)
    training = origins(lookback, dataset.split.validation, horizon=horizon)
    known = np.isin(blocks.origin, training)
    shares = [shares_of(after[known & (before == place)]) for place in range(len(CLASSES))]
    last = np.nan_to_num(before[np.isin(blocks.origin, tested)], nan=len(CLASSES)).astype(int)
    return np.asarray(np.stack([*shares, model.weights[RATES]])[last])


def band_of(model: TrainedModel) -> float:
    """Moves of at most so many scales are flat."""
    return float(model.weights[BAND])


def _network(model: TrainedModel) -> Network:
    if model.config.task != "direction":
        raise ModelError(f"this {model.model} forecasts values, not directions: train it with --task direction.")
    return model.runtime or find_network(model.model)
