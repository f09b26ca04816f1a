"""How good the network that comes with the package is on series that it never saw, beside statistical models.

    .venv/bin/python benchmarks/zero_shot.py                       the bundled series
    .venv/bin/python benchmarks/zero_shot.py FOLDER...             those of folders, the form of M4 among them
    .venv/bin/python benchmarks/zero_shot.py --fast --out /tmp/zero_shot.md

Each series is forecast from a few origins in its last fifth, 8 by default, one where a folder has the form of M4 (a row
a series, NAME-train.csv and NAME-test.csv). AutoETS, AutoTheta and AutoARIMA of statsforecast are fitted at each origin
to the last 500 rows; --fast leaves them out. Beside them stand the network fine-tuned to the series, and on prices
GJR-GARCH, trained on the rows before the test. Errors are over those of seasonal_naive, or of naive where the series
has no season; on prices the pinball loss is over that of naive, whose intervals are those of historical simulation.
Results go to benchmarks/zero_shot.md.
"""

import argparse
import csv
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import machine
import numpy as np
import pandas as pd

import forecast
from forecast.config import MEDIAN, QUANTILES, ExperimentConfig
from forecast.data.sources import load_all
from forecast.evaluation.run_plan import is_price
from forecast.evaluation.zero_shot_plan import plan_at_once
from forecast.training.train import train_on

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "zero_shot.md"
ROWS, LONGEST_SEASON, LEVELS = 500, 24, (50, 80, 90)
STATISTICAL = ("AutoETS", "AutoTheta", "AutoARIMA")
# What is trained on the series, and what on prices alone.
TRAINED, OF_PRICES = ("finetuned",), ("garch",)
# Values above 0 whose moves can hardly be forecast: their expected size is given.
PRICES, OTHERS = "prices and walks", "other series"


def series_of(folder: Path) -> Iterator[tuple[str, forecast.TimeSeries, int]]:
    """Name, series, and the row before which forecasts of the form of M4 start; 0 for those of other forms."""
    for file in sorted(folder.iterdir()):
        if file.name.endswith("-train.csv"):
            yield from _m4(file)
        elif file.suffix.lower() in (".csv", ".txt", ".xlsx", ".parquet") and not file.name.endswith("-test.csv"):
            yield from ((one.name[:28], one, 0) for one in _read(file))


def _read(file: Path) -> list[forecast.TimeSeries]:
    """The series of a file, three of one with many; none of one that cannot be read."""
    for name in (str(file), f"{file}:*"):
        try:
            return load_all(name)[:3]
        except forecast.ForecastError:
            continue
    return []


def _m4(file: Path) -> Iterator[tuple[str, forecast.TimeSeries, int]]:
    frequency = {"Hourly": "h", "Daily": "D", "Weekly": "W", "Monthly": "MS", "Quarterly": "QS", "Yearly": "YS"}
    kind = file.name.split("-")[0]
    with file.open(newline="") as first, file.with_name(f"{kind}-test.csv").open(newline="") as second:
        for known, coming in zip(list(csv.reader(first))[1:], list(csv.reader(second))[1:], strict=True):
            past, after = ([float(cell) for cell in row[1:] if cell] for row in (known, coming))
            index = pd.date_range("1950-01-01", periods=len(past) + len(after), freq=frequency[kind])
            yield f"M4 {kind}", forecast.load(pd.Series(past + after, index, name=known[0])), len(past)


def tested(series: forecast.TimeSeries, cut: int, origins: int, *, statistics: bool) -> tuple[str, dict, dict, int]:
    """The kind of a series, mean absolute errors and pinball losses by model, seconds by model, and its season."""
    horizon = len(series) - cut if cut else None
    plan = plan_at_once(series, ExperimentConfig(horizon=horizon))
    dataset, made, seconds = plan.dataset, {}, {}
    for name in (*plan.models, *TRAINED, *(OF_PRICES if is_price(series, plan.dataset.config) else ())):
        begun = time.perf_counter()
        with np.errstate(all="ignore"):
            model = train_on([dataset], name)
            (found,) = model.at_origins([dataset])
        made[name], seconds[name] = found, time.perf_counter() - begun
    first, steps, y = int(found.blocks.origin[0]), dataset.config.resolved_horizon, dataset.series.y
    chosen = np.array([cut - 1]) if cut else np.unique(np.linspace(first, len(y) - 1 - steps, origins).astype(int))
    chosen = chosen[np.isfinite(y[chosen]) & (chosen >= first)]
    levels = {name: one.levels[chosen - first] for name, one in made.items()}
    measured = bool(np.isfinite(made["pretrained"].blocks.inputs.log_scale[chosen, 0]).mean() > 0.5)
    if statistics:
        for name in STATISTICAL:
            begun = time.perf_counter()
            levels[name] = np.array([statistical(name, y[: row + 1], dataset.config, steps) for row in chosen])
            seconds[name] = (time.perf_counter() - begun) / max(len(chosen), 1)
    actual = y[chosen[:, None] + np.arange(1, steps + 1)]
    usual = float(np.nanmean(np.abs(np.diff(y[:cut])))) if cut else float("nan")
    found = {"actual": actual, "seconds": seconds, "usual": usual}
    return PRICES if measured else OTHERS, levels, found, dataset.config.season or 1


