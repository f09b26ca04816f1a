"""The models: one registry, and one line in it for each.

A model answers the contract in `contract.py`. Networks are built by `networks.py`, trained by `descent.py` and run by
the equations in `cells.py`; `baselines.py` holds what they are measured against.
"""

from forecast.errors import ConfigError
from forecast.models.baselines import Baseline, drift, naive, seasonal_naive
from forecast.models.contract import Fit, Model, Problem, Progress, Step, Validation, Weights
from forecast.models.networks import Network

_ALL: tuple[Model, ...] = (
    Network("lstm", "Long Short-Term Memory cells, stacked (Hochreiter and Schmidhuber 1997)"),
    Network("gru", "Gated Recurrent Units, stacked (Cho et al. 2014)"),
    Network("rnn", "SimpleRNN cells, stacked (Elman 1990)"),
    Network("dense", "Dense network (ANN) on the last `lookback` rows"),
    Baseline("naive", "Tomorrow is like today: the last value", naive),
    Baseline("drift", "The line from the first known value through the last", drift),
    Baseline("seasonal_naive", "The value one season ago", seasonal_naive),
)
MODELS: dict[str, Model] = {model.name: model for model in _ALL}
NETWORKS = tuple(name for name, model in MODELS.items() if model.learned)
BASELINES = tuple(name for name, model in MODELS.items() if not model.learned)


def find_model(name: str) -> Model:
    """The registered model of that name.

    Raises:
        ConfigError: there is none; names those that there are.
    """
    if name not in MODELS:
        raise ConfigError(f"a model must be one of {', '.join(MODELS)}. Received: {name}.")
    return MODELS[name]


__all__ = [
    "BASELINES",
    "MODELS",
    "NETWORKS",
    "Fit",
    "Model",
    "Problem",
    "Progress",
    "Step",
    "Validation",
    "Weights",
    "find_model",
]
