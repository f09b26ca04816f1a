"""From a file or a ticker to covariates and windows.

source ── sources/ ── TimeSeries ── covariates ── scaling ── windows ── model
             │            └─ calendar/: frequency, exchange, coming dates
             └─ vocabulary: names of columns

sources/      load, inspect, expand: any file, ticker or pandas object to checked series
synthetic/    simulated series of many kinds, from a seed
calendar/     exchange, sessions, steps between rows, windows of the week
series        the checked `TimeSeries`: rows, unit, frequency, trading calendar, roles of columns
series_rules  what rows must be to make one
vocabulary    what the names of columns mean, in many languages
grid          the time grid of a series: when its rows are due
infer_grid    finding the grid in the dates, though rows are missing
infer_bars    the same for bars of less than a day
placement     rows on their grid, and the places of missing ones
seasons       season lengths that go with a grid and show in the values
fill          values in place of missing ones
resample      rows at any times, brought onto a grid (`--every`)
defaults      horizon, lookback, season and steps, where a configuration leaves them to the series
dataset       a series made ready for models, once: defaults, covariates, split, scaling
covariates    what a model sees beside the target: columns, technical indicators, calendar terms
scaling       MinMax scaling, fitted on training rows
split         the training, validation and test rows
inputs        what a model sees of one series: scaled arrays of its rows
moves         moves from one row to later ones, and the units that they are measured in
windows       from series to blocks: the one place for row arithmetic
panel         the rows that training draws its blocks from, of one series or many
"""
