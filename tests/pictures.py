"""Draw the pictures that `test_plots.py` compares with those in `tests/golden/`, from numbers made by hand.

PYTHONPATH=. python tests/pictures.py      draws the golden pictures; look at them before committing
"""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.config import QUANTILES, ExperimentConfig, override
from forecast.data.inputs import Inputs
from forecast.data.series import DataIssue, TimeSeries
from forecast.data.split import Split
from forecast.data.windows import Blocks
from forecast.evaluation.direction import Reliability
from forecast.evaluation.holdout import Experiment
from forecast.evaluation.lag_detector import Lag
from forecast.evaluation.scores import Scores
from forecast.inference.explain import Explanation, Lags
from forecast.inference.forecasts import Backtest, Forecast, Moves
from forecast.inference.trained_model import TrainedModel
from forecast.metrics.significance import Ranking
from forecast.models import Validation
from forecast.report import plots

GOLDEN = Path(__file__).parent / "golden"
ROWS, HORIZON, LOOKBACK = 120, 5, 12
DATES = pd.date_range("2024-01-01", periods=ROWS)
WAVE = 50 + 10 * np.sin(np.arange(ROWS) / 9) + np.arange(ROWS) / 10
SPREAD = np.array([-3.0, -2.2, -1.0, 0.0, 1.0, 2.2, 3.0])
MODELS = ("lstm", "dense", "linear", "theta", "naive", "drift")


def made_series():
    found = DataIssue("gap", 2, ("2024-02-01", "2024-03-15"), "kept")
    return TimeSeries("made", DATES, WAVE[:, None], ("Load",), "Load", unit="MW", findings=(found,))


def made_backtest(model):
    origin = np.arange(96, ROWS - HORIZON)
    actual = WAVE[origin[:, None] + np.arange(1, HORIZON + 1)]
    median = WAVE[origin, None] + 0.6 * (actual - WAVE[origin, None])
    return Backtest(model, origin, WAVE[origin], actual, median[..., None] + SPREAD, index=DATES)


def made_forecast(number, model):
    steps = np.arange(1, HORIZON + 1)
    quantiles = (WAVE[-1] + (number - 2) * steps / 2)[:, None] + SPREAD * np.sqrt(steps)[:, None] / 2
    dates = tuple(f"2024-05-{day:02d}" for day in range(1, HORIZON + 1))
    return Forecast(model, "made", "MW", "2024-04-29", dates, QUANTILES, quantiles)


def made_model():
    history = tuple(Validation(20 * k, None if k == 0 else 1 / (k + 1), 0.8 - 0.1 * k + 0.03 * k * k) for k in range(6))
    return TrainedModel("lstm", ExperimentConfig(), "Load", {}, history, (), 1.0, "")


def made_experiment():
    plain = dict.fromkeys((field.name for field in fields(Scores)), 1.0)
    scores = [
        Scores(**{**plain, "model": name, "mae_vs_naive": 0.7 + 0.1 * number}) for number, name in enumerate(MODELS)
    ]
    return Experiment(
        series=made_series(),
        config=override(ExperimentConfig(), {"horizon": HORIZON}),
        split=Split(84, 96, ROWS),
        models={"lstm": made_model()},
        backtests={"lstm": made_backtest("lstm")},
        forecasts={name: made_forecast(number, name) for number, name in enumerate(MODELS)},
        scores=tuple(scores),
        verdicts=(),
        seeds={},
        bottom_line="",
    )


