"""What a trained model does with a series: its gates over time, the lags that it depends on, the parts of its forecast.

In: a `TrainedModel` and a series. Out: an `Explanation`, from the numpy equations alone. What a model does not have is
named in its `notes`.
"""

from forecast.inference.explain.explain import Explanation, explain
from forecast.inference.explain.occlusion import Lags, lags_of

__all__ = ["Explanation", "Lags", "explain", "lags_of"]