def statistical(name: str, y: np.ndarray, config: ExperimentConfig, steps: int) -> np.ndarray:
    """Quantiles (H, Q) of a model of statsforecast."""
    from statsforecast import models

    known = pd.Series(y[-ROWS:]).ffill().bfill().to_numpy()
    season = config.season if config.season and config.season <= LONGEST_SEASON else 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            made = getattr(models, name)(season_length=season).fit(known).predict(steps, level=list(LEVELS))
        except (ValueError, ZeroDivisionError, np.linalg.LinAlgError, IndexError):
            return np.repeat(known[-1], steps)[:, None] + np.zeros(len(QUANTILES))
    low = [made[f"lo-{level}"] for level in reversed(LEVELS)]
    return np.stack([*low, made["mean"], *(made[f"hi-{level}"] for level in LEVELS)], axis=1)


def losses(quantiles: np.ndarray, actual: np.ndarray) -> tuple[float, float]:
    """Mean absolute error of the median, and mean pinball loss."""
    error = actual[..., None] - quantiles
    levels = np.array(QUANTILES)
    pinball = np.maximum(levels * error, (levels - 1) * error)
    return float(np.nanmean(np.abs(error[..., MEDIAN]))), float(np.nanmean(pinball))


def ratios(levels: dict, found: dict, reference: str) -> dict[str, tuple[float, float]]:
    """Absolute error and pinball loss of each model over those of the reference."""
    scores = {name: losses(one, found["actual"]) for name, one in levels.items()}
    base = scores[reference]
    return {
        name: tuple(float(a / b) if b > 0 else 1.0 for a, b in zip(one, base, strict=True))
        for name, one in scores.items()
    }


def main() -> None:
    """Test every series and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--origins", type=int, default=8)
    parser.add_argument("--most", type=int, default=40, help="series of one file in the form of M4")
    parser.add_argument("--fast", action="store_true", help="without statsforecast")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    rows, count = [], defaultdict(int)
    for folder in options.folders or [ROOT / "data"]:
        for name, series, cut in series_of(folder):
            count[name] += 1
            if cut and count[name] > options.most:
                continue
            try:
                kind, levels, found, season = tested(series, cut, options.origins, statistics=not options.fast)
            except forecast.ForecastError as error:
                print(f"{name}: left out. {error}")
                continue
            reference = "naive" if kind == PRICES or season == 1 else "seasonal_naive"
            mase = {model: losses(one, found["actual"])[0] / found["usual"] for model, one in levels.items()}
            rows.append((name, kind, len(series), season, ratios(levels, found, reference), found["seconds"], mase))
            shown = {model: tuple(round(part, 3) for part in pair) for model, pair in rows[-1][4].items()}
            print(name, kind, season, shown, flush=True)
            options.out.write_text(report(rows), encoding="utf-8")


def report(rows: list) -> str:
    """The tables in Markdown."""
    lines = ["# Zero-shot", "", f"`benchmarks/zero_shot.py`; {machine.describe()}.", ""]
    for kind, what in ((OTHERS, "seasonal_naive"), (PRICES, "naive")):
        chosen = [row for row in rows if row[1] == kind]
        if not chosen:
            continue
        models = [name for name in (*STATISTICAL, *OF_PRICES, "pretrained", *TRAINED, "naive") if name in chosen[0][4]]
        lines += [f"## {kind.capitalize()}", "", f"MAE / pinball loss over {what}, geometric mean of several series."]
        lines += ["", f"| series | number | season | {' | '.join(models)} |", f"|{'---|' * (3 + len(models))}"]
        for name in [*dict.fromkeys(row[0] for row in chosen), "all"]:
            those = [row for row in chosen if name in (row[0], "all")]
            cells = [mean_of([row[4][model] for row in those if model in row[4]]) for model in models]
            season = those[0][3] if name != "all" else ""
            lines.append(f"| {name} | {len(those)} | {season} | {' | '.join(cells)} |")
        worst = max(row[4]["pretrained"][0] for row in chosen)
        lines += ["", f"The largest MAE of `pretrained` on one of them: {worst:.2f}.", ""]
    if scaled := [row[6] for row in rows if np.isfinite(row[6]["naive"])]:
        models = [name for name in (*STATISTICAL, "pretrained", *TRAINED, "naive") if name in scaled[0]]
        means = ", ".join(f"{model} {np.mean([one[model] for one in scaled]):.3f}" for model in models)
        lines += [f"## The form of M4, {len(scaled)} series", "", f"Mean MASE, as in the competition: {means}.", ""]
    every = dict.fromkeys(model for row in rows for model in row[5])
    taken = {model: np.mean([row[5][model] for row in rows if model in row[5]]) for model in every}
    words = ", ".join(f"{model} {one:.2f} s" for model, one in taken.items())
    lines += ["## Time", "", f"A series: {words} (those of statsforecast an origin, the others for the whole test)."]
    return "\n".join([*lines, ""])


def mean_of(pairs: list[tuple[float, float]]) -> str:
    """Geometric means of both ratios."""
    return " / ".join(f"{np.exp(np.mean(np.log(np.maximum(part, 1e-3)))):.3f}" for part in zip(*pairs, strict=True))


if __name__ == "__main__":
    main()
