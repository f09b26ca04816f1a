"""Simulated series, which the network that comes with the package learns from: no real series is among them.

prices.py      GARCH, stochastic volatility with leverage, regimes, jumps
walks.py       random walks, mean reversion, ARIMA
trends.py      bent, damped and exponential trends, exponential smoothing as states
seasons.py     one or two seasons whose size and shape change
processes.py   Gaussian processes with composed kernels
counts.py      intermittent demand and counts
events.py      level shifts, outliers, missing stretches, rounding
mixture.py     the table of weights, and the draws from it

A generator takes a `numpy.random.Generator`, a number of series (N), a number of rows (T) and the rows in each season,
shortest first, and returns an array (N, T), one row of it a series. The same seed gives the same series.
"""

from forecast.data.synthetic.mixture import GENERATORS, draw

__all__ = ["GENERATORS", "draw"]
