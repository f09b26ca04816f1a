"""The Keras recipe of the tutorials: MinMax levels, two layers of 50 LSTM cells, 60 rows, one label a window.

    .venv/bin/python benchmarks/peers/textbook.py data/sp500.csv --horizon 1

Better than most of them: the scaler sees training rows alone, and early stopping looks at validation rows.
"""

from importlib import import_module
from typing import Any

import task as peers

LOOKBACK, UNITS, BATCH, EPOCHS, PATIENCE = 60, 50, 32, 50, 5


def build(horizon: int) -> Any:
    """The compiled network."""
    import keras

    network = keras.Sequential(
        [
            keras.Input((LOOKBACK, 1)),
            keras.layers.LSTM(UNITS, return_sequences=True),
            keras.layers.LSTM(UNITS),
            keras.layers.Dense(horizon),
        ]
    )
    network.compile(optimizer="adam", loss="mean_squared_error")
    return network


def fit(network: Any, train: tuple[Any, Any], validation: tuple[Any, Any]) -> None:
    """Trains until the validation loss has not fallen for some epochs, and goes back to the best weights."""
    import keras

    stopping = keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)
    network.fit(*train, batch_size=BATCH, epochs=EPOCHS, validation_data=validation, callbacks=[stopping], verbose=0)


def predict_all(task: peers.Task) -> Any:
    """Forecasts of the test rows, shape (N, H)."""
    keras = task.timed("import", lambda: import_module("keras"))
    from sklearn.preprocessing import MinMaxScaler

    keras.utils.set_random_seed(0)
    scaler = MinMaxScaler().fit(task.target[: task.validation, None])
    levels_scaled = scaler.transform(task.target[:, None])[:, 0]
    train, validation, (x_test, _) = peers.three_parts(task, levels_scaled, lookback=LOOKBACK)
    network = build(task.horizon)
    task.timed("fit", lambda: fit(network, train, validation))
    forecasts_scaled = task.timed("predict", lambda: network.predict(x_test, verbose=0))
    return scaler.inverse_transform(forecasts_scaled)


if __name__ == "__main__":
    peers.run(predict_all)
