"""From a file or a ticker to covariates and windows.

source ── sources/ ── TimeSeries ── covariates ── scaling ── windows ── model
             │            └─ calendar/: frequency, exchange, coming dates
             └─ vocabulary: names of columns

sources/      load, inspect, expand: any file, ticker or pandas object to checked series
calendar/     when rows are due: frequency, exchange, sessions
series        the checked `TimeSeries`: rows, unit, frequency, trading calendar, roles of columns
vocabulary    what the names of columns mean, in many languages
dataset       a series made ready for models, once: defaults, covariates, split, scaling
covariates    what a model sees beside the target: columns, technical indicators, calendar terms
scaling       MinMax scaling, fitted on training rows
windows       from series to blocks: the one place for row arithmetic
"""
