"""Draw the pictures of the gallery from the bundled data, in about half a minute.

python docs/gallery.py
"""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from PIL import Image

import forecast
from forecast.config import override
from forecast.data.synthetic import GENERATORS
from forecast.evaluation.direction import reliability
from forecast.report import plots

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "pictures"
WIDTH = 9
# Dots per inch: small files, sharp enough on a page.
DPI = 72


def draw(name: str, draw_one: Callable[[Axes], None], height: float = 3.2) -> None:
    """Save one plot as `pictures/NAME.png`."""
    figure, axes = plots.panels(1, WIDTH, height)
    draw_one(axes[0])
    figure.savefig(FOLDER / f"{name}.png", dpi=DPI)


def draw_runs() -> None:
    """Draw a backtest of prices, and a forecast of temperatures."""
    points = forecast.load(ROOT / "data" / "sp500.csv", unit="points")
    prices = forecast.run(points, models=["lstm"])
    draw("history", lambda ax: plots.plot_history(prices, ax))
    draw("backtest", lambda ax: plots.plot_backtest(prices, "lstm", ax))
    draw("losses", lambda ax: plots.plot_losses(prices.models["lstm"], ax))
    config = override(forecast.ExperimentConfig(), {"horizon": 12})
    sea = forecast.load(ROOT / "data" / "sea_temperature.csv", unit="°C")
    found = forecast.run(sea, models=["dense", "esn", "forest"], config=config)
    draw("forecast", lambda ax: plots.plot_forecast(found, ["dense", "esn", "forest", "seasonal_naive", "naive"], ax))
    draw("comparison", lambda ax: plots.plot_comparison(found, ax))
    table = pd.Series(sea.y, index=sea.index, name="Temperature")
    holes = forecast.load(table.drop(table.index[[*range(190, 200), *range(450, 456)]]), unit="°C")
    draw("series", lambda ax: plots.plot_series(holes, ax))


def draw_directions() -> None:
    """Draw the calibration of probabilities."""
    config = override(forecast.ExperimentConfig(), {"horizon": 7, "task": "direction"})
    sales = forecast.load(ROOT / "data" / "shop_sales.csv", target="Sales")
    found = forecast.run(sales, models=["gru"], config=config)
    draw("reliability", lambda ax: plots.plot_reliability("gru", reliability(found.backtests["gru"]), ax), 4)


def draw_explanations() -> None:
    """Draw the gates of a network without highway, and the components of one with it."""
    sales = forecast.load(ROOT / "data" / "shop_sales.csv", target="Sales", unit="pieces")
    alone = {"horizon": 14, "highway": False, "depth": 1, "units": 16, "max_steps": 300}
    network = forecast.train(sales, "lstm", override(forecast.ExperimentConfig(), alone))
    found = forecast.explain(network, sales)
    figure, axes = plots.panels(4, WIDTH, 1.7)
    plots.plot_window(found, axes[0])
    for part, ax in zip(("forget", "cell", "hidden"), axes[1:], strict=True):
        plots.plot_gate(found, "lstm_1", part, ax)
    figure.savefig(FOLDER / "gates.png", dpi=DPI)
    usual = forecast.explain(
        forecast.train(sales, "gru", override(forecast.ExperimentConfig(), {"horizon": 14})), sales
    )
    draw("lags", lambda ax: plots.plot_lags(usual, ax))
    draw("components", lambda ax: plots.plot_components(usual, ax))
    prices = forecast.load(ROOT / "data" / "sp500.csv", unit="points")
    stocks = forecast.explain(forecast.train(prices, "gru"), prices)
    draw("shrinkage", lambda ax: plots.plot_shrinkage(stocks, ax), 2.6)


def draw_synthetic() -> None:
    """Draw twenty simulated series of each kind, over their own spread, one below the other."""
    rows, count = 300, 20
    figure, grid = plt.subplots(8, 2, figsize=(WIDTH, 27), layout="constrained")
    for ax, (name, (make, *_)) in zip(grid.flat, GENERATORS.items(), strict=True):
        made = make(
            np.random.default_rng(0), count, rows, (24, 168) if name in ("work_and_rest", "holidays") else (24,)
        )
        low, spread = made.min(axis=1, keepdims=True), np.ptp(made, axis=1, keepdims=True) + 1e-9
        ax.plot((1.3 * (made - low) / spread + np.arange(count)[:, None]).T, color="0.25", linewidth=0.6)
        ax.set(title=name, xticks=[], yticks=[])
    figure.savefig(FOLDER / "synthetic.png", dpi=64)
    plt.close(figure)
    Image.open(FOLDER / "synthetic.png").convert("L").quantize(8).save(FOLDER / "synthetic.png", optimize=True)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    draw_runs()
    draw_directions()
    draw_explanations()
    draw_synthetic()
