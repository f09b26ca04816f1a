"""Why a trained model forecasts what it does.

In: a `TrainedModel` and a series. Out: an `Explanation`, from the numpy equations, without TensorFlow.

    explain      gates over the last window, dependence on each lag, components of the forecast
    occlusion    dependence on each lag: hide one row at a time and forecast again
"""

from forecast.inference.explain.explain import Explanation, explain
from forecast.inference.explain.occlusion import Lags, lags_of

__all__ = ["Explanation", "Lags", "explain", "lags_of"]
