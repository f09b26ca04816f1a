"""From a trained model to forecasts, without TensorFlow.

trained_model    `TrainedModel`: backtest the past, predict the future, by one computation
trajectory       forecasts at origins that follow one another, and the state that they start from
shrinkage        how much of a move counts, by what such moves saved so far
conformal        calibration of the intervals
bounds           no negative forecasts of values that never are, whole ones of counts
paths            joint sample paths whose steps have the quantiles of a forecast
direction        probabilities of down, flat and up
charts           the charts of forecasts, as data: coming steps, backtest, losses, components
forecasts        the results as data: `Backtest`, `Forecast`, `ClassProbabilities`, `DirectionForecast`
predict          several series with one model, and what is assumed of them
bundle/          a model as a folder or zip file
batch/           thousands of series into one Parquet file
explain/         gates, lags and components of a forecast
"""
