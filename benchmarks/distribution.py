"""How good the forecast distribution is on daily prices, beside historical simulation and GJR-GARCH. Offline.

    .venv/bin/python benchmarks/distribution.py                         the bundled prices, models lstm and naive
    .venv/bin/python benchmarks/distribution.py FOLDER --models lstm    every daily price file of a folder
    .venv/bin/python benchmarks/distribution.py FOLDER --keep DIR       references and models kept from run to run

Default settings but for the horizon, 1 to 30 steps, at every origin of the last fifth. Pinball loss of the 5, 50 and
95 % quantiles of the log moves, over that of

- historical simulation: quantiles of all h-step log moves that are known at the origin;
- GJR-GARCH(1, 1) with Student's t, fitted before the test by `arch`, with filtered historical simulation.

`raw` is the model's own distribution, `final` the one that is shown, after shrinkage and calibration. Results go to
benchmarks/distribution.md.
"""

import argparse
import hashlib
import os
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import machine
import numpy as np
from arch import arch_model

import forecast
from forecast.config import MEDIAN
from forecast.data.windows import outcomes
from forecast.inference.adaptation import levels_of

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "distribution.md"
LEVELS, CHOSEN = np.array([0.05, 0.50, 0.95]), [0, MEDIAN, -1]
HORIZON, ROWS, DRAWS, HALF_LIFE = 30, 1200, 1000, 25
COLUMNS = ("1..30 / HS", "h1 / HS", "1..30 / GARCH", "h1 / GARCH", "in 90 %", "calm", "usual", "wild")
COLUMNS += ("MAE/naive", "h1", "h30", "bend of width [%]")


def daily_prices(folder: Path) -> list[forecast.TimeSeries]:
    """Every positive daily series of at least ROWS rows."""
    found = []
    for file in sorted(folder.rglob("*.csv")):
        try:
            series = forecast.load(file)
        except forecast.ForecastError:
            continue
        known = series.y[np.isfinite(series.y)]
        if len(known) >= ROWS and known.min() > 0 and series.frequency in ("B", "D"):
            found.append(series)
    return found


def log_of(series: forecast.TimeSeries) -> np.ndarray:
    """The logarithm of the prices; a missing one is the one before."""
    rows = np.where(np.isfinite(series.y), np.arange(len(series.y)), 0)
    return np.log(series.y[np.maximum.accumulate(rows)])


