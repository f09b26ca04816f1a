"""Honest time-series forecasts with Keras, always measured against the naive forecast.

    import forecast

    series = forecast.load("data/sp500.csv")
    result = forecast.run(series, models=["lstm"], out="runs/sp500")
    model = forecast.open_model("runs/sp500/models/lstm")
    print(model.forecast(series).median)

Importing this package loads neither TensorFlow nor pandas: a name below is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.bundle import open_model, save_model
    from forecast.comparison import WalkForward, compare
    from forecast.config import ExperimentConfig, InputConfig, NetworkConfig, TrainingConfig
    from forecast.direction import run_direction
    from forecast.errors import ForecastError
    from forecast.experiment import Experiment, run
    from forecast.explanation import Explanation, explain
    from forecast.leaks import audit
    from forecast.models import MODELS, Watch
    from forecast.predictions import Forecast
    from forecast.series import TimeSeries
    from forecast.sources import inspect, load, load_all
    from forecast.trained import TrainedModel
    from forecast.training import train
    from forecast.tuning import tune

__version__ = "0.1.0"

_HOME = {
    "MODELS": "models",
    "Experiment": "experiment",
    "ExperimentConfig": "config",
    "Explanation": "explanation",
    "Forecast": "predictions",
    "ForecastError": "errors",
    "InputConfig": "config",
    "NetworkConfig": "config",
    "TimeSeries": "series",
    "TrainedModel": "trained",
    "TrainingConfig": "config",
    "WalkForward": "comparison",
    "Watch": "models",
    "audit": "leaks",
    "compare": "comparison",
    "explain": "explanation",
    "inspect": "sources",
    "load": "sources",
    "load_all": "sources",
    "open_model": "bundle",
    "run": "experiment",
    "run_direction": "direction",
    "save_model": "bundle",
    "train": "training",
    "tune": "tuning",
}
__all__ = [
    "MODELS",
    "Experiment",
    "ExperimentConfig",
    "Explanation",
    "Forecast",
    "ForecastError",
    "InputConfig",
    "NetworkConfig",
    "TimeSeries",
    "TrainedModel",
    "TrainingConfig",
    "WalkForward",
    "Watch",
    "audit",
    "compare",
    "explain",
    "inspect",
    "load",
    "load_all",
    "open_model",
    "run",
    "run_direction",
    "save_model",
    "train",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'forecast' has no attribute '{name}'")
    return getattr(import_module(f"forecast.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
