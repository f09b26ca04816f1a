"""How a year of months is forecast from a few of them: further ahead than the rows suffice to test.

    .venv/bin/python benchmarks/short.py                 simulated series: a season, a walk, a trend, noise
    .venv/bin/python benchmarks/short.py --number 200

Each series is cut to 16, 24, 36 and 48 rows, and the next twelve are forecast by `forecast.predict`. Printed are the
MAE over that of the last value, pooled, and the share of outcomes inside the 90 % interval: of all steps, of the first
three and of the last three.
"""

import argparse

import numpy as np
import pandas as pd

import forecast

ROWS, HORIZON, SEASON, ENDS = (16, 24, 36, 48), 12, 12, 3


def simulated(kind: str, rows: int, random: np.random.Generator) -> np.ndarray:
    """A series of so many months."""
    month, noise = np.arange(rows), random.normal(size=rows)
    return {
        "season": 50 + 10 * np.sin(2 * np.pi * month / SEASON) + 2 * noise,
        "walk": 50 + noise.cumsum(),
        "trend": 0.5 * month + 2 * noise,
        "noise": noise,
    }[kind]


def measured(kind: str, rows: int, number: int) -> tuple[float, np.ndarray]:
    """MAE over that of the last value, and whether outcomes lie inside the 90 % interval, shape (N, H)."""
    every = [simulated(kind, rows + HORIZON, np.random.default_rng([rows, seed])) for seed in range(number)]
    index = pd.date_range("2015-01-01", periods=rows, freq="MS")
    known = [pd.Series(values[:rows], index, name=str(seed)) for seed, values in enumerate(every)]
    came = np.array([values[rows:] for values in every])
    quantiles = np.array([one.quantiles for one in forecast.predict(known, horizon=HORIZON)])
    error = np.abs(quantiles[..., quantiles.shape[2] // 2] - came).mean()
    naive = np.abs(came - np.array([values[rows - 1] for values in every])[:, None]).mean()
    return float(error / naive), (quantiles[..., 0] <= came) & (came <= quantiles[..., -1])


def main() -> None:
    """Print a row for each kind and length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=40, help="series of each kind and length")
    number = parser.parse_args().number
    print("rows  kind     MAE / naive   in 90 %   first three   last three")
    for rows in ROWS:
        for kind in ("season", "walk", "trend", "noise"):
            ratio, held = measured(kind, rows, number)
            ends = held[:, :ENDS].mean(), held[:, -ENDS:].mean()
            print(f"{rows:4}  {kind:8} {ratio:8.2f} {held.mean():12.2f} {ends[0]:12.2f} {ends[1]:12.2f}", flush=True)


if __name__ == "__main__":
    main()
