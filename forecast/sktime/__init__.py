"""The networks as a forecaster of sktime, for its pipelines, grid search and `evaluate`.

    forecaster   KerasForecaster: fit, predict, quantiles, update
    frames       frames of sktime as series of this package, with their steps and coming rows

Import from here: `from forecast.sktime import KerasForecaster`. It needs the extra `honest-forecast[sktime]`.
"""

from forecast.sktime.forecaster import KerasForecaster

__all__ = ["KerasForecaster"]
