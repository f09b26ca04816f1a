"""A plain PyTorch LSTM: standardised levels, two layers of 50 cells, 60 rows, all steps at once.

.venv-peers/bin/python benchmarks/peers/pytorch_lstm.py data/sp500.csv --horizon 1
"""

import copy
from importlib import import_module
from typing import Any

import task as peers

LOOKBACK, UNITS, LAYERS, BATCH, EPOCHS, PATIENCE = 60, 50, 2, 32, 50, 5


def build(horizon: int) -> Any:
    """A network from (N, L, 1) to (N, H)."""
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(1, UNITS, num_layers=LAYERS, batch_first=True)
            self.head = nn.Linear(UNITS, horizon)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(x)[0][:, -1])

    return Network()


def train_epoch(network: Any, optimizer: Any, batches: Any) -> None:
    """One pass over the training windows."""
    from torch.nn.functional import mse_loss

    network.train()
    for x, y in batches:
        optimizer.zero_grad()
        mse_loss(network(x), y).backward()
        optimizer.step()


def forecast(network: Any, x: Any) -> Any:
    """The network's outputs, shape (N, H), without gradients."""
    import torch

    network.eval()
    with torch.no_grad():
        return network(x)


def fit(network: Any, train: tuple[Any, Any], validation: tuple[Any, Any]) -> None:
    """Trains until the validation loss has not fallen for some epochs, and goes back to the best weights."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    batches = DataLoader(TensorDataset(*train), batch_size=BATCH, shuffle=True)
    best, best_loss, waited = copy.deepcopy(network.state_dict()), float("inf"), 0
    for _ in range(EPOCHS):
        train_epoch(network, optimizer, batches)
        loss = float(torch.nn.functional.mse_loss(forecast(network, validation[0]), validation[1]))
        waited += 1
        if loss < best_loss:
            best, best_loss, waited = copy.deepcopy(network.state_dict()), loss, 0
        if waited == PATIENCE:
            break
    network.load_state_dict(best)


def predict_all(task: peers.Task) -> Any:
    """Forecasts of the test rows, shape (N, H)."""
    torch = task.timed("import", lambda: import_module("torch"))
    torch.manual_seed(0)
    known = task.target[: task.validation]
    mean, spread = known.mean(), known.std()
    parts = peers.three_parts(task, (task.target - mean) / spread, lookback=LOOKBACK)
    train, validation, (x_test, _) = [tuple(map(torch.from_numpy, part)) for part in parts]
    network = build(task.horizon)
    task.timed("fit", lambda: fit(network, train, validation))
    forecasts_scaled = task.timed("predict", lambda: forecast(network, x_test))
    return forecasts_scaled.numpy().astype("float64") * spread + mean


if __name__ == "__main__":
    peers.run(predict_all)
