"""Down, flat or up: the probabilities of where a series stands after the horizon, beside the base rates.

In: a series and a configuration. Out: a `DirectionExperiment`, and with `out` a folder that holds it. The networks are
those of `models/`, with the classes of `models/classes.py`; a trained one is a `TrainedModel` whose configuration has
the task `direction`.
"""

from forecast.direction.experiment import DirectionExperiment, test
from forecast.direction.experiment import run as run_direction
from forecast.evaluation.direction import DirectionScores, DirectionVerdict, Reliability
from forecast.inference.direction import ClassProbabilities, DirectionForecast, forecast, predict
from forecast.models.direction_classes import CLASSES

__all__ = [
    "CLASSES",
    "ClassProbabilities",
    "DirectionExperiment",
    "DirectionForecast",
    "DirectionScores",
    "DirectionVerdict",
    "Reliability",
    "forecast",
    "predict",
    "run_direction",
    "test",
]
