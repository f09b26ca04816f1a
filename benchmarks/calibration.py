"""Which way to let the widths of intervals follow what came does good, and which does harm. Offline.

    .venv/bin/python benchmarks/calibration.py                      the bundled series
    .venv/bin/python benchmarks/calibration.py FOLDER               every price and other series of a folder, too

The distribution of `linear` before any calibration, at every origin of the last fifth, default settings, is stretched
around its median, below and above it, step by step, by

- none: nothing, `raw` in the table being the model's own distribution, before shrinkage too;
- split: what the validation rows ask for, and no more (Romano, Patterson and Candès 2019);
- follow: from there by hits and misses: `forecast/inference/conformal.py`;
- AgACI and DtACI: adaptive conformal inference with several rates, weighted by their losses (Zaffran et al. 2022; Gibbs
  and Candès 2024), on the quantiles of the last 250 scores;
- PID: quantile tracking with an integrator (Angelopoulos, Candès and Tibshirani 2023);
- ECI: tracking by the size of the error as well (Wu et al. 2025).

Scores are distances from the median in half-widths of the 90 % interval; only outcomes known at an origin count.
`final` is what the package does. Results go to benchmarks/calibration.md.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import machine
import numpy as np
from distribution import ROOT, volatility

import forecast
from forecast.config import QUANTILES
from forecast.inference import conformal, shrinkage

RESULTS = ROOT / "benchmarks" / "calibration.md"
OTHERS = ("data/sea_temperature.csv", "data/shop_sales.csv:Sales")
ROWS, MOST_ORIGINS, MISSES, WIDEST = 300, 2000, QUANTILES[0], 3.0
RATES = np.array([0.001, 0.004, 0.016, 0.064, 0.128])
WINDOW, FEWEST = 250, 50
COLUMNS = ("CRPS / none", "in 90 %", "calm", "usual", "wild", "path of the width [% a row]")
# From scores (N, H, 2), NaN where not known, and the factors of the validation rows (H, 2) to factors (N, H, 2).
Method = Callable[[np.ndarray, np.ndarray], np.ndarray]


def known_at(scores: np.ndarray, row: int) -> tuple[np.ndarray, np.ndarray]:
    """The scores that become known at a row, shape (k, 2), and the rows that they were forecast from (k,)."""
    steps = np.arange(min(row, scores.shape[1]))
    return scores[row - 1 - steps, steps], row - 1 - steps


def tracked(scores: np.ndarray, start: np.ndarray, *, by_size: bool) -> np.ndarray:
    """Quantile tracking, with an integrator (PID) or by the size of the error (ECI); rates in shares of recent scores.

    PID: q + rate (miss - alpha), and tan(log(n + 1) / (n + 1) * sum of (miss - alpha)) on top, n outcomes so far.
    ECI: q + rate (miss - alpha + d f'(d)), d = score - q, f the logistic function; the last term only where d is
    larger than the range of the scores so far, as in the variant with a cutoff.
    """
    found, state = np.empty_like(scores), start.copy()
    total, count, highest = np.zeros_like(start), np.zeros_like(start), np.zeros_like(start)
    for row in range(len(scores)):
        new, earlier = known_at(scores, row)
        steps = np.arange(len(new))
        used = np.isfinite(new)
        error = np.where(used, (new > found[earlier, steps]) - MISSES, 0.0)
        if by_size:
            apart = np.where(used, new - found[earlier, steps], 0.0)
            bent = 1 / (1 + np.exp(-apart))
            error = error + np.where(np.abs(apart) > highest[: len(new)], apart * bent * (1 - bent), 0.0)
            highest[: len(new)] = np.fmax(highest[: len(new)], new)
        state[: len(new)] += 0.05 * start[: len(new)] * error
        total[: len(new)] += error
        count[: len(new)] += used
        more = 0.0 if by_size else np.tan(np.clip(total * np.log1p(count) / (5 * (count + 1)), -1.4, 1.4))
        found[row] = np.clip(state + 0.3 * more, 1 / WIDEST, WIDEST)
    return found


def adaptive(scores: np.ndarray, start: np.ndarray, *, aggregate: str) -> np.ndarray:
    """Adaptive conformal inference with several rates: alpha + rate (alpha wanted - miss), weighted by past losses.

    AgACI weights the quantiles of the rates by their pinball losses, DtACI their alphas by the losses of these.
    """
    rows, horizon, _ = scores.shape
    found = np.empty_like(scores)
    alphas = np.full((horizon, 2, len(RATES)), MISSES)
    losses, squares = np.zeros_like(alphas), np.full_like(alphas, 1e-12)
    said = np.empty((rows, *alphas.shape))
    levels, past = np.empty((rows, *alphas.shape)), np.full((horizon, 2, WINDOW), np.nan)
    for row in range(rows):
        new, earlier = known_at(scores, row)
        steps = np.arange(len(new))
        if len(new):
            used = np.isfinite(new)[..., None]
            before, level = said[earlier, steps], levels[earlier, steps]
            gap = new[..., None] - before
            if aggregate == "AgACI":
                lost = np.maximum((1 - MISSES) * gap, -MISSES * gap)
            else:
                beta = np.nan_to_num(np.nanmean(past[: len(new)] >= new[..., None], axis=-1))[..., None]
                lost = np.maximum(MISSES * (beta - level), (MISSES - 1) * (beta - level))
            lost = np.where(used, lost, 0.0)
            losses[: len(new)] += lost
            squares[: len(new)] += lost**2
            alphas[: len(new)] += np.where(used, RATES * (MISSES - (gap > 0)), 0.0)
            past[steps, :, (row - 1) % WINDOW] = new
        weight = np.exp(-np.sqrt(8 / squares) * (losses - losses.min(axis=-1, keepdims=True)))
        weight /= weight.sum(axis=-1, keepdims=True)
        levels[row] = alphas
        count = np.isfinite(past).sum(axis=-1)
        ordered = np.sort(past, axis=-1)
        said[row] = quantile_of(ordered, count, 1 - alphas, start)
        if aggregate == "AgACI":
            found[row] = (weight * said[row]).sum(axis=-1)
        else:
            found[row] = quantile_of(ordered, count, 1 - (weight * alphas).sum(axis=-1, keepdims=True), start)[..., 0]
    return np.clip(found, 1 / WIDEST, WIDEST)


def quantile_of(ordered: np.ndarray, count: np.ndarray, levels: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Quantiles (H, 2, G) at levels (H, 2, G) of the first `count` of ordered scores (H, 2, W); `start` while few."""
    place = np.clip(np.ceil(levels * (count[..., None] + 1)) - 1, 0, np.maximum(count[..., None] - 1, 0)).astype(int)
    found = np.take_along_axis(np.nan_to_num(ordered, nan=WIDEST), place, axis=-1)
    found = np.where(levels >= 1, WIDEST, np.where(levels <= 0, 1 / WIDEST, found))
    return np.where(count[..., None] >= FEWEST, found, start[..., None])


METHODS: dict[str, Method] = {
    "none": lambda scores, start: np.ones_like(scores),  # noqa: ARG005
    "split": lambda scores, start: np.broadcast_to(start, scores.shape),
    "AgACI": lambda scores, start: adaptive(scores, start, aggregate="AgACI"),
    "DtACI": lambda scores, start: adaptive(scores, start, aggregate="DtACI"),
    "PID": lambda scores, start: tracked(scores, start, by_size=False),
    "ECI": lambda scores, start: tracked(scores, start, by_size=True),
}


def measure(series: forecast.TimeSeries) -> tuple[bool, dict[str, list[float]]]:
    """Whether a series is measured by expected moves, as prices are, and the figures of COLUMNS by method."""
    trained = forecast.train(series, "linear")
    (found,) = trained.at_origins([series])
    found = found.after(max(int(found.blocks.origin[0]), len(series) - MOST_ORIGINS))
    parts = shrinkage.Parts(found.base, found.linear[..., None], found.network)
    quantiles, y = np.sort(shrinkage.shrink(parts, found.factors), axis=-1), found.blocks.y[:, 0]
    scores = np.where(np.isfinite(y)[..., None], conformal.scores_of(quantiles, y), np.nan)
    start = trained.trained_on[0].log_scale
    named = {name: np.log(method(scores, np.exp(start))) for name, method in METHODS.items()}
    named["follow"] = conformal.follow(quantiles, y, start)
    every = {name: conformal.stretch(quantiles, scale) for name, scale in named.items()}
    every |= {"raw": found.raw, "final": conformal.stretch(quantiles, found.log_scales)}
    size = np.argsort(np.argsort(volatility(series.known_y)[found.blocks.origin])) * 3 // len(y)
    rows = {name: figures(one, y, size) for name, one in every.items()}
    least = rows["none"][0]
    return bool((found.log_scales == 0).all()), {name: [row[0] / least, *row[1:]] for name, row in rows.items()}


def figures(quantiles: np.ndarray, y: np.ndarray, third: np.ndarray) -> list[float]:
    """CRPS, coverage of the 90 % interval, also by terciles of volatility, and the mean change of the log width."""
    levels, known = np.array(QUANTILES), np.isfinite(y)
    error = y[..., None] - quantiles
    inside = (y >= quantiles[..., 0]) & (y <= quantiles[..., -1])
    width = np.log(np.maximum(quantiles[..., -1] - quantiles[..., 0], 1e-9))
    parts = [inside[third == k][known[third == k]].mean() for k in range(3)]
    loss = np.nanmean(np.maximum(levels * error, (levels - 1) * error))
    return [float(value) for value in (loss, inside[known].mean(), *parts, 100 * np.abs(np.diff(width, axis=0)).mean())]


def every_series(folder: Path | None) -> list[forecast.TimeSeries]:
    """The bundled series, and those of a folder that have rows enough."""
    files = [ROOT / "data" / "sp500.csv", ROOT / "data" / "nasdaq.csv", *(ROOT / name for name in OTHERS)]
    if folder:
        files = [*map(str, sorted(folder.rglob("*.csv"))), *map(str, files[2:])]
    found = []
    for file in files:
        try:
            series = forecast.load(str(file))
        except forecast.ForecastError:
            continue
        if len(series) >= ROWS and series.grid.is_regular:
            found.append(series)
    return found


def table(rows: list[dict[str, list[float]]]) -> str:
    """Means over the series, and the worst series by CRPS, in Markdown."""
    lines = ["| | " + " | ".join((*COLUMNS, "worst CRPS / none")) + " |", "|---" * (len(COLUMNS) + 2) + "|"]
    for name in rows[0]:
        found = np.array([row[name] for row in rows])
        values = (*found.mean(axis=0), found[:, 0].max())
        lines.append(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    measured: dict[bool, list[dict[str, list[float]]]] = {True: [], False: []}
    for series in every_series(options.folder):
        try:
            walks, rows = measure(series)
        except forecast.ForecastError as error:
            print(f"{series.name[:40]:40s} left out: {error}")
            continue
        measured[walks].append(rows)
        print(f"{series.name[:40]:40s}", walks, *(f"{name} {row[0]:.3f}" for name, row in rows.items()), flush=True)
    kinds = {True: "measured by expected moves (prices)", False: "others"}
    text = "\n\n".join(
        f"{len(rows)} series {kinds[walks]}\n\n{table(rows)}" for walks, rows in measured.items() if rows
    )
    print(f"\n{text}")
    head = f"# Calibration of the intervals\n\n{machine.describe()}\n\n`benchmarks/calibration.py`, `linear`.\n\n"
    options.out.write_text(f"{head}{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
