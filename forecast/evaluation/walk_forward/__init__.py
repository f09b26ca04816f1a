"""Walk-forward test: models are trained anew at each cutoff, on the past alone, over folds and series.

In: series, names of models, and a plan of the folds. Out: a `Comparison` with scores, verdicts and a ranking.

folds            where each training ends, and which rows are tested
fold_job         one training, its forecasts, and the Parquet file that keeps them
series_result    all models on one series: scores, verdicts, tables, and the JSON file that keeps them
series_task      what a worker does with one series: status, training, evaluation
summary          the result over all series: `Comparison`, ranking, table of models
compare          the whole comparison, stage by stage
"""

from forecast.evaluation.walk_forward.compare import compare_series
from forecast.evaluation.walk_forward.folds import Fold, WalkForward
from forecast.evaluation.walk_forward.summary import Comparison

__all__ = ["Comparison", "Fold", "WalkForward", "compare_series"]
