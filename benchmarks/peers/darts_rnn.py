"""The LSTM of darts: RNNModel with its own defaults where the task does not say otherwise.

    .venv-peers/bin/python benchmarks/peers/darts_rnn.py data/sp500.csv --horizon 1

20 epochs and a training length above the lookback, as in the class's own example; MinMax levels by its Scaler, and
early stopping, as its documentation shows them. It forecasts step by step, each from its own forecast before.
"""

import logging
import warnings
from importlib import import_module
from typing import Any

import task as peers

LOOKBACK, TRAINING_LENGTH, EPOCHS, PATIENCE = 64, 80, 20, 5


def build() -> Any:
    """The untrained model."""
    from darts.models import RNNModel
    from pytorch_lightning.callbacks import EarlyStopping

    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    return RNNModel(
        input_chunk_length=LOOKBACK,
        training_length=TRAINING_LENGTH,
        model="LSTM",
        n_epochs=EPOCHS,
        random_state=0,
        pl_trainer_kwargs={"accelerator": "cpu", "callbacks": [EarlyStopping("val_loss", patience=PATIENCE)], **quiet},
    )


def predict_all(task: peers.Task) -> Any:
    """Forecasts of the test rows, shape (N, H)."""
    import numpy as np

    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    task.timed("import", lambda: import_module("darts.models.forecasting.rnn_model"))
    from darts import TimeSeries
    from darts.dataprocessing.transformers import Scaler

    series = TimeSeries.from_values(task.target.astype("float32"))
    scaler = Scaler(global_fit=True)  # one scaler for the list of forecasts, too
    train = scaler.fit_transform(series[: task.validation])
    levels_scaled = scaler.transform(series)
    validation = levels_scaled[task.validation - LOOKBACK : task.test]
    model = build()
    task.timed("fit", lambda: model.fit(train, val_series=validation))
    settings = {"start": task.test, "forecast_horizon": task.horizon, "last_points_only": False}
    forecasts_scaled = task.timed(
        "predict", lambda: model.historical_forecasts(levels_scaled, retrain=False, verbose=False, **settings)
    )
    forecasts = scaler.inverse_transform(forecasts_scaled)
    return np.array([forecast.values()[:, 0] for forecast in forecasts], dtype="float64")


if __name__ == "__main__":
    peers.run(predict_all)
