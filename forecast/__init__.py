"""Honest time-series forecasts with Keras, always measured against the naive forecast.

    import forecast

    series = forecast.load("data/sp500.csv")
    result = forecast.run(series, models=["lstm"], horizon=10, out="runs/sp500")
    result.plot()
    model = forecast.open_model("runs/sp500/models/lstm")
    print(model.predict(series).to_frame())

Importing this package loads neither TensorFlow nor pandas: a name below is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.config import ExperimentConfig, InputConfig, NetworkConfig, TrainingConfig
    from forecast.data.series import TimeSeries
    from forecast.data.sources import inspect, load, load_all
    from forecast.errors import ForecastError
    from forecast.evaluation.follow_up import FollowUp
    from forecast.evaluation.holdout import Experiment
    from forecast.evaluation.joint import JointExperiment
    from forecast.evaluation.leakage import audit, audit_model
    from forecast.evaluation.score_forecasts import Judgement, score
    from forecast.evaluation.walk_forward import Comparison, WalkForward
    from forecast.inference.bundle import open_model, save_model
    from forecast.inference.bundle.exporting import export
    from forecast.inference.explain import Explanation, explain
    from forecast.inference.forecasts import Forecast
    from forecast.inference.trained_model import TrainedModel
    from forecast.models import MODELS, Callbacks
    from forecast.pipeline import check, compare, fetch, predict, run, update
    from forecast.report.html import make_page
    from forecast.training.train import train
    from forecast.training.tuning.tune import tune

__version__ = "0.2.0"

_HOME = {
    "MODELS": "models",
    "Comparison": "evaluation.walk_forward",
    "Experiment": "evaluation.holdout",
    "ExperimentConfig": "config",
    "Explanation": "inference.explain",
    "JointExperiment": "evaluation.joint",
    "Judgement": "evaluation.score_forecasts",
    "FollowUp": "evaluation.follow_up",
    "Forecast": "inference.forecasts",
    "ForecastError": "errors",
    "InputConfig": "config",
    "NetworkConfig": "config",
    "TimeSeries": "data.series",
    "TrainedModel": "inference.trained_model",
    "TrainingConfig": "config",
    "WalkForward": "evaluation.walk_forward",
    "Callbacks": "models",
    "audit": "evaluation.leakage",
    "audit_model": "evaluation.leakage",
    "check": "pipeline",
    "compare": "pipeline",
    "explain": "inference.explain",
    "export": "inference.bundle.exporting",
    "fetch": "pipeline",
    "inspect": "data.sources",
    "load": "data.sources",
    "load_all": "data.sources",
    "make_page": "report.html",
    "open_model": "inference.bundle",
    "predict": "pipeline",
    "run": "pipeline",
    "save_model": "inference.bundle",
    "score": "evaluation.score_forecasts",
    "train": "training.train",
    "tune": "training.tuning.tune",
    "update": "pipeline",
}
__all__ = [
    "MODELS",
    "Callbacks",
    "Comparison",
    "Experiment",
    "ExperimentConfig",
    "Explanation",
    "FollowUp",
    "Forecast",
    "ForecastError",
    "InputConfig",
    "JointExperiment",
    "Judgement",
    "NetworkConfig",
    "TimeSeries",
    "TrainedModel",
    "TrainingConfig",
    "WalkForward",
    "audit",
    "audit_model",
    "check",
    "compare",
    "explain",
    "export",
    "fetch",
    "inspect",
    "load",
    "load_all",
    "make_page",
    "open_model",
    "predict",
    "run",
    "save_model",
    "score",
    "train",
    "tune",
    "update",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'forecast' has no attribute '{name}'")
    return getattr(import_module(f"forecast.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
