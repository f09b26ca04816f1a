"""Walk-forward comparison: models trained anew at each cutoff on the past alone, over folds and series.

In: series, names of models, and a plan of the folds. Out: a `Comparison`, with scores, verdicts and a ranking.
"""

from forecast.comparison.experiment import Comparison, compare
from forecast.comparison.folds import Fold, WalkForward

__all__ = ["Comparison", "Fold", "WalkForward", "compare"]
