"""Whether a model forecasts series that it never saw as well as one that was trained on each of them.

    .venv/bin/python benchmarks/transfer.py FILE... [--hold 3] [--horizon 30]

The series, in the order of their names, are held out in turns, `--hold` at a time: one model is trained on all others
and forecasts the test rows of those; beside it stand models of each by itself. Errors are mean absolute ones over all
test origins and steps. Results go to benchmarks/transfer.md. Series of the same days rise and fall together, so a model
of others has seen something of the days that it is tested on where their training rows reach so far.
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import machine
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "transfer.md"
sys.path.insert(0, str(ROOT))

from forecast.config import ExperimentConfig, override  # noqa: E402
from forecast.data.series import TimeSeries  # noqa: E402
from forecast.data.sources import load_all  # noqa: E402
from forecast.evaluation.holdout import test  # noqa: E402
from forecast.training.train import train  # noqa: E402


def rotations(several: list[TimeSeries], hold: int) -> list[list[TimeSeries]]:
    """The series that are held out together: every k-th by name, so that neighbours in a file are apart."""
    ordered = sorted(several, key=lambda series: series.name)
    count = len(ordered) // hold
    return [ordered[first::count] for first in range(count)]


def compare(several: list[TimeSeries], hold: int, model: str, config: ExperimentConfig) -> list[dict]:
    """For each series held out: MAE over that of naive, by the model of the others and by its own."""
    rows = []
    for held in rotations(several, hold):
        others = [series for series in several if series not in held]
        common = train(others, model, config)
        for series in held:
            own = test(train(series, model, config), series)[0]
            row = {"series": series.name, "rows": len(series), "first": f"{series.index[0]:%Y-%m-%d}"}
            row |= {"last": f"{series.index[-1]:%Y-%m-%d}", "others": test(common, series)[0].mae_vs_naive}
            rows.append(row | {"own": own.mae_vs_naive, "seen": len(others)})
            print(json.dumps(rows[-1]), flush=True)
    return rows


def page(command: str, rows: list[dict]) -> str:
    """The results as Markdown."""
    ratios = np.array([row["others"] / row["own"] for row in rows])
    change = [100 * (float(ratio) - 1) for ratio in (ratios.mean(), ratios.min(), ratios.max())]
    table = [
        f"| {row['series']} | {row['rows']:,}, {row['first']} to {row['last']} | {row['seen']} | {row['own']:.4f} | "
        f"{row['others']:.4f} | {100 * (ratio - 1):+.2f} |"
        for row, ratio in zip(rows, ratios, strict=True)
    ]
    return "\n".join(
        [
            "# Series that a model never saw",
            "",
            f"Written by `{command}` on {datetime.now(UTC):%Y-%m-%d}. Not edited by hand.",
            "",
            f"- Machine: {machine.describe()}.",
            f"- The error on series that the model never saw is {change[0]:+.2f} % that of a model trained on each of "
            f"them, on average (from {change[1]:+.2f} to {change[2]:+.2f} %).",
            "",
            "| series held out | rows | others | MAE / naive, own model | MAE / naive, never seen | change [%] |",
            "|---|---|---|---|---|---|",
            *table,
            "",
        ]
    )


def main() -> None:
    """Reads, compares, writes."""
    parser = argparse.ArgumentParser(description="Compares a model of other series with one of each by itself.")
    parser.add_argument("files", nargs="+", help="As for forecast train: FILE, FILE:NAME, FILE:*.")
    parser.add_argument("--hold", type=int, default=3)
    parser.add_argument("--horizon", type=int, default=30)
    parser.add_argument("--model", default="lstm")
    options = parser.parse_args()
    several = [series for file in options.files for series in load_all(file)]
    config = override(ExperimentConfig(), {"horizon": options.horizon})
    rows = compare(several, options.hold, options.model, config)
    words = f"--hold {options.hold} --horizon {options.horizon} --model {options.model}"
    RESULTS.write_text(page(f".venv/bin/python benchmarks/transfer.py FILE... {words}", rows))


if __name__ == "__main__":
    main()