def historical(log: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Quantiles of all log moves over h rows that are known at each origin, shape (N, H, 3)."""
    found = np.empty((len(origin), HORIZON, len(LEVELS)))
    for h in range(1, HORIZON + 1):
        moves = log[h:] - log[:-h]
        known = np.sort(moves[: origin[0] + 1 - h])
        for place, row in enumerate(origin):
            if place:
                new = moves[row - h]
                known = np.insert(known, np.searchsorted(known, new), new)
            at = LEVELS * (len(known) - 1)
            low = at.astype(int)
            found[place, h - 1] = known[low] + (at - low) * (known[np.minimum(low + 1, len(known) - 1)] - known[low])
    return found


def gjr_garch(log: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Quantiles of GJR-GARCH-t paths whose shocks are drawn from past standardised residuals, shape (N, H, 3).

    GARCH where the estimation with leverage ends in a variance below 0.
    """
    found = _garch_paths(log, origin, leverage=1)
    return found if np.isfinite(found).all() else _garch_paths(log, origin, leverage=0)


def _garch_paths(log: np.ndarray, origin: np.ndarray, *, leverage: int) -> np.ndarray:
    first, returns = int(origin[0]), 100 * np.diff(log)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = arch_model(returns[:first], p=1, o=leverage, q=1, dist="t", mean="Zero").fit(disp="off").params
    omega, alpha, gamma, beta = (float(fitted.get(name, 0)) for name in ("omega", "alpha[1]", "gamma[1]", "beta[1]"))
    variance = np.empty(len(returns) + 1)
    variance[0] = returns[:first].var()
    for row, move in enumerate(returns):
        variance[row + 1] = max(omega + (alpha + gamma * (move < 0)) * move**2 + beta * variance[row], 0.0)
    with np.errstate(all="ignore"):
        shocks = (returns / np.sqrt(variance[:-1]))[200:first]
        drawn = shocks[np.random.default_rng(0).integers(0, len(shocks), (HORIZON, DRAWS))]
        now, path = np.repeat(variance[origin][:, None], DRAWS, axis=1), np.zeros((len(origin), DRAWS))
        found = np.empty((len(origin), HORIZON, len(LEVELS)))
        for step in range(HORIZON):
            shock = np.sqrt(now) * drawn[step]
            path += shock
            now = omega + (alpha + gamma * (shock < 0)) * shock**2 + beta * now
            found[:, step] = np.quantile(path, LEVELS, axis=1).T
    return found / 100


def volatility(log: np.ndarray) -> np.ndarray:
    """Exponentially smoothed absolute log moves, by which days are called calm, usual or wild, shape (T,)."""
    size, keep = np.abs(np.diff(log, prepend=log[0])), 0.5 ** (1 / HALF_LIFE)
    found, state = np.empty(len(size)), size[1:60].mean()
    for row, one in enumerate(size):
        state = keep * state + (1 - keep) * one
        found[row] = state
    return found


def pinball(quantiles: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Mean loss of the three quantiles of each move, shape (N, H); NaN where the move is not known."""
    error = moves[..., None] - quantiles
    return np.maximum(LEVELS * error, (LEVELS - 1) * error).mean(axis=-1)


def references(series: forecast.TimeSeries, origin: np.ndarray, keep: Path | None) -> dict[str, np.ndarray]:
    """Both references at the origins; kept on disk, because they take longer than the models."""
    log = log_of(series)
    file = keep / f"{hashlib.sha256(log.tobytes() + origin.tobytes()).hexdigest()[:16]}.npz" if keep else None
    if file and file.exists():
        return dict(np.load(file))
    found = {"historical": historical(log, origin), "garch": gjr_garch(log, origin)}
    if file:
        np.savez(file, **found)
    return found


def forecasts(series: forecast.TimeSeries, model: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Origins, and log moves of the chosen quantiles by name, each of shape (N, H, 3)."""
    trained = forecast.train(series, model, forecast.ExperimentConfig(horizon=HORIZON))
    (found,) = trained.at_origins([series])
    raw = levels_of(found.raw, found.blocks, found.dataset.series, found.scaler)
    last = found.last_value[:, None, None]
    smallest = 1e-6 * last
    named = {f"{model} raw": raw, f"{model} final": found.levels}
    return found.blocks.origin, {name: np.log(np.maximum(q[..., CHOSEN], smallest) / last) for name, q in named.items()}


def row_of(
    quantiles: np.ndarray, log: np.ndarray, moves: np.ndarray, origin: np.ndarray, losses: dict[str, np.ndarray]
) -> list[float]:
    """The figures of COLUMNS for one model on one series."""
    known = np.isfinite(moves)
    loss = pinball(quantiles, moves)
    found = [
        np.nanmean(loss[:, steps]) / np.nanmean(losses[name][:, steps])
        for name in ("historical", "garch")
        for steps in (slice(None), slice(0, 1))
    ]
    inside = (moves >= quantiles[..., 0]) & (moves <= quantiles[..., 2])
    third = np.argsort(np.argsort(volatility(log)[origin])) * 3 // len(origin)
    found.append(inside[known].mean())
    found += [inside[third == k][known[third == k]].mean() for k in range(3)]
    price = np.exp(log[origin])[:, None]
    error, naive = np.abs(price * (np.exp(moves) - np.exp(quantiles[..., 1]))), np.abs(price * (np.exp(moves) - 1))
    for steps in (slice(None), slice(0, 1), slice(-1, None)):
        found.append(np.nanmean(error[:, steps]) / np.nanmean(naive[:, steps]))
    width = price * (np.exp(quantiles[..., 2]) - np.exp(quantiles[..., 0]))
    found.append(100 * np.nanmean(np.abs(np.diff(width, 2, axis=1))) / np.nanmean(width))
    return [float(value) for value in found]


def measure(several: list[forecast.TimeSeries], models: list[str], keep: Path | None) -> dict[str, list[list[float]]]:
    """The figures of every model on every series, by name of the forecast."""
    rows: dict[str, list[list[float]]] = {}
    for series in several:
        log, named = log_of(series), {}
        for model in models:
            origin, found = forecasts(series, model)
            named |= found
        known = references(series, origin, keep)
        named |= {"GJR-GARCH": known["garch"], "historical": known["historical"]}
        y = np.log(series.y)
        moves = outcomes(y, origin, horizon=HORIZON) - y[origin][:, None]
        losses = {name: pinball(quantiles, moves) for name, quantiles in known.items()}
        if keep:
            file = keep / f"{len(rows.get(next(iter(named)), ())):03d}.npz"
            np.savez(file, log=log, origin=origin, **named)
        for name, quantiles in named.items():
            rows.setdefault(name, []).append(row_of(quantiles, log, moves, origin, losses))
        print(f"{series.name[:40]:40s}", *(f"{name} {rows[name][-1][0]:.3f}" for name in named), flush=True)
    return rows


def table(rows: dict[str, list[list[float]]]) -> str:
    """The mean over the series of each column, and the worst series, in Markdown."""
    lines = ["| | " + " | ".join((*COLUMNS, "worst / HS")) + " |", "|---" * (len(COLUMNS) + 2) + "|"]
    for name, found in rows.items():
        means, worst = np.mean(found, axis=0), max(one[0] for one in found)
        lines.append(f"| {name} | " + " | ".join(f"{value:.3f}" for value in (*means, worst)) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "data")
    parser.add_argument("--models", default="lstm,naive")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    several = daily_prices(options.folder)
    rows = measure(several, options.models.split(","), options.keep)
    text = table(rows)
    print(f"\n{len(several)} series\n\n{text}")
    head = f"# The forecast distribution on daily prices\n\n{machine.describe()}\n\n`benchmarks/distribution.py`, "
    options.out.write_text(f"{head}{len(several)} series.\n\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
