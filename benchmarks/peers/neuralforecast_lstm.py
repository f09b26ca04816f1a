"""The LSTM of neuralforecast, with its own defaults where the task does not say otherwise.

    .venv-peers/bin/python benchmarks/peers/neuralforecast_lstm.py data/sp500.csv --horizon 1

Two layers of 32 cells and 64 rows, as in `forecast`; 200 steps, as on the model's own page (its quick start takes 500);
the quantile loss, so that it, too, forecasts a distribution.
"""

import logging
import warnings
from importlib import import_module
from typing import Any

import task as peers

LOOKBACK, UNITS, STEPS, CHECK_EVERY, PATIENCE = 64, 32, 200, 50, 2
# The intervals whose ends are, with the median, the quantiles that are scored.
INTERVALS = (90, 80, 50)


def build(horizon: int) -> Any:
    """The library's model in its wrapper; rows are counted, not dated."""
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MQLoss
    from neuralforecast.models import LSTM

    model = LSTM(
        h=horizon,
        input_size=LOOKBACK,
        loss=MQLoss(level=list(INTERVALS)),
        max_steps=STEPS,
        scaler_type="robust",
        encoder_n_layers=2,
        encoder_hidden_size=UNITS,
        val_check_steps=CHECK_EVERY,
        early_stop_patience_steps=PATIENCE,
        alias="lstm",
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    return NeuralForecast(models=[model], freq=1)


def predict_all(task: peers.Task) -> Any:
    """Quantiles of the test rows, shape (N, H, 7): one fit, then every origin."""
    import pandas as pd

    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    task.timed("import", lambda: import_module("neuralforecast.models"))
    frame = pd.DataFrame({"unique_id": "series", "ds": range(len(task.target)), "y": task.target})
    sizes = {"val_size": task.test - task.validation, "test_size": len(task.target) - task.test}
    wrapper = build(task.horizon)
    forecasts = task.timed(
        "fit and predict", lambda: wrapper.cross_validation(frame, n_windows=None, step_size=1, refit=False, **sizes)
    )
    columns = [
        *(f"lstm-lo-{level}" for level in INTERVALS),
        "lstm-median",
        *(f"lstm-hi-{level}" for level in INTERVALS[::-1]),
    ]
    found = forecasts.sort_values(["cutoff", "ds"])[columns].to_numpy("float64")
    return found.reshape(-1, task.horizon, len(columns))


if __name__ == "__main__":
    peers.run(predict_all)
