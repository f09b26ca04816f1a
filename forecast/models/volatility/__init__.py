"""How much a series is about to move: the expected size of its coming moves, row by row, in closed form.

features.py     what is known of the size of moves at each row, from closes, and from open, high and low where there are
size_model.py   the linear model of the size of coming moves: from simulated prices, drawn towards the series
suitability.py  whether a series is better measured in that size than in the scale of each window
expected.py     the expected size of the coming moves
random_walk.py  the odds that moves are those of a random walk, and that it drifts
history.py      the distribution of coming moves by all past ones, each over the size expected of it
growing.py      quantiles of samples that grow, at many of their sizes at once
tails.py        how far falls reach beyond the quantiles that are forecast
units.py        whether moves are measured by the logarithm of a target above 0
simulation.py   from quantiles of logarithmic moves to a model's quantiles; what GARCH and HAR share
garch.py        GJR-GARCH with filtered historical simulation
har.py          heterogeneous autoregression of the size of moves
prior.npz       coefficients from simulated prices, written by benchmarks/volatility_prior.py
"""

from forecast.models.volatility.expected import log_scale, with_volatility
from forecast.models.volatility.history import past_moves, past_quantiles, smooth
from forecast.models.volatility.tails import TAILS, losses_beyond, past_tails

__all__ = [
    "TAILS",
    "log_scale",
    "losses_beyond",
    "past_moves",
    "past_quantiles",
    "past_tails",
    "smooth",
    "with_volatility",
]
