"""What forecasts need of a trained model, and what it says about a series: its scale, and where training ended."""

from typing import Protocol

from forecast.data.calendar.frequency import moment
from forecast.data.dataset import Dataset, all_columns
from forecast.data.inputs import Inputs
from forecast.data.scaling import Scaler, fit_scaler
from forecast.data.series import TimeSeries
from forecast.data.split import test_start
from forecast.inference.trajectory import TrainedOn
from forecast.models import Estimator, Problem, Weights
from forecast.models.volatility import with_volatility


class Fitted(Protocol):
    """A model with its weights, and what it keeps of the series that it was trained on."""

    @property
    def estimator(self) -> Estimator: ...

    @property
    def weights(self) -> Weights: ...

    @property
    def problem(self) -> Problem: ...

    @property
    def trained_on(self) -> tuple[TrainedOn, ...]: ...

    def known(self, series: TimeSeries | Dataset) -> TrainedOn | None:
        """What was kept of a series that the model was trained on; None of any other."""


def shrinks(model: Fitted) -> bool:
    """Whether forecasts are learned moves; the textbook recipe forecasts levels, and formulas stay as they are."""
    return model.estimator.learned and model.problem.config.training.normalisation == "window"


def trained_to(model: Fitted, dataset: Dataset, known: TrainedOn) -> int:
    """The last origin that training saw of a series that it knows."""
    rows = int(dataset.series.index.searchsorted(moment(known.last), side="right"))
    return max(model.problem.lookback, rows - 1)


def first_tested(model: Fitted, dataset: Dataset) -> int:
    """The origin before the first test row."""
    if known := model.known(dataset):
        return min(trained_to(model, dataset, known), len(dataset) - 1)
    return max(model.problem.lookback, test_start(len(dataset), model.problem.config) - 1)


def scaled(model: Fitted, dataset: Dataset, first: int) -> tuple[Inputs, Scaler]:
    """What the model sees of a series that it forecasts from row `first` on, and how it is scaled."""
    known = model.known(dataset)
    scaler = known.scaler if known else _new_scaler(model, dataset, first)
    return with_volatility(dataset, scaler, expected=model.estimator.learned), scaler


def _new_scaler(model: Fitted, dataset: Dataset, first: int) -> Scaler:
    """The scaler of a new series: any will do under the window normalisation, unless columns are known ahead."""
    if model.problem.config.training.normalisation == "level" or model.problem.future_columns:
        return fit_scaler(all_columns(dataset.inputs)[: first + 1])
    return model.trained_on[0].scaler
