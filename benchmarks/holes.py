"""Rows missing from seasonal series: is the forecast still good, and is what the test says of it true?

    python benchmarks/holes.py [--models lstm,linear] [--seeds 5]

Simulated series, of which the truth is known, lose rows at random, in runs and in a fixed pattern. A model is trained
and tested on the rows that are left, as `forecast run` does it; then it forecasts from the rows that come after, which
have the same holes, and is held against all true values. Printed: MAE over that without holes, the share of the coming
truth inside the 90 % interval, and the share that the test had claimed. benchmarks/holes.md keeps what it printed.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd

import forecast
from forecast.config import MEDIAN, ExperimentConfig
from forecast.data.windows import outcomes

SHARES = (0.05, 0.2, 0.4)
PATTERNS = ("random", "runs", "fixed")
# Of a fixed pattern: rows in a cycle, and which of them are missing.
CYCLES = {0.05: (19, (7,)), 0.2: (5, (2,)), 0.4: (5, (1, 3))}
# Rows that come after those that a model is trained and tested on.
COMING = 0.2


def days(random: np.random.Generator) -> pd.Series:
    """Sales of a shop: a week, a slow walk, noise."""
    index = pd.date_range("2019-01-07", periods=1400, freq="D")
    week = np.array([0, 2, 3, 3, 6, 12, 9.0])
    noise = random.normal(0, 1, 1400)
    return pd.Series(100 + week[index.day_of_week] + np.cumsum(random.normal(0, 0.1, 1400)) + noise, index)


def hours(random: np.random.Generator) -> pd.Series:
    """A load: day and week, a disturbance that lasts for hours, noise."""
    index = pd.date_range("2022-01-03", periods=4800, freq="h")
    day = 8 * np.sin(2 * np.pi * (index.hour - 8) / 24) + 3 * np.sin(4 * np.pi * index.hour / 24)
    week = np.where(index.day_of_week >= 5, -6.0, 0.0)
    disturbance, noise = np.zeros(4800), random.normal(0, 0.4, 4800)
    for row in range(1, 4800):
        disturbance[row] = 0.9 * disturbance[row - 1] + noise[row]
    return pd.Series(50 + day + week + disturbance + random.normal(0, 0.3, 4800), index)


def six_days(random: np.random.Generator) -> pd.Series:
    """Sales from Monday to Saturday."""
    index = pd.bdate_range("2019-01-07", periods=1200, freq="C", weekmask="1111110")
    week = np.array([0, 1, 1, 2, 5, 8.0])
    return pd.Series(60 + week[index.day_of_week] + random.normal(0, 1, 1200), index)


SERIES = {"days": days, "hours": hours, "six-day weeks": six_days}


def kept(rows: int, pattern: str, share: float, random: np.random.Generator) -> np.ndarray:
    """Which rows are left, shape (rows,)."""
    left = np.ones(rows, bool)
    if pattern == "random":
        left = random.random(rows) >= share
    while pattern == "runs" and left.mean() > 1 - share:
        start = random.integers(rows)
        left[start : start + random.geometric(1 / 6)] = False
    if pattern == "fixed":
        length, missing = CYCLES[share]
        left = ~np.isin(np.arange(rows) % length, missing)
    left[[0, int(rows * (1 - COMING)) - 1, -1]] = True
    return left


def measure(name: str, whole: pd.Series, left: np.ndarray, models: list[str]) -> Iterator[dict]:
    """MAE on the coming rows, and the coverage there and in the test, of each model."""
    rows = int(len(whole) * (1 - COMING))
    config = ExperimentConfig(horizon=48 if name == "hours" else 28)
    past = forecast.load(whole[:rows][left[:rows]].rename(name))
    experiment = forecast.run(past, models=models, config=config)
    claimed = {scores.model: scores.coverage90 for scores in experiment.scores}
    every = forecast.load(whole[left].rename(name))
    for model in models:
        made = experiment.models[model].backtest(every, first=rows - 1)
        truth = outcomes(whole.to_numpy(), made.origin, horizon=config.horizon)
        known = np.isfinite(truth) & np.isfinite(made.quantiles[..., MEDIAN])
        truth, quantiles = truth[known], made.quantiles[known]
        inside = (quantiles[:, 0] <= truth) & (truth <= quantiles[:, -1])
        error = np.abs(truth - quantiles[:, MEDIAN])
        yield {"model": model, "mae": error.mean(), "coming": inside.mean(), "tested": claimed[model]}


def measure_all(models: list[str], seeds: int, names: list[str]) -> pd.DataFrame:
    """All cases of all series, one row a case, model and seed."""
    found = []
    for name in names:
        for seed in range(seeds):
            whole = SERIES[name](np.random.default_rng(seed))
            cases = [("none", 0.0), *((pattern, share) for share in SHARES for pattern in PATTERNS)]
            for pattern, share in cases:
                left = kept(len(whole), pattern, share, np.random.default_rng(1000 + seed))
                case = {"series": name, "missing": share, "pattern": pattern, "seed": seed}
                found += [{**case, **row} for row in measure(name, whole, left, models)]
                print(f"{name} {seed} {pattern} {share:.0%}", end="\r", flush=True)
    return pd.DataFrame(found)


def table(found: pd.DataFrame) -> pd.DataFrame:
    """Means over the seeds, MAE over that of the same model without holes."""
    base = found[found.pattern == "none"].set_index(["series", "model", "seed"])["mae"]
    ratio = found["mae"] / base.loc[pd.MultiIndex.from_frame(found[["series", "model", "seed"]])].to_numpy()
    shown = found.assign(ratio=ratio, gap=(found.tested - found.coming).abs())
    keys = ["series", "model", "missing", "pattern"]
    return shown.groupby(keys, sort=False)[["ratio", "coming", "tested", "gap"]].mean().reset_index()


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="lstm,linear")
    parser.add_argument("--series", default=",".join(SERIES))
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    found = table(measure_all(args.models.split(","), args.seeds, args.series.split(",")))
    print(found.to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()
