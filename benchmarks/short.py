"""How a year of months is forecast from a few of them: further ahead than the rows suffice to test.

    .venv/bin/python benchmarks/short.py                 simulated series: a season, a walk, trends, noise
    .venv/bin/python benchmarks/short.py --number 200
    .venv/bin/python benchmarks/short.py --rows 48,60 --models ets,linear --number 10

Each series is cut to 16, 24, 36 and 48 rows, and the next twelve are forecast by `forecast.predict`, or by each of some
models in `forecast.run`. Printed are the MAE over that of the last value, pooled, and the share of outcomes inside the
90 % interval: of all steps, of the first three and of the last three.
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
        "steady": 100 + 3 * month + 0.3 * noise,
        "growth": 100 * 1.02**month * (1 + 0.01 * noise),
        "noise": noise,
    }[kind]


def forecasts(known: list[pd.Series], models: list[str]) -> dict[str, np.ndarray]:
    """Quantiles (N, H, Q) of the next rows of each series by each model; without any by the package's own."""
    if not models:
        return {"pretrained": np.array([one.quantiles for one in forecast.predict(known, horizon=HORIZON)])}
    runs = [forecast.run(series, models=models, horizon=HORIZON) for series in known]
    return {name: np.array([run.forecasts[name].quantiles for run in runs]) for name in models}


def print_measured(kind: str, rows: int, number: int, models: list[str]) -> None:
    """A line for each model: MAE over that of the last value, and how many outcomes lie inside the 90 % interval."""
    every = [simulated(kind, rows + HORIZON, np.random.default_rng([rows, seed])) for seed in range(number)]
    index = pd.date_range("2015-01-01", periods=rows, freq="MS")
    known = [pd.Series(values[:rows], index, name=str(seed)) for seed, values in enumerate(every)]
    came = np.array([values[rows:] for values in every])
    naive = np.abs(came - np.array([values[rows - 1] for values in every])[:, None]).mean()
    for name, quantiles in forecasts(known, models).items():
        ratio = np.abs(quantiles[..., quantiles.shape[2] // 2] - came).mean() / naive
        held = (quantiles[..., 0] <= came) & (came <= quantiles[..., -1])
        shares = "".join(f"{part.mean():13.2f}" for part in (held, held[:, :ENDS], held[:, -ENDS:]))
        print(f"{rows:4}  {kind:8} {name:12} {ratio:8.2f}{shares}", flush=True)


def main() -> None:
    """Print a row for each length, kind and model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=40, help="series of each kind and length")
    parser.add_argument("--rows", default=",".join(map(str, ROWS)), help="rows that are known, separated by commas")
    parser.add_argument("--models", default="", help="models of `forecast run`, separated by commas [forecast.predict]")
    options = parser.parse_args()
    print("rows  kind     model        MAE / naive     in 90 %  first three   last three")
    for rows in map(int, options.rows.split(",")):
        for kind in ("season", "walk", "trend", "steady", "growth", "noise"):
            print_measured(kind, rows, options.number, list(filter(None, options.models.split(","))))


if __name__ == "__main__":
    main()
