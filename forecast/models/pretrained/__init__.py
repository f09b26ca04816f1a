"""The network that comes with the package: trained on simulated series alone, it forecasts any series at once.

candidates.py   the forecasts in closed form that it mixes, and their errors at earlier origins of a window
regressions.py  ridge regressions among them, step by step or for each step ahead
trend.py        the steady trend, taken out of a window before it looks
features.py     what it sees of a window
holes.py        windows of a series with missing rows
mixing.py       the network in numpy
fine_tuning.py  its head goes on to learn from a series
estimator.py    the registered models `pretrained` and `finetuned`
weights.npz     its weights, written by `make pretrained` (training/pretrain.py)
card.md         what it was trained on, how good it is where, and where it is not to be used
"""

from forecast.models.pretrained.estimator import WEIGHTS, FineTuned, Pretrained

__all__ = ["WEIGHTS", "FineTuned", "Pretrained"]