def made_explanation():
    origin, steps = np.arange(96, ROWS), np.arange(1, HORIZON + 1)
    count, rows = len(origin), np.arange(LOOKBACK)[:, None] + np.arange(6)
    no = np.zeros((count, 1, HORIZON))
    x = np.zeros((count, LOOKBACK, 1), np.float32)
    ahead = np.zeros((count, 1, HORIZON, 0))
    inputs, zero = Inputs(WAVE[:, None], np.zeros((len(WAVE), 0))), np.zeros((count, 1, 1))
    blocks = Blocks(inputs, origin, x, no, ahead, zero, no + 1, np.full_like(zero, np.nan), True)
    factors = np.stack([np.linspace(0.5, 1, count), np.linspace(0.6, 0.2, count)], axis=1)
    linear, network = np.sin(steps) + np.zeros((count, 1)), steps + np.zeros((count, 1))
    median = WAVE[origin, None] + factors[:, [0]] * linear + factors[:, [1]] * network
    moves = Moves(blocks, WAVE[origin], 0 * linear, linear, network, factors, no[:, 0] + 1, median)
    gates = {"input": 0.5 + np.sin(rows) / 2, "hidden": np.cos(rows)}
    lags = Lags(1 / np.arange(1, LOOKBACK + 1), np.linspace(0.5, 0, LOOKBACK), np.linspace(0.9, 0.1, LOOKBACK))
    dates = made_forecast(0, "lstm").dates
    return Explanation("lstm", made_series(), WAVE[-LOOKBACK - 1 :], {"lstm_1": gates}, lags, moves, dates, ())


def made_reliability():
    """Three bins of probabilities."""
    return Reliability(np.array([0.2, 0.4, 0.7]), np.array([0.25, 0.37, 0.6]), np.array([30, 50, 20]))


def made_backtests():
    """Return a backtest that improves on naive by 40 %, and one whose error grows with the step."""
    found = {name: made_backtest(name) for name in ("lstm", "dense")}
    return found | {"dense": replace(found["dense"], quantiles=found["dense"].quantiles + np.arange(HORIZON)[:, None])}


def made_lag():
    return Lag(3, 0.2, 3, tuple(np.cos(np.arange(9) - 3.0)), 0.8, 0.1)


def made_ranking():
    return Ranking({"lstm": 1.4, "dense": 1.9, "naive": 2.7}, 12, 0.001, 0.8)


PICTURES = {
    "history": lambda ax: plots.plot_history(made_experiment(), ax),
    "series": lambda ax: plots.plot_series(made_series(), ax),
    "backtest": lambda ax: plots.plot_backtest(made_experiment(), "lstm", ax, step=3),
    "forecast": lambda ax: plots.plot_forecast(made_experiment(), MODELS, ax),
    "losses": lambda ax: plots.plot_losses(made_model(), ax),
    "comparison": lambda ax: plots.plot_comparison(made_experiment(), ax),
    "calibration": lambda ax: plots.plot_calibration(made_backtest("lstm"), ax),
    "pit": lambda ax: plots.plot_pit(made_backtest("lstm"), ax),
    "steps": lambda ax: plots.plot_error_by_step(made_backtests(), ax),
    "over_time": lambda ax: plots.plot_error_over_time(made_backtests(), DATES, ax),
    "residuals": lambda ax: plots.plot_residuals(made_backtests(), ["lstm", "dense"], ax),
    "copied": lambda ax: plots.plot_lag_correlations({"lstm": made_lag()}, ax),
    "ranks": lambda ax: plots.plot_ranks(made_ranking(), ax),
    "reliability": lambda ax: plots.plot_reliability("gru", made_reliability(), ax),
    "window": lambda ax: plots.plot_window(made_explanation(), ax),
    "gate": lambda ax: plots.plot_gate(made_explanation(), "lstm_1", "input", ax),
    "state": lambda ax: plots.plot_gate(made_explanation(), "lstm_1", "hidden", ax),
    "lags": lambda ax: plots.plot_lags(made_explanation(), ax),
    "components": lambda ax: plots.plot_components(made_explanation(), ax),
    "shrinkage": lambda ax: plots.plot_shrinkage(made_explanation(), ax),
}


def draw(name, folder):
    """Save one picture as a small PNG."""
    figure, axes = plots.panels(1, 7, 3)
    PICTURES[name](axes[0])
    path = Path(folder) / f"{name}.png"
    figure.savefig(path, dpi=50, metadata={"Software": None})
    return path


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name in PICTURES:
        draw(name, GOLDEN)
