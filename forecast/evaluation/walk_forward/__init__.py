"""Walk-forward comparison: models trained anew at each cutoff on the past alone, over folds and series.

In: series, names of models, and a plan of the folds. Out: a `Comparison`, with scores, verdicts and a ranking.
"""

from forecast.evaluation.walk_forward.compare import Comparison, compare
from forecast.evaluation.walk_forward.folds import Fold, WalkForward

__all__ = ["Comparison", "Fold", "WalkForward", "compare"]
