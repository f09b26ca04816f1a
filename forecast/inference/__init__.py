"""From a trained model to forecasts, without TensorFlow.

trained_model    `TrainedModel`: backtest the past, predict the future, by one computation
backtesting      what is kept of the forecasts at past origins
rolling_origin   that computation: forecasts at origins that follow one another, part by part
adaptation       raw quantiles shrunk, calibrated, and in the series' unit
fitted           what that needs of a model; where its training ended on a series, and how a series is scaled
trajectory       origins that follow one another, the state that they start from, and the forecasts there
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
